/** Drives a running network as users do, and measures what became of it. */
import { headOf, operatorsPage } from "@mvm/l1";
import { SYSTEM } from "@mvm/protocol";
import { toQuantity } from "ethers";
import {
  type DeniedDeployment,
  type DeniedSender,
  probeDeployment,
  probeSender,
  probeTax,
  type TaxedTransfer,
} from "./charterProbes.ts";
import type { CharterKind } from "./charters.ts";
import { type Fit, fitToShares } from "./chiSquare.ts";
import { growTo, transferTokens } from "./erc20User.ts";
import { rebuild } from "./rebuildProcess.ts";
import type { Testnet, TestnetDac } from "./testnet.ts";
import { until } from "./until.ts";

const TRANSFERS = 1_000;
const POSTED_TIMEOUT_MS = 120_000;

export type SmokeReport = {
  readonly ok: boolean;
  readonly readyMs: number;
  readonly dacs: number;
  readonly blocks: number;
  readonly l2Transactions: number;
  readonly transfers: number;
  readonly balancesRight: boolean;
  readonly batchesOnL1: number;
  readonly batchesByDac: Readonly<Record<string, number>>;
  readonly blocksByProvider: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly providerFit: Fit;
  readonly rebuiltRootMatches: boolean;
  readonly l1GasPerTransaction: number;
  /** kind of charter by label */
  readonly charters: Readonly<Record<string, CharterKind>>;
  /** what the charters showed; null where no DAC has such a charter */
  readonly deniedDeployment: DeniedDeployment | null;
  readonly deniedSender: readonly DeniedSender[];
  readonly taxedTransfer: TaxedTransfer | null;
};

type DacReport = {
  readonly transactions: number;
  readonly transfers: number;
  readonly balancesRight: boolean;
  readonly blocks: number;
  readonly batches: number;
  readonly byProvider: Readonly<Record<string, number>>;
  readonly rootMatches: boolean;
};

/** L2 transactions, deposits included, calls of the system not, and who produced what, of the blocks 1 .. last. */
async function countBlocks(
  testnet: Testnet,
  dac: TestnetDac,
  last: number,
): Promise<{ transactions: number; byProvider: Record<string, number> }> {
  const provider = testnet.providerOf(dac);
  const byProvider: Record<string, number> = {};
  let transactions = 0;
  for (let number = 1; number <= last; number++) {
    const block = (await provider.send("eth_getBlockByNumber", [toQuantity(number), true])) as {
      transactions: { from: string }[];
    };
    const context = (await provider.send("mvm_getBlockContext", [toQuantity(number)])) as { providers: string[] };
    transactions += block.transactions.filter(({ from }) => from !== SYSTEM).length;
    for (const index of context.providers) {
      const name = `provider-${Number(index)}`;
      byProvider[name] = (byProvider[name] ?? 0) + 1;
    }
  }
  provider.destroy();
  return { transactions, byProvider };
}

async function driveDac(
  testnet: Testnet,
  dac: TestnetDac,
  { transfers, blocks }: { readonly transfers: number; readonly blocks: number },
): Promise<DacReport> {
  const provider = testnet.providerOf(dac);
  const { receipts, balancesRight } = await transferTokens({
    provider,
    user: testnet.user,
    senders: testnet.senders,
    chainId: BigInt(dac.chainId),
    transfers,
  });
  const grown = await growTo(blocks, { provider, user: testnet.user });
  const lastBlock = Math.max(grown, ...receipts.map((receipt) => receipt.blockNumber));
  await until(`the batches of ${dac.label} on L1`, POSTED_TIMEOUT_MS, async () => {
    const safe = (await provider.send("eth_getBlockByNumber", ["safe", false])) as { number: string };
    return Number(safe.number) >= lastBlock;
  });
  const rebuilt = await rebuild(testnet, dac.label);
  const block = (await provider.send("eth_getBlockByNumber", [toQuantity(rebuilt.blocks), false])) as {
    hash: string;
    stateRoot: string;
  };
  const { nextIndex } = await headOf(testnet.l1Reader, dac.chainId);
  const counted = await countBlocks(testnet, dac, rebuilt.blocks);
  provider.destroy();
  const rootMatches =
    rebuilt.blocks >= lastBlock && block.hash === rebuilt.blockHash && block.stateRoot === rebuilt.stateRoot;
  return {
    ...counted,
    transfers: receipts.length,
    balancesRight,
    blocks: rebuilt.blocks,
    batches: Number(nextIndex),
    rootMatches,
  };
}

/** Gas that all batches of a DAC took on L1. */
async function batchGas(testnet: Testnet): Promise<bigint> {
  const { provider } = testnet.anvil;
  const logs = await provider.getLogs({ address: testnet.contracts.rollupChain, fromBlock: 0, toBlock: "latest" });
  const hashes = new Set(logs.map((log) => log.transactionHash));
  let gas = 0n;
  for (const hash of hashes) gas += (await provider.getTransactionReceipt(hash))?.gasUsed ?? 0n;
  return gas;
}

/** Tries each charter; one after the other, for all use the same accounts. */
async function probeCharters(
  testnet: Testnet,
): Promise<Pick<SmokeReport, "charters" | "deniedDeployment" | "deniedSender" | "taxedTransfer">> {
  const { dacs } = testnet;
  const having = (kind: CharterKind): readonly TestnetDac[] => dacs.filter(({ charter }) => charter === kind);
  const [deployers] = having("deployers");
  const deniedDeployment = deployers === undefined ? null : await probeDeployment(testnet, deployers);
  const taxedTransfer = deployers === undefined ? null : await probeTax(testnet, deployers);
  const deniedSender: DeniedSender[] = [];
  for (const dac of [...having("members"), ...having("blacklist")]) deniedSender.push(await probeSender(testnet, dac));
  const charters = Object.fromEntries(dacs.map(({ label, charter }) => [label, charter]));
  return { charters, deniedDeployment, deniedSender, taxedTransfer };
}

/** Whether what the charters showed is what they say. */
function chartersHold({ deniedDeployment, deniedSender, taxedTransfer }: Awaited<ReturnType<typeof probeCharters>>) {
  const deployment =
    deniedDeployment === null ||
    (deniedDeployment.error === "PermissionDenied" && deniedDeployment.receiptStatus === 0);
  const senders = deniedSender.every(({ error, opcode }) => error === "PermissionDenied" && opcode === "0xc0");
  const tax =
    taxedTransfer === null || (taxedTransfer.taxWei !== "0" && taxedTransfer.taxWei === taxedTransfer.taxOnWei);
  return deployment && senders && tax;
}

/** @param blocks that all DACs together get at the least */
export async function smoke(
  testnet: Testnet,
  { readyMs, blocks }: { readonly readyMs: number; readonly blocks: number },
): Promise<SmokeReport> {
  const share = (whole: number): number => Math.ceil(whole / testnet.dacs.length);
  const shares = { transfers: share(TRANSFERS), blocks: share(blocks) };
  const reports = await Promise.all(
    testnet.dacs.map(async (dac) => [dac.label, await driveDac(testnet, dac, shares)] as const),
  );
  const all = reports.map(([, report]) => report);
  const pick = <T>(choose: (report: DacReport) => T): Record<string, T> =>
    Object.fromEntries(reports.map(([label, report]) => [label, choose(report)]));
  const sum = (choose: (report: DacReport) => number): number =>
    all.reduce((total, report) => total + choose(report), 0);
  const reader = { transport: testnet.anvil.provider, addresses: testnet.contracts };
  const providers = await operatorsPage(reader, "provider", 0n);
  const counts = providers.map((_, index) => sum((report) => report.byProvider[`provider-${index}`] ?? 0));
  const stakes = providers.map(({ account }) => testnet.nodes.find(({ operator }) => operator === account)!.stakeMT);
  const l2Transactions = sum((report) => report.transactions);
  const balancesRight = all.every((report) => report.balancesRight);
  const rebuiltRootMatches = all.every((report) => report.rootMatches);
  const transfers = sum((report) => report.transfers);
  const probed = await probeCharters(testnet);
  const everyBatch = all.every((report) => report.batches >= 1);
  return {
    ok:
      balancesRight &&
      rebuiltRootMatches &&
      everyBatch &&
      transfers >= TRANSFERS &&
      l2Transactions >= TRANSFERS &&
      chartersHold(probed),
    readyMs,
    dacs: testnet.dacs.length,
    blocks: sum((report) => report.blocks),
    l2Transactions,
    transfers,
    balancesRight,
    batchesOnL1: sum((report) => report.batches),
    batchesByDac: pick((report) => report.batches),
    blocksByProvider: pick((report) => report.byProvider),
    providerFit: fitToShares(counts, stakes),
    rebuiltRootMatches,
    l1GasPerTransaction: Number((await batchGas(testnet)) / BigInt(l2Transactions)),
    ...probed,
  };
}

/**
 * A sequencer lies on DACs, to each about something else; a prover, who is nobody but an account on L1, convicts it, and users have back
 * what they were acknowledged. Beside it somebody accuses who has no case.
 */
import { join } from "node:path";
import { accuserBonds, balanceOf, depositMt, headOf, INTERFACES, transferMt } from "@mvm/l1";
import { type Address, toAddress } from "@mvm/protocol";
import { type JsonRpcProvider, type Log, toQuantity } from "ethers";
import {
  acknowledge,
  batchesOf,
  generationOf,
  l1Time,
  leaderOf,
  MT,
  recordedSlot,
  untilIncluded,
  untilPosted,
  withProvider,
} from "../src/flows/actions.ts";
import { must, mustEqual } from "../src/flows/flow.ts";
import { rebuild } from "../src/rebuildProcess.ts";
import { MVM, type Testnet, type TestnetDac, type TestnetNode, type TestnetSize } from "../src/testnet.ts";
import { until } from "../src/until.ts";
import { accuseFalsely, askFalsely } from "./falseAccuser.ts";
import { type Lie, MARKED_DEPOSIT_WEI } from "./lies.ts";

/** Two honest sequencers of little stake: the liar, who has as much as any other node's default, leads nearly every slot. */
export const LIED_NETWORK: TestnetSize = {
  providers: 2,
  storage: 2,
  dacs: 0,
  sequencers: 2,
  sequencerStakesMT: [2_000, 2_000],
};

export type FaultReport = {
  readonly fault: string;
  readonly ok: boolean;
  /** from the L1 block that has the wrong batch (or, without one, from when the prover told of it) to the one that has the proof */
  readonly detectionMs?: number;
  readonly slashedTx?: string;
  /** last block before the wrong batch; null where none falls */
  readonly rolledBackTo?: number | null;
  readonly falseAccuserSlashed?: boolean;
  readonly honestSlashed?: boolean;
  readonly [figure: string]: unknown;
};

const DEPOSIT_WEI = 100n * MT;
const TRANSACTIONS = 3;
const LIE_MS = 240_000;
const TRY_AGAIN_MS = 20_000;
const GOES_ON_MS = 240_000;
const ETHER_WEI = 10n ** 20n;
/** Names of liars begin so. */
const LIAR = "liar-";

type Line = Readonly<Record<string, unknown>> & { readonly atMs: number };
type Run = {
  readonly testnet: Testnet;
  readonly liar: Address;
  /** what liar and prover told */
  readonly told: readonly Line[];
  /** starts the prover, where it is not there from the beginning: when all lies are out */
  readonly allLied: () => Promise<void>;
  /** L1's time when the prover was ready, seconds */
  readonly proverSince: () => bigint;
};

type Tell = (line: Readonly<Record<string, unknown>>) => void;

export type FaultOptions = {
  /** whether the prover is killed with its first finding, and started again; then it has to have paid its bond once */
  readonly killProver?: boolean;
  /**
   * with several lies: what else is to be done when all are on L1 and nobody has looked
   * @param liedBlocks by the DACs' labels
   * @param tell says that somebody else convicts on a DAC, as the prover tells it
   */
  readonly whileLied?: (liedBlocks: ReadonlyMap<string, number>, tell: Tell) => Promise<unknown>;
};

/**
 * Lies on one network, one DAC for each. With several, the prover comes when all are told: who is convicted on one DAC makes
 * no blocks on the others any more. What only gossip shows has to be told alone.
 */
export async function runFaults(
  testnet: Testnet,
  lies: readonly Lie[],
  { killProver = false, whileLied = async () => undefined }: FaultOptions = {},
): Promise<readonly FaultReport[]> {
  const told: Line[] = [];
  const onLine: Tell = (line) => void told.push({ ...line, atMs: Date.now() });
  const round = testnet.nodes.filter(({ name }) => name.startsWith(LIAR)).length + 1;
  const labels = lies.map(({ name }) => name);
  const entry = join(import.meta.dirname, "liarProcess.ts");
  const lieList = labels.map((label) => `${label}=${label}`).join();
  const liarProgram = [entry, "--lies", lieList, "--outsider", testnet.outsider.privateKey];
  const liar = await testnet.addNode({
    name: `${LIAR}${round}`,
    role: "sequencer",
    program: liarProgram,
    settings: { batchData: lies.some(({ isInBlob }) => isInBlob) ? "blob" : "calldata" },
    onLine,
  });
  const dacs = await testnet.createDacs(
    lies.map(({ name, charter = "free" }) => ({ label: name, kind: charter, depositWei: DEPOSIT_WEI })),
  );
  const proverProgram = [MVM, "prove", "--dac", labels.join(), "--watch", "--with-parent", "--json"];
  let since = 0n;
  const found = Promise.withResolvers<void>();
  let prover: TestnetNode | undefined;
  const startProver = async (): Promise<void> => {
    const watch: Tell = (line) => {
      onLine(line);
      if (line["event"] === "wrong") found.resolve();
    };
    prover = await testnet.addNode({ name: `prover-${round}`, role: "gateway", program: proverProgram, onLine: watch });
    since = await l1Time(testnet);
    if (!killProver) return;
    await found.promise;
    await prover.process.kill();
    await testnet.restart(prover);
  };
  const falseAccuserSlashed = await falseAccusation(testnet, dacs[0]!, lies[0]!);
  if (lies.length === 1) await startProver();
  let open = lies.length;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const allLied = (): Promise<void> => {
    open -= 1;
    const blocks = new Map(told.map((line) => [String(line["dac"]), Number(line["block"])]));
    if (open === 0 && lies.length > 1) whileLied(blocks, onLine).then(startProver).then(resolve, reject);
    else if (open === 0) resolve();
    return promise;
  };
  const run: Run = { testnet, liar: liar.operator, told, allLied, proverSince: () => since };
  const reports = await Promise.all(lies.map((lie, i) => reportOf(run, lie, dacs[i]!)));
  if (killProver && prover !== undefined)
    mustEqual(await bondsPaid(testnet, prover.operator), 1, "how often the prover paid its bond");
  // of all that L1 tells, once everything is over
  const liars = testnet.nodes.filter(({ name }) => name.startsWith(LIAR)).map(({ operator }) => operator as string);
  const honestSlashed = (await slashed(testnet)).some((sequencer) => !liars.includes(sequencer));
  return reports.map((report) => ({
    ...report,
    ok: report.ok && falseAccuserSlashed && !honestSlashed,
    falseAccuserSlashed,
    honestSlashed,
  }));
}

async function falseAccusation(testnet: Testnet, dac: TestnetDac, { shown }: Lie): Promise<boolean> {
  const accuser = testnet.outsider;
  const gift = 100n * MT;
  await testnet.anvil.provider.send("anvil_setBalance", [accuser.address, toQuantity(ETHER_WEI)]);
  await testnet.onL1(transferMt(testnet.contracts, toAddress(accuser.address), gift));
  must((await balanceOf(testnet.l1Reader, toAddress(accuser.address))) >= gift, "the accuser has MT for a bond");
  return withProvider(testnet, dac, async (provider) => {
    await untilPosted(provider, 1);
    const batch = (await batchesOf(testnet, dac))[0]!;
    return shown === undefined ? accuseFalsely(testnet, provider, batch, accuser) : askFalsely(testnet, batch, accuser);
  });
}

async function reportOf(run: Run, lie: Lie, dac: TestnetDac): Promise<FaultReport> {
  try {
    return { fault: lie.name, ok: true, ...(await withProvider(run.testnet, dac, (l2) => lied(run, lie, dac, l2))) };
  } catch (error) {
    const because = error instanceof Error && error.cause !== undefined ? `: ${String(error.cause)}` : "";
    return { fault: lie.name, ok: false, error: `${String(error)}${because}` };
  }
}

/** The first line of a kind about a DAC. */
const lineOf = ({ told }: Run, event: string, dac: TestnetDac): Line | undefined =>
  told.find((line) => line["event"] === event && line["dac"] === dac.label);

/** What the prover tells of items of the DAC's batches, in order, each once: it may have been killed. */
const itemsOf = ({ told }: Run, event: string, dac: TestnetDac): string => {
  const lines = told.filter((line) => line["event"] === event && line["dac"] === dac.label);
  return [...new Set(lines.map((line) => String(line["item"])))].join();
};

/** What has to be asked for: the liar's batch has the transactions that its data say. */
function askedOf({ shown, isHeavy, hiddenEvidence }: Lie): string {
  if (hiddenEvidence !== undefined) return "evidence";
  if (shown === undefined) return isHeavy ? "parts" : "";
  return shown === "nowhere" ? "blocks" : "blocks,checkpoints";
}

/** The block that a DAC was lied to about the last time. */
const lastLie = ({ told }: Run, dac: TestnetDac): bigint | undefined => {
  const line = told.findLast(({ event, dac: label }) => event === "lied" && label === dac.label);
  return line && BigInt(Number(line["block"]));
};

async function lied(run: Run, lie: Lie, dac: TestnetDac, provider: JsonRpcProvider) {
  const { testnet, liar } = run;
  const hashes = await untilLied(run, lie, dac, provider).finally(run.allLied);
  const isDropped = lie.shown === "nowhere" || lie.hiddenEvidence === null;
  const [first, last] = isDropped ? ["unproven", "dropped"] : ["wrong", "proven"];
  await until(`the end of ${lie.name}`, GOES_ON_MS, () => lineOf(run, last!, dac) !== undefined);
  const [found, ended] = [lineOf(run, first!, dac)!, lineOf(run, last!, dac)!];
  if (!isDropped) mustEqual(String(found["proof"]), lie.proof, "the proof that the prover found");
  must(found["rule"] === lie.rule, `the rule that it is about is ${lie.rule}`);
  mustEqual(String(found["poster"]), liar, "who is accused");
  const asked = askedOf(lie);
  mustEqual(itemsOf(run, "asked", dac), asked, "what the prover asked for");
  if (lie.shown === "on-l1" || lie.hiddenEvidence) mustEqual(itemsOf(run, "answered", dac), asked, "what it was shown");
  const part = ended["part"] as { readonly number: number; readonly of: number } | undefined;
  must((part !== undefined) === (lie.isHeavy ?? false), "a part is proven wrong where the whole is too heavy");
  const slashedTx = String(ended["transactionHash"]);
  const proof = (await testnet.anvil.provider.getTransactionReceipt(slashedTx))!;
  if (isDropped) must(namesIn(testnet, "bondManager", proof.logs).includes("Fined"), "the poster was fined");
  else must(namesIn(testnet, "disputes", proof.logs).includes("FraudProven"), "L1 says that fraud was proven");
  const rolledBack = eventsIn(testnet, "rollupChain", proof.logs).find((event) => event?.name === "RolledBack");
  must((rolledBack !== undefined) === (lie.about !== "twice"), "a batch falls, but for an equivocation");
  const rolledBackTo = rolledBack === undefined ? null : Number(rolledBack?.args["lastBlock"]);
  const returned = await untilBack(provider, hashes, rolledBackTo);
  const late = await acknowledge(testnet, dac, provider, [hashes.length, hashes.length + 1]);
  await untilIncluded(provider, late, GOES_ON_MS);
  await untilPosted(provider, await provider.getBlockNumber());
  const rebuilt = await rebuild(testnet, dac.label);
  mustEqual(rebuilt.blockHash, (await provider.getBlock(rebuilt.blocks))!.hash!, "the last block, rebuilt from L1");
  const [newest] = (await batchesOf(testnet, dac)).toReversed();
  // who was only fined may be drawn again
  must(isDropped || newest!.header.poster !== liar, "another sequencer goes on");
  return {
    detectionMs: await detectionMs(run, dac, { found, ended }, proof.blockNumber),
    slashedTx,
    rolledBackTo,
    proof: lie.proof,
    ...(lie.rule !== undefined && { rule: lie.rule }),
    proofGas: Number(proof.gasUsed),
    ...(part && { part: part.number, parts: part.of }),
    ...(lie.isInBlob && { openingGas: Number(lineOf(run, "opened", dac)!["gasUsed"]) }),
    acknowledged: hashes.length + late.length,
    returned,
  };
}

/**
 * Waits until every transaction is in a block that stands: where a batch fell, in one before it or one of the next generation. Gives the
 * number of the latter.
 */
async function untilBack(
  provider: JsonRpcProvider,
  hashes: readonly string[],
  rolledBackTo: number | null,
): Promise<number> {
  let returned = 0;
  await until(`${hashes.length} transactions in blocks that stand`, GOES_ON_MS, async () => {
    returned = 0;
    for (const hash of hashes) {
      const receipt = await provider.getTransactionReceipt(hash);
      if (receipt?.status !== 1) return false;
      if (rolledBackTo === null || receipt.blockNumber <= rolledBackTo) continue;
      if ((await generationOf(provider, hash)) !== 1) return false;
      returned += 1;
    }
    return true;
  });
  return returned;
}

/** Gives the outsider MT on a DAC, so that nothing but the charter denies its transactions. */
async function fundOutsider(testnet: Testnet, dac: TestnetDac, provider: JsonRpcProvider): Promise<void> {
  const to = toAddress(testnet.outsider.address);
  await testnet.onL1(depositMt(testnet.contracts, { chainId: dac.chainId, to, amountWei: MT }));
  await until("the outsider's deposit", GOES_ON_MS, async () => (await provider.getBalance(to)) > 0n);
}

/**
 * Gives the liar something to lie about in its slots, until it is out, and on L1 where it is about a batch; gives what was
 * acknowledged meanwhile.
 */
async function untilLied(run: Run, lie: Lie, dac: TestnetDac, provider: JsonRpcProvider): Promise<readonly string[]> {
  const { testnet, liar } = run;
  if (lie.charter !== undefined) await fundOutsider(testnet, dac, provider);
  const hashes: string[] = [];
  const end = Date.now() + LIE_MS;
  const isLiarsSlot = async (): Promise<boolean> =>
    (await leaderOf(testnet, dac, await recordedSlot(testnet))) === liar;
  const isOut = async (): Promise<boolean> => {
    const block = lastLie(run, dac);
    if (block === undefined || lie.about === "twice") return block !== undefined;
    if ((await headOf(testnet.l1Reader, dac.chainId)).generation > 0n) return true;
    const [last] = await batchesOf(testnet, dac).then((batches) => batches.slice(-1));
    return last !== undefined && last.header.poster === liar && last.header.lastBlock >= block;
  };
  // a liar whose batch comes too late has to lie again
  while (!(await isOut()) && Date.now() < end) {
    await until("the liar's slot", LIE_MS, isLiarsSlot);
    if (lie.isOfDeposit) await testnet.depositFor(dac, MARKED_DEPOSIT_WEI);
    const nonces = Array.from({ length: TRANSACTIONS }, (_, i) => hashes.length + i);
    hashes.push(...(await acknowledge(testnet, dac, provider, nonces, lie.isHeavy)));
    await until("the lie", TRY_AGAIN_MS, isOut).catch(() => undefined);
  }
  must(await isOut(), "the liar lied");
  return hashes;
}

type Contract = "disputes" | "rollupChain" | "bondManager";

const eventsIn = ({ contracts }: Testnet, contract: Contract, logs: readonly Log[]) =>
  logs
    .filter(({ address }) => address.toLowerCase() === contracts[contract])
    .map(({ topics, data }) => INTERFACES[contract].parseLog({ topics: [...topics], data }));

const namesIn = (testnet: Testnet, contract: Contract, logs: readonly Log[]): readonly string[] =>
  eventsIn(testnet, contract, logs).flatMap((event) => event?.name ?? []);

/** How many bonds an account has paid in, by L1's events. */
async function bondsPaid(testnet: Testnet, account: Address): Promise<number> {
  const logs = await testnet.anvil.provider.getLogs({ address: testnet.contracts.disputes, fromBlock: 0 });
  const { neededWei } = await accuserBonds(testnet.l1Reader, account);
  const paid = eventsIn(testnet, "disputes", logs).map((event) =>
    event?.name === "BondDeposited" && String(event.args["accuser"]).toLowerCase() === account
      ? BigInt(event.args["amount"])
      : 0n,
  );
  return Number(paid.reduce((sum, amount) => sum + amount, 0n)) / Number(neededWei);
}

/** Whose bonds were slashed or fined on L1, ever. */
async function slashed(testnet: Testnet): Promise<readonly string[]> {
  const logs = await testnet.anvil.provider.getLogs({ address: testnet.contracts.bondManager, fromBlock: 0 });
  return eventsIn(testnet, "bondManager", logs)
    .filter((event) => event?.name === "Slashed" || event?.name === "Fined")
    .map((event) => String(event?.args["sequencer"]).toLowerCase());
}

/** Milliseconds of L1's time, which has whole seconds, from the wrong batch, or the prover's start after it, to the proof. */
async function detectionMs(
  run: Run,
  dac: TestnetDac,
  { found, ended }: { readonly found: Line; readonly ended: Line },
  provenIn: number,
): Promise<number> {
  const { provider } = run.testnet.anvil;
  if (found["batch"] === undefined) return ended.atMs - found.atMs;
  const logs = await provider.getLogs({ address: run.testnet.contracts.rollupChain, fromBlock: 0 });
  const posted = logs.find((log) => {
    const event = INTERFACES.rollupChain.parseLog({ topics: [...log.topics], data: log.data });
    return (
      event?.name === "BatchAppended" &&
      event.args["chainId"] === BigInt(dac.chainId) &&
      Number(event.args["index"]) === found["batch"]
    );
  });
  const [from, to] = await Promise.all([provider.getBlock(posted!.blockNumber), provider.getBlock(provenIn)]);
  return 1_000 * (to!.timestamp - Math.max(from!.timestamp, Number(run.proverSince())));
}

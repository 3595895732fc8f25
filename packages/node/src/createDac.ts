/** Creates a DAC on L1 from a founder's description: everything that can be refused is refused before anything is sent. */
import { readFile } from "node:fs/promises";
import { chainIdOfLabel, createDac, headOf, labelFee, operatorsPage, previewDac } from "@mvm/l1";
import { type ChainId, type Charter, CharterError, PREDEPLOYS, parseCharter, toAddress } from "@mvm/protocol";
import { Interface, type JsonRpcProvider } from "ethers";
import { ConfigError } from "./config.ts";
import { normaliseLabel } from "./operator/dacLabel.ts";
import { view, withGateway } from "./operator/gateway.ts";
import { formatAmount } from "./operator/mtAmount.ts";
import { allowSpending, type Operator } from "./operator/operator.ts";
import type { Report } from "./operator/staking.ts";
import { holdsWithin } from "./operator/waiting.ts";

export type CreateDacOptions = {
  readonly label: string;
  /** JSON file with the charter, as parseCharter takes it */
  readonly charterFile: string;
  /** units of storage that the DAC asks for, 1 to 1,024 */
  readonly storageUnits: number;
  /** check only, send nothing */
  readonly dryRun: boolean;
  /** wait for the block that seals the charter: at a gateway of the network if one is named, else on L1 */
  readonly wait: boolean;
  /** URL of the DAC's gateway-to-be, ending in /dac/<label> */
  readonly rpcUrl?: string;
};

const MASTER = new Interface(["function isSealed() view returns (bool)"]);
const MAX_STORAGE_UNITS = 1_024;
/** Longest wait for the charter to be sealed. */
const WAIT_MS = 300_000;

async function readCharter(path: string): Promise<Charter> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new ConfigError("unreadable", `${path} holds no charter: ${(cause as Error).message}`, cause);
  }
  try {
    return parseCharter(json);
  } catch (cause) {
    if (cause instanceof CharterError) throw new ConfigError("invalid", `${path}: ${cause.message}`, cause);
    throw cause;
  }
}

/** Waits until a condition holds. Throws ConfigError not-yet after WAIT_MS, or where the signal is aborted. */
async function until(operator: Operator, what: string, isThere: () => Promise<boolean>): Promise<void> {
  if (!(await holdsWithin(WAIT_MS, operator.signal, isThere)))
    throw new ConfigError(
      "not-yet",
      `the DAC is registered; gave up waiting for ${what}: do sequencers and hosts run?`,
    );
  operator.progress(what);
}

/** False instead of an error: the gateway does not serve it yet. */
const served = (answer: Promise<boolean>): Promise<boolean> => answer.catch(() => false);

/** Until a gateway shows the steps: hosts serve the state of block 0, block 1 is there, its charter is sealed. */
async function sealedAtGateway(operator: Operator, l2: JsonRpcProvider): Promise<void> {
  const hasState = l2.send.bind(l2, "eth_getBalance", [PREDEPLOYS.coinbase, "0x0"]);
  await until(operator, "hosts provisioned", () => served(hasState().then(() => true)));
  await until(operator, "block 1", () =>
    served(l2.send("eth_getBlockByNumber", ["0x1", false]).then((block) => block !== null)),
  );
  const isSealed = async (): Promise<boolean> => (await view(l2, PREDEPLOYS.dacMaster, MASTER, "isSealed")) === true;
  await until(operator, "charter sealed", () => served(isSealed()));
}

async function untilSealed(operator: Operator, chainId: ChainId, rpcUrl: string | undefined): Promise<void> {
  const { l1 } = operator;
  if (rpcUrl === undefined) {
    const hasHosts = async (): Promise<boolean> =>
      (await operatorsPage(l1, "storage", 0n)).some(({ isActive }) => isActive);
    await until(operator, "hosts provisioned", hasHosts);
    await until(
      operator,
      "block 1 with the sealed charter, on L1",
      async () => (await headOf(l1, chainId)).lastBlock >= 1n,
    );
    return;
  }
  await until(operator, "the gateway serves the DAC", () =>
    withGateway(rpcUrl, chainId, () => Promise.resolve(true)).catch((error: unknown) => {
      if (error instanceof ConfigError) throw error;
      return false;
    }),
  );
  await withGateway(rpcUrl, chainId, (l2) => sealedAtGateway(operator, l2));
}

/** What L1 would refuse, refused here. Throws ConfigError. */
async function checked({ label, charterFile, storageUnits }: CreateDacOptions) {
  if (!Number.isInteger(storageUnits) || storageUnits < 1 || storageUnits > MAX_STORAGE_UNITS)
    throw new ConfigError("invalid", `units of storage are a whole number from 1 to ${MAX_STORAGE_UNITS}`);
  return { label: normaliseLabel(label), charter: await readCharter(charterFile), storageUnits };
}

/** Checks a founder's description before there is an operator. Throws ConfigError. */
export async function checkNewDac(options: CreateDacOptions): Promise<void> {
  await checked(options);
}

/**
 * Creates the DAC and gives its chain ID. The chain's block 1 writes and seals the charter.
 * @throws ConfigError for a label or charter that L1 would refuse and for too little MT (before anything is sent), and
 *   not-yet where the wait ends without a block; L1Error
 */
export async function createDacOnL1(operator: Operator, options: CreateDacOptions): Promise<Report> {
  const { l1, account: founder, submitter, progress } = operator;
  const dac = await checked(options);
  const { label, charter } = dac;
  const taken = await chainIdOfLabel(l1, label);
  if (taken !== undefined) throw new ConfigError("invalid", `the label "${label}" is taken by chain ${taken}`);
  const preview = await previewDac(l1, dac);
  const fee = await labelFee(l1);
  const labelFeeMT = formatAmount(fee);
  if (options.dryRun) return { label, founder, labelFeeMT, checked: true };
  progress(`the label costs ${labelFeeMT} MT`);
  await allowSpending(operator, { spender: "comco", units: fee });
  const { transactionHash } = await submitter.submit(createDac(l1.addresses, dac));
  const chainId = (await chainIdOfLabel(l1, label)) ?? preview.chainId;
  progress(`registered as chain ${chainId}`);
  if (options.wait) await untilSealed(operator, chainId, options.rpcUrl);
  const management = toAddress(charter.managementContract);
  return { label, chainId: String(chainId), founder, management, labelFeeMT, sealed: options.wait, transactionHash };
}

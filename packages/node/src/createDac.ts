/** Creates a DAC on L1 from a founder's description: everything that can be refused is refused before anything is sent. */
import { readFile } from "node:fs/promises";
import { chainIdOfLabel, createDac, createL1Provider, L1Submitter, previewDac } from "@mvm/l1";
import { type Charter, CharterError, parseCharter, toAddress } from "@mvm/protocol";
import { Wallet } from "ethers";
import { ConfigError, loadConfig } from "./config.ts";
import { loadKeys } from "./keys.ts";

export type CreateDacOptions = {
  /** directory that `mvm init` made: its operator is the founder, its network and L1 are used */
  readonly dataDir: string;
  readonly label: string;
  /** JSON file with the charter, as parseCharter takes it */
  readonly charterFile: string;
  /** check only, send nothing */
  readonly dryRun: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
};

/** DacRegistry.isValidLabel */
const LABEL = /^(?!..--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

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

/**
 * Creates the DAC and gives its chain ID. The chain's block 1 writes and seals the charter.
 * @throws ConfigError for a label or charter that L1 would refuse (before anything is sent); L1Error
 */
export async function createDacOnL1(options: CreateDacOptions): Promise<Readonly<Record<string, unknown>>> {
  const { dataDir, label, charterFile, dryRun, env, signal } = options;
  if (!LABEL.test(label)) {
    throw new ConfigError(
      "invalid",
      `the label "${label}" cannot be used: 3 to 63 of a-z, 0-9 and "-", not at the ends, and not "--" as third and fourth`,
    );
  }
  const charter = await readCharter(charterFile);
  const config = await loadConfig(dataDir, env, {});
  const keys = await loadKeys(dataDir);
  const l1ChainId = BigInt(config.network.l1ChainId);
  const transport = createL1Provider(config.l1Url, l1ChainId);
  try {
    const reader = { transport, addresses: config.network.contracts };
    const taken = await chainIdOfLabel(reader, label);
    if (taken !== undefined) throw new ConfigError("invalid", `the label "${label}" is taken by chain ${taken}`);
    const preview = await previewDac(reader, { label, charter });
    const founder = keys.identity.operator;
    if (dryRun) return { label, founder, checked: true };
    const submitter = new L1Submitter({ transport, l1ChainId, wallet: new Wallet(keys.l1), signal });
    const receipt = await submitter.submit(createDac(reader.addresses, { label, charter }));
    const chainId = (await chainIdOfLabel(reader, label)) ?? preview.chainId;
    const management = toAddress(charter.managementContract);
    return { label, chainId: String(chainId), founder, management, transactionHash: receipt.transactionHash };
  } finally {
    transport.destroy();
  }
}

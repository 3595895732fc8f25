/** A node's settings: file, then environment, then flags; each later one wins. Unknown keys and newer versions are refused. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { L1Addresses } from "@mvm/l1";
import { type Address, PROFILES, type ProfileName, toAddress } from "@mvm/protocol";
import { z } from "zod";
import { DATA_PLACEMENTS } from "./dataPlacement.ts";

export class ConfigError extends Error {
  readonly code: /** what has to be there is not, or cannot be read */
    | "missing"
    | "unreadable"
    /** a setting or an argument that cannot be */
    | "invalid"
    | "newer-version"
    /** no password is there to open or seal keys with */
    | "no-password"
    /** one that does not open the keys */
    | "wrong-password"
    /** another node has the keys in use */
    | "key-in-use"
    /** no DAC has the label */
    | "unknown-dac"
    /** MT, ether or another token that the account lacks */
    | "not-enough"
    /** only from a later time on */
    | "not-yet";
  constructor(code: ConfigError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ConfigError";
    this.code = code;
  }
}

export const ROLES = ["provider", "sequencer", "storage", "gateway"] as const;
export type Role = (typeof ROLES)[number];

/** Versions of the configuration and of a network's description. An older network has other contracts: nobody can join it. */
const CONFIG_VERSION = 1;
const NETWORK_VERSION = 11;

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "is not a 20-byte hex address")
  .transform((text): Address => toAddress(text));

const contracts = z.strictObject({
  token: address,
  timelock: address,
  metisDao: address,
  beacon: address,
  parameters: address,
  dacRegistry: address,
  comco: address,
  inbox: address,
  bridge: address,
  sequencerPool: address,
  bondManager: address,
  providerRegistry: address,
  storageRegistry: address,
  rollupChain: address,
  blobOpenings: address,
  dataVerifier: address,
  blockVerifier: address,
  closingVerifier: address,
  interpreter: address,
  executionManager: address,
  checkpointReplay: address,
  sliceInterpreter: address,
  sliceTries: address,
  sliceReplay: address,
  stepInterpreter: address,
  stepTries: address,
  stepReplay: address,
  partVerifier: address,
  workVerifier: address,
  disputes: address,
  disclosures: address,
  jobReplay: address,
  resultCourt: address,
}) satisfies z.ZodType<L1Addresses>;

/** Describes one deployed network: what `mvm` needs to join it. */
export const networkSchema = z.strictObject({
  version: z.literal(NETWORK_VERSION, `is not ${NETWORK_VERSION}, the version that this program knows`),
  /** profile of parameters that the contracts were deployed with */
  profile: z.enum(Object.keys(PROFILES) as [ProfileName, ...ProfileName[]]),
  l1ChainId: z.string().regex(/^[1-9][0-9]*$/, "is not a decimal integer"),
  /** L1 block before which nothing of the network happened */
  deployedAtBlock: z.number().int().nonnegative(),
  contracts,
});

export type NetworkFile = z.infer<typeof networkSchema>;

const stakeMT = z
  .number()
  .int()
  .positive()
  .max(2 ** 32 - 1);

/** Each has a heap of some hundred MiB at the most, and a share of the machine. */
export const MAX_PARALLEL_JOBS = 64;

const configSchema = z.strictObject({
  version: z.literal(CONFIG_VERSION, `is not ${CONFIG_VERSION}, the version that this program knows`),
  roles: z.array(z.enum(ROLES)).min(1, "names no role").max(ROLES.length),
  network: networkSchema,
  l1Url: z.url({ protocol: /^https?$/ }),
  /** multiaddrs; port 0 takes a free one on the first start and keeps it */
  listen: z.array(z.string().startsWith("/")).min(1).max(8),
  /** multiaddrs ending in /p2p/<peer id> */
  bootstrap: z.array(z.string().includes("/p2p/")).max(32),
  /** whether the node signs up for its staked roles by itself, with the profile's least stake */
  register: z.boolean(),
  /** whole MT that a sequencer, or a provider, signs up with; the profile's least stake where it is not given */
  sequencerStakeMT: stakeMT.optional(),
  providerStakeMT: stakeMT.optional(),
  /** jobs that a provider runs at once, each on a thread of its own; where it is not given, one less than the machine runs at once */
  parallelJobs: z.number().int().min(1).max(MAX_PARALLEL_JOBS).optional(),
  /** directory in which the machine remembers what sequencers' keys signed; by default .mvm/signers of the user */
  signersDir: z.string().min(1).optional(),
  gateway: z.strictObject({ host: z.string(), port: z.number().int().min(0).max(65_535), domain: z.string() }),
  logLevel: z.enum(["debug", "info", "warn", "error"]),
  /** last blocks of a DAC whose states are kept, beside those that its windows still run for; 1,024 where it is not given */
  keptStates: z
    .number()
    .int()
    .positive()
    .max(2 ** 32 - 1)
    .optional(),
  /** whether new databases keep the states of all blocks instead */
  archive: z.boolean().default(false),
  /** couriers that a sequencer's jobs pass, one after the other: with two, none knows both ends */
  courierHops: z.union([z.literal(1), z.literal(2)]).default(1),
  /** whether a sequencer sends an empty job at every tick at which it leads a chain and has none */
  coverJobs: z.boolean().default(false),
  /** where a sequencer's batches go on L1 */
  batchData: z.enum(DATA_PLACEMENTS).default("cheapest"),
  /** proofs that L1's nodes take with a blob: of its cells since Osaka; of the whole blob before, and anvil */
  blobProofs: z.enum(["cells", "blob"]).default("cells"),
  /** node of the beacon chain to read blobs from, which names blocks by slots; without it, the L1 node is asked as anvil is */
  beacon: z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }),
      /** seconds since 1970 */
      genesisTime: z.number().int().nonnegative(),
      slotSeconds: z.number().int().positive(),
    })
    .optional(),
});

export type NodeConfig = z.infer<typeof configSchema>;

export const DEFAULT_CONFIG = {
  version: CONFIG_VERSION,
  listen: ["/ip4/127.0.0.1/tcp/0"],
  bootstrap: [],
  register: true,
  gateway: { host: "127.0.0.1", port: 0, domain: "localhost" },
  logLevel: "info",
} as const;

/** Environment variables that stand above the file; lists are separated by commas. */
function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const lists = { MVM_ROLES: "roles", MVM_LISTEN: "listen", MVM_BOOTSTRAP: "bootstrap" };
  for (const [name, key] of Object.entries(lists))
    if (env[name] !== undefined) values[key] = env[name].split(",").filter(Boolean);
  const texts = {
    MVM_L1_URL: "l1Url",
    MVM_BATCH_DATA: "batchData",
    MVM_BLOB_PROOFS: "blobProofs",
    MVM_LOG_LEVEL: "logLevel",
    MVM_SIGNERS_DIR: "signersDir",
  };
  for (const [name, key] of Object.entries(texts)) if (env[name] !== undefined) values[key] = env[name];
  if (env["MVM_PARALLEL_JOBS"] !== undefined) values["parallelJobs"] = Number(env["MVM_PARALLEL_JOBS"]);
  return values;
}

/** What is wrong with settings, one line for each key. */
export const faultsOf = (error: z.ZodError): string =>
  error.issues.map((issue) => `\n  ${issue.path.join(".") || "configuration"}: ${issue.message}`).join("");

/** Checks settings. Throws ConfigError naming every wrong one. */
export function parseConfig(value: unknown): NodeConfig {
  const version = typeof value === "object" && value !== null && "version" in value ? value.version : undefined;
  if (typeof version === "number" && version > CONFIG_VERSION) {
    throw new ConfigError(
      "newer-version",
      `the configuration has version ${version}, this program knows ${CONFIG_VERSION}: update the program`,
    );
  }
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError("invalid", `the configuration is not valid:${faultsOf(result.error)}`, result.error);
}

export const CONFIG_FILE = "config.json";

/**
 * Settings of a data directory.
 * @param flags values from the command line
 * @throws ConfigError
 */
export async function loadConfig(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Record<string, unknown>>,
): Promise<NodeConfig> {
  const path = join(dataDir, CONFIG_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError("missing", `${path} cannot be read: run \`mvm init --data ${dataDir}\` first`, cause);
  }
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("unreadable", `${path} is not JSON: ${(cause as Error).message}`, cause);
  }
  if (typeof file !== "object" || file === null || Array.isArray(file))
    throw new ConfigError("unreadable", `${path} holds no settings`);
  return parseConfig({ ...file, ...fromEnvironment(env), ...flags });
}

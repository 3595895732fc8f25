/** What every command that acts on L1 works with: a data directory's settings and keys, its L1, an account that sends. */
import {
  allowanceOf,
  approve,
  approveErc20,
  balanceOf,
  chainIdOfLabel,
  createL1Provider,
  etherOf,
  type L1ContractName,
  type L1Reader,
  L1Submitter,
} from "@mvm/l1";
import { type Address, type ChainId, type Hex, PROFILES, toAddress } from "@mvm/protocol";
import { Wallet } from "ethers";
import { ConfigError, loadConfig, type NodeConfig } from "../config.ts";
import { accountOf, loadAccountKey } from "../keys.ts";
import type { PasswordSource } from "../password.ts";
import { normaliseLabel } from "./dacLabel.ts";
import { formatAmount } from "./mtAmount.ts";

/** Told to people while a command works. */
export type Progress = (text: string) => void;

export type ObserverOptions = {
  /** directory that `mvm init` made */
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** ends what is under way */
  readonly signal: AbortSignal;
  readonly onProgress?: Progress;
};

export type OperatorOptions = ObserverOptions & {
  /** opens the account's key */
  readonly password: PasswordSource;
};

/** An operator that only looks: it needs no key. */
export type Observer = {
  readonly account: Address;
  readonly dataDir: string;
  readonly config: NodeConfig;
  readonly l1: L1Reader;
  /** L1 block of the network's deployment */
  readonly deployedAtBlock: bigint;
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

export type Operator = Observer & {
  /** secret key of the account */
  readonly key: Hex;
  readonly submitter: L1Submitter;
};

/** Runs an action with a data directory's settings and a connection to L1 that ends with it. */
async function withL1<T>(
  { dataDir, signal, onProgress }: ObserverOptions,
  config: NodeConfig,
  action: (seen: Omit<Observer, "account">) => Promise<T>,
): Promise<T> {
  const transport = createL1Provider(config.l1Url, BigInt(config.network.l1ChainId));
  try {
    return await action({
      dataDir,
      config,
      l1: { transport, addresses: config.network.contracts },
      deployedAtBlock: BigInt(config.network.deployedAtBlock),
      signal,
      progress: onProgress ?? (() => undefined),
    });
  } finally {
    transport.destroy();
  }
}

/** Runs an action that only looks, for the operator of a data directory, without its keys. Throws ConfigError, L1Error. */
export async function withObserver<T>(
  options: ObserverOptions,
  action: (observer: Observer) => Promise<T>,
): Promise<T> {
  const config = await loadConfig(options.dataDir, options.env, {});
  const account = await accountOf(options.dataDir);
  return withL1(options, config, (seen) => action({ ...seen, account }));
}

/** Runs an action as the operator of a data directory. Throws ConfigError, L1Error. */
export async function withOperator<T>(
  options: OperatorOptions,
  action: (operator: Operator) => Promise<T>,
): Promise<T> {
  const { dataDir, password, signal } = options;
  const config = await loadConfig(dataDir, options.env, {});
  const { keystoreScryptN: scryptN } = PROFILES[config.network.profile];
  const key = await loadAccountKey({ dataDir, password, scryptN });
  const wallet = new Wallet(key);
  return withL1(options, config, (seen) => {
    const l1ChainId = BigInt(config.network.l1ChainId);
    const submitter = new L1Submitter({ transport: seen.l1.transport, l1ChainId, wallet, signal });
    return action({ ...seen, account: toAddress(wallet.address), key, submitter });
  });
}

/** The chain of a DAC with a label. Throws ConfigError where the label cannot be one, or no DAC has it. */
export async function requireDac(operator: Observer, label: string): Promise<ChainId> {
  const normalised = normaliseLabel(label);
  const chainId = await chainIdOfLabel(operator.l1, normalised);
  if (chainId === undefined)
    throw new ConfigError(
      "unknown-dac",
      `no DAC has the label "${normalised}" on this network: check it, or create it`,
    );
  return chainId;
}

/** An address from the command line. Throws ConfigError. */
export function parseAddress(text: string): Address {
  try {
    return toAddress(text);
  } catch (cause) {
    throw new ConfigError("invalid", `"${text}" is no address: 0x and 40 hexadecimal digits`, cause);
  }
}

/** A token on L1: MT where there is no other. */
export type TokenSpending = {
  /** who pulls it */
  readonly spender: L1ContractName;
  readonly units: bigint;
  /** reads the token; by default MT */
  readonly reader?: L1Reader;
  readonly decimals?: number;
};

/**
 * Makes sure that the operator can pay gas and has the units, and lets the spender pull exactly them where it may not yet.
 * @throws ConfigError not-enough; L1Error
 */
export async function allowSpending(operator: Operator, spending: TokenSpending): Promise<void> {
  const { spender, units, reader = operator.l1, decimals } = spending;
  const isMt = reader === operator.l1;
  const held = await balanceOf(reader, operator.account);
  if (held < units) {
    const unit = isMt ? " MT" : ` of ${reader.addresses.token}`;
    const [has, needs] = [formatAmount(held, decimals), formatAmount(units, decimals)];
    throw new ConfigError("not-enough", `${operator.account} has ${has}${unit} on L1, and needs ${needs}`);
  }
  await requireEther(operator);
  if ((await allowanceOf(reader, operator.account, spender)) >= units) return;
  const { addresses } = operator.l1;
  operator.progress("approving");
  await operator.submitter.submit(
    isMt ? approve(addresses, spender, units) : approveErc20(reader.addresses.token, addresses[spender], units),
  );
}

/** Makes sure that the operator can pay gas at all. Throws ConfigError not-enough. */
export async function requireEther(operator: Operator): Promise<void> {
  if ((await etherOf(operator.l1, operator.account)) === 0n)
    throw new ConfigError("not-enough", `${operator.account} has no ether on L1 to pay gas with`);
}

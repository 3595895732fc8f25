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
import { type Address, type ChainId, type Hex, toAddress } from "@mvm/protocol";
import { Wallet } from "ethers";
import { ConfigError, loadConfig, type NodeConfig } from "../config.ts";
import { loadKeys } from "../keys.ts";
import { normaliseLabel } from "./dacLabel.ts";
import { formatAmount } from "./mtAmount.ts";

/** Told to people while a command works. */
export type Progress = (text: string) => void;

export type OperatorOptions = {
  /** directory that `mvm init` made */
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** ends what is under way */
  readonly signal: AbortSignal;
  readonly onProgress?: Progress;
};

export type Operator = {
  readonly account: Address;
  readonly config: NodeConfig;
  /** secret key of the account */
  readonly key: Hex;
  readonly l1: L1Reader;
  /** L1 block of the network's deployment */
  readonly deployedAtBlock: bigint;
  readonly submitter: L1Submitter;
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

/** Runs an action as the operator of a data directory; its connection to L1 ends with it. Throws ConfigError, L1Error. */
export async function withOperator<T>(
  options: OperatorOptions,
  action: (operator: Operator) => Promise<T>,
): Promise<T> {
  const { dataDir, env, signal } = options;
  const config = await loadConfig(dataDir, env, {});
  const keys = await loadKeys(dataDir);
  const l1ChainId = BigInt(config.network.l1ChainId);
  const transport = createL1Provider(config.l1Url, l1ChainId);
  try {
    return await action({
      account: keys.identity.operator,
      config,
      key: keys.l1,
      l1: { transport, addresses: config.network.contracts },
      deployedAtBlock: BigInt(config.network.deployedAtBlock),
      submitter: new L1Submitter({ transport, l1ChainId, wallet: new Wallet(keys.l1), signal }),
      signal,
      progress: options.onProgress ?? (() => undefined),
    });
  } finally {
    transport.destroy();
  }
}

/** The chain of a DAC with a label. Throws ConfigError where the label cannot be one, or no DAC has it. */
export async function requireDac(operator: Operator, label: string): Promise<ChainId> {
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

/** Pre-state and signed transactions of the block benchmarks: 100,000 accounts, 1,000 transactions a workload. */
import { createAddress, type Engine } from "@mvm/evm";
import {
  type Address,
  addressOf,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  keccak,
  type TransactionMessage,
  toAddress,
  toHash,
  toHex,
} from "@mvm/protocol";
import { signedTransaction } from "../signedTransaction.ts";
import { compileToken, factoryCode, routerCall, routerCode, tokenCall, withArguments } from "./blocksContracts.ts";
import { BenchState } from "./blocksState.ts";

export const WORKLOADS = ["plain", "erc20", "swap"] as const;
type Workload = (typeof WORKLOADS)[number];

export const CHAIN_ID = 1n;
export const TRANSACTIONS = 1_000;
const ACCOUNTS = 100_000;
/** holders of the token beside the senders */
const HOLDERS = 5_000;
const FUNDS = 10n ** 20n;
const DEADLINE = 2n ** 40n;

export const ENVIRONMENT: BlockEnvironment = {
  timestamp: 1_800_000_000n,
  baseFeePerGas: 10n ** 9n,
  // Of a size that takes 1,000 swaps at once; every contender gets the same.
  gasLimit: 1_000_000_000n,
  prevRandao: toHash(`0x${"11".repeat(32)}`),
  feeRecipient: toAddress("0x00000000000000000000000000000000000000fe"),
};

/** before the measured block, so that the pair's price accumulators move in it */
export const SET_UP_SECONDS = 12n;

const GAS: Record<Workload, bigint> = { plain: 21_000n, erc20: 100_000n, swap: 250_000n };

export type Prepared = {
  readonly state: BenchState;
  readonly transactions: Record<Workload, readonly Uint8Array[]>;
};

const keyOf = (index: number): Uint8Array => keccak(new TextEncoder().encode(`benchmark key ${index}`));
const bystander = (index: number): Address =>
  toHex(keccak(new TextEncoder().encode(`bystander ${index}`)).subarray(12)) as Address;

function messageOf(from: Address, fields: Partial<TransactionMessage>): TransactionMessage {
  return {
    type: 2,
    from,
    to: null,
    nonce: 0n,
    gasLimit: 8_000_000n,
    maxFeePerGas: 2n * 10n ** 9n,
    maxPriorityFeePerGas: 10n ** 9n,
    value: 0n,
    data: new Uint8Array(0),
    accessList: [],
    authorizations: [],
    l1Fee: 0n,
    ...fields,
  };
}

/** Runs set-up messages that must all succeed. */
async function settle(engine: Engine, state: BenchState, messages: readonly TransactionMessage[]): Promise<void> {
  const outcomes = await engine.execute(
    { ...ENVIRONMENT, gasLimit: 10n ** 12n, timestamp: ENVIRONMENT.timestamp - SET_UP_SECONDS },
    messages,
    state,
  );
  for (const outcome of outcomes) {
    if (outcome.kind === "invalid") throw new Error(`set-up is invalid: ${outcome.reason}`);
    if (outcome.status === 0) throw new Error("set-up failed");
    state.apply(outcome.writes);
  }
}

/** Deploys and funds everything by transactions, then signs the three workloads for a chain; each starts from the same state. */
export async function prepareBlocks(engine: Engine, chainId = CHAIN_ID): Promise<Prepared> {
  const state = new BenchState();
  const account = { nonce: 0n, balance: FUNDS, codeHash: EMPTY_CODE_HASH };
  const keys = Array.from({ length: TRANSACTIONS }, (_, index) => keyOf(index));
  const senders = keys.map(addressOf);
  const others = Array.from({ length: ACCOUNTS - TRANSACTIONS - 1 }, (_, index) => bystander(index));
  const deployer = addressOf(keyOf(-1));
  for (const address of [...senders, ...others, deployer]) state.accounts.set(address, account);

  let nonce = 0n;
  const by = (fields: Partial<TransactionMessage>): TransactionMessage =>
    messageOf(deployer, { ...fields, nonce: nonce++ });
  const [tokenA, tokenB, factory, router] = [0n, 1n, 2n, 3n].map((at) => createAddress(deployer, at));
  const token = compileToken();
  const unused = "0x00000000000000000000000000000000000000ee";
  await settle(engine, state, [
    by({ data: withArguments(token, ["string", "address"], ["A", deployer]) }),
    by({ data: withArguments(token, ["string", "address"], ["B", deployer]) }),
    by({ data: withArguments(factoryCode(), ["address"], [deployer]) }),
    by({ data: withArguments(routerCode(), ["address", "address"], [factory, unused]) }),
    by({ to: tokenA!, data: tokenCall("approve", [router, 2n ** 255n]) }),
    by({ to: tokenB!, data: tokenCall("approve", [router, 2n ** 255n]) }),
    by({
      to: router!,
      data: routerCall("addLiquidity", [tokenA, tokenB, 10n ** 26n, 10n ** 26n, 0n, 0n, deployer, DEADLINE]),
    }),
  ]);
  const holders = [...senders, ...others.slice(0, HOLDERS)];
  await settle(
    engine,
    state,
    holders.map((holder) => by({ to: tokenA!, data: tokenCall("transfer", [holder, 10n ** 20n]) })),
  );
  await settle(
    engine,
    state,
    senders.map((sender) => messageOf(sender, { to: tokenA!, data: tokenCall("approve", [router, 2n ** 255n]) })),
  );

  const receiver = (index: number): Address => others[(index * 7_919) % others.length]!;
  const fields: Record<Workload, (index: number) => Partial<TransactionMessage>> = {
    plain: (index) => ({ to: receiver(index), value: 10n ** 15n }),
    erc20: (index) => ({ to: tokenA!, data: tokenCall("transfer", [receiver(index), 1_000n + BigInt(index)]) }),
    swap: (index) => ({
      to: router!,
      data: routerCall("swapExactTokensForTokens", [10n ** 18n, 1n, [tokenA, tokenB], senders[index], DEADLINE]),
    }),
  };
  const signed = (workload: Workload): Uint8Array[] =>
    keys.map((key, index) => {
      const gasLimit = GAS[workload];
      const message = messageOf(senders[index]!, { ...fields[workload](index), nonce: 1n, gasLimit });
      return signedTransaction(key, { ...message, authorizations: [] }, chainId);
    });
  return { state, transactions: { plain: signed("plain"), erc20: signed("erc20"), swap: signed("swap") } };
}

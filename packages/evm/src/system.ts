/** System transactions (type 0x7E): what a block executes that no user sent to the DAC. */
import {
  type Address,
  BEACON_ROOTS,
  BLOCK_HASH_HISTORY,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  forcedTransaction,
  fromHex,
  type IncludedOutcome,
  LIMITS,
  PREDEPLOYS,
  SYSTEM,
  type SystemTransaction,
  TOTAL_SUPPLY_SLOT,
  type TransactionMessage,
  toMessage,
  ZERO_HASH,
} from "@mvm/protocol";
import type { MessageResult } from "./calls.ts";
import { FREE_TERMS, termsOf } from "./charter.ts";
import { ExecutionError } from "./errors.ts";
import type { Machine } from "./machine.ts";
import {
  cappedRefund,
  executeTransaction,
  load,
  makeCall,
  saveDestroyed,
  type TransactionContext,
} from "./transaction.ts";
import type { TransactionState } from "./transactionState.ts";
import { MAX_WORD, slotKeyOf } from "./words.ts";
import { collectWrites } from "./writes.ts";

export type SystemWork = {
  readonly environment: BlockEnvironment;
  readonly transaction: SystemTransaction;
  readonly machine: Machine;
  readonly state: TransactionState;
  readonly wait: (pending: Promise<unknown>) => Promise<unknown>;
};

/**
 * Where messages run under no words of the charter, so that no charter keeps MetisDAO from setting the tax and sweeping
 * the vaults, nor L1's bridge from minting what was deposited. These contracts run no code but their own and know their
 * callers; MVM_TokenBridge asks for WITHDRAW itself.
 */
const FREED_TARGETS: ReadonlySet<Address> = new Set([
  PREDEPLOYS.dacMaster,
  PREDEPLOYS.taxVault,
  PREDEPLOYS.burnVault,
  PREDEPLOYS.tokenBridge,
]);

/** What an exit may call. */
const EXIT_TARGETS: ReadonlySet<Address> = new Set([PREDEPLOYS.coinbase, PREDEPLOYS.tokenBridge]);

type Call = { readonly to: Address; readonly data: Uint8Array };

async function settled<T>(work: SystemWork, read: () => T | undefined): Promise<T> {
  for (;;) {
    const value = read();
    if (value !== undefined) return value;
    await work.wait(work.state.pending!);
  }
}

/** New MT for an account, counted in MVM_Coinbase's supply. */
async function mint(work: SystemWork, receiver: Address, next: "call" | "nothing"): Promise<void> {
  const { state, transaction } = work;
  const { mint: amount } = transaction;
  const account = state.entry(receiver);
  const coinbase = state.entry(PREDEPLOYS.coinbase);
  const supply = state.slotEntry(coinbase, TOTAL_SUPPLY_SLOT);
  await settled(work, () => state.load(account) || undefined);
  await settled(work, () => state.load(coinbase) || undefined);
  await settled(work, () => state.loadSlot(coinbase, supply) || undefined);
  const total = supply.current + amount;
  if (amount < 0n || total > MAX_WORD || account.balance + amount > MAX_WORD) {
    const key = { kind: "slot", address: PREDEPLOYS.coinbase, slot: slotKeyOf(TOTAL_SUPPLY_SLOT) } as const;
    throw new ExecutionError("inconsistent-value", key, `a mint of ${amount} does not fit`);
  }
  if (amount !== 0n) {
    state.setBalance(account, account.balance + amount);
    state.setSlot(coinbase, supply, total);
  }
  work.machine.observer?.minted(state, account, supply, next);
}

/**
 * Context's calls: Ethereum's own block-start writes (EIP-2935, and EIP-4788 with zero, for a DAC's chain has no beacon
 * root), then the block's L1 values.
 */
async function contextCalls(work: SystemWork): Promise<readonly Call[]> {
  const { state, transaction } = work;
  const number = await settled(work, () => state.blockNumber());
  const parentHash = await settled(work, () => state.blockHash(number - 1n));
  return [
    { to: BLOCK_HASH_HISTORY.address, data: fromHex(parentHash) },
    { to: BEACON_ROOTS.address, data: fromHex(ZERO_HASH) },
    { to: transaction.to, data: transaction.data },
  ];
}

function messageOf({ from, gasLimit, value }: SystemTransaction, { to, data }: Call): TransactionMessage {
  const fees = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, l1Fee: 0n };
  return { type: 2, from, to, nonce: 0n, gasLimit, ...fees, value, data, accessList: [], authorizations: [] };
}

/** Runs one call with all the gas of its transaction. */
async function runCall(work: SystemWork, call: Call, { originWord, denied }: Origin): Promise<MessageResult> {
  const { state, environment, transaction } = work;
  const message = messageOf(transaction, call);
  const context: TransactionContext = { ...work, message, mode: "call", blockGasLeft: message.gasLimit };
  const sender = await load(context, state.entry(message.from));
  const target = await load(context, state.entry(call.to));
  const surroundings = { environment, originWord, gasPrice: 0n, denied };
  return makeCall(context, { sender, target, gas: Number(message.gasLimit), tax: 0n }, surroundings);
}

type Origin = { readonly originWord: bigint; readonly denied: bigint };

/** Whom the transaction's calls say they come from, and what the charter denies it. */
async function originOf(work: SystemWork): Promise<Origin> {
  const { source, from, to } = work.transaction;
  if (source === "exit") return { originWord: BigInt(SYSTEM), denied: 0n };
  const isFreed = from === SYSTEM || FREED_TARGETS.has(to);
  const { denied } = isFreed ? FREE_TERMS : await settled(work, () => termsOf(work.state, from, 0n));
  return { originWord: BigInt(from), denied };
}

/** The outcome of a queue item that may not be executed: it is consumed and does nothing. */
function consumed({ machine, state: { reads }, state }: SystemWork): IncludedOutcome {
  machine.observer?.arranged(state, { ...NOTHING, next: "nothing", status: 0 });
  return { kind: "included", status: 0, gasUsed: 0n, logs: [], writes: [], reads };
}

/** What is arranged where no call is made. */
const NOTHING = { isCounted: false, gasLimit: 0n, calls: 0, originWord: 0n, denied: 0n } as const;

/**
 * Whether an exit may be made at all: to a bridge contract, for nothing else runs under an origin that no charter binds; by
 * an account that a key speaks for, because a contract's address on L1 may be another's than on the DAC. Contracts get
 * out through MVM_Coinbase.exitOwner.
 */
async function isExitAllowed(work: SystemWork): Promise<boolean> {
  const { state, transaction } = work;
  if (!EXIT_TARGETS.has(transaction.to)) return false;
  const sender = state.entry(transaction.from);
  await settled(work, () => state.load(sender) || undefined);
  if (sender.codeHash === EMPTY_CODE_HASH) return true;
  return (await settled(work, () => state.codeOf(sender))).delegate !== null;
}

/** The message of a forced transaction, which pays no L1 fee: its data are on L1 at its sender's cost. null: it is none. */
export async function forcedMessage(work: SystemWork): Promise<TransactionMessage | null> {
  const chainId = await settled(work, () => work.state.chainId());
  const decoded = forcedTransaction(work.transaction.data, chainId);
  return decoded === null ? null : toMessage(decoded, 0n);
}

/** Executes the signed transaction in the data as the user's that it is; one that is invalid at its turn does nothing. */
async function executeForced(work: SystemWork): Promise<IncludedOutcome> {
  const message = await forcedMessage(work);
  if (message === null) return consumed(work);
  const blockGasLeft = work.environment.gasLimit;
  const { outcome } = await executeTransaction({ ...work, message, mode: "block", blockGasLeft });
  return outcome.kind === "included" ? outcome : consumed(work);
}

/** What a system transaction other than a forced one does beforehand, and its calls; null: it fails without one. */
async function arrange(work: SystemWork): Promise<{ readonly origin: Origin; readonly calls: readonly Call[] } | null> {
  const { state, machine, transaction } = work;
  const { source, from, to, data, gasLimit } = transaction;
  const mints = source === "deposit" || source === "message";
  const isAllowed = source !== "exit" || (await isExitAllowed(work));
  const isDone = isAllowed && gasLimit <= LIMITS.transactionGas;
  const isCall = isDone && source !== "deposit";
  const origin = isCall ? await originOf(work) : { originWord: 0n, denied: 0n };
  const calls = !isCall ? [] : source === "context" ? await contextCalls(work) : [{ to, data }];
  const next = isCall ? "call" : "nothing";
  const isCounted = isCall && (source === "message" || source === "exit");
  const arranged = isCall ? { ...origin, isCounted, gasLimit, calls: calls.length - 1 } : NOTHING;
  machine.observer?.arranged(state, { ...arranged, next: mints ? "mint" : next, status: isDone ? 1 : 0 });
  if (mints) await mint(work, source === "deposit" ? to : from, next);
  return isDone ? { origin, calls } : null;
}

/**
 * Executes a system transaction. Only the gas of what L1's queue asked for is counted, and only a forced transaction pays for
 * its own. One that fails keeps nothing but its mint; context, founding and settle are made so that they do not.
 * @throws ExecutionError where the reader fails, or where a mint would not fit a word
 */
export async function executeSystemTransaction(work: SystemWork): Promise<IncludedOutcome> {
  const { state, machine, transaction } = work;
  const { source, gasLimit } = transaction;
  if (source === "forced") return executeForced(work);
  const arranged = await arrange(work);
  let status: 0 | 1 = arranged === null ? 0 : 1;
  let gasUsed = 0n;
  for (const call of arranged?.calls ?? []) {
    const result = await runCall(work, call, arranged!.origin);
    if (result.status !== "success") status = 0;
    if (source === "message" || source === "exit") {
      const used = Number(gasLimit) - result.gasLeft;
      gasUsed = BigInt(used - cappedRefund(used, state.refund));
    }
    machine.observer?.settled(state, gasUsed, []);
  }
  if (arranged !== null && source !== "deposit") await saveDestroyed(work);
  return { kind: "included", status, gasUsed, logs: state.logs, writes: collectWrites(state), reads: state.reads };
}

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
  runMessage,
  saveDestroyed,
  type TransactionContext,
  warmUp,
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
async function mint(work: SystemWork, receiver: Address): Promise<void> {
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
  if (amount === 0n) return;
  state.setBalance(account, account.balance + amount);
  state.setSlot(coinbase, supply, total);
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
async function makeCall(work: SystemWork, call: Call): Promise<MessageResult> {
  const { machine, state, environment, transaction } = work;
  const message = messageOf(transaction, call);
  const context: TransactionContext = { ...work, message, mode: "call", blockGasLeft: message.gasLimit };
  const sender = await load(context, state.entry(message.from));
  const target = await load(context, state.entry(call.to));
  warmUp(context, sender, target);
  const isExit = transaction.source === "exit";
  const isFreed = isExit || message.from === SYSTEM || FREED_TARGETS.has(call.to);
  const { denied } = isFreed ? FREE_TERMS : await settled(work, () => termsOf(state, message.from, 0n));
  const originWord = BigInt(isExit ? SYSTEM : message.from);
  machine.begin(state, { environment, originWord, gasPrice: 0n, denied });
  return runMessage(context, sender, target, Number(message.gasLimit));
}

/** The outcome of a queue item that may not be executed: it is consumed and does nothing. */
const consumed = ({ reads }: TransactionState): IncludedOutcome => {
  return { kind: "included", status: 0, gasUsed: 0n, logs: [], writes: [], reads };
};

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
  if (message === null) return consumed(work.state);
  const blockGasLeft = work.environment.gasLimit;
  const { outcome } = await executeTransaction({ ...work, message, mode: "block", blockGasLeft });
  return outcome.kind === "included" ? outcome : consumed(work.state);
}

/**
 * Executes a system transaction. Only the gas of what L1's queue asked for is counted, and only a forced transaction pays for
 * its own. One that fails keeps nothing but its mint; context, founding and settle are made so that they do not.
 * @throws ExecutionError where the reader fails, or where a mint would not fit a word
 */
export async function executeSystemTransaction(work: SystemWork): Promise<IncludedOutcome> {
  const { state, transaction } = work;
  const { source, from, to, data, gasLimit } = transaction;
  if (source === "forced") return executeForced(work);
  if (source === "exit" && !(await isExitAllowed(work))) return consumed(state);
  let status: 0 | 1 = 1;
  let gasUsed = 0n;
  if (source === "deposit" || source === "message") await mint(work, source === "deposit" ? to : from);
  if (gasLimit > LIMITS.transactionGas) status = 0;
  else if (source !== "deposit") {
    for (const call of source === "context" ? await contextCalls(work) : [{ to, data }]) {
      const result = await makeCall(work, call);
      if (result.status !== "success") status = 0;
      if (source !== "message" && source !== "exit") continue;
      const used = Number(gasLimit) - result.gasLeft;
      gasUsed = BigInt(used - cappedRefund(used, state.refund));
    }
    await saveDestroyed(work);
  }
  return { kind: "included", status, gasUsed, logs: state.logs, writes: collectWrites(state), reads: state.reads };
}

/** System transactions (type 0x7E): what a block executes that no user signed and nobody pays for. */
import {
  type Address,
  BEACON_ROOTS,
  BLOCK_HASH_HISTORY,
  type BlockEnvironment,
  fromHex,
  type IncludedOutcome,
  PREDEPLOYS,
  SYSTEM,
  type SystemTransaction,
  TOTAL_SUPPLY_SLOT,
  type TransactionMessage,
  ZERO_HASH,
} from "@mvm/protocol";
import type { MessageResult } from "./calls.ts";
import { FREE_TERMS, termsOf } from "./charter.ts";
import { ExecutionError } from "./errors.ts";
import type { Machine } from "./machine.ts";
import { cappedRefund, load, runMessage, saveDestroyed, type TransactionContext, warmUp } from "./transaction.ts";
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
 * the vaults. From anybody else these contracts take nothing.
 */
const FREED_TARGETS: ReadonlySet<Address> = new Set([PREDEPLOYS.dacMaster, PREDEPLOYS.taxVault, PREDEPLOYS.burnVault]);

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

function messageOf({ from, gasLimit, mint: value }: SystemTransaction, { to, data }: Call): TransactionMessage {
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
  const isFreed = message.from === SYSTEM || FREED_TARGETS.has(call.to);
  const { denied } = isFreed ? FREE_TERMS : await settled(work, () => termsOf(state, message.from, 0n));
  machine.begin(state, { environment, originWord: BigInt(message.from), gasPrice: 0n, denied });
  return runMessage(context, sender, target, Number(message.gasLimit));
}

/**
 * Executes a system transaction. Only a message's gas is counted. One that fails keeps nothing but its mint; context,
 * founding and settle are made so that they do not.
 * @throws ExecutionError where the reader fails, or where a mint would not fit a word
 */
export async function executeSystemTransaction(work: SystemWork): Promise<IncludedOutcome> {
  const { state, transaction } = work;
  const { source, from, to, data, gasLimit } = transaction;
  let status: 0 | 1 = 1;
  let gasUsed = 0n;
  if (source === "deposit" || source === "message") await mint(work, source === "deposit" ? to : from);
  if (source !== "deposit") {
    for (const call of source === "context" ? await contextCalls(work) : [{ to, data }]) {
      const result = await makeCall(work, call);
      if (result.status !== "success") status = 0;
      if (source !== "message") continue;
      const used = Number(gasLimit) - result.gasLeft;
      gasUsed = BigInt(used - cappedRefund(used, state.refund));
    }
    await saveDestroyed(work);
  }
  return { kind: "included", status, gasUsed, logs: state.logs, writes: collectWrites(state), reads: state.reads };
}

/** One transaction from its checks to its outcome, after the Ethereum execution specification. */
import {
  type Address,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  type IncludedOutcome,
  type InvalidReason,
  type Outcome,
  type TransactionMessage,
} from "@mvm/protocol";
import { applyAuthorizations } from "./authorizations.ts";
import { initcode, isOccupied, type MessageCall, type MessageResult } from "./calls.ts";
import { type Code, EMPTY_CODE } from "./code.ts";
import { createAddress } from "./instructions/calling.ts";
import { type IntrinsicGas, intrinsicGas } from "./intrinsic.ts";
import type { Machine } from "./machine.ts";
import type { AccountState, TransactionState } from "./transactionState.ts";
import { formFault, senderFault } from "./validity.ts";
import { lesser } from "./words.ts";
import { collectWrites } from "./writes.ts";

const EMPTY = new Uint8Array(0);
/** The machine counts gas in doubles: where a fork has no cap, what lies above this is kept aside; only GAS shows it. */
const COUNTABLE_GAS = BigInt(Number.MAX_SAFE_INTEGER);
/** EIP-3529: at most this part of the gas used comes back */
const REFUND_QUOTIENT = 5;

/** What becomes of the base fee: credited with the tip to the fee recipient, or burnt as on Ethereum. */
export type FeePolicy = "credit" | "burn";

/**
 * `block`: every rule. `call`: as eth_call, without nonce, fees and gas limits. `discover`: as `call`, and the sender
 * is taken to have what it sends, because it may get it from a message before.
 */
export type ExecutionMode = "block" | "call" | "discover";

export type TransactionContext = {
  readonly machine: Machine;
  readonly state: TransactionState;
  readonly environment: BlockEnvironment;
  readonly message: TransactionMessage;
  readonly feePolicy: FeePolicy;
  readonly mode: ExecutionMode;
  /** gas that the block has left */
  readonly blockGasLeft: bigint;
  /** waits for a value; throws where it cannot be had */
  readonly wait: (pending: Promise<unknown>) => Promise<unknown>;
};

export type TransactionResult = {
  readonly outcome: Outcome;
  /** null where the outcome is "invalid" */
  readonly result: MessageResult | null;
  readonly createdAddress: Address | null;
};

async function load(context: TransactionContext, account: AccountState): Promise<AccountState> {
  while (!context.state.load(account)) await context.wait(context.state.pending!);
  return account;
}

async function codeOf(context: TransactionContext, account: AccountState): Promise<Code> {
  for (;;) {
    const code = context.state.codeOf(account);
    if (code !== undefined) return code;
    await context.wait(context.state.pending!);
  }
}

function invalid(reason: InvalidReason): TransactionResult {
  return { outcome: { kind: "invalid", reason }, result: null, createdAddress: null };
}

/** EIP-2930 and 3651: what is warm from the start. Precompiles are warm by being in the table. */
function warmUp(context: TransactionContext, sender: AccountState, target: AccountState): void {
  const { state, machine, message, environment } = context;
  state.warm(sender);
  state.warm(target);
  if (machine.rules.warmFeeRecipient) state.warm(state.entry(environment.feeRecipient));
  for (const { address, slots } of message.accessList) {
    const account = state.entry(address);
    state.warm(account);
    for (const slot of slots) state.warm(state.slotEntry(account, BigInt(slot)));
  }
}

/** Code that the message runs; a delegation is followed without charge, and warms its target (EIP-7702). */
async function targetCode(context: TransactionContext, target: AccountState): Promise<Code> {
  const { state, machine } = context;
  const code = await codeOf(context, target);
  if (code.delegate === null || !machine.rules.delegation) return code;
  const delegate = state.entry(code.delegate);
  state.warm(delegate);
  return codeOf(context, await load(context, delegate));
}

async function run(
  context: TransactionContext,
  sender: AccountState,
  target: AccountState,
  gas: number,
): Promise<MessageResult> {
  const { state, machine, message, wait } = context;
  const isCreate = message.to === null;
  if (isCreate && isOccupied(target)) return { status: "halt", halt: "address-collision", gasLeft: 0, output: EMPTY };
  if (sender.balance < message.value)
    return { status: "halt", halt: "insufficient-balance", gasLeft: 0, output: EMPTY };
  const precompile = isCreate ? null : (machine.rules.precompiles.get(target.address) ?? null);
  let code = EMPTY_CODE;
  if (isCreate) code = initcode(message.data);
  else if (precompile === null && target.codeHash !== EMPTY_CODE_HASH) code = await targetCode(context, target);
  if (precompile === null && code.bytes.length === 0 && !isCreate) {
    // A plain transfer: nothing runs.
    state.transfer(sender, target, message.value);
    return { status: "success", halt: null, gasLeft: gas, output: EMPTY };
  }
  const call: MessageCall = {
    isCreate,
    caller: sender.address,
    target,
    addressWord: BigInt(target.address),
    code,
    precompile,
    value: message.value,
    from: sender,
    input: isCreate ? EMPTY : message.data,
    gas,
    isStatic: false,
    outOffset: 0,
    outLength: 0,
  };
  return machine.execute(call, wait);
}

/** Gas used in the end, after refunds and the calldata floor. */
function settleGas(gasLimit: number, result: MessageResult, refund: number, intrinsic: IntrinsicGas): number {
  const used = gasLimit - result.gasLeft;
  return Math.max(used - Math.min(Math.floor(used / REFUND_QUOTIENT), refund), intrinsic.floor);
}

/** Why the message may not be in the block; null: it may. */
async function faultOf(
  context: TransactionContext,
  sender: AccountState,
  intrinsic: IntrinsicGas,
): Promise<InvalidReason | null> {
  const { machine, state, environment, message } = context;
  const fault = formFault(message, environment, machine.rules, intrinsic, context.blockGasLeft);
  if (fault !== null) return fault;
  if (!state.load(sender)) await load(context, sender);
  for (;;) {
    const senders = senderFault(message, sender, state, machine.rules);
    if (senders !== undefined) return senders;
    await context.wait(state.pending!);
  }
}

type Fees = { readonly gasPrice: bigint; readonly gasUsed: bigint };

/** Gives back what the gas left was bought for, and pays the fee recipient. */
function settleFees(
  context: TransactionContext,
  sender: AccountState,
  feeRecipient: AccountState,
  { gasPrice, gasUsed }: Fees,
): void {
  const { state, environment, message } = context;
  state.setBalance(sender, sender.balance + (message.gasLimit - gasUsed) * gasPrice);
  const fee = gasUsed * (context.feePolicy === "credit" ? gasPrice : gasPrice - environment.baseFeePerGas);
  if (fee === 0n) state.touch(feeRecipient);
  else state.setBalance(feeRecipient, feeRecipient.balance + fee);
}

/** Takes the fee in advance and counts the sender's nonce. */
function charge(context: TransactionContext, sender: AccountState, gasPrice: bigint): void {
  const { state, message, mode } = context;
  state.setNonce(sender, sender.nonce + 1n);
  if (mode === "block") state.setBalance(sender, sender.balance - message.gasLimit * gasPrice);
  else if (mode === "discover" && sender.balance < message.value) state.setBalance(sender, message.value);
}

/** Executes a message; a reader's failure throws ExecutionError. */
export async function executeTransaction(context: TransactionContext): Promise<TransactionResult> {
  const { machine, state, environment, message, mode } = context;
  const intrinsic = intrinsicGas(message, machine.rules);
  const sender = state.entry(message.from);
  if (mode === "block") {
    const fault = await faultOf(context, sender, intrinsic);
    if (fault !== null) return invalid(fault);
  }
  if (!state.load(sender)) await load(context, sender);
  const gasLimit = Number(lesser(message.gasLimit, COUNTABLE_GAS));
  if (gasLimit < intrinsic.charge) return invalid("intrinsic-gas");

  const { baseFeePerGas } = environment;
  const priorityFee = lesser(message.maxFeePerGas - baseFeePerGas, message.maxPriorityFeePerGas);
  const gasPrice = mode === "block" ? baseFeePerGas + priorityFee : message.maxFeePerGas;
  const target = state.entry(message.to ?? createAddress(message.from, sender.nonce));
  warmUp(context, sender, target);
  charge(context, sender, gasPrice);
  let refund = 0;
  if (message.authorizations.length !== 0)
    refund = await applyAuthorizations(state, message.authorizations, context.wait);
  if (!state.load(target)) await load(context, target);
  machine.begin(state, { environment, originWord: BigInt(message.from), gasPrice });
  const result = await run(context, sender, target, gasLimit - intrinsic.charge);
  refund += state.refund;

  const uncounted = result.status === "halt" ? message.gasLimit - BigInt(gasLimit) : 0n;
  const gasUsed = BigInt(settleGas(gasLimit, result, refund, intrinsic)) + uncounted;
  const feeRecipient = state.entry(environment.feeRecipient);
  if (mode !== "call" && !state.load(feeRecipient)) await load(context, feeRecipient);
  if (mode === "block") settleFees(context, sender, feeRecipient, { gasPrice, gasUsed });
  const outcome: IncludedOutcome = {
    kind: "included",
    status: result.status === "success" ? 1 : 0,
    gasUsed,
    logs: state.logs,
    writes: collectWrites(state),
    reads: state.reads,
  };
  return { outcome, result, createdAddress: message.to === null ? target.address : null };
}

/** One transaction from its checks to its outcome, after the Ethereum execution specification. */
import {
  type Address,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  hasOpcode,
  type IncludedOutcome,
  type InvalidReason,
  type Outcome,
  PREDEPLOYS,
  type TransactionMessage,
} from "@mvm/protocol";
import { applyAuthorizations } from "./authorizations.ts";
import { initcode, isOccupied, type MessageCall, type MessageResult } from "./calls.ts";
import { FREE_TERMS, type Terms, termsOf } from "./charter.ts";
import { type Code, EMPTY_CODE } from "./code.ts";
import { createAddress, MAX_INITCODE_BYTES } from "./instructions/calling.ts";
import { type IntrinsicGas, intrinsicGas } from "./intrinsic.ts";
import type { Machine, Surroundings } from "./machine.ts";
import { permissionDenied } from "./permissionDenied.ts";
import type { AccountState, TransactionState } from "./transactionState.ts";
import { formFault, senderFault, termsFault } from "./validity.ts";
import { lesser } from "./words.ts";
import { collectWrites } from "./writes.ts";

const EMPTY = new Uint8Array(0);
/** What a contract-creating transaction counts as. */
const CREATE_OPCODE = 0xf0;
/** The machine counts gas in doubles: where a fork has no cap, what lies above this is kept aside; only GAS shows it. */
const COUNTABLE_GAS = BigInt(Number.MAX_SAFE_INTEGER);
/** EIP-3529: at most this part of the gas used comes back */
const REFUND_QUOTIENT = 5;

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

/** Reads an account, waiting where it is not known yet. */
export async function load(
  context: Pick<TransactionContext, "state" | "wait">,
  account: AccountState,
): Promise<AccountState> {
  while (!context.state.load(account)) await context.wait(context.state.pending!);
  return account;
}

/** What the charter says of the message; nothing on a chain without charters. undefined: wait for `pending`. */
function termsFor({ machine, state, message }: TransactionContext): Terms | undefined {
  return machine.rules.chain === "dac" ? termsOf(state, message.from, message.value) : FREE_TERMS;
}

async function codeOf(context: TransactionContext, account: AccountState): Promise<Code> {
  for (;;) {
    const code = context.state.codeOf(account);
    if (code !== undefined) return code;
    await context.wait(context.state.pending!);
  }
}

function invalid(reason: InvalidReason, { reads }: TransactionState): TransactionResult {
  return { outcome: { kind: "invalid", reason, reads }, result: null, createdAddress: null };
}

/** What is warm by being listed (EIP-2930). */
function warmListed({ state, machine: { observer }, message }: TransactionContext): void {
  for (const { address, slots } of message.accessList) {
    const account = state.entry(address);
    state.warm(account);
    observer?.listed(state, account, null);
    for (const key of slots) {
      const slot = state.slotEntry(account, BigInt(key));
      state.warm(slot);
      observer?.listed(state, account, slot);
    }
  }
}

/** EIP-3651: who is warm from the start of a message. Precompiles are warm by being in the table. */
function warmUp({ state, machine, environment }: TransactionContext, sender: AccountState, target: AccountState): void {
  state.warm(sender);
  state.warm(target);
  if (machine.rules.warmFeeRecipient) state.warm(state.entry(environment.feeRecipient));
}

/** Begins a call of the transaction, and runs it. */
export async function makeCall(
  context: TransactionContext,
  { sender, target, gas, tax }: { sender: AccountState; target: AccountState; gas: number; tax: bigint },
  surroundings: Surroundings,
): Promise<MessageResult> {
  const { state, machine, environment } = context;
  warmUp(context, sender, target);
  machine.begin(state, surroundings);
  machine.observer?.calling({ state, sender, target, feeRecipient: state.entry(environment.feeRecipient), tax });
  const result = await runTaxed(context, sender, target, { gas, tax });
  machine.observer?.ended(state, result);
  return result;
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

/** Runs the message with what its fees and checks have left; what it changes is undone where it fails. */
async function runMessage(
  context: TransactionContext,
  sender: AccountState,
  target: AccountState,
  gas: number,
): Promise<MessageResult> {
  const { state, machine, message, wait } = context;
  const isCreate = message.to === null;
  const { denied, originWord } = machine.surroundings;
  if (isCreate && hasOpcode(denied, CREATE_OPCODE))
    return { status: "revert", halt: null, gasLeft: gas, output: permissionDenied(CREATE_OPCODE, originWord) };
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

/** Runs the message with its tax: whoever moves a value pays it, unless the move itself is undone. */
async function runTaxed(
  context: TransactionContext,
  sender: AccountState,
  target: AccountState,
  { gas, tax }: { readonly gas: number; readonly tax: bigint },
): Promise<MessageResult> {
  const { state, message } = context;
  if (tax === 0n) return runMessage(context, sender, target, gas);
  if (sender.balance < message.value + tax)
    return { status: "halt", halt: "insufficient-balance", gasLeft: 0, output: EMPTY };
  const vault = await load(context, state.entry(PREDEPLOYS.taxVault));
  const { mark } = state;
  state.transfer(sender, vault, tax);
  const result = await runMessage(context, sender, target, gas);
  if (result.status !== "success") state.revertTo(mark);
  return result;
}

/** MT that is left on accounts which the transaction removes goes to a vault: on a DAC nothing is burnt. */
export async function saveDestroyed(context: Pick<TransactionContext, "machine" | "state" | "wait">): Promise<void> {
  const { state } = context;
  if (state.changed.some(({ destroyed, balance }) => destroyed && balance !== 0n))
    await load(context, state.entry(PREDEPLOYS.burnVault));
  context.machine.observer?.clearing(state);
  const left = state.changed.filter(({ destroyed, balance }) => destroyed && balance !== 0n);
  for (const account of left) state.transfer(account, state.entry(PREDEPLOYS.burnVault), account.balance);
}

/** What of a refund comes back (EIP-3529). */
export function cappedRefund(used: number, refund: number): number {
  return Math.min(Math.floor(used / REFUND_QUOTIENT), refund);
}

/** Gas used in the end, after refunds and the calldata floor. */
function settleGas(gasLimit: number, result: MessageResult, refund: number, intrinsic: IntrinsicGas): number {
  const used = gasLimit - result.gasLeft;
  return Math.max(used - cappedRefund(used, refund), intrinsic.floor);
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
  const { state, environment, message, machine } = context;
  state.setBalance(sender, sender.balance + (message.gasLimit - gasUsed) * gasPrice);
  const paidPerGas = machine.rules.chain === "dac" ? gasPrice : gasPrice - environment.baseFeePerGas;
  const fee = gasUsed * paidPerGas + message.l1Fee;
  if (fee === 0n) state.touch(feeRecipient);
  else state.setBalance(feeRecipient, feeRecipient.balance + fee);
}

/** Takes the fee in advance and counts the sender's nonce. */
function charge(context: TransactionContext, sender: AccountState, gasPrice: bigint): void {
  const { state, message, mode } = context;
  state.setNonce(sender, sender.nonce + 1n);
  if (mode === "block") state.setBalance(sender, sender.balance - message.gasLimit * gasPrice - message.l1Fee);
  else if (mode === "discover" && sender.balance < 2n * message.value) state.setBalance(sender, 2n * message.value);
}

/** Executes a message; a reader's failure throws ExecutionError. */
export async function executeTransaction(context: TransactionContext): Promise<TransactionResult> {
  const { machine, state, environment, message, mode } = context;
  const intrinsic = intrinsicGas(message, machine.rules);
  const sender = state.entry(message.from);
  if (mode === "block") {
    const fault = await faultOf(context, sender, intrinsic);
    if (fault !== null) return invalid(fault, state);
  }
  if (!state.load(sender)) await load(context, sender);
  let terms = termsFor(context);
  for (; terms === undefined; terms = termsFor(context)) await context.wait(state.pending!);
  const fault = mode === "block" ? termsFault(message, sender, terms) : null;
  if (fault !== null) return invalid(fault, state);
  const gasLimit = Number(lesser(message.gasLimit, COUNTABLE_GAS));
  if (gasLimit < Math.max(intrinsic.charge, intrinsic.floor)) return invalid("intrinsic-gas", state);
  if (message.to === null && machine.rules.initcodeLimit && message.data.length > MAX_INITCODE_BYTES)
    return invalid("initcode-too-large", state);

  const { baseFeePerGas } = environment;
  const priorityFee = lesser(message.maxFeePerGas - baseFeePerGas, message.maxPriorityFeePerGas);
  const gasPrice = mode === "block" ? baseFeePerGas + priorityFee : message.maxFeePerGas;
  const target = state.entry(message.to ?? createAddress(message.from, sender.nonce));
  charge(context, sender, gasPrice);
  machine.observer?.charged(state, { message, sender, intrinsic, terms, gasPrice });
  warmListed(context);
  if (message.authorizations.length !== 0)
    await applyAuthorizations(state, message.authorizations, machine.observer, context.wait);
  if (!state.load(target)) await load(context, target);
  const call = { sender, target, gas: gasLimit - intrinsic.charge, tax: terms.tax };
  const surroundings = { environment, originWord: BigInt(message.from), gasPrice, denied: terms.denied };
  const result = await makeCall(context, call, surroundings);

  const uncounted = result.status === "halt" ? message.gasLimit - BigInt(gasLimit) : 0n;
  const gasUsed = BigInt(settleGas(gasLimit, result, state.refund, intrinsic)) + uncounted;
  const feeRecipient = state.entry(environment.feeRecipient);
  if (mode !== "call" && !state.load(feeRecipient)) await load(context, feeRecipient);
  if (mode === "block") settleFees(context, sender, feeRecipient, { gasPrice, gasUsed });
  machine.observer?.settled(state, gasUsed, [sender, feeRecipient]);
  if (state.hasDestroyed && machine.rules.chain === "dac") await saveDestroyed(context);
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

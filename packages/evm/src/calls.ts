/** Entering and leaving frames: message calls, contract creation, and what their ends do to state and caller. */
import { type Address, EMPTY_CODE_HASH, keccakHash } from "@mvm/protocol";
import { analyseCode, type Code } from "./code.ts";
import type { Frame, HaltReason } from "./frame.ts";
import type { Machine } from "./machine.ts";
import type { Precompile, PrecompileResult } from "./precompiles.ts";
import { PENDING, REVERT, type Signal, STOP, SWITCH } from "./signals.ts";
import type { AccountState, TransactionState } from "./transactionState.ts";

const EMPTY = new Uint8Array(0);
/** gas per byte of deployed code */
const CODE_BYTE_GAS = 200;
/** bytes of deployed code (EIP-170) */
export const MAX_CODE_BYTES = 24_576;

/** A call or creation. `target`, and with a `value` to move `from`, are loaded. */
export type MessageCall = {
  readonly isCreate: boolean;
  readonly caller: Address;
  /** account whose storage and balance the code works on */
  readonly target: AccountState;
  readonly addressWord: bigint;
  readonly code: Code;
  readonly precompile: Precompile | null;
  /** what CALLVALUE says */
  readonly value: bigint;
  /** where `value` is moved from; null: not moved */
  readonly from: AccountState | null;
  readonly input: Uint8Array;
  readonly gas: number;
  readonly isStatic: boolean;
  readonly outOffset: number;
  readonly outLength: number;
};

export type MessageResult = {
  readonly status: "success" | "revert" | "halt";
  readonly halt: HaltReason | null;
  readonly gasLeft: number;
  readonly output: Uint8Array;
};

/** First effects of a message: what it makes, the value that it moves, the account that it touches. */
export function arrive(
  state: TransactionState,
  { isCreate, target, from, value }: Pick<MessageCall, "isCreate" | "target" | "from" | "value">,
): void {
  if (isCreate) {
    state.markCreated(target);
    state.setNonce(target, 1n);
  }
  if (from !== null) state.transfer(from, target, value);
  else state.touch(target);
}

/** Begins the outermost message. */
export function startMessage(machine: Machine, message: MessageCall): void {
  enter(machine, null, message);
}

/** Begins a message that `parent` makes; the parent has paid the message's gas. */
export function enter(machine: Machine, parent: Frame | null, message: MessageCall): Signal {
  const { state } = machine;
  const journalMark = state.mark;
  const logMark = state.logs.length;
  const refundMark = state.refund;
  const { target } = message;
  arrive(state, message);
  if (message.precompile !== null) return enterPrecompile(machine, parent, message, message.precompile, journalMark);
  if (message.code.bytes.length === 0) {
    deliver(machine, parent, message, { status: "success", halt: null, gasLeft: message.gas, output: EMPTY });
    return SWITCH;
  }
  const frame = machine.frames.at(parent === null ? 0 : parent.depth + 1);
  frame.gas = message.gas;
  frame.code = message.code;
  frame.account = target;
  frame.addressWord = message.addressWord;
  frame.caller = message.caller;
  frame.value = message.value;
  frame.setInput(message.input);
  frame.isStatic = message.isStatic;
  frame.isCreate = message.isCreate;
  frame.outOffset = message.outOffset;
  frame.outLength = message.outLength;
  frame.journalMark = journalMark;
  frame.logMark = logMark;
  frame.refundMark = refundMark;
  machine.frame = frame;
  return SWITCH;
}

function enterPrecompile(
  machine: Machine,
  parent: Frame | null,
  message: MessageCall,
  run: Precompile,
  journalMark: number,
): Signal {
  const finish = (result: PrecompileResult): void => {
    if (!result.success) machine.state.revertTo(journalMark);
    deliver(machine, parent, message, {
      status: result.success ? "success" : "halt",
      halt: result.success ? null : "precompile-failure",
      gasLeft: result.success ? message.gas - result.gasUsed : 0,
      output: result.output,
    });
  };
  const result = run(message.input, Math.min(message.gas, machine.rules.precompileGas));
  if (result instanceof Promise) {
    machine.awaitPrecompile(result, finish);
    return PENDING;
  }
  finish(result);
  return SWITCH;
}

type Caller = {
  readonly isCreate: boolean;
  readonly addressWord: bigint;
  readonly outOffset: number;
  readonly outLength: number;
};

/** Hands a result to the frame that made the call and moves it past its opcode, or to the machine. */
function deliver(machine: Machine, parent: Frame | null, call: Caller, result: MessageResult): void {
  machine.frame = parent;
  if (parent === null) {
    machine.result = result;
    return;
  }
  const { status, output } = result;
  parent.gas += result.gasLeft;
  parent.pc++;
  if (call.isCreate) {
    parent.returnData = status === "revert" ? output : EMPTY;
    parent.stack[parent.sp++] = status === "success" ? call.addressWord : 0n;
    return;
  }
  parent.returnData = output;
  parent.stack[parent.sp++] = status === "success" ? 1n : 0n;
  const size = Math.min(call.outLength, output.length);
  if (size !== 0) parent.memory.set(size === output.length ? output : output.subarray(0, size), call.outOffset);
}

/** Deposits the code that a creation returned; null: all is well. */
function depositCode(machine: Machine, frame: Frame): HaltReason | null {
  const code = frame.output;
  if (code[0] === 0xef) return "invalid-code";
  if (code.length > MAX_CODE_BYTES) return "code-too-large";
  const cost = code.length * CODE_BYTE_GAS;
  if (frame.gas < cost) return "out-of-gas";
  frame.gas -= cost;
  if (code.length !== 0) machine.state.setCode(frame.account, code, keccakHash(code));
  return null;
}

/** Ends a frame: keeps or undoes its changes and goes back to its caller. */
export function leaveFrame(machine: Machine, frame: Frame, signal: Signal): void {
  const { state } = machine;
  let status: MessageResult["status"] = signal === STOP ? "success" : signal === REVERT ? "revert" : "halt";
  if (status === "success" && frame.isCreate) {
    frame.halt = depositCode(machine, frame);
    if (frame.halt !== null) status = "halt";
  }
  if (status !== "success") {
    state.revertTo(frame.journalMark);
    state.dropLogs(frame.logMark);
    state.refund = frame.refundMark;
  }
  const parent = frame.depth === 0 ? null : machine.frames.running(frame.depth - 1);
  const gasLeft = status === "halt" ? 0 : frame.gas;
  const output = status === "halt" ? EMPTY : frame.output;
  deliver(machine, parent, frame, { status, halt: status === "halt" ? frame.halt : null, gasLeft, output });
}

/** Whether no contract may be made at an account (EIP-684, EIP-7610). */
export function isOccupied(account: AccountState): boolean {
  return account.nonce !== 0n || account.codeHash !== EMPTY_CODE_HASH || account.original?.hasStorage === true;
}

/** Initcode as runnable code; it has no place in the code cache. */
export function initcode(bytes: Uint8Array): Code {
  return analyseCode(bytes, EMPTY_CODE_HASH);
}

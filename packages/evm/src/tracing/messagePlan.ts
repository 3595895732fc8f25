/** The message that a frame's opcode is about to begin: told by the opcode's own operands and prices, changing nothing. */
import { type Frame, toOffset } from "../frame.ts";
import {
  allButOne64th,
  type CallKind,
  callOperands,
  creationGas,
  MAX_INITCODE_BYTES,
  MAX_NONCE,
  price,
  STIPEND,
} from "../instructions/calling.ts";
import { MAX_CALL_DEPTH, type Machine } from "../machine.ts";
import type { Entry } from "./tracer.ts";
import { haltText } from "./wording.ts";

const EMPTY = new Uint8Array(0);

const CALLS: ReadonlyMap<number, CallKind> = new Map([
  [0xf1, "call"],
  [0xf2, "callcode"],
  [0xf4, "delegatecall"],
  [0xfa, "staticcall"],
]);
const TYPES = { call: "CALL", callcode: "CALLCODE", delegatecall: "DELEGATECALL", staticcall: "STATICCALL" } as const;
const CREATE = 0xf0;
const CREATE2 = 0xf5;

export type MessagePlan = Entry & {
  readonly isCreate: boolean;
  /** gas of the opcode beside its static gas, before any is handed on */
  readonly cost: number;
  /** gas that the caller hands on: the message's gas less the stipend */
  readonly handed: number;
  /** why it fails before anything of it happens; null: it does not, or only because the address is taken */
  readonly refusal: string | null;
};

/** Whether an opcode begins messages. */
export const isMessageOpcode = (opcode: number): boolean =>
  opcode === CREATE || opcode === CREATE2 || CALLS.has(opcode);

function refusalOf(frame: Frame, value: bigint): string | null {
  if (frame.depth >= MAX_CALL_DEPTH) return "max call depth exceeded";
  return frame.account.balance < value ? haltText("insufficient-balance") : null;
}

function planCall(frame: Frame, machine: Machine, kind: CallKind, withInput: boolean): MessagePlan | null {
  const operands = callOperands(frame, machine, kind);
  const priced = price(frame, machine, kind, operands);
  if (typeof priced === "number") return null;
  const { requested, account, value, inOffset, inLength } = operands;
  const most = allButOne64th(frame.gas - priced.cost);
  const handed = requested > BigInt(most) ? most : Number(requested);
  const shown = kind === "delegatecall" ? frame.value : value;
  return {
    type: TYPES[kind],
    from: frame.account.address,
    to: account.address,
    value: kind === "staticcall" ? null : shown,
    gas: value === 0n ? handed : handed + STIPEND,
    input: withInput ? frame.peek(inOffset, inLength) : EMPTY,
    isCreate: false,
    cost: priced.cost,
    handed,
    refusal: refusalOf(frame, value),
  };
}

function planCreation(frame: Frame, machine: Machine, salted: boolean, withInput: boolean): MessagePlan | null {
  const { stack, sp, account } = frame;
  const value = stack[sp - 1]!;
  const offset = toOffset(stack[sp - 2]!);
  const length = toOffset(stack[sp - 3]!);
  if (frame.isStatic || (machine.rules.initcodeLimit && length > MAX_INITCODE_BYTES)) return null;
  const cost = creationGas(frame, machine, salted, offset, length);
  if (frame.gas < cost) return null;
  const handed = allButOne64th(frame.gas - cost);
  return {
    type: salted ? "CREATE2" : "CREATE",
    from: account.address,
    to: null,
    value,
    gas: handed,
    input: withInput ? frame.peek(offset, length) : EMPTY,
    isCreate: true,
    cost,
    handed,
    refusal: refusalOf(frame, value) ?? (account.nonce >= MAX_NONCE ? "nonce uint64 overflow" : null),
  };
}

/**
 * The message of the opcode at which the frame stands, its static gas paid and its operands there; null where the
 * opcode fails, or has to wait for a value.
 */
export function planMessage(frame: Frame, machine: Machine, opcode: number, withInput: boolean): MessagePlan | null {
  const kind = CALLS.get(opcode);
  if (kind !== undefined) return planCall(frame, machine, kind, withInput);
  return planCreation(frame, machine, opcode === CREATE2, withInput);
}

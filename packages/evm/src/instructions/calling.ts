/** Opcodes that call, create and destroy contracts. */
import {
  type Address,
  bigIntToBytes,
  concatBytes,
  encodeRlp,
  fromHex,
  keccak,
  PREDEPLOYS,
  toHex,
  toWord,
} from "@mvm/protocol";
import { enter, initcode, isOccupied } from "../calls.ts";
import { type Code, EMPTY_CODE } from "../code.ts";
import { type Frame, toOffset, wordCount } from "../frame.ts";
import { MAX_CALL_DEPTH, type Machine } from "../machine.ts";
import type { Precompile } from "../precompiles.ts";
import { CONTINUE, halt, PENDING, type Signal, STOP } from "../signals.ts";
import type { AccountState } from "../transactionState.ts";
import { addressOfWord } from "../words.ts";
import { COLD_ACCOUNT_GAS, WARM_GAS } from "./surroundings.ts";
import type { Instruction } from "./table.ts";

const EMPTY = new Uint8Array(0);
const VALUE_GAS = 9_000;
const NEW_ACCOUNT_GAS = 25_000;
/** gas that a call with a value has on top of what it is handed */
export const STIPEND = 2_300;
const INITCODE_WORD_GAS = 2;
const KECCAK_WORD_GAS = 6;
/** EIP-3860 */
export const MAX_INITCODE_BYTES = 49_152;
/** EIP-2681 */
export const MAX_NONCE = (1n << 64n) - 1n;

/** What a frame may hand to a call of its remaining gas (EIP-150). */
export function allButOne64th(gas: number): number {
  return gas - Math.floor(gas / 64);
}

/** Address of what `creator` makes by CREATE, or by a transaction, at a nonce. */
export function createAddress(creator: Address, nonce: bigint): Address {
  return toHex(keccak(encodeRlp([fromHex(creator), bigIntToBytes(nonce)])).subarray(12)) as Address;
}

function create2Address(creator: Address, salt: bigint, code: Uint8Array): Address {
  return toHex(
    keccak(concatBytes(Uint8Array.of(0xff), fromHex(creator), toWord(salt), keccak(code))).subarray(12),
  ) as Address;
}

/** Address of what a creation of a contract makes next; `salt` null: by CREATE. */
export function createdBy({ address, nonce }: AccountState, salt: bigint | null, code: Uint8Array): Address {
  return salt === null ? createAddress(address, nonce) : create2Address(address, salt, code);
}

export type CallKind = "call" | "callcode" | "delegatecall" | "staticcall";

type CallOperands = {
  /** gas that the caller would hand on */
  readonly requested: bigint;
  readonly account: AccountState;
  readonly value: bigint;
  readonly inOffset: number;
  readonly inLength: number;
  readonly outOffset: number;
  readonly outLength: number;
};

/** What a call runs and what it costs, beside its static gas, before any gas is handed on. */
type PricedCall = {
  readonly cost: number;
  readonly code: Code;
  readonly precompile: Precompile | null;
  /** the account whose code runs instead, by a delegation (EIP-7702) */
  readonly delegate: AccountState | null;
};

/** Follows a delegation for a call that costs `cost` so far. */
function priceDelegated(
  frame: Frame,
  machine: Machine,
  account: AccountState,
  { target, cost }: { readonly target: Address; readonly cost: number },
): PricedCall | Signal {
  const { state } = machine;
  const delegate = state.entry(target);
  // The call itself warms its account before the delegation is looked at: one to itself is warm.
  const isWarm = delegate.warm || delegate === account;
  const total = cost + (isWarm ? WARM_GAS : COLD_ACCOUNT_GAS);
  if (frame.gas < total) return halt(frame, "out-of-gas");
  if (!state.load(delegate)) return PENDING;
  const code = state.codeOf(delegate);
  return code === undefined ? PENDING : { cost: total, code, precompile: null, delegate };
}

/** Reads what a call needs, each value after the gas known before it could be paid. Changes nothing but `halt`. */
export function price(frame: Frame, machine: Machine, kind: CallKind, operands: CallOperands): PricedCall | Signal {
  const { state, rules } = machine;
  const { account, value, inOffset, inLength, outOffset, outLength } = operands;
  if (kind === "call" && value !== 0n && frame.isStatic) return halt(frame, "static-violation");
  if (inLength + outLength > rules.rangeBytes) return halt(frame, "out-of-gas");
  let cost =
    frame.memoryGasOfTwo(inOffset, inLength, outOffset, outLength) + (account.warm ? WARM_GAS : COLD_ACCOUNT_GAS);
  if (value !== 0n) cost += VALUE_GAS;
  if (frame.gas < cost) return halt(frame, "out-of-gas");
  const precompile = rules.precompiles.get(account.address) ?? null;
  if ((precompile === null || value !== 0n) && !state.load(account)) return PENDING;
  if (kind === "call" && value !== 0n && account.isEmpty) cost += NEW_ACCOUNT_GAS;
  if (frame.gas < cost) return halt(frame, "out-of-gas");
  if (precompile !== null) return { cost, code: EMPTY_CODE, precompile, delegate: null };
  const code = state.codeOf(account);
  if (code === undefined) return PENDING;
  if (code.delegate !== null && rules.delegation)
    return priceDelegated(frame, machine, account, { target: code.delegate, cost });
  return { cost, code, precompile, delegate: null };
}

/** Makes a call that is priced; the operands are off the stack. */
function makeCall(frame: Frame, machine: Machine, kind: CallKind, operands: CallOperands, priced: PricedCall): Signal {
  const { state } = machine;
  const { requested, account, value, inOffset, inLength, outOffset, outLength } = operands;
  frame.gas -= priced.cost;
  frame.grow(inOffset, inLength);
  frame.grow(outOffset, outLength);
  state.warm(account);
  if (priced.delegate !== null) state.warm(priced.delegate);
  frame.returnData = EMPTY;
  const most = allButOne64th(frame.gas);
  const given = requested > BigInt(most) ? most : Number(requested);
  const gas = value === 0n ? given : given + STIPEND;
  if (frame.depth >= MAX_CALL_DEPTH || frame.account.balance < value) {
    frame.gas += gas - given;
    frame.stack[frame.sp++] = 0n;
    return CONTINUE;
  }
  frame.gas -= given;
  const isDelegate = kind === "delegatecall";
  const ownContext = isDelegate || kind === "callcode";
  return enter(machine, frame, {
    isCreate: false,
    caller: isDelegate ? frame.caller : frame.account.address,
    target: ownContext ? frame.account : account,
    addressWord: ownContext ? frame.addressWord : BigInt(account.address),
    code: priced.code,
    precompile: priced.precompile,
    value: isDelegate ? frame.value : value,
    from: isDelegate ? null : frame.account,
    input: inLength === 0 ? EMPTY : frame.memory.subarray(inOffset, inOffset + inLength),
    gas,
    isStatic: frame.isStatic || kind === "staticcall",
    outOffset,
    outLength,
  });
}

function movesValue(kind: CallKind): boolean {
  return kind === "call" || kind === "callcode";
}

function operandCount(kind: CallKind): number {
  return movesValue(kind) ? 7 : 6;
}

/** Operands of a call that the frame stands at; they have to be on its stack, where they stay. */
export function callOperands(frame: Frame, machine: Machine, kind: CallKind): CallOperands {
  const { stack, sp } = frame;
  const base = sp - operandCount(kind);
  return {
    requested: stack[sp - 1]!,
    account: machine.state.entry(addressOfWord(stack[sp - 2]!)),
    value: movesValue(kind) ? stack[sp - 3]! : 0n,
    inOffset: toOffset(stack[base + 3]!),
    inLength: toOffset(stack[base + 2]!),
    outOffset: toOffset(stack[base + 1]!),
    outLength: toOffset(stack[base]!),
  };
}

function calling(opcode: number, kind: CallKind): Instruction {
  const count = operandCount(kind);
  const run = (frame: Frame, machine: Machine): Signal => {
    const operands = callOperands(frame, machine, kind);
    const priced = price(frame, machine, kind, operands);
    if (typeof priced === "number") return priced;
    frame.sp -= count;
    return makeCall(frame, machine, kind, operands, priced);
  };
  return { opcode, pops: count, pushes: 1, run };
}

/** Gas of a creation, beside its static gas, before any gas is handed on. */
export function creationGas(frame: Frame, { rules }: Machine, salted: boolean, offset: number, length: number): number {
  const wordGas = (rules.initcodeLimit ? INITCODE_WORD_GAS : 0) + (salted ? KECCAK_WORD_GAS : 0);
  return frame.memoryGas(offset, length) + wordGas * wordCount(length);
}

function creating(opcode: number, salted: boolean): Instruction {
  const operands = salted ? 4 : 3;
  const run = (frame: Frame, machine: Machine): Signal => {
    const { state, rules } = machine;
    const { stack, sp } = frame;
    if (frame.isStatic) return halt(frame, "static-violation");
    const value = stack[sp - 1]!;
    const offset = toOffset(stack[sp - 2]!);
    const length = toOffset(stack[sp - 3]!);
    if (rules.initcodeLimit && length > MAX_INITCODE_BYTES) return halt(frame, "initcode-too-large");
    const cost = creationGas(frame, machine, salted, offset, length);
    if (frame.gas < cost) return halt(frame, "out-of-gas");
    const creator = frame.account;
    const fails = creator.balance < value || creator.nonce >= MAX_NONCE || frame.depth >= MAX_CALL_DEPTH;
    const bytes = fails ? EMPTY : frame.peek(offset, length);
    let made: AccountState | null = null;
    if (!fails) {
      made = state.entry(createdBy(creator, salted ? stack[sp - 4]! : null, bytes));
      if (!state.load(made)) return PENDING;
    }

    frame.gas -= cost;
    frame.sp = sp - operands;
    frame.grow(offset, length);
    frame.returnData = EMPTY;
    if (made === null) {
      stack[frame.sp++] = 0n;
      return CONTINUE;
    }
    const gas = allButOne64th(frame.gas);
    frame.gas -= gas;
    state.warm(made);
    state.setNonce(creator, creator.nonce + 1n);
    if (isOccupied(made)) {
      stack[frame.sp++] = 0n;
      return CONTINUE;
    }
    return enter(machine, frame, {
      isCreate: true,
      caller: creator.address,
      target: made,
      addressWord: BigInt(made.address),
      code: initcode(bytes),
      precompile: null,
      value,
      from: creator,
      input: EMPTY,
      gas,
      isStatic: false,
      outOffset: 0,
      outLength: 0,
    });
  };
  return { opcode, pops: operands, pushes: 1, run };
}

function selfDestruct(frame: Frame, machine: Machine): Signal {
  const { state, rules } = machine;
  if (frame.isStatic) return halt(frame, "static-violation");
  const beneficiary = state.entry(addressOfWord(frame.stack[frame.sp - 1]!));
  let cost = beneficiary.warm ? 0 : COLD_ACCOUNT_GAS;
  if (frame.gas < cost) return halt(frame, "out-of-gas");
  if (!state.load(beneficiary)) return PENDING;
  const { account } = frame;
  const { balance } = account;
  if (balance !== 0n && beneficiary.isEmpty) cost += NEW_ACCOUNT_GAS;
  if (frame.gas < cost) return halt(frame, "out-of-gas");
  const isRemoved = account.created || !rules.destructOnlyCreated;
  const burns = isRemoved && beneficiary === account && balance !== 0n;
  const vault = burns && rules.chain === "dac" ? state.entry(PREDEPLOYS.burnVault) : null;
  if (vault !== null && !state.load(vault)) return PENDING;
  frame.gas -= cost;
  frame.sp--;
  state.warm(beneficiary);
  if (vault !== null) state.transfer(account, vault, balance);
  else if (burns) state.setBalance(account, 0n);
  else state.transfer(account, beneficiary, balance);
  if (isRemoved) state.markDestroyed(account);
  return STOP;
}

export const calls: readonly Instruction[] = [
  creating(0xf0, false),
  calling(0xf1, "call"),
  calling(0xf2, "callcode"),
  calling(0xf4, "delegatecall"),
  creating(0xf5, true),
  calling(0xfa, "staticcall"),
  { opcode: 0xff, pops: 1, pushes: 0, run: selfDestruct },
];

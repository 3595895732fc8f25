/** Opcodes that call, create and destroy contracts. */
import { type Address, bigIntToBytes, concatBytes, encodeRlp, fromHex, keccak, toHex, toWord } from "@mvm/protocol";
import { enter, initcode, isOccupied } from "../calls.ts";
import type { Code } from "../code.ts";
import { EMPTY_CODE } from "../code.ts";
import { type Frame, toOffset, wordCount } from "../frame.ts";
import { MAX_CALL_DEPTH, type Machine } from "../machine.ts";
import { CONTINUE, halt, PENDING, type Signal, STOP } from "../signals.ts";
import type { AccountState } from "../transactionState.ts";
import { addressOfWord } from "../words.ts";
import { COLD_ACCOUNT_GAS, WARM_GAS } from "./surroundings.ts";
import type { Instruction } from "./table.ts";

const EMPTY = new Uint8Array(0);
const VALUE_GAS = 9_000;
const NEW_ACCOUNT_GAS = 25_000;
const STIPEND = 2_300;
const INITCODE_WORD_GAS = 2;
const KECCAK_WORD_GAS = 6;
/** EIP-3860 */
export const MAX_INITCODE_BYTES = 49_152;
/** EIP-2681 */
const MAX_NONCE = (1n << 64n) - 1n;

/** What a frame may hand to a call of its remaining gas (EIP-150). */
function allButOne64th(gas: number): number {
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

type CallKind = "call" | "callcode" | "delegatecall" | "staticcall";

/** Code that a call to an account runs, with what reading it costs beyond the account's own access (EIP-7702). */
type Resolved = { readonly code: Code; readonly cost: number; readonly delegate: AccountState | null };

function resolve(frame: Frame, machine: Machine, account: AccountState, paid: number): Resolved | Signal {
  const { state } = machine;
  const code = state.codeOf(account);
  if (code === undefined) return PENDING;
  if (code.delegate === null || !machine.rules.delegation) return { code, cost: 0, delegate: null };
  const delegate = state.entry(code.delegate);
  const cost = delegate.warm ? WARM_GAS : COLD_ACCOUNT_GAS;
  if (frame.gas < paid + cost) return halt(frame, "out-of-gas");
  if (!state.load(delegate)) return PENDING;
  const delegated = state.codeOf(delegate);
  return delegated === undefined ? PENDING : { code: delegated, cost, delegate };
}

function calling(opcode: number, kind: CallKind): Instruction {
  const operands = kind === "call" || kind === "callcode" ? 7 : 6;
  const movesValue = operands === 7;
  const run = (frame: Frame, machine: Machine): Signal => {
    const { stack, sp } = frame;
    const { state } = machine;
    const base = sp - operands;
    const value = movesValue ? stack[sp - 3]! : 0n;
    if (kind === "call" && value !== 0n && frame.isStatic) return halt(frame, "static-violation");
    const inOffset = toOffset(stack[base + 3]!);
    const inLength = toOffset(stack[base + 2]!);
    const outOffset = toOffset(stack[base + 1]!);
    const outLength = toOffset(stack[base]!);
    const address = addressOfWord(stack[sp - 2]!);
    const account = state.entry(address);
    let cost =
      frame.memoryGasOfTwo(inOffset, inLength, outOffset, outLength) + (account.warm ? WARM_GAS : COLD_ACCOUNT_GAS);
    if (value !== 0n) cost += VALUE_GAS;
    if (frame.gas < cost) return halt(frame, "out-of-gas");
    const precompile = machine.rules.precompiles.get(address) ?? null;
    if ((precompile === null || value !== 0n) && !state.load(account)) return PENDING;
    if (kind === "call" && value !== 0n && account.isEmpty) cost += NEW_ACCOUNT_GAS;
    if (frame.gas < cost) return halt(frame, "out-of-gas");
    let resolved: Resolved | Signal = { code: EMPTY_CODE, cost: 0, delegate: null };
    if (precompile === null) resolved = resolve(frame, machine, account, cost);
    if (typeof resolved === "number") return resolved;
    cost += resolved.cost;
    if (frame.gas < cost) return halt(frame, "out-of-gas");

    frame.gas -= cost;
    frame.sp = base;
    frame.grow(inOffset, inLength);
    frame.grow(outOffset, outLength);
    state.warm(account);
    if (resolved.delegate !== null) state.warm(resolved.delegate);
    frame.returnData = EMPTY;
    const most = allButOne64th(frame.gas);
    const requested = stack[sp - 1]!;
    const given = requested > BigInt(most) ? most : Number(requested);
    const gas = value === 0n ? given : given + STIPEND;
    if (frame.depth >= MAX_CALL_DEPTH || (movesValue && frame.account.balance < value)) {
      frame.gas += gas - given;
      stack[frame.sp++] = 0n;
      return CONTINUE;
    }
    frame.gas -= given;
    const ownContext = kind === "callcode" || kind === "delegatecall";
    return enter(machine, frame, {
      isCreate: false,
      caller: kind === "delegatecall" ? frame.caller : frame.account.address,
      target: ownContext ? frame.account : account,
      addressWord: ownContext ? frame.addressWord : BigInt(address),
      code: resolved.code,
      precompile,
      value: kind === "delegatecall" ? frame.value : value,
      from: kind === "delegatecall" ? null : frame.account,
      input: inLength === 0 ? EMPTY : frame.memory.subarray(inOffset, inOffset + inLength),
      gas,
      isStatic: frame.isStatic || kind === "staticcall",
      outOffset,
      outLength,
    });
  };
  return { opcode, pops: operands, pushes: 1, run };
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
    const wordGas = (rules.initcodeLimit ? INITCODE_WORD_GAS : 0) + (salted ? KECCAK_WORD_GAS : 0);
    const cost = frame.memoryGas(offset, length) + wordGas * wordCount(length);
    if (frame.gas < cost) return halt(frame, "out-of-gas");
    const creator = frame.account;
    const fails = creator.balance < value || creator.nonce >= MAX_NONCE || frame.depth >= MAX_CALL_DEPTH;
    const bytes = fails ? EMPTY : frame.peek(offset, length);
    let made: AccountState | null = null;
    if (!fails) {
      const address = salted
        ? create2Address(creator.address, stack[sp - 4]!, bytes)
        : createAddress(creator.address, creator.nonce);
      made = state.entry(address);
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
  frame.gas -= cost;
  frame.sp--;
  state.warm(beneficiary);
  state.transfer(account, beneficiary, balance);
  if (account.created || !rules.destructOnlyCreated) {
    if (account.balance !== 0n) state.setBalance(account, 0n);
    state.markDestroyed(account);
  }
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

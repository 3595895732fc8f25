/** Opcodes 0x01 to 0x1e: arithmetic, comparison, bits. */
import type { Frame } from "../frame.ts";
import { CONTINUE, halt } from "../signals.ts";
import { MAX_WORD, WORD_MODULUS } from "../words.ts";
import type { Handler, Instruction } from "./table.ts";

const SIGN_BIT = 1n << 255n;
const EXP_BYTE_GAS = 50;

function signed(word: bigint): bigint {
  return word >= SIGN_BIT ? word - WORD_MODULUS : word;
}

/** Handler of an operation of two words; the first is the top of the stack. */
function binary(operation: (a: bigint, b: bigint) => bigint): Handler {
  return (frame) => {
    const { stack } = frame;
    const sp = --frame.sp;
    stack[sp - 1] = operation(stack[sp]!, stack[sp - 1]!);
    return CONTINUE;
  };
}

function ternary(operation: (a: bigint, b: bigint, c: bigint) => bigint): Handler {
  return (frame) => {
    const { stack } = frame;
    frame.sp -= 2;
    const { sp } = frame;
    stack[sp - 1] = operation(stack[sp + 1]!, stack[sp]!, stack[sp - 1]!);
    return CONTINUE;
  };
}

function unary(operation: (a: bigint) => bigint): Handler {
  return (frame) => {
    const top = frame.sp - 1;
    frame.stack[top] = operation(frame.stack[top]!);
    return CONTINUE;
  };
}

function add(a: bigint, b: bigint): bigint {
  const sum = a + b;
  return sum > MAX_WORD ? sum - WORD_MODULUS : sum;
}

function multiply(a: bigint, b: bigint): bigint {
  const product = a * b;
  return product > MAX_WORD ? product & MAX_WORD : product;
}

function divideSigned(a: bigint, b: bigint): bigint {
  return b === 0n ? 0n : BigInt.asUintN(256, signed(a) / signed(b));
}

function moduloSigned(a: bigint, b: bigint): bigint {
  return b === 0n ? 0n : BigInt.asUintN(256, signed(a) % signed(b));
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) & MAX_WORD;
    square = (square * square) & MAX_WORD;
  }
  return result;
}

function exponentiate(frame: Frame) {
  const { stack, sp } = frame;
  const exponent = stack[sp - 2]!;
  const bytes = exponent === 0n ? 0 : Math.ceil(exponent.toString(16).length / 2);
  const cost = bytes * EXP_BYTE_GAS;
  if (frame.gas < cost) return halt(frame, "out-of-gas");
  frame.gas -= cost;
  frame.sp = sp - 1;
  stack[sp - 2] = power(stack[sp - 1]!, exponent);
  return CONTINUE;
}

function extendSign(position: bigint, word: bigint): bigint {
  if (position >= 31n) return word;
  const bits = Number(position) * 8 + 8;
  return BigInt.asUintN(256, BigInt.asIntN(bits, word));
}

function byteAt(position: bigint, word: bigint): bigint {
  return position >= 32n ? 0n : (word >> (248n - 8n * position)) & 0xffn;
}

function shiftLeft(shift: bigint, word: bigint): bigint {
  return shift >= 256n ? 0n : (word << shift) & MAX_WORD;
}

function shiftRight(shift: bigint, word: bigint): bigint {
  return shift >= 256n ? 0n : word >> shift;
}

function shiftRightSigned(shift: bigint, word: bigint): bigint {
  if (word < SIGN_BIT) return shiftRight(shift, word);
  return shift >= 256n ? MAX_WORD : BigInt.asUintN(256, (word - WORD_MODULUS) >> shift);
}

function leadingZeros(word: bigint): bigint {
  return word === 0n ? 256n : BigInt(256 - word.toString(2).length);
}

function two(opcode: number, operation: (a: bigint, b: bigint) => bigint): Instruction {
  return { opcode, pops: 2, pushes: 1, run: binary(operation) };
}

function three(opcode: number, operation: (a: bigint, b: bigint, c: bigint) => bigint): Instruction {
  return { opcode, pops: 3, pushes: 1, run: ternary(operation) };
}

function one(opcode: number, operation: (a: bigint) => bigint): Instruction {
  return { opcode, pops: 1, pushes: 1, run: unary(operation) };
}

export const arithmetic: readonly Instruction[] = [
  two(0x01, add),
  two(0x02, multiply),
  two(0x03, (a, b) => (a >= b ? a - b : a - b + WORD_MODULUS)),
  two(0x04, (a, b) => (b === 0n ? 0n : a / b)),
  two(0x05, divideSigned),
  two(0x06, (a, b) => (b === 0n ? 0n : a % b)),
  two(0x07, moduloSigned),
  three(0x08, (a, b, c) => (c === 0n ? 0n : (a + b) % c)),
  three(0x09, (a, b, c) => (c === 0n ? 0n : (a * b) % c)),
  { opcode: 0x0a, pops: 2, pushes: 1, run: exponentiate },
  two(0x0b, extendSign),
  two(0x10, (a, b) => (a < b ? 1n : 0n)),
  two(0x11, (a, b) => (a > b ? 1n : 0n)),
  two(0x12, (a, b) => (signed(a) < signed(b) ? 1n : 0n)),
  two(0x13, (a, b) => (signed(a) > signed(b) ? 1n : 0n)),
  two(0x14, (a, b) => (a === b ? 1n : 0n)),
  one(0x15, (a) => (a === 0n ? 1n : 0n)),
  two(0x16, (a, b) => a & b),
  two(0x17, (a, b) => a | b),
  two(0x18, (a, b) => a ^ b),
  one(0x19, (a) => MAX_WORD - a),
  two(0x1a, byteAt),
  two(0x1b, shiftLeft),
  two(0x1c, shiftRight),
  two(0x1d, shiftRightSigned),
  one(0x1e, leadingZeros),
];

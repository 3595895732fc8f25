/** Opcodes that work on memory, call data, code and return data; hashing and logs. */
import { type Hash, keccak, toWordHex } from "@mvm/protocol";
import { type Frame, toOffset, wordCount } from "../frame.ts";
import type { Machine } from "../machine.ts";
import { CONTINUE, halt, type Signal } from "../signals.ts";
import { loadWord, storeWord, wordOfBytes } from "../words.ts";
import type { Handler, Instruction } from "./table.ts";

const COPY_WORD_GAS = 3;
const KECCAK_WORD_GAS = 6;
const LOG_TOPIC_GAS = 375;
const LOG_BYTE_GAS = 8;

function hash(frame: Frame, machine: Machine): Signal {
  const { stack, sp } = frame;
  const offset = toOffset(stack[sp - 1]!);
  const length = toOffset(stack[sp - 2]!);
  if (length > machine.rules.rangeBytes) return halt(frame, "out-of-gas");
  if (!pay(frame, KECCAK_WORD_GAS * wordCount(length)) || !frame.claim(offset, length))
    return halt(frame, "out-of-gas");
  frame.sp = sp - 1;
  const bytes = length === 0 ? frame.memory.subarray(0, 0) : frame.memory.subarray(offset, offset + length);
  stack[sp - 2] = wordOfBytes(keccak(bytes));
  return CONTINUE;
}

function pay(frame: Frame, cost: number): boolean {
  if (frame.gas < cost) return false;
  frame.gas -= cost;
  return true;
}

function callDataLoad(frame: Frame): Signal {
  const top = frame.sp - 1;
  const position = frame.stack[top]!;
  const { length } = frame.input;
  if (position >= BigInt(length)) {
    frame.stack[top] = 0n;
    return CONTINUE;
  }
  const at = Number(position);
  if (at + 32 <= length) {
    frame.stack[top] = loadWord(frame.inputView, at);
    return CONTINUE;
  }
  const bytes = new Uint8Array(32);
  bytes.set(frame.input.subarray(at));
  frame.stack[top] = wordOfBytes(bytes);
  return CONTINUE;
}

/** The copying opcodes of three operands: where to, where from, how much. */
function copying(source: (frame: Frame) => Uint8Array): Handler {
  return (frame, machine) => {
    const { stack } = frame;
    frame.sp -= 3;
    const { sp } = frame;
    const offset = toOffset(stack[sp + 2]!);
    const length = toOffset(stack[sp]!);
    if (length > machine.rules.rangeBytes) return halt(frame, "out-of-gas");
    if (!pay(frame, COPY_WORD_GAS * wordCount(length)) || !frame.claim(offset, length))
      return halt(frame, "out-of-gas");
    frame.copyIn(offset, source(frame), stack[sp + 1]!, length);
    return CONTINUE;
  };
}

const copyReturnData = copying((frame) => frame.returnData);

function returnDataCopy(frame: Frame, machine: Machine): Signal {
  const { stack, sp } = frame;
  if (stack[sp - 2]! + stack[sp - 3]! > BigInt(frame.returnData.length)) return halt(frame, "return-data-bounds");
  return copyReturnData(frame, machine);
}

function memoryLoad(frame: Frame): Signal {
  const top = frame.sp - 1;
  const offset = toOffset(frame.stack[top]!);
  if (!frame.claim(offset, 32)) return halt(frame, "out-of-gas");
  frame.stack[top] = loadWord(frame.view, offset);
  return CONTINUE;
}

function memoryStore(frame: Frame): Signal {
  frame.sp -= 2;
  const offset = toOffset(frame.stack[frame.sp + 1]!);
  if (!frame.claim(offset, 32)) return halt(frame, "out-of-gas");
  storeWord(frame.view, offset, frame.stack[frame.sp]!);
  return CONTINUE;
}

function memoryStoreByte(frame: Frame): Signal {
  frame.sp -= 2;
  const offset = toOffset(frame.stack[frame.sp + 1]!);
  if (!frame.claim(offset, 1)) return halt(frame, "out-of-gas");
  frame.memory[offset] = Number(frame.stack[frame.sp]! & 0xffn);
  return CONTINUE;
}

function memoryCopy(frame: Frame, machine: Machine): Signal {
  frame.sp -= 3;
  const { stack, sp } = frame;
  const to = toOffset(stack[sp + 2]!);
  const from = toOffset(stack[sp + 1]!);
  const length = toOffset(stack[sp]!);
  if (2 * length > machine.rules.rangeBytes) return halt(frame, "out-of-gas");
  if (!pay(frame, COPY_WORD_GAS * wordCount(length))) return halt(frame, "out-of-gas");
  if (!frame.claim(Math.max(to, from), length)) return halt(frame, "out-of-gas");
  if (length !== 0) frame.memory.copyWithin(to, from, from + length);
  return CONTINUE;
}

function logging(opcode: number): Instruction {
  const count = opcode - 0xa0;
  const run = (frame: Frame, machine: Machine): Signal => {
    if (frame.isStatic) return halt(frame, "static-violation");
    frame.sp -= 2 + count;
    const { stack, sp } = frame;
    const offset = toOffset(stack[sp + count + 1]!);
    const length = toOffset(stack[sp + count]!);
    if (length > machine.rules.rangeBytes) return halt(frame, "out-of-gas");
    if (!pay(frame, LOG_TOPIC_GAS * count + LOG_BYTE_GAS * length)) return halt(frame, "out-of-gas");
    if (!frame.claim(offset, length)) return halt(frame, "out-of-gas");
    const topics: Hash[] = [];
    for (let i = count - 1; i >= 0; i--) topics.push(toWordHex(stack[sp + i]!));
    const log = { address: frame.account.address, topics, data: frame.slice(offset, length) };
    return machine.state.addLog(log, machine.rules.logBytes) ? CONTINUE : halt(frame, "out-of-gas");
  };
  return { opcode, pops: 2 + count, pushes: 0, run };
}

function push(frame: Frame, word: bigint): Signal {
  frame.stack[frame.sp++] = word;
  return CONTINUE;
}

export const memory: readonly Instruction[] = [
  { opcode: 0x20, pops: 2, pushes: 1, run: hash },
  { opcode: 0x35, pops: 1, pushes: 1, run: callDataLoad },
  { opcode: 0x36, pops: 0, pushes: 1, run: (frame) => push(frame, BigInt(frame.input.length)) },
  { opcode: 0x37, pops: 3, pushes: 0, run: copying((frame) => frame.input) },
  { opcode: 0x38, pops: 0, pushes: 1, run: (frame) => push(frame, BigInt(frame.code.bytes.length)) },
  { opcode: 0x39, pops: 3, pushes: 0, run: copying((frame) => frame.code.bytes) },
  { opcode: 0x3d, pops: 0, pushes: 1, run: (frame) => push(frame, BigInt(frame.returnData.length)) },
  { opcode: 0x3e, pops: 3, pushes: 0, run: returnDataCopy },
  { opcode: 0x51, pops: 1, pushes: 1, run: memoryLoad },
  { opcode: 0x52, pops: 2, pushes: 0, run: memoryStore },
  { opcode: 0x53, pops: 2, pushes: 0, run: memoryStoreByte },
  { opcode: 0x59, pops: 0, pushes: 1, run: (frame) => push(frame, BigInt(frame.memoryWords * 32)) },
  { opcode: 0x5e, pops: 3, pushes: 0, run: memoryCopy },
  ...[0xa0, 0xa1, 0xa2, 0xa3, 0xa4].map(logging),
];

/** Opcodes that move the program counter or the stack, and those that end a frame. */
import { pushOperand } from "../code.ts";
import { type Frame, toOffset } from "../frame.ts";
import { CONTINUE, halt, REVERT, type Signal, STOP } from "../signals.ts";
import type { Handler, Instruction } from "./table.ts";

function jumpTo(frame: Frame, destination: bigint): Signal {
  const at = Number(destination);
  if (frame.code.jumps[at] !== 1) return halt(frame, "invalid-jump");
  // The loop steps on by one; the JUMPDEST itself costs nothing to skip but must be paid, so it is executed.
  frame.pc = at - 1;
  return CONTINUE;
}

function jump(frame: Frame): Signal {
  return jumpTo(frame, frame.stack[--frame.sp]!);
}

function jumpIf(frame: Frame): Signal {
  frame.sp -= 2;
  const { stack, sp } = frame;
  return stack[sp] === 0n ? CONTINUE : jumpTo(frame, stack[sp + 1]!);
}

function ending(signal: typeof STOP | typeof REVERT): Handler {
  return (frame, machine) => {
    frame.sp -= 2;
    const offset = toOffset(frame.stack[frame.sp + 1]!);
    const length = toOffset(frame.stack[frame.sp]!);
    if (length > machine.rules.rangeBytes || !frame.claim(offset, length)) return halt(frame, "out-of-gas");
    frame.output = frame.slice(offset, length);
    return signal;
  };
}

function pushing(size: number): Instruction {
  const run = (frame: Frame): Signal => {
    frame.stack[frame.sp++] = pushOperand(frame.code, frame.pc, size);
    frame.pc += size;
    return CONTINUE;
  };
  return { opcode: 0x5f + size, pops: 0, pushes: 1, run };
}

function pushZero(frame: Frame): Signal {
  frame.stack[frame.sp++] = 0n;
  return CONTINUE;
}

function duplicating(position: number): Instruction {
  const run = (frame: Frame): Signal => {
    const { stack, sp } = frame;
    stack[sp] = stack[sp - position]!;
    frame.sp = sp + 1;
    return CONTINUE;
  };
  return { opcode: 0x7f + position, pops: position, pushes: position + 1, run };
}

function swapping(position: number): Instruction {
  const run = (frame: Frame): Signal => {
    const { stack } = frame;
    const top = frame.sp - 1;
    const word = stack[top]!;
    stack[top] = stack[top - position]!;
    stack[top - position] = word;
    return CONTINUE;
  };
  return { opcode: 0x8f + position, pops: position + 1, pushes: position + 1, run };
}

function push(frame: Frame, word: bigint): Signal {
  frame.stack[frame.sp++] = word;
  return CONTINUE;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

export const control: readonly Instruction[] = [
  { opcode: 0x00, pops: 0, pushes: 0, run: () => STOP },
  {
    opcode: 0x50,
    pops: 1,
    pushes: 0,
    run: (frame) => {
      frame.sp--;
      return CONTINUE;
    },
  },
  { opcode: 0x56, pops: 1, pushes: 0, run: jump },
  { opcode: 0x57, pops: 2, pushes: 0, run: jumpIf },
  { opcode: 0x58, pops: 0, pushes: 1, run: (frame) => push(frame, BigInt(frame.pc)) },
  { opcode: 0x5a, pops: 0, pushes: 1, run: (frame) => push(frame, BigInt(frame.gas)) },
  { opcode: 0x5b, pops: 0, pushes: 0, run: () => CONTINUE },
  { opcode: 0x5f, pops: 0, pushes: 1, run: pushZero },
  ...upTo(32).map(pushing),
  ...upTo(16).map(duplicating),
  ...upTo(16).map(swapping),
  { opcode: 0xf3, pops: 2, pushes: 0, run: ending(STOP) },
  { opcode: 0xfd, pops: 2, pushes: 0, run: ending(REVERT) },
];

/** The table that the machine's loop runs by: handlers, static gas and stack bounds of each opcode under a fork's rules. */
import { ExecutionError } from "../errors.ts";
import { type Frame, STACK_LIMIT } from "../frame.ts";
import type { Machine } from "../machine.ts";
import type { Rules } from "../rules.ts";
import { halt, type Signal } from "../signals.ts";
import { arithmetic } from "./arithmetic.ts";
import { calls } from "./calling.ts";
import { control } from "./control.ts";
import { memory } from "./memory.ts";
import { storage } from "./storage.ts";
import { surroundings } from "./surroundings.ts";

/**
 * Executes an opcode whose stack bounds hold and whose static gas is paid. On PENDING it must have changed nothing
 * but the frame's `sp` and `gas`, which the loop puts back.
 */
export type Handler = (frame: Frame, machine: Machine) => Signal;

export type Instruction = {
  readonly opcode: number;
  readonly pops: number;
  readonly pushes: number;
  readonly run: Handler;
};

export type InstructionTable = {
  readonly handlers: readonly Handler[];
  readonly gas: Int32Array;
  /** stack items that must be there */
  readonly least: Int32Array;
  /** stack items that may be there */
  readonly most: Int32Array;
};

const ALL: readonly Instruction[] = [...arithmetic, ...memory, ...control, ...surroundings, ...storage, ...calls];
const invalid: Handler = (frame) => halt(frame, "invalid-opcode");

/** Builds the table; throws where the fork has an opcode that no handler is known for. */
export function instructionTable(rules: Rules): InstructionTable {
  const handlers = new Array<Handler>(256).fill(invalid);
  const gas = new Int32Array(256);
  const least = new Int32Array(256);
  const most = new Int32Array(256).fill(STACK_LIMIT);
  for (const { opcode, pops, pushes, run } of ALL) {
    if (rules.gas[opcode]! < 0) continue;
    handlers[opcode] = run;
    gas[opcode] = rules.gas[opcode]!;
    least[opcode] = pops;
    most[opcode] = STACK_LIMIT + pops - pushes;
  }
  for (let opcode = 0; opcode < 256; opcode++) {
    if (opcode !== 0xfe && rules.gas[opcode]! >= 0 && handlers[opcode] === invalid) {
      throw new ExecutionError(
        "library-failure",
        null,
        `no handler for opcode 0x${opcode.toString(16)} of ${rules.hardfork}`,
      );
    }
  }
  return { handlers, gas, least, most };
}

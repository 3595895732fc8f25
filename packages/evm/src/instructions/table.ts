/** The table that the machine's loop runs by: handlers, static gas and stack bounds of each opcode under a fork's rules. */
import { hasOpcode } from "@mvm/protocol";
import { ExecutionError } from "../errors.ts";
import { type Frame, STACK_LIMIT } from "../frame.ts";
import type { Machine } from "../machine.ts";
import { permissionDenied } from "../permissionDenied.ts";
import type { Rules } from "../rules.ts";
import { halt, REVERT, type Signal } from "../signals.ts";
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

/** Tables by denied word that are kept. */
const KEPT_TABLES = 64;

const ALL: readonly Instruction[] = [...arithmetic, ...memory, ...control, ...surroundings, ...storage, ...calls];
const invalid: Handler = (frame) => halt(frame, "invalid-opcode");

/** Ends the frame as REVERT does. */
function denying(opcode: number): Handler {
  return (frame, machine) => {
    frame.output = permissionDenied(opcode, machine.surroundings.originWord);
    return REVERT;
  };
}

/** The table with the opcodes of a word denied: before stack and gas are looked at. */
function without(table: InstructionTable, denied: bigint): InstructionTable {
  // slice keeps the array's kind in the engine: the loop's lookups stay of one form for all tables.
  const handlers = table.handlers.slice();
  const [gas, least, most] = [table.gas.slice(), table.least.slice(), table.most.slice()];
  for (let opcode = 0; opcode < 256; opcode++) {
    if (!hasOpcode(denied, opcode)) continue;
    handlers[opcode] = denying(opcode);
    gas[opcode] = 0;
    least[opcode] = 0;
    most[opcode] = STACK_LIMIT;
  }
  return { handlers, gas, least, most };
}

/**
 * Tables by the word of denied opcodes. A denied opcode has another handler, so that neither a free transaction nor a
 * restricted one pays for the layer at each step.
 */
export class InstructionTables {
  readonly #whole: InstructionTable;
  readonly #restricted = new Map<bigint, InstructionTable>();

  constructor(rules: Rules) {
    this.#whole = instructionTable(rules);
  }

  /** The table for a signer who is denied these opcodes (bit n: opcode n). */
  for(denied: bigint): InstructionTable {
    if (denied === 0n) return this.#whole;
    const known = this.#restricted.get(denied);
    if (known !== undefined) return known;
    const [oldest] = this.#restricted.keys();
    if (this.#restricted.size >= KEPT_TABLES && oldest !== undefined) this.#restricted.delete(oldest);
    const table = without(this.#whole, denied);
    this.#restricted.set(denied, table);
    return table;
  }
}

/** Builds the table; throws where the fork has an opcode that no handler is known for. */
function instructionTable(rules: Rules): InstructionTable {
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

/**
 * The interpreter: a loop over opcodes that never awaits. It answers to the tables of @ethereumjs/evm (opcodes,
 * static gas, precompiles) and is held to that library by differential tests; the library's own loop awaits every
 * opcode and allocates on each. Where a value is not there yet, `run` returns "pending" with the frame as it stood
 * before the opcode; after the wait, `run` executes the opcode again. So every handler reads before it changes
 * anything, and pays what can be known before it reads.
 */
import type { BlockEnvironment } from "@mvm/protocol";
import { leaveFrame, type MessageCall, type MessageResult, startMessage } from "./calls.ts";
import { type Frame, FramePool } from "./frame.ts";
import type { InstructionTable, InstructionTables } from "./instructions/table.ts";
import type { TransactionObserver } from "./observer.ts";
import type { PrecompileResult } from "./precompiles.ts";
import type { Rules } from "./rules.ts";
import { CONTINUE, halt, PENDING, type Signal, SWITCH } from "./signals.ts";
import type { TransactionState } from "./transactionState.ts";

/** Frames nest 1,024 deep below the first (yellow paper, 9.4.2). */
export const MAX_CALL_DEPTH = 1_024;

/** What opcodes can see of the transaction and block around them. */
export type Surroundings = {
  readonly environment: BlockEnvironment;
  readonly originWord: bigint;
  readonly gasPrice: bigint;
  /** opcodes that the charter denies the signer: bit n is opcode n */
  readonly denied: bigint;
};

export class Machine {
  readonly rules: Rules;
  readonly frames = new FramePool(MAX_CALL_DEPTH + 1);
  readonly #tables: InstructionTables;
  protected table: InstructionTable;
  state!: TransactionState;
  surroundings!: Surroundings;
  frame: Frame | null = null;
  /** told of the transaction around its messages */
  observer: TransactionObserver | null = null;
  /** of the message, once `run` has said "done" */
  result: MessageResult | null = null;
  /** a precompile that answers later: what to do with its answer */
  protected awaited: {
    readonly answer: Promise<PrecompileResult>;
    readonly resume: (result: PrecompileResult) => void;
  } | null = null;

  /** @param tables of the rules, shared by machines */
  constructor(rules: Rules, tables: InstructionTables) {
    this.rules = rules;
    this.#tables = tables;
    this.table = tables.for(0n);
  }

  /** Readies the machine for a transaction. */
  begin(state: TransactionState, surroundings: Surroundings): void {
    this.state = state;
    this.surroundings = surroundings;
    this.table = this.#tables.for(surroundings.denied);
    this.frame = null;
    this.result = null;
    this.awaited = null;
  }

  /** Runs a message to its end; `wait` is called with what is pending, and must throw when that fails. */
  async execute(message: MessageCall, wait: (pending: Promise<unknown>) => Promise<unknown>): Promise<MessageResult> {
    startMessage(this, message);
    for (;;) {
      if (this.awaited !== null) {
        const { answer, resume } = this.awaited;
        this.awaited = null;
        await wait(answer);
        resume(await answer);
        continue;
      }
      if (this.frame === null || this.loop(this.frame) === "done") {
        if (this.awaited !== null) continue;
        return this.result!;
      }
      if (this.awaited === null) await wait(this.state.pending!);
    }
  }

  /** Leaves the loop until a precompile's answer is there. */
  awaitPrecompile(answer: Promise<PrecompileResult>, resume: (result: PrecompileResult) => void): void {
    this.awaited = { answer, resume };
  }

  protected loop(first: Frame): "done" | "pending" {
    const { gas: fees, least, most, handlers } = this.table;
    let frame = first;
    for (;;) {
      const opcode = frame.code.padded[frame.pc]!;
      const { sp, gas } = frame;
      let signal: Signal;
      if (sp < least[opcode]!) signal = halt(frame, "stack-underflow");
      else if (sp > most[opcode]!) signal = halt(frame, "stack-overflow");
      else if (gas < fees[opcode]!) signal = halt(frame, "out-of-gas");
      else {
        frame.gas = gas - fees[opcode]!;
        signal = handlers[opcode]!(frame, this);
        if (signal === CONTINUE) {
          frame.pc++;
          continue;
        }
      }
      if (signal === PENDING) {
        if (this.awaited === null) {
          frame.gas = gas;
          frame.sp = sp;
        }
        return "pending";
      }
      if (signal !== SWITCH) leaveFrame(this, frame, signal);
      if (this.frame === null) return "done";
      frame = this.frame;
    }
  }

  /** Executes the opcode at which the frame stands as `loop` does, for loops that do more at each step. */
  protected step(frame: Frame, opcode: number): Signal {
    const { gas: fees, least, most, handlers } = this.table;
    const fee = fees[opcode]!;
    if (frame.sp < least[opcode]!) return halt(frame, "stack-underflow");
    if (frame.sp > most[opcode]!) return halt(frame, "stack-overflow");
    if (frame.gas < fee) return halt(frame, "out-of-gas");
    frame.gas -= fee;
    return handlers[opcode]!(frame, this);
  }
}

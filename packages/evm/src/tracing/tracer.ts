/** What a tracer is told of a transaction's execution, and how much it may gather of it. */
import type { Address, Log } from "@mvm/protocol";

/** What of a step a tracer wants beside its numbers. */
export type StepDetail = { readonly stack: boolean; readonly memory: boolean; readonly returnData: boolean };

/** One opcode as it found the machine, with what it took. Arrays belong to the tracer. */
export type Step = {
  readonly pc: number;
  readonly opcode: number;
  /** gas before the opcode */
  readonly gas: number;
  /**
   * Gas that the opcode took, with what a CALL handed on, without what a CREATE did (as geth counts). Of one that
   * failed: what it had paid by then; its static gas where the stack or that gas did not suffice.
   */
  readonly gasCost: number;
  /** 1 for the outermost message */
  readonly depth: number;
  /** account whose storage and balance the code works on */
  readonly address: Address;
  /** the refund counter, without what authorisations give back */
  readonly refund: number;
  /** lowest word first; null: not asked for */
  readonly stack: readonly bigint[] | null;
  readonly memory: Uint8Array | null;
  /** what the frame's last call gave back */
  readonly returnData: Uint8Array | null;
  /** of SLOAD the slot and what it read, of SSTORE the slot and what it wrote */
  readonly slot: { readonly key: bigint; readonly value: bigint } | null;
  /** why the opcode failed; null: it did not, or it is REVERT */
  readonly error: string | null;
};

type MessageType = "CALL" | "CALLCODE" | "DELEGATECALL" | "STATICCALL" | "CREATE" | "CREATE2" | "SELFDESTRUCT";

/** A message as it begins, whether or not there is code to run. */
export type Entry = {
  readonly type: MessageType;
  /** account that runs the calling code */
  readonly from: Address;
  /** account whose code is called, that is created, or that gets a destroyed one's balance; null: a creation that failed at once */
  readonly to: Address | null;
  /** null where a message has none (STATICCALL) */
  readonly value: bigint | null;
  readonly gas: number;
  /** data of a call, initcode of a creation; the tracer's own */
  readonly input: Uint8Array;
};

/** How a message ended. */
export type Exit = {
  readonly gasUsed: number;
  readonly output: Uint8Array;
  /** null: it succeeded */
  readonly error: string | null;
};

/**
 * Hooks of an execution, called in its order: a step, then the message that it begins. A step that has to wait for a
 * value is told once. What a hook throws ends the execution.
 */
export interface Tracer {
  /** looked at before each step; null: steps are not told */
  readonly stepDetail: StepDetail | null;
  /** whether messages and logs are told */
  readonly followsMessages: boolean;
  onStep(step: Step): void;
  /** @param depth 0 for an outermost message; a system transaction may have several, one after the other */
  onEnter(depth: number, entry: Entry): void;
  onExit(depth: number, exit: Exit): void;
  onLog(log: Log): void;
}

/** Bounds of one trace. */
export type TraceLimits = {
  /** steps that are gathered */
  readonly steps: number;
  /** characters of the gathered trace as JSON */
  readonly size: number;
};

/** As much as one answer of the JSON-RPC interface holds, with room for what stands around it. */
export const TRACE_LIMITS: TraceLimits = { steps: 200_000, size: 24 * 1024 * 1024 };

/** A trace would hold more than it may; `what` says of which. */
export class TraceLimitError extends Error {
  readonly code = "trace-too-large";
  readonly what: "steps" | "size";
  readonly limit: number;

  constructor(what: TraceLimitError["what"], limit: number) {
    super(`the trace has more than ${limit} ${what === "steps" ? "steps" : "characters"}`);
    this.name = "TraceLimitError";
    this.what = what;
    this.limit = limit;
  }
}

/** Counts what is gathered; one for all traces of an answer. */
export class TraceBudget {
  readonly #limits: TraceLimits;
  #steps = 0;
  #size = 0;

  constructor(limits: TraceLimits = TRACE_LIMITS) {
    this.#limits = limits;
  }

  /** Counts a step. Throws TraceLimitError. */
  takeStep(): void {
    if (++this.#steps > this.#limits.steps) throw new TraceLimitError("steps", this.#limits.steps);
  }

  /** Counts characters, before they are made. Throws TraceLimitError. */
  take(characters: number): void {
    this.#size += characters;
    if (this.#size > this.#limits.size) throw new TraceLimitError("size", this.#limits.size);
  }
}

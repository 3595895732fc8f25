/** The tree of a transaction's messages, in the form of geth's callTracer. */
import { type Address, type Hash, type Hex, type Log, toHex } from "@mvm/protocol";
import { denialReason, panicReason, revertReason } from "../revertReason.ts";
import { type Entry, type Exit, TraceBudget, type Tracer } from "./tracer.ts";
import type { Traced } from "./traceTransaction.ts";
import { REVERTED } from "./wording.ts";

/** Options by geth's names. */
export type CallTracerOptions = { readonly onlyTopCall?: boolean; readonly withLog?: boolean };

type CallLog = {
  readonly address: Address;
  readonly topics: readonly Hash[];
  readonly data: Hex;
  /** messages that the same frame had begun before */
  readonly position: Hex;
};

/** A message as JSON has it; numbers are quantities. */
export type CallFrame = {
  readonly type: Entry["type"];
  readonly from: Address;
  readonly to?: Address;
  readonly value?: Hex;
  readonly gas: Hex;
  readonly gasUsed: Hex;
  readonly input: Hex;
  readonly output?: Hex;
  readonly error?: string;
  readonly revertReason?: string;
  readonly calls?: readonly CallFrame[];
  readonly logs?: readonly CallLog[];
};

type OpenFrame = { readonly entry: Entry; readonly input: Hex; readonly calls: CallFrame[]; readonly logs: CallLog[] };

/** Characters of a frame and of a log as JSON, beside their bytes. */
const FRAME_SIZE = 400;
const LOG_SIZE = 140;
const TOPIC_SIZE = 69;

const quantity = (value: bigint | number): Hex => `0x${value.toString(16)}`;

const reasonOf = (output: Uint8Array): string | null =>
  revertReason(output) ?? panicReason(output) ?? denialReason(output);

/** Takes the logs out of frames that failed, or stand in one that did: their logs were never in the receipt. */
function withoutFailedLogs(frame: CallFrame, hasFailed: boolean): CallFrame {
  const fails = hasFailed || frame.error !== undefined;
  const { logs, calls, ...rest } = frame;
  return {
    ...rest,
    ...(calls === undefined ? {} : { calls: calls.map((call) => withoutFailedLogs(call, fails)) }),
    ...(logs === undefined || fails ? {} : { logs }),
  };
}

/**
 * A system transaction that makes several outermost messages is shown as its last one, which is its own call; the ones
 * before stand first among its calls.
 */
export class CallTracer implements Tracer {
  readonly stepDetail = null;
  readonly followsMessages = true;
  readonly #options: CallTracerOptions;
  readonly #budget: TraceBudget;
  readonly #open: OpenFrame[] = [];
  readonly #outermost: CallFrame[] = [];
  /** of the message under way */
  #depth = 0;

  constructor(options: CallTracerOptions = {}, budget: TraceBudget = new TraceBudget()) {
    this.#options = options;
    this.#budget = budget;
  }

  #bytes(bytes: Uint8Array): Hex {
    this.#budget.take(2 * bytes.length);
    return toHex(bytes);
  }

  onStep(): void {}

  onEnter(depth: number, entry: Entry): void {
    this.#depth = depth;
    if (depth > 0 && this.#options.onlyTopCall === true) return;
    this.#budget.take(FRAME_SIZE);
    this.#open.push({ entry, input: this.#bytes(entry.input), calls: [], logs: [] });
  }

  onExit(depth: number, exit: Exit): void {
    this.#depth = depth - 1;
    if (depth > 0 && this.#options.onlyTopCall === true) return;
    const frame = this.#close(this.#open.pop()!, exit);
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#outermost.push(frame);
    else parent.calls.push(frame);
  }

  onLog(log: Log): void {
    const frame = this.#open.at(-1);
    if (this.#options.withLog !== true || frame === undefined) return;
    if (this.#options.onlyTopCall === true && this.#depth > 0) return;
    const { address, topics, data } = log;
    this.#budget.take(LOG_SIZE + TOPIC_SIZE * topics.length);
    frame.logs.push({ address, topics, data: this.#bytes(data), position: quantity(frame.calls.length) });
  }

  #close({ entry, input, calls, logs }: OpenFrame, { gasUsed, output, error }: Exit): CallFrame {
    const isCreate = entry.type === "CREATE" || entry.type === "CREATE2";
    const hidesTarget = entry.to === null || (isCreate && error !== null);
    const showsOutput = output.length !== 0 && (error === null || error === REVERTED);
    const reason = error === REVERTED ? reasonOf(output) : null;
    return {
      type: entry.type,
      from: entry.from,
      ...(hidesTarget ? {} : { to: entry.to! }),
      ...(entry.value === null ? {} : { value: quantity(entry.value) }),
      gas: quantity(entry.gas),
      gasUsed: quantity(gasUsed),
      input,
      ...(showsOutput ? { output: this.#bytes(output) } : {}),
      ...(error === null ? {} : { error }),
      ...(reason === null ? {} : { revertReason: reason }),
      ...(calls.length === 0 ? {} : { calls }),
      ...(logs.length === 0 ? {} : { logs }),
    };
  }

  /**
   * The tree, with the transaction's gas limit and the gas that it used in the end at its root; null where the
   * transaction was invalid.
   */
  result({ outcome, gasLimit }: Traced): CallFrame | null {
    const last = this.#outermost.at(-1);
    if (last === undefined || outcome.kind === "invalid") return null;
    const before = this.#options.onlyTopCall === true ? [] : this.#outermost.slice(0, -1);
    const calls = [...before, ...(last.calls ?? [])];
    const root = { ...last, gas: quantity(gasLimit), gasUsed: quantity(outcome.gasUsed) };
    return withoutFailedLogs(calls.length === 0 ? root : { ...root, calls }, false);
  }
}

/**
 * The machine that cuts a message into slices (decision 036): a loop of its own, as the tracing one, over the same
 * handlers. Before each step it asks what the step meets; at each cut it notes the state, and for each slice what a proof
 * of it needs. Frames below the running one are kept as they stood when they made it.
 */
import { type Address, type Hash, hasOpcode, keccakHash } from "@mvm/protocol";
import { arrive, leaveFrame } from "../calls.ts";
import { type Frame, toOffset } from "../frame.ts";
import type { InstructionTables } from "../instructions/table.ts";
import { Machine } from "../machine.ts";
import type { Rules } from "../rules.ts";
import { CONTINUE, PENDING, REVERT, type Signal, STOP, SWITCH } from "../signals.ts";
import { isMessageOpcode } from "../tracing/messagePlan.ts";
import {
  type Awaited,
  type FrameEnd,
  type FrameState,
  type MachineState,
  type Marks,
  NO_VIEW,
  type View,
} from "./machineState.ts";
import { PageTree } from "./pageTree.ts";
import { type SliceEvidence, SliceMeter } from "./sliceMeter.ts";
import { PAGE_BYTES, pageCount, type SliceLimits } from "./sliceRules.ts";
import { meetStep, writtenBy } from "./stepMeetings.ts";
import type { StepRecorder } from "./stepRecorder.ts";

const DELEGATECALL = 0xf4;
const RETURN = 0xf3;
const REVERT_OPCODE = 0xfd;

/** One slice: from a cut to the next one. */
export type Slice = {
  readonly before: MachineState;
  readonly after: MachineState;
  readonly evidence: SliceEvidence;
  /** number of the cut whose roots the state has afterwards again; null: the roots follow from what the evidence says */
  readonly restored: number | null;
  /** the frame's memory afterwards, where the state still has it: in the frame, or as an output */
  readonly memory: { readonly tree: PageTree; readonly bytes: number } | null;
};

/** What the machine knows of the running frame beside the frame itself. */
type Running = {
  /** at the cut where the slice began */
  readonly start: FrameState;
  memory: PageTree;
  returned: View;
  readonly written: Set<number>;
  readonly meter: SliceMeter;
  /** gas that the frame had at the slice's first step */
  gas: number;
};

/** A step under way. */
type Underway = {
  readonly opcode: number;
  readonly gas: number;
  readonly sp: number;
  readonly pc: number;
  readonly inView: { readonly offset: number; readonly length: number };
  readonly written: { readonly offset: number; readonly length: number } | null;
  /** whether the frame's account was to go already */
  readonly goes: boolean;
};

export class SlicingMachine extends Machine {
  readonly #limits: SliceLimits;
  readonly #recorder: StepRecorder;
  /** frames below the running one, as they await it */
  #below: FrameState[] = [];
  #state: MachineState | null = null;
  #running!: Running;
  #underway: Underway | null = null;

  constructor(rules: Rules, tables: InstructionTables, limits: SliceLimits, recorder: StepRecorder) {
    super(rules, tables);
    this.#limits = limits;
    this.#recorder = recorder;
    this.observer = recorder;
  }

  protected override loop(first: Frame): "done" | "pending" {
    let frame = first;
    if (this.#state === null) this.#begin(frame);
    // A step that had to wait for a precompile is done now.
    if (this.#underway !== null) this.#finish(frame, this.#underway);
    for (;;) {
      const opcode = frame.code.padded[frame.pc]!;
      const meeting = this.#meet(frame, opcode);
      if (meeting === "pending") return "pending";
      if (meeting === "cut") {
        this.#cut(this.#flat(frame, frame.pc, null));
        continue;
      }
      const underway = this.#look(frame, opcode);
      const signal = this.step(frame, opcode);
      if (signal === PENDING) {
        if (this.awaited === null) {
          frame.gas = underway.gas;
          frame.sp = underway.sp;
        } else this.#underway = underway;
        return "pending";
      }
      if (signal === CONTINUE) frame.pc++;
      if (signal === CONTINUE || (signal === SWITCH && this.frame === frame)) this.#finish(frame, underway);
      else if (signal === SWITCH) this.#descend(frame, underway);
      else this.#ascend(frame, underway, signal);
      if (this.frame === null) return "done";
      frame = this.frame;
    }
  }

  #isDenied(opcode: number): boolean {
    return hasOpcode(this.surroundings.denied, opcode);
  }

  #meet(frame: Frame, opcode: number): "met" | "cut" | "pending" {
    const { start, returned, meter } = this.#running;
    if (meter.isFull) return "cut";
    const { gas: fees, least, most } = this.table;
    if (frame.sp < least[opcode]!) return "met";
    meter.stack(frame.sp - least[opcode]!);
    if (frame.sp > most[opcode]! || frame.gas < fees[opcode]!) return "met";
    if (this.#isDenied(opcode) || this.rules.gas[opcode]! < 0) return "met";
    return meetStep({ machine: this, frame, meter, input: start.input, returned }, opcode);
  }

  #look(frame: Frame, opcode: number): Underway {
    const { gas, sp, pc, stack } = frame;
    const isRunnable = sp >= this.table.least[opcode]! && !this.#isDenied(opcode);
    const { start, returned, meter } = this.#running;
    const step = { machine: this, frame, meter, input: start.input, returned };
    const isCall = isRunnable && (opcode === 0xf1 || opcode === 0xf2 || opcode === DELEGATECALL || opcode === 0xfa);
    const base = sp - (opcode === 0xf1 || opcode === 0xf2 ? 7 : 6);
    const inView = isCall
      ? { offset: toOffset(stack[base + 3]!), length: toOffset(stack[base + 2]!) }
      : { offset: toOffset(stack[sp - 1] ?? 0n), length: toOffset(stack[sp - 2] ?? 0n) };
    const goes = frame.account.destroyed;
    return { opcode, gas, sp, pc, inView, written: isRunnable ? writtenBy(step, opcode) : null, goes };
  }

  /** After a step with which the frame goes on. */
  #finish(frame: Frame, { written, opcode }: Underway): void {
    const running = this.#running;
    this.#underway = null;
    running.meter.steps++;
    if (written !== null) this.#note(written.offset, written.length);
    if (isMessageOpcode(opcode)) this.#replaceReturned(frame);
    if (running.gas - frame.gas >= this.#limits.gas) this.#cut(this.#flat(frame, frame.pc, null));
  }

  #replaceReturned({ returnData }: Frame): void {
    this.#running.meter.replaceReturned();
    this.#running.returned = viewOf(returnData);
  }

  /** Pages that may differ from the tree. */
  #note(offset: number, length: number): void {
    if (length === 0 || !Number.isFinite(offset + length)) return;
    const last = Math.floor((offset + length - 1) / PAGE_BYTES);
    for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) this.#running.written.add(page);
  }

  #marks(): Marks {
    return this.#recorder.marks.marks(this.state);
  }

  /** The running frame with its memory as it is now. */
  #flat(frame: Frame, pc: number, awaited: Awaited | null): FrameState {
    const running = this.#running;
    const { start, written, returned } = running;
    const memoryBytes = frame.memoryWords * 32;
    const pages = [...written].filter((page) => page < pageCount(memoryBytes));
    running.memory = running.memory.with(pages, frame.memory.subarray(0, memoryBytes));
    return {
      ...start,
      isFresh: false,
      gas: frame.gas,
      pc,
      stack: frame.stack.slice(0, frame.sp),
      memory: running.memory,
      memoryBytes,
      returned,
      awaited,
    };
  }

  /** Ends the slice with the running frame as it is now. */
  #cut(frame: FrameState): void {
    this.#close({ marks: this.#marks(), frames: [...this.#below, frame], end: null }, null, frame);
    this.#open(frame);
  }

  #close(after: MachineState, restored: number | null, kept: FrameState | null): void {
    const memory = kept === null ? null : { tree: kept.memory, bytes: kept.memoryBytes };
    this.#recorder.slice({ before: this.#state!, after, evidence: this.#running.meter.evidence(), restored, memory });
    this.#state = after.frames.length === 0 ? null : after;
  }

  /** Begins a slice at a frame. */
  #open(start: FrameState, output: View | null = null): void {
    const frame = this.frame!;
    const returned = output ?? start.returned;
    const isPrecompile = (address: Address): boolean => this.rules.precompiles.has(address);
    const meter = new SliceMeter({
      state: this.state,
      frame: start,
      returned,
      code: frame.code.bytes,
      mostBytes: this.#limits.bytes,
      isPrecompile,
    });
    this.#running = { start, memory: start.memory, returned, written: new Set(), meter, gas: frame.gas };
    meter.account(frame.account);
    const paysOut = start.isFresh && start.movesValue && start.value !== 0n && start.caller !== start.account;
    if (paysOut) meter.account(this.state.entry(start.caller));
  }

  /** The first cut, at the message's outermost frame. */
  #begin(frame: Frame): void {
    this.#enter(frame, viewOf(frame.input), true, (begin) => {
      let first: FrameState;
      this.#state = this.#recorder.began((number) => {
        first = begin(number);
        return first;
      });
      return first!;
    });
  }

  /** Opens a fresh frame: the cut is before its first effects, which are undone for it and then done again. */
  #enter(
    frame: Frame,
    input: View,
    movesValue: boolean,
    cut: (begin: (before: number) => FrameState) => FrameState,
  ): void {
    const { state } = this;
    const from = movesValue ? state.entry(frame.caller) : null;
    const target = frame.account;
    state.revertTo(frame.journalMark);
    const begin = (before: number): FrameState => ({
      depth: frame.depth,
      caller: frame.caller,
      account: target.address,
      value: frame.value,
      codeHash: hashOfCode(frame),
      isStatic: frame.isStatic,
      isCreation: frame.isCreate,
      movesValue,
      isFresh: true,
      gas: frame.gas,
      pc: 0,
      stack: [],
      memory: PageTree.empty,
      memoryBytes: 0,
      input,
      returned: NO_VIEW,
      awaited: null,
      before,
      marks: this.#marks(),
    });
    this.#open(cut(begin));
    arrive(state, { isCreate: frame.isCreate, target, from, value: frame.value });
  }

  /** After the step that began a frame above. */
  #descend(parent: Frame, { opcode, pc, inView }: Underway): void {
    const child = this.frame!;
    this.#running.returned = NO_VIEW;
    const awaited = child.isCreate
      ? { outOffset: 0, outLength: 0, made: child.account.address }
      : { outOffset: child.outLength === 0 ? 0 : child.outOffset, outLength: child.outLength, made: null };
    const waiting = this.#flat(parent, pc + 1, awaited);
    const { memory, memoryBytes } = waiting;
    const input = child.isCreate || inView.length === 0 ? NO_VIEW : { memory, memoryBytes, ...inView };
    this.#enter(child, input, opcode !== DELEGATECALL, (begin) => {
      const start = begin(this.#recorder.parts.length + 1);
      this.#below.push(waiting);
      this.#close({ marks: start.marks, frames: [...this.#below, start], end: null }, null, waiting);
      return start;
    });
  }

  /** After the step that ended the frame. */
  #ascend(frame: Frame, underway: Underway, signal: Signal): void {
    const { start } = this.#running;
    const flat = this.#flat(frame, 0, null);
    leaveFrame(this, frame, signal);
    const isDone = signal === STOP && frame.halt === null;
    if (isDone && frame.account.destroyed && !underway.goes) this.#recorder.marks.destroy(start.account);
    const status = isDone ? "success" : signal === REVERT ? "revert" : "halt";
    const output = this.#outputOf(frame, flat, underway, status);
    const end: FrameEnd = { status, gasLeft: status === "halt" ? 0 : frame.gas, output };
    const marks = isDone ? this.#marks() : this.#restored(start.marks);
    this.#close(
      { marks, frames: [...this.#below], end },
      isDone ? null : start.before,
      output.memory === flat.memory ? flat : null,
    );
    const waiting = this.#below.pop();
    if (waiting !== undefined) this.#deliver(waiting, end);
  }

  #restored(marks: Marks): Marks {
    this.#recorder.marks.restore(marks);
    return marks;
  }

  #outputOf(frame: Frame, flat: FrameState, { opcode, inView }: Underway, status: FrameEnd["status"]): View {
    const { length } = frame.output;
    if (status === "halt" || length === 0 || (status === "success" && frame.isCreate)) return NO_VIEW;
    if (this.#isDenied(opcode)) return viewOf(frame.output);
    if (opcode !== RETURN && opcode !== REVERT_OPCODE) return NO_VIEW;
    return { memory: flat.memory, memoryBytes: flat.memoryBytes, ...inView };
  }

  /** The engine has handed the end to the frame below: the slice's first step. */
  #deliver(waiting: FrameState, { status, output }: FrameEnd): void {
    const isCreation = waiting.awaited!.made !== null;
    const start = { ...waiting, awaited: null };
    this.#open(start, isCreation && status === "success" ? NO_VIEW : output);
    const { meter } = this.#running;
    const { outOffset, outLength } = waiting.awaited!;
    const copied = isCreation ? 0 : Math.min(outLength, output.length);
    meter.returned(output.offset, copied);
    meter.memory(outOffset, copied, true);
    this.#note(outOffset, copied);
    meter.steps++;
  }
}

/** Bytes that stand in no frame's memory. */
function viewOf(bytes: Uint8Array): View {
  const { length } = bytes;
  return length === 0 ? NO_VIEW : { memory: PageTree.of(bytes), memoryBytes: length, offset: 0, length };
}

function hashOfCode(frame: Frame): Hash {
  return frame.isCreate ? keccakHash(frame.code.bytes) : frame.code.hash;
}

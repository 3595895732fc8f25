/** One message call's running state: stack, memory, gas, what it was called with and what it gives back. */
import type { Address } from "@mvm/protocol";
import { type Code, EMPTY_CODE } from "./code.ts";
import { ExecutionError } from "./errors.ts";
import type { AccountState } from "./transactionState.ts";

/** Words that a stack holds at most. */
export const STACK_LIMIT = 1_024;
const FIRST_MEMORY_BYTES = 4_096;
/** A frame that is used again keeps no more memory than this. */
const KEPT_MEMORY_BYTES = 65_536;
const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = new DataView(EMPTY.buffer);

/** Why a frame ended exceptionally, with all its gas. */
export type HaltReason =
  | "out-of-gas"
  | "stack-underflow"
  | "stack-overflow"
  | "invalid-jump"
  | "invalid-opcode"
  | "static-violation"
  | "return-data-bounds"
  | "invalid-code"
  | "code-too-large"
  | "initcode-too-large"
  | "address-collision"
  | "precompile-failure"
  | "insufficient-balance";

const LARGEST_OFFSET = 0xffff_ffffn;

/** Stack word as an offset or length; infinite where no gas could pay for it. */
export function toOffset(word: bigint): number {
  return word > LARGEST_OFFSET ? Number.POSITIVE_INFINITY : Number(word);
}

/** Gas of memory of so many words in all. */
function wordsGas(words: number): number {
  return 3 * words + Math.floor((words * words) / 512);
}

/** 32-byte words that hold so many bytes. */
export function wordCount(bytes: number): number {
  return Math.ceil(bytes / 32);
}

/** Frames are reused, one per depth: `begin` resets what a call must not inherit. */
export class Frame {
  readonly depth: number;
  readonly stack: bigint[] = [];
  sp = 0;
  pc = 0;
  gas = 0;
  code: Code = EMPTY_CODE;
  /** account whose storage and balance the code works on */
  account!: AccountState;
  addressWord = 0n;
  caller!: Address;
  value = 0n;
  input: Uint8Array = EMPTY;
  inputView: DataView = EMPTY_VIEW;
  isStatic = false;
  isCreate = false;
  /** what this frame's last call gave back */
  returnData: Uint8Array = EMPTY;
  /** what this frame gives back */
  output: Uint8Array = EMPTY;
  halt: HaltReason | null = null;
  /** where the caller's memory takes the output */
  outOffset = 0;
  outLength = 0;
  /** to go back to when the frame fails */
  journalMark = 0;
  logMark = 0;
  refundMark = 0;
  memory: Uint8Array = new Uint8Array(FIRST_MEMORY_BYTES);
  view: DataView = new DataView(this.memory.buffer);
  memoryWords = 0;

  constructor(depth: number) {
    this.depth = depth;
  }

  begin(): void {
    this.sp = 0;
    this.pc = 0;
    this.returnData = EMPTY;
    this.output = EMPTY;
    this.halt = null;
    if (this.memory.length > KEPT_MEMORY_BYTES) {
      this.memory = new Uint8Array(FIRST_MEMORY_BYTES);
      this.view = new DataView(this.memory.buffer);
    } else {
      this.memory.fill(0, 0, this.memoryWords * 32);
    }
    this.memoryWords = 0;
  }

  setInput(input: Uint8Array): void {
    this.input = input;
    this.inputView = input.length === 0 ? EMPTY_VIEW : new DataView(input.buffer, input.byteOffset, input.byteLength);
  }

  /** Gas to make a range of memory usable; infinite beyond what can be paid. No effect. */
  memoryGas(offset: number, length: number): number {
    if (length === 0) return 0;
    const words = wordCount(offset + length);
    return words <= this.memoryWords ? 0 : wordsGas(words) - wordsGas(this.memoryWords);
  }

  /** Gas to make two ranges usable at once. No effect. */
  memoryGasOfTwo(offset: number, length: number, secondOffset: number, secondLength: number): number {
    const end = length === 0 ? 0 : offset + length;
    const secondEnd = secondLength === 0 ? 0 : secondOffset + secondLength;
    return this.memoryGas(0, Math.max(end, secondEnd));
  }

  /** Makes a range of memory usable; its gas is paid. */
  grow(offset: number, length: number): void {
    if (length === 0) return;
    const words = wordCount(offset + length);
    if (words <= this.memoryWords) return;
    this.memoryWords = words;
    if (words * 32 <= this.memory.length) return;
    const larger = new Uint8Array(Math.max(words * 32, this.memory.length * 2));
    larger.set(this.memory);
    this.memory = larger;
    this.view = new DataView(larger.buffer);
  }

  /** Pays for and makes usable a range of memory; false: out of gas. */
  claim(offset: number, length: number): boolean {
    const cost = this.memoryGas(offset, length);
    if (this.gas < cost) return false;
    this.gas -= cost;
    if (cost !== 0) this.grow(offset, length);
    return true;
  }

  /** Copy of a usable range of memory. */
  slice(offset: number, length: number): Uint8Array {
    return length === 0 ? EMPTY : this.memory.slice(offset, offset + length);
  }

  /** Copy of a range that need not be usable yet: zeros where it is not. */
  peek(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    if (length !== 0) bytes.set(this.memory.subarray(offset, Math.min(offset + length, this.memoryWords * 32)));
    return bytes;
  }

  /** Copies a source's range into usable memory, zeros beyond the source's end. */
  copyIn(offset: number, source: Uint8Array, sourceOffset: bigint, length: number): void {
    if (length === 0) return;
    const start = sourceOffset > BigInt(source.length) ? source.length : Number(sourceOffset);
    const available = source.subarray(start, start + length);
    this.memory.set(available, offset);
    this.memory.fill(0, offset + available.length, offset + length);
  }
}

/** Frames by depth, made when first needed; at most `limit`. */
export class FramePool {
  readonly #frames: Frame[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The running frame at a depth. */
  running(depth: number): Frame {
    return this.#frames[depth]!;
  }

  /** A fresh frame at a depth. */
  at(depth: number): Frame {
    let frame = this.#frames[depth];
    if (frame === undefined) {
      if (depth >= this.#limit)
        throw new ExecutionError("library-failure", null, `call depth ${depth} beyond the pool`);
      frame = new Frame(depth);
      this.#frames[depth] = frame;
    }
    frame.begin();
    return frame;
  }
}

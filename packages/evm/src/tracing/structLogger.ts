/** Every step of a transaction, in the form of geth's default tracer. */
import { type Address, type Hex, toHex } from "@mvm/protocol";
import { type Step, type StepDetail, TraceBudget, type Tracer } from "./tracer.ts";
import type { Traced } from "./traceTransaction.ts";
import { mnemonicOf } from "./wording.ts";

/** Options by geth's names; `limit`: steps that are shown, 0 for all. */
export type StructLoggerOptions = {
  readonly disableStack?: boolean;
  readonly disableStorage?: boolean;
  readonly enableMemory?: boolean;
  readonly enableReturnData?: boolean;
  readonly limit?: number;
};

/** One step as JSON has it. Words of memory and storage are 64 digits without 0x, those of the stack quantities. */
export type StructLog = {
  readonly pc: number;
  readonly op: string;
  readonly gas: number;
  readonly gasCost: number;
  readonly depth: number;
  readonly refund?: number;
  readonly error?: string;
  readonly stack?: readonly Hex[];
  readonly memory?: readonly string[];
  /** with SLOAD and SSTORE: all slots of the account that the transaction has read or written by then */
  readonly storage?: { readonly [slot: string]: string };
  readonly returnData?: Hex;
};

export type StructTrace = {
  readonly gas: number;
  readonly failed: boolean;
  readonly returnValue: Hex;
  readonly structLogs: readonly StructLog[];
};

/** Characters of a step's numbers and name as JSON, and of each further field's name, brackets and small numbers. */
const STEP_SIZE = 100;
const FIELD_SIZE = 20;
/** of a memory word, and of a slot with its value; of what stands around a stack word's text */
const WORD_SIZE = 67;
const SLOT_SIZE = 135;
const QUOTES_SIZE = 3;
/** Texts of stack words that are kept: steps that follow each other have most of them in common. */
const KEPT_TEXTS = 8_192;

const digitsOf = (word: bigint): string => word.toString(16).padStart(64, "0");

export class StructLogger implements Tracer {
  readonly followsMessages = false;
  readonly #options: StructLoggerOptions;
  readonly #budget: TraceBudget;
  readonly #detail: StepDetail;
  readonly #limit: number;
  readonly #logs: StructLog[] = [];
  readonly #storages = new Map<Address, Map<string, string>>();
  readonly #texts = new Map<bigint, Hex>();

  constructor(options: StructLoggerOptions = {}, budget: TraceBudget = new TraceBudget()) {
    this.#options = options;
    this.#budget = budget;
    const { limit = 0, disableStack = false, enableMemory = false, enableReturnData = false } = options;
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.#detail = { stack: !disableStack, memory: enableMemory, returnData: enableReturnData };
  }

  get stepDetail(): StepDetail | null {
    return this.#logs.length < this.#limit ? this.#detail : null;
  }

  onStep(step: Step): void {
    const { pc, opcode, gas, gasCost, depth, refund, error, stack, memory, returnData } = step;
    this.#budget.takeStep();
    this.#budget.take(STEP_SIZE);
    this.#logs.push({
      pc,
      op: mnemonicOf(opcode),
      gas,
      gasCost,
      depth,
      ...(refund === 0 ? {} : this.#field("refund", refund)),
      ...(error === null ? {} : this.#field("error", error, error.length)),
      ...(stack === null ? {} : this.#field("stack", this.#quantitiesOf(stack))),
      ...(memory === null || memory.length === 0 ? {} : this.#field("memory", this.#wordsOf(memory))),
      ...this.#storageAt(step),
      ...(returnData === null || returnData.length === 0 ? {} : this.#field("returnData", this.#bytesOf(returnData))),
    });
  }

  #field<K extends keyof StructLog>(name: K, value: StructLog[K], size = 0): Pick<StructLog, K> {
    this.#budget.take(FIELD_SIZE + size);
    return { [name]: value } as Pick<StructLog, K>;
  }

  #quantitiesOf(words: readonly bigint[]): Hex[] {
    return words.map((word) => {
      const text = this.#texts.get(word) ?? this.#keepText(word);
      this.#budget.take(text.length + QUOTES_SIZE);
      return text;
    });
  }

  #keepText(word: bigint): Hex {
    if (this.#texts.size >= KEPT_TEXTS) this.#texts.clear();
    const text: Hex = `0x${word.toString(16)}`;
    this.#texts.set(word, text);
    return text;
  }

  #wordsOf(memory: Uint8Array): string[] {
    this.#budget.take((memory.length / 32) * WORD_SIZE);
    const digits = toHex(memory).slice(2);
    return Array.from({ length: memory.length / 32 }, (_, i) => digits.slice(64 * i, 64 * i + 64));
  }

  #bytesOf(bytes: Uint8Array): Hex {
    this.#budget.take(2 * bytes.length);
    return toHex(bytes);
  }

  #storageAt({ address, slot }: Step): Pick<StructLog, "storage"> {
    if (slot === null || this.#options.disableStorage === true) return {};
    const storage = this.#storages.get(address) ?? new Map<string, string>();
    this.#storages.set(address, storage);
    storage.set(digitsOf(slot.key), digitsOf(slot.value));
    this.#budget.take(storage.size * SLOT_SIZE);
    return this.#field("storage", Object.fromEntries(storage));
  }

  onEnter(): void {}
  onExit(): void {}
  onLog(): void {}

  /** The whole trace. Throws TraceLimitError where what the transaction gave back is too long. */
  result({ outcome, gasLimit, returnData }: Traced): StructTrace {
    const isIncluded = outcome.kind === "included";
    return {
      gas: Number(isIncluded ? outcome.gasUsed : gasLimit),
      failed: !isIncluded || outcome.status === 0,
      returnValue: this.#bytesOf(returnData),
      structLogs: this.#logs,
    };
  }
}

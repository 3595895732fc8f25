/** How the encoder chooses forms for calls: a kind for each word, and which forms and constants go into the dictionary. */
import { bytesToBigInt, concatBytes, equalBytes, joinBytes, toHex } from "../hex.ts";
import { BATCH_FORMAT, type CallShape, FIXED_SHAPES, WORD_KINDS } from "./layout.ts";
import { decimalBytes, MAX_UINT32, MAX_WORD, varintBytes } from "./numbers.ts";

const WORD = 32;
const SELECTOR = 4;
/** A word from here up, below 2^160, is taken for an address: amounts rarely are that large. */
const LEAST_ADDRESS = 1n << 96n;
const ADDRESS_BOUND = 1n << 160n;
const LEAST_NEGATIVE = 1n << 255n;

/** A call whose data is a selector and whole words, before its form is chosen. */
export type Call = {
  readonly selector: Uint8Array;
  readonly words: readonly bigint[];
  readonly kinds: readonly number[];
};

/** Whether a word is taken for an address. */
const isAddressWord = (word: bigint): boolean => word >= LEAST_ADDRESS && word < ADDRESS_BOUND;

const isDecimal = (number: bigint): boolean => decimalBytes(number) !== null;

function kindOf(word: bigint, timestamp: bigint): number {
  if (isAddressWord(word)) return WORD_KINDS.address;
  if (word > timestamp && word - timestamp <= MAX_UINT32 && timestamp > MAX_UINT32 / 4n) return WORD_KINDS.time;
  if (word >= LEAST_NEGATIVE && isDecimal(MAX_WORD + 1n - word)) return WORD_KINDS.negative;
  return isDecimal(word) ? WORD_KINDS.decimal : WORD_KINDS.raw;
}

/** The words of a call's data; null where they are not a selector and whole words, or too many. */
function wordsOf(data: Uint8Array): readonly bigint[] | null {
  const count = (data.length - SELECTOR) / WORD;
  if (!Number.isInteger(count) || count < 0 || count > BATCH_FORMAT.callWords) return null;
  return Array.from({ length: count }, (_, i) =>
    bytesToBigInt(data.subarray(SELECTOR + WORD * i, SELECTOR + WORD * (i + 1))),
  );
}

/** Words of a call's data that are taken for addresses, in order; of at most BATCH_FORMAT.callWords words. */
export const addressWordsOf = (data: Uint8Array): readonly bigint[] => (wordsOf(data) ?? []).filter(isAddressWord);

/** The call in a transaction's data; null where it is not of the form or has too many words. */
export function callOf(data: Uint8Array, timestamp: bigint): Call | null {
  const words = wordsOf(data);
  if (words === null) return null;
  return { selector: data.subarray(0, SELECTOR), words, kinds: words.map((word) => kindOf(word, timestamp)) };
}

/** Which of the fixed shapes says a call, from 1; 0: none. */
export function fixedShapeOf({ selector, words }: Call): number {
  const at = FIXED_SHAPES.findIndex(
    (shape) =>
      equalBytes(shape.selector, selector) &&
      shape.kinds.length === words.length &&
      shape.kinds.every((kind, i) => (kind === WORD_KINDS.address ? words[i]! < ADDRESS_BOUND : isDecimal(words[i]!))),
  );
  return at + 1;
}

/** A shape as dictionary and rows have it. */
export function shapeBytes({ selector, kinds, constants }: CallShape): Uint8Array {
  const packed = new Uint8Array(Math.ceil(kinds.length / 2));
  for (const [i, kind] of kinds.entries()) packed[i >> 1]! |= i % 2 === 0 ? kind << 4 : kind;
  return concatBytes(
    selector,
    varintBytes(kinds.length),
    packed,
    joinBytes(constants.map((constant) => decimalBytes(constant)!)),
  );
}

const keyOf = ({ selector, kinds }: Call): string => `${toHex(selector)}${kinds.join("")}`;

/** The calls of one form with every number that all share made a constant. */
function commonShape(calls: readonly Call[]): CallShape {
  const [first] = calls;
  const shared = first!.kinds.map(
    (kind, i) => kind === WORD_KINDS.decimal && calls.every((call) => call.words[i] === first!.words[i]),
  );
  return {
    selector: first!.selector,
    kinds: first!.kinds.map((kind, i) => (shared[i] ? WORD_KINDS.constant : kind)),
    constants: first!.words.filter((_, i) => shared[i]),
  };
}

/** Chooses the forms that save most, by the bytes that they save. */
export class ShapeBook {
  readonly shapes: readonly CallShape[];
  readonly #places = new Map<string, number>();

  constructor(calls: readonly Call[]) {
    const groups = new Map<string, Call[]>();
    for (const call of calls) {
      const group = groups.get(keyOf(call));
      if (group === undefined) groups.set(keyOf(call), [call]);
      else group.push(call);
    }
    const offers = [...groups.entries()].map(([key, group]) => {
      const shape = commonShape(group);
      const inline = SELECTOR + 1 + Math.ceil(shape.kinds.length / 2);
      const constants = shape.constants.reduce((sum, constant) => sum + decimalBytes(constant)!.length, 0);
      return { key, shape, saved: group.length * (inline + constants) - shapeBytes(shape).length };
    });
    const shapes: CallShape[] = [];
    let words = 0;
    for (const { key, shape, saved } of offers.sort((left, right) => right.saved - left.saved)) {
      const fits = shapes.length < BATCH_FORMAT.shapes && words + shape.kinds.length <= BATCH_FORMAT.shapeWords;
      if (saved <= 0 || !fits) continue;
      words += shape.kinds.length;
      shapes.push(shape);
      this.#places.set(key, shapes.length);
    }
    this.shapes = shapes;
  }

  /** The form of a call: its place in the dictionary from 1, or 0 and the form itself. */
  of(call: Call): { readonly place: number; readonly shape: CallShape } {
    const place = this.#places.get(keyOf(call)) ?? 0;
    if (place !== 0) return { place, shape: this.shapes[place - 1]! };
    return { place, shape: { selector: call.selector, kinds: call.kinds, constants: [] } };
  }
}

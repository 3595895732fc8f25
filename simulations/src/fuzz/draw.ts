/** What a fuzzer draws from: numbers, words, choices, all of them following from one seed. */
import { bytesToBigInt, fromHex } from "@mvm/protocol";
import type { SeededRandom } from "../seededRandom.ts";

const WORD_BYTES = 4;
const RANGE = 2 ** 32;

export class Draw {
  readonly #random: SeededRandom;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Bytes, any of them. */
  bytes(count: number): Uint8Array {
    const out = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      if (this.#at === this.#bytes.length) {
        this.#bytes = fromHex(this.#random.hash());
        this.#at = 0;
      }
      const piece = this.#bytes.subarray(this.#at, this.#at + count - at);
      out.set(piece, at);
      at += piece.length;
      this.#at += piece.length;
    }
    return out;
  }

  /** A whole number of 0 .. bound - 1. */
  below(bound: number): number {
    const [a, b, c, d] = this.bytes(WORD_BYTES);
    return Math.floor((((a! * 256 + b!) * 256 + c!) * 256 + d!) * (bound / RANGE));
  }

  /** A whole number of least .. most. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True once in `count` times. */
  onceIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** A choice by weight. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, choice] of choices) {
      if (left < weight) return choice;
      left -= weight;
    }
    throw new Error("no choice has a weight");
  }

  /** A 256-bit word: small, random of any length, or next to a power of two. */
  word(): bigint {
    const kind = this.below(8);
    if (kind < 3) return BigInt(this.below(300));
    if (kind < 6) return bytesToBigInt(this.bytes(this.between(1, 32)));
    const power = 1n << BigInt(this.pick([8, 16, 31, 32, 53, 63, 64, 127, 128, 160, 255, 256]));
    return (power + BigInt(this.between(-1, 1))) & ((1n << 256n) - 1n);
  }
}

/** Randomness of a run: every draw follows from the seed and the name of what draws. */
import { type Hash, keccakHash } from "@mvm/protocol";

const text = new TextEncoder();

export class SeededRandom {
  readonly #name: string;
  #count = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** A stream of its own: draws of one never shift those of another. */
  stream(name: string): SeededRandom {
    return new SeededRandom(`${this.#name}/${name}`);
  }

  /** 32 bytes. */
  hash(): Hash {
    return keccakHash(text.encode(`${this.#name}#${this.#count++}`));
  }

  /** At least 0, below 1. */
  fraction(): number {
    return Number(BigInt(this.hash()) >> 203n) / 2 ** 53;
  }

  /** A whole number of 0 .. bound - 1. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }
}

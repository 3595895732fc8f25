/**
 * Values by 256-bit key. A Map hashes a bigint by its low 64 bits, and without a secret, so that a contract could
 * choose storage keys that all fall together and make every access a walk. Here a key's place is its residue by a
 * prime that each process draws anew.
 */
import { randomInt } from "node:crypto";

/** Residues stay below 2^30: small integers, which Maps take fastest. */
const LEAST_PRIME = 2 ** 29;
const PRIME_BOUND = 2 ** 30;

function isPrime(odd: number): boolean {
  for (let divisor = 3; divisor * divisor <= odd; divisor += 2) if (odd % divisor === 0) return false;
  return true;
}

function drawPrime(): number {
  for (;;) {
    const candidate = randomInt(LEAST_PRIME, PRIME_BOUND) | 1;
    if (isPrime(candidate)) return candidate;
  }
}

const PRIME = BigInt(drawPrime());

/** An entry; entries of one residue hang together. */
export type WordEntry<Entry> = { readonly key: bigint; next: Entry | null };

export class WordMap<Entry extends WordEntry<Entry>> {
  readonly #places = new Map<number, Entry>();

  get(key: bigint): Entry | undefined {
    let entry = this.#places.get(Number(key % PRIME)) ?? null;
    while (entry !== null && entry.key !== key) entry = entry.next;
    return entry ?? undefined;
  }

  /** Adds an entry whose key is not there yet. */
  add(entry: Entry): void {
    const place = Number(entry.key % PRIME);
    entry.next = this.#places.get(place) ?? null;
    this.#places.set(place, entry);
  }

  *values(): Generator<Entry> {
    for (const first of this.#places.values()) {
      for (let entry: Entry | null = first; entry !== null; entry = entry.next) yield entry;
    }
  }
}

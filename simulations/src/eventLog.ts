/** The log of a run as one hash: two runs are the same when their hashes are. */
import { type Hash, keccak, toHex } from "@mvm/protocol";

const text = new TextEncoder();

export class EventLog {
  #hash = new Uint8Array(32);
  #count = 0;
  /** last events, for the trace of a violation */
  readonly #recent: string[] = [];

  add(atMs: number, what: string): void {
    const line = `${atMs} ${what}`;
    const bytes = text.encode(line);
    const joined = new Uint8Array(32 + bytes.length);
    joined.set(this.#hash);
    joined.set(bytes, 32);
    this.#hash = keccak(joined) as Uint8Array<ArrayBuffer>;
    this.#count += 1;
    this.#recent.push(line);
    if (this.#recent.length > KEPT_LINES) this.#recent.shift();
  }

  get hash(): Hash {
    return toHex(this.#hash) as Hash;
  }

  get count(): number {
    return this.#count;
  }

  /** The last lines before now. */
  recent(): readonly string[] {
    return [...this.#recent];
  }
}

const KEPT_LINES = 40;

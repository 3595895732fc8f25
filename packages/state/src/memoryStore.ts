import type { KeyRange, KeyValueStore, StoreEntry, StoreOperation } from "./keyValueStore.ts";
import { byteKey } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";

/** A store in memory: the twin of LevelStore for tests and simulations. It lives as long as the object. */
export class MemoryStore implements KeyValueStore {
  readonly #entries = new Map<string, StoreEntry>();
  #sorted: string[] | null = null;
  #closed = false;

  get(key: Uint8Array): Uint8Array | undefined {
    this.#check();
    return this.#entries.get(byteKey(key))?.[1];
  }

  async write(operations: readonly StoreOperation[]): Promise<void> {
    this.#check();
    for (const { key, value } of operations) {
      const text = byteKey(key);
      if (value === null) this.#entries.delete(text);
      else this.#entries.set(text, [new Uint8Array(key), new Uint8Array(value)]);
    }
    this.#sorted = null;
  }

  async page(range: KeyRange, limit: number): Promise<StoreEntry[]> {
    this.#check();
    this.#sorted ??= [...this.#entries.keys()].sort();
    const sorted = this.#sorted;
    const from = byteKey(range.from);
    const to = byteKey(range.to);
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < from) low = middle + 1;
      else high = middle;
    }
    const found: StoreEntry[] = [];
    for (let i = low; i < sorted.length && found.length < limit && sorted[i]! < to; i++) {
      found.push(this.#entries.get(sorted[i]!)!);
    }
    return found;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** A closed store's contents in a new one, as after a restart of the program. */
  reopened(): MemoryStore {
    const next = new MemoryStore();
    for (const [text, entry] of this.#entries) next.#entries.set(text, entry);
    return next;
  }

  #check(): void {
    if (this.#closed) throw new StateError("closed");
  }
}

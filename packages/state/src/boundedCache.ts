/**
 * A map that forgets: holds what was used among the last `generationEntries` to twice as many distinct keys. Two
 * generations make it as cheap as a Map; no list is kept in order.
 */
export class BoundedCache<V> {
  readonly #generationEntries: number;
  #recent = new Map<string, V>();
  #older = new Map<string, V>();

  constructor(generationEntries: number) {
    this.#generationEntries = generationEntries;
  }

  get(key: string): V | undefined {
    const value = this.#recent.get(key);
    if (value !== undefined) return value;
    const old = this.#older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (this.#recent.size >= this.#generationEntries && !this.#recent.has(key)) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, value);
  }

  delete(key: string): void {
    this.#recent.delete(key);
    this.#older.delete(key);
  }

  clear(): void {
    this.#recent.clear();
    this.#older.clear();
  }
}

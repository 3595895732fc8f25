/** One change of a store; no value: the key is deleted. */
export type StoreOperation = { readonly key: Uint8Array; readonly value: Uint8Array | null };
export type StoreEntry = readonly [key: Uint8Array, value: Uint8Array];
/** Keys from `from` on and before `to`, in byte order. */
export type KeyRange = { readonly from: Uint8Array; readonly to: Uint8Array };

/**
 * What a DAC's database needs of the store under it: ordered keys, reads that answer at once, and batches that are
 * written as a whole or not at all. Bytes handed over or out are not changed by anybody, and come out as plain arrays, never as Buffers. Every failure is StateError
 * "store-failed" or "closed".
 */
export interface KeyValueStore {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Writes all of it or nothing; when it resolves, it survives a crash of the machine. */
  write(operations: readonly StoreOperation[]): Promise<void>;
  /** The first entries of a range, at most `limit`. */
  page(range: KeyRange, limit: number): Promise<StoreEntry[]>;
  close(): Promise<void>;
}

/** The key right after another in byte order: where the next page starts. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** What a block changed in the store beyond content-addressed data, and what stood there before. */
import type { StoreOperation } from "./keyValueStore.ts";
import { StateError } from "./stateError.ts";

const ABSENT = 0xffff_ffff;

/**
 * Encodes the operations that take a block back: for each, key length (1 byte), value length (4 bytes, all ones for a
 * deletion), key, value.
 */
export function encodeUndo(operations: readonly StoreOperation[]): Uint8Array {
  let size = 0;
  for (const { key, value } of operations) size += 5 + key.length + (value?.length ?? 0);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const { key, value } of operations) {
    view.setUint8(at, key.length);
    view.setUint32(at + 1, value === null ? ABSENT : value.length);
    out.set(key, at + 5);
    at += 5 + key.length;
    if (value !== null) out.set(value, at);
    at += value?.length ?? 0;
  }
  return out;
}

/** Throws StateError "store-failed" when the record is cut short. */
export function decodeUndo(record: Uint8Array): StoreOperation[] {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const operations: StoreOperation[] = [];
  let at = 0;
  while (at < record.length) {
    if (at + 5 > record.length) throw new StateError("store-failed", { record: "undo" });
    const keyEnd = at + 5 + view.getUint8(at);
    const valueLength = view.getUint32(at + 1);
    const end = valueLength === ABSENT ? keyEnd : keyEnd + valueLength;
    if (end > record.length) throw new StateError("store-failed", { record: "undo" });
    const value = valueLength === ABSENT ? null : record.slice(keyEnd, end);
    operations.push({ key: record.slice(at + 5, keyEnd), value });
    at = end;
  }
  return operations;
}

/**
 * How often each trie node of a store is needed, so that those of old states can go. A node's places are counted over all states that are kept: a block
 * adds the places that it made at once; those that it left behind it writes down, and they are subtracted when the state before it
 * goes. One place is the rule, and needs no record. A block that is taken back gives its own places back.
 */
import type { KeyValueStore, StoreOperation } from "./keyValueStore.ts";
import { encodingOf } from "./nodeEncoding.ts";
import { byteKey } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";
import { nodeKey, placesKey } from "./storeKeys.ts";
import type { ChangedNode } from "./trieDifference.ts";

const HASH_BYTES = 32;

/** What one block did: a hash comes as often as places came or went. */
type Journal = { readonly made: readonly Uint8Array[]; readonly left: readonly Uint8Array[] };

const placesOf = (store: KeyValueStore, hash: Uint8Array): number => {
  const record = store.get(placesKey(hash));
  return record === undefined ? 1 : new DataView(record.buffer, record.byteOffset).getUint32(0);
};

function placesRecord(hash: Uint8Array, places: number): StoreOperation {
  if (places === 1) return { key: placesKey(hash), value: null };
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, places);
  return { key: placesKey(hash), value };
}

/** What stores the nodes that a block made, and its journal. */
export function countedNodes(
  store: KeyValueStore,
  changed: readonly ChangedNode[],
): { readonly operations: readonly StoreOperation[]; readonly journal: Uint8Array } {
  const operations: StoreOperation[] = [];
  const made: Uint8Array[] = [];
  const left: Uint8Array[] = [];
  for (const { hash, node, places } of changed) {
    for (let i = 0; i < places; i++) made.push(hash);
    for (let i = 0; i > places; i--) left.push(hash);
    if (places < 0) continue;
    const isKnown = store.get(nodeKey(hash)) !== undefined;
    if (!isKnown) operations.push({ key: nodeKey(hash), value: encodingOf(node) });
    const all = places + (isKnown ? placesOf(store, hash) : 0);
    if (isKnown || all > 1) operations.push(placesRecord(hash, all));
  }
  return { operations, journal: encodeJournal({ made, left }) };
}

/** What takes the places that a block left behind out of the store: no state before the block's is kept any more. */
export const withoutLeft = (store: KeyValueStore, journal: Uint8Array): readonly StoreOperation[] =>
  released(store, decodeJournal(journal).left);

/** What takes the places that a block made out of the store: the block is taken back. */
export const withoutMade = (store: KeyValueStore, journal: Uint8Array): readonly StoreOperation[] =>
  released(store, decodeJournal(journal).made);

function released(store: KeyValueStore, hashes: readonly Uint8Array[]): readonly StoreOperation[] {
  const counts = new Map<string, { hash: Uint8Array; places: number }>();
  for (const hash of hashes) {
    const name = byteKey(hash);
    counts.set(name, { hash, places: (counts.get(name)?.places ?? 0) + 1 });
  }
  return [...counts.values()].flatMap(({ hash, places }): readonly StoreOperation[] => {
    const rest = placesOf(store, hash) - places;
    if (rest > 0) return [placesRecord(hash, rest)];
    return [
      { key: nodeKey(hash), value: null },
      { key: placesKey(hash), value: null },
    ];
  });
}

/** Number of made hashes (4 bytes), they, those that were left. */
function encodeJournal({ made, left }: Journal): Uint8Array {
  const out = new Uint8Array(4 + HASH_BYTES * (made.length + left.length));
  new DataView(out.buffer).setUint32(0, made.length);
  for (const [i, hash] of [...made, ...left].entries()) out.set(hash, 4 + HASH_BYTES * i);
  return out;
}

/** Throws StateError "store-failed" when the record is cut short. */
function decodeJournal(record: Uint8Array): Journal {
  const count = (record.length - 4) / HASH_BYTES;
  const made = record.length < 4 ? -1 : new DataView(record.buffer, record.byteOffset).getUint32(0);
  if (!Number.isInteger(count) || made < 0 || made > count) throw new StateError("store-failed", { record: "journal" });
  const hashes = Array.from({ length: count }, (_, i) => record.slice(4 + HASH_BYTES * i, 4 + HASH_BYTES * (i + 1)));
  return { made: hashes.slice(0, made), left: hashes.slice(made) };
}

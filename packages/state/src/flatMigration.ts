/** From version 3 of the layout to version 4: the flat view by the places of addresses and slots in their tries. */
import { type KeyValueStore, keyAfter } from "./keyValueStore.ts";
import { OLD_FLAT_RANGES, presentKey, UNDO_RANGE } from "./storeKeys.ts";
import { decodeUndo, encodeUndo } from "./undoRecord.ts";

const PAGE_ENTRIES = 1_000;

/** Moves what has keys of version 3, a page at a time: a crash in between leaves less to do, and calling it again goes on. */
export async function movePlaces(store: KeyValueStore): Promise<void> {
  for (const range of OLD_FLAT_RANGES)
    for (;;) {
      const page = await store.page(range, PAGE_ENTRIES);
      if (page.length === 0) break;
      await store.write(
        page.flatMap(([key, value]) => [
          { key, value: null },
          { key: presentKey(key), value },
        ]),
      );
    }
  for (let { from, to } = UNDO_RANGE; ; ) {
    const [entry] = await store.page({ from, to }, 1);
    if (entry === undefined) return;
    const [key, record] = entry;
    const moved = decodeUndo(record).map((operation) => ({ ...operation, key: presentKey(operation.key) }));
    await store.write([{ key, value: encodeUndo(moved) }]);
    from = keyAfter(key);
  }
}

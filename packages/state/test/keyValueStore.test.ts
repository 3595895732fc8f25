import { toHex } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StateError } from "../src/index.ts";
import { storeKinds } from "./openStores.ts";

const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 });
const batch = fc.array(fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 5 })) }), { maxLength: 12 });

describe.each(storeKinds)("store $name", ({ make }) => {
  test("holds what the batches in their order leave, reads and ranges alike, also after a restart", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 5 }), key, key, async (batches, from, to) => {
        const { store, reopen, dispose } = await make();
        const model = new Map<string, Uint8Array>();
        for (const operations of batches) {
          await store.write(operations);
          for (const { key, value } of operations) {
            if (value === null) model.delete(toHex(key));
            else model.set(toHex(key), value);
          }
        }
        const inRange = [...model.keys()].filter((name) => name >= toHex(from) && name < toHex(to)).sort();
        for (const opened of [store, await reopen()]) {
          if (opened !== store) {
            for (const [name, value] of model)
              expect(toHex(opened.get(Buffer.from(name.slice(2), "hex"))!)).toBe(toHex(value));
            const page = await opened.page({ from, to }, 100);
            expect(page.map(([name]) => toHex(name))).toEqual(inRange);
            expect((await opened.page({ from, to }, 2)).length).toBe(Math.min(2, inRange.length));
          }
        }
        await dispose();
      }),
      { numRuns: 25 },
    );
  });

  test("gives plain arrays that later writes do not change", async () => {
    const { store, dispose } = await make();
    const at = Uint8Array.of(1);
    await store.write([{ key: at, value: Uint8Array.of(7) }]);
    const read = store.get(at)!;
    expect(Object.getPrototypeOf(read)).toBe(Uint8Array.prototype);
    const [entry] = await store.page({ from: at, to: Uint8Array.of(2) }, 1);
    for (const bytes of entry!) expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    await store.write([{ key: at, value: Uint8Array.of(8) }]);
    expect(read).toEqual(Uint8Array.of(7));
    await dispose();
  });

  test("refuses everything once closed, by name", async () => {
    const { store, dispose } = await make();
    await store.close();
    const range = { from: Uint8Array.of(1), to: Uint8Array.of(2) };
    for (const action of [async () => store.get(Uint8Array.of(1)), () => store.write([]), () => store.page(range, 1)]) {
      const error = await action().catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(StateError);
      expect((error as StateError).code).toBe("closed");
    }
    await dispose();
  });
});

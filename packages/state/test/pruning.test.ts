/** Old states go to the last node that only they have; those that are kept stay whole, whatever was taken back in between. */
import { type AccountWrite, EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DacDatabase, MemoryStore, WorldState } from "../src/index.ts";
import { madeBlock, nameHash, noChain } from "./blocks.ts";
import { entriesOf, expectExact } from "./nodeAudit.ts";
import { addressOf, arbitraryWrites, slotOf } from "./writes.ts";

const SEED = Date.now() % 1_000_000;
const blockOf = (number: number, version: number, writesPerTransaction: readonly (readonly AccountWrite[])[]) => ({
  ...madeBlock(number, version, writesPerTransaction.length),
  writesPerTransaction: writesPerTransaction.map((writes) => [...writes]),
});

async function open(store = new MemoryStore()): Promise<{ store: MemoryStore; database: DacDatabase }> {
  const database = await DacDatabase.openOn(store, { mode: "state", keeps: "recent", maxNodesInMemory: 10 });
  await database.initialise({ hash: nameHash("genesis"), encodedBlock: Uint8Array.of(1), alloc: [] });
  return { store, database };
}

/** The same slots in several accounts: equal storage has equal nodes. */
const twins = (n: number, value: bigint, accounts: readonly number[]): AccountWrite[] =>
  accounts.map((at) => ({
    address: addressOf(at),
    account: { nonce: BigInt(n), balance: 1n, codeHash: EMPTY_CODE_HASH },
    code: null,
    slots: [0, 1, 2, 3].map((s) => ({ slot: slotOf(s), value })),
  }));

type Step =
  | { readonly kind: "block"; readonly writes: readonly (readonly AccountWrite[])[] }
  | { readonly kind: "takeBack"; readonly blocks: number }
  | { readonly kind: "prune"; readonly keep: number }
  | { readonly kind: "reopen" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .array(
        fc.oneof(
          arbitraryWrites(8, 6),
          fc
            .tuple(fc.nat(3), fc.nat(2), fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 1 }))
            .map(([n, value, accounts]) => twins(n, BigInt(value), accounts)),
        ),
        { maxLength: 3 },
      )
      .map((writes): Step => ({ kind: "block", writes })),
  },
  { weight: 1, arbitrary: fc.nat(3).map((blocks): Step => ({ kind: "takeBack", blocks })) },
  { weight: 2, arbitrary: fc.nat(4).map((keep): Step => ({ kind: "prune", keep })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "reopen" }) },
);

describe("pruning", () => {
  it("leaves the nodes of the states that are kept, and no other, whatever blocks do and however many are taken back", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        let { store, database } = await open();
        for (const [version, each] of steps.entries()) {
          const head = database.head!.number;
          if (each.kind === "block") await database.appendBlock(blockOf(Number(head) + 1, version, each.writes));
          else if (each.kind === "takeBack") {
            const to = head - BigInt(each.blocks);
            await database.rollbackTo(to < database.final ? database.final : to);
          } else if (each.kind === "prune") {
            const to = head - BigInt(each.keep);
            if (to < 0n) continue;
            await database.finalise(to);
            await database.prune(to);
          } else {
            store = store.reopened();
            database = await DacDatabase.openOn(store, { mode: "state", keeps: "recent", maxNodesInMemory: 10 });
          }
          await expectExact(store, database);
        }
      }),
      { numRuns: 150, seed: SEED },
    );
  });

  it("counts nodes that stand at several places, and lets them go with the last one", async () => {
    const { store, database } = await open();
    await database.appendBlock(blockOf(1, 0, [twins(1, 7n, [0, 1, 2])]));
    await database.appendBlock(blockOf(2, 0, [twins(2, 8n, [0])]));
    await database.appendBlock(blockOf(3, 0, [twins(3, 8n, [1, 2])]));
    await database.appendBlock(blockOf(4, 0, [twins(4, 7n, [2])]));
    for (let number = 1n; number <= 4n; number++) {
      await database.finalise(number);
      await database.prune(number);
      await expectExact(store, database);
    }
    const places = await entriesOf(store, "p");
    // two accounts have the slots of value 8, one those of 7
    expect(places.length).toBeGreaterThan(0);
    for (const [, count] of places) expect(Buffer.from(count).readUInt32BE()).toBe(2);
  });

  it("is refused above the final block, does nothing in a database that keeps all, and says which state is the oldest", async () => {
    const { database } = await open();
    for (let number = 1; number <= 3; number++) await database.appendBlock(madeBlock(number));
    await expect(database.prune(1n)).rejects.toMatchObject({ code: "out-of-range" });
    await database.finalise(2n);
    await database.prune(2n);
    expect(database.oldestState).toBe(2n);
    expect(() => database.stateAt(database.blockByNumber(1n)!.stateRoot!, noChain).account(addressOf(1))).toThrow(
      "missing-node",
    );
    const archive = await DacDatabase.openOn(new MemoryStore(), { mode: "state" });
    await archive.initialise({ hash: nameHash("genesis"), encodedBlock: Uint8Array.of(1), alloc: [] });
    for (let number = 1; number <= 3; number++) await archive.appendBlock(madeBlock(number));
    await archive.finalise(3n);
    await archive.prune(3n);
    expect([archive.keeps, archive.oldestState]).toEqual(["all", 0n]);
  });

  it("of a database that was made to keep all is not begun later: nobody counted", async () => {
    const store = new MemoryStore();
    const first = await DacDatabase.openOn(store, { mode: "state" });
    await first.initialise({ hash: nameHash("genesis"), encodedBlock: Uint8Array.of(1), alloc: [] });
    const again = await DacDatabase.openOn(store.reopened(), { mode: "state", keeps: "recent" });
    expect(again.keeps).toBe("all");
  });

  it("gives the same roots as a world that keeps everything", async () => {
    const { database } = await open();
    const world = new WorldState({ get: () => undefined }, EMPTY_TRIE_ROOT);
    for (let number = 1; number <= 40; number++) {
      const block = madeBlock(number, 0, 5);
      const roots = await database.appendBlock(block);
      expect(roots).toEqual(block.writesPerTransaction.map((writes) => world.applyWrites(writes)));
      await database.finalise(BigInt(number));
      await database.prune(BigInt(number));
    }
  });
});

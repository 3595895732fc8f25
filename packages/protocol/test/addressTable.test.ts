import { readFileSync } from "node:fs";
import {
  type Address,
  AddressTable,
  encodeBlocks,
  LIMITS,
  postedTransactions,
  TABLE_SIZE_SLOT,
  tableSlot,
} from "@mvm/protocol";
import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as some from "./arbitraries.ts";
import {
  addressOf,
  callAddresses,
  callLists,
  chains,
  decodedBatch,
  framed,
  POSTER,
  plainCall,
  postingOf,
  rawsOf,
  settledOf,
} from "./postedChains.ts";

const RUNS = { numRuns: 50 };

describe("an address table", () => {
  const entries = fc.array(fc.array(callAddresses, { maxLength: 6 }), { maxLength: 8 });

  it("gives each new address the next number, and both ways back", () => {
    fc.assert(
      fc.property(entries, fc.nat({ max: 1_000 }), (lists, size) => {
        const table = new AddressTable(size);
        for (const list of lists) table.enter(list);
        const inOrder = [...new Set(lists.flat())];
        expect(table.size).toBe(size + inOrder.length);
        for (const [i, address] of inOrder.entries()) {
          expect(table.lookUp()(address)).toBe(size + i);
          expect(table.at(BigInt(size + i))).toBe(address);
        }
        expect(table.at(BigInt(table.size))).toBe(undefined);
        if (size > 0) expect(table.at(0n)).toBe(undefined);
      }),
      some.RUNS,
    );
  });

  it("keeps the numbers that it was made with", () => {
    fc.assert(
      fc.property(fc.uniqueArray(callAddresses, { minLength: 1 }), fc.array(callAddresses), (list, named) => {
        const table = new AddressTable(
          list.length,
          list.map((address, i) => [address, i]),
        );
        table.enter(named);
        expect(list.map(table.lookUp())).toEqual(list.map((_, i) => i));
        expect(list.map((_, i) => table.at(BigInt(i)))).toEqual(list);
        expect(table.size).toBe(new Set([...list, ...named]).size);
      }),
      some.RUNS,
    );
  });

  it("is looked up as it was at the call, whatever enters it later", () => {
    fc.assert(
      fc.property(entries, (lists) => {
        const table = new AddressTable();
        const all = [...new Set(lists.flat())];
        const asOf = lists.map((list) => {
          const at = { lookUp: table.lookUp(), numbers: all.map(table.lookUp()) };
          table.enter(list);
          return at;
        });
        for (const { lookUp, numbers } of asOf) expect(all.map(lookUp)).toEqual(numbers);
        expect(all.map(table.lookUp())).toEqual(all.map((_, i) => i));
      }),
      some.RUNS,
    );
  });

  it("that is cut is as if nothing had entered since, and takes in others in its place", () => {
    fc.assert(
      fc.property(entries, entries, entries, (before, fallen, after) => {
        const cut = new AddressTable();
        const plain = new AddressTable();
        for (const list of before) for (const table of [cut, plain]) table.enter(list);
        const { size } = cut;
        for (const list of fallen) cut.enter(list);
        cut.cut(size);
        for (const list of after) for (const table of [cut, plain]) table.enter(list);
        const all = [...before, ...fallen, ...after].flat();
        expect(cut.size).toBe(plain.size);
        expect(all.map(cut.lookUp())).toEqual(all.map(plain.lookUp()));
        for (let i = 0n; i <= BigInt(plain.size); i++) expect(cut.at(i)).toBe(plain.at(i));
      }),
      some.RUNS,
    );
  });

  it("is proven by the slots that MVM_AddressTable keeps numbers and their count in", () => {
    const layout = readFileSync(
      new URL("../../../contracts/storage-layouts/MVM_AddressTable.json", import.meta.url),
      "utf8",
    );
    const slots = (JSON.parse(layout) as { storage: { label: string; slot: string }[] }).storage;
    const slotOf = (label: string): bigint => BigInt(slots.find((each) => each.label === label)!.slot);
    fc.assert(
      fc.property(some.addresses, (address) => {
        const key = AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [address, slotOf("indexPlusOne")]);
        expect(tableSlot(address)).toBe(keccak256(key));
      }),
      some.RUNS,
    );
    expect(BigInt(TABLE_SIZE_SLOT)).toBe(slotOf("count"));
  });
});

describe("the address table of posted data", () => {
  const earlier = fc.uniqueArray(fc.oneof(fc.nat({ max: 11 }).map(addressOf), some.addresses), { maxLength: 200 });
  /** The table as MVM_AddressTable keeps it: a list that every settle appends to what it lacks. */
  const appended = (list: readonly Address[], seen: readonly Address[]): readonly Address[] => [
    ...list,
    ...seen.filter((address) => !list.includes(address)),
  ];
  const tableOf = (list: readonly Address[]): AddressTable =>
    new AddressTable(
      list.length,
      list.map((one, i) => [one, i]),
    );

  it("with any earlier contents makes batches in a row decode to their blocks, each entering what the block names", () => {
    fc.assert(
      fc.property(chains(9), earlier, fc.infiniteStream(fc.integer({ min: 1, max: 4 })), (chain, before, sizes) => {
        const [writing, reading] = [tableOf(before), tableOf(before)];
        let list: readonly Address[] = before;
        let { queueEnd } = chain;
        for (let at = 0; at < chain.blocks.length; ) {
          const blocks = chain.blocks.slice(at, at + sizes.next().value);
          at += blocks.length;
          const data = encodeBlocks(blocks, postingOf({ blocks, queueEnd }, writing));
          queueEnd = blocks.at(-1)!.context.queueEnd;
          const back = decodedBatch(data, reading).blocks;
          expect(back.map(({ transactions }) => transactions)).toEqual(blocks.map(postedTransactions));
          expect(back.map(({ named }) => named)).toEqual(blocks.map((block) => settledOf(block).seen));
          list = blocks.reduce((so, block) => appended(so, settledOf(block).seen), list);
          for (const table of [writing, reading]) {
            expect(table.size).toBe(list.length);
            expect(list.map((_, i) => table.at(BigInt(i)))).toEqual(list);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it("of which the poster knows only what its blocks name gives the same data", () => {
    fc.assert(
      fc.property(chains(4), earlier, (chain, before) => {
        const named = new Set(chain.blocks.flatMap((block) => settledOf(block).seen));
        const asked = before.map((one, i) => [one, i] as const).filter(([one]) => named.has(one));
        const data = encodeBlocks(chain.blocks, postingOf(chain, new AddressTable(before.length, asked)));
        expect(data).toEqual(encodeBlocks(chain.blocks, postingOf(chain, tableOf(before))));
      }),
      RUNS,
    );
  });

  it("makes data shorter by 19 bytes at the least for each address of a plain transfer that comes again", () => {
    fc.assert(
      fc.property(fc.uniqueArray(callAddresses, { minLength: 1, maxLength: 9 }), some.sealedBlocks, (to, sealed) => {
        const transactions = rawsOf(sealed.chainId, to.map(plainCall));
        const block = framed({ ...sealed, transactions }, { sequencer: POSTER, work: sealed.context.work });
        const chain = { blocks: [block], queueEnd: block.context.queueEnd };
        const [empty, full] = [[], to].map(
          (list) => encodeBlocks(chain.blocks, postingOf(chain, tableOf(list))).length,
        );
        expect(empty! - full!).toBeGreaterThanOrEqual(19 * to.length);
      }),
      RUNS,
    );
  });

  it("never makes data longer", () => {
    fc.assert(
      fc.property(callLists(6), some.sealedBlocks, (calls, sealed) => {
        const block = framed(
          { ...sealed, transactions: rawsOf(sealed.chainId, calls) },
          { sequencer: POSTER, work: sealed.context.work },
        );
        const named = settledOf(block).seen;
        const chain = { blocks: [block], queueEnd: block.context.queueEnd };
        const [empty, full] = [[], named].map(
          (list) => encodeBlocks(chain.blocks, postingOf(chain, tableOf(list))).length,
        );
        expect(full!).toBeLessThanOrEqual(empty!);
      }),
      RUNS,
    );
  });

  it(`takes in the first ${LIMITS.seenAddresses} addresses that a block names, and no more`, () => {
    const [sealed] = fc.sample(some.sealedBlocks, { numRuns: 1, seed: 1 });
    const calls = Array.from({ length: 300 }, (_, i) => ({
      ...plainCall(addressOf(`many ${i}`)),
      to: addressOf(`many ${i}`),
    }));
    const block = framed(
      { ...sealed!, transactions: rawsOf(sealed!.chainId, calls) },
      { sequencer: POSTER, work: sealed!.context.work },
    );
    const chain = { blocks: [block, block, block], queueEnd: block.context.queueEnd };
    const [writing, reading] = [new AddressTable(), new AddressTable()];
    const { blocks } = decodedBatch(encodeBlocks(chain.blocks, postingOf(chain, writing)), reading);
    const first = calls.slice(0, LIMITS.seenAddresses).map(({ to }) => to);
    expect(blocks.map(({ named }) => named)).toEqual([first, first, first]);
    expect(blocks.map(({ transactions }) => transactions)).toEqual(chain.blocks.map(postedTransactions));
    for (const table of [writing, reading]) {
      expect(table.size).toBe(LIMITS.seenAddresses);
      expect(calls.map(({ to }) => table.lookUp()(to))).toEqual(
        calls.map((_, i) => (i < LIMITS.seenAddresses ? i : undefined)),
      );
    }
  });
});

import {
  type Address,
  AddressTable,
  BATCH_FORMAT,
  type BatchBlock,
  batchOrigin,
  type DecodedBatch,
  decodeBatch,
  encodeBatch,
  fromHex,
  type Hash,
  type Hex,
  LIMITS,
  NO_WORK,
  namedAddresses,
  toChainId,
} from "@mvm/protocol";
import { concat, dataLength, id, toBeHex, zeroPadValue } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batch, leb } from "../vectors/batchFormat.ts";
import * as some from "./arbitraries.ts";
import { addressOf, type Call, callLists, mentionsOf, NOW, plainCall, rawsOf } from "./postedChains.ts";

const CHAIN = toChainId(1_088);
type Block = { readonly timestamp: bigint; readonly transactions: readonly Uint8Array[] };

const blockOf = (calls: readonly Call[], timestamp = NOW): Block => ({ timestamp, transactions: rawsOf(CHAIN, calls) });
const namedBy = ({ transactions }: Block, most?: number): readonly Address[] =>
  namedAddresses(CHAIN, transactions, most);

function batchIn(decoded: ReturnType<typeof decodeBatch>): DecodedBatch {
  if (!decoded.ok) throw new Error(`fault ${decoded.fault}`);
  return decoded.value;
}

/** What decoding says that blocks name which are posted together, all with the same table. */
function decoded(blocks: readonly Block[], table: AddressTable): DecodedBatch["blocks"] {
  const posted = blocks.map((block): BatchBlock => {
    const drawn = { randomness: id("randomness") as Hash, evidence: id("evidence") as Hash };
    const work = block.transactions.length === 0 ? NO_WORK : { attempt: 0, seats: [1, 2] };
    return { ...block, ...drawn, slot: 7n, queueItems: 0, sequencer: "poster", work, indexOf: table.lookUp() };
  });
  const data = encodeBatch({ chainId: CHAIN, generation: 0n, blocks: posted });
  return batchIn(decodeBatch(data, (_, index) => table.at(index))).blocks;
}

const tableOf = (addresses: readonly Address[]): AddressTable => {
  const table = new AddressTable();
  table.enter(addresses);
  return table;
};

/** Tables with nothing, some, and all of what calls mention, the last one also with long numbers. */
function tablesFor(calls: readonly Call[], some: readonly number[]): AddressTable[] {
  const all = mentionsOf(calls);
  const part = all.filter((_, i) => some.includes(i % 8));
  const fill = Array.from({ length: 200 }, (_, i) => `0x${(i + 1).toString(16).padStart(40, "f")}` as Address);
  return [new AddressTable(), tableOf(part), tableOf(all), tableOf([...fill, ...all])];
}

describe("addresses that a block names", () => {
  const times = fc.constantFrom(NOW, NOW + 100n, NOW + 2n ** 33n);
  const blocks = fc
    .array(fc.tuple(callLists(4), times), { minLength: 1, maxLength: 4 })
    .map((list) => list.toSorted(([, left], [, right]) => Number(left - right)));

  it("are the same in whatever batch it is posted: alone or among others, whatever the table holds", () => {
    fc.assert(
      fc.property(blocks, fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]), (list, part) => {
        const given = list.map(([calls, timestamp]) => blockOf(calls, timestamp));
        const named = given.map((block) => namedBy(block));
        for (const table of tablesFor(
          list.flatMap(([calls]) => calls),
          part,
        )) {
          const together = decoded(given, table);
          expect(together.map((block) => block.named)).toEqual(named);
          expect(together.map(({ transactions }) => transactions)).toEqual(
            given.map(({ transactions }) => transactions),
          );
          for (const [i, block] of given.entries()) expect(decoded([block], table)[0]!.named).toEqual(named[i]);
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("are the same where a hostile poster writes every transaction as it is", () => {
    fc.assert(
      fc.property(callLists(12), (calls) => {
        const transactions = rawsOf(batchOriginOf().chainId, calls);
        const rows = transactions.map((raw) => concat(["0x0c", leb(raw.length), raw]));
        const { blocks: posted } = batchIn(decodeBatch(fromHex(batch(rows) as Hex), () => undefined));
        expect(posted[0]!.transactions).toEqual(transactions);
        expect(posted[0]!.named).toEqual(namedAddresses(batchOriginOf().chainId, transactions));
      }),
      some.RUNS,
    );
  });

  it("are targets and the words of calls that are taken for addresses, each once, in order", () => {
    const [target, path, last] = ["target", "path", "last"].map(addressOf) as [Address, Address, Address];
    const filler = Array.from({ length: 64 }, (_, i) => id(`filler ${i}`));
    const call = (named: readonly string[], words: number): Call => {
      const rest = filler.slice(0, words - named.length);
      return {
        ...plainCall(target),
        data: concat(["0x38ed1739", ...named.map((one) => zeroPadValue(one, 32)), ...rest]),
      };
    };
    const { callWords } = BATCH_FORMAT;
    const [least, most] = [toBeHex(2n ** 96n, 20), toBeHex(2n ** 160n - 1n, 20)] as [Address, Address];
    const cases: [words: readonly string[], count: number, named: readonly string[]][] = [
      [[path], 1, [path]],
      [[path, last, target, path], 7, [path, last]],
      [[path, last], callWords, [path, last]],
      [[path, last], callWords + 1, []],
      [[least, most], 2, [least, most]],
      [[toBeHex(2n ** 96n - 1n, 20), toBeHex(2n ** 160n, 21)], 2, []],
    ];
    for (const [words, count, named] of cases)
      expect(namedBy(blockOf([call(words, count)])), `${words} of ${count}`).toEqual([target, ...named]);
    const { data } = call([path], 1);
    const uneven = { ...plainCall(target), data: concat([data, "0x00"]) };
    expect(dataLength(uneven.data)).toBe(37);
    expect(namedBy(blockOf([uneven]))).toEqual([target]);
    const creation = { ...call([path], 2), to: null };
    const access = { ...call([path], 2), kind: "with an access list" as const };
    expect(namedBy(blockOf([creation, access]))).toEqual([]);
    expect(namedBy(blockOf([call([last], 2), call([path, last], 2)]))).toEqual([target, last, path]);
  });

  it(`are the first ${LIMITS.seenAddresses}, or as many as are asked for`, () => {
    fc.assert(
      fc.property(callLists(12), fc.nat({ max: 12 }), (calls, most) => {
        const block = blockOf(calls);
        const all = namedBy(block, Number.POSITIVE_INFINITY);
        expect(new Set(all).size).toBe(all.length);
        expect(namedBy(block, most)).toEqual(all.slice(0, most));
        expect(namedBy(block)).toEqual(all.slice(0, LIMITS.seenAddresses));
        const mentioned = new Set(mentionsOf(calls));
        expect(all.every((address) => mentioned.has(address))).toBe(true);
      }),
      some.RUNS,
    );
    const many = Array.from({ length: 300 }, (_, i) => plainCall(addressOf(`many ${i}`)));
    const all = many.map(({ to }) => to);
    expect(namedBy(blockOf(many), Number.POSITIVE_INFINITY)).toEqual(all);
    expect(namedBy(blockOf(many))).toEqual(all.slice(0, LIMITS.seenAddresses));
    expect(decoded([blockOf(many)], tableOf(many.map(({ to }) => to!)))[0]!.named).toEqual(
      all.slice(0, LIMITS.seenAddresses),
    );
  });

  it("are none of what is no transaction, and of transactions of another chain", () => {
    fc.assert(
      fc.property(fc.array(some.someBytes(120), { maxLength: 5 }), callLists(4), (junk, calls) => {
        const others = rawsOf(toChainId(1_089), calls);
        expect(namedBy({ timestamp: NOW, transactions: [...junk, ...others] })).toEqual([]);
      }),
      some.RUNS,
    );
  });
});

/** Chain and generation of the batches that the vectors' helpers write. */
function batchOriginOf() {
  const origin = batchOrigin(fromHex(batch([]) as Hex));
  if (!origin.ok) throw new Error(origin.fault);
  return origin.value;
}

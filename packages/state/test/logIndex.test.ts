import { type Address, type Hash, type Log, taggedHash, toWord } from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { findLogCandidates, logOperations, MAX_LOG_ENTRIES_READ } from "../src/logIndex.ts";
import { MemoryStore } from "../src/memoryStore.ts";

const hashOf = (name: string, n = 0): Hash => taggedHash(name, toWord(BigInt(n)));
const addressOf = (n: number): Address => hashOf("address", n).slice(0, 42) as Address;
const TRANSFER = hashOf("Transfer");
/** more than a query may read */
const BLOCKS = MAX_LOG_ENTRIES_READ + 10_000;
const RARE = [7, 50_000, BLOCKS];

const log = (address: Address, topics: readonly Hash[]): Log => ({ address, topics, data: new Uint8Array(0) });

/** Every block has the transfer of one of three tokens, and some a rare recipient in their second transaction. */
async function everyBlock(): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (let number = 1; number <= BLOCKS; number++) {
    const common = [log(addressOf(number % 3), [TRANSFER])];
    const rare = RARE.includes(number) ? [[log(addressOf(0), [TRANSFER, hashOf("rare")])]] : [];
    await store.write(logOperations(BigInt(number), [common, ...rare]));
  }
  return store;
}

describe("an index of more blocks than a query may read", () => {
  let store: MemoryStore;
  beforeAll(async () => {
    store = await everyBlock();
  }, 120_000);
  const find = (addresses: readonly Address[] | null, topics: readonly (readonly Hash[] | null)[]) =>
    findLogCandidates(store, { fromBlock: 0n, toBlock: BigInt(BLOCKS), addresses, topics });

  it("answers what has one rare part, whatever the others are, and in whichever place it is", async () => {
    const rare = RARE.map((number) => ({ number: BigInt(number), transactionIndex: 1 }));
    expect(await find(null, [[TRANSFER], [hashOf("rare")]])).toEqual(rare);
    expect(await find([addressOf(0), addressOf(1), addressOf(2)], [[TRANSFER], [hashOf("rare")]])).toEqual(rare);
    expect(await find([addressOf(1)], [[TRANSFER], [hashOf("rare")]])).toEqual([]);
    expect(await find([addressOf(9)], [[TRANSFER]])).toEqual([]);
  });

  it("refuses what is common in every part, also where the rarest of it could be read but not looked up", async () => {
    await expect(find(null, [])).rejects.toMatchObject({ code: "too-many" });
    await expect(find(null, [[TRANSFER]])).rejects.toMatchObject({ code: "too-many" });
    const many = Array.from({ length: 900 }, (_, i) => hashOf("alternative", i));
    const third = { fromBlock: 1n, toBlock: 600n, addresses: [addressOf(1)], topics: [[TRANSFER, ...many]] };
    await expect(findLogCandidates(store, third)).rejects.toMatchObject({ code: "too-many" });
    expect((await findLogCandidates(store, { ...third, topics: [[TRANSFER]] })).length).toBe(200);
  });
});

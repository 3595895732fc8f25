import { encodeBlock, hashHeader } from "@mvm/protocol";
import { DacDatabase, MemoryStore } from "@mvm/state";
import { describe, expect, it } from "vitest";
import { genesisBlock } from "../src/genesis.ts";
import { UndoneBlocks } from "../src/undoneBlocks.ts";
import { BlockMaker } from "./blockMaker.ts";
import { CHAIN_ID, deposit, identityOf, SLOT, viewOf } from "./world.ts";

describe("blocks that fell", () => {
  it("are given number by number, all of one number together, however many generations ended there", async () => {
    const view = viewOf([]);
    for (let index = 0n; index < 6n; index++) deposit(view, index, identityOf("user").operator, 1n);
    const items = view.queueItems(CHAIN_ID, 0n, SLOT);
    const maker = await BlockMaker.start(view);
    const database = await DacDatabase.openOn(new MemoryStore(), { mode: "blocks" });
    const genesis = genesisBlock(maker.dac);
    await database.initialise({ hash: hashHeader(genesis.header), encodedBlock: encodeBlock(genesis), alloc: [] });
    const undone = new UndoneBlocks({ database, view });
    const fell: string[] = [];
    for (let taken = 1; taken <= items.length; taken++) {
      const { block } = await maker.sibling({ queueItems: items.slice(0, taken) });
      const hash = hashHeader(block.header);
      const { number } = block.header;
      const empty = { transactionHashes: [], receipts: [], logs: [] };
      await database.prepare(null).commit({ number, hash, encodedBlock: encodeBlock(block), ...empty });
      await undone.undo(0n);
      fell.push(hash);
    }
    const found = await undone.lowestFrom(0n);
    expect(found.map(({ header }) => hashHeader(header)).sort()).toEqual(fell.sort());
    expect(await undone.lowestFrom(2n)).toEqual([]);
  });
});

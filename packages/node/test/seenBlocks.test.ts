/** What a prover keeps of gossip: two blocks of one signer at one place, and the blocks that a batch turns out to be over. */
import {
  type BatchHeader,
  type BlockContext,
  hashHeader,
  merkleRoot,
  type SealedBlock,
  type UnsignedBlock,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { equivocationOf, SeenBlocks } from "../src/index.ts";
import { BlockMaker, signed } from "./blockMaker.ts";
import { deposit, FREE_CHARTER, identityOf, SETTINGS, viewOf } from "./world.ts";

const SEQUENCER = identityOf("sequencer").operator;
const { network } = SETTINGS;

let seen: SeenBlocks;
let block: SealedBlock;
let unsigned: UnsignedBlock;

beforeEach(async () => {
  const view = viewOf([], FREE_CHARTER);
  deposit(view, 0n, identityOf("user").operator, 1n);
  const maker = await BlockMaker.start(view);
  block = await maker.next({});
  const { signature: _, ...rest } = block;
  unsigned = rest;
  seen = new SeenBlocks(network);
});

const at = (change: { readonly time?: bigint; readonly context?: Partial<BlockContext> }): UnsignedBlock => ({
  ...unsigned,
  header: { ...unsigned.header, timestamp: unsigned.header.timestamp + (change.time ?? 0n) },
  context: { ...unsigned.context, ...change.context },
});

describe("two blocks", () => {
  it("of one signer at one place are an equivocation, once", () => {
    const second = signed(at({ time: 1n }));
    expect(seen.add(block)).toBeNull();
    expect(seen.add(second)).toMatchObject({ sequencer: SEQUENCER, number: 1n, slot: block.context.slot });
    expect(seen.add(second)).toBeNull();
  });

  it("are none where they are the same, of two slots, of two generations, or of two signers", () => {
    const { slot } = block.context;
    for (const other of [
      signed(unsigned),
      signed(at({ time: 1n, context: { slot: slot + 1n } })),
      signed({ ...at({ time: 1n }), generation: unsigned.generation + 1n }),
      signed(at({ time: 1n }), "another"),
      { ...signed(at({ time: 1n })), signature: block.signature },
    ])
      expect(equivocationOf(network, block, other)).toBeNull();
  });
});

describe("what was gossiped", () => {
  const batchOver = (...blocks: readonly SealedBlock[]): BatchHeader =>
    ({
      firstBlock: 1n,
      lastBlock: BigInt(blocks.length),
      blocksRoot: merkleRoot(blocks.map(({ header }) => hashHeader(header))),
    }) as BatchHeader;

  it("is found again by the batch that is over it, whichever of several at a number that is", () => {
    const others = [1n, 2n, 3n].map((time) => signed(at({ time })));
    for (const other of [block, ...others]) seen.add(other);
    for (const other of [block, ...others]) expect([...seen.of(batchOver(other))]).toEqual([[other]]);
    expect([...seen.of(batchOver(signed(at({ time: 9n }))))]).toEqual([]);
  });

  it("is let go of once it is final, and bounded by number", () => {
    for (let time = 0n; time < 20n; time++) seen.add(signed(at({ time })));
    expect([...seen.of(batchOver(signed(at({ time: 7n }))))]).toHaveLength(1);
    expect([...seen.of(batchOver(signed(at({ time: 8n }))))]).toEqual([]);
    seen.forgetUpTo(1n);
    expect([...seen.of(batchOver(block))]).toEqual([]);
  });
});

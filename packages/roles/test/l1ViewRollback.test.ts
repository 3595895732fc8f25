import { firstBlockOf } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import {
  blockOn,
  CHAIN,
  chainOf,
  convict,
  depositTo,
  FIRST_BLOCK,
  FIRST_SLOT,
  GENESIS,
  GENESIS_SECONDS,
  mine,
  PARAMETERS,
  post,
  SEQUENCERS,
  startView,
} from "./world.ts";

const [GUILTY, OTHER] = [SEQUENCERS[1]!, SEQUENCERS[0]!];

/** Three batches of two blocks, the second by the later convicted, one L1 block apart. */
function threeBatches() {
  const view = startView();
  const items = [0n, 1n, 2n].map((index) => depositTo(view, index, 1n));
  const blocks = chainOf({ view, parent: GENESIS }, 1).concat();
  for (let i = 1; i < 6; i++) {
    const queueItems = i % 2 === 1 ? [items[(i - 1) / 2]!] : [];
    blocks.push(blockOn({ view, parent: parentOf(blocks.at(-1)!), queueItems }));
  }
  for (const [i, poster] of [OTHER, GUILTY, OTHER].entries()) {
    post(view, blocks.slice(2 * i, 2 * i + 2), poster);
    mine(view, view.block.number + 1n);
  }
  return { view, blocks };
}

describe("a view of a chain whose batch is convicted", () => {
  it("goes back to the batch before it: head, queue, and the generation of what comes", () => {
    const { view } = threeBatches();
    expect([view.postedHead(CHAIN), view.postedQueueEnd(CHAIN), view.generation(CHAIN)]).toEqual([6n, 3n, 0n]);
    convict(view, 1n);
    expect(view.batches(CHAIN).map(({ header }) => header.index)).toEqual([0n]);
    expect([view.postedHead(CHAIN), view.postedQueueEnd(CHAIN), view.generation(CHAIN)]).toEqual([2n, 1n, 1n]);
    expect([0n, 1n, 2n, 3n, 9n].map((number) => view.generationAt(CHAIN, number))).toEqual([0n, 0n, 0n, 1n, 1n]);
  });

  it("goes back as far as nothing, and several times", () => {
    const { view, blocks } = threeBatches();
    convict(view, 1n);
    const again = chainOf({ view, parent: parentOf(blocks[1]!) }, 2);
    post(view, again);
    convict(view, 1n);
    expect([0n, 2n, 3n].map((number) => view.generationAt(CHAIN, number))).toEqual([0n, 0n, 2n]);
    convict(view, 0n);
    expect([view.postedHead(CHAIN), view.postedQueueEnd(CHAIN), view.generation(CHAIN)]).toEqual([0n, 0n, 3n]);
    expect([0n, 1n].map((number) => view.generationAt(CHAIN, number))).toEqual([0n, 3n]);
    const third = chainOf({ view, parent: GENESIS }, 1);
    post(view, third);
    expect([0n, 1n, 2n].map((number) => view.generationAt(CHAIN, number))).toEqual([0n, 3n, 3n]);
  });

  it("lets the poster of the convicted batch sign and cover nothing more of the chain, and the others as before", () => {
    const { view } = threeBatches();
    for (const { operator } of [GUILTY, OTHER]) expect(view.canCover(CHAIN, operator)).toBe(true);
    const leads = (operator: typeof GUILTY.operator): readonly boolean[] =>
      [FIRST_SLOT, FIRST_SLOT - 1n].map((slot) => view.maySign(CHAIN, slot, operator));
    const before = leads(OTHER.operator);
    const slot = FIRST_SLOT + 1n;
    mine(view, firstBlockOf(slot, PARAMETERS.epochBlocks));
    expect(view.maySign(CHAIN, slot, GUILTY.operator)).toBe(true);
    convict(view, 1n);
    expect([view.maySign(CHAIN, slot, GUILTY.operator), view.canCover(CHAIN, GUILTY.operator)]).toEqual([false, false]);
    expect([leads(OTHER.operator), view.canCover(CHAIN, OTHER.operator)]).toEqual([before, true]);
  });

  it("counts silence from the last batch that was posted, though it fell", () => {
    const { view } = threeBatches();
    const before = view.claimableFrom(CHAIN, 1);
    expect(before).toBeGreaterThan(FIRST_BLOCK + BigInt(PARAMETERS.rankDelayBlocks));
    convict(view, 0n);
    expect(view.claimableFrom(CHAIN, 1)).toBe(before);
  });

  it("gives the sequencers the whole time anew before the queue is open", () => {
    const { view } = threeBatches();
    const { forceDelaySeconds, openAfterSeconds } = PARAMETERS;
    const delay = BigInt(forceDelaySeconds + openAfterSeconds);
    const openAt = (seconds: bigint): boolean => {
      mine(view, seconds - BigInt(GENESIS_SECONDS));
      return view.isOpen(CHAIN);
    };
    convict(view, 1n);
    const { timestamp } = view.block;
    expect(openAt(timestamp + delay - 1n)).toBe(false);
    expect(openAt(timestamp + delay)).toBe(true);
  });

  it("knows who was convicted and is still drawn: no member from then on, ejected once, and not again by a later conviction", () => {
    const view = startView();
    const { operator } = GUILTY;
    const conviction = { kind: "convicted", sequencer: operator, chainId: CHAIN } as const;
    const known = () => [...view.convicted()].map(([sequencer, { isEjected }]) => [sequencer, isEjected]);
    const drawn = view.rankOf(CHAIN, view.slot, operator);
    view.apply(conviction);
    expect(view.member("sequencer", operator)).toBeUndefined();
    expect([known(), view.rankOf(CHAIN, view.slot, operator)]).toEqual([[[operator, false]], drawn]);
    mine(view, view.block.number + 1n);
    view.apply({ kind: "exited", registry: "sequencer", operator });
    expect(known()).toEqual([[operator, true]]);
    view.apply(conviction);
    expect(known()).toEqual([[operator, true]]);
    view.apply({ kind: "reorg", toBlock: view.block.number - 1n });
    expect(known()).toEqual([]);
    expect(view.member("sequencer", operator)).toBeDefined();
  });
});

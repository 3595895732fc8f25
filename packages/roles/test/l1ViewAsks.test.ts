import { encodeAskItem } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import { blockOn, CHAIN, chainOf, convict, GENESIS, mine, PARAMETERS, post, SEQUENCERS, startView } from "./world.ts";

const [POSTER, OTHER] = [SEQUENCERS[1]!, SEQUENCERS[0]!];
const WORDS = encodeAskItem({ kind: "words", position: 0 });

/** A view with two batches of a block each. */
function twoBatches() {
  const view = startView();
  const blocks = chainOf({ view, parent: GENESIS }, 1).concat();
  blocks.push(blockOn({ view, parent: parentOf(blocks[0]!) }));
  post(view, [blocks[0]!], POSTER);
  post(view, [blocks[1]!], OTHER);
  return view;
}

/** Has an item of a batch asked for; it is served until a second later. */
function ask(view: ReturnType<typeof startView>, index: number, number = 0n): void {
  const { batchHash } = view.batches(CHAIN)[index]!;
  view.apply({ kind: "clockHeld", chainId: CHAIN, timestamp: view.block.timestamp });
  view.apply({ kind: "askServed", batchHash, number, until: view.block.timestamp + 1n });
  view.apply({ kind: "asked", batchHash, number, item: WORDS });
}

describe("a view of a chain of which something is asked for", () => {
  it("has no batch final before its window has passed on the clock, which stands meanwhile and a while after", () => {
    const view = twoBatches();
    const { maxWindowSeconds, proofTimeSeconds } = PARAMETERS;
    const begin = view.block.number;
    const final = () => view.finalHead(CHAIN);
    ask(view, 0);
    mine(view, begin + BigInt(maxWindowSeconds + 50));
    expect(final()).toBe(0n);
    view.apply({ kind: "clockReleased", chainId: CHAIN, timestamp: view.block.timestamp });
    mine(view, view.block.number + BigInt(proofTimeSeconds + maxWindowSeconds) - 1n);
    expect(final()).toBe(0n);
    mine(view, view.block.number + 1n);
    expect(final()).toBe(2n);
  });

  it("shows one ask of a batch at a time, with who answered the one before", () => {
    const view = twoBatches();
    const { batchHash } = view.batches(CHAIN)[0]!;
    ask(view, 0);
    view.apply({ kind: "asked", batchHash, number: 1n, item: encodeAskItem({ kind: "checkpoints", position: 7 }) });
    expect(view.openAsks().standing.map(({ number, item }) => [number, item.kind])).toEqual([[0n, "words"]]);
    view.apply({ kind: "askAnswered", batchHash, number: 0n, answerer: OTHER.operator });
    expect(view.openAsks().standing).toEqual([]);
    view.apply({ kind: "askServed", batchHash, number: 1n, until: 5n });
    const [next] = view.openAsks().standing;
    expect(next).toMatchObject({ number: 1n, until: 5n, lastAnswerer: OTHER.operator });
    expect(next!.item).toEqual({ kind: "checkpoints", position: 7 });
    expect(next!.batch.batchHash).toBe(batchHash);
  });

  it("tells asks on batches that fell apart, until L1 lets go of them", () => {
    const view = twoBatches();
    const { batchHash } = view.batches(CHAIN)[1]!;
    ask(view, 1);
    convict(view, 0n);
    expect(view.openAsks().standing).toEqual([]);
    expect(view.openAsks().fallen.map((open) => open.batchHash)).toEqual([batchHash]);
    view.apply({ kind: "asksClosed", batchHash });
    expect(view.openAsks().fallen).toEqual([]);
  });

  it("holds nobody for convicted who was fined for withholding", () => {
    const view = twoBatches();
    convict(view, 0n);
    expect(view.canCover(CHAIN, POSTER.operator)).toBe(false);
    view.apply({ kind: "withheld", chainId: CHAIN, poster: POSTER.operator });
    expect(view.canCover(CHAIN, POSTER.operator)).toBe(true);
    expect(view.generation(CHAIN)).toBe(1n);
  });

  it("holds for convicted who was convicted before it was fined", () => {
    const view = twoBatches();
    convict(view, 0n);
    post(view, chainOf({ view, parent: GENESIS }, 1), POSTER);
    convict(view, 0n);
    view.apply({ kind: "withheld", chainId: CHAIN, poster: POSTER.operator });
    expect(view.canCover(CHAIN, POSTER.operator)).toBe(false);
  });
});

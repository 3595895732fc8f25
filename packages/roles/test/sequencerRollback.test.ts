/** A sequencer whose chain's batch is convicted: it makes nothing of what fell, and goes on in the next generation. */
import { decodeSystemTransaction, type SealedBlock, toWord } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import { Driven, FIRST, FIRST_SEALED, included } from "./sequencerWorld.ts";
import {
  blockOn,
  CHAIN,
  chainOf,
  convict,
  depositTo,
  FIRST_BLOCK,
  FIRST_SLOT,
  GENESIS,
  post,
  SEQUENCERS,
  startView,
  transfer,
  turnOf,
} from "./world.ts";

const OTHER = SEQUENCERS.find(({ operator }) => operator !== turnOf(startView(), FIRST_SLOT).operator)!;

/** A sequencer in its turn on block 3; blocks 1 and 2 to 3 are posted, by another. */
function posted(poster = OTHER) {
  const view = startView();
  const deposits = [0n, 1n].map((index) => depositTo(view, index, 1n));
  const second = blockOn({ view, parent: FIRST, queueItems: deposits.slice(0, 1) });
  const third = blockOn({ view, parent: parentOf(second) });
  post(view, [FIRST_SEALED], OTHER);
  post(view, [second, third], poster);
  const driven = new Driven(FIRST_BLOCK, parentOf(third), view, turnOf(view, FIRST_SLOT));
  driven.start().hostsSay(3n);
  return { driven, view, second, third };
}

const goBack = (driven: Driven, to: typeof FIRST): void => {
  driven.handle({ kind: "headChanged", head: to, block: null, safeNumber: to.header.number });
};

const sealOf = (driven: Driven) => driven.all("seal").at(-1)!.block;

describe("a sequencer of a chain whose batch is convicted", () => {
  it("makes no block and posts nothing on what fell, and begins once its chain has gone back", () => {
    const { driven, view } = posted();
    convict(view, 1n);
    const sessions = driven.all("openSession").length;
    driven.seconds += 10;
    driven.handle({ kind: "l1Changed" });
    driven.offer(transfer());
    driven.handle({ kind: "timer", name: "post" });
    expect([driven.all("openSession").length, driven.all("post")]).toEqual([sessions, []]);
    goBack(driven, FIRST);
    expect(driven.all("openSession").slice(sessions)).toMatchObject([{ parent: { hash: FIRST.hash } }]);
  });

  it("consumes the queue anew from where the last standing batch ended, in blocks that carry the generation", () => {
    const { driven, view } = posted();
    convict(view, 1n);
    driven.handle({ kind: "l1Changed" });
    goBack(driven, FIRST);
    driven.open();
    driven.assemble();
    const block = sealOf(driven);
    expect([block.generation, block.context.queueEnd, block.header.number]).toEqual([1n, 2n, 2n]);
    const context = decodeSystemTransaction(block.transactions[0]!, CHAIN);
    expect(Buffer.from(context.data).includes(Buffer.from(toWord(1n)))).toBe(true);
    expect(driven.faultOf(block)).toBeNull();
  });

  it("lets go of a block that was in the making, also where its parent stands", () => {
    const { driven, view, third } = posted();
    driven.offer(transfer()).open().agree(included);
    const { session } = driven.all("assemble").at(-1)!;
    expect(driven.all("openSession").at(-1)).toMatchObject({ parent: { hash: parentOf(third).hash }, session });
    convict(view, 1n);
    driven.assemble();
    expect([driven.all("seal"), driven.all("closeSession").length]).toEqual([[], 1]);
    const above = posted();
    above.driven.offer(transfer()).open().agree(included);
    post(above.view, [blockOn({ view: above.view, parent: parentOf(above.third) })], OTHER);
    convict(above.view, 2n);
    above.driven.assemble();
    expect(above.driven.all("seal")).toEqual([]);
  });

  it("does not publish what fell while it was signed, nor begins anything at its place before that", () => {
    const { driven, view } = posted();
    driven.open().assemble();
    const block = sealOf(driven);
    convict(view, 1n);
    const sessions = driven.all("openSession").length;
    goBack(driven, FIRST);
    expect(driven.all("openSession").length).toBe(sessions);
    driven.handle({ kind: "sealed", block: { ...block, signature: "0x" } });
    expect(driven.all("publish")).toEqual([]);
    expect(driven.all("openSession").slice(sessions)).toMatchObject([{ parent: { hash: FIRST.hash } }]);
  });

  it("posts in the new generation at once, whatever became of the batch that was on its way", () => {
    const { driven, view, third } = posted();
    const fourth = blockOn({ view, parent: parentOf(third) });
    driven.handle({ kind: "headChanged", head: parentOf(fourth), block: fourth, safeNumber: 3n });
    driven.handle({ kind: "timer", name: "post" });
    expect(driven.all("post")).toMatchObject([{ generation: 0n, from: 4n, to: 4n }]);
    convict(view, 1n);
    goBack(driven, FIRST);
    const again = chainOf({ view, parent: FIRST }, 4);
    const append = (block: SealedBlock): void => {
      driven.handle({ kind: "headChanged", head: parentOf(block), block, safeNumber: 1n });
    };
    again.slice(0, 3).forEach(append);
    driven.handle({ kind: "timer", name: "post" });
    expect(driven.all("post").slice(1)).toMatchObject([{ generation: 1n, from: 2n, to: 4n }]);
    // what comes of the old one ends nothing of the new one
    driven.handle({ kind: "postFailed", generation: 0n, reason: "reverted" });
    driven.handle({ kind: "posted", generation: 0n, lastBlock: 4n });
    append(again[3]!);
    driven.handle({ kind: "timer", name: "post" });
    expect(driven.all("post").length).toBe(2);
    driven.handle({ kind: "postFailed", generation: 1n, reason: "reverted" });
    driven.handle({ kind: "timer", name: "post" });
    expect(driven.all("post").slice(2)).toMatchObject([{ generation: 1n, from: 2n, to: 5n }]);
  });

  it("makes nothing more where the batch was its own, even before it hears that it was ejected", () => {
    const { driven, view } = posted(turnOf(startView(), FIRST_SLOT));
    convict(view, 1n);
    const sessions = driven.all("openSession").length;
    driven.handle({ kind: "l1Changed" });
    goBack(driven, FIRST);
    driven.offer(transfer());
    driven.seconds += 10;
    driven.handle({ kind: "timer", name: "advance" });
    driven.handle({ kind: "timer", name: "post" });
    expect([driven.all("openSession").length, driven.all("post")]).toEqual([sessions, []]);
  });

  it("founds the chain anew where its first batch fell", () => {
    const { driven, view } = posted();
    convict(view, 0n);
    driven.handle({ kind: "l1Changed" });
    goBack(driven, GENESIS);
    driven.open();
    driven.assemble();
    const block = sealOf(driven);
    expect([block.generation, block.header.number, block.context.queueEnd]).toEqual([1n, 1n, 2n]);
    expect(driven.faultOf(block, GENESIS)).toBeNull();
  });
});

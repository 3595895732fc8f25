/** What a follower does when L1 takes batches of its chain back, and when L1 takes that back in turn. */
import { encodeBlock, type SealedBlock } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { ChainFollower, type FollowerEffect, type FollowerEvent, type Parent, parentOf } from "../src/index.ts";
import {
  at,
  blockOn,
  CHAIN,
  chainOf,
  convict,
  GENESIS,
  mine,
  NETWORK,
  PARAMETERS,
  post,
  SELF,
  SEQUENCERS,
  sign,
  startView,
  turnOf,
} from "./world.ts";

const NOW = at(400);
/** leads none of the slots here */
const POSTER = SEQUENCERS[1]!;
const hashOf = (block: SealedBlock) => parentOf(block).hash;

/** A follower whose applies and rollbacks succeed at once, and that finds again what fell. */
class Driven {
  readonly view;
  readonly follower: ChainFollower;
  readonly effects: FollowerEffect[] = [];
  readonly #blocks: SealedBlock[] = [];
  readonly #aside: SealedBlock[] = [];

  constructor(view = startView(), tail: readonly Parent[] = [GENESIS]) {
    this.view = view;
    const parts = { chainId: CHAIN, view, parameters: PARAMETERS, network: NETWORK };
    this.follower = new ChainFollower({ ...parts, tail, self: SELF });
  }

  run(effects: readonly FollowerEffect[]): void {
    for (const effect of effects) {
      this.effects.push(effect);
      if (effect.kind === "apply") {
        this.#blocks.push(effect.block);
        this.handle({ kind: "applied", hash: hashOf(effect.block), fault: null });
      } else if (effect.kind === "rollback") {
        while ((this.#blocks.at(-1)?.header.number ?? 0n) > effect.to) {
          const undone = this.#blocks.pop()!;
          if (effect.setAside) this.#aside.push(undone);
        }
        this.handle({ kind: "rolledBack" });
      } else if (effect.kind === "recall") {
        const blocks = this.#aside.filter(({ header }) => header.number >= effect.from);
        this.handle({ kind: "recalled", blocks: blocks.toSorted((a, b) => Number(a.header.number - b.header.number)) });
      }
    }
  }

  handle(event: FollowerEvent): void {
    this.run(this.follower.handle(event, NOW));
  }

  receive(...blocks: readonly SealedBlock[]): void {
    for (const block of blocks) this.handle({ kind: "block", block });
  }

  l1Changed(): void {
    this.handle({ kind: "l1Changed" });
  }

  reorg(toBlock: bigint): void {
    this.view.apply({ kind: "reorg", toBlock });
    this.handle({ kind: "l1Reorg", toBlock });
  }

  get requests() {
    return this.effects.filter((effect) => effect.kind === "request");
  }

  get rollbacks() {
    return this.effects.filter((effect) => effect.kind === "rollback");
  }

  get place(): readonly [bigint, bigint] {
    return [this.follower.head.header.number, this.follower.safeNumber];
  }
}

/** Two posted batches of two blocks, and one block above; L1 is at block 18. */
function posted() {
  const driven = new Driven();
  const { view } = driven;
  const blocks = chainOf({ view, parent: GENESIS }, 5);
  driven.handle({ kind: "live" });
  driven.receive(...blocks);
  for (const part of [blocks.slice(0, 2), blocks.slice(2, 4)]) {
    post(view, part, POSTER);
    mine(view, view.block.number + 1n);
    driven.l1Changed();
  }
  expect(driven.place).toEqual([5n, 4n]);
  return { driven, view, blocks };
}

describe("a follower of a chain whose batch is convicted", () => {
  it("undoes the batch and everything above, sets it aside, and says that nothing of it is safe any more", () => {
    const { driven, view } = posted();
    convict(view, 1n);
    expect([driven.follower.safeNumber, driven.follower.agreesWithL1]).toEqual([2n, false]);
    driven.l1Changed();
    expect(driven.rollbacks).toEqual([{ kind: "rollback", chainId: CHAIN, to: 2n, setAside: true }]);
    expect(driven.effects.at(-1)).toMatchObject({ kind: "head", block: null });
    expect([driven.place, driven.follower.agreesWithL1]).toEqual([[2n, 2n], true]);
  });

  it("goes on with blocks of the next generation alone: those that fell are refused, whoever gives them", () => {
    const { driven, view, blocks } = posted();
    convict(view, 1n);
    driven.l1Changed();
    driven.receive(...blocks);
    expect(driven.follower.target).toBe(2n);
    driven.handle({ kind: "syncTo", number: 5n });
    const { ticket } = driven.requests[0]!;
    const answer = { name: "blocks", body: { kind: "blocks", blocks: blocks.slice(2).map(encodeBlock) } } as const;
    driven.handle({ kind: "answered", ticket, answer });
    expect(driven.place).toEqual([2n, 2n]);
    const again = chainOf({ view, parent: parentOf(blocks[1]!) }, 2);
    expect(again[0]!.generation).toBe(1n);
    driven.receive(...again);
    expect(driven.follower.head.hash).toBe(hashOf(again[1]!));
    post(view, again);
    driven.l1Changed();
    expect(driven.place).toEqual([4n, 4n]);
  });

  it("refuses blocks of the convicted sequencer, unless they are on L1", () => {
    const { driven, view, blocks } = posted();
    const guilty = turnOf(view, 2n);
    post(view, [blocks[4]!], guilty);
    driven.l1Changed();
    convict(view, 2n);
    driven.l1Changed();
    const next = blockOn({ view, parent: parentOf(blocks[3]!) });
    const ask = (): void => {
      driven.handle({ kind: "timer", name: "sync" });
      driven.handle({ kind: "syncTo", number: 5n });
      const { ticket } = driven.requests.at(-1)!;
      const answer = { name: "blocks", body: { kind: "blocks", blocks: [encodeBlock(next)] } } as const;
      driven.handle({ kind: "answered", ticket, answer });
    };
    ask();
    expect(driven.place).toEqual([4n, 4n]);
    post(view, [next], SEQUENCERS.find(({ operator }) => operator !== guilty.operator)!);
    driven.l1Changed();
    ask();
    expect(driven.place).toEqual([5n, 5n]);
  });

  it("takes back the block that is being applied, and what was safe below another batch stays", () => {
    const { driven, view, blocks } = posted();
    const next = blockOn({ view, parent: parentOf(blocks[4]!) });
    const [apply] = driven.follower.handle({ kind: "block", block: next }, NOW);
    expect(apply).toMatchObject({ kind: "apply" });
    convict(view, 0n);
    expect(driven.follower.handle({ kind: "l1Changed" }, NOW)).toEqual([]);
    expect(driven.follower.safeNumber).toBe(0n);
    driven.handle({ kind: "applied", hash: hashOf(next), fault: null });
    expect(driven.place).toEqual([0n, 0n]);
    const again = chainOf({ view, parent: GENESIS }, 1);
    driven.receive(...again);
    expect(driven.follower.head.hash).toBe(hashOf(again[0]!));
  });

  it("holds back a block of a generation that others have seen begin, until L1 shows it here, and bounds how many", () => {
    const { driven, view, blocks } = posted();
    const ahead = startView(view.block.number);
    for (const part of [blocks.slice(0, 2), blocks.slice(2, 4)]) post(ahead, part, POSTER);
    convict(ahead, 1n);
    const again = chainOf({ view: ahead, parent: parentOf(blocks[1]!) }, 2);
    const flood = Array.from({ length: 63 }, (_, i) => blockOn({ view: ahead, parent: GENESIS, salt: BigInt(i + 5) }));
    driven.receive(...again, ...flood.slice(0, 62));
    expect([driven.place, driven.follower.target]).toEqual([[5n, 4n], 5n]);
    convict(view, 1n);
    driven.l1Changed();
    expect(driven.follower.head.hash).toBe(hashOf(again[1]!));
    const flooded = posted();
    flooded.driven.receive(...again, ...flood);
    convict(flooded.view, 1n);
    flooded.driven.l1Changed();
    expect(flooded.driven.place).toEqual([2n, 2n]);
  });

  it("drops a block that it held back where its signer is who was convicted", () => {
    const { driven, view, blocks } = posted();
    const guilty = turnOf(view, 2n);
    post(view, [blocks[4]!], guilty);
    driven.l1Changed();
    driven.receive(blockOn({ view, parent: parentOf(blocks[3]!), generation: 1n, signer: guilty }));
    convict(view, 2n);
    driven.l1Changed();
    expect(driven.place).toEqual([4n, 4n]);
  });

  it("does not look for blocks that fell, nor for ones that nobody has", () => {
    const { driven, view } = posted();
    convict(view, 1n);
    driven.l1Changed();
    expect([driven.follower.target, driven.requests]).toEqual([2n, []]);
    driven.handle({ kind: "syncTo", number: 5n });
    for (let asked = 0; driven.follower.target === 5n; asked++) {
      expect(asked).toBeLessThan(10);
      const { ticket } = driven.requests.at(-1)!;
      driven.handle({ kind: "answered", ticket, answer: { name: "blocks", body: { kind: "blocks", blocks: [] } } });
      driven.handle({ kind: "timer", name: "sync" });
    }
    expect(new Set(driven.requests.map(({ to }) => to)).size).toBeGreaterThan(1);
    expect(driven.follower.target).toBe(2n);
  });

  it("follows several convictions in a row, each in a generation of its own", () => {
    const { driven, view, blocks } = posted();
    convict(view, 1n);
    driven.l1Changed();
    const second = chainOf({ view, parent: parentOf(blocks[1]!) }, 2);
    driven.receive(...second);
    post(view, second.slice(0, 1));
    driven.l1Changed();
    convict(view, 1n);
    convict(view, 0n);
    driven.l1Changed();
    expect(driven.place).toEqual([0n, 0n]);
    driven.receive(...second, ...blocks, ...chainOf({ view, parent: GENESIS, generation: 1n }, 1));
    expect(driven.place).toEqual([0n, 0n]);
    const third = chainOf({ view, parent: GENESIS }, 3);
    expect(third[0]!.generation).toBe(3n);
    driven.receive(...third);
    post(view, third);
    driven.l1Changed();
    expect(driven.place).toEqual([3n, 3n]);
  });

  it("compares a batch that came in the place of one which fell", () => {
    const { driven, view, blocks } = posted();
    convict(view, 1n);
    const again = chainOf({ view, parent: parentOf(blocks[1]!) }, 2);
    post(view, again);
    expect(driven.follower.safeNumber).toBe(2n);
    driven.l1Changed();
    expect(driven.place).toEqual([2n, 2n]);
    driven.receive(...again);
    expect(driven.place).toEqual([4n, 4n]);
  });

  it("asks nothing of blocks that it never had", () => {
    const driven = new Driven();
    const { view } = driven;
    const blocks = chainOf({ view, parent: GENESIS }, 3);
    post(view, blocks.slice(0, 1));
    post(view, blocks.slice(1));
    convict(view, 1n);
    driven.handle({ kind: "live" });
    driven.receive(...blocks);
    expect([driven.place, driven.rollbacks]).toEqual([[1n, 1n], []]);
  });
});

describe("a follower that starts from its database", () => {
  it("after a conviction that it has not heard of, undoes what fell", () => {
    const { view, blocks } = posted();
    convict(view, 1n);
    const driven = new Driven(view, [GENESIS, ...blocks.map(parentOf)]);
    driven.run(driven.follower.start(NOW));
    expect(driven.rollbacks).toMatchObject([{ to: 2n, setAside: true }]);
    expect(driven.place).toEqual([2n, 2n]);
  });

  it("keeps its blocks while L1's past is read, though batches that fell later were others", () => {
    const { blocks } = posted();
    const present = startView(18n);
    for (const part of [blocks.slice(0, 2), blocks.slice(2, 4)]) post(present, part);
    convict(present, 1n);
    const again = chainOf({ view: present, parent: parentOf(blocks[1]!) }, 3);
    const view = startView(18n);
    const driven = new Driven(view, [GENESIS, ...[...blocks.slice(0, 2), ...again].map(parentOf)]);
    driven.run(driven.follower.start(NOW));
    for (const part of [blocks.slice(0, 2), blocks.slice(2, 4)]) {
      post(view, part);
      driven.l1Changed();
    }
    expect(driven.place).toEqual([5n, 2n]);
    convict(view, 1n);
    driven.l1Changed();
    driven.handle({ kind: "live" });
    post(view, again);
    driven.l1Changed();
    expect([driven.place, driven.rollbacks]).toEqual([[5n, 5n], []]);
  });

  it("undoes blocks of a generation that L1 knows nothing of, once all of L1 is read", () => {
    const { view, blocks } = posted();
    const elsewhere = startView(view.block.number);
    for (const part of [blocks.slice(0, 2), blocks.slice(2, 4)]) post(elsewhere, part);
    convict(elsewhere, 1n);
    const others = chainOf({ view: elsewhere, parent: parentOf(blocks[1]!) }, 2);
    const driven = new Driven(view, [GENESIS, ...[...blocks.slice(0, 2), ...others].map(parentOf)]);
    driven.run(driven.follower.start(NOW));
    expect(driven.place).toEqual([4n, 2n]);
    driven.handle({ kind: "live" });
    expect(driven.rollbacks).toMatchObject([{ to: 2n, setAside: true }]);
    driven.receive(...blocks);
    expect(driven.place).toEqual([5n, 4n]);
  });
});

describe("a conviction that L1 takes back", () => {
  it("is undone: what fell is the chain's again, from what was set aside, and what came in its place is not", () => {
    const { driven, view, blocks } = posted();
    convict(view, 1n);
    mine(view, 19n);
    driven.l1Changed();
    const again = chainOf({ view, parent: parentOf(blocks[1]!) }, 2);
    driven.receive(...again);
    post(view, again);
    mine(view, 20n);
    driven.l1Changed();
    expect(driven.place).toEqual([4n, 4n]);
    driven.reorg(18n);
    expect(driven.place).toEqual([5n, 4n]);
    expect(driven.follower.head.hash).toBe(hashOf(blocks[4]!));
    expect(driven.requests).toEqual([]);
    driven.receive(...again);
    expect(driven.follower.head.hash).toBe(hashOf(blocks[4]!));
    convict(view, 0n);
    mine(view, 19n);
    driven.l1Changed();
    expect(driven.place).toEqual([0n, 0n]);
    driven.reorg(18n);
    expect(driven.place).toEqual([5n, 4n]);
  });

  it("may come again in another L1 block: what came in the place of what fell stands again", () => {
    const { driven, view, blocks } = posted();
    convict(view, 1n);
    mine(view, 19n);
    driven.l1Changed();
    const again = chainOf({ view, parent: parentOf(blocks[1]!) }, 2);
    driven.receive(...again);
    driven.reorg(18n);
    convict(view, 1n);
    mine(view, 19n);
    driven.l1Changed();
    expect(driven.place).toEqual([2n, 2n]);
    driven.receive(...again);
    expect(driven.follower.head.hash).toBe(hashOf(again[1]!));
  });

  it("asks the hosts for what was not set aside here", () => {
    const { driven, view, blocks } = posted();
    const late = new Driven(view, [GENESIS, ...blocks.slice(0, 2).map(parentOf)]);
    convict(view, 1n);
    mine(view, 19n);
    for (const each of [driven, late]) each.handle({ kind: "live" });
    late.reorg(18n);
    expect(late.requests).toMatchObject([{ request: { name: "blocks", body: { from: 3n } } }]);
    const answer = { name: "blocks", body: { kind: "blocks", blocks: blocks.slice(2).map(encodeBlock) } } as const;
    late.handle({ kind: "answered", ticket: late.requests[0]!.ticket, answer });
    expect(late.place).toEqual([5n, 4n]);
  });

  it("leaves no trace where nobody noticed it", () => {
    const { driven, view } = posted();
    convict(view, 1n);
    driven.reorg(18n);
    expect([driven.place, driven.rollbacks]).toEqual([[5n, 4n], []]);
  });
});

describe("a block that is signed anew in another generation", () => {
  it("has another hash, whatever else is the same", () => {
    const { view, blocks } = posted();
    const block = { ...blocks[0]!, generation: 1n };
    expect(sign(block, turnOf(view, 2n)).signature).not.toBe(blocks[0]!.signature);
    const [anew] = chainOf({ view, parent: GENESIS, generation: 1n }, 1);
    expect(anew!.transactions[0]).not.toEqual(blocks[0]!.transactions[0]);
  });
});

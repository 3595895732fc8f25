import { encodeBlock, LIMITS, type PeerId, type SealedBlock, ZERO_HASH } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { ChainFollower, type FollowerEffect, type L1View, type Parent, parentOf } from "../src/index.ts";
import {
  at,
  blockOn,
  CHAIN,
  chainOf,
  FIRST_BLOCK,
  FIRST_SLOT,
  GENESIS,
  HOSTS,
  mine,
  NETWORK,
  PARAMETERS,
  post,
  SELF,
  sign,
  startView,
  turnOf,
} from "./world.ts";

const NOW = at(400);

/** A follower whose applies and rollbacks succeed at once. */
class Driven {
  readonly follower: ChainFollower;
  readonly effects: FollowerEffect[] = [];
  fault: string | null = null;

  constructor(view: L1View, self: PeerId = SELF, tail: readonly Parent[] = [GENESIS]) {
    this.follower = new ChainFollower({
      chainId: CHAIN,
      view,
      parameters: PARAMETERS,
      network: NETWORK,
      tail,
      self,
    });
  }

  run(effects: readonly FollowerEffect[]): readonly FollowerEffect[] {
    for (const effect of effects) {
      this.effects.push(effect);
      if (effect.kind === "apply") {
        const { hash } = parentOf(effect.block);
        this.run(this.follower.handle({ kind: "applied", hash, fault: this.fault }, NOW));
      } else if (effect.kind === "rollback") this.run(this.follower.handle({ kind: "rolledBack" }, NOW));
    }
    return effects;
  }

  receive(...blocks: readonly SealedBlock[]): void {
    for (const block of blocks) this.run(this.follower.handle({ kind: "block", block }, NOW));
  }

  answer(ticket: string, blocks: readonly Uint8Array[]): void {
    const answer = { name: "blocks", body: { kind: "blocks", blocks } } as const;
    this.run(this.follower.handle({ kind: "answered", ticket, answer }, NOW));
  }

  get requests() {
    return this.effects.filter((effect) => effect.kind === "request");
  }

  get head(): bigint {
    return this.follower.head.header.number;
  }
}

describe("the chain follower", () => {
  it("applies blocks in order and tells of each new head", () => {
    const view = startView();
    const driven = new Driven(view);
    const blocks = chainOf({ view, parent: GENESIS }, 3);
    driven.receive(...blocks);
    const heads = driven.effects.filter((effect) => effect.kind === "head").map(({ head }) => head.hash);
    expect(heads).toEqual(blocks.map((block) => parentOf(block).hash));
    expect(driven.requests).toEqual([]);
  });

  it("asks a host for what is missing, once at a time, the next host when one fails, never itself", () => {
    const view = startView();
    const hosts = view.hosts(CHAIN);
    const driven = new Driven(view, hosts[0]!.peerId);
    const blocks = chainOf({ view, parent: GENESIS }, 4);
    driven.receive(blocks[3]!, blocks[2]!);
    const [first] = driven.requests;
    expect(driven.requests.length).toBe(1);
    expect(first!.request).toMatchObject({ name: "blocks", body: { from: 1n } });
    driven.run(driven.follower.handle({ kind: "requestFailed", ticket: first!.ticket, reason: "timeout" }, NOW));
    driven.run(driven.follower.handle({ kind: "timer", name: "sync" }, NOW));
    const second = driven.requests[1]!;
    expect([first!.to, second.to].sort()).toEqual([hosts[1]!.peerId, hosts[2]!.peerId].sort());
    driven.answer(second.ticket, blocks.slice(0, 2).map(encodeBlock));
    expect(driven.head).toBe(4n);
  });

  it("goes on asking without a pause while what comes is applied", () => {
    const view = startView();
    const driven = new Driven(view);
    const blocks = chainOf({ view, parent: GENESIS }, 4);
    driven.run(driven.follower.handle({ kind: "syncTo", number: 4n }, NOW));
    driven.answer(driven.requests[0]!.ticket, blocks.slice(0, 2).map(encodeBlock));
    expect(driven.requests[1]!.request).toMatchObject({ body: { from: 3n } });
  });

  it("takes the later slot at the first height where two branches differ, and rolls the other back", () => {
    const view = startView();
    const driven = new Driven(view);
    const [shared, ...old] = chainOf({ view, parent: GENESIS }, 3);
    driven.receive(shared!, ...old);
    mine(view, 24n);
    const later = chainOf({ view, parent: parentOf(shared!), slot: 3n }, 2);
    driven.receive(later[0]!);
    expect(driven.effects).toContainEqual({ kind: "rollback", chainId: CHAIN, to: 1n, setAside: false });
    driven.receive(later[1]!, ...old);
    expect(driven.follower.head.hash).toBe(parentOf(later[1]!).hash);
  });

  it("finds the fork through a host when a later slot's branch parts further down", () => {
    const view = startView();
    const driven = new Driven(view);
    driven.receive(...chainOf({ view, parent: GENESIS }, 3));
    mine(view, 24n);
    const later = chainOf({ view, parent: GENESIS, slot: 3n }, 3);
    driven.receive(later[2]!);
    expect(driven.requests[0]!.request).toMatchObject({ body: { from: 1n } });
    driven.answer(driven.requests[0]!.ticket, later.map(encodeBlock));
    expect(driven.follower.head.hash).toBe(parentOf(later[2]!).hash);
  });

  it("lets L1 win over any slot, and what is on L1 stay", () => {
    const view = startView();
    const driven = new Driven(view);
    const posted = chainOf({ view, parent: GENESIS }, 2);
    mine(view, 24n);
    driven.receive(...chainOf({ view, parent: GENESIS, slot: 3n }, 3));
    expect(driven.head).toBe(3n);
    post(view, posted);
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    expect(driven.effects).toContainEqual({ kind: "rollback", chainId: CHAIN, to: 0n, setAside: false });
    driven.receive(...posted);
    expect([driven.head, driven.follower.safeNumber]).toEqual([2n, 2n]);
    driven.receive(...chainOf({ view, parent: GENESIS, slot: 3n, salt: 5n }, 2));
    expect(driven.follower.head.hash).toBe(parentOf(posted[1]!).hash);
  });

  it("passes over answers that do not decode or are not signed, and keeps its head when a block does not apply", () => {
    const view = startView();
    const driven = new Driven(view);
    const [first] = chainOf({ view, parent: GENESIS }, 1);
    driven.run(driven.follower.handle({ kind: "syncTo", number: 1n }, NOW));
    const { ticket } = driven.requests[0]!;
    driven.answer(ticket, [Uint8Array.of(1, 2, 3), encodeBlock(first!)]);
    driven.answer(ticket, [encodeBlock({ ...first!, signature: `0x${"00".repeat(65)}` })]);
    expect(driven.head).toBe(0n);
    driven.fault = "stateRoot";
    driven.receive(first!);
    expect(driven.head).toBe(0n);
    expect(driven.effects).toContainEqual(expect.objectContaining({ kind: "note", code: "block-not-applied" }));
    driven.fault = null;
    driven.receive(first!);
    expect(driven.head).toBe(1n);
  });

  it("refuses what hosts say was signed and that pays another than the slot's sequencer, until it is on L1", () => {
    const view = startView();
    const driven = new Driven(view);
    const payee = turnOf(view, FIRST_SLOT, 1);
    const strange = sign(blockOn({ view, parent: GENESIS, signer: payee }), turnOf(view, FIRST_SLOT));
    driven.run(driven.follower.handle({ kind: "syncTo", number: 1n }, NOW));
    driven.answer(driven.requests[0]!.ticket, [encodeBlock(strange)]);
    expect(driven.head).toBe(0n);
    post(view, [strange]);
    driven.run(driven.follower.handle({ kind: "timer", name: "sync" }, NOW));
    driven.answer(driven.requests[1]!.ticket, [encodeBlock(strange)]);
    expect(driven.follower.head.hash).toBe(parentOf(strange).hash);
  });

  it("refuses a block whose last transaction is a system transaction by its first byte alone", () => {
    const view = startView();
    const driven = new Driven(view);
    const [block] = chainOf({ view, parent: GENESIS }, 1);
    post(view, [block!]);
    const endings = [Uint8Array.of(0x7e), Uint8Array.of(0x7e, 0xc0), Uint8Array.of(0x7e, 1, 2, 3)];
    for (const [i, ending] of endings.entries()) {
      const transactions = [...block!.transactions.slice(0, -1), ending];
      driven.receive({ ...block!, transactions, signature: `0x${"00".repeat(64)}0${i}` });
    }
    const fault = expect.objectContaining({ fault: "does not end in settle" });
    expect(driven.effects).toEqual(endings.map(() => expect.objectContaining({ code: "block-refused", data: fault })));
    driven.receive(block!);
    expect(driven.head).toBe(1n);
  });

  it("follows what is posted as far ahead of its own clock as L1 lets it be, and nothing further ahead, however late it is", () => {
    const tick = BigInt(PARAMETERS.tickSeconds);
    const follows = (leadSeconds: bigint, seconds: number, isPosted: boolean): boolean => {
      const view = startView();
      const made = blockOn({ view, parent: GENESIS });
      const timestamp = ((view.block.timestamp + leadSeconds) / tick) * tick;
      const block = sign({ ...made, header: { ...made.header, timestamp } }, turnOf(view, FIRST_SLOT));
      if (isPosted) post(view, [block]);
      const effects = new Driven(view).follower.handle({ kind: "block", block }, at(seconds));
      return effects.some(({ kind }) => kind === "apply");
    };
    const lead = LIMITS.timestampLeadSeconds;
    expect([follows(lead, 1, false), follows(lead, 1, true)]).toEqual([false, true]);
    expect([follows(lead + tick, 10_000, false), follows(lead + tick, 10_000, true)]).toEqual([true, false]);
  });

  it("waits for the L1 block that a block builds on, when it is near", () => {
    const view = startView(22n);
    const driven = new Driven(view);
    driven.receive(blockOn({ view, parent: GENESIS, slot: 3n }));
    expect(driven.head).toBe(0n);
    mine(view, 24n);
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    expect(driven.head).toBe(1n);
  });

  it("is not kept from catching up by blocks far ahead, however many: what comes next displaces them", () => {
    const view = startView();
    const driven = new Driven(view);
    const blocks = chainOf({ view, parent: GENESIS }, 400);
    driven.receive(...blocks.slice(50));
    expect(driven.head).toBe(0n);
    for (let i = 0; i < 20 && driven.head < 400n; i++) {
      const next = Number(driven.head);
      driven.run(driven.follower.handle({ kind: "timer", name: "sync" }, NOW));
      driven.answer(driven.requests.at(-1)!.ticket, blocks.slice(next, next + 64).map(encodeBlock));
    }
    expect(driven.head).toBe(400n);
  });

  it("started from a final block, takes the batches below it as checked and those above it as ever", () => {
    const view = startView();
    const blocks = chainOf({ view, parent: GENESIS }, 5);
    const driven = new Driven(view, SELF, blocks.slice(2, 4).map(parentOf));
    post(view, blocks.slice(0, 2));
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    post(view, blocks.slice(2, 3));
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    expect([driven.follower.safeNumber, driven.head]).toEqual([3n, 4n]);
    const other = { ...blocks[3]!, header: { ...blocks[3]!.header, gasUsed: 1n } };
    post(view, [other]);
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    expect([driven.follower.safeNumber, driven.head]).toEqual([3n, 3n]);
  });

  it("lets go of blocks that are final", () => {
    const view = startView();
    const driven = new Driven(view);
    const blocks = chainOf({ view, parent: GENESIS }, 3);
    driven.receive(...blocks.slice(0, 2));
    post(view, blocks.slice(0, 2));
    mine(view, FIRST_BLOCK + BigInt(PARAMETERS.maxWindowSeconds));
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    driven.receive(blocks[2]!);
    expect(driven.follower.finalNumber).toBe(2n);
    expect(driven.follower.unposted.map(({ header }) => header.number)).toEqual([3n]);
    expect(HOSTS.length).toBeGreaterThan(0);
  });
});

describe("the chain follower, when the own node finds a block wrong", () => {
  const wrong = (driven: Driven, block: SealedBlock): void => {
    driven.run(driven.follower.handle({ kind: "foundWrong", hash: parentOf(block).hash }, NOW));
  };

  it("gives up the block and all on it, does not take it again, and takes another of a later slot in its place", () => {
    const view = startView(FIRST_BLOCK + BigInt(PARAMETERS.epochBlocks));
    const [one, two, three] = chainOf({ view, parent: GENESIS }, 3) as [SealedBlock, SealedBlock, SealedBlock];
    const driven = new Driven(view);
    driven.receive(one, two, three);
    wrong(driven, two);
    expect(driven.head).toBe(1n);
    driven.receive(two, three);
    expect(driven.head).toBe(1n);
    expect(driven.effects.filter(({ kind }) => kind === "apply")).toHaveLength(3);
    const other = blockOn({ view, parent: parentOf(one), slot: FIRST_SLOT + 1n });
    driven.receive(other);
    expect(driven.follower.head.hash).toBe(parentOf(other).hash);
  });

  it("follows it all the same where L1 has it: there it falls by a conviction alone", () => {
    const view = startView();
    const blocks = chainOf({ view, parent: GENESIS }, 2);
    const posted = new Driven(view);
    posted.receive(...blocks);
    post(view, blocks);
    wrong(posted, blocks[1]!);
    expect(posted.head).toBe(2n);
    const late = startView();
    const driven = new Driven(late);
    driven.receive(blocks[0]!);
    wrong(driven, blocks[1]!);
    driven.receive(blocks[1]!);
    expect(driven.head).toBe(1n);
    post(late, blocks);
    driven.receive(blocks[1]!);
    expect(driven.head).toBe(2n);
  });

  it("lets go of it once it has been applied, where that is under way", () => {
    const view = startView();
    const [one, two] = chainOf({ view, parent: GENESIS }, 2) as [SealedBlock, SealedBlock];
    const driven = new Driven(view);
    driven.receive(one);
    const effects = driven.follower.handle({ kind: "block", block: two }, NOW);
    expect(effects).toMatchObject([{ kind: "apply" }]);
    expect(driven.follower.handle({ kind: "foundWrong", hash: parentOf(two).hash }, NOW)).toEqual([]);
    driven.run(effects);
    expect(driven.head).toBe(1n);
  });
});

describe("the chain follower, when L1 takes blocks back", () => {
  /** Two blocks of slot 2 and two of slot 3, all applied, at L1 block 26; what to do when L1 goes back. */
  const setUp = () => {
    const view = startView(26n);
    const driven = new Driven(view);
    const early = chainOf({ view, parent: GENESIS }, 2);
    const late = chainOf({ view, parent: parentOf(early[1]!), slot: 3n }, 2);
    driven.receive(...early, ...late);
    const reorg = (toBlock: bigint): readonly FollowerEffect[] => {
      view.apply({ kind: "reorg", toBlock });
      return driven.run(driven.follower.handle({ kind: "l1Reorg", toBlock }, NOW));
    };
    return { view, driven, early, late, reorg };
  };

  it("keeps blocks whose slot's draw block stands, and takes those back that rest on one which does not", () => {
    const kept = setUp();
    kept.reorg(22n);
    expect(kept.driven.head).toBe(4n);
    const { driven, reorg, early } = setUp();
    reorg(21n);
    expect(driven.effects).toContainEqual({ kind: "rollback", chainId: CHAIN, to: 2n, setAside: false });
    expect(driven.follower.head.hash).toBe(parentOf(early[1]!).hash);
    const all = setUp();
    all.reorg(13n);
    expect(all.driven.head).toBe(0n);
  });

  it("waits for the block that is being applied, and takes it back too", () => {
    const { view, driven, late } = setUp();
    const next = blockOn({ view, parent: parentOf(late[1]!), slot: 3n });
    const [apply] = driven.follower.handle({ kind: "block", block: next }, NOW);
    expect(apply).toMatchObject({ kind: "apply" });
    view.apply({ kind: "reorg", toBlock: 20n });
    expect(driven.follower.handle({ kind: "l1Reorg", toBlock: 20n }, NOW)).toEqual([]);
    driven.run(driven.follower.handle({ kind: "applied", hash: parentOf(next).hash, fault: null }, NOW));
    expect([driven.follower.head.context.slot, driven.head]).toEqual([2n, 2n]);
  });

  it("checks all batches anew: what was posted is safe again where it still is on L1, and not where it is not", () => {
    const { view, driven, early, late, reorg } = setUp();
    post(view, early);
    mine(view, 27n);
    post(view, late);
    mine(view, 28n);
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    expect(driven.follower.safeNumber).toBe(4n);
    reorg(27n);
    expect([driven.follower.safeNumber, driven.head]).toEqual([2n, 4n]);
    reorg(26n);
    expect([driven.follower.safeNumber, driven.head]).toEqual([0n, 4n]);
  });

  it("follows the batches of the other history, also where its own blocks were posted before", () => {
    const { view, driven, early, reorg } = setUp();
    post(view, early);
    mine(view, 27n);
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    reorg(26n);
    const others = chainOf({ view, parent: GENESIS, salt: 9n }, 2);
    post(view, others);
    mine(view, 27n);
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    expect(driven.effects).toContainEqual({ kind: "rollback", chainId: CHAIN, to: 0n, setAside: false });
    driven.receive(...others);
    expect([driven.follower.safeNumber, driven.follower.head.hash]).toEqual([2n, parentOf(others[1]!).hash]);
  });

  it("takes back what rests on the lost blocks, and holds what is left against the batches, at once", () => {
    const { view, driven, early, reorg } = setUp();
    const onL1 = startView(20n);
    post(onL1, early.slice(0, 1));
    view.apply({ kind: "reorg", toBlock: 20n });
    view.apply({ kind: "batchAppended", transactionHash: ZERO_HASH, ...onL1.batches(CHAIN)[0]! });
    mine(view, 21n);
    reorg(21n);
    expect([driven.head, driven.follower.safeNumber]).toEqual([2n, 1n]);
  });
});

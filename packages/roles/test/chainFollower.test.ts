import { encodeBlock, encodeSystemTransaction, type PeerId, type SealedBlock } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import {
  ChainFollower,
  type FollowerEffect,
  type L1View,
  openingTransactions,
  type Parent,
  parentOf,
} from "../src/index.ts";
import {
  at,
  blockOn,
  CHAIN,
  chainOf,
  FOUNDING,
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
    mine(view, 16n);
    const later = chainOf({ view, parent: parentOf(shared!), slot: 2n }, 2);
    driven.receive(later[0]!);
    expect(driven.effects).toContainEqual({ kind: "rollback", chainId: CHAIN, to: 1n });
    driven.receive(later[1]!, ...old);
    expect(driven.follower.head.hash).toBe(parentOf(later[1]!).hash);
  });

  it("finds the fork through a host when a later slot's branch parts further down", () => {
    const view = startView();
    const driven = new Driven(view);
    driven.receive(...chainOf({ view, parent: GENESIS }, 3));
    mine(view, 16n);
    const later = chainOf({ view, parent: GENESIS, slot: 2n }, 3);
    driven.receive(later[2]!);
    expect(driven.requests[0]!.request).toMatchObject({ body: { from: 1n } });
    driven.answer(driven.requests[0]!.ticket, later.map(encodeBlock));
    expect(driven.follower.head.hash).toBe(parentOf(later[2]!).hash);
  });

  it("lets L1 win over any slot, and what is on L1 stay", () => {
    const view = startView();
    const driven = new Driven(view);
    const posted = chainOf({ view, parent: GENESIS }, 2);
    mine(view, 16n);
    driven.receive(...chainOf({ view, parent: GENESIS, slot: 2n }, 3));
    expect(driven.head).toBe(3n);
    post(view, posted);
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    expect(driven.effects).toContainEqual({ kind: "rollback", chainId: CHAIN, to: 0n });
    driven.receive(...posted);
    expect([driven.head, driven.follower.safeNumber]).toEqual([2n, 2n]);
    driven.receive(...chainOf({ view, parent: GENESIS, slot: 2n, salt: 5n }, 2));
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
    const signer = turnOf(view, 1n);
    const other = blockOn({ view, parent: GENESIS, slot: 2n });
    const context = { ...other.context, slot: 1n };
    const opening = { number: 1n, generation: 0n, context, founding: FOUNDING, deposits: [] };
    const [first] = openingTransactions({ ...opening, transactionCount: other.transactions.length });
    const transactions = [encodeSystemTransaction(CHAIN, first!), ...other.transactions.slice(1)];
    const strange = sign({ ...other, context, transactions }, signer);
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

  it("waits for the L1 block that a block builds on, when it is near", () => {
    const view = startView(8n);
    const driven = new Driven(view);
    const ahead = startView(10n);
    driven.receive(blockOn({ view: ahead, parent: GENESIS }));
    expect(driven.head).toBe(0n);
    mine(view, 10n);
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
    mine(view, 8n + BigInt(PARAMETERS.maxWindowSeconds));
    driven.run(driven.follower.handle({ kind: "l1Changed" }, NOW));
    driven.receive(blocks[2]!);
    expect(driven.follower.finalNumber).toBe(2n);
    expect(driven.follower.unposted.map(({ header }) => header.number)).toEqual([3n]);
    expect(HOSTS.length).toBeGreaterThan(0);
  });
});

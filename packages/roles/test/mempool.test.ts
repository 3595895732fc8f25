import { depositItem, type SealedBlock, type Transaction } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { type L1View, Mempool, type MempoolEffect, parentOf } from "../src/index.ts";
import {
  at,
  blockOn,
  CHAIN,
  FIRST_BLOCK,
  FIRST_SLOT,
  GENESIS,
  mine,
  operator,
  outcome,
  PARAMETERS,
  queue,
  startView,
  transfer,
  turnOf,
  USERS,
} from "./world.ts";

class Driven {
  readonly view: L1View;
  readonly pool: Mempool;
  seconds = 10;

  constructor(view = startView()) {
    this.view = view;
    this.pool = new Mempool({ chainId: CHAIN, view, parameters: PARAMETERS });
  }

  add(transaction: Transaction): readonly MempoolEffect[] {
    const { refusal, effects } = this.pool.add(transaction, at(this.seconds));
    expect(refusal).toBeNull();
    return effects;
  }

  timer(afterSeconds = 1): readonly MempoolEffect[] {
    this.seconds += afterSeconds;
    return this.pool.handle({ kind: "timer", name: "offer" }, at(this.seconds));
  }

  taken(ticket: string): readonly MempoolEffect[] {
    const answer = { name: "offerTransactions", body: { kind: "taken", known: 1 } } as const;
    return this.pool.handle({ kind: "answered", ticket, answer }, at(this.seconds));
  }

  head(block: SealedBlock | null, headNumber: bigint, safeNumber: bigint): readonly MempoolEffect[] {
    return this.pool.handle({ kind: "headChanged", block, headNumber, safeNumber }, at(this.seconds));
  }

  blockWith(transaction: Transaction): SealedBlock {
    return blockOn({ view: this.view, parent: GENESIS, transactions: [transaction.raw] });
  }
}

const offers = (effects: readonly MempoolEffect[]) =>
  effects.flatMap((effect) =>
    effect.kind === "request" && effect.request.name === "offerTransactions"
      ? [{ ...effect, body: effect.request.body }]
      : [],
  );

describe("the mempool", () => {
  it("gathers, then offers what waits to the sequencer of the turn, one offer at a time", () => {
    const driven = new Driven();
    const [first, second, third] = [0n, 1n, 2n].map((nonce) => transfer({ nonce }));
    expect(driven.add(first!)).toMatchObject([{ kind: "timer" }]);
    expect(driven.add(second!)).toEqual([]);
    const [offer] = offers(driven.timer());
    expect(offer).toMatchObject({
      to: turnOf(driven.view, FIRST_SLOT).peerId,
      body: { transactions: [first!.raw, second!.raw] },
    });
    driven.add(third!);
    expect(offers(driven.timer())).toEqual([]);
    driven.taken(offer!.ticket);
    expect(offers(driven.timer(0))[0]!.body.transactions).toEqual([third!.raw]);
  });

  it("offers again what no block has after the time to resubmit, and at once after a failure and after a change of slot", () => {
    const driven = new Driven();
    driven.add(transfer());
    const [offer] = offers(driven.timer());
    driven.taken(offer!.ticket);
    expect(offers(driven.timer(1))).toEqual([]);
    const [again] = offers(driven.timer(1));
    driven.pool.handle({ kind: "requestFailed", ticket: again!.ticket, reason: "timeout" }, at(driven.seconds));
    const [third] = offers(driven.timer(1));
    driven.taken(third!.ticket);
    driven.timer(0);
    mine(driven.view, 24n);
    expect(driven.pool.handle({ kind: "slotChanged" }, at(driven.seconds))).toMatchObject([{ kind: "timer" }]);
    expect(offers(driven.timer(0))[0]!.to).toBe(turnOf(driven.view, FIRST_SLOT + 1n).peerId);
    expect(turnOf(driven.view, FIRST_SLOT + 1n)).not.toBe(turnOf(driven.view, FIRST_SLOT));
  });

  it("does not wait for the old sequencer's answer when the slot changes, nor takes it for the new one's", () => {
    const driven = new Driven();
    driven.add(transfer());
    const [old] = offers(driven.timer());
    mine(driven.view, 24n);
    driven.pool.handle({ kind: "slotChanged" }, at(driven.seconds));
    const [fresh] = offers(driven.timer(0));
    expect(fresh!.to).toBe(turnOf(driven.view, FIRST_SLOT + 1n).peerId);
    expect(driven.taken(old!.ticket)).toEqual([]);
  });

  it("forgets a transaction once its block is on L1, not before", () => {
    const driven = new Driven();
    const transaction = transfer();
    driven.add(transaction);
    const block = driven.blockWith(transaction);
    expect(driven.head(block, 1n, 0n)).toEqual([]);
    expect(driven.pool.size).toBe(0);
    expect(driven.pool.add(transaction, at(driven.seconds)).refusal).toBe("already-known");
    expect(driven.head(blockOn({ view: driven.view, parent: parentOf(block) }), 2n, 1n)).toEqual([
      { kind: "forget", hash: transaction.hash },
    ]);
  });

  it("forgets a transaction that L1's queue forced, once its block is on L1; not one that was forced without effect", () => {
    const [done, early] = [transfer(), transfer({ nonce: 1n })];
    const driven = new Driven();
    driven.add(done);
    driven.add(early);
    const plain = depositItem({ queueIndex: 0n, from: USERS[0]!.operator, to: USERS[0]!.operator, mint: 0n });
    const queueItems = [done, early].map(({ raw }, i) =>
      queue(driven.view, { ...plain, kind: "forced", queueIndex: BigInt(i), data: raw }, 1n),
    );
    const made = blockOn({ view: driven.view, parent: GENESIS, queueItems });
    const outcomes = made.outcomes.with(2, outcome(21_000n));
    driven.head({ ...made, outcomes }, 1n, 0n);
    expect(driven.pool.pending(done.hash)).toBeUndefined();
    expect(driven.pool.pending(early.hash)).toEqual(early);
    const next = blockOn({ view: driven.view, parent: parentOf(made) });
    expect(driven.head(next, 2n, 1n)).toContainEqual({ kind: "forget", hash: done.hash });
  });

  it("takes a transaction back whose block was rolled back, and offers it anew", () => {
    const driven = new Driven();
    const transaction = transfer();
    driven.add(transaction);
    driven.timer();
    driven.head(driven.blockWith(transaction), 1n, 0n);
    expect(driven.head(null, 0n, 0n)).toMatchObject([{ kind: "timer" }]);
    expect(driven.pool.pending(transaction.hash)).toEqual(transaction);
  });

  it("forgets a transaction that another of the same nonce replaced", () => {
    const driven = new Driven();
    const old = transfer({ maxFee: 1_000n, tip: 10n });
    driven.add(old);
    expect(driven.add(transfer({ maxFee: 2_000n, tip: 20n }))).toContainEqual({ kind: "forget", hash: old.hash });
  });

  it("is whole again after a restart: what waited waits, what is in a block is watched until it is on L1", () => {
    const driven = new Driven();
    const [waiting, included] = [transfer({ nonce: 1n }), transfer()];
    expect(driven.pool.restore(waiting, null, at(10))).toMatchObject([{ kind: "timer" }]);
    expect(driven.pool.restore(included, 1n, at(10))).toEqual([]);
    expect(driven.pool.size).toBe(1);
    expect(driven.head(null, 1n, 1n)).toContainEqual({ kind: "forget", hash: included.hash });
    expect(driven.pool.pending(waiting.hash)).toEqual(waiting);
  });

  it("offers to the active rank and the two after it; after a claim, to those from the claimer on", () => {
    const crowd = Array.from({ length: 5 }, (_, i) => operator(`crowd-${i}`, i));
    const driven = new Driven(startView(FIRST_BLOCK, { sequencers: crowd }));
    const peers = [0, 1, 2, 3, 4].map((rank) => turnOf(driven.view, FIRST_SLOT, rank, crowd).peerId);
    const transaction = transfer();
    driven.add(transaction);
    const first = offers(driven.timer());
    expect(first.map(({ to }) => to)).toEqual(peers.slice(0, 3));
    expect(new Set(first.map(({ ticket }) => ticket)).size).toBe(3);
    for (const { body } of first) expect(body).toEqual({ chainId: CHAIN, transactions: [transaction.raw] });
    driven.taken(first[0]!.ticket);
    driven.view.apply({ kind: "slotClaimed", chainId: CHAIN, slot: FIRST_SLOT, rank: 3, l1Block: FIRST_BLOCK + 3n });
    expect(offers(driven.timer(2)).map(({ to }) => to)).toEqual(peers.slice(3));
  });

  it("counts the answer of the first rank alone: those of the others neither end the offer nor make it taken", () => {
    const driven = new Driven();
    driven.add(transfer());
    const [leader, other] = offers(driven.timer());
    expect(driven.taken(other!.ticket)).toEqual([]);
    driven.add(transfer({ nonce: 1n }));
    expect(offers(driven.timer(0))).toEqual([]);
    const failed = { kind: "requestFailed", ticket: other!.ticket, reason: "timeout" } as const;
    expect(driven.pool.handle(failed, at(driven.seconds))).toEqual([]);
    driven.pool.handle({ ...failed, ticket: leader!.ticket }, at(driven.seconds));
    expect(offers(driven.timer(1))[0]).toMatchObject({ to: leader!.to, body: { transactions: { length: 2 } } });
  });
});

import type { SealedBlock, Transaction } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { type L1View, Mempool, type MempoolEffect, parentOf } from "../src/index.ts";
import { at, blockOn, CHAIN, GENESIS, mine, PARAMETERS, startView, transfer, turnOf } from "./world.ts";

class Driven {
  readonly view: L1View = startView();
  readonly pool = new Mempool({ chainId: CHAIN, view: this.view, parameters: PARAMETERS });
  seconds = 10;

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
      to: turnOf(driven.view, 1n).peerId,
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
    mine(driven.view, 16n);
    expect(driven.pool.handle({ kind: "slotChanged" }, at(driven.seconds))).toMatchObject([{ kind: "timer" }]);
    expect(offers(driven.timer(0))[0]!.to).toBe(turnOf(driven.view, 2n).peerId);
    expect(turnOf(driven.view, 2n)).not.toBe(turnOf(driven.view, 1n));
  });

  it("does not wait for the old sequencer's answer when the slot changes, nor takes it for the new one's", () => {
    const driven = new Driven();
    driven.add(transfer());
    const [old] = offers(driven.timer());
    mine(driven.view, 16n);
    driven.pool.handle({ kind: "slotChanged" }, at(driven.seconds));
    const [fresh] = offers(driven.timer(0));
    expect(fresh!.to).toBe(turnOf(driven.view, 2n).peerId);
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
});

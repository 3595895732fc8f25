import { depositItem, type Hash, keccakHash, LIMITS, type SealedBlock, type Transaction } from "@mvm/protocol";
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
  post,
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

  head(block: SealedBlock | null, headNumber: bigint, safeNumber: bigint, givesBack = false): readonly MempoolEffect[] {
    return this.pool.handle({ kind: "headChanged", block, headNumber, safeNumber, givesBack }, at(this.seconds));
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

const BULK = new Uint8Array(50_000);
const FILLERS = [0, 1, 2, 3].map((index) => operator(`filler-${index}`, index));

/** A pool that has two transactions in block 1, and no room for another one. */
function fullPool(driven: Driven): {
  readonly returned: readonly Transaction[];
  readonly fill: readonly Transaction[];
} {
  const returned = [0n, 1n].map((nonce) => transfer({ nonce, data: BULK }));
  for (const transaction of returned) driven.add(transaction);
  const block = blockOn({ view: driven.view, parent: GENESIS, transactions: returned.map(({ raw }) => raw) });
  driven.head(block, 1n, 0n);
  const fill: Transaction[] = [];
  for (let nonce = 0n; ; nonce++) {
    const from = FILLERS[Math.floor(Number(nonce) / LIMITS.poolPerSender)]!;
    const transaction = transfer({ from, nonce, data: BULK });
    const { refusal } = driven.pool.add(transaction, at(driven.seconds));
    if (refusal === "pool-full") return { returned, fill };
    expect(refusal).toBeNull();
    fill.push(transaction);
  }
}

/** Hashes of all that the pool offers until it has offered everything. */
function allOffered(driven: Driven): readonly Hash[] {
  const hashes: Hash[] = [];
  driven.pool.handle({ kind: "slotChanged" }, at(driven.seconds));
  for (let effects = driven.timer(0); ; ) {
    const [offer] = offers(effects);
    if (offer === undefined) return hashes;
    hashes.push(...offer.body.transactions.map(keccakHash));
    driven.taken(offer.ticket);
    effects = driven.timer(0);
  }
}

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

  it("offers a transaction anew whose block nobody posted in its slot and the one after: it was wrong, or nobody has it", () => {
    const driven = new Driven();
    const transaction = transfer();
    driven.add(transaction);
    driven.head(driven.blockWith(transaction), 1n, 0n);
    for (const later of [1n, 2n, 3n]) {
      mine(driven.view, FIRST_BLOCK + later * BigInt(PARAMETERS.epochBlocks));
      const isStranded = later > 1n;
      expect(allOffered(driven)).toEqual(isStranded ? [transaction.hash] : []);
    }
    expect(driven.pool.add(transaction, at(driven.seconds)).refusal).toBe("already-known");
    const posted = new Driven();
    posted.add(transaction);
    const block = posted.blockWith(transaction);
    posted.head(block, 1n, 0n);
    post(posted.view, [block]);
    mine(posted.view, FIRST_BLOCK + 3n * BigInt(PARAMETERS.epochBlocks));
    expect(allOffered(posted)).toEqual([]);
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

  it("takes back more of a sender than it would take new", () => {
    const driven = new Driven();
    const sent = Array.from({ length: LIMITS.poolPerSender + 2 }, (_, nonce) => transfer({ nonce: BigInt(nonce) }));
    const [first, second, ...rest] = sent;
    driven.add(first!);
    driven.add(second!);
    const block = blockOn({ view: driven.view, parent: GENESIS, transactions: [first!.raw, second!.raw] });
    driven.head(block, 1n, 0n);
    for (const transaction of rest) driven.add(transaction);
    expect(driven.pool.add(transfer({ nonce: 999n }), at(driven.seconds)).refusal).toBe("sender-limit");
    driven.head(null, 0n, 0n);
    expect(driven.pool.size).toBe(sent.length);
  });

  it("keeps in line what comes back to a full pool, and lets it in, in order, before anything new", () => {
    const driven = new Driven();
    const { returned, fill } = fullPool(driven);
    const effects = driven.head(null, 0n, 0n);
    expect(effects.some(({ kind }) => kind === "forget")).toBe(false);
    expect(driven.pool.size).toBe(fill.length + returned.length);
    for (const transaction of returned) expect(driven.pool.pending(transaction.hash)).toEqual(transaction);
    expect(driven.pool.add(returned[0]!, at(driven.seconds)).refusal).toBe("already-known");
    const made = blockOn({ view: driven.view, parent: GENESIS, transactions: [fill[0]!.raw] });
    driven.head(made, 1n, 0n);
    expect(driven.pool.add(transfer({ nonce: 900n, data: BULK }), at(driven.seconds)).refusal).toBe("pool-full");
    const offered = new Set(allOffered(driven));
    expect([offered.has(returned[0]!.hash), offered.has(returned[1]!.hash)]).toEqual([true, false]);
    expect(driven.pool.size).toBe(fill.length - 1 + returned.length);
  });

  it("takes a transaction that it has forgotten back from an undone block, once, and offers it", () => {
    const driven = new Driven();
    const transaction = transfer();
    const giveBack = () => driven.pool.giveBack(transaction, at(driven.seconds));
    expect(giveBack()).toMatchObject({ isTaken: true, effects: [{ kind: "timer" }] });
    expect(giveBack()).toEqual({ isTaken: true, effects: [] });
    expect(offers(driven.timer())[0]!.body.transactions).toEqual([transaction.raw]);
    driven.head(driven.blockWith(transaction), 1n, 0n);
    expect(driven.pool.size).toBe(0);
    expect(giveBack()).toEqual({ isTaken: true, effects: [] });
    expect(driven.pool.size).toBe(0);
  });

  it("says that there is no room for what is given back, so that it comes again", () => {
    const driven = new Driven();
    const { returned, fill } = fullPool(driven);
    const forgotten = transfer({ from: USERS[2]!, data: BULK });
    driven.head(null, 0n, 0n, true);
    expect(driven.pool.giveBack(forgotten, at(driven.seconds))).toEqual({ isTaken: false, effects: [] });
    driven.head(blockOn({ view: driven.view, parent: GENESIS, transactions: [fill[0]!.raw] }), 1n, 0n, true);
    // what is older comes first: those that the pool has not forgotten wait for it
    expect(driven.pool.giveBack(forgotten, at(driven.seconds)).isTaken).toBe(true);
    expect(driven.pool.giveBack(returned[0]!, at(driven.seconds)).isTaken).toBe(false);
    driven.head(blockOn({ view: driven.view, parent: GENESIS, transactions: [fill[1]!.raw] }), 2n, 0n, true);
    expect(driven.pool.handle({ kind: "givenBack" }, at(driven.seconds)).some(({ kind }) => kind === "forget")).toBe(
      false,
    );
    const offered = new Set(allOffered(driven));
    expect([forgotten, ...returned].map(({ hash }) => offered.has(hash))).toEqual([true, true, false]);
  });

  it("lets what comes back go where its sender has sent another with its nonce meanwhile", () => {
    const driven = new Driven();
    const old = transfer({ maxFee: 1_000n, tip: 10n });
    const fresh = transfer({ maxFee: 1_050n, tip: 10n });
    driven.add(fresh);
    const { isTaken, effects } = driven.pool.giveBack(old, at(driven.seconds));
    expect([isTaken, effects[0]]).toEqual([true, { kind: "forget", hash: old.hash }]);
    expect(driven.pool.pending(fresh.hash)).toEqual(fresh);
  });

  it("counts the time of what came back from when it did", () => {
    const driven = new Driven();
    const transaction = transfer();
    driven.add(transaction);
    driven.head(driven.blockWith(transaction), 1n, 0n);
    driven.seconds += 4 * 3_600;
    driven.head(null, 0n, 0n);
    expect(driven.timer().some(({ kind }) => kind === "forget")).toBe(false);
    expect(driven.pool.size).toBe(1);
    expect(driven.timer(3 * 3_600 + 1)).toContainEqual({ kind: "forget", hash: transaction.hash });
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

import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import { FIRST, included, ready } from "./sequencerWorld.ts";
import { blockOn, FIRST_BLOCK, operator, transfer, USERS } from "./world.ts";

/** As many as are looked at for a block. */
const MANY = 64;
const STRANGERS = Array.from({ length: 2 * MANY }, (_, i) => operator(`stranger-${i}`, 100 + i));
/** Dearer than the others: they come first in the order of blocks. */
const DEAR = 100n;

const jobMessages = (driven: ReturnType<typeof ready>): number => {
  const request = driven.asked("job").at(-1)?.request;
  return request?.name === "job" ? request.body.messages.length : 0;
};
const again = (driven: ReturnType<typeof ready>) => {
  driven.seconds += 1;
  driven.handle({ kind: "timer", name: "advance" });
  return driven;
};

describe("a sequencer's pool", () => {
  const own = transfer();
  it("takes nothing that its chain has, until L1 has that for good or it is taken back", () => {
    const driven = ready();
    const sealed = blockOn({ view: driven.view, parent: FIRST, transactions: [own.raw] });
    driven.handle({ kind: "headChanged", head: parentOf(sealed), block: sealed, safeNumber: 1n });
    expect(driven.offer(own).machine.poolSize).toBe(0);
    driven.handle({ kind: "headChanged", head: FIRST, block: null, safeNumber: 1n });
    expect(driven.offer(own).machine.poolSize).toBe(1);
    driven.handle({ kind: "headChanged", head: parentOf(sealed), block: sealed, safeNumber: 2n });
    driven.handle({ kind: "headChanged", head: parentOf(sealed), block: null, safeNumber: 2n });
    expect([driven.machine.poolSize, driven.offer(own).machine.poolSize]).toEqual([0, 1]);
  });

  it("is gone through as far as there is something to be done, however much of it was done before", () => {
    const stale = STRANGERS.map((from) => transfer({ from, tip: DEAR }));
    const driven = ready().offer(...stale, transfer({ nonce: 1n }));
    expect(driven.open(1n).machine.poolSize).toBe(MANY + 1);
    expect(again(driven).open(1n).machine.poolSize).toBe(1);
    again(driven).open(1n);
    expect(jobMessages(driven)).toBe(1);
  });

  it("is not held up by signers whose next transaction is missing, however dear theirs are", () => {
    const gapped = STRANGERS.map((from) => transfer({ from, nonce: 5n, tip: DEAR }));
    const driven = ready()
      .offer(...gapped, own)
      .open();
    again(driven).open();
    again(driven).open();
    expect(jobMessages(driven)).toBe(1);
    expect(driven.machine.poolSize).toBe(gapped.length + 1);
  });

  it("gives providers the accounts of those who are in the block, and of nobody else who was looked at", () => {
    const many = STRANGERS.slice(0, 40).map((from) => transfer({ from }));
    const driven = ready()
      .offer(...many)
      .open();
    const { session } = driven.all("openSession").at(-1)!;
    driven.handle({ kind: "sessionFailed", session, reason: "test" });
    again(driven).open();
    expect(driven.all("openSession").at(-1)?.signers.length).toBe(40);
    const request = driven.asked("job").at(-1)?.request;
    const { messages, values } = request?.name === "job" ? request.body : { messages: [], values: [] };
    const accounts = values.flatMap((entry) => (entry.kind === "account" ? [entry.address] : []));
    const strangers = new Set<string>(STRANGERS.map(({ operator }) => operator));
    expect(messages.length).toBe(20);
    expect(new Set(accounts.filter((address) => strangers.has(address)))).toEqual(
      new Set(messages.map(({ from }) => from)),
    );
  });

  it("waits for something to change where all of it lacks something, and does what comes to be complete at once", () => {
    const driven = ready()
      .offer(transfer({ nonce: 1n }), transfer({ from: USERS[1]!, nonce: 3n }))
      .open();
    again(driven);
    expect(driven.all("openSession").length).toBe(1);
    driven.offer(own);
    again(driven).open();
    expect(jobMessages(driven)).toBe(2);
    driven.agree(included);
    expect(driven.all("assemble").at(-1)?.users.length).toBe(2);
  });

  it("does what came to be complete also where there is always something else to be done", () => {
    const [late, first, second] = [STRANGERS[0]!, STRANGERS[1]!, STRANGERS[2]!];
    const done = transfer({ from: first });
    const driven = ready()
      .offer(transfer({ from: late, nonce: 1n }), done)
      .open();
    const sealed = blockOn({ view: driven.view, parent: FIRST, transactions: [done.raw] });
    driven.handle({ kind: "headChanged", head: parentOf(sealed), block: sealed, safeNumber: 1n });
    driven
      .agree(included)
      .assemble()
      .offer(transfer({ from: second }), transfer({ from: late }));
    again(driven).open();
    expect(jobMessages(driven)).toBe(3);
  });

  it("has what waited tried again with each L1 block, where there is nothing else", () => {
    const driven = ready()
      .offer(transfer({ nonce: 1n }))
      .open();
    again(driven);
    driven.mine(FIRST_BLOCK + 1n);
    expect(driven.all("openSession").length).toBe(2);
  });
});

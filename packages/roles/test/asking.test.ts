/** What is withheld is read or costs its poster the batch, from wherever the asking was left, and is paid for once. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type AskState, askLimit, nextAskStep } from "../src/index.ts";

const REVEAL_DELAY = 20n;
const BASE_PRICE = 3n;

/** The asks on a batch as Asks.sol keeps them. Times are in seconds, an L1 block is one. */
class ModelL1 {
  now = 100n;
  stands = true;
  readonly items: string[] = [];
  next = 0;
  servedAt = 0n;

  get until(): bigint | undefined {
    return this.next < this.items.length ? this.servedAt + REVEAL_DELAY : undefined;
  }

  priceOf(number: number): bigint {
    return BASE_PRICE << BigInt(Math.min(number, 8));
  }

  stateOf(item: string, maxPriceWei: bigint): AskState {
    const at = this.items.indexOf(item);
    const { stands, until, now } = this;
    const priceWei = this.priceOf(this.items.length);
    return {
      ...{ stands, isFinal: false, until, now, priceWei, maxPriceWei },
      wasAsked: at >= 0,
      wasAnswered: at >= 0 && at < this.next,
    };
  }

  ask(item: string, maxPriceWei: bigint): void {
    if (!this.stands || this.items.includes(item)) throw new Error("AlreadyAsked");
    if (this.priceOf(this.items.length) > maxPriceWei) throw new Error("TooDear");
    if (this.until === undefined) this.servedAt = this.now;
    this.items.push(item);
  }

  answer(): void {
    if (!this.stands || this.until === undefined) throw new Error("NotServed");
    this.next += 1;
    this.servedAt = this.now;
  }

  expire(): void {
    if (!this.stands || this.until === undefined || this.now < this.until) throw new Error("NotExpired");
    this.stands = false;
  }
}

/** what others ask for before, what they ask for meanwhile, after how many blocks each ask is answered; null: never */
const world = fc.record({
  before: fc.uniqueArray(fc.constantFrom("a", "b", "c", "own"), { maxLength: 4 }),
  rival: fc.boolean(),
  answeredIn: fc.array(fc.option(fc.integer({ min: 0, max: 40 }), { nil: null }), { minLength: 5, maxLength: 5 }),
});

it("ends in the answer where all is shown in time, in the batch's fall where something is not, with one ask for an item at the most", () => {
  fc.assert(
    fc.property(world, ({ before, rival, answeredIn }) => {
      const l1 = new ModelL1();
      const most = l1.priceOf(8);
      for (const item of before) l1.ask(item, most);
      for (let block = 0; ; block++) {
        expect(block).toBeLessThan(300);
        // nothing is remembered between two steps: this is what a crash leaves
        const step = nextAskStep(l1.stateOf("own", most));
        if (step.kind === "read" || step.kind === "leave") {
          expect(step.kind).toBe(l1.stands ? "read" : "leave");
          break;
        }
        expect(step.kind).not.toBe("tooDear");
        if (step.kind === "ask") {
          expect(step.priceWei).toBe(l1.priceOf(l1.items.length));
          l1.ask("own", step.priceWei);
        }
        if (step.kind === "expire") {
          expect(answeredIn[l1.next] ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(Number(REVEAL_DELAY));
          l1.expire();
        }
        l1.now += 1n;
        if (rival && l1.stands && !l1.items.includes("rival")) l1.ask("rival", most);
        const answerAfter = answeredIn[l1.next];
        const isShown = answerAfter !== null && answerAfter !== undefined;
        if (l1.stands && l1.until !== undefined && isShown && l1.now >= l1.servedAt + BigInt(answerAfter)) l1.answer();
      }
      expect(l1.items.filter((item) => item === "own").length).toBeLessThanOrEqual(1);
    }),
  );
});

const OPEN: AskState = {
  stands: true,
  isFinal: false,
  wasAsked: true,
  wasAnswered: false,
  until: 50n,
  now: 10n,
  priceWei: 1n,
  maxPriceWei: 1n,
};

it("takes what others asked for as its own: waits for it, reads it, has the batch dropped for it", () => {
  expect(nextAskStep(OPEN)).toEqual({ kind: "wait" });
  expect(nextAskStep({ ...OPEN, wasAnswered: true, until: undefined })).toEqual({ kind: "read" });
  expect(nextAskStep({ ...OPEN, now: 49n })).toEqual({ kind: "wait" });
  expect(nextAskStep({ ...OPEN, now: 50n })).toEqual({ kind: "expire" });
});

it("reads an answer that came late, or of a batch that fell, rather than have the batch dropped", () => {
  expect(nextAskStep({ ...OPEN, wasAnswered: true, now: 60n })).toEqual({ kind: "read" });
  expect(nextAskStep({ ...OPEN, wasAnswered: true, stands: false })).toEqual({ kind: "read" });
});

it("pays for nothing of a batch that fell, is final, or of which it costs more than it may", () => {
  const unasked = { ...OPEN, wasAsked: false, until: undefined };
  expect(nextAskStep({ ...unasked, stands: false })).toEqual({ kind: "leave" });
  expect(nextAskStep({ ...unasked, isFinal: true })).toEqual({ kind: "leave" });
  expect(nextAskStep({ ...unasked, priceWei: 2n })).toEqual({ kind: "tooDear", priceWei: 2n });
  expect(nextAskStep(unasked)).toEqual({ kind: "ask", priceWei: 1n });
});

it("by default an ask costs half of what a conviction brings at the most, and what sixteen first ones cost in any case", () => {
  expect(askLimit(25n, 0n, 3_000)).toBe(400n);
  // a poster that makes its asks dear by asking itself has to have little to lose
  expect(askLimit(25n, 100_000n, 3_000)).toBe(15_000n);
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 24n), fc.bigInt(0n, 10n ** 28n), fc.nat({ max: 10_000 }), (price, lock, share) => {
      const limit = askLimit(price, lock, share);
      expect(limit === 16n * price || 2n * limit <= lock).toBe(true);
    }),
  );
});

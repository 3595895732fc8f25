import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { held, type Pause, ranSince, released } from "../src/chainClock.ts";

const DELAY = 3n;
/** A second of a clock's life: whether it is held or released in it; a release of nothing is none. */
const seconds = fc.array(fc.constantFrom("hold", "release", "none"), { minLength: 1, maxLength: 60 });

/** The clock after those seconds, and second by second whether it ran, by counting. */
function lived(life: readonly string[]): { readonly last: Pause | undefined; readonly ran: readonly boolean[] } {
  let last: Pause | undefined;
  let holds = 0;
  let standsUntil = 0n;
  const ran = life.map((what, i) => {
    const now = BigInt(i);
    if (what === "hold") {
      last = held(last, now);
      holds += 1;
    } else if (what === "release" && holds > 0) {
      last = released(last!, now, DELAY);
      holds -= 1;
      if (holds === 0) standsUntil = now + DELAY;
    }
    return holds === 0 && now >= standsUntil;
  });
  return { last, ran };
}

describe("a chain's clock", () => {
  it("is over a window exactly where it ran for so many seconds", () => {
    const property = fc.property(seconds, fc.integer({ min: 1, max: 20 }), (life, window) => {
      const { last, ran } = lived(life);
      const now = life.length;
      const until = Number(ranSince(last, BigInt(window), BigInt(now)));
      for (let since = 0; since <= now; since++)
        expect(since <= until, `${since}`).toBe(ran.slice(since).filter(Boolean).length >= window);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("that never stood is over a window after that time", () => {
    expect(ranSince(undefined, 120n, 1_000n)).toBe(880n);
  });
});

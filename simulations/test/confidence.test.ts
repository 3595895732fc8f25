/** Bounds of what is measured: they hold the true value nearly always, and get narrow. */
import { describe, expect, it } from "vitest";
import { boundsOfMean, boundsOfRate, isWithin } from "../src/confidence.ts";
import { SeededRandom } from "../src/seededRandom.ts";

const MEASUREMENTS = 400;
const TRIES = 300;
/** Of the measurements whose bounds do not hold the true value: one in a thousand, and some more by chance. */
const MAX_MISSED = 4;

describe("the bounds of a measurement", () => {
  it.each([0.01, 0.11, 0.5, 0.9])("hold the true rate of %d nearly always", (rate) => {
    const draw = new SeededRandom(`confidence/${rate}`);
    const hitsOf = (): number => Array.from({ length: TRIES }, () => draw.fraction()).filter((x) => x < rate).length;
    const missed = Array.from({ length: MEASUREMENTS }, () => isWithin(rate, boundsOfRate(hitsOf(), TRIES)));
    expect(missed.filter((isHeld) => !isHeld).length).toBeLessThanOrEqual(MAX_MISSED);
  });

  it("hold the true mean nearly always", () => {
    const draw = new SeededRandom("confidence/mean");
    const missed = Array.from({ length: MEASUREMENTS }, () =>
      isWithin(0.5, boundsOfMean(Array.from({ length: TRIES }, () => draw.fraction()))),
    );
    expect(missed.filter((isHeld) => !isHeld).length).toBeLessThanOrEqual(MAX_MISSED);
  });

  it("tell rates apart that differ, the more samples there are", () => {
    expect(isWithin(0.11, boundsOfRate(150, 1_000))).toBe(false);
    expect(isWithin(0.11, boundsOfRate(15, 100))).toBe(true);
    expect(boundsOfRate(0, 100).low).toBe(0);
    expect(boundsOfRate(100, 100).high).toBeCloseTo(1, 9);
  });
});

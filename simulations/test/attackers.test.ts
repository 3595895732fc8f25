/** The attackers of the game of blindness: they find what there is to be found, and nothing where there is nothing. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accuracy, bayes, priorOf, type Sample, trained } from "../src/attackers.ts";
import { SeededRandom } from "../src/seededRandom.ts";

const CLASSES = 4;
const KINDS = [
  ["bayes", bayes],
  ["trained", trained],
] as const;

/** Samples of drawn classes, the first ones the most frequent, with features that follow from the class and a draw. */
function samplesOf(
  seed: number,
  count: number,
  featuresOf: (truth: number, draw: SeededRandom) => readonly string[],
): readonly Sample[] {
  const draw = new SeededRandom(`attackers/${seed}`);
  return Array.from({ length: count }, () => {
    const truth = Math.min(draw.below(CLASSES), draw.below(CLASSES));
    return { truth, features: featuresOf(truth, draw) };
  });
}

const halves = (samples: readonly Sample[]): readonly [readonly Sample[], readonly Sample[]] => [
  samples.slice(0, samples.length / 2),
  samples.slice(samples.length / 2),
];

describe.each(KINDS)("the attacker %s", (_name, make) => {
  it("guesses what a feature tells, also where others say nothing", () => {
    const tell = (truth: number, draw: SeededRandom): readonly string[] => [
      String(draw.below(3)),
      draw.fraction() < 0.9 ? `mark ${truth}` : `mark ${draw.below(CLASSES)}`,
    ];
    const [known, asked] = halves(samplesOf(1, 1_200, tell));
    const prior = accuracy(priorOf(CLASSES, known), asked);
    expect(accuracy(make(CLASSES, known), asked)).toBeGreaterThan(0.85);
    expect(prior).toBeLessThan(0.6);
  });

  it("guesses no better than the prior where features say nothing", () => {
    const [known, asked] = halves(samplesOf(2, 4_000, (_truth, draw) => [String(draw.below(5))]));
    const prior = accuracy(priorOf(CLASSES, known), asked);
    expect(accuracy(make(CLASSES, known), asked)).toBeLessThanOrEqual(prior + 0.02);
  });

  it("gives every class a number, for features that it has never seen, and from no samples at all", () => {
    const words = fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.nat({ max: 20 }), words, (count, features) => {
        const scores = make(
          CLASSES,
          samplesOf(3, count, () => ["a"]),
        )({ features });
        expect(scores.length).toBe(CLASSES);
        for (const score of scores) expect(Number.isFinite(score)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

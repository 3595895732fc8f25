/**
 * Who guesses which of several classes a sample is of, from features that it has seen samples of before: a Bayes attacker that takes features
 * for independent, and a classifier that is trained. Both follow from what they are given, to the last bit.
 */

/** What a sample shows, each feature a word; and the class that it is of. */
export type Sample = { readonly features: readonly string[]; readonly truth: number };

export type Attacker = (sample: Pick<Sample, "features">) => readonly number[];

/** The class that an attacker holds for the likeliest. */
export const guess = (scores: readonly number[]): number => scores.indexOf(Math.max(...scores));

/** Share of samples of which the likeliest class is the true one. */
export const accuracy = (attacker: Attacker, samples: readonly Sample[]): number =>
  samples.filter((sample) => guess(attacker(sample)) === sample.truth).length / Math.max(1, samples.length);

/** Who knows how often each class comes, and nothing else: logarithms of shares, with one sample more of each. */
export function priorOf(classes: number, known: readonly Sample[]): Attacker {
  const counts = new Array<number>(classes).fill(1);
  for (const { truth } of known) counts[truth] = counts[truth]! + 1;
  const scores = counts.map((count) => Math.log(count / (known.length + classes)));
  return () => scores;
}

/** Naive Bayes: the prior, and for each feature how often its word came with each class. */
export function bayes(classes: number, known: readonly Sample[]): Attacker {
  const prior = priorOf(classes, known)({ features: [] });
  const ofClass = new Array<number>(classes).fill(0);
  const tables: Map<string, number[]>[] = [];
  for (const { features, truth } of known) {
    ofClass[truth] = ofClass[truth]! + 1;
    for (const [place, word] of features.entries()) {
      tables[place] ??= new Map();
      const counts = tables[place].get(word) ?? new Array<number>(classes).fill(0);
      counts[truth] = counts[truth]! + 1;
      tables[place].set(word, counts);
    }
  }
  return ({ features }) =>
    prior.map((score, of) =>
      features.reduce((sum, word, place) => {
        const table = tables[place];
        const count = table?.get(word)?.[of] ?? 0;
        return sum + Math.log((count + 1) / (ofClass[of]! + (table?.size ?? 0) + 1));
      }, score),
    );
}

/** Rounds over all samples, and how far each moves the weights. */
const ROUNDS = 20;
const RATE = 0.05;
const DECAY = 1e-4;

/** Multinomial logistic regression on the words of features, by stochastic gradient descent in the order of the samples. */
export function trained(classes: number, known: readonly Sample[]): Attacker {
  const weights = new Map<string, Float64Array>();
  const names = (features: readonly string[]): readonly string[] => ["", ...features.map((word, i) => `${i} ${word}`)];
  const rowsOf = (features: readonly string[]): readonly Float64Array[] =>
    names(features).flatMap((name) => weights.get(name) ?? []);
  const scoresOf = (rows: readonly Float64Array[]): number[] =>
    Array.from({ length: classes }, (_, of) => rows.reduce((sum, row) => sum + row[of]!, 0));
  for (const { features } of known)
    for (const name of names(features)) if (!weights.has(name)) weights.set(name, new Float64Array(classes));
  for (let round = 0; round < ROUNDS; round++) {
    const rate = RATE / (1 + round / 4);
    for (const { features, truth } of known) {
      const rows = rowsOf(features);
      const scores = scoresOf(rows);
      const most = Math.max(...scores);
      const odds = scores.map((score) => Math.exp(score - most));
      const total = odds.reduce((sum, odd) => sum + odd, 0);
      for (const row of rows)
        for (let of = 0; of < classes; of++)
          row[of]! -= rate * (odds[of]! / total - (of === truth ? 1 : 0) + DECAY * row[of]!);
    }
  }
  return ({ features }) => scoresOf(rowsOf(features));
}

/** What a public suite is, and what a run of one gives. */

export type Failure = {
  readonly file: string;
  readonly test: string;
  readonly fork: string;
  readonly indexes: object;
  readonly fault: string;
};

export type Tally = {
  passed: number;
  readonly failures: Failure[];
  /** cases that were not run, by the reason */
  readonly skippedWhy: Record<string, number>;
};

export type Suite = {
  readonly name: string;
  readonly summary: string;
  /** why the suite cannot be run here; null: it can */
  readonly whyAbsent: () => string | null;
  readonly run: () => Promise<Tally>;
};

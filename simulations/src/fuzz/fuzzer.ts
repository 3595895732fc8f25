/** What a fuzzer is: a name, a line about it, and runs that follow from a seed and say where two readers of the same rules part. */

export type Finding = {
  /** with the seed, what makes the same case again: `--seed S --run I` */
  readonly run: number;
  readonly difference: object;
  /** the smallest case that was found to show it, and how many were tried */
  readonly smallest: object;
  readonly tried: number;
};

export type FuzzRange = { readonly seed: number; readonly from: number; readonly runs: number };

export type Fuzzer = {
  readonly name: string;
  readonly summary: string;
  /** Runs a range; reports each of the first findings, made small, and gives the number of runs that differ. */
  readonly run: (
    range: FuzzRange,
    report: (finding: Finding) => void,
    note: (text: string) => void,
  ) => Promise<{ readonly differences: number }>;
};

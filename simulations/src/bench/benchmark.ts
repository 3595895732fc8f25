/** What a benchmark is: a name, a line about it, and a run that reports its result lines. */

/** One result: keys as design page 90 promises them. */
export type ResultLine = { readonly bench: string } & Readonly<Record<string, string | number | object>>;

export type Benchmark = {
  readonly name: string;
  readonly summary: string;
  /** Measures and reports each result as it is there; `note` tells a human how far it is. */
  readonly run: (report: (line: ResultLine) => void, note: (text: string) => void) => Promise<void>;
};

/** Seconds of processor time that this process has used, all its threads together. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

/** The middle one of an odd number of values, the upper of the two middle ones of an even. */
export const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)]!;

/** Rounds a figure to three significant digits. */
export const rounded = (value: number): number => Number(value.toPrecision(3));

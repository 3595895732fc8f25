/** What the jobs of one chain read: foretold when a job is made, compared and learned from when it is done, and counted. */
import { type Outcome, type StateEntry, type StateKey, stateKeyId } from "@mvm/protocol";
import { Predictions } from "./predictions.ts";
import type { Call } from "./readPatterns.ts";

/** Counts since the start, over all jobs that were agreed on. */
export type ReadCounts = {
  readonly jobs: number;
  /** values that the transactions of a job read, each once a job, but those that every job has: accounts and code of senders and receivers, what the charter says */
  readonly reads: number;
  /** those of them that were predicted, so that the job had them */
  readonly predictedReads: number;
  /** values that were predicted, read or not */
  readonly predictions: number;
  /** requests for values that did not come with a job, of all its seats together: round trips */
  readonly valuesRequests: number;
};

const NO_COUNTS: ReadCounts = { jobs: 0, reads: 0, predictedReads: 0, predictions: 0, valuesRequests: 0 };

type Foretold = {
  /** keys that the job has in any case */
  readonly given: Set<string>;
  readonly predicted: Set<string>;
  valuesRequests: number;
};

const idsOf = (keys: readonly StateKey[]): Set<string> => new Set(keys.map(stateKeyId));

export class JobReads {
  readonly #predictions = new Predictions();
  /** of the job on its way */
  #job: Foretold = { given: new Set(), predicted: new Set(), valuesRequests: 0 };
  #counts = NO_COUNTS;

  get counts(): ReadCounts {
    return this.#counts;
  }

  /**
   * Begins a job.
   * @param keys that it has in any case
   * @returns other keys whose values its transactions will read
   */
  foretell(calls: readonly Call[], keys: readonly StateKey[]): readonly StateKey[] {
    const given = idsOf(keys);
    const predicted = this.#predictions.predict(calls, given);
    this.#job = { given, predicted: idsOf(predicted), valuesRequests: 0 };
    return predicted;
  }

  /** The values that the job has: code comes with accounts, and what the charter says with all. */
  opened(entries: readonly StateEntry[]): void {
    const { given, predicted } = this.#job;
    const codes = new Set<string>();
    for (const entry of entries) {
      const id = stateKeyId(entry);
      if (entry.kind === "account" && entry.value !== null && given.has(id))
        codes.add(stateKeyId({ kind: "code", hash: entry.value.codeHash }));
    }
    for (const entry of entries) {
      const id = stateKeyId(entry);
      if (entry.kind === "code" && !codes.has(id)) predicted.add(id);
      else if (!predicted.has(id)) given.add(id);
    }
  }

  /** A seat has asked for values. */
  asked(): void {
    this.#job.valuesRequests += 1;
  }

  /** The job is done. Outcomes are of the first calls, in their order. */
  agreed(calls: readonly Call[], outcomes: readonly Outcome[]): void {
    const { given, predicted, valuesRequests } = this.#job;
    const done = outcomes.flatMap((outcome, i) =>
      outcome.kind === "included" ? [{ call: calls[i]!, reads: outcome.reads }] : [],
    );
    const read = [...idsOf(done.flatMap(({ reads }) => reads))].filter((id) => !given.has(id));
    const { jobs, reads, predictedReads, ...counts } = this.#counts;
    this.#counts = {
      jobs: jobs + 1,
      reads: reads + read.length,
      predictedReads: predictedReads + read.filter((id) => predicted.has(id)).length,
      predictions: counts.predictions + predicted.size,
      valuesRequests: counts.valuesRequests + valuesRequests,
    };
    this.#predictions.learn(done, given);
  }
}

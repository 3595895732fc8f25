/** Jobs in their blind form: what a provider sees, and what it signs (design page 20). */

import { jobIdCodec } from "./blocks.ts";
import { type Codec, encode, hexOf, list, struct } from "./codec.ts";
import type { BlockEnvironment, Outcome, StateEntry, TransactionMessage } from "./execution.ts";
import { blockEnvironmentCodec, outcomeCodec, stateEntryCodec, transactionMessageCodec } from "./executionCodecs.ts";
import { taggedHash } from "./hash.ts";
import { type NetworkIdentity, networkDomain } from "./network.ts";
import { LIMITS } from "./parameters.ts";
import type { Hash, Hex, JobId } from "./primitives.ts";

/** Messages, environment and predicted values: no chain, no block number, no roots, no proofs. */
export type Job = {
  readonly jobId: JobId;
  readonly environment: BlockEnvironment;
  readonly messages: readonly TransactionMessage[];
  readonly values: readonly StateEntry[];
};

export const jobCodec: Codec<Job> = struct({
  jobId: jobIdCodec,
  environment: blockEnvironmentCodec,
  messages: list(transactionMessageCodec, LIMITS.blockTransactions),
  values: list(stateEntryCodec, LIMITS.jobReadKeys),
});

const outcomesCodec = list(outcomeCodec, LIMITS.blockTransactions);

export type JobResult = {
  readonly outcomes: readonly Outcome[] /** BLS, 96 bytes, over resultDigest */;
  readonly signature: Hex;
};

export const jobResultCodec: Codec<JobResult> = struct({ outcomes: outcomesCodec, signature: hexOf(96) });

/**
 * The longest beginning of a job's outcomes that a result may carry (LIMITS.resultBytes, at least one outcome). What
 * becomes of a message depends on those before it alone, so any beginning stands; all who execute cut alike.
 */
export function fittingOutcomes(outcomes: readonly Outcome[]): readonly Outcome[] {
  let bytes = 0;
  const end = outcomes.findIndex((outcome, i) => {
    bytes += encode(outcomeCodec, outcome).length;
    return i > 0 && bytes > LIMITS.resultBytes;
  });
  return end < 0 ? outcomes : outcomes.slice(0, end);
}

/** The digest that a provider signs: this network, this job, this result. */
export const resultDigest = (network: NetworkIdentity, jobId: JobId, result: Hash): Hash =>
  taggedHash("mvm/result/1", networkDomain(network), jobId, result);

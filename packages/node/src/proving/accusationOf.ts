/** From a fault that was found to the call that proves it: what L1 itself says of it is asked before anything is risked. */
import {
  type AccusedBatch,
  askDerivation,
  askReplay,
  isRangeOpened,
  type L1Call,
  openBatchRange,
  postingOf,
  proveDerivation,
  standingBatches,
} from "@mvm/l1";
import { type BatchHeader, hashBatchHeader } from "@mvm/protocol";
import { openAtChallenge, toBlob } from "@mvm/protocol/blobs";
import { ConfigError } from "../config.ts";
import type { Operator } from "../operator/operator.ts";
import type { FoundFault } from "./batchFault.ts";
import { faultProof } from "./faultProof.ts";

export type Accusation =
  /** gas: what L1 estimates for its judgement alone; undefined where it only compares what is handed in */
  | { readonly kind: "ready"; readonly found: FoundFault; readonly call: L1Call; readonly gas: bigint | undefined }
  /** L1 has to be shown first what the batch's blob holds, by a call that anybody may make */
  | { readonly kind: "unopened"; readonly found: FoundFault; readonly opening: L1Call }
  /** one transaction of L1 cannot judge it, or L1 does not see the difference: then nothing is risked */
  | { readonly kind: "no-verdict"; readonly reason: string };

export type Accused = {
  readonly header: BatchHeader;
  readonly previous: BatchHeader | undefined;
  /** all bytes of data in the blob that the batch is in; asked for only where that has to be opened */
  readonly blob: () => Promise<Uint8Array>;
};

type Sender = Pick<Operator, "l1" | "deployedAtBlock">;

/**
 * Puts the call together that proves the first of the faults of a batch that L1 sees, or the one that has to come before it.
 * @throws ConfigError not-yet where the batch does not stand on L1 (any more); L1Error; what `blob` throws
 */
export async function accusationOf(
  sender: Sender,
  batch: Accused,
  faults: readonly [FoundFault, ...FoundFault[]],
): Promise<Accusation> {
  const { l1, deployedAtBlock } = sender;
  const { header, previous } = batch;
  const { chainId, firstBlock } = header;
  const standing = await standingBatches(l1, { chainId, downTo: firstBlock, fromBlock: deployedAtBlock });
  const own = standing.find(({ batchHash }) => batchHash === hashBatchHeader(header));
  if (own === undefined) throw new ConfigError("not-yet", `batch ${header.index} does not stand on L1 any more`);
  const accused = { header, posting: await postingOf(l1, own), previous };
  const reasons: string[] = [];
  for (const found of faults) {
    const accusation = await accusationBy(sender, { ...batch, accused }, found);
    if (accusation.kind !== "no-verdict") return accusation;
    reasons.push(accusation.reason);
  }
  return { kind: "no-verdict", reason: reasons.join("; ") };
}

async function accusationBy(
  { l1 }: Sender,
  { accused, header, blob }: Accused & { readonly accused: AccusedBatch },
  found: FoundFault,
): Promise<Accusation> {
  const { fault, position, ...place } = found;
  if (fault.proof === "derivation") {
    const { derivation } = fault;
    if ("data" in derivation.proof && !(await isRangeOpened(l1, header)))
      return { kind: "unopened", found, opening: await openingOf(l1, header, await blob()) };
    const answer = await askDerivation(l1, header, derivation);
    if (answer.kind === "no-verdict") return answer;
    if (!answer.isFraud) return { kind: "no-verdict", reason: `L1 sees no fault of ${derivation.kind}` };
    return { kind: "ready", found, call: proveDerivation(l1.addresses, accused, derivation), gas: answer.gas };
  }
  if (position === null) throw new RangeError(`a fault of ${fault.proof} is one of a block`);
  const at = { ...place, batch: accused, position };
  if (fault.proof !== "execution")
    return { kind: "ready", found, call: faultProof(l1.addresses, fault, at), gas: undefined };
  const { facts, before, raw, index, claimed, evidence } = fault.wrong;
  const answer = await askReplay(l1, { facts, before, raw, index, claimed, evidence });
  if (answer.kind === "no-verdict") return answer;
  if (!answer.differs) return { kind: "no-verdict", reason: "L1's replay comes to the claimed checkpoint" };
  return { kind: "ready", found, call: faultProof(l1.addresses, fault, at, answer.evidence), gas: answer.gas };
}

async function openingOf({ addresses }: Operator["l1"], header: BatchHeader, data: Uint8Array): Promise<L1Call> {
  return openBatchRange(addresses, header, data, await openAtChallenge(toBlob(data)));
}

/** From a fault that was found to the call that proves it: what L1 itself says of it is asked before anything is risked. */
import {
  type AccusedBatch,
  answerTo,
  askDerivation,
  askReplay,
  askVerifier,
  countTransactions,
  type DerivationProof,
  type DerivationProofs,
  encodePartFault,
  encodeWork,
  isBlobMalformed,
  isCounted,
  isRangeOpened,
  type L1Call,
  MAX_TRANSACTION_BYTES,
  openBatchRange,
  openOversizedElement,
  postingOf,
  proveDerivation,
  provePart,
  proveWork,
  standingBatches,
} from "@mvm/l1";
import { type BatchHeader, hashBatchHeader, type PartsItem } from "@mvm/protocol";
import { blobCommitment, fromBlob, openAtChallenge, openElement, oversizedElement } from "@mvm/protocol/blobs";
import { ConfigError } from "../config.ts";
import type { Operator } from "../operator/operator.ts";
import type { Wanted } from "./asker.ts";
import type { FoundFault } from "./batchFault.ts";
import { blockWord } from "./commitments.ts";
import { faultProof } from "./faultProof.ts";
import { partFinding, stretchFinding } from "./partFinding.ts";

export type Accusation =
  /**
   * gas: what L1 estimates for its judgement alone; undefined where it only compares what is handed in. part: which is proven wrong of how
   * many, where one transaction of L1 cannot replay all of them
   */
  | {
      readonly kind: "ready";
      readonly found: FoundFault;
      readonly call: L1Call;
      readonly gas: bigint | undefined;
      readonly part?: { readonly number: number; readonly of: number };
    }
  /** the poster has to show first what it claims between the transaction's parts */
  | { readonly kind: "unshown"; readonly found: FoundFault; readonly wanted: Wanted }
  /**
   * L1 has to be shown first what the batch's blob holds, or has to count transactions of a block that has more than one transaction of
   * L1, by a call that anybody may make
   */
  | { readonly kind: "unopened"; readonly found: FoundFault; readonly opening: L1Call }
  /** one transaction of L1 cannot judge it, or L1 does not see the difference: then nothing is risked */
  | { readonly kind: "no-verdict"; readonly reason: string };

export type Accused = {
  readonly header: BatchHeader;
  readonly previous: BatchHeader | undefined;
  /** the blob that the batch is in, 131,072 bytes; asked for only where that has to be opened */
  readonly blob: () => Promise<Uint8Array>;
};

/** L1 cannot replay a transaction at once. */
type TooHeavy = { readonly kind: "too-heavy"; readonly reason: string };
const TOO_HEAVY: TooHeavy = { kind: "too-heavy", reason: "one transaction of L1 cannot replay it" };

/** Of a transaction that nodes of L1 pass on, what is left beside its other fields. */
const MAX_CALLDATA_BYTES = MAX_TRANSACTION_BYTES - 1_072;

type Sender = Pick<Operator, "l1" | "deployedAtBlock">;

/**
 * Puts the call together that proves the first of the faults of a batch that L1 sees, or the one that has to come before it. What L1
 * cannot replay at once is proven part by part, where nothing else shows that the batch is wrong.
 * @param options.inParts that L1 cannot is known already
 * @throws ConfigError not-yet where the batch does not stand on L1 (any more); L1Error; what `blob` throws
 */
export async function accusationOf(
  sender: Sender,
  batch: Accused,
  faults: readonly [FoundFault, ...FoundFault[]],
  { inParts = false }: { readonly inParts?: boolean } = {},
): Promise<Accusation> {
  const { l1, deployedAtBlock } = sender;
  const { header, previous } = batch;
  const { chainId, firstBlock } = header;
  const standing = await standingBatches(l1, { chainId, downTo: firstBlock, fromBlock: deployedAtBlock });
  const own = standing.find(({ batchHash }) => batchHash === hashBatchHeader(header));
  if (own === undefined) throw new ConfigError("not-yet", `batch ${header.index} does not stand on L1 any more`);
  const accused = { header, posting: await postingOf(l1, own), previous };
  const reasons: string[] = [];
  const heavy: FoundFault[] = [];
  for (const found of faults) {
    const isHeavy = inParts && found.fault.proof === "execution";
    const accusation = isHeavy ? TOO_HEAVY : await accusationBy(sender, { ...batch, accused }, found);
    if (accusation.kind === "too-heavy") heavy.push(found);
    else if (accusation.kind !== "no-verdict") return accusation;
    if ("reason" in accusation) reasons.push(accusation.reason);
  }
  for (const found of heavy) {
    const accusation = await accusationInParts(sender, { accused, fromBlock: own.l1Block }, found);
    if (accusation.kind !== "no-verdict") return accusation;
    reasons.push(accusation.reason);
  }
  return { kind: "no-verdict", reason: reasons.join("; ") };
}

/** The proof of a wrong part, by what its poster showed. */
async function accusationInParts(
  { l1 }: Sender,
  { accused, fromBlock }: { readonly accused: AccusedBatch; readonly fromBlock: bigint },
  found: FoundFault,
): Promise<Accusation> {
  const { fault, position, committed } = found;
  if (fault.proof !== "execution" || position === null) throw new RangeError("only what is executed has parts");
  const { header } = accused;
  const own = await fault.wrong.parts();
  const word = blockWord(committed, position);
  const item: PartsItem = { kind: "parts", position, index: fault.wrong.index };
  const shown = (await answerTo(l1, { header, fromBlock, item }))?.answer;
  if (shown?.kind !== "parts") return { kind: "unshown", found, wanted: { header, fromBlock, item, word } };
  let finding = partFinding(own, shown);
  if (finding.kind === "needed") {
    const wanted = { header, fromBlock, item: finding.item, around: shown };
    const inner = (await answerTo(l1, wanted))?.answer;
    if (inner?.kind !== "stretch") return { kind: "unshown", found, wanted };
    finding = stretchFinding(own, shown, { ...finding.item, leaves: inner.leaves });
  }
  if (finding.kind !== "fault") return { kind: "no-verdict", reason: "the transaction's parts are as they have to be" };
  const answer = await askVerifier(l1, "partVerifier", header, encodePartFault(finding.fault));
  if (answer.kind === "no-verdict") return answer;
  if (!answer.isFraud) return { kind: "no-verdict", reason: `L1 sees no fault of part ${finding.part}` };
  const part = { number: finding.part, of: own.length };
  return { kind: "ready", found, call: provePart(l1.addresses, accused, finding.fault), gas: answer.gas, part };
}

async function accusationBy(
  { l1 }: Sender,
  { accused, header, blob }: Accused & { readonly accused: AccusedBatch },
  found: FoundFault,
): Promise<Accusation | TooHeavy> {
  const { fault, position, ...place } = found;
  if (fault.proof === "derivation") {
    const { derivation } = fault;
    const opening = await openingOf(l1, { header, blob }, derivation);
    if (opening !== null) return { kind: "unopened", found, opening };
    const answer = await askDerivation(l1, accused, derivation);
    if (answer.kind === "no-verdict") return answer;
    if (!answer.isFraud) return { kind: "no-verdict", reason: `L1 sees no fault of ${derivation.kind}` };
    return { kind: "ready", found, call: proveDerivation(l1.addresses, accused, derivation), gas: answer.gas };
  }
  if (fault.proof === "work") {
    const opening = await rangeOpeningOf(l1, { header, blob });
    if (opening !== null) return { kind: "unopened", found, opening };
    const answer = await askVerifier(l1, "workVerifier", header, encodeWork(fault.work));
    if (answer.kind === "no-verdict") return answer;
    if (!answer.isFraud) return { kind: "no-verdict", reason: `L1 sees no fault of ${fault.work.kind}` };
    return { kind: "ready", found, call: proveWork(l1.addresses, accused, fault.work), gas: answer.gas };
  }
  if (position === null) throw new RangeError(`a fault of ${fault.proof} is one of a block`);
  const at = { ...place, batch: accused, position };
  if (fault.proof !== "execution")
    return { kind: "ready", found, call: faultProof(l1.addresses, fault, at), gas: undefined };
  const { facts, before, raw, index, claimed, evidence } = fault.wrong;
  const answer = await askReplay(l1, { facts, before, raw, index, claimed, evidence });
  if (answer.kind === "no-verdict") return { ...answer, kind: "too-heavy" };
  if (!answer.differs) return { kind: "no-verdict", reason: "L1's replay comes to the claimed checkpoint" };
  const call = faultProof(l1.addresses, fault, at, answer.evidence);
  const bytes = (call.data.length - 2) / 2;
  if (bytes > MAX_CALLDATA_BYTES) return { kind: "too-heavy", reason: `its proof has ${bytes} bytes` };
  return { kind: "ready", found, call, gas: answer.gas };
}

/** What L1 has to be shown before it can judge a proof; null: nothing. */
async function openingOf(
  l1: Operator["l1"],
  { header, blob }: Pick<Accused, "header" | "blob">,
  { kind, proof }: DerivationProof,
): Promise<L1Call | null> {
  if (kind === "closing") return countingOf(l1, header, proof);
  if (kind === "blob")
    return (await isBlobMalformed(l1, header.blobHash)) ? null : oversizedOpeningOf(l1, header, await blob());
  return "data" in proof ? rangeOpeningOf(l1, { header, blob }) : null;
}

/** What L1 has to be shown of the blob that a batch is in; null: nothing, or it is in none. */
export async function rangeOpeningOf(
  l1: Operator["l1"],
  { header, blob }: Pick<Accused, "header" | "blob">,
): Promise<L1Call | null> {
  if (await isRangeOpened(l1, header)) return null;
  const bytes = await blob();
  return openBatchRange(l1.addresses, header, fromBlob(bytes), await openAtChallenge(bytes));
}

/** Null: all elements are data. */
async function oversizedOpeningOf(
  { addresses }: Operator["l1"],
  { blobHash }: BatchHeader,
  blob: Uint8Array,
): Promise<L1Call | null> {
  const index = oversizedElement(blob);
  if (index === undefined) return null;
  const commitment = await blobCommitment(blob);
  return openOversizedElement(addresses, blobHash, index, { ...(await openElement(blob, index)), commitment });
}

/** Has L1 count the first stretch before a proof's that it has not; null: there is none. */
async function countingOf(
  l1: Operator["l1"],
  { chainId }: BatchHeader,
  { counted, before }: DerivationProofs["closing"],
): Promise<L1Call | null> {
  let next = counted.length;
  // what was counted says that all before it was
  while (next > 0 && !(await isCounted(l1, chainId, counted[next]?.before ?? before))) next--;
  const stretch = counted[next];
  return stretch === undefined ? null : countTransactions(l1.addresses, chainId, stretch);
}

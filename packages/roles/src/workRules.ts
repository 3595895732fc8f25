/** Whether a block's randomness is its sequencer's, and whether the seats that it names did its job (design page 20): F4. */
import {
  type Address,
  type BlockContext,
  blsSignatureOf,
  type ChainId,
  FormatError,
  type Hash,
  type Hex,
  jobIdOf,
  type NetworkIdentity,
  networkDomain,
  resultDigest,
  type ShownEvidence,
  servedBy,
  shownEvidence,
  shownEvidenceHash,
  type UnsignedBlock,
  verifyBls,
  vrfMessage,
  vrfOutput,
  vrfVerify,
} from "@mvm/protocol";
import { paidBy } from "./blockLayout.ts";
import type { L1View } from "./l1View.ts";

/** Of a block, or of what is posted of it, what its work is judged by. */
export type WorkClaim = Pick<BlockContext, "slot" | "randomness" | "work"> & {
  readonly chainId: ChainId;
  readonly generation: bigint;
  readonly number: bigint;
  readonly sequencer: Address;
};

/** What is wrong with a block's work, by the proof of it (IWorkProofs); `served`: number of the seat among those that served. */
export type WorkFinding =
  | { readonly kind: "randomness"; readonly reason: string }
  | { readonly kind: "seat" | "signature"; readonly served: number; readonly reason: string };

/**
 * What a block's sequencer proves its randomness for; undefined where the slot's randomness is not known. Nobody else can foresee the
 * proof, and the sequencer cannot choose it.
 */
export function randomnessMessage(
  view: L1View,
  network: NetworkIdentity,
  { chainId, generation, number, slot }: Pick<WorkClaim, "chainId" | "generation" | "number" | "slot">,
): ReturnType<typeof vrfMessage> | undefined {
  const randomness = view.valuesOf(slot)?.randomness;
  if (randomness === undefined) return undefined;
  const place = { epoch: slot, randomness, chainId, generation, blockNumber: number };
  return vrfMessage("block", networkDomain(network), place);
}

/**
 * What is wrong with a block's randomness, its seats or their signatures, by the evidence that it commits to; or null. WorkVerifier.sol
 * finds the same.
 * @param shown null: nobody shows it, so that only the seats are judged
 * @throws RangeError for a slot whose values the view does not know
 */
export function workFinding(
  view: L1View,
  network: NetworkIdentity,
  claim: WorkClaim,
  shown: ShownEvidence | null,
): WorkFinding | null {
  const { slot, randomness, work, sequencer } = claim;
  const message = randomnessMessage(view, network, claim);
  if (message === undefined) throw new RangeError(`the randomness of slot ${slot} is not known`);
  const key = view.anySequencer(sequencer)?.blsPublicKey;
  if (shown !== null && !isDrawn(blsSignatureOf(shown.proof), randomness, message, key))
    return { kind: "randomness", reason: "randomness is not its sequencer's" };
  const jobId = jobIdOf(randomness, work.attempt);
  const holders = view.seatsOf(slot, jobId);
  const served = servedBy(work);
  const own = work.seats.flatMap((index, seat) => (index === null ? [] : [holders[seat]?.index === index]));
  const stranger = own.indexOf(false);
  if (stranger >= 0) return { kind: "seat", served: stranger, reason: "names others than the holders of its seats" };
  if (shown === null) return null;
  const { result, signatures } = shown;
  if (signatures.length !== served.length)
    return { kind: "signature", served: 0, reason: "not one signature for each seat that served" };
  const digest = resultDigest(network, jobId, result);
  const unsigned = served.findIndex((index, i) => {
    const signature = blsSignatureOf(signatures[i]!);
    return signature === null || !verifyBls(digest, view.provider(index)!.blsPublicKey, signature);
  });
  if (unsigned < 0) return null;
  return { kind: "signature", served: unsigned, reason: "a result that a seat did not sign" };
}

const isDrawn = (proof: Hex | null, randomness: Hash, message: Hash, publicKey: Hex | undefined): boolean =>
  proof !== null && publicKey !== undefined && vrfOutput(proof) === randomness && vrfVerify(publicKey, message, proof);

/**
 * What is wrong with the randomness of a block that follows the rules otherwise, with its seats or their signatures, or null. Nobody
 * posts a block of which it is not null: its poster would be convicted by it, or fined for what it cannot show.
 */
export function workFault(view: L1View, network: NetworkIdentity, block: UnsignedBlock): string | null {
  const { evidence, chainId, generation, context, header } = block;
  if (evidence === null) return "shows no evidence of its work";
  const [sequencer] = paidBy(block) ?? [];
  if (sequencer === undefined || view.anySequencer(sequencer) === undefined) return "of no sequencer";
  if (view.valuesOf(context.slot) === undefined) return "L1 values are not those of the slot";
  let shown: ShownEvidence;
  try {
    shown = shownEvidence(evidence);
  } catch (error) {
    if (error instanceof FormatError) return "evidence of no points";
    throw error;
  }
  if (shownEvidenceHash(shown) !== context.evidence) return "other evidence than it commits to";
  const { slot, randomness, work } = context;
  const claim = { chainId, generation, number: header.number, slot, randomness, work, sequencer };
  return workFinding(view, network, claim, shown)?.reason ?? null;
}

/**
 * The same of a block that is not on L1 yet: it is not followed without its evidence. Of blocks that are there the provers judge it.
 */
export const unpostedWorkFault = (view: L1View, network: NetworkIdentity, block: UnsignedBlock): string | null =>
  block.header.number <= view.postedHead(block.chainId) ? null : workFault(view, network, block);

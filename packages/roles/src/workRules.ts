/** Whether a block's randomness is its sequencer's, and whether the seats that it names did its job (design page 20). */
import {
  evidenceHash,
  FormatError,
  jobIdOf,
  type NetworkIdentity,
  networkDomain,
  resultDigest,
  servedBy,
  type UnsignedBlock,
  verifyBls,
  vrfMessage,
  vrfOutput,
  vrfVerify,
} from "@mvm/protocol";
import { paidBy } from "./blockLayout.ts";
import type { L1View } from "./l1View.ts";

/**
 * What a block's sequencer proves its randomness for; undefined where the slot's randomness is not known. Nobody else can foresee the
 * proof, and the sequencer cannot choose it.
 */
export function randomnessMessage(
  view: L1View,
  network: NetworkIdentity,
  {
    chainId,
    generation,
    number,
    slot,
  }: Pick<UnsignedBlock, "chainId" | "generation"> & { number: bigint; slot: bigint },
): ReturnType<typeof vrfMessage> | undefined {
  const randomness = view.valuesOf(slot)?.randomness;
  if (randomness === undefined) return undefined;
  const place = { epoch: slot, randomness, chainId, generation, blockNumber: number };
  return vrfMessage("block", networkDomain(network), place);
}

/**
 * What is wrong with the randomness of a block that follows the rules otherwise, with its seats or their signatures, or null. Of blocks
 * that are on L1 the provers judge it; one that is not there yet is neither followed nor posted by others without its evidence.
 */
export function workFault(view: L1View, network: NetworkIdentity, block: UnsignedBlock): string | null {
  const { evidence, chainId, generation, context, header } = block;
  const { slot, randomness, work } = context;
  if (header.number <= view.postedHead(chainId)) return null;
  if (evidence === null) return "shows no evidence of its work";
  const [operator] = paidBy(block) ?? [];
  const sequencer = operator && view.anySequencer(operator);
  if (sequencer === undefined) return "of no sequencer";
  const message = randomnessMessage(view, network, { chainId, generation, number: header.number, slot });
  if (message === undefined) return "L1 values are not those of the slot";
  try {
    if (evidenceHash(evidence) !== context.evidence) return "other evidence than it commits to";
    if (vrfOutput(evidence.proof) !== randomness || !vrfVerify(sequencer.blsPublicKey, message, evidence.proof))
      return "randomness is not its sequencer's";
  } catch (error) {
    if (error instanceof FormatError) return "evidence of no points";
    throw error;
  }
  const jobId = jobIdOf(randomness, work.attempt);
  const holders = view.seatsOf(slot, jobId);
  if (work.seats.some((index, seat) => index !== null && holders[seat]?.index !== index))
    return "names others than the holders of its seats";
  const served = servedBy(work);
  if (evidence.signatures.length !== served.length) return "not one signature for each seat that served";
  const digest = resultDigest(network, jobId, evidence.result);
  const isSigned = served.every((index, i) =>
    verifyBls(digest, view.provider(index)!.blsPublicKey, evidence.signatures[i]!),
  );
  return isSigned ? null : "a result that a seat did not sign";
}

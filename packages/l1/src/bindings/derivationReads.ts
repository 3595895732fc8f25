/** What the judges of posted data, and BlobOpenings, answer to a prover before it risks anything. */
import { type BatchHeader, type BlockTally, blobRange, type ChainId, type Hash } from "@mvm/protocol";
import { L1Error } from "../l1Error.ts";
import { type DerivationProof, encodeDerivation, tallyHash } from "./derivationCalls.ts";
import type { AccusedBatch } from "./proofCalls.ts";
import { type L1Reader, read } from "./readView.ts";
import { askVerifier, type VerifierAnswer } from "./verifierReads.ts";

/** Who judges what. */
const JUDGES = { derivation: "dataVerifier", context: "blockVerifier", closing: "closingVerifier" } as const;

/** Has L1 judge a proof about a batch without sending one. Throws L1Error where L1 cannot be asked. */
export function askDerivation(
  reader: L1Reader,
  { header, posting }: Pick<AccusedBatch, "header" | "posting">,
  proof: DerivationProof,
): Promise<VerifierAnswer> {
  const { fraud, bytes } = encodeDerivation(proof, posting);
  return askVerifier(reader, JUDGES[fraud], header, bytes);
}

/** Whether L1 was shown what the range of a batch in a blob holds; of calldata there is nothing to show. Throws L1Error. */
export async function isRangeOpened(
  reader: L1Reader,
  batch: Pick<BatchHeader, "blobHash" | "dataHash">,
): Promise<boolean> {
  const range = blobRange(batch);
  if (range === null) return true;
  const values = [batch.blobHash, range.offset, range.length];
  try {
    return await read(reader, { contract: "blobOpenings", method: "sliceHash", values }, () => true);
  } catch (error) {
    if (error instanceof L1Error && error.code === "reverted") return false;
    throw error;
  }
}

/** Whether L1 was shown that an element of a blob is no 31 bytes of data. Throws L1Error. */
export function isBlobMalformed(reader: L1Reader, blobHash: Hash): Promise<boolean> {
  return read(reader, { contract: "blobOpenings", method: "isMalformed", values: [blobHash] }, ([is]) => Boolean(is));
}

/** Whether L1 has counted the transactions that a tally is of. Throws L1Error. */
export function isCounted(reader: L1Reader, chainId: ChainId, tally: BlockTally): Promise<boolean> {
  const values = [tallyHash(chainId, tally)];
  return read(reader, { contract: "closingVerifier", method: "isCounted", values }, ([is]) => Boolean(is));
}

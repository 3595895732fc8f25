/** Evidence of who did a block's job as contracts take it. */
import { concatBytes, EVIDENCE_POINT_BYTES, fromHex, type ShownEvidence, toHash, toHex } from "@mvm/protocol";
import type { Result } from "ethers";

export const evidenceValues = ({ proof, result, signatures }: ShownEvidence): readonly unknown[] => [
  proof,
  result,
  toHex(concatBytes(...signatures.map(fromHex))),
];

/** Evidence out of the arguments of a call. Its form is not checked: see answerFault. */
export function toShownEvidence(values: Result): ShownEvidence {
  const signatures = fromHex(values["signatures"]);
  const count = Math.ceil(signatures.length / EVIDENCE_POINT_BYTES);
  const at = (i: number): Uint8Array => signatures.subarray(i * EVIDENCE_POINT_BYTES, (i + 1) * EVIDENCE_POINT_BYTES);
  return {
    proof: toHex(fromHex(values["proof"])),
    result: toHash(values["result"]),
    signatures: Array.from({ length: count }, (_, i) => toHex(at(i))),
  };
}

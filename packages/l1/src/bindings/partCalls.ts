/** Proofs about the parts of a transaction (F1 for what one L1 transaction cannot replay), as IPartProofs has them. */
import { type Checkpoint, encodeAskItem, type Hash, type Hex, type PartsItem, type StretchItem } from "@mvm/protocol";
import { Interface } from "ethers";
import { FRAUDS, INTERFACES, type L1Addresses } from "../contracts.ts";
import { I_PART_PROOFS_ABI } from "../generated/shapes.ts";
import { call, type L1Call } from "./l1Call.ts";
import { type AccusedBatch, accusedValues } from "./proofCalls.ts";

const SHAPES = new Interface(I_PART_PROOFS_ABI);

/** What replays a part on L1, and what it takes there. */
export type PartReplay = { readonly by: "SliceReplay" | "StepReplay"; readonly proof: Record<string, unknown> };

/** What of the commitments that were shown of a transaction is wrong. */
export type PartFault = {
  /** what they were the answer to */
  readonly item: PartsItem | StretchItem;
  /** number of the commitment among them: of the one before the part; of the checkpoint's leaf */
  readonly place: number;
} & (
  | {
      /** the one before the part and the one after, which it does not lead to */
      readonly commitments: readonly [before: Hash, after: Hash];
      /** of the two, as merklePairProof gives them */
      readonly siblings: readonly Hash[];
      readonly replay: PartReplay;
    }
  | {
      /** it is the transaction's last one, and others follow it */
      readonly checkpoint: Checkpoint;
      /** of its leaf */
      readonly siblings: readonly Hash[];
    }
);

/** The proof as bytes, which PartVerifier takes. */
export function encodePartFault(fault: PartFault): Hex {
  const item = encodeAskItem(fault.item);
  if ("checkpoint" in fault) return SHAPES.encodeFunctionData("end", [{ ...fault, item }]) as Hex;
  const { by, proof } = fault.replay;
  const replayer = by === "SliceReplay" ? INTERFACES.sliceReplay : INTERFACES.stepReplay;
  // what its `replay` takes, without which function that is
  const replay = `0x${replayer.encodeFunctionData("replay", [proof]).slice(10)}`;
  return SHAPES.encodeFunctionData(by === "SliceReplay" ? "slice" : "step", [{ ...fault, item, replay }]) as Hex;
}

/** The proof that a part is wrong; its sender has committed to it (commitTo) in an earlier block of L1. */
export const provePart = (at: L1Addresses, batch: AccusedBatch, fault: PartFault): L1Call =>
  call(at, "disputes", "proveBy", [accusedValues(batch), FRAUDS.indexOf("slice"), encodePartFault(fault)]);

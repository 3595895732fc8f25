/** What is wrong with a batch: a block of it, or that it does not follow from what was posted. */
import type { DerivationProof, WorkProof } from "@mvm/l1";
import type { Hash, Header } from "@mvm/protocol";
import type { BlockFault } from "./blockFinding.ts";
import type { Commitments } from "./commitments.ts";

/** By the proof that L1 takes. */
export type BatchFault =
  | BlockFault
  /** it does not follow from its data or from L1 (F2) */
  | { readonly proof: "derivation"; readonly derivation: DerivationProof }
  /** somebody else did a block's job than has to (F4) */
  | { readonly proof: "work"; readonly work: WorkProof };

/** A fault of a batch, and where it is. */
export type FoundFault = {
  readonly fault: BatchFault;
  /** nothing where the batch's data alone show the fault */
  readonly committed: Commitments;
  /** of the wrong block; null: it is the batch that is wrong */
  readonly position: number | null;
  readonly parent: Header;
  readonly hashesBefore: readonly Hash[];
};

/** Position of the block that a proof is about; null: it is about the batch, or its data. */
export function positionOf({ kind, proof }: DerivationProof): number | null {
  switch (kind) {
    case "count":
    case "time":
    case "row":
    case "itemBytes":
    case "closing":
      return proof.position;
  }
  return "leaf" in proof ? proof.leaf.position : null;
}

/** What is told of a fault. */
export function factsOf(fault: BatchFault): Readonly<Record<string, unknown>> {
  const { proof } = fault;
  switch (proof) {
    case "execution":
      return { proof, transaction: fault.wrong.index, invalid: fault.wrong.invalid };
    case "derivation":
      return { proof, rule: fault.derivation.kind };
    case "work":
      return { proof, rule: fault.work.kind };
    default:
      return { proof, field: fault.field };
  }
}

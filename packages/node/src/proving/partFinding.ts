/** Which of the commitments that a poster showed between a transaction's parts is wrong (decision 041). */
import type { PartFault } from "@mvm/l1";
import {
  type Checkpoint,
  type Hash,
  merklePairProof,
  merkleProof,
  type PartsAnswer,
  type PartsItem,
  type StretchItem,
  shownPlaces,
  stretchPlaces,
} from "@mvm/protocol";
import type { TransactionSlices } from "./transactionSlices.ts";

/** A transaction's parts as they are. */
export type OwnParts = Pick<TransactionSlices, "length" | "commitment" | "proof"> & {
  /** the checkpoint after it; null: it may not stand in its block */
  readonly after: Checkpoint | null;
};

export type PartFinding =
  /** what convicts; `part`: number of the wrong part */
  | { readonly kind: "fault"; readonly fault: PartFault; readonly part: number }
  /** it is among commitments that were not shown yet */
  | { readonly kind: "needed"; readonly item: StretchItem }
  /** all are as they have to be, or start elsewhere: L1 takes no such answer */
  | { readonly kind: "none" };

/** The first wrong place of commitments; 0 where they start from another one; null where all are right. */
function firstWrong(own: OwnParts, places: readonly number[], leaves: readonly Hash[]): number | null {
  const wrong = places.findIndex((place, i) => place > own.length || own.commitment(place) !== leaves[i]);
  return wrong < 0 ? null : wrong;
}

/** What is wrong with the commitments that were shown first. */
export function partFinding(own: OwnParts, { position, index, parts, leaves }: PartsAnswer): PartFinding {
  const item: PartsItem = { kind: "parts", position, index };
  const places = shownPlaces(parts);
  const wrong = firstWrong(own, places, leaves);
  if (wrong === null || wrong === 0) return { kind: "none" };
  if (places[wrong]! - places[wrong - 1]! === 1) return faultAt(own, item, { places, leaves, wrong });
  return { kind: "needed", item: { ...item, kind: "stretch", stretch: wrong - 1 } };
}

/** What is wrong with those of a stretch, of which the first one is right. */
export function stretchFinding(
  own: OwnParts,
  { parts }: Pick<PartsAnswer, "parts">,
  { leaves, ...item }: StretchItem & { readonly leaves: readonly Hash[] },
): PartFinding {
  const places = stretchPlaces(parts, item.stretch);
  const wrong = firstWrong(own, places, leaves);
  return wrong === null || wrong === 0 ? { kind: "none" } : faultAt(own, item, { places, leaves, wrong });
}

function faultAt(
  own: OwnParts,
  item: PartsItem | StretchItem,
  shown: { readonly places: readonly number[]; readonly leaves: readonly Hash[]; readonly wrong: number },
): PartFinding {
  const { places, leaves, wrong } = shown;
  const place = wrong - 1;
  const part = places[place]!;
  if (part === own.length)
    return {
      kind: "fault",
      part,
      fault: { item, place, checkpoint: own.after!, siblings: merkleProof(leaves, place) },
    };
  const commitments = [leaves[place]!, leaves[wrong]!] as const;
  const siblings = merklePairProof(leaves, wrong);
  return { kind: "fault", part, fault: { item, place, commitments, siblings, replay: own.proof(part) } };
}

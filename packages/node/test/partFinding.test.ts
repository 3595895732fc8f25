/** Whatever a poster shows between a transaction's parts: where it is not as it has to be, one part is found that convicts. */
import {
  type Checkpoint,
  checkpointLeaf,
  type Hash,
  keccakHash,
  MAX_COMMITMENTS,
  merkleRoot,
  type PartsAnswer,
  type StretchItem,
  shownPlaces,
  stretchPlaces,
  toWord,
  verifyMerklePair,
  verifyMerkleProof,
  ZERO_HASH,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type OwnParts, type PartFinding, partFinding, stretchFinding } from "../src/proving/partFinding.ts";

const hashOf = (n: number): Hash => keccakHash(toWord(BigInt(n)));
const after: Checkpoint = {
  ...{ index: 1, stateRoot: hashOf(1), cumulativeGasUsed: 21_000n, receiptHash: hashOf(2) },
  ...{ transactionsRoot: hashOf(3), receiptsRoot: hashOf(4), bloomHash: hashOf(5) },
};
const LIE = hashOf(99);

/** A transaction in so many parts; null: it may not stand in its block, which one part shows. */
function ownOf(length: number, end: Checkpoint | null = after): OwnParts {
  const last = end === null ? ZERO_HASH : checkpointLeaf(end);
  return {
    length,
    after: end,
    commitment: (i) => (i === length ? last : hashOf(1_000 + i)),
    proof: (i) => ({ by: "SliceReplay", proof: { part: i } }),
  };
}

/** What a poster says is at each commitment of so many parts. */
type Told = { readonly parts: number; readonly at: (place: number) => Hash };

function answerOf({ parts, at }: Told): PartsAnswer {
  const place = { position: 3, index: 1, count: 4, header: new Uint8Array(0), before: new Uint8Array(0), siblings: [] };
  return { kind: "parts", ...place, transaction: ZERO_HASH, parts, leaves: shownPlaces(parts).map(at) };
}

/** What is found after as many asks as it takes; the commitments that it is about. */
function found(own: OwnParts, told: Told): { readonly finding: PartFinding; readonly leaves: readonly Hash[] } {
  const answer = answerOf(told);
  const first = partFinding(own, answer);
  if (first.kind !== "needed") return { finding: first, leaves: answer.leaves };
  const inner: StretchItem & { readonly leaves: readonly Hash[] } = {
    ...first.item,
    leaves: stretchPlaces(told.parts, first.item.stretch).map(told.at),
  };
  return { finding: stretchFinding(own, answer, inner), leaves: inner.leaves };
}

/** As PartVerifier judges it, by what the parts lead to. */
function convicts(own: OwnParts, { finding, leaves }: ReturnType<typeof found>): boolean {
  if (finding.kind !== "fault") return false;
  const { fault, part } = finding;
  const [root, count] = [merkleRoot(leaves), leaves.length];
  if ("checkpoint" in fault) {
    const leaf = checkpointLeaf(fault.checkpoint);
    const isThere = verifyMerkleProof({ root, leaf, index: fault.place, count, siblings: fault.siblings });
    return isThere && fault.place < count - 1;
  }
  const { commitments, siblings, place, replay } = fault;
  const isThere = verifyMerklePair({ root, leaves: commitments, index: place + 1, count, siblings });
  const leadsTo = own.commitment(part + 1);
  return (
    isThere && replay.proof["part"] === part && commitments[0] === own.commitment(part) && commitments[1] !== leadsTo
  );
}

const FEW = fc.integer({ min: 1, max: 60 });
const MANY = fc.integer({ min: MAX_COMMITMENTS, max: 3 * MAX_COMMITMENTS });
const RUNS = { numRuns: 60 };

describe.each([
  ["few", FEW],
  ["more than fit an answer", MANY],
])("commitments between parts that are %s", (_, lengths) => {
  it("are none to accuse of where they are right", () => {
    fc.assert(
      fc.property(lengths, (length) => {
        const own = ownOf(length);
        expect(partFinding(own, answerOf({ parts: length, at: own.commitment }))).toEqual({ kind: "none" });
      }),
      RUNS,
    );
  });

  it("convict by the first part that leads elsewhere, whatever is told behind it", () => {
    fc.assert(
      fc.property(lengths, fc.nat(), fc.boolean(), (length, seed, isLast) => {
        const own = ownOf(length);
        const wrong = 1 + (seed % length);
        // up to there it is right, from there on anything; the last one is the wrong checkpoint's leaf
        const at = (place: number): Hash => (place < wrong ? own.commitment(place) : isLast ? LIE : hashOf(2 * place));
        const result = found(own, { parts: length, at });
        expect(result.finding).toMatchObject({ kind: "fault", part: wrong - 1 });
        expect(convicts(own, result)).toBe(true);
      }),
      RUNS,
    );
  });

  it("convict whatever number of parts is told: more than there are, or fewer", () => {
    fc.assert(
      fc.property(lengths, lengths, (length, parts) => {
        fc.pre(parts !== length);
        const own = ownOf(length);
        const at = (place: number): Hash =>
          place === parts ? LIE : place > length ? hashOf(7) : own.commitment(place);
        const result = found(own, { parts, at });
        expect(result.finding).toMatchObject({ kind: "fault", part: Math.min(length, parts - 1) });
        expect(convicts(own, result)).toBe(true);
      }),
      RUNS,
    );
  });

  it("convict where the transaction may not stand in its block", () => {
    fc.assert(
      fc.property(lengths, (parts) => {
        const own = ownOf(1, null);
        const at = (place: number): Hash => (place === 0 ? own.commitment(0) : hashOf(place));
        const result = found(own, { parts, at });
        expect(result.finding).toMatchObject({ kind: "fault", part: 0 });
        expect(convicts(own, result)).toBe(true);
      }),
      RUNS,
    );
  });

  it("that start elsewhere are no case: L1 takes no such answer", () => {
    fc.assert(
      fc.property(lengths, (parts) => {
        expect(partFinding(ownOf(parts), answerOf({ parts, at: () => LIE }))).toEqual({ kind: "none" });
      }),
      RUNS,
    );
  });
});

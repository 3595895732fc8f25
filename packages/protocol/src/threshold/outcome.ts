/**
 * What comes of a round: a pure function of what L1 published, so every reader has the same key, the same public shares and
 * the same dealers thrown out. Nobody votes, and nothing is asked of a dealer again.
 */
import { bytesToBigInt, toWord } from "../hex.ts";
import { type Complaint, judgeComplaint } from "./complaint.ts";
import type { CheckedDealing } from "./dealing.ts";
import {
  committedValueAt,
  compressed,
  generatorTimes,
  type KeyPoint,
  keyPointOf,
  weightedScalarSum,
  weightedSum,
  weightsAtZero,
} from "./group.ts";
import { dealingsNeeded, isPlace, type KeyRound, type ThresholdKey } from "./round.ts";

/** Why a round gave no key. */
export type RoundFailure = {
  readonly kind: "failed";
  readonly code: /** fewer dealings qualify than the round needs */
    | "too-few-dealings"
    /** the dealt numbers add up to zero: all of the dealers collude, or never */
    | "no-key";
  /** numbers of the dealers whose dealings qualify, ascending */
  readonly qualified: readonly number[];
  /** how many it needs */
  readonly needed: number;
};

export type RoundOutcome = { readonly kind: "key"; readonly key: ThresholdKey } | RoundFailure;

/** The first dealing of each dealer, in the dealers' order, without those that a complaint is right about. */
function qualifiedOf(
  round: KeyRound,
  dealings: readonly CheckedDealing[],
  complaints: readonly Complaint[],
): readonly CheckedDealing[] {
  const firsts = new Map<number, CheckedDealing>();
  for (const dealing of dealings) {
    if (dealing.roundId !== round.id) throw new RangeError("a dealing of another round");
    if (!firsts.has(dealing.dealer)) firsts.set(dealing.dealer, dealing);
  }
  for (const complaint of complaints) {
    const dealing = firsts.get(complaint.dealer);
    if (dealing !== undefined && judgeComplaint(round, dealing, complaint)) firsts.delete(complaint.dealer);
  }
  return [...firsts.values()].sort((left, right) => left.dealer - right.dealer);
}

/**
 * By what each dealing counts: a new key is the sum of all dealt numbers; a key that is handed on is the value at 0 of the
 * polynomial that its dealers' shares lie on.
 */
const weightsOf = ({ continues }: KeyRound, dealers: readonly number[]): readonly bigint[] =>
  continues === null ? dealers.map(() => 1n) : weightsAtZero(dealers.map((dealer) => dealer + 1));

/** Commitments of the polynomial that the dealings make together. */
function commitmentsOf(round: KeyRound, dealings: readonly CheckedDealing[]): readonly KeyPoint[] {
  const weights = weightsOf(
    round,
    dealings.map(({ dealer }) => dealer),
  );
  const points = dealings.map(({ dealing }) => dealing.commitments.map(keyPointOf));
  return Array.from({ length: round.threshold }, (_, power) =>
    weightedSum(
      points.map((row) => row[power]!),
      weights,
    ),
  );
}

/**
 * The outcome of a round. A new key takes every dealing that qualifies, and as many as its threshold at least; a key that is
 * handed on takes as many as the old threshold, the first in the old members' order.
 * @param dealings of the round, as checkDealing gave them, in the order in which L1 has them: of each dealer the first counts
 * @param complaints as decodeComplaint gave them, in any order; each is judged here. Those that judgeComplaint finds wrong may be left
 * out: they change nothing, and cost some ten milliseconds each
 * @throws RangeError for a dealing of another round
 */
export function outcomeOf(
  round: KeyRound,
  dealings: readonly CheckedDealing[],
  complaints: readonly Complaint[],
): RoundOutcome {
  const needed = dealingsNeeded(round);
  const qualified = qualifiedOf(round, dealings, complaints);
  const failed = (code: RoundFailure["code"]): RoundFailure => ({
    kind: "failed",
    code,
    qualified: qualified.map(({ dealer }) => dealer),
    needed,
  });
  if (qualified.length < needed) return failed("too-few-dealings");
  const { domain, chainId, id: roundId, threshold, members, continues } = round;
  const counted = continues === null ? qualified : qualified.slice(0, needed);
  const commitments = commitmentsOf(round, counted);
  if (commitments[0]!.is0()) return failed("no-key");
  const key: ThresholdKey = {
    domain,
    chainId,
    roundId,
    threshold,
    members,
    groupKey: compressed(commitments[0]!),
    publicShares: members.map((_, member) => compressed(committedValueAt(commitments, member + 1))),
    dealers: counted.map(({ dealer }) => dealer),
  };
  return { kind: "key", key };
}

/**
 * A member's share of the round's key: 32 bytes big-endian, secret.
 * @param opened the shares that openDealing gave it, by dealer; those of dealers that do not count are passed over
 * @throws RangeError where the key is of another round, a share is missing, or they do not give the member's public share
 */
export function ownShareOf(
  round: KeyRound,
  key: ThresholdKey,
  own: { readonly member: number; readonly opened: ReadonlyMap<number, Uint8Array> },
): Uint8Array {
  if (key.roundId !== round.id) throw new RangeError("a key of another round");
  const { member, opened } = own;
  if (!isPlace(member, key.members.length)) throw new RangeError(`no member ${member} in the round`);
  const shares = key.dealers.map((dealer) => {
    const share = opened.get(dealer);
    if (share === undefined) throw new RangeError(`the share of dealer ${dealer} is missing`);
    return bytesToBigInt(share);
  });
  const share = weightedScalarSum(shares, weightsOf(round, key.dealers));
  if (generatorTimes(share) !== key.publicShares[member]) throw new RangeError(`not the shares of member ${member}`);
  return toWord(share);
}

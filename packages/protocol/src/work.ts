/**
 * Who did a block's job, and what shows it (design page 20, "Providers' seats"). A block names the seats' holders by their registry
 * numbers and commits to the evidence; the sequencer shows the evidence with the block, and to L1 when it is asked to.
 */
import { blsSignaturePoint } from "./bls.ts";
import { type Codec, count, hash, hexOf, list, optional, struct } from "./codec.ts";
import { taggedHash } from "./hash.ts";
import { fromHex, joinBytes, toWord } from "./hex.ts";
import { LIMITS } from "./parameters.ts";
import type { Hash, Hex, JobId } from "./primitives.ts";

/** Seats that a job has: those that are to do it, then those that stand in. */
export const JOB_SEATS = LIMITS.seats + LIMITS.standIns;

/** The seats that did a block's job. */
export type Work = {
  /** jobs of this block that failed before, with all their seats: below LIMITS.jobAttempts */
  readonly attempt: number;
  /** registry number of each seat's holder, null for a seat that was passed over; nothing after the last one that served */
  readonly seats: readonly (number | null)[];
};

/** A block without users' transactions has no job. */
export const NO_WORK: Work = { attempt: 0, seats: [] };

export const workCodec: Codec<Work> = struct({
  attempt: count(LIMITS.jobAttempts - 1),
  seats: list(optional(count(2 ** 32 - 1)), JOB_SEATS),
});

/** Registry numbers of those who served, in the order of their seats. */
export const servedBy = ({ seats }: Work): readonly number[] => seats.filter((seat) => seat !== null);

/**
 * How many of those who served have a fee of their own: holders of the first job's seats. All others stand in, and are paid from the
 * sequencer's share, while the fees of the seats that they stand in for are burnt.
 */
export const seatedIn = ({ attempt, seats }: Work): number =>
  attempt === 0 ? servedBy({ attempt, seats: seats.slice(0, LIMITS.seats) }).length : 0;

/** Whether work has the form that a block's can have: as many seats served as a job needs, or none at all. */
export function isWork(work: Work): boolean {
  const { attempt, seats } = work;
  if (seats.length === 0) return attempt === 0;
  if (attempt >= LIMITS.jobAttempts || seats.length > JOB_SEATS || seats.at(-1) === null) return false;
  return servedBy(work).length === LIMITS.seats;
}

/** The id of a job: taggedHash("mvm/job/1", the block's randomness, uint256 attempt). Says nothing of the chain to who does not know the randomness. */
export const jobIdOf = (randomness: Hash, attempt: number): JobId =>
  taggedHash("mvm/job/1", randomness, toWord(BigInt(attempt))) as string as JobId;

/** Providers that may carry one job: two at once, the others where those fail. */
export const COURIERS = 4;
/** Points of the providers' line that are drawn for them: several may be of one provider, or of one who holds a seat. */
export const COURIER_DRAWS = 12;

/** What a job's couriers are drawn by, as seats are by the job's id: only who sends the job knows it before. */
export const courierDraw = (jobId: JobId): JobId => taggedHash("mvm/couriers/1", jobId) as string as JobId;

/** What shows that a block's randomness is its sequencer's, and that its seats did the job. */
export type WorkEvidence = {
  /** VRF proof of the sequencer, 96 bytes compressed */
  readonly proof: Hex;
  /** hash of the job and its outcomes, as resultHash gives it; zero where there was no job */
  readonly result: Hash;
  /** BLS signatures over resultDigest, 96 bytes compressed, one for each seat that served, in their order */
  readonly signatures: readonly Hex[];
};

export const workEvidenceCodec: Codec<WorkEvidence> = struct({
  proof: hexOf(96),
  result: hash,
  signatures: list(hexOf(96), LIMITS.seats),
});

/** Evidence as L1 is shown it. Whoever commits to it may have put bytes into it that are no points. */
export type ShownEvidence = {
  /** 192 bytes, as blsSignaturePoint has them */
  readonly proof: Hex;
  readonly result: Hash;
  /** 192 bytes each, as blsSignaturePoint has them */
  readonly signatures: readonly Hex[];
};

/** Bytes of a point that L1 is shown. */
export const EVIDENCE_POINT_BYTES = 192;

/** Evidence as L1 is shown it. Throws FormatError for what is no point of the subgroup. */
export const shownEvidence = ({ proof, result, signatures }: WorkEvidence): ShownEvidence => ({
  proof: blsSignaturePoint(proof),
  result,
  signatures: signatures.map(blsSignaturePoint),
});

/** Whether shown bytes have the form of evidence: WorkEvidence.sol. */
export const isShownEvidence = ({ proof, signatures }: ShownEvidence): boolean =>
  signatures.length <= LIMITS.seats &&
  [proof, ...signatures].every((point) => point.length === 2 + 2 * EVIDENCE_POINT_BYTES);

/** What a block commits to: taggedHash("mvm/evidence/1", proof, result, signatures); WorkEvidence.sol. */
export const shownEvidenceHash = ({ proof, result, signatures }: ShownEvidence): Hash =>
  taggedHash("mvm/evidence/1", proof, result, joinBytes(signatures.map(fromHex)));

/** What a block commits to. Throws FormatError for what is no point of the subgroup. */
export const evidenceHash = (evidence: WorkEvidence): Hash => shownEvidenceHash(shownEvidence(evidence));

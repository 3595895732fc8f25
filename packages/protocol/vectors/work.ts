/** Jobs' ids, the seats that did a job, and the evidence that a block commits to; points and signatures by noble. */
import { concat } from "ethers";
import { blsSignature, signaturePoint } from "./bls.ts";
import { encoded, hashNamed, int, maybe, type Rlp, tagged, word } from "./format.ts";

/** Who did a block's job: jobs that failed before, registry number of each seat's holder or null. */
export type Work = { readonly attempt: number; readonly seats: readonly (number | null)[] };
export const NO_WORK: Work = { attempt: 0, seats: [] };

export const workItems = ({ attempt, seats }: Work): Rlp => [
  int(attempt),
  seats.map((seat) => maybe(seat === null ? null : int(seat))),
];

/** A byte whose bit i says that seat i served; the bits from the fifth on say how many jobs failed before. */
export const workByte = ({ attempt, seats }: Work): number =>
  seats.reduce<number>((sum, seat, i) => sum + (seat === null ? 0 : 2 ** i), 16 * attempt);

export const servedBy = ({ seats }: Work): number[] => seats.filter((seat) => seat !== null);

/** Two of the four seats serve each job; those of the first job's first two seats have fees of their own. */
export const WORKS: readonly { readonly work: Work; readonly seated: number }[] = [0, 1, 2, 3].flatMap((attempt) => {
  const seated = (count: number): number => (attempt === 0 ? count : 0);
  return [
    { work: { attempt, seats: [7, 300] }, seated: seated(2) },
    { work: { attempt, seats: [0, null, 2 ** 32 - 1] }, seated: seated(1) },
    { work: { attempt, seats: [null, 128, 127] }, seated: seated(1) },
    { work: { attempt, seats: [5, null, null, 5] }, seated: seated(1) },
    { work: { attempt, seats: [null, 0, null, 0] }, seated: seated(1) },
    { work: { attempt, seats: [null, null, 300, 7] }, seated: seated(0) },
  ];
});

export const jobIdOf = (randomness: string, attempt: number): string =>
  tagged("mvm/job/1", randomness, word(attempt));

export type Evidence = { readonly proof: string; readonly result: string; readonly signatures: readonly string[] };

export const evidenceItems = ({ proof, result, signatures }: Evidence): Rlp => [proof, result, signatures];

/** Every point with both coordinates, as contracts take it. */
export const evidenceHash = ({ proof, result, signatures }: Evidence): string =>
  tagged("mvm/evidence/1", signaturePoint(proof), result, concat(signatures.map(signaturePoint)));

const signed = (name: string): string => blsSignature(word(BigInt(hashNamed("evidence's signer")) >> 2n), hashNamed(name));

/** Evidence of a block with a name to it: a draw alone where there was no job. */
export const evidenceNamed = (name: string, { seats }: Work): Evidence => ({
  proof: signed(`${name}: proof`),
  result: seats.length === 0 ? word(0) : hashNamed(`${name}: result`),
  signatures: servedBy({ attempt: 0, seats }).map((_, i) => signed(`${name}: signature ${i}`)),
});

/** What has no form that a block's work may have, by the reason. */
const NO_BLOCKS_WORK: readonly { readonly name: string; readonly work: Work }[] = [
  { name: "an attempt without seats", work: { attempt: 1, seats: [] } },
  { name: "one seat", work: { attempt: 0, seats: [7] } },
  { name: "one seat, the last one", work: { attempt: 0, seats: [null, null, null, 7] } },
  { name: "three seats", work: { attempt: 0, seats: [7, 300, 8] } },
  { name: "all seats", work: { attempt: 0, seats: [7, 300, 8, 9] } },
  { name: "seats that nobody served in", work: { attempt: 0, seats: [null, null] } },
  { name: "a seat passed over after the last that served", work: { attempt: 0, seats: [7, 300, null] } },
];

export const workVectors = () => ({
  jobs: ["randomness 1", "randomness 2"].flatMap((name) =>
    [0, 1, 2, 3].map((attempt) => ({
      randomness: hashNamed(name),
      attempt,
      jobId: jobIdOf(hashNamed(name), attempt),
    })),
  ),
  works: [{ work: NO_WORK, seated: 0 }, ...WORKS].map(({ work, seated }) => ({
    ...encoded(`work of byte ${workByte(work)}`, work, workItems(work)),
    served: servedBy(work),
    seated,
  })),
  others: NO_BLOCKS_WORK.map(({ name, work }) => encoded(name, work, workItems(work))),
  evidence: [NO_WORK, WORKS[0]!.work].map((work, i) => {
    const value = evidenceNamed(`evidence ${i}`, work);
    const { proof, result, signatures } = value;
    return {
      ...encoded(`of ${value.signatures.length} seats`, value, evidenceItems(value)),
      hash: evidenceHash(value),
      shown: { proof: signaturePoint(proof), result, signatures: concat(signatures.map(signaturePoint)) },
    };
  }),
});

/** Calls of ResultCourt, which judges what providers sign. */
import {
  type Address,
  blsPublicKeyPoint,
  blsSignaturePoint,
  type Hash,
  type Hex,
  type JobId,
  keccakHash,
  type OpenedOutcome,
  type ResultRoots,
  toHex,
} from "@mvm/protocol";
import { INTERFACES, type L1Addresses } from "../contracts.ts";
import { call, type L1Call } from "./l1Call.ts";
import { commitmentOf } from "./proofCalls.ts";
import { type L1Reader, read } from "./readView.ts";
import { type ReplayRoom, roomsFor } from "./replayCalls.ts";
import { verdictOf } from "./verifierReads.ts";

/** A result as its provider signed it. */
export type SignedResult = ResultRoots & {
  /** registry number */
  readonly provider: number;
  readonly jobId: JobId;
  /** 48 and 96 bytes compressed */
  readonly blsPublicKey: Hex;
  readonly signature: Hex;
};

/** One outcome of it, with the siblings from its leaf to the root. */
export type ShownOutcome = OpenedOutcome & { readonly index: number; readonly siblings: readonly Hash[] };

/** What shows that a result is a lie. */
export type ResultProof =
  | {
      readonly kind: "outcome";
      readonly outcome: ShownOutcome;
      readonly environment: Uint8Array;
      readonly message: Uint8Array;
      readonly messageSiblings: readonly Hash[];
      /** number of a read that nobody makes; null: it is none */
      readonly without: bigint | null;
      readonly codes: readonly Uint8Array[];
    }
  | {
      readonly kind: "read-against-write";
      readonly reading: ShownOutcome;
      readonly number: bigint;
      readonly writing: ShownOutcome;
    }
  | {
      readonly kind: "read-against-read";
      readonly first: ShownOutcome;
      readonly firstNumber: bigint;
      readonly second: ShownOutcome;
      readonly secondNumber: bigint;
    };

const NOTHING = 2n ** 256n - 1n;
/** The room that an encoded proof has before L1 was asked which is enough. */
const NO_ROOM: ReplayRoom = { slotBits: 0, heapBytes: 0 };
const PROVE_OUTCOME = "proveOutcome";

const resultValues = (result: SignedResult): readonly unknown[] => [
  result.provider,
  result.jobId,
  result.environmentHash,
  result.messagesRoot,
  result.messageCount,
  result.outcomesRoot,
  result.outcomeCount,
  blsPublicKeyPoint(result.blsPublicKey),
  blsSignaturePoint(result.signature),
];

const outcomeValues = ({ index, gasBefore, end, gasUsed, logsHash, writes, reads, siblings }: ShownOutcome) => [
  ...[index, gasBefore, end, gasUsed, logsHash, keccakHash(writes), keccakHash(reads), siblings],
];

/** Calldata of ResultCourt that prove a lie; of an outcome's without room: see fitResultProof. Throws FormatError for points that are none. */
export function encodeResultProof(result: SignedResult, proof: ResultProof): Hex {
  const signed = resultValues(result);
  const encode = (name: string, values: readonly unknown[]): Hex =>
    INTERFACES.resultCourt.encodeFunctionData(name, [signed, ...values]) as Hex;
  switch (proof.kind) {
    case "outcome": {
      const { outcome, environment, message, messageSiblings, without, codes } = proof;
      const evidence = [codes.map(toHex), [], NO_ROOM.slotBits, NO_ROOM.heapBytes];
      const shown = [toHex(environment), toHex(message), messageSiblings, toHex(outcome.reads)];
      return encode(PROVE_OUTCOME, [outcomeValues(outcome), [...shown, without ?? NOTHING, evidence]]);
    }
    case "read-against-write": {
      const { reading, number, writing } = proof;
      const shown = [outcomeValues(reading), toHex(reading.reads), number];
      return encode("proveReadAgainstWrite", [...shown, outcomeValues(writing), toHex(writing.writes)]);
    }
    case "read-against-read": {
      const { first, firstNumber, second, secondNumber } = proof;
      const shown = [outcomeValues(first), toHex(first.reads), firstNumber];
      return encode("proveReadAgainstRead", [...shown, outcomeValues(second), toHex(second.reads), secondNumber]);
    }
  }
}

/** Slots that a proof's reads have, by the second of their words. */
const slotsIn = (reads: string): number => Number(BigInt(`0x${reads.slice(66, 130)}`));

/**
 * Has L1 replay what a proof is of, in one room after the other, without sending anything. Gives the proof with the first room that is
 * enough; null where no transaction can have a word of L1 on it.
 * @throws L1Error where L1 cannot be asked
 */
export async function fitResultProof(reader: L1Reader, proof: Hex): Promise<Hex | null> {
  const court = INTERFACES.resultCourt;
  if (court.parseTransaction({ data: proof })?.name !== PROVE_OUTCOME) return proof;
  const [result, outcome, replayed] = court.decodeFunctionData(PROVE_OUTCOME, proof).toArray(true) as unknown[][];
  const [environment, message, siblings, reads, without, evidence] = replayed!;
  const [codes, holders] = evidence as unknown[];
  const slots = Array.from({ length: slotsIn(reads as string) }, (_, i) => BigInt(i));
  for (const { slotBits, heapBytes } of roomsFor({ keys: [{ account: reader.addresses.comco, slots }] })) {
    const given = [codes, holders, slotBits, heapBytes];
    const values = [environment, message, outcome![1], reads, without, given];
    const answer = await verdictOf(reader, { contract: "jobReplay", method: "replay", values }, () => true);
    if (answer.kind === "verdict" || ASKED_FOR.test(answer.reason)) {
      const shown = [environment, message, siblings, reads, without, given];
      return court.encodeFunctionData(PROVE_OUTCOME, [result, outcome, shown]) as Hex;
    }
    if (!answer.reason.includes("OutOfRoom")) return null;
  }
  return null;
}

/** How a replay ends that asks for what it was not given: a word of L1, too. */
const ASKED_FOR = /(MissingValue|AccountNotGiven|SlotNotGiven|CodeNotGiven)/;

/** A call of ResultCourt with calldata of a proof that fits. */
export const proveResult = (at: L1Addresses, data: Hex): L1Call => ({
  to: at.resultCourt,
  data,
  action: "resultCourt.prove",
});

/** Commits to a proof that the prover will send in a later block of L1. */
export const commitToResult = (at: L1Addresses, prover: Address, proof: L1Call): L1Call =>
  call(at, "resultCourt", "commit", [commitmentOf(prover, proof)]);

/** L1 block of a commitment to a result's proof; undefined: there is none. */
export const resultCommittedAt = (reader: L1Reader, commitment: Hash): Promise<bigint | undefined> =>
  read(reader, { contract: "resultCourt", method: "committedAt", values: [commitment] }, ([block]) =>
    block === 0n ? undefined : BigInt(block),
  );

/** Calls of Disputes: bonds, commitments, proofs of execution. */
import {
  type Address,
  type BatchHeader,
  type Checkpoint,
  encodeCheckpoint,
  fromHex,
  type Hash,
  type Hex,
  keccakHash,
  type TransactionPlace,
  toHex,
} from "@mvm/protocol";
import { AbiCoder } from "ethers";
import { INTERFACES, type L1Addresses } from "../contracts.ts";
import { call, type L1Call } from "./l1Call.ts";
import { type BatchProof, batchProofValues, headerValues } from "./rollupCalls.ts";

/** A batch that is accused. */
export type AccusedBatch = {
  readonly header: BatchHeader;
  readonly posting: BatchProof;
  /** the batch before it; undefined for the chain's first, or where the batch is final */
  readonly previous: BatchHeader | undefined;
};

/** A transaction that does not lead from one checkpoint to the next one (F1). */
export type ExecutionProof = TransactionPlace & {
  /** the committed checkpoint after it, or its leaf where that alone is known */
  readonly claimed: Checkpoint | Hash;
  readonly transaction: Uint8Array;
  /** encodeEvidence */
  readonly evidence: Hex;
};

/** Where a transaction stands in the order of the contract's fields. */
export const transactionPlaceValues = (place: TransactionPlace): readonly unknown[] => {
  const { position, index, count, header, before, siblings } = place;
  const encoded = before instanceof Uint8Array ? before : encodeCheckpoint(before);
  return [position, index, count, toHex(header), toHex(encoded), siblings];
};

/** Pays a bond in, out of MT that Disputes may take (approve). */
export const depositAccuserBond = (at: L1Addresses, amountWei: bigint): L1Call =>
  call(at, "disputes", "deposit", [amountWei]);

/** Pays an accuser's bond out. */
export const withdrawAccuserBond = (at: L1Addresses, amountWei: bigint): L1Call =>
  call(at, "disputes", "withdraw", [amountWei]);

/** An accused batch in the order of the contract's fields. */
export const accusedValues = ({ header, posting, previous }: AccusedBatch): readonly unknown[] => [
  headerValues(header),
  batchProofValues(posting),
  previous === undefined ? [] : [headerValues(previous)],
];

/** The proof of a transaction's execution; its sender has committed to it (commitTo) in an earlier block of L1. */
export function proveExecution(at: L1Addresses, batch: AccusedBatch, proof: ExecutionProof): L1Call {
  const { claimed, transaction, evidence } = proof;
  return call(at, "disputes", "proveExecution", [
    accusedValues(batch),
    [
      transactionPlaceValues(proof),
      typeof claimed === "string" ? claimed : toHex(encodeCheckpoint(claimed)),
      toHex(transaction),
      evidence,
    ],
  ]);
}

/** Commits a prover to a call of Disputes: nobody else can make that call in its place. */
export const commitTo = (at: L1Addresses, prover: Address, proof: Pick<L1Call, "data">): L1Call =>
  call(at, "disputes", "commit", [commitmentOf(prover, proof)]);

/** What a prover commits to: keccak256(abi.encode(prover, keccak256(calldata))). */
export function commitmentOf(prover: Address, { data }: Pick<L1Call, "data">): Hash {
  const hash = keccakHash(fromHex(data));
  return keccakHash(fromHex(AbiCoder.defaultAbiCoder().encode(["address", "bytes32"], [prover, hash]) as Hex));
}

/** How a proof ended, by its receipt's logs; null: they are of none. */
export function proofEnd(
  at: L1Addresses,
  logs: readonly { readonly address: string; readonly topics: readonly string[]; readonly data: string }[],
): "proven" | "refuted" | null {
  for (const { address, topics, data } of logs) {
    if (address.toLowerCase() !== at.disputes) continue;
    const name = INTERFACES.disputes.parseLog({ topics: [...topics], data })?.name;
    if (name === "FraudProven") return "proven";
    if (name === "FraudRefuted") return "refuted";
  }
  return null;
}

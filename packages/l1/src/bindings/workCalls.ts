/** Proofs about who did a block's job (F4), as IWorkProofs has them. */
import {
  blsPublicKeyPoint,
  fromHex,
  type Hash,
  type Hex,
  keccakHash,
  type SeatHolder,
  type ShownEvidence,
  toHex,
} from "@mvm/protocol";
import { Interface } from "ethers";
import { FRAUDS, type L1Addresses } from "../contracts.ts";
import { I_WORK_PROOFS_ABI } from "../generated/shapes.ts";
import { evidenceValues } from "./evidenceValues.ts";
import { call, type L1Call } from "./l1Call.ts";
import { type AccusedBatch, accusedValues } from "./proofCalls.ts";

const SHAPES = new Interface(I_WORK_PROOFS_ABI);

/** Of the block at a place of the batch, by the batch's data. */
type Place = { readonly position: number; readonly data: Uint8Array };

/** Proofs by their kinds; `served`: number of a seat among those that served, from 0. */
export type WorkProof =
  | (Place & {
      readonly kind: "randomness";
      readonly evidence: ShownEvidence;
      /** the sequencer's, 48 bytes compressed; undefined where it never registered */
      readonly publicKey: Hex | undefined;
    })
  | (Place & {
      readonly kind: "seat";
      readonly served: number;
      /** undefined where there were no providers */
      readonly holder: SeatHolder | undefined;
      /** words beside the holder's path, from the leaf up */
      readonly siblings: readonly bigint[];
    })
  | (Place & {
      readonly kind: "signature";
      readonly served: number;
      readonly evidence: ShownEvidence;
      /** of the provider that the block names, 48 bytes compressed; undefined where there are not as many signatures */
      readonly publicKey: Hex | undefined;
    });

const NO_HASH = `0x${"00".repeat(32)}` as Hash;
const NOBODY = { place: 0, seated: [0, `0x${"00".repeat(20)}`, NO_HASH, 0] };
const DEPTH = 12;

function holderValues(holder: SeatHolder | undefined): typeof NOBODY {
  if (holder === undefined) return NOBODY;
  const { index, operator, blsPublicKey, weight, place } = holder;
  return { place, seated: [index, operator, keccakHash(fromHex(blsPublicKey)), weight] };
}

const keyValue = (publicKey: Hex | undefined): Hex => (publicKey === undefined ? "0x" : blsPublicKeyPoint(publicKey));

function valuesOf(proof: WorkProof): readonly unknown[] {
  const { position } = proof;
  const data = toHex(proof.data);
  if (proof.kind === "randomness") return [position, data, evidenceValues(proof.evidence), keyValue(proof.publicKey)];
  if (proof.kind === "signature")
    return [position, proof.served, data, evidenceValues(proof.evidence), keyValue(proof.publicKey)];
  const { seated, place } = holderValues(proof.holder);
  const siblings = Array.from({ length: DEPTH }, (_, level) => proof.siblings[level] ?? 0n);
  return [position, proof.served, data, seated, place, siblings];
}

/** The proof as bytes, which WorkVerifier takes. */
export const encodeWork = (proof: WorkProof): Hex => SHAPES.encodeFunctionData(proof.kind, [valuesOf(proof)]) as Hex;

/**
 * The proof that somebody else did a block's job than has to; its sender has committed to it (commitTo) in an earlier block of L1. Of a batch
 * in a blob somebody has opened its range before (BlobOpenings).
 */
export const proveWork = (at: L1Addresses, batch: AccusedBatch, proof: WorkProof): L1Call =>
  call(at, "disputes", "proveBy", [accusedValues(batch), FRAUDS.indexOf("work"), encodeWork(proof)]);

/** Calls of RollupChain, and its batches and proofs as contracts take them. */
import { type Address, type BatchHeader, blobRange, type ChainId, type Hash, type Hex, ZERO_HASH } from "@mvm/protocol";
import { concat, Signature } from "ethers";
import type { L1Addresses } from "../contracts.ts";
import { call, type L1Call } from "./l1Call.ts";
import { itemValues, type QueueItemValues } from "./queueItemValues.ts";

/** A batch with its data in calldata or, where the header has a blob hash, in a blob; signed by its poster. */
export type SignedBatch = {
  readonly header: BatchHeader;
  /** at most 98,304 bytes in calldata, BLOB_DATA_BYTES in a blob */
  readonly data: Uint8Array;
  /** 65 bytes r || s || parity by the poster over batchDigest */
  readonly signature: Hex;
  /** first item that the batch leaves in the queue, where it may consume it */
  readonly nextItem?: QueueItemValues;
  /** first item that was unconsumed before it: for posting out of turn, where that is overdue */
  readonly firstItem?: QueueItemValues;
};

/**
 * Versioned hashes of the blobs that a transaction with these batches has to carry, in its order: that of their first
 * appearance. Empty where all batches are in calldata.
 */
export function batchBlobHashes(batches: readonly Pick<SignedBatch, "header">[]): readonly Hash[] {
  return [...new Set(batches.map(({ header }) => header.blobHash))].filter((blobHash) => blobHash !== ZERO_HASH);
}

/**
 * Appends batches of any chains in one transaction: those in calldata with their data, those in blobs by the blob's number
 * and their range in it. Blobs are not part of the answer: where batchBlobHashes names any, the call is sent with their
 * sidecars in that order. Throws RangeError for a batch in a blob whose dataHash is no range.
 */
export function appendBatches(at: L1Addresses, batches: readonly SignedBatch[]): L1Call {
  const items: (readonly unknown[])[] = [];
  const place = (item: QueueItemValues | undefined): number => (item === undefined ? 0 : items.push(itemValues(item)));
  const blobs = batchBlobHashes(batches);
  const parts: Uint8Array[] = [];
  let end = 0;
  const placeData = ({ header, data }: SignedBatch): readonly number[] => {
    if (header.blobHash !== ZERO_HASH) return [blobs.indexOf(header.blobHash) + 1, ...rangeInBlob(header)];
    parts.push(data);
    end += data.length;
    return [0, end - data.length, data.length];
  };
  const inputs = batches.map((batch) => {
    const { header, signature, nextItem, firstItem } = batch;
    const { r, yParityAndS } = Signature.from(ethersSignature(signature));
    const { chainId, index, lastBlock, queueEnd, slot, poster, blocksRoot, transactionsRoot } = header;
    const shown = [place(nextItem), place(firstItem)];
    return [
      chainId,
      index,
      lastBlock,
      queueEnd,
      slot,
      poster,
      ...placeData(batch),
      ...shown,
      blocksRoot,
      transactionsRoot,
      r,
      yParityAndS,
    ];
  });
  return call(at, "rollupChain", "appendBatches", [inputs, items, concat(parts)]);
}

function rangeInBlob(header: BatchHeader): readonly number[] {
  const range = blobRange(header);
  if (range === null) throw new RangeError(`${header.dataHash} is no range of a blob`);
  return [range.offset, range.length];
}

/** r || s || v of a signature r || s || parity. */
export const ethersSignature = (signature: Hex): string =>
  `${signature.slice(0, 130)}${(27 + Number(`0x${signature.slice(130)}`)).toString(16)}`;

/** Takes the present slot of a chain over from ranks that were silent. */
export function claimSlot(at: L1Addresses, claim: { readonly chainId: ChainId; readonly rank: number }): L1Call {
  return call(at, "rollupChain", "claimSlot", [claim.chainId, claim.rank]);
}

/** Turns a chain to exit, whose first unconsumed item is overdue by exitAfter. */
export function turnToExit(
  at: L1Addresses,
  exit: { readonly chainId: ChainId; readonly item: QueueItemValues },
): L1Call {
  return call(at, "rollupChain", "turnToExit", [exit.chainId, itemValues(exit.item)]);
}

/** A batch's header in the order of the contracts' fields. */
export const headerValues = (header: BatchHeader): readonly unknown[] => [
  header.chainId,
  header.generation,
  header.index,
  header.previousBatchHash,
  header.firstBlock,
  header.lastBlock,
  header.blobHash,
  header.dataHash,
  header.blocksRoot,
  header.transactionsRoot,
  header.queueEnd,
  header.slot,
  header.poster,
];

/** Where L1 recorded a batch: its place among the batches of one transaction. */
export type BatchProof = {
  /** seconds; timestamp of the transaction's L1 block */
  readonly postedAt: bigint;
  /** among the transaction's batches in the order of their events, from 0 */
  readonly position: bigint;
  readonly count: bigint;
  /** Merkle proof of the batch hash, from the leaf up */
  readonly siblings: readonly Hash[];
};

/** A proof in the order of the contracts' fields. */
export const batchProofValues = ({ postedAt, position, count, siblings }: BatchProof): readonly unknown[] => [
  postedAt,
  position,
  count,
  siblings,
];

/**
 * Takes a batch back that was proven wrong, with all later ones of its chain, and slashes its poster; a final batch stands. Only
 * the account that the contracts were deployed with for disputes may.
 */
export function convict(
  at: L1Addresses,
  conviction: {
    readonly header: BatchHeader;
    readonly proof: BatchProof;
    /** the batch before; undefined for the first */
    readonly previous: BatchHeader | undefined;
    /** who gets the prover's share */
    readonly prover: Address;
  },
): L1Call {
  const { header, proof, previous = header, prover } = conviction;
  const values = [headerValues(header), batchProofValues(proof), headerValues(previous), prover];
  return call(at, "rollupChain", "convict", values);
}

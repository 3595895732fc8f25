/** Proofs that a batch does not follow from its data and from L1 (F2), as IDataProofs, IBlockProofs and IClosingProofs have them. */
import {
  type Address,
  type BatchHeader,
  type BlockTally,
  blobRange,
  type ChainId,
  fromHex,
  type Hash,
  type Hex,
  keccakHash,
  toHex,
} from "@mvm/protocol";
import { Interface } from "ethers";
import { FRAUDS, INTERFACES, type L1Addresses } from "../contracts.ts";
import { I_BLOCK_PROOFS_ABI, I_CLOSING_PROOFS_ABI, I_DATA_PROOFS_ABI } from "../generated/shapes.ts";
import { call, type L1Call } from "./l1Call.ts";
import { type AccusedBatch, accusedValues } from "./proofCalls.ts";
import type { QueueItemValues } from "./queueItemValues.ts";
import type { BatchProof } from "./rollupCalls.ts";

const SHAPES = {
  derivation: new Interface(I_DATA_PROOFS_ABI),
  context: new Interface(I_BLOCK_PROOFS_ABI),
  closing: new Interface(I_CLOSING_PROOFS_ABI),
};

/** A transaction of a block, as the batch says it. */
export type Committed = {
  /** place of its block in the batch, from 0 */
  readonly position: number;
  /** how many transactions the block has */
  readonly count: number;
  /** its hash */
  readonly committed: Hash;
  /** of this hash in the block's root, of the block's word in transactionsRoot */
  readonly siblings: readonly Hash[];
};

/** Transactions of a block that L1 counts at once. */
export type CountedStretch = {
  /** of the block's transactions before them */
  readonly before: BlockTally;
  /** they, as countedBytes has them */
  readonly transactions: Uint8Array;
};

/** Proofs by their kinds; fields as the structs of the same names have them, `data` is the batch's data everywhere. */
export type DerivationProofs = {
  /** contexts, or rows, cannot be decoded, or the data are another batch's */
  readonly form: { readonly group: number; readonly ofRows: boolean; readonly data: Uint8Array };
  /** a user's transaction is not the one in the data */
  readonly row: Committed & {
    /** among the block's users' transactions */
    readonly index: number;
    readonly data: Uint8Array;
    /** addresses at the row's table indexes; none where the table lacks one */
    readonly resolved: readonly Address[];
    /** RLP of the block's header, and of the one before; empty where the row has no table index */
    readonly header: Uint8Array;
    readonly parent: Uint8Array;
    /** trie nodes of the table, one after another */
    readonly witness: Uint8Array;
  };
  /** a block has another number of transactions */
  readonly count: {
    readonly position: number;
    readonly count: number;
    /** Merkle root of their hashes */
    readonly transactions: Hash;
    readonly data: Uint8Array;
    readonly siblings: readonly Hash[];
  };
  /** a header has another time or randomness */
  readonly time: {
    readonly position: number;
    readonly header: Uint8Array;
    readonly data: Uint8Array;
    readonly siblings: readonly Hash[];
  };
  /** a block is too far ahead of L1, which recorded the batch where the accusation says */
  readonly ahead: { readonly position: number; readonly data: Uint8Array };
  /** a batch ends at another place of the queue; `previous` is the batch before, if any */
  readonly queueEnd: { readonly data: Uint8Array; readonly previous: readonly BatchHeader[] };
  /** a block's first transaction is not its context */
  readonly context: { readonly leaf: Committed; readonly data: Uint8Array };
  /** a transaction does not consume the item whose turn it is, or too early */
  readonly item: {
    readonly leaf: Committed;
    /** among the items of the block */
    readonly index: number;
    readonly data: Uint8Array;
    readonly previous: readonly BatchHeader[];
    readonly item: QueueItemValues;
    readonly itemData: Uint8Array;
  };
  /** items of the queue that a block consumes have too many bytes: some of them, by ascending places */
  readonly itemBytes: Omit<DerivationProofs["count"], "data"> & {
    readonly items: readonly {
      /** place in the block */
      readonly index: number;
      readonly transaction: Uint8Array;
      /** of its hash in the block's root */
      readonly siblings: readonly Hash[];
    }[];
  };
  /** the second transaction of block 1 is not the founding */
  readonly founding: {
    readonly leaf: Committed;
    /** abi.encode(Charter) */
    readonly charter: Uint8Array;
    readonly storageUnits: number;
  };
  /** a block does not end in a settle that pays who made it */
  readonly settle: { readonly leaf: Committed; readonly transaction: Uint8Array; readonly data: Uint8Array };
  /** a block's slot is before that of the block before, by both their contexts */
  readonly slots: {
    readonly leaf: Committed;
    readonly context: Uint8Array;
    readonly leafBefore: Committed;
    readonly contextBefore: Uint8Array;
    readonly previous: readonly BatchHeader[];
  };
  /** settle has other L1 fees, or addresses for the table, than follow from all transactions of its block */
  readonly closing: CountedStretch & {
    readonly position: number;
    /** of the block's word in transactionsRoot */
    readonly siblings: readonly Hash[];
    /** what L1 has to have counted before, in order: the stretches up to `before` */
    readonly counted: readonly CountedStretch[];
  };
  /** an element of the batch's blob is no 31 bytes of data, as BlobOpenings was shown */
  readonly blob: Record<never, never>;
};

type DerivationKind = keyof DerivationProofs;
/** A proof of one kind. */
export type DerivationProof = {
  readonly [Kind in DerivationKind]: { readonly kind: Kind; readonly proof: DerivationProofs[Kind] };
}[DerivationKind];

/**
 * The proof as bytes, which its verifier takes; and the fraud that it is of.
 * @param posting where L1 recorded the batch, which tells when
 */
export function encodeDerivation(
  { kind, proof }: DerivationProof,
  posting: BatchProof,
): {
  readonly fraud: keyof typeof SHAPES;
  readonly bytes: Hex;
} {
  const fraud = (["derivation", "context", "closing"] as const).find((own) => SHAPES[own].hasFunction(kind))!;
  const values = kind === "blob" ? [] : [kind === "ahead" ? { ...proof, posting } : proof];
  return { fraud, bytes: SHAPES[fraud].encodeFunctionData(kind, values) as Hex };
}

/**
 * The proof that something of a batch does not follow; its sender has committed to it (commitTo) in an earlier block of L1. Of a batch in
 * a blob somebody has opened its range before (BlobOpenings).
 */
export function proveDerivation(at: L1Addresses, batch: AccusedBatch, proof: DerivationProof): L1Call {
  const { fraud, bytes } = encodeDerivation(proof, batch.posting);
  return call(at, "disputes", "proveBy", [accusedValues(batch), FRAUDS.indexOf(fraud), bytes]);
}

/**
 * Shows L1 what the range of a batch in a blob holds, for any proof about the batch. Throws RangeError for a batch in calldata.
 * @param data all bytes that the blob holds
 * @param opening of them (openAtChallenge), points of 48 bytes
 */
export function openBatchRange(
  at: L1Addresses,
  batch: Pick<BatchHeader, "blobHash" | "dataHash">,
  data: Uint8Array,
  { commitment, proof }: { readonly commitment: Uint8Array; readonly proof: Uint8Array },
): L1Call {
  const range = blobRange(batch);
  if (range === null) throw new RangeError("the batch is in no blob");
  const { offset, length } = range;
  const points = [toHex(commitment), toHex(proof)];
  return call(at, "blobOpenings", "openBlob", [batch.blobHash, toHex(data), ...points, offset, length]);
}

/**
 * Shows L1 that an element of a blob is no 31 bytes of data, which makes every batch in it wrong.
 * @param index of the element
 * @param opening of it (openElement), points of 48 bytes
 */
export function openOversizedElement(
  at: L1Addresses,
  blobHash: Hash,
  index: number,
  opening: { readonly value: bigint; readonly commitment: Uint8Array; readonly proof: Uint8Array },
): L1Call {
  const { value, commitment, proof } = opening;
  const values = [blobHash, index, value, toHex(commitment), toHex(proof)];
  return call(at, "blobOpenings", "proveOversizedElement", values);
}

/** What L1 knows a tally by that it has counted. */
export function tallyHash(chainId: ChainId, tally: BlockTally): Hash {
  const call = INTERFACES.closingVerifier.encodeFunctionData("hashOf", [chainId, tally]);
  return keccakHash(fromHex(`0x${call.slice(10)}`));
}

/** Has L1 count transactions of a block, which anyone may; what was counted before them has to be known there. */
export const countTransactions = (at: L1Addresses, chainId: ChainId, stretch: CountedStretch): L1Call =>
  call(at, "closingVerifier", "tally", [chainId, stretch.before, toHex(stretch.transactions)]);

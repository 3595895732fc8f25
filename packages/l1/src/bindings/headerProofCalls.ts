/** Calls of Disputes about headers (F3) and about two blocks of a sequencer at one place (F5). */
import { type Address, type ChainId, type Checkpoint, type Hash, type Hex, toHex } from "@mvm/protocol";
import { Signature } from "ethers";
import type { L1Addresses } from "../contracts.ts";
import { call, type L1Call } from "./l1Call.ts";
import { type AccusedBatch, accusedValues } from "./proofCalls.ts";
import { ethersSignature } from "./rollupCalls.ts";

/** A block of an accused batch. */
export type AccusedBlock = {
  /** its place in the batch, from 0 */
  readonly position: number;
  /** RLP of its header */
  readonly header: Uint8Array;
  /** of its hash in blocksRoot, and of what else the proof takes, as HeaderProofs.sol orders them */
  readonly siblings: readonly Hash[];
};

const blockValues = ({ position, header, siblings }: AccusedBlock): readonly unknown[] => [
  position,
  toHex(header),
  siblings,
];

/** The proof that a block's header has a constant wrong, or another number than its place gives it. */
export const proveForm = (at: L1Addresses, batch: AccusedBatch, block: AccusedBlock): L1Call =>
  call(at, "disputes", "proveForm", [accusedValues(batch), blockValues(block)]);

/**
 * The proof that a header does not follow from the one before it.
 * @param parent RLP of that one; empty where it is the DAC's block 0
 */
export const proveParent = (at: L1Addresses, batch: AccusedBatch, block: AccusedBlock, parent: Uint8Array): L1Call =>
  call(at, "disputes", "proveParent", [accusedValues(batch), blockValues(block), toHex(parent)]);

/** How a block's transactions ended: their number, the Merkle root of their hashes, the last checkpoint. */
export type BlockEnd = { readonly count: number; readonly transactions: Hash; readonly checkpoint: Checkpoint };

/** The proof that a header is not its last checkpoint's. */
export const proveCheckpoint = (
  at: L1Addresses,
  batch: AccusedBatch,
  block: AccusedBlock,
  { count, transactions, checkpoint }: BlockEnd,
): L1Call =>
  call(at, "disputes", "proveCheckpoint", [
    accusedValues(batch),
    blockValues(block),
    [count, transactions, checkpoint],
  ]);

/**
 * The proof that a header's withdrawals root is not its state's.
 * @param nodes path of MVM_L2ToL1 from the header's state root down
 */
export const proveWithdrawals = (
  at: L1Addresses,
  batch: AccusedBatch,
  block: AccusedBlock,
  nodes: readonly Hex[],
): L1Call => call(at, "disputes", "proveWithdrawals", [accusedValues(batch), blockValues(block), nodes]);

/** A block as its sequencer signed it: what its signature is over, see blockDigest. */
type SignedHashes = {
  readonly headerHash: Hash;
  readonly contextHash: Hash;
  readonly bodyHash: Hash;
  /** 65 bytes r || s || parity */
  readonly signature: Hex;
};

/** Two blocks that a sequencer signed at one place. */
export type Equivocation = {
  readonly sequencer: Address;
  readonly chainId: ChainId;
  readonly generation: bigint;
  readonly slot: bigint;
  readonly number: bigint;
  readonly first: SignedHashes;
  readonly second: SignedHashes;
};

function signedValues({ headerHash, contextHash, bodyHash, signature }: SignedHashes): readonly unknown[] {
  const { r, yParityAndS } = Signature.from(ethersSignature(signature));
  return [headerHash, contextHash, bodyHash, r, yParityAndS];
}

/** The proof that a sequencer signed two blocks at one place. */
export function proveEquivocation(at: L1Addresses, proof: Equivocation): L1Call {
  const { sequencer, chainId, generation, slot, number, first, second } = proof;
  const values = [sequencer, chainId, generation, slot, number, signedValues(first), signedValues(second)];
  return call(at, "disputes", "proveEquivocation", [values]);
}

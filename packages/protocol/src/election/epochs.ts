/**
 * Epochs and their randomness, as RandomBeacon has them. An epoch is `epochBlocks` L1 blocks, 4 to 4,096; epoch e begins
 * with L1 block e * epochBlocks. A slot of a DAC is an epoch. Draws for slot s look at the stakes at the close of epoch
 * s - SNAPSHOT_DISTANCE, which is over before anybody can know the slot's randomness.
 */
import { taggedHash } from "../hash.ts";
import { toWord } from "../hex.ts";
import type { ChainId, Hash } from "../primitives.ts";

/** Epochs from the one whose close a slot's draws look at to the slot. */
export const SNAPSHOT_DISTANCE = 2n;

/** The epoch that an L1 block belongs to. */
export function epochOf(l1Block: bigint, epochBlocks: number): bigint {
  return l1Block / BigInt(epochBlocks);
}

/** Number of an epoch's first L1 block. */
export function firstBlockOf(epoch: bigint, epochBlocks: number): bigint {
  return epoch * BigInt(epochBlocks);
}

/** Number of the L1 block whose prevRandao draws an epoch: a quarter of an epoch before it begins. Throws RangeError for epoch 0, which has none. */
export function drawBlockOf(epoch: bigint, epochBlocks: number): bigint {
  if (epoch < 1n) throw new RangeError("epoch 0 is not drawn");
  return firstBlockOf(epoch, epochBlocks) - BigInt(Math.floor(epochBlocks / 4));
}

/** Randomness of an epoch: keccak(keccak("mvm/beacon/1") || uint256 epoch || prevRandao of its draw block). */
export function epochRandomness(epoch: bigint, prevRandao: Hash): Hash {
  return taggedHash("mvm/beacon/1", toWord(epoch), prevRandao);
}

/** Seed of a slot's draw of sequencers: keccak(keccak("mvm/slot/1") || randomness of the slot's epoch || uint256 chain || uint256 slot). */
export function slotSeed(randomness: Hash, chainId: ChainId, slot: bigint): Hash {
  return taggedHash("mvm/slot/1", randomness, toWord(chainId), toWord(slot));
}

/**
 * Binary Merkle trees over 32-byte leaves, padded with zero leaves to a power of two (design page 10, "Checkpoints").
 * An inner node is keccak(left || right); a tree of one leaf is that leaf; of none, zero. The number of leaves is
 * committed elsewhere (batch header, block context), which makes padding unambiguous.
 */
import { keccakHash } from "./hash.ts";
import { concatBytes, fromHex } from "./hex.ts";
import { type Hash, ZERO_HASH } from "./primitives.ts";

const nodeOf = (left: Hash, right: Hash): Hash => keccakHash(concatBytes(fromHex(left), fromHex(right)));

function levels(leaves: readonly Hash[]): Hash[][] {
  let level: Hash[] = [...leaves];
  while (level.length === 0 || (level.length & (level.length - 1)) !== 0) level.push(ZERO_HASH);
  const all = [level];
  while (level.length > 1) {
    const above: Hash[] = [];
    for (let i = 0; i < level.length; i += 2) above.push(nodeOf(level[i]!, level[i + 1]!));
    level = above;
    all.push(level);
  }
  return all;
}

/** Root of the tree over `leaves`. */
export function merkleRoot(leaves: readonly Hash[]): Hash {
  return levels(leaves).at(-1)![0]!;
}

function requireLeaf(leaves: readonly Hash[], index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length)
    throw new RangeError(`no leaf ${index} of ${leaves.length}`);
}

/** Sibling hashes from the leaf up. Throws RangeError for an index outside the leaves. */
export function merkleProof(leaves: readonly Hash[], index: number): readonly Hash[] {
  requireLeaf(leaves, index);
  return levels(leaves)
    .slice(0, -1)
    .map((level, height) => level[(index >> height) ^ 1]!);
}

/**
 * Sibling hashes of the leaves at `index - 1` and `index`, from the leaves up: as long as their paths are apart, first the
 * left one's, then the right one's; above, one path serves both. MerkleTree.pairRootOf takes them. Throws RangeError where
 * one of the two is no leaf.
 */
export function merklePairProof(leaves: readonly Hash[], index: number): readonly Hash[] {
  requireLeaf(leaves, index - 1);
  requireLeaf(leaves, index);
  return levels(leaves)
    .slice(0, -1)
    .flatMap((level, height) => {
      const [left, right] = [(index - 1) >> height, index >> height];
      if (left === right) return [level[right ^ 1]!];
      // Where the paths meet, each is the other's sibling.
      return (left ^ right) === 1 ? [] : [level[left ^ 1]!, level[right ^ 1]!];
    });
}

/** Root of the tree that a leaf and its siblings, from the leaf up, make. */
export const merkleRootOf = (leaf: Hash, index: number, siblings: readonly Hash[]): Hash =>
  siblings.reduce(
    (node, sibling, level) => ((index >> level) & 1 ? nodeOf(sibling, node) : nodeOf(node, sibling)),
    leaf,
  );

/** Whether `leaf` is number `index` of a tree of `count` leaves with this root. */
export function verifyMerkleProof(proof: {
  root: Hash;
  leaf: Hash;
  index: number;
  count: number;
  siblings: readonly Hash[];
}): boolean {
  const { root, leaf, index, count, siblings } = proof;
  if (!Number.isInteger(index) || index < 0 || index >= count) return false;
  if (siblings.length !== Math.ceil(Math.log2(Math.max(count, 1)))) return false;
  return merkleRootOf(leaf, index, siblings) === root;
}

/** Whether two leaves stand next to each other in a tree of `count` leaves with this root, the right one at `index`. */
export function verifyMerklePair(proof: {
  root: Hash;
  leaves: readonly [left: Hash, right: Hash];
  index: number;
  count: number;
  siblings: readonly Hash[];
}): boolean {
  const { root, leaves, index, count, siblings } = proof;
  if (!Number.isInteger(index) || index < 1 || index >= count) return false;
  const height = Math.ceil(Math.log2(count));
  const apart = Math.log2(index & -index);
  if (siblings.length !== height - 1 + apart) return false;
  let [left, right] = leaves;
  for (let level = 0; level < apart; level++) {
    left = nodeOf(siblings[2 * level]!, left);
    right = nodeOf(right, siblings[2 * level + 1]!);
  }
  return merkleRootOf(nodeOf(left, right), index >> (apart + 1), siblings.slice(2 * apart)) === root;
}

import {
  concatBytes,
  fromHex,
  type Hash,
  keccakHash,
  merklePairProof,
  merkleProof,
  merkleRoot,
  verifyMerkleProof,
  ZERO_HASH,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { merkleRootOf, merkleWidth } from "../vectors/chain.ts";
import { hashes } from "./arbitraries.ts";

const RUNS = { numRuns: 60 };
const trees = fc.uniqueArray(hashes, { minLength: 1, maxLength: 40 });
const picks = fc.tuple(trees, fc.nat()).map(([leaves, n]) => ({ leaves, index: n % leaves.length }));
const parentOf = (left: Hash, right: Hash): Hash => keccakHash(concatBytes(fromHex(left), fromHex(right)));
const depthOf = (count: number): number => Math.log2(merkleWidth(count));

describe("Merkle trees", () => {
  it("have the root that the recursive definition gives", () => {
    fc.assert(
      fc.property(fc.array(hashes, { maxLength: 40 }), (leaves) => {
        expect(merkleRoot(leaves)).toBe(merkleRootOf(leaves));
      }),
      RUNS,
    );
  });

  it("every proof verifies at its index", () => {
    fc.assert(
      fc.property(trees, (leaves) => {
        const root = merkleRoot(leaves);
        leaves.forEach((leaf, index) => {
          const siblings = merkleProof(leaves, index);
          expect(verifyMerkleProof({ root, leaf, index, count: leaves.length, siblings })).toBe(true);
        });
      }),
      RUNS,
    );
  });

  it("a pair's siblings lead from both leaves to the root: one path each until they meet, then one for both", () => {
    fc.assert(
      fc.property(trees, (leaves) => {
        for (let index = 1; index < leaves.length; index++) {
          const siblings = [...merklePairProof(leaves, index)];
          let [left, right, place] = [leaves[index - 1]!, leaves[index]!, index];
          for (; place % 2 === 0; place /= 2) {
            left = parentOf(siblings.shift()!, left);
            right = parentOf(right, siblings.shift()!);
          }
          let node = parentOf(left, right);
          for (place = Math.floor(place / 2); siblings.length > 0; place = Math.floor(place / 2)) {
            const sibling = siblings.shift()!;
            node = place % 2 === 0 ? parentOf(node, sibling) : parentOf(sibling, node);
          }
          expect(node).toBe(merkleRoot(leaves));
        }
      }),
      RUNS,
    );
  });

  it("no proof verifies for another index, leaf or root, or with a sibling changed, missing or added", () => {
    fc.assert(
      fc.property(picks, hashes, fc.nat(), ({ leaves, index }, other, nat) => {
        const proof = {
          root: merkleRoot(leaves),
          leaf: leaves[index]!,
          index,
          count: leaves.length,
          siblings: merkleProof(leaves, index),
        };
        for (let at = -1; at <= leaves.length; at++)
          if (at !== index) expect(verifyMerkleProof({ ...proof, index: at })).toBe(false);
        expect(verifyMerkleProof({ ...proof, leaf: other })).toBe(false);
        expect(verifyMerkleProof({ ...proof, root: other })).toBe(false);
        expect(verifyMerkleProof({ ...proof, siblings: [...proof.siblings, other] })).toBe(false);
        const { siblings } = proof;
        if (siblings.length === 0) return;
        const at = nat % siblings.length;
        expect(verifyMerkleProof({ ...proof, siblings: siblings.with(at, other) })).toBe(false);
        expect(verifyMerkleProof({ ...proof, siblings: siblings.toSpliced(at, 1) })).toBe(false);
      }),
      RUNS,
    );
  });

  it("no proof verifies for a count that does not hold the index or has another depth", () => {
    fc.assert(
      fc.property(picks, fc.nat({ max: 100 }), ({ leaves, index }, count) => {
        const siblings = merkleProof(leaves, index);
        const fits = index < count && depthOf(count) === depthOf(leaves.length);
        expect(verifyMerkleProof({ root: merkleRoot(leaves), leaf: leaves[index]!, index, count, siblings })).toBe(
          fits,
        );
      }),
      RUNS,
    );
    const one = { root: ZERO_HASH, leaf: ZERO_HASH, siblings: [] };
    for (const count of [0, -1, Number.NaN]) expect(verifyMerkleProof({ ...one, index: 0, count })).toBe(false);
    for (const index of [0.5, Number.NaN, -1]) expect(verifyMerkleProof({ ...one, index, count: 1 })).toBe(false);
  });

  it("padding is no leaf: beyond the count nothing verifies, not even zero", () => {
    fc.assert(
      fc.property(trees, (leaves) => {
        const width = merkleWidth(leaves.length);
        const padded = [...leaves, ...Array.from({ length: width - leaves.length }, () => ZERO_HASH)];
        expect(merkleRoot(padded)).toBe(merkleRoot(leaves));
        for (let index = leaves.length; index < width; index++) {
          const proof = { root: merkleRoot(leaves), leaf: ZERO_HASH, index, siblings: merkleProof(padded, index) };
          expect(verifyMerkleProof({ ...proof, count: leaves.length })).toBe(false);
          expect(verifyMerkleProof({ ...proof, count: width })).toBe(true);
        }
      }),
      RUNS,
    );
  });

  it("no leaf gives zero, one leaf itself; there is no proof outside the leaves", () => {
    expect(merkleRoot([])).toBe(ZERO_HASH);
    fc.assert(fc.property(hashes, (leaf) => merkleRoot([leaf]) === leaf));
    const leaves: Hash[] = [ZERO_HASH];
    for (const index of [-1, 1, 0.5, Number.NaN]) expect(() => merkleProof(leaves, index)).toThrow(RangeError);
    for (const index of [-1, 0, 1, 0.5, Number.NaN]) expect(() => merklePairProof(leaves, index)).toThrow(RangeError);
    expect(() => merkleProof([], 0)).toThrow(RangeError);
  });
});

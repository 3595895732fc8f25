import {
  blsKeyFromSeed,
  FormatError,
  fromHex,
  type Hash,
  type Hex,
  toHex,
  type VrfPlaces,
  verifyBls,
  vrfMessage,
  vrfOutput,
  vrfProve,
  vrfVerify,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chainIds, hashes } from "./arbitraries.ts";

const RUNS = { numRuns: 20 };
const key = blsKeyFromSeed(new Uint8Array(32).fill(7));
const other = blsKeyFromSeed(new Uint8Array(32).fill(8));
const numbers = fc.bigInt(0n, 2n ** 64n - 1n);
const flip = <H extends Hex>(hex: H, bit: number): H => {
  const bytes = fromHex(hex);
  bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
  return toHex(bytes) as H;
};

const blockPlaces: fc.Arbitrary<VrfPlaces["block"]> = fc.record({
  epoch: numbers,
  randomness: hashes,
  chainId: chainIds,
  generation: numbers,
  blockNumber: numbers,
});

describe("VRF", () => {
  it("has one proof for a key and a message, and one output", () => {
    fc.assert(
      fc.property(hashes, (message) => {
        const proof = vrfProve(key, message);
        expect(vrfProve(key, message)).toBe(proof);
        expect(vrfVerify(key.publicKey, message, proof)).toBe(true);
        expect(vrfOutput(proof)).toBe(vrfOutput(vrfProve(key, message)));
      }),
      RUNS,
    );
  });

  it("takes no other key's proof, no other message's, none with a bit changed", () => {
    fc.assert(
      fc.property(hashes, fc.nat(), (message, bit) => {
        const proof = vrfProve(key, message);
        expect(vrfVerify(other.publicKey, message, proof)).toBe(false);
        expect(vrfVerify(key.publicKey, flip(message, bit), proof)).toBe(false);
        expect(vrfVerify(key.publicKey, message, flip(proof, bit))).toBe(false);
        expect(vrfOutput(vrfProve(key, flip(message, bit)))).not.toBe(vrfOutput(proof));
        expect(vrfOutput(vrfProve(other, message))).not.toBe(vrfOutput(proof));
      }),
      RUNS,
    );
  });

  it("takes no signature on the message itself for a proof: what is signed elsewhere gives no draw away", () => {
    fc.assert(
      fc.property(hashes, (message) => {
        expect(vrfVerify(key.publicKey, message, key.sign(message))).toBe(false);
        expect(verifyBls(message, key.publicKey, vrfProve(key, message))).toBe(false);
      }),
      RUNS,
    );
  });

  it("is false for what is no point, which has no output either", () => {
    const message = `0x${"5a".repeat(32)}` as Hash;
    const proof = vrfProve(key, message);
    const negated = flip(proof, 5);
    for (const bad of ["0x", "0x00", `0xc0${"00".repeat(95)}`, `0x${"ff".repeat(96)}`] as Hex[]) {
      expect(vrfVerify(key.publicKey, message, bad), bad).toBe(false);
      expect(() => vrfOutput(bad), bad).toThrow(FormatError);
    }
    expect(vrfVerify(key.publicKey, message, negated)).toBe(false);
    expect(vrfOutput(negated)).not.toBe(vrfOutput(proof));
  });
});

describe("messages of draws (I11)", () => {
  it("differ by network and by every part of the place", () => {
    fc.assert(
      fc.property(hashes, blockPlaces, fc.nat({ max: 255 }), (domain, place, bit) => {
        const message = vrfMessage("block", domain, place);
        expect(vrfMessage("block", flip(domain, bit), place)).not.toBe(message);
        for (const [name, value] of Object.entries(place)) {
          const changed = typeof value === "bigint" ? value + 1n : flip(value, bit);
          expect(vrfMessage("block", domain, { ...place, [name]: changed }), name).not.toBe(message);
        }
      }),
      RUNS,
    );
  });

  it("differ by every part of a ranger's place, and by the purpose", () => {
    fc.assert(
      fc.property(hashes, blockPlaces, numbers, (domain, block, period) => {
        const { epoch, randomness } = block;
        const messages = [
          vrfMessage("block", domain, block),
          vrfMessage("ranger-seat", domain, { epoch, randomness, period }),
          vrfMessage("ranger-seat", domain, { epoch: epoch + 1n, randomness, period }),
          vrfMessage("ranger-seat", domain, { epoch, randomness: flip(randomness, 0), period }),
          vrfMessage("ranger-seat", domain, { epoch, randomness, period: period + 1n }),
        ];
        expect(new Set(messages).size).toBe(messages.length);
      }),
      RUNS,
    );
  });
});

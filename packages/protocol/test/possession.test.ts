import {
  blsKeyFromSeed,
  FormatError,
  fromHex,
  type Hex,
  type PossessionClaim,
  possessionDigest,
  provePossession,
  toHex,
  verifyPossession,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addresses } from "./arbitraries.ts";

const RUNS = { numRuns: 20 };
const key = blsKeyFromSeed(new Uint8Array(32).fill(7));
const other = blsKeyFromSeed(new Uint8Array(32).fill(8));
const claims: fc.Arbitrary<PossessionClaim> = fc.record({
  l1ChainId: fc.bigInt(0n, 2n ** 256n - 1n),
  registry: addresses,
  operator: addresses,
});
const flip = <H extends Hex>(hex: H, bit: number): H => {
  const bytes = fromHex(hex);
  bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
  return toHex(bytes) as H;
};

describe("proof of possession", () => {
  it("shows that the claim's operator has the key", () => {
    fc.assert(
      fc.property(claims, (claim) => {
        expect(verifyPossession({ ...claim, publicKey: key.publicKey }, provePossession(key, claim))).toBe(true);
      }),
      RUNS,
    );
  });

  it("holds on no other L1 chain, at no other registry, for no other operator or key (I11)", () => {
    fc.assert(
      fc.property(claims, fc.nat(), (claim, bit) => {
        const proof = provePossession(key, claim);
        const own = { ...claim, publicKey: key.publicKey };
        const changes = [
          { l1ChainId: claim.l1ChainId ^ (1n << BigInt(bit % 256)) },
          { registry: flip(claim.registry, bit) },
          { operator: flip(claim.operator, bit) },
          { publicKey: other.publicKey },
        ];
        for (const change of changes) {
          expect(possessionDigest({ ...own, ...change })).not.toBe(possessionDigest(own));
          expect(verifyPossession({ ...own, ...change }, proof), Object.keys(change)[0]).toBe(false);
        }
        expect(verifyPossession({ ...own, registry: claim.operator, operator: claim.registry }, proof)).toBe(
          claim.registry === claim.operator,
        );
        expect(verifyPossession(own, flip(proof, bit))).toBe(false);
        expect(verifyPossession(own, provePossession(other, claim))).toBe(false);
      }),
      RUNS,
    );
  });

  it("is false, and throws nothing, for keys and proofs that are none", () => {
    const [claim] = fc.sample(claims, 1) as [PossessionClaim];
    const proof = provePossession(key, claim);
    const bad = ["0x", "0x00", `0x${"zz".repeat(48)}`, `0x${"ff".repeat(48)}`, `0xc0${"00".repeat(47)}`] as Hex[];
    for (const publicKey of [...bad, key.publicKey.slice(2) as Hex])
      expect(verifyPossession({ ...claim, publicKey }, proof), publicKey).toBe(false);
    for (const possession of [...bad, `0xc0${"00".repeat(95)}` as Hex])
      expect(verifyPossession({ ...claim, publicKey: key.publicKey }, possession), possession).toBe(false);
    expect(() => possessionDigest({ ...claim, publicKey: "0x00" })).toThrow(FormatError);
  });
});

import {
  addressOf,
  FormatError,
  fromHex,
  type Hex,
  keccakHash,
  type PossessionClaim,
  peerPossessionDigest,
  possessionDigest,
  provePeerPossession,
  signerOf,
  toHex,
} from "@mvm/protocol";
import { SigningKey } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addresses } from "./arbitraries.ts";

const RUNS = { numRuns: 30 };
const secrets = fc.uint8Array({ minLength: 31, maxLength: 31 }).map((bytes) => Uint8Array.of(1, ...bytes));
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

describe("proof of possession of a peer key", () => {
  it("has the key's point, and a signature by it on the claim", () => {
    fc.assert(
      fc.property(secrets, claims, (secret, claim) => {
        const { publicKey, signature } = provePeerPossession(secret, claim);
        expect(`0x04${publicKey.slice(2)}`).toBe(SigningKey.computePublicKey(secret, false));
        const compressed = SigningKey.computePublicKey(secret, true) as Hex;
        const digest = peerPossessionDigest({ ...claim, publicKey: compressed });
        expect(signerOf(digest, signature)).toBe(addressOf(secret));
        expect(addressOf(secret)).toBe(`0x${keccakHash(fromHex(publicKey)).slice(-40)}`);
      }),
      RUNS,
    );
  });

  it("holds on no other L1 chain, at no other registry, for no other operator or key (I11)", () => {
    fc.assert(
      fc.property(secrets, claims, fc.nat(), (secret, claim, bit) => {
        const { signature } = provePeerPossession(secret, claim);
        const own = { ...claim, publicKey: SigningKey.computePublicKey(secret, true) as Hex };
        const changes = [
          { l1ChainId: claim.l1ChainId ^ (1n << BigInt(bit % 256)) },
          { registry: flip(claim.registry, bit) },
          { operator: flip(claim.operator, bit) },
          { publicKey: flip(own.publicKey, bit) },
        ];
        for (const change of changes) {
          const digest = peerPossessionDigest({ ...own, ...change });
          expect(digest).not.toBe(peerPossessionDigest(own));
          expect(signerOf(digest, signature), Object.keys(change)[0]).not.toBe(addressOf(secret));
        }
      }),
      RUNS,
    );
  });

  it("and that of a BLS key take keys of their own lengths alone, so no digest is both", () => {
    fc.assert(
      fc.property(claims, fc.uint8Array({ maxLength: 64 }), (claim, key) => {
        fc.pre(key.length !== 33);
        expect(() => peerPossessionDigest({ ...claim, publicKey: toHex(key) })).toThrow(FormatError);
        const peerKey = toHex(new Uint8Array(33).fill(2));
        expect(() => possessionDigest({ ...claim, publicKey: peerKey })).toThrow(FormatError);
      }),
      RUNS,
    );
  });

  it("is not made by what is no secret of the curve", () => {
    const [claim] = fc.sample(claims, 1) as [PossessionClaim];
    for (const secret of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31).fill(1)])
      expect(() => provePeerPossession(secret, claim)).toThrow();
  });
});

import { addressOf, fromHex, type Hash, type Hex, recoverAddress, signDigest, signerOf, toHex } from "@mvm/protocol";
import { Signature, SigningKey, Wallet } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashes } from "./arbitraries.ts";

const RUNS = { numRuns: 30 };
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const keys = fc.uint8Array({ minLength: 31, maxLength: 31 }).map((bytes) => Uint8Array.of(1, ...bytes));

describe("secp256k1 signatures", () => {
  it("addresses and signatures are those that another implementation makes", () => {
    fc.assert(
      fc.property(keys, hashes, (key, digest) => {
        const theirs = new SigningKey(key).sign(digest);
        const ours = signDigest(key, digest);
        expect(ours).toBe(`${theirs.r}${theirs.s.slice(2)}0${theirs.yParity}`);
        expect(addressOf(key)).toBe(new Wallet(toHex(key)).address.toLowerCase());
        expect(signerOf(digest, ours)).toBe(addressOf(key));
      }),
      RUNS,
    );
  });

  it("a changed digest or signature never gives the signer", () => {
    fc.assert(
      fc.property(keys, hashes, fc.nat(), (key, digest, bit) => {
        const signature = fromHex(signDigest(key, digest));
        const at = bit % (8 * signature.length);
        signature[at >> 3]! ^= 1 << (at & 7);
        expect(signerOf(digest, toHex(signature))).not.toBe(addressOf(key));
        const other = fromHex(digest);
        other[bit % 32]! ^= 1;
        expect(signerOf(toHex(other) as Hash, signDigest(key, digest))).not.toBe(addressOf(key));
      }),
      RUNS,
    );
  });

  it("has no second form: the same signature with high s is none, but for the precompile's rule", () => {
    fc.assert(
      fc.property(keys, hashes, (key, digest) => {
        const { r, s, yParity } = Signature.from(new SigningKey(key).sign(digest));
        const highS = (ORDER - BigInt(s)).toString(16).padStart(64, "0");
        const rs = fromHex(`${r}${highS}`);
        expect(signerOf(digest, `${r}${highS}0${1 - yParity}` as Hex)).toBe(null);
        expect(recoverAddress(fromHex(digest), rs, 1 - yParity)).toBe(null);
        expect(recoverAddress(fromHex(digest), rs, 1 - yParity, "any-s")).toBe(addressOf(key));
      }),
      RUNS,
    );
  });

  it("malformed ones have no signer", () => {
    const digest = `0x${"5a".repeat(32)}` as Hash;
    const good = signDigest(new Uint8Array(32).fill(1), digest);
    const [r, s] = [good.slice(2, 66), good.slice(66, 130)];
    const order = ORDER.toString(16);
    const bad = [
      "",
      good.slice(2, 130),
      `${good.slice(2)}00`,
      `${r}${s}02`,
      `${r}${s}1b`,
      `${"00".repeat(32)}${s}00`,
      `${r}${"00".repeat(32)}00`,
      `${order}${s}00`,
      `${r}${order}00`,
      `${"ff".repeat(64)}00`,
    ];
    for (const text of bad) expect(signerOf(digest, `0x${text}`), text).toBe(null);
    expect(recoverAddress(fromHex(digest), new Uint8Array(63), 0)).toBe(null);
  });
});

import { fromHex } from "@mvm/protocol";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { XChaCha } from "../src/xchacha.ts";
import { textOf } from "./streams.ts";

const bytes = (sizeBytes: number) => fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes });

test("seals the vector of draft-irtf-cfrg-xchacha-03, appendix A.3.1", () => {
  const key = fromHex("0x808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const nonce = fromHex("0x404142434445464748494a4b4c4d4e4f5051525354555657");
  const associated = fromHex("0x50515253c0c1c2c3c4c5c6c7");
  const plaintext = new TextEncoder().encode(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const ciphertext =
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e";
  const tag = "c0875924c1c7987947deafd8780acf49";
  const cipher = new XChaCha(key, nonce.subarray(0, 16));
  const sealed = new Uint8Array(Buffer.concat(cipher.seal(nonce.subarray(16), associated, plaintext)));
  expect(textOf(sealed)).toBe(ciphertext + tag);
  expect(cipher.open(nonce.subarray(16), associated, sealed)).toEqual(Buffer.from(plaintext));
});

test("seals what @noble/ciphers seals, and opens what it sealed", () => {
  const inputs = [
    bytes(32),
    bytes(24),
    fc.uint8Array({ maxLength: 100 }),
    fc.uint8Array({ maxLength: 5_000 }),
  ] as const;
  fc.assert(
    fc.property(...inputs, (key, nonce, associated, plaintext) => {
      const cipher = new XChaCha(key, nonce.subarray(0, 16));
      const peer = xchacha20poly1305(key, nonce, associated);
      const sealed = peer.encrypt(plaintext);
      expect(textOf(Buffer.concat(cipher.seal(nonce.subarray(16), associated, plaintext)))).toBe(textOf(sealed));
      expect(textOf(cipher.open(nonce.subarray(16), associated, sealed)!)).toBe(textOf(plaintext));
    }),
    { numRuns: 200 },
  );
});

test("opens nothing in which a single bit is another: key, nonce, associated data, ciphertext, tag", () => {
  const parts = [bytes(32), bytes(24), bytes(20), bytes(40), fc.nat(4), fc.nat()] as const;
  fc.assert(
    fc.property(...parts, (key, nonce, associated, plaintext, part, bit) => {
      const sealing = new XChaCha(key, nonce.subarray(0, 16)).seal(nonce.subarray(16), associated, plaintext);
      const sealed = new Uint8Array(Buffer.concat(sealing));
      const changed = [key, nonce, associated, sealed.subarray(0, 40), sealed.subarray(40)][part]!;
      changed[(bit >> 3) % changed.length]! ^= 1 << (bit & 7);
      const cipher = new XChaCha(key, nonce.subarray(0, 16));
      expect(cipher.open(nonce.subarray(16), associated, sealed)).toBeNull();
    }),
    { numRuns: 300 },
  );
});

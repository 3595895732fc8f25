import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { generatePeerKey, peerIdOf, peerSecretOf } from "../src/index.ts";

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
/** Ed25519 and secp256k1 keys of libp2p's own test vectors (specs/peer-ids), as PrivateKey protobufs. */
const ED25519 = bytes(
  "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e",
);
const SECP256K1 = bytes("0802122053dadf1d5a164d6b4acdb15e24aa4c5b1d3461bdbd42abedb0a4404d56ced8fb");

type Vector = { readonly secret: string; readonly peerIdText: string };
const vectors = JSON.parse(
  readFileSync(new URL("../../protocol/vectors/peerPossession.json", import.meta.url), "utf8"),
) as readonly Vector[];

describe("peer keys", () => {
  test("are of secp256k1, and differ", async () => {
    const [first, second] = [await generatePeerKey(), await generatePeerKey()];
    expect(first.subarray(0, 4)).toEqual(bytes("08021220"));
    expect(peerSecretOf(first)).toEqual(first.subarray(4));
    expect(peerSecretOf(first)).toHaveLength(32);
    expect(peerIdOf(first)).toMatch(/^16Uiu2HA/);
    expect(peerIdOf(second)).not.toBe(peerIdOf(first));
  });

  test("have in libp2p the ids that registries derive", () => {
    for (const { secret, peerIdText } of vectors) {
      const key = bytes(`08021220${secret.slice(2)}`);
      expect(peerSecretOf(key)).toEqual(bytes(secret.slice(2)));
      expect(peerIdOf(key)).toBe(peerIdText);
    }
    expect(peerSecretOf(SECP256K1)).toEqual(bytes(vectors[0]!.secret.slice(2)));
  });

  test("of another kind have an id, and no secret that signs for L1", () => {
    expect(peerIdOf(ED25519)).toMatch(/^12D3KooW/);
    expect(peerSecretOf(ED25519)).toBeNull();
  });

  test("are none where bytes are no libp2p key", () => {
    for (const bad of [new Uint8Array(0), bytes("1234"), SECP256K1.subarray(0, 20), bytes("08021221")]) {
      expect(() => peerIdOf(bad)).toThrow();
      expect(() => peerSecretOf(bad)).toThrow();
    }
  });
});

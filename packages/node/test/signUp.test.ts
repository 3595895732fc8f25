import { L1Submitter } from "@mvm/l1";
import { MemoryHub, MemoryNetwork } from "@mvm/network";
import { addressOf, blsKeyFromSeed, fromHex, PROFILES, signDigest, toHex } from "@mvm/protocol";
import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import type { Keys } from "../src/keys.ts";
import { signUp } from "../src/signUp.ts";
import { CONFIG } from "./settings.ts";
import { peerOf } from "./world.ts";

/** The Ed25519 key of libp2p's test vectors (specs/peer-ids): of the kind that nodes of older versions made. */
const ED25519 = fromHex(
  "0x080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e",
);
const SECRET = new Uint8Array(32).fill(7);

function keysWith(peer: Uint8Array): Keys {
  const identity = {
    operator: addressOf(SECRET),
    signDigest: (digest: Parameters<typeof signDigest>[1]) => signDigest(SECRET, digest),
    bls: blsKeyFromSeed(SECRET),
  };
  return { l1: toHex(SECRET), peer, identity };
}

/** What a sign-up with these keys asks of L1 until L1 fails it. */
async function signingUp(
  peer: Uint8Array,
  roles: (typeof CONFIG)["roles"],
): Promise<{ asked: string[]; end: unknown }> {
  const asked: string[] = [];
  const transport = {
    send: async (method: string): Promise<never> => {
      asked.push(method);
      throw new Error("no L1 here");
    },
  };
  const submitter = new L1Submitter({
    transport,
    l1ChainId: 31_337n,
    wallet: new Wallet(toHex(SECRET)),
    signal: AbortSignal.abort(),
  });
  const network = new MemoryNetwork({ hub: new MemoryHub(), peerId: peerOf("here") });
  const config = { ...CONFIG, roles };
  const options = { config, keys: keysWith(peer), network, submitter, parameters: PROFILES.devnet, transport };
  const end = await signUp(options).then(
    () => "done",
    (error: unknown) => error,
  );
  return { asked, end };
}

describe("signing up by a peer key", () => {
  it("of another kind than secp256k1 is refused before L1 is asked, and told what to do", async () => {
    for (const role of ["sequencer", "provider", "storage"] as const) {
      const { asked, end } = await signingUp(ED25519, ["gateway", role]);
      expect(end).toMatchObject({ name: "ConfigError", code: "invalid" });
      expect((end as Error).message).toMatch(/secp256k1.*`mvm init`/);
      expect(asked).toEqual([]);
    }
  });

  it("of any kind is no matter to a node without staked roles", async () => {
    expect(await signingUp(ED25519, ["gateway"])).toEqual({ asked: [], end: "done" });
  });

  it("of secp256k1 goes on to L1", async () => {
    const peer = Uint8Array.of(8, 2, 0x12, 32, ...SECRET);
    const { asked, end } = await signingUp(peer, ["provider"]);
    expect(asked.length).toBeGreaterThan(0);
    expect(end).not.toMatchObject({ name: "ConfigError" });
  });
});

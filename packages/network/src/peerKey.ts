import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import type { PeerId } from "@mvm/protocol";

/** A new secp256k1 peer key, which L1 can check signatures by, as libp2p's PrivateKey protobuf (36 bytes). Secret. */
export async function generatePeerKey(): Promise<Uint8Array> {
  return privateKeyToProtobuf(await generateKeyPair("secp256k1"));
}

/**
 * The 32 secret bytes by which a key made by generatePeerKey signs for L1; null for a libp2p PrivateKey protobuf of
 * another kind, such as the Ed25519 keys of older versions. Throws on other bytes.
 */
export function peerSecretOf(privateKey: Uint8Array): Uint8Array | null {
  const key = privateKeyFromProtobuf(privateKey);
  return key.type === "secp256k1" ? key.raw : null;
}

/** The peer id of a key made by generatePeerKey (or any libp2p PrivateKey protobuf). Throws on other bytes. */
export function peerIdOf(privateKey: Uint8Array): PeerId {
  return peerIdFromPrivateKey(privateKeyFromProtobuf(privateKey)).toString() as PeerId;
}

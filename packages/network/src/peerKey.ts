import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import type { PeerId } from "@mvm/protocol";

/** A new Ed25519 peer key, as libp2p's PrivateKey protobuf (68 bytes). Secret. */
export async function generatePeerKey(): Promise<Uint8Array> {
  return privateKeyToProtobuf(await generateKeyPair("Ed25519"));
}

/** The peer id of a key made by generatePeerKey (or any libp2p PrivateKey protobuf). Throws on other bytes. */
export function peerIdOf(privateKey: Uint8Array): PeerId {
  return peerIdFromPrivateKey(privateKeyFromProtobuf(privateKey)).toString() as PeerId;
}

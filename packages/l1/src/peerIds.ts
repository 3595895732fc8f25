import type { PeerId } from "@mvm/protocol";
import { encodeBase58 } from "ethers";

/** The text form of a peer id whose multihash a registry tells: libp2p writes the ids of short keys in plain base58. */
export const toPeerId = (multihash: unknown): PeerId => encodeBase58(String(multihash)) as PeerId;

/** How sequencers tell that they are there: so that a second node with the same key hears of the first, before both sign. */
import { type Codec, count, decode, encode, flag, hash, hexOf, struct, uint } from "./codec.ts";
import { signerOf } from "./ecdsa.ts";
import { taggedHash } from "./hash.ts";
import { toWord } from "./hex.ts";
import { type NetworkIdentity, networkDomain } from "./network.ts";
import type { Address, Hash, Hex } from "./primitives.ts";

/** Times that a node tells it in each slot. */
export const PRESENCE_PARTS = 4;

export type Presence = {
  readonly slot: bigint;
  /** of the slot, from 0 to PRESENCE_PARTS - 1 */
  readonly part: number;
  /** random, one for each start of a node */
  readonly instance: Hash;
  /** whether it signs blocks when it is its turn, or listens before it does */
  readonly signs: boolean;
  /** 65 bytes r || s || parity by the operator's L1 account, over presenceDigest */
  readonly signature: Hex;
};

const presenceCodec: Codec<Presence> = struct({
  slot: uint(64),
  part: count(PRESENCE_PARTS - 1),
  instance: hash,
  signs: flag,
  signature: hexOf(65),
});

/** Bytes of an encoded presence, at the most. */
const PRESENCE_BYTES = 256;

export const encodePresence = (presence: Presence): Uint8Array => encode(presenceCodec, presence);
/** Throws CodecError. */
export const decodePresence = (data: Uint8Array): Presence => decode(presenceCodec, data, PRESENCE_BYTES);

/** What an operator signs: this network, this part of a slot, this start of its node. */
export const presenceDigest = (
  network: NetworkIdentity,
  { slot, part, instance, signs }: Omit<Presence, "signature">,
): Hash =>
  taggedHash(
    "mvm/presence/1",
    networkDomain(network),
    toWord(slot),
    toWord(BigInt(part)),
    instance,
    toWord(signs ? 1n : 0n),
  );

/** The operator that signed it; null where nobody did. */
export const presenceSigner = (network: NetworkIdentity, presence: Presence): Address | null =>
  signerOf(presenceDigest(network, presence), presence.signature);

/** Topic on which sequencers tell it. */
export const presenceTopic = (network: NetworkIdentity): string =>
  `/mvm/1/${networkDomain(network).slice(2, 18)}/presence`;

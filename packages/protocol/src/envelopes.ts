/**
 * What a sequencer and the holders of its jobs' seats say to each other through couriers that cannot read it (design page 20, "Blindness"): key
 * cards, and contents of a few sizes. How they are sealed is the node's part.
 */
import { type Codec, CodecError, count, hexOf, struct, uint } from "./codec.ts";
import { taggedHash } from "./hash.ts";
import { concatBytes, toWord } from "./hex.ts";
import { type NetworkIdentity, networkDomain } from "./network.ts";
import { LIMITS } from "./parameters.ts";
import type { Hash, Hex } from "./primitives.ts";

/** Slots before and after that of a card in which its key is used: a node that was off for longer has forgotten it. */
export const CARD_SLOTS = 4n;

/** A provider's key for what is sealed to it, renewed every few slots, so that what was sent is safe once it is forgotten. */
export type KeyCard = {
  /** number in the registry */
  readonly provider: number;
  /** X25519, 32 bytes */
  readonly key: Hex;
  /** in which it was made */
  readonly slot: bigint;
  /** BLS, 96 bytes, over cardDigest */
  readonly signature: Hex;
};

export const keyCardCodec: Codec<KeyCard> = struct({
  provider: count(2 ** 32 - 1),
  key: hexOf(32),
  slot: uint(64),
  signature: hexOf(96),
});

/** What a provider signs of its card: this network, this provider, this key, this slot. */
export const cardDigest = (network: NetworkIdentity, { provider, key, slot }: Omit<KeyCard, "signature">): Hash =>
  taggedHash("mvm/key-card/1", networkDomain(network), toWord(BigInt(provider)), key, toWord(slot));

const KIB = 1024;
const LENGTH_BYTES = 4;

/**
 * Bytes of contents, each padded to the next of these: a plain block's job is in the first. More of them would tell which DAC it is of,
 * fewer would make each small job as long as the longest.
 */
export const SIZE_CLASSES: readonly number[] = [32 * KIB, 256 * KIB, 2_048 * KIB, LIMITS.messageBytes + 64 * KIB];

/** Bytes of what tells a second courier of a parcel, the parcel itself aside. */
const HOP_BYTES = KIB;
/** Bytes of contents that hold a parcel for a second courier, or one from it: for each of SIZE_CLASSES its own. */
export const HOP_CLASSES: readonly number[] = SIZE_CLASSES.map((bytes) => bytes + HOP_BYTES);

/** Bytes that sealing adds at the most: HPKE's encapsulated key or a nonce, and a tag. */
export const SEAL_BYTES = 64;
/** Bytes of a sealed content at the most. */
export const PARCEL_BYTES = HOP_CLASSES.at(-1)! + SEAL_BYTES;

/** Whether a parcel is for a second courier, which is to carry what is in it: told by its size. */
export const isHopParcel = ({ length }: Uint8Array): boolean =>
  HOP_CLASSES.some((bytes) => length > bytes && length <= bytes + SEAL_BYTES);

/**
 * A content with its length before it (4 bytes, big endian) and zeros after it, in the smallest of the classes that holds it.
 * @throws CodecError where none does
 */
export function padded(content: Uint8Array, classes = SIZE_CLASSES): Uint8Array {
  const size = classes.find((bytes) => bytes >= content.length + LENGTH_BYTES);
  if (size === undefined)
    throw new CodecError("out-of-range", `a content of ${content.length} bytes fits no size class`);
  const out = new Uint8Array(size);
  new DataView(out.buffer).setUint32(0, content.length);
  out.set(content, LENGTH_BYTES);
  return out;
}

/**
 * The content of what padded made of it with the same classes.
 * @throws CodecError for anything else
 */
export function unpadded(data: Uint8Array, classes = SIZE_CLASSES): Uint8Array {
  if (!classes.includes(data.length)) throw new CodecError("bad-length", `${data.length} bytes are of no size class`);
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0);
  if (length > data.length - LENGTH_BYTES)
    throw new CodecError("bad-length", "the content is longer than what holds it");
  const content = data.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
  const isTight = data.length === classes.find((bytes) => bytes >= length + LENGTH_BYTES);
  if (!isTight) throw new CodecError("bad-length", "the content fits a smaller size class");
  for (let i = LENGTH_BYTES + length; i < data.length; i++)
    if (data[i] !== 0) throw new CodecError("bad-padding", "the padding is not zeros");
  return content;
}

/** What a part of a talk is sealed for: one direction, one place in the talk, so that none stands for another. */
export type TalkPart = { readonly kind: "result" | "fetch" | "supply"; readonly number: number };

/** Bytes that the seal of a part is bound to, beside the talk's keys. */
export const partLabel = ({ kind, number }: TalkPart): Uint8Array =>
  concatBytes(new TextEncoder().encode(`mvm/talk/1/${kind}/`), toWord(BigInt(number)));

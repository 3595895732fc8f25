/**
 * The first bytes of a sealed object, and where its segments lie.
 *
 *   0  4  "mvmc"
 *   4  1  version, 1
 *   5  1  k: a segment has 2^k bytes of plaintext, 16 <= k <= 20
 *   6 19  the nonces' prefix, random
 *  25 32  the object's id
 *  57  8  length of the plaintext in bytes, big endian, or 2^64 - 1 where it was not known when sealing began
 *
 * Every segment is sealed with all of this as associated data. Segment n is at 65 + n (2^k + 16); only the last one may be shorter.
 */
import { fromHex, type Hash, toHex } from "@mvm/protocol";
import { ConfidentialError } from "./errors.ts";
import { TAG_BYTES } from "./xchacha.ts";

export const HEADER_BYTES = 65;
export const NONCE_PREFIX_BYTES = 19;
/** Segments of 256 KiB: large enough to seal at full speed, small enough to hold several. */
export const DEFAULT_SEGMENT_BYTES = 256 * 1024;

const MAGIC = Uint8Array.of(0x6d, 0x76, 0x6d, 0x63);
const VERSION = 1;
const MIN_EXPONENT = 16;
const MAX_EXPONENT = 20;
const [VERSION_AT, EXPONENT_AT, PREFIX_AT, ID_AT, LENGTH_AT] = [4, 5, 6, 25, 57] as const;
const UNKNOWN_LENGTH = 2n ** 64n - 1n;
/** Segment numbers have 32 bits in the nonce. */
export const MAX_SEGMENTS = 2 ** 32;

export type SealedHeader = {
  readonly objectId: Hash;
  /** bytes of plaintext in a segment: a power of two from 64 KiB to 1 MiB */
  readonly segmentBytes: number;
  /** 19 bytes */
  readonly noncePrefix: Uint8Array;
  /** bytes of plaintext; null where it was not known */
  readonly lengthBytes: number | null;
};

/** The header's 65 bytes. Throws RangeError on sizes that the format does not have. */
export function encodeHeader({ objectId, segmentBytes, noncePrefix, lengthBytes }: SealedHeader): Uint8Array {
  const exponent = Math.log2(segmentBytes);
  if (!Number.isInteger(exponent) || exponent < MIN_EXPONENT || exponent > MAX_EXPONENT) {
    throw new RangeError("a segment has 2^16 to 2^20 bytes");
  }
  const id = fromHex(objectId);
  if (noncePrefix.length !== NONCE_PREFIX_BYTES || id.length !== LENGTH_AT - ID_AT) {
    throw new RangeError("a nonce prefix has 19 bytes, an object's id 32");
  }
  if (lengthBytes !== null && (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0))
    throw new RangeError("no length");
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(MAGIC);
  bytes[VERSION_AT] = VERSION;
  bytes[EXPONENT_AT] = exponent;
  bytes.set(noncePrefix, PREFIX_AT);
  bytes.set(id, ID_AT);
  new DataView(bytes.buffer).setBigUint64(LENGTH_AT, lengthBytes === null ? UNKNOWN_LENGTH : BigInt(lengthBytes));
  return bytes;
}

/** @throws ConfidentialError "object-truncated", "object-damaged" or "object-unknown-version" */
export function decodeHeader(bytes: Uint8Array): SealedHeader {
  if (bytes.length < HEADER_BYTES) {
    throw new ConfidentialError("object-truncated", "the object ends within its header", { sizeBytes: bytes.length });
  }
  const damaged = (): ConfidentialError =>
    new ConfidentialError("object-damaged", "this is no header of a sealed object");
  if (!MAGIC.every((byte, at) => byte === bytes[at])) throw damaged();
  if (bytes[VERSION_AT] !== VERSION) {
    throw new ConfidentialError("object-unknown-version", `sealed by version ${bytes[VERSION_AT]} of the format`);
  }
  const exponent = bytes[EXPONENT_AT]!;
  if (exponent < MIN_EXPONENT || exponent > MAX_EXPONENT) throw damaged();
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(LENGTH_AT);
  if (length !== UNKNOWN_LENGTH && length > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged();
  return {
    objectId: toHex(bytes.subarray(ID_AT, LENGTH_AT)) as Hash,
    segmentBytes: 2 ** exponent,
    noncePrefix: bytes.slice(PREFIX_AT, ID_AT),
    lengthBytes: length === UNKNOWN_LENGTH ? null : Number(length),
  };
}

/** Where a segment begins in the sealed object, in bytes: what a download that resumes there asks for. */
export const segmentOffset = ({ segmentBytes }: SealedHeader, segment: number): number =>
  HEADER_BYTES + segment * (segmentBytes + TAG_BYTES);

/** Bytes of the whole sealed object, for a plaintext of so many. */
export function sealedSize(lengthBytes: number, segmentBytes: number = DEFAULT_SEGMENT_BYTES): number {
  return HEADER_BYTES + lengthBytes + Math.max(1, Math.ceil(lengthBytes / segmentBytes)) * TAG_BYTES;
}

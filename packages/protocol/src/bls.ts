/** BLS12-381 signatures (public keys in G1, signatures in G2, proof-of-possession scheme) over tagged 32-byte digests. */
import { PublicKey, SecretKey, Signature, verify } from "@chainsafe/blst";
import { FormatError, fromHex, joinBytes, toHex } from "./hex.ts";
import type { Hash, Hex } from "./primitives.ts";

export const BLS_PUBLIC_KEY_BYTES = 48;
export const BLS_SIGNATURE_BYTES = 96;

/** A key pair; `publicKey` is 48 bytes compressed. */
export type BlsKey = { readonly publicKey: Hex; sign(digest: Hash): Hex };

function keyOf(secret: SecretKey): BlsKey {
  return {
    publicKey: toHex(secret.toPublicKey().toBytes()),
    sign: (digest) => toHex(secret.sign(fromHex(digest)).toBytes()),
  };
}

/** Key from at least 32 bytes of entropy (EIP-2333 KeyGen). */
export const blsKeyFromSeed = (seed: Uint8Array): BlsKey => keyOf(SecretKey.fromKeygen(seed));
/** Secret key bytes (32) for the same seed, for keystores. */
export const blsSecretFromSeed = (seed: Uint8Array): Uint8Array => SecretKey.fromKeygen(seed).toBytes();
/** Key from its 32 secret bytes. Throws where they are not a scalar of the field. */
export const blsKeyFromSecret = (secret: Uint8Array): BlsKey => keyOf(SecretKey.fromBytes(secret));

/** True for a compressed G1 point of the right subgroup that is not infinity. */
export function isBlsPublicKey(publicKey: Hex): boolean {
  if (publicKey.length !== 2 + 2 * BLS_PUBLIC_KEY_BYTES) return false;
  try {
    PublicKey.fromHex(publicKey, true);
    return true;
  } catch {
    return false;
  }
}

/** Runs a conversion of a point; what its library throws becomes a FormatError. */
function pointOf(compressed: Hex, sizeBytes: number, convert: () => Uint8Array): Uint8Array {
  if (compressed.length !== 2 + 2 * sizeBytes)
    throw new FormatError("bad-length", `expected ${sizeBytes} bytes: ${compressed.slice(0, 80)}`);
  try {
    return convert();
  } catch (cause) {
    throw new FormatError("out-of-range", `no point of the subgroup: ${compressed} (${(cause as Error).message})`);
  }
}

/**
 * A public key as contracts take it: the affine point x || y, 48 bytes each, big-endian (BlsSignatures.sol pads them
 * to the 64 bytes of EIP-2537). Throws FormatError for what isBlsPublicKey refuses.
 */
export function blsPublicKeyPoint(compressed: Hex): Hex {
  const convert = (): Uint8Array => PublicKey.fromHex(compressed, true).toBytes(false);
  return toHex(pointOf(compressed, BLS_PUBLIC_KEY_BYTES, convert));
}

/**
 * A signature as contracts take it: the affine point x.c0 || x.c1 || y.c0 || y.c1, 48 bytes each, big-endian, in the
 * order of EIP-2537. Throws FormatError for a malformed point, infinity, a point outside the subgroup.
 */
export function blsSignaturePoint(compressed: Hex): Hex {
  const convert = (): Uint8Array => Signature.fromHex(compressed, true, true).toBytes(false);
  return toHex(partsTurned(pointOf(compressed, BLS_SIGNATURE_BYTES, convert)));
}

/** The library's form has the imaginary part of a coordinate first. */
function partsTurned(point: Uint8Array): Uint8Array {
  const part = (index: number): Uint8Array => point.subarray(48 * index, 48 * (index + 1));
  return joinBytes([part(1), part(0), part(3), part(2)]);
}

/** A signature as blsSignaturePoint gives it, compressed again; null for bytes that it gives of none: no point of the subgroup, infinity. */
export function blsSignatureOf(point: Hex): Hex | null {
  if (point.length !== 2 + 4 * BLS_SIGNATURE_BYTES) return null;
  try {
    const signature = Signature.fromBytes(partsTurned(fromHex(point)), true, true);
    const compressed = toHex(signature.toBytes());
    return blsSignaturePoint(compressed) === point ? compressed : null;
  } catch {
    return null;
  }
}

/** Whether `signature` is by `publicKey` on `digest`, both compressed: one form each; malformed points are false. */
export function verifyBls(digest: Hash, publicKey: Hex, signature: Hex): boolean {
  if (publicKey.length !== 2 + 2 * BLS_PUBLIC_KEY_BYTES || signature.length !== 2 + 2 * BLS_SIGNATURE_BYTES)
    return false;
  try {
    return verify(fromHex(digest), PublicKey.fromHex(publicKey), Signature.fromHex(signature), true, true);
  } catch {
    return false;
  }
}

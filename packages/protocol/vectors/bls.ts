/** BLS signatures and the points of BLS12-381 as contracts take them, by noble. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getBytes, hexlify } from "ethers";

const { G1, G2 } = bls12_381;

/** Proof-of-possession scheme of the BLS signature draft: public keys in G1, signatures in G2. */
export const BLS_DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

export function blsSignature(secret: string, digest: string): string {
  const scheme = bls12_381.longSignatures;
  return hexlify(scheme.sign(scheme.hash(getBytes(digest), BLS_DOMAIN), getBytes(secret)).toBytes());
}

export const blsPublicKey = (secret: string): string =>
  hexlify(bls12_381.longSignatures.getPublicKey(getBytes(secret)).toBytes());

type Pair = { readonly c0: bigint; readonly c1: bigint };

export const coordinate = (value: bigint): string => `0x${value.toString(16).padStart(96, "0")}`;
/** x.c0 || x.c1 || y.c0 || y.c1. */
export const pairs = (x: Pair, y: Pair): string => concat([x.c0, x.c1, y.c0, y.c1].map(coordinate));

export function publicKeyPoint(compressed: string): string {
  const { x, y } = G1.Point.fromHex(compressed.slice(2)).toAffine();
  return concat([coordinate(x), coordinate(y)]);
}

export function signaturePoint(compressed: string): string {
  const { x, y } = G2.Point.fromHex(compressed.slice(2)).toAffine();
  return pairs(x, y);
}

/** A message hashed to the curve with the domain separation tag given. */
export function hashToG2(message: string, domain: string): string {
  const { x, y } = G2.hashToCurve(getBytes(message), { DST: domain }).toAffine();
  return pairs(x, y);
}

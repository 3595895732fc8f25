/**
 * Arithmetic of BLS12-381 for the key ceremony and the threshold PRF: scalars, and sums of points with scalars as weights,
 * which the native library does not have. Points are decoded, compressed and checked by the native library, which is many times
 * as fast; between the two they pass as affine coordinates.
 *
 * Secret scalars are bigints here, and JavaScript's arithmetic takes a time that depends on its numbers: constant time is out of
 * reach. A multiple of the generator is computed by the native library, which has it. For a multiple of another point (the
 * point that masks a share, once for each dealing and member) noble's `multiply` takes the same steps for every scalar, but not the
 * same time. Who can measure a host's computing that finely is not held off.
 */
import { PublicKey } from "@chainsafe/blst";
import { mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import {
  BLS_PUBLIC_KEY_BYTES,
  blsKeyFromSecret,
  blsPublicKeyPoint,
  blsSignaturePoint,
  isBlsPublicKey,
} from "../bls.ts";
import { type Codec, CodecError, hash, hexOf, mapped } from "../codec.ts";
import { taggedHash } from "../hash.ts";
import { bytesToBigInt, concatBytes, fromHex, toHex, toWord } from "../hex.ts";
import type { Hash, Hex } from "../primitives.ts";

const { G1, G2, fields } = bls12_381;
const { Fr, Fp2 } = fields;

export type KeyPoint = InstanceType<typeof G1.Point>;
type SignaturePoint = InstanceType<typeof G2.Point>;

export const GENERATOR: KeyPoint = G1.Point.BASE;
/** Bytes of a coordinate, big-endian. */
const COORDINATE_BYTES = 48;
/** Infinity of G1, compressed: no key and no commitment, but the public share of who made its own share zero. */
const INFINITY = `0xc0${"00".repeat(BLS_PUBLIC_KEY_BYTES - 1)}` as Hex;

/** A point of G1's subgroup, 48 bytes compressed, not infinity. Throws CodecError for anything else, both ways. */
export const pointCodec: Codec<Hex> = mapped(hexOf(BLS_PUBLIC_KEY_BYTES), requirePoint, requirePoint);
/** A scalar from 1 to the group's order less one, 32 bytes big-endian. Throws CodecError for anything else, both ways. */
export const scalarCodec: Codec<Hash> = mapped(hash, requireScalar, requireScalar);

function requirePoint(point: Hex): Hex {
  if (isBlsPublicKey(point)) return point;
  throw new CodecError("out-of-range", `no point of the subgroup: ${point}`);
}

function requireScalar(scalar: Hash): Hash {
  if (Fr.isValidNot0(BigInt(scalar))) return scalar;
  throw new CodecError("out-of-range", `not from 1 to the group's order less one: ${scalar}`);
}

/** 32 bytes big-endian as a scalar; null for the group's order and above. */
export function scalarFromBytes(bytes: Uint8Array): bigint | null {
  const value = bytesToBigInt(bytes);
  return Fr.isValid(value) ? value : null;
}

/**
 * A scalar from 1 to the order less one by a hash: taggedHash(tag, parts, uint256 0) || taggedHash(tag, parts, uint256 1),
 * 64 bytes, modulo the order less one, plus 1. No scalar is likelier than another by more than 2^-256.
 */
export function scalarOf(tag: string, ...parts: readonly (Uint8Array | Hex)[]): bigint {
  const halves = [0n, 1n].map((half) => fromHex(taggedHash(tag, ...parts, toWord(half))));
  return (bytesToBigInt(concatBytes(...halves)) % (Fr.ORDER - 1n)) + 1n;
}

/** left + factor * right. */
export const addProduct = (left: bigint, factor: bigint, right: bigint): bigint => Fr.add(left, Fr.mul(factor, right));

/** Value at `x` of the polynomial with these coefficients, the constant first. */
export const valueAt = (coefficients: readonly bigint[], x: number): bigint =>
  coefficients.reduceRight((value, coefficient) => addProduct(coefficient, value, BigInt(x)), 0n);

/** The coefficients by which values at these places, all different and not 0, are added to the value at 0. */
export const weightsAtZero = (places: readonly number[]): readonly bigint[] =>
  places.map((place) =>
    places
      .filter((other) => other !== place)
      .reduce((weight, other) => Fr.mul(weight, Fr.div(BigInt(other), Fr.create(BigInt(other - place)))), 1n),
  );

/** Sum of scalars, each times its weight. */
export const weightedScalarSum = (scalars: readonly bigint[], weights: readonly bigint[]): bigint =>
  scalars.reduce((sum, scalar, i) => addProduct(sum, weights[i]!, scalar), 0n);

const coordinateAt = (point: Uint8Array, index: number): bigint =>
  bytesToBigInt(point.subarray(COORDINATE_BYTES * index, COORDINATE_BYTES * (index + 1)));

/** A point of G1. Throws FormatError for what is none of the subgroup, and for infinity. */
export function keyPointOf(compressed: Hex): KeyPoint {
  const point = fromHex(blsPublicKeyPoint(compressed));
  return G1.Point.fromAffine({ x: coordinateAt(point, 0), y: coordinateAt(point, 1) });
}

/** A point of G2. Throws FormatError for what is none of the subgroup, and for infinity. */
function signaturePointOf(compressed: Hex): SignaturePoint {
  const point = fromHex(blsSignaturePoint(compressed));
  const pairAt = (index: number) => Fp2.fromBigTuple([coordinateAt(point, index), coordinateAt(point, index + 1)]);
  return G2.Point.fromAffine({ x: pairAt(0), y: pairAt(2) });
}

const coordinateBytes = (value: bigint): Uint8Array =>
  fromHex(`0x${value.toString(16).padStart(2 * COORDINATE_BYTES, "0")}`);

/** A point of G1 compressed: 48 bytes, infinity in the one form that it has. */
export function compressed(point: KeyPoint): Hex {
  if (point.is0()) return INFINITY;
  const { x, y } = point.toAffine();
  return toHex(PublicKey.fromBytes(concatBytes(coordinateBytes(x), coordinateBytes(y))).toBytes());
}

/** The generator of G1 times a scalar, 48 bytes compressed; the native library's work, but for zero. */
export const generatorTimes = (scalar: bigint): Hex =>
  scalar === 0n ? INFINITY : blsKeyFromSecret(toWord(scalar)).publicKey;

/** Another point times a secret scalar from 1 to the order less one. */
export const timesSecret = (point: KeyPoint, scalar: bigint): KeyPoint => point.multiply(scalar);

/** Sum of points times weights, for public weights alone: the time tells them. */
export const weightedSum = (points: readonly KeyPoint[], weights: readonly bigint[]): KeyPoint =>
  mulAddUnsafe(G1.Point, [...points], [...weights]);

/** base * response - point * challenge: the prover's nonce times the base, if it knows the logarithm of the point to the base. */
export function nonceOf(proof: {
  readonly base: KeyPoint;
  readonly response: bigint;
  readonly challenge: bigint;
  readonly point: KeyPoint;
}): KeyPoint {
  return weightedSum([proof.base, proof.point], [proof.response, Fr.neg(proof.challenge)]);
}

/** The point that commitments of a polynomial's coefficients have for its value at `x`, which is small. */
export const committedValueAt = (commitments: readonly KeyPoint[], x: number): KeyPoint =>
  commitments.reduceRight((value, commitment) => value.multiplyUnsafe(BigInt(x)).add(commitment), G1.Point.ZERO);

/** Sum of signatures times weights, 96 bytes compressed. Throws FormatError for what is no point of the subgroup. */
export const weightedSignatureSum = (signatures: readonly Hex[], weights: readonly bigint[]): Hex =>
  toHex(mulAddUnsafe(G2.Point, signatures.map(signaturePointOf), [...weights]).toBytes());

/** Inputs of the precompiled contracts: ones that they take, and the same with something wrong. */
import { createHash } from "node:crypto";
import { bigIntToBytes, concatBytes, fromHex, keccak, keccakHash, signDigest, toWord } from "@mvm/protocol";
import type { Draw } from "./draw.ts";

/** Addresses of the precompiled contracts at Osaka. */
export const PRECOMPILES: readonly bigint[] = [...Array.from({ length: 0x11 }, (_, i) => BigInt(i + 1)), 0x100n];

const words = (...values: string[]): Uint8Array => concatBytes(...values.map((value) => toWord(BigInt(`0x${value}`))));

/** Generators of alt_bn128's groups, and the first with its sign turned. */
const BN_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const BN_G1 = words("1", "2");
const BN_G1_NEGATED = concatBytes(toWord(1n), toWord(BN_FIELD - 2n));
const BN_G2 = words(
  "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2",
  "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed",
  "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b",
  "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa",
);

/** A signature over secp256r1 that node:crypto made: digest, r, s, public key. */
const P256_SIGNATURE = words(
  "ed3d62ddea5d71819d7807e8916ca6090b10623657d435849384f11f0983f510",
  "dfe126e689df7625c51d3f39b573a447efa470bd38abf537e0598283ec9a63da",
  "399d1e4b239e83b799197c7c7d9a7b86f15d6cd9567ea221a8d739711d62df89",
  "994c7f1a56f3e501802308c0c6b429e900c73da9055c263e9d70f726776fdeab",
  "6d84782f9e16eb7707e011a681c1f4e6152a62db1aa1822ada0fd291114ae8dc",
);

const BLS_POINT_BYTES = 128;
const BLS_FIELD_BYTES = 64;
const BLS_PAD_BYTES = 16;
/** the highest byte of a field element that is surely below the modulus */
const BLS_TOP_BYTE = 0x1a;

function recovery(draw: Draw): Uint8Array {
  const key = toWord(BigInt(draw.between(1, 1_000)));
  const digest = keccakHash(draw.bytes(4));
  const signature = fromHex(signDigest(key, digest));
  return concatBytes(fromHex(digest), toWord(27n + BigInt(signature[64]!)), signature.subarray(0, 64));
}

function modularPower(draw: Draw): Uint8Array {
  const lengths = [draw.below(40), draw.below(34), draw.below(40)];
  const numbers = lengths.map((length) => draw.bytes(length));
  const said = draw.onceIn(12) ? lengths.map(() => draw.word()) : lengths.map(BigInt);
  return concatBytes(...said.map(toWord), ...numbers);
}

function compression(draw: Draw): Uint8Array {
  const rounds = fromHex(`0x${draw.below(300).toString(16).padStart(8, "0")}`);
  return concatBytes(rounds, draw.bytes(208), Uint8Array.of(draw.onceIn(8) ? 2 : draw.below(2)));
}

/** Proof that the zero polynomial is zero at a point: commitment and proof are the point at infinity. */
function openingOfZero(draw: Draw): Uint8Array {
  const infinity = new Uint8Array(48);
  infinity[0] = 0xc0;
  const versioned = createHash("sha256").update(infinity).digest();
  versioned[0] = 1;
  const point = toWord(BigInt(draw.below(1_000)));
  return concatBytes(versioned, point, toWord(draw.onceIn(4) ? 1n : 0n), infinity, infinity);
}

function fieldElements(draw: Draw, count: number): Uint8Array {
  const elements = Array.from({ length: count }, () => {
    const element = new Uint8Array(BLS_FIELD_BYTES);
    element.set(draw.bytes(BLS_FIELD_BYTES - BLS_PAD_BYTES), BLS_PAD_BYTES);
    element[BLS_PAD_BYTES] = draw.below(BLS_TOP_BYTE);
    return element;
  });
  return concatBytes(...elements);
}

/** Points of zeros, which stand for infinity, with random scalars between them where the contract takes some. */
function infinities(draw: Draw, bytesOfPoints: number, scalarBytes: number): Uint8Array {
  const items = Array.from({ length: draw.between(1, 3) }, () => [
    new Uint8Array(bytesOfPoints),
    draw.bytes(scalarBytes),
  ]);
  return concatBytes(...items.flat());
}

function bnScalar(draw: Draw): Uint8Array {
  const point = draw.pick([BN_G1, BN_G1_NEGATED, new Uint8Array(64)]);
  return concatBytes(point, toWord(draw.word()));
}

function bnPairing(draw: Draw): Uint8Array {
  const pairs: readonly (readonly Uint8Array[])[] = [[BN_G1, BN_G2], [BN_G1_NEGATED, BN_G2], [new Uint8Array(192)]];
  if (draw.onceIn(2)) return concatBytes(...pairs[0]!, ...pairs[1]!);
  return concatBytes(...Array.from({ length: draw.below(3) }, () => draw.pick(pairs)).flat());
}

function wellFormed(address: bigint, draw: Draw): Uint8Array {
  switch (address) {
    case 0x1n:
      return recovery(draw);
    case 0x5n:
      return modularPower(draw);
    case 0x6n:
      return concatBytes(draw.pick([BN_G1, BN_G1_NEGATED]), draw.pick([BN_G1, BN_G1_NEGATED, new Uint8Array(64)]));
    case 0x7n:
      return bnScalar(draw);
    case 0x8n:
      return bnPairing(draw);
    case 0x9n:
      return compression(draw);
    case 0xan:
      return openingOfZero(draw);
    case 0xbn:
      return new Uint8Array(2 * BLS_POINT_BYTES);
    case 0xcn:
      return infinities(draw, BLS_POINT_BYTES, 32);
    case 0xdn:
      return new Uint8Array(4 * BLS_POINT_BYTES);
    case 0xen:
      return infinities(draw, 2 * BLS_POINT_BYTES, 32);
    case 0xfn:
      return infinities(draw, 3 * BLS_POINT_BYTES, 0);
    case 0x10n:
      return fieldElements(draw, 1);
    case 0x11n:
      return fieldElements(draw, 2);
    case 0x100n:
      return P256_SIGNATURE;
    default:
      return draw.bytes(draw.below(130));
  }
}

/** An input for a precompiled contract: two of three are well-formed. */
export function precompileInput(address: bigint, draw: Draw): Uint8Array {
  const input = wellFormed(address, draw).slice();
  switch (draw.below(12)) {
    case 0:
      return draw.bytes(draw.below(260));
    case 1:
      return input.subarray(0, draw.below(input.length + 1));
    case 2:
      return concatBytes(input, draw.bytes(draw.between(1, 40)));
    case 3:
      if (input.length !== 0) input[draw.below(input.length)]! ^= 1 << draw.below(8);
      return input;
    default:
      return input;
  }
}

/** A scalar of a curve's group: what multiplications are given. */
export const scalarOf = (draw: Draw): Uint8Array => keccak(bigIntToBytes(BigInt(draw.below(1_000) + 1)));

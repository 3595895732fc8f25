/**
 * The point-evaluation precompile (EIP-4844, 0x0a). The library leaves the proof's check to a KZG library that would
 * have to be brought along; with two pairings of BLS12-381 the check is short.
 */
import { createHash } from "node:crypto";
import { bytesToBigInt, concatBytes, equalBytes, fromHex, toWord } from "@mvm/protocol";
import { CurveError, type PairingCurve } from "./pairingCurve.ts";
import type { PrecompileResult } from "./precompiles.ts";

const EMPTY = new Uint8Array(0);
const GAS = 50_000;
const INPUT_BYTES = 192;
const FIELD_ELEMENTS_PER_BLOB = 4_096n;
/** order of the groups */
const ORDER = 52435875175126190479447740508185965837690552500527637822603658699938581184513n;
/** modulus of the field that coordinates lie in */
const FIELD = BigInt(
  "0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
);

/** A point with 48-byte coordinates as EIP-2537 encodes it: each with 16 zero bytes before. */
function encoded(...coordinates: readonly string[]): Uint8Array {
  return fromHex(`0x${coordinates.map((coordinate) => coordinate.padStart(128, "0")).join("")}`);
}

const G1 = encoded(
  "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
  "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1",
);
const G2 = encoded(
  "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8",
  "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e",
  "0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801",
  "0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be",
);
/** The secret of the KZG ceremony times the generator of G2. */
const TAU_G2 = encoded(
  "185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2",
  "15bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72",
  "014353bdb96b626dd7d5ee8599d1fca2131569490e28de18e82451a496a9c9794ce26d105941f383ee689bfbbb832a99",
  "1666c54b0a32529503432fcae0181b4bef79de09fc63671fda5ed1ba9bfa07899495346f3d7ac9cd23048ef30d0a154f",
);
const SUCCESS = concatBytes(toWord(FIELD_ELEMENTS_PER_BLOB), toWord(ORDER));

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % FIELD;
    square = (square * square) % FIELD;
  }
  return result;
}

/** A point of G1 from its 48-byte form (on the curve; its order is checked where it is used), or null. */
function decompress(bytes: Uint8Array): Uint8Array | null {
  const flags = bytes[0]! >> 5;
  if ((flags & 0b100) === 0) return null;
  const x = bytesToBigInt(bytes) & ((1n << 381n) - 1n);
  if ((flags & 0b010) !== 0) return flags === 0b110 && x === 0n ? new Uint8Array(128) : null;
  if (x >= FIELD) return null;
  const square = (x * x * x + 4n) % FIELD;
  const root = power(square, (FIELD + 1n) / 4n);
  if ((root * root) % FIELD !== square) return null;
  const isLarger = root > (FIELD - 1n) / 2n;
  const y = isLarger === ((flags & 0b001) !== 0) ? root : FIELD - root;
  return encoded(x.toString(16), y.toString(16));
}

/** e(C - y G1 + z P, G2) = e(P, tau G2). Throws where a point is not of the group. */
function holds(
  curve: PairingCurve,
  { commitment, z, y, proof }: { commitment: Uint8Array; z: bigint; y: bigint; proof: Uint8Array },
): boolean {
  const terms = [commitment, toWord(1n), G1, toWord((ORDER - y) % ORDER), proof, toWord(z)];
  const left = curve.multiply("G1", concatBytes(...terms));
  const negated = curve.multiply("G1", concatBytes(proof, toWord(ORDER - 1n)));
  return curve.pairing(concatBytes(left, G2, negated, TAU_G2))[31] === 1;
}

/** versioned hash, z, y (32 bytes each), commitment, proof (48 bytes each) to two constants if the proof holds. */
export function pointEvaluation(curve: PairingCurve, input: Uint8Array, gas: number): PrecompileResult {
  const failed = { success: false, gasUsed: gas, output: EMPTY };
  if (gas < GAS || input.length !== INPUT_BYTES) return failed;
  const commitmentBytes = input.subarray(96, 144);
  const versionedHash = new Uint8Array(createHash("sha256").update(commitmentBytes).digest());
  versionedHash[0] = 1;
  if (!equalBytes(versionedHash, input.subarray(0, 32))) return failed;
  const z = bytesToBigInt(input.subarray(32, 64));
  const y = bytesToBigInt(input.subarray(64, 96));
  const commitment = decompress(commitmentBytes);
  const proof = decompress(input.subarray(144));
  if (z >= ORDER || y >= ORDER || commitment === null || proof === null) return failed;
  let valid: boolean;
  try {
    valid = holds(curve, { commitment, z, y, proof });
  } catch (error) {
    // A point outside the group is an invalid proof; anything else is no verdict.
    if (!(error instanceof CurveError)) throw error;
    valid = false;
  }
  return valid ? { success: true, gasUsed: GAS, output: SUCCESS } : failed;
}

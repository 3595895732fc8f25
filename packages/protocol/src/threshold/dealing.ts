/**
 * Dealings of the key ceremony: how one dealer hands each member a share of a number that it chose, on L1, where all can read
 * it. The commitments (Feldman) fix the polynomial, so a wrong share can be told from a right one; each share is masked by a
 * point that its dealer and its member alone can compute.
 *
 * The mask is a Diffie-Hellman exchange with the member's registered BLS key E: the dealer publishes R = r * generator, both
 * know S = r * E. One key for both uses is acceptable here: signatures lie in G2 and no point of G1 helps to one; S tells
 * whoever made R nothing that it could not compute, for a dealing without a proof that its dealer knows r is never answered;
 * a registered key has a proof of possession, so it is nobody's combination of others' keys; and each mask is bound to
 * network, chain, round, dealer and member.
 */
import { type Codec, CodecError, decode, encode, hash, list, struct, version } from "../codec.ts";
import { keccak, taggedHash } from "../hash.ts";
import { fromHex, toHex, toWord, toWordHex } from "../hex.ts";
import type { Hash, Hex } from "../primitives.ts";
import {
  addProduct,
  compressed,
  GENERATOR,
  generatorTimes,
  keyPointOf,
  nonceOf,
  pointCodec,
  scalarCodec,
  scalarFromBytes,
  scalarOf,
  timesSecret,
  valueAt,
} from "./group.ts";
import { dealerCount, isPlace, type KeyRound, MAX_MEMBERS } from "./round.ts";

const DEALING_VERSION = 1;
/** Bytes of a scalar, and so of a share. */
const SHARE_BYTES = 32;
/** Bytes of a dealing to MAX_MEMBERS at a threshold of MAX_MEMBERS, with room for RLP's heads. */
export const MAX_DEALING_BYTES = 49 * MAX_MEMBERS + 33 * MAX_MEMBERS + 49 + 3 * 33 + 16;

/** What a dealer publishes. Points are 48 bytes compressed, of the subgroup, not infinity; scalars 1 to the order less one. */
export type Dealing = {
  /** the polynomial's coefficients times the generator, the constant first: as many as the round's threshold */
  readonly commitments: readonly Hex[];
  /** r times the generator */
  readonly ephemeral: Hex;
  /** for each member the polynomial's value at its place, 32 bytes big-endian, XOR its mask */
  readonly maskedShares: readonly Hash[];
  /** proof (Schnorr, one challenge for both) that the dealer knows r and the polynomial's constant */
  readonly challenge: Hash;
  readonly ephemeralResponse: Hash;
  readonly constantResponse: Hash;
};

const statementFields = {
  version: version(DEALING_VERSION),
  commitments: list(pointCodec, MAX_MEMBERS),
  ephemeral: pointCodec,
  maskedShares: list(hash, MAX_MEMBERS),
};
const statementCodec = struct(statementFields);
const wireCodec = struct({
  ...statementFields,
  challenge: scalarCodec,
  ephemeralResponse: scalarCodec,
  constantResponse: scalarCodec,
});

/** Why a dealing counts for nothing. */
export type DealingFault =
  /** the bytes are none; what the codec says of them */
  | { readonly kind: "fault"; readonly code: "malformed"; readonly reason: CodecError["code"] }
  | {
      readonly kind: "fault";
      readonly code: /** who posted it has no place among the round's dealers */
        | "not-a-dealer"
        /** not as many commitments as the round's threshold */
        | "wrong-threshold"
        /** not as many shares as the round has members */
        | "wrong-members"
        /** of a round that hands a key on: the constant is not the dealer's share of that key */
        | "wrong-constant"
        /** the proof is wrong, or of another round, dealer or dealing */
        | "wrong-proof";
    };

/** A dealing of which checkDealing found nothing wrong. Its shares may still be: only their members can tell. */
export type CheckedDealing = {
  readonly kind: "dealing";
  readonly roundId: Hash;
  /** place among the round's dealers */
  readonly dealer: number;
  readonly dealing: Dealing;
  /** taggedHash("mvm/threshold-dealing/1", roundId, uint256 dealer, keccak(bytes)) */
  readonly digest: Hash;
};

/** What a dealing's proof is bound to: the round, the dealer, and all of the dealing but the proof. */
function statementOf(
  round: KeyRound,
  dealer: number,
  open: Pick<Dealing, "commitments" | "ephemeral" | "maskedShares">,
) {
  const bytes = encode(statementCodec, { version: DEALING_VERSION, ...open });
  return taggedHash("mvm/threshold-statement/1", round.id, toWord(BigInt(dealer)), keccak(bytes));
}

const challengeOf = (statement: Hash, ephemeralNonce: Hex, constantNonce: Hex): bigint =>
  scalarOf("mvm/threshold-dealer/1", statement, ephemeralNonce, constantNonce);

/** A share XOR its mask, either way: taggedHash("mvm/threshold-mask/1", roundId, uint256 dealer, uint256 member, R, S). */
export function masked(
  share: Uint8Array,
  bound: { readonly roundId: Hash; readonly dealer: number; readonly member: number; readonly ephemeral: Hex },
  shared: Hex,
): Uint8Array {
  const places = [bound.dealer, bound.member].map((place) => toWord(BigInt(place)));
  const mask = fromHex(taggedHash("mvm/threshold-mask/1", bound.roundId, ...places, bound.ephemeral, shared));
  return share.map((byte, i) => byte ^ mask[i]!);
}

/** Who deals what. */
export type DealOptions = {
  /** place among the round's dealers */
  readonly dealer: number;
  /** 32 random bytes that nobody else knows: the same give the same dealing of a round, so that it can be made again after a crash */
  readonly seed: Hash;
  /** the dealer's share of the key that is handed on, 32 bytes; null in a round for a new key */
  readonly share: Uint8Array | null;
};

/** The polynomial's coefficients: all by the seed, but for the constant where a key is handed on. */
function coefficientsOf(round: KeyRound, { dealer, seed, share }: DealOptions): readonly bigint[] {
  if ((share === null) !== (round.continues === null))
    throw new RangeError("a share is dealt where a key is handed on, and nowhere else");
  const coefficients = Array.from({ length: round.threshold }, (_, power) =>
    scalarOf("mvm/threshold-coefficient/1", seed, round.id, toWord(BigInt(dealer)), toWord(BigInt(power))),
  );
  if (share === null || round.continues === null) return coefficients;
  const constant = share.length === SHARE_BYTES ? scalarFromBytes(share) : null;
  if (constant === null || constant === 0n || generatorTimes(constant) !== round.continues.publicShares[dealer])
    throw new RangeError(`not the share that dealer ${dealer} has of the key`);
  return [constant, ...coefficients.slice(1)];
}

/**
 * Makes a dealing and gives its bytes, at most MAX_DEALING_BYTES. All chance comes from the seed.
 * @throws RangeError for a place that is no dealer's, and for a share that is missing or not the dealer's
 */
export function makeDealing(round: KeyRound, options: DealOptions): Uint8Array {
  const { dealer, seed } = options;
  if (!isPlace(dealer, dealerCount(round))) throw new RangeError(`no dealer ${dealer} in the round`);
  const coefficients = coefficientsOf(round, options);
  const secret = scalarOf("mvm/threshold-ephemeral/1", seed, round.id, toWord(BigInt(dealer)));
  const ephemeral = generatorTimes(secret);
  const maskedShares = round.members.map((key, member) => {
    const shared = compressed(timesSecret(keyPointOf(key), secret));
    const share = toWord(valueAt(coefficients, member + 1));
    return toHex(masked(share, { roundId: round.id, dealer, member, ephemeral }, shared)) as Hash;
  });
  const open = { commitments: coefficients.map(generatorTimes), ephemeral, maskedShares };
  const statement = statementOf(round, dealer, open);
  // By the statement too: for another statement another nonce, also of a seed that is used twice.
  const nonceFor = (of: bigint): bigint => scalarOf("mvm/threshold-nonce/1", seed, statement, toWord(of));
  const [ephemeralNonce, constantNonce] = [nonceFor(0n), nonceFor(1n)];
  const challenge = challengeOf(statement, generatorTimes(ephemeralNonce), generatorTimes(constantNonce));
  return encode(wireCodec, {
    version: DEALING_VERSION,
    ...open,
    challenge: toWordHex(challenge),
    ephemeralResponse: toWordHex(addProduct(ephemeralNonce, challenge, secret)),
    constantResponse: toWordHex(addProduct(constantNonce, challenge, coefficients[0]!)),
  });
}

/** Whether the dealer knows r and the constant, and made this dealing in this round. */
function isProven(round: KeyRound, dealer: number, dealing: Dealing): boolean {
  const challenge = BigInt(dealing.challenge);
  const nonce = (response: Hash, point: Hex): Hex =>
    compressed(nonceOf({ base: GENERATOR, response: BigInt(response), challenge, point: keyPointOf(point) }));
  const ephemeralNonce = nonce(dealing.ephemeralResponse, dealing.ephemeral);
  const constantNonce = nonce(dealing.constantResponse, dealing.commitments[0]!);
  return challengeOf(statementOf(round, dealer, dealing), ephemeralNonce, constantNonce) === challenge;
}

/**
 * Checks all of a dealing that is public: some ten milliseconds.
 * @param dealer place among the round's dealers of who posted it, as L1 says; -1 for who is none
 * @param data at most MAX_DEALING_BYTES; more are a fault
 */
export function checkDealing(round: KeyRound, dealer: number, data: Uint8Array): CheckedDealing | DealingFault {
  if (!isPlace(dealer, dealerCount(round))) return { kind: "fault", code: "not-a-dealer" };
  const dealing = decoded(data, wireCodec);
  if (dealing instanceof CodecError) return { kind: "fault", code: "malformed", reason: dealing.code };
  if (dealing.commitments.length !== round.threshold) return { kind: "fault", code: "wrong-threshold" };
  if (dealing.maskedShares.length !== round.members.length) return { kind: "fault", code: "wrong-members" };
  if (round.continues !== null && dealing.commitments[0] !== round.continues.publicShares[dealer])
    return { kind: "fault", code: "wrong-constant" };
  if (!isProven(round, dealer, dealing)) return { kind: "fault", code: "wrong-proof" };
  const digest = taggedHash("mvm/threshold-dealing/1", round.id, toWord(BigInt(dealer)), keccak(data));
  return { kind: "dealing", roundId: round.id, dealer, dealing, digest };
}

function decoded<T>(data: Uint8Array, codec: Codec<T>): T | CodecError {
  try {
    return decode(codec, data, MAX_DEALING_BYTES);
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
}

/**
 * Opening a dealing, and complaining of a wrong share. A complaint shows the point that masks the share, with a proof that it
 * is that point (Chaum-Pedersen: the member's key and the point have the same logarithm, to the generator and to the dealing's
 * R). So everybody decrypts the share that the member got, and sees for itself whether it is wrong: the dealer has nothing to
 * answer. Of an honest dealer's dealing a complaint shows a share that its member could have told anyway.
 */
import { blsKeyFromSecret } from "../bls.ts";
import { type Codec, count, decode, encode, struct, version } from "../codec.ts";
import { taggedHash } from "../hash.ts";
import { bytesToBigInt, fromHex, toWord, toWordHex } from "../hex.ts";
import type { Hash, Hex } from "../primitives.ts";
import { type CheckedDealing, masked } from "./dealing.ts";
import {
  addProduct,
  committedValueAt,
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
} from "./group.ts";
import { isPlace, type KeyRound, MAX_MEMBERS } from "./round.ts";

const COMPLAINT_VERSION = 1;
/** Bytes of a complaint at the most. */
export const MAX_COMPLAINT_BYTES = 128;

/** What a member says of its share, and shows. */
export type Complaint = {
  /** place of whom it complains of, among the round's dealers */
  readonly dealer: number;
  /** its own place, among the round's members */
  readonly member: number;
  /** the member's secret times the dealing's R, 48 bytes compressed */
  readonly shared: Hex;
  /** proof that `shared` is that */
  readonly challenge: Hash;
  readonly response: Hash;
};

const place = count(MAX_MEMBERS - 1);
const wireCodec: Codec<Complaint & { readonly version: number }> = struct({
  version: version(COMPLAINT_VERSION),
  dealer: place,
  member: place,
  shared: pointCodec,
  challenge: scalarCodec,
  response: scalarCodec,
});

/** A complaint's bytes, at most MAX_COMPLAINT_BYTES. Throws CodecError for values out of their bounds. */
export const encodeComplaint = (complaint: Complaint): Uint8Array =>
  encode(wireCodec, { version: COMPLAINT_VERSION, ...complaint });

/** The complaint that the bytes are. Throws CodecError for all others. Says nothing of whether it is right. */
export function decodeComplaint(data: Uint8Array): Complaint {
  const { version: _, ...complaint } = decode(wireCodec, data, MAX_COMPLAINT_BYTES);
  return complaint;
}

/** What a complaint's proof is bound to: round, dealing and dealer by the digest; the member, and the points. */
const statementOf = (dealing: CheckedDealing, member: number, points: readonly Hex[]): Hash =>
  taggedHash("mvm/threshold-complaint/1", dealing.roundId, dealing.digest, toWord(BigInt(member)), ...points);

const challengeOf = (statement: Hash, onGenerator: Hex, onEphemeral: Hex): bigint =>
  scalarOf("mvm/threshold-shared-point/1", statement, onGenerator, onEphemeral);

/** The share that a dealing has for a member, by the point that masks it. */
function shareBy(dealing: CheckedDealing, member: number, shared: Hex): Uint8Array {
  const { roundId, dealer } = dealing;
  const { ephemeral, maskedShares } = dealing.dealing;
  return masked(fromHex(maskedShares[member]!), { roundId, dealer, member, ephemeral }, shared);
}

/** Whether a share is what the commitments say, in its one form. */
function isRight(dealing: CheckedDealing, member: number, share: Uint8Array): boolean {
  const scalar = scalarFromBytes(share);
  if (scalar === null) return false;
  const committed = committedValueAt(dealing.dealing.commitments.map(keyPointOf), member + 1);
  return generatorTimes(scalar) === compressed(committed);
}

function requireOf(round: KeyRound, dealing: CheckedDealing): void {
  if (dealing.roundId !== round.id) throw new RangeError("a dealing of another round");
}

/** What a member finds in a dealing: its share, 32 bytes, to be kept secret; or a complaint, to be posted. */
export type Opened =
  | { readonly kind: "share"; readonly share: Uint8Array }
  | { readonly kind: "complaint"; readonly complaint: Complaint };

/**
 * Opens a member's share of a dealing: some ten milliseconds.
 * @param own the member's place in the round and the 32 bytes of its registered key's secret
 * @throws RangeError for a dealing of another round, and where the secret is not the member's
 */
export function openDealing(
  round: KeyRound,
  dealing: CheckedDealing,
  own: { readonly member: number; readonly secret: Uint8Array },
): Opened {
  requireOf(round, dealing);
  const { member, secret } = own;
  const key = blsKeyFromSecret(secret).publicKey;
  if (round.members[member] !== key) throw new RangeError(`not the secret of member ${member}`);
  const ephemeral = keyPointOf(dealing.dealing.ephemeral);
  const scalar = bytesToBigInt(secret);
  const shared = compressed(timesSecret(ephemeral, scalar));
  const share = shareBy(dealing, member, shared);
  if (isRight(dealing, member, share)) return { kind: "share", share };
  const statement = statementOf(dealing, member, [key, dealing.dealing.ephemeral, shared]);
  const nonce = scalarOf("mvm/threshold-complaint-nonce/1", secret, statement);
  const challenge = challengeOf(statement, generatorTimes(nonce), compressed(timesSecret(ephemeral, nonce)));
  const response = addProduct(nonce, challenge, scalar);
  const proof = { challenge: toWordHex(challenge), response: toWordHex(response) };
  return { kind: "complaint", complaint: { dealer: dealing.dealer, member, shared, ...proof } };
}

/** Whether the complaint's point is the one that masks its member's share. */
function isShared(dealing: CheckedDealing, key: Hex, complaint: Complaint): boolean {
  const { member, shared } = complaint;
  const { ephemeral } = dealing.dealing;
  const [challenge, response] = [BigInt(complaint.challenge), BigInt(complaint.response)];
  const onGenerator = nonceOf({ base: GENERATOR, response, challenge, point: keyPointOf(key) });
  const onEphemeral = nonceOf({ base: keyPointOf(ephemeral), response, challenge, point: keyPointOf(shared) });
  const statement = statementOf(dealing, member, [key, ephemeral, shared]);
  return challengeOf(statement, compressed(onGenerator), compressed(onEphemeral)) === challenge;
}

/**
 * Whether a complaint is right: its point is the one that masks its member's share of this dealing, and the share is wrong.
 * Who posted it does not matter. Some ten milliseconds.
 * @param complaint as decodeComplaint gives it; throws FormatError for one whose point is none
 * @throws RangeError for a dealing of another round
 */
export function judgeComplaint(round: KeyRound, dealing: CheckedDealing, complaint: Complaint): boolean {
  requireOf(round, dealing);
  const { dealer, member, shared } = complaint;
  if (dealer !== dealing.dealer || !isPlace(member, round.members.length)) return false;
  if (!isShared(dealing, round.members[member]!, complaint)) return false;
  return !isRight(dealing, member, shareBy(dealing, member, shared));
}

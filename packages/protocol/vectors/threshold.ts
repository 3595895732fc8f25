/**
 * The key ceremony and the threshold PRF, stated a second time by noble and ethers. What makes a dealing takes its parts one
 * by one, so that tests can make wrong ones that are proven rightly.
 */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, hexlify, keccak256 } from "ethers";
import { blsPublicKey, blsSignature, signaturePoint } from "./bls.ts";
import { hashNamed, int, rlpOf, tagged, utf8, word } from "./format.ts";
import { domainOf, NETWORK } from "./network.ts";

const { G1, fields } = bls12_381;
export const ORDER = fields.Fr.ORDER;
type Point = InstanceType<typeof G1.Point>;

const modulo = (value: bigint): bigint => ((value % ORDER) + ORDER) % ORDER;
const hexOf = (point: Point): string => hexlify(point.toBytes());
export const pointOf = (compressed: string): Point => G1.Point.fromHex(compressed.slice(2));
export const times = (scalar: bigint): string => hexOf(G1.Point.BASE.multiply(scalar));
const xor = (left: string, right: string): string => word(BigInt(left) ^ BigInt(right));

/** A scalar by a hash of 64 bytes. */
export const scalarBy = (tag: string, ...parts: readonly string[]): bigint =>
  (BigInt(concat([tagged(tag, ...parts, word(0)), tagged(tag, ...parts, word(1))])) % (ORDER - 1n)) + 1n;

export const polynomialAt = (coefficients: readonly bigint[], x: bigint): bigint =>
  coefficients.reduce((sum, coefficient, power) => modulo(sum + coefficient * x ** BigInt(power)), 0n);

const inverse = (value: bigint): bigint => fields.Fr.inv(modulo(value));
export const weightsOf = (places: readonly bigint[]): bigint[] =>
  places.map((place) =>
    places.reduce((weight, other) => (other === place ? weight : modulo(weight * other * inverse(other - place))), 1n),
  );

export type Terms = {
  readonly domain: string;
  readonly chainId: bigint;
  readonly number: bigint;
  readonly threshold: number;
  readonly members: readonly string[];
};

const idOf = ({ domain, chainId, number, threshold, members }: Terms, previous: string): string => {
  const words = [word(chainId), word(number), word(threshold)];
  return tagged("mvm/threshold-round/1", domain, ...words, keccak256(concat(members)), previous);
};

const keyIdOf = (roundId: string, groupKey: string, publicShares: readonly string[]): string =>
  tagged("mvm/threshold-key/1", roundId, groupKey, keccak256(concat(publicShares)));

/** What a dealing is made of. */
export type DealingParts = {
  readonly roundId: string;
  readonly dealer: number;
  readonly members: readonly string[];
  readonly coefficients: readonly bigint[];
  /** r */
  readonly secret: bigint;
  readonly seed: string;
  /** changes the shares in clear, 32 bytes each, before they are masked */
  readonly change?: (share: string, member: number) => string;
};

/** The dealing with all that it says of itself right: its proof is of what it says. */
export function dealingOf(parts: DealingParts): string {
  const { roundId, dealer, members, coefficients, secret, seed, change = (share) => share } = parts;
  const ephemeral = times(secret);
  const maskedShares = members.map((key, member) => {
    const shared = hexOf(pointOf(key).multiply(secret));
    const mask = tagged("mvm/threshold-mask/1", roundId, word(dealer), word(member), ephemeral, shared);
    return xor(change(word(polynomialAt(coefficients, BigInt(member) + 1n)), member), mask);
  });
  const open = [int(1), coefficients.map(times), ephemeral, maskedShares];
  const statement = tagged("mvm/threshold-statement/1", roundId, word(dealer), keccak256(rlpOf(open)));
  const [first, second] = [0, 1].map((of) => scalarBy("mvm/threshold-nonce/1", seed, statement, word(of))) as [bigint, bigint];
  const challenge = scalarBy("mvm/threshold-dealer/1", statement, times(first), times(second));
  const responses = [first + challenge * secret, second + challenge * coefficients[0]!].map((response) => word(modulo(response)));
  return rlpOf([...open, word(challenge), ...responses]);
}

/** Coefficients and r as a dealer's seed gives them. */
export function partsBySeed(roundId: string, dealer: number, threshold: number, seed: string) {
  const by = (tag: string, ...parts: readonly string[]): bigint => scalarBy(tag, seed, roundId, word(dealer), ...parts);
  const coefficients = Array.from({ length: threshold }, (_, power) => by("mvm/threshold-coefficient/1", word(power)));
  return { coefficients, secret: by("mvm/threshold-ephemeral/1") };
}

export const digestOf = (roundId: string, dealer: number, dealing: string): string =>
  tagged("mvm/threshold-dealing/1", roundId, word(dealer), keccak256(dealing));

/** What a complaint is made of. */
export type ComplaintParts = {
  readonly roundId: string;
  readonly dealer: number;
  readonly dealing: string;
  readonly ephemeral: string;
  readonly member: number;
  /** of the member's key */
  readonly secret: bigint;
  /** what is claimed to be the shared point; the true one where it is not given */
  readonly shared?: string;
  /** of the proof; as the package chooses it where it is not given */
  readonly nonce?: bigint;
};

export function complaintOf(parts: ComplaintParts): string {
  const { roundId, dealer, dealing, ephemeral, member, secret } = parts;
  const shared = parts.shared ?? hexOf(pointOf(ephemeral).multiply(secret));
  const bound = [digestOf(roundId, dealer, dealing), word(member), times(secret), ephemeral, shared];
  const statement = tagged("mvm/threshold-complaint/1", roundId, ...bound);
  const nonce = parts.nonce ?? scalarBy("mvm/threshold-complaint-nonce/1", word(secret), statement);
  const onEphemeral = hexOf(pointOf(ephemeral).multiply(nonce));
  const challenge = scalarBy("mvm/threshold-shared-point/1", statement, times(nonce), onEphemeral);
  return rlpOf([int(1), int(dealer), int(member), shared, word(challenge), word(modulo(nonce + challenge * secret))]);
}

const secretNamed = (name: string): string => word((BigInt(hashNamed(name)) % (ORDER - 1n)) + 1n);
const isMade = { domain: domainOf(NETWORK), chainId: 77n };

type Shares = readonly bigint[];
const keyBy = (roundId: string, secret: bigint, shares: Shares, dealers: readonly number[]) => {
  const [groupKey, publicShares] = [times(secret), shares.map(times)];
  return { roundId, groupKey, publicShares, dealers, shares: shares.map(word) };
};

/** Values of the PRF, each part by the member's share, the whole by the secret that no one has. */
const valuesBy = (secret: bigint, shares: Shares) =>
  (["object", "handle"] as const).map((purpose) => {
    const input = hashNamed(`input of ${purpose}`);
    const { domain, chainId } = isMade;
    const parts = [domain, word(chainId), keccak256(utf8(purpose)), keccak256(input)];
    const message = tagged("mvm/threshold-prf/1", ...parts);
    const signature = blsSignature(word(secret), message);
    const partials = shares.map((share) => blsSignature(word(share), message));
    return { purpose, input, message, partials, signature, output: tagged("mvm/threshold-prf-output/1", signaturePoint(signature)) };
  });

/** A round of three with a threshold of two, whose last dealer gives the first member a wrong share. */
function firstRound(secrets: readonly string[]) {
  const terms: Terms = { ...isMade, number: 1n, threshold: 2, members: secrets.map(blsPublicKey) };
  const roundId = idOf(terms, word(0));
  const dealt = secrets.map((_, dealer) => {
    const seed = hashNamed(`seed ${dealer}`);
    return { roundId, dealer, members: terms.members, seed, ...partsBySeed(roundId, dealer, 2, seed) };
  });
  const wrong = (share: string, member: number): string => (member === 0 ? xor(share, word(1)) : share);
  const dealings = dealt.map((parts, dealer) => dealingOf(dealer === 2 ? { ...parts, change: wrong } : parts));
  const [dealing, ephemeral] = [dealings[2]!, times(dealt[2]!.secret)];
  const complaint = complaintOf({ roundId, dealer: 2, dealing, ephemeral, member: 0, secret: BigInt(secrets[0]!) });
  const counted = dealt.slice(0, 2).map(({ coefficients }) => coefficients);
  const sumAt = (x: bigint): bigint => modulo(counted.reduce((sum, coefficients) => sum + polynomialAt(coefficients, x), 0n));
  const shares = secrets.map((_, member) => sumAt(BigInt(member) + 1n));
  const made = dealt.map(({ dealer, seed }) => {
    const encoded = dealings[dealer]!;
    return { dealer, seed, isRight: dealer !== 2, encoded, digest: digestOf(roundId, dealer, encoded) };
  });
  return { terms, roundId, secrets, dealings: made, complaint, secret: sumAt(0n), key: keyBy(roundId, sumAt(0n), shares, [0, 1]), shares };
}

/** The key is handed on to four, of whom two held it before, with a threshold of three. */
function secondRound(first: ReturnType<typeof firstRound>, secrets: readonly string[]) {
  const terms: Terms = { ...isMade, number: 2n, threshold: 3, members: secrets.map(blsPublicKey) };
  const roundId = idOf(terms, keyIdOf(first.roundId, first.key.groupKey, first.key.publicShares));
  const dealers = [1, 2];
  const dealt = dealers.map((dealer) => {
    const seed = hashNamed(`seed ${dealer}`);
    const { coefficients, secret } = partsBySeed(roundId, dealer, 3, seed);
    const parts = { coefficients: [first.shares[dealer]!, ...coefficients.slice(1)], secret };
    return { roundId, dealer, members: terms.members, seed, ...parts };
  });
  const weights = weightsOf(dealers.map((dealer) => BigInt(dealer) + 1n));
  const sumAt = (x: bigint): bigint =>
    modulo(dealt.reduce((sum, { coefficients }, i) => sum + weights[i]! * polynomialAt(coefficients, x), 0n));
  if (sumAt(0n) !== first.secret) throw new Error("the secret changed");
  const shares = secrets.map((_, member) => sumAt(BigInt(member) + 1n));
  const made = dealt.map((parts) => {
    const encoded = dealingOf(parts);
    return { dealer: parts.dealer, seed: parts.seed, isRight: true, encoded, digest: digestOf(roundId, parts.dealer, encoded) };
  });
  return { terms, roundId, secrets, dealings: made, key: keyBy(roundId, first.secret, shares, dealers), shares };
}

/** Two rounds, and the values of the PRF under their key. */
export function thresholdVectors() {
  const secrets = [1, 2, 3, 4, 5].map((host) => secretNamed(`host ${host}`));
  const first = firstRound(secrets.slice(0, 3));
  const second = secondRound(first, [secrets[3]!, secrets[1]!, secrets[0]!, secrets[4]!]);
  const shown = ({ shares: _, ...round }: { readonly shares: Shares }) => round;
  return {
    first: shown(first),
    second: shown(second),
    valuesOfFirst: valuesBy(first.secret, first.shares),
    valuesOfSecond: valuesBy(first.secret, second.shares),
  };
}

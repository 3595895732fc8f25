/** Ceremonies for tests: members by name, all of their dealings, what each of them opens, and the key with its shares. */
import {
  blsKeyFromSecret,
  blsSecretFromSeed,
  type ChainId,
  fromHex,
  type Hash,
  type Hex,
  keccakHash,
  toChainId,
  toWord,
} from "@mvm/protocol";
import {
  type CheckedDealing,
  type Complaint,
  checkDealing,
  type KeyRound,
  keyRound,
  makeDealing,
  openDealing,
  outcomeOf,
  ownShareOf,
  type RoundTerms,
  type ThresholdKey,
} from "@mvm/protocol/threshold";
import fc from "fast-check";
import { polynomialAt, scalarBy } from "../../vectors/threshold.ts";

const text = new TextEncoder();
export const hashNamed = (name: string): Hash => keccakHash(text.encode(name));
export const DOMAIN = hashNamed("network");
export const CHAIN: ChainId = toChainId(77);

export type Host = { readonly secret: Uint8Array; readonly key: Hex };
export function hostNamed(name: string): Host {
  const secret = blsSecretFromSeed(fromHex(hashNamed(name)));
  return { secret, key: blsKeyFromSecret(secret).publicKey };
}
export const hostsNamed = (count: number, prefix = "host"): readonly Host[] =>
  Array.from({ length: count }, (_, i) => hostNamed(`${prefix} ${i}`));

export const roundOf = (hosts: readonly Host[], threshold: number, changes: Partial<RoundTerms> = {}): KeyRound =>
  keyRound({
    ...{ domain: DOMAIN, chainId: CHAIN, number: 1n, threshold, continues: null },
    ...{ members: hosts.map(({ key }) => key), ...changes },
  });

/** A dealing that has to be right in all that is public. */
export function checked(round: KeyRound, dealer: number, data: Uint8Array): CheckedDealing {
  const dealing = checkDealing(round, dealer, data);
  if (dealing.kind === "fault") throw new Error(`dealer ${dealer}: ${dealing.code}`);
  return dealing;
}

/** The dealings of these dealers, by seeds of their own; `shares` of the key that is handed on. */
export const dealt = (
  round: KeyRound,
  dealers: readonly number[],
  { name = "seed", shares }: { readonly name?: string; readonly shares?: readonly Uint8Array[] } = {},
): readonly CheckedDealing[] =>
  dealers.map((dealer) =>
    checked(
      round,
      dealer,
      makeDealing(round, { dealer, seed: hashNamed(`${name} ${dealer}`), share: shares?.[dealer] ?? null }),
    ),
  );

/** What a member finds in all of the dealings. */
export function opened(round: KeyRound, dealings: readonly CheckedDealing[], host: Host) {
  const member = round.members.indexOf(host.key);
  const shares = new Map<number, Uint8Array>();
  const complaints: Complaint[] = [];
  for (const dealing of dealings) {
    const found = openDealing(round, dealing, { member, secret: host.secret });
    if (found.kind === "share") shares.set(dealing.dealer, found.share);
    else complaints.push(found.complaint);
  }
  return { member, shares, complaints };
}

export type Made = { readonly key: ThresholdKey; readonly shares: readonly Uint8Array[] };

/** The key that the dealings give, and the share of each host. */
export function madeBy(round: KeyRound, dealings: readonly CheckedDealing[], hosts: readonly Host[]): Made {
  const all = hosts.map((host) => opened(round, dealings, host));
  const outcome = outcomeOf(
    round,
    dealings,
    all.flatMap(({ complaints }) => complaints),
  );
  if (outcome.kind === "failed") throw new Error(outcome.code);
  const { key } = outcome;
  return { key, shares: all.map(({ member, shares }) => ownShareOf(round, key, { member, opened: shares })) };
}

export const placesOf = (count: number): readonly number[] => [...Array(count).keys()];

/** A new key of these hosts, of whom all deal. */
export function newKey(hosts: readonly Host[], threshold: number): Made & { readonly round: KeyRound } {
  const round = roundOf(hosts, threshold);
  return { round, ...madeBy(round, dealt(round, placesOf(hosts.length)), hosts) };
}

/** A key that one dealer knows, for tests that want none of the ceremony. */
export function keyDealt(count: number, threshold: number): Made {
  const coefficients = placesOf(threshold).map((power) => scalarBy("test", hashNamed(`${count} ${power}`)));
  const shares = placesOf(count).map((member) => toWord(polynomialAt(coefficients, BigInt(member) + 1n)));
  const keys = [toWord(coefficients[0]!), ...shares].map((share) => blsKeyFromSecret(share).publicKey);
  const [groupKey, ...publicShares] = keys as [Hex, ...Hex[]];
  const members = hostsNamed(count).map(({ key }) => key);
  const of = { domain: DOMAIN, chainId: CHAIN, roundId: hashNamed("round"), dealers: [0] };
  return { key: { ...of, threshold, members, groupKey, publicShares }, shares };
}

/** The key handed on to other hosts, dealt by these of the old ones. */
export function handedOn(
  old: Made,
  dealers: readonly number[],
  { hosts, threshold, number = 2n }: { readonly hosts: readonly Host[]; readonly threshold: number; number?: bigint },
): Made & { readonly round: KeyRound } {
  const round = roundOf(hosts, threshold, { number, continues: old.key });
  const dealings = dealt(round, dealers, { name: `seed of ${number}`, shares: old.shares });
  return { round, ...madeBy(round, dealings, hosts) };
}

/** How many members and a threshold of them. */
export const sizes = fc
  .integer({ min: 1, max: 7 })
  .chain((count) => fc.record({ count: fc.constant(count), threshold: fc.integer({ min: 1, max: count }) }));

/** All of some places in an order of chance. */
export const shuffled = (count: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray([...placesOf(count)], { minLength: count, maxLength: count });

/** Providers of whom an adversary has a share of the stake, split into accounts: who holds the seats of a job. */
import { type Address, type BlsKey, blsKeyFromSeed, fromHex, type PeerId, SeatTree } from "@mvm/protocol";
import type { Member } from "@mvm/roles";
import type { SeededRandom } from "./seededRandom.ts";

/** Stake of all, whole MT. */
const TOTAL_MT = 1_000_000;
const HONEST = 20;
/** Accounts that the adversary splits its stake into. */
const SPLIT = 16;
const MT = 10n ** 18n;

export type Holder = Member & { readonly key: BlsKey; readonly isAdversary: boolean };

/** Providers with an adversary's among them, in a drawn order of places. */
export function holdersOf(draw: SeededRandom, share: number): { holders: readonly Holder[]; tree: SeatTree } {
  const stakes = [
    ...Array.from({ length: HONEST }, () => ({ weight: ((1 - share) * TOTAL_MT) / HONEST, isAdversary: false })),
    ...Array.from({ length: SPLIT }, () => ({ weight: (share * TOTAL_MT) / SPLIT, isAdversary: true })),
  ].map((stake) => ({ ...stake, weight: Math.round(stake.weight), at: draw.fraction() }));
  stakes.sort((a, b) => a.at - b.at);
  let tree = SeatTree.empty;
  const holders = stakes.map(({ weight, isAdversary }, index): Holder => {
    const key = blsKeyFromSeed(fromHex(draw.hash()));
    const operator = draw.hash().slice(0, 42) as Address;
    const peerId = `provider-${index}` as PeerId;
    const stakeWei = BigInt(weight) * MT;
    const member = { index, operator, stakeWei, blsPublicKey: key.publicKey, peerId, multiaddr: "/memory" };
    tree = tree.put(index, member, weight);
    return { ...member, key, isAdversary };
  });
  return { holders, tree };
}

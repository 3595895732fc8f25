/**
 * When a DAC's hosts make the key that they share, and how many of them it takes (page 50, docs/decisions/066-key-ceremony.md). From each change of
 * a DAC's hosts on L1 runs in rounds: an epoch's length for dealings, another for complaints. The first round that gives a key
 * is the last one that counts, until the hosts change again.
 */
import type { Address, Hex } from "./primitives.ts";

/** A host as others see it when the key is made: its account, and the registered BLS key, 48 bytes compressed. */
export type KeyHost = { readonly operator: Address; readonly blsPublicKey: Hex };

/** The hosts that a DAC has from the end of an L1 block on, in the order of their draws. */
export type HostSet = { readonly since: bigint; readonly hosts: readonly KeyHost[] };

/** A dealing or complaint in a round of a key ceremony, as L1 has it. */
export type CeremonyMessage = {
  /** number of the round, as the host says */
  readonly round: bigint;
  readonly host: Address;
  readonly isComplaint: boolean;
  /** 1 to 8,192 bytes, unchecked */
  readonly data: Uint8Array;
  readonly l1Block: bigint;
};

/** Of what a DAC's hosts make the key that they share: all hosts that it had, the present ones last, and what they said. */
export type KeyRecord = { readonly sets: readonly HostSet[]; readonly messages: readonly CeremonyMessage[] };

/** A round by its number, which is its first L1 block, and what is said in it now. */
export type KeyRoundTime = { readonly number: bigint; readonly isForComplaints: boolean };

/** Hosts below which a third of them, rounded up, is more than a third. */
const MANY_HOSTS = 7;

/**
 * Shares that it takes, of so many hosts: two thirds, and more than that where there are seven and more. All of two, two of three, five of
 * seven.
 */
export const keyThreshold = (hosts: number): number =>
  hosts < MANY_HOSTS ? Math.ceil((2 * hosts) / 3) : Math.floor((2 * hosts) / 3) + 1;

/** L1 blocks of a round. */
export const keyRoundBlocks = (epochBlocks: number): bigint => 2n * BigInt(epochBlocks);

/** The round of the hosts since an L1 block that a later L1 block is in. */
export function keyRoundAt(since: bigint, l1Block: bigint, epochBlocks: number): KeyRoundTime {
  const blocks = keyRoundBlocks(epochBlocks);
  const number = since + 1n + ((l1Block - since - 1n) / blocks) * blocks;
  return { number, isForComplaints: l1Block >= number + BigInt(epochBlocks) };
}

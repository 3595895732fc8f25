/**
 * The plain rotation that picks sequencers, providers and storage hosts until the VRF draws replace it. It is public
 * and predictable: no seat is secret, and nothing here is weighted by stake.
 */
import { keccakHash, taggedHash } from "./hash.ts";
import { toWord } from "./hex.ts";
import type { Address, ChainId, Hash, JobId } from "./primitives.ts";

/** The slot that an L1 block belongs to. */
export function slotOf(l1Block: bigint, epochBlocks: number): bigint {
  return l1Block / BigInt(epochBlocks);
}

/** Position, among `activeCount` sequencers in registry order, of the one whose turn (chain, slot) is; as RollupChain computes it. */
export function sequencerTurn(chainId: ChainId, slot: bigint, activeCount: number): number {
  if (activeCount < 1) throw new RangeError("no active sequencer");
  return Number((BigInt(keccakHash(toWord(chainId))) + slot) % BigInt(activeCount));
}

/** Positions, among `activeCount` providers, of a job's seats and then its stand-ins, each once. */
export function providerTurns(jobId: JobId, activeCount: number, wanted: number): readonly number[] {
  if (activeCount < 1) return [];
  const first = Number(BigInt(jobId) % BigInt(activeCount));
  return Array.from({ length: Math.min(wanted, activeCount) }, (_, seat) => (first + seat) % activeCount);
}

/** The `replicas` hosts of a DAC by rendezvous hashing: highest scores first, ties by address. */
export function storageHosts<H extends { readonly operator: Address }>(
  genesisHash: Hash,
  hosts: readonly H[],
  replicas: number,
): readonly H[] {
  const scored = hosts.map((host) => ({ host, score: taggedHash("mvm/storage-draw/1", genesisHash, host.operator) }));
  scored.sort((a, b) =>
    a.score === b.score ? (a.host.operator < b.host.operator ? -1 : 1) : a.score > b.score ? -1 : 1,
  );
  return scored.slice(0, replicas).map(({ host }) => host);
}

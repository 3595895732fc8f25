/**
 * The plain rotation that picks providers and storage hosts until the VRF draws replace it. It is public
 * and predictable: no seat is secret, and nothing here is weighted by stake.
 */
import { taggedHash } from "./hash.ts";
import type { Address, Hash, JobId } from "./primitives.ts";

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

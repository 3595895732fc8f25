/** The draw of a DAC's storage hosts: public, not to be foreseen when hosts register, and not weighted by stake. */
import { taggedHash } from "./hash.ts";
import { toWord } from "./hex.ts";
import type { Address, ChainId, Hash } from "./primitives.ts";

/** Seed of a DAC's draw of hosts: keccak(keccak("mvm/storage-seed/1") || an epoch's randomness || uint256 chain). */
export function storageDrawSeed(randomness: Hash, chainId: ChainId): Hash {
  return taggedHash("mvm/storage-seed/1", randomness, toWord(chainId));
}

/** The `replicas` hosts of a draw by rendezvous hashing: highest scores first, ties by address. */
export function storageHosts<H extends { readonly operator: Address }>(
  seed: Hash,
  hosts: readonly H[],
  replicas: number,
): readonly H[] {
  const scored = hosts.map((host) => ({ host, score: taggedHash("mvm/storage-draw/1", seed, host.operator) }));
  scored.sort((a, b) =>
    a.score === b.score ? (a.host.operator < b.host.operator ? -1 : 1) : a.score > b.score ? -1 : 1,
  );
  return scored.slice(0, replicas).map(({ host }) => host);
}

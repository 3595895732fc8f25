/** The draw of a DAC's storage hosts: public and predictable, and not weighted by stake. */
import { taggedHash } from "./hash.ts";
import type { Address, Hash } from "./primitives.ts";

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

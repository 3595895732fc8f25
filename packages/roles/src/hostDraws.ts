/**
 * Which storage hosts DACs have. A DAC that is created, or loses a host, or has too few of them, draws from who is registered by then, by the first randomness
 * of L1 that comes after: nobody can choose an operator, or when to register it, such that it is drawn for a DAC. Who is drawn stays until it leaves. Every change gives back
 * how it is undone.
 */
import {
  type Address,
  type ChainId,
  type Hash,
  type HostSet,
  type KeyHost,
  LIMITS,
  storageDrawSeed,
  storageHosts,
} from "@mvm/protocol";
import { put, taken, together, type Undo } from "./undo.ts";

/** Hosts that a DAC lacks. */
type Wanted = {
  /** who may be drawn: registered when it came to lack them */
  readonly candidates: ReadonlySet<Address>;
  /** in which it came to lack them */
  readonly l1Block: bigint;
};

/** Registered hosts. */
type Registered = readonly KeyHost[];

export class HostDraws {
  /** all that each DAC had, the present ones last */
  readonly #sets = new Map<ChainId, readonly HostSet[]>();
  readonly #wanted = new Map<ChainId, Wanted>();
  #changes = 0;

  /** Hosts of a DAC, those who were drawn first before others; none before its first draw. */
  hosts(chainId: ChainId): readonly Address[] {
    return this.#present(chainId).map(({ operator }) => operator);
  }

  /** All hosts that a DAC had, with the L1 blocks since when, and those that it has at the end. */
  sets(chainId: ChainId): readonly HostSet[] {
    return this.#sets.get(chainId) ?? [];
  }

  #present(chainId: ChainId): readonly KeyHost[] {
    return this.sets(chainId).at(-1)?.hosts ?? [];
  }

  /** Grows with each change of any DAC's hosts, also by what is taken back. */
  get changes(): number {
    return this.#changes;
  }

  /** A DAC is created in an L1 block. */
  created(chainId: ChainId, registered: Registered, l1Block: bigint): Undo {
    return together(this.#set(chainId, [], l1Block), this.#want(chainId, registered, l1Block));
  }

  /** Hosts came or left in an L1 block. */
  membersChanged(registered: Registered, l1Block: bigint): Undo {
    const members = new Set(registered.map(({ operator }) => operator));
    const changes = [...this.#sets.keys()].flatMap((chainId) => {
      const hosts = this.#present(chainId);
      const staying = hosts.filter(({ operator }) => members.has(operator));
      const left = staying.length === hosts.length ? [] : [this.#set(chainId, staying, l1Block)];
      return [...left, this.#want(chainId, registered, l1Block)];
    });
    return together(...changes);
  }

  /** Randomness comes out in an L1 block: who has lacked hosts since before draws them. */
  drawn(randomness: Hash, registered: Registered, l1Block: bigint): Undo {
    const due = [...this.#wanted].filter(([, wanted]) => wanted.l1Block < l1Block);
    return together(
      ...due.map(([chainId, { candidates }]) => {
        const hosts = this.#present(chainId);
        const others = this.#othersOf(chainId, registered).filter(({ operator }) => candidates.has(operator));
        const seed = storageDrawSeed(randomness, chainId);
        const drawn = storageHosts(seed, others, LIMITS.storageReplicas - hosts.length);
        return together(
          taken(this.#wanted, chainId),
          this.#set(chainId, [...hosts, ...drawn], l1Block),
          this.#want(chainId, registered, l1Block),
        );
      }),
    );
  }

  #othersOf(chainId: ChainId, registered: Registered): Registered {
    const hosts = this.hosts(chainId);
    return registered.filter(({ operator }) => !hosts.includes(operator));
  }

  /** What a DAC has at the end of an L1 block is what it has since. */
  #set(chainId: ChainId, hosts: readonly KeyHost[], since: bigint): Undo {
    const earlier = this.sets(chainId).filter((set) => set.since < since);
    const keys = hosts.map(({ operator, blsPublicKey }) => ({ operator, blsPublicKey }));
    const back = put(this.#sets, chainId, [...earlier, { since, hosts: keys }]);
    this.#changes += 1;
    return () => {
      back();
      this.#changes += 1;
    };
  }

  /** Notes that a DAC lacks hosts, unless it has been noted, or there is nobody else. Later events put no draw off. */
  #want(chainId: ChainId, registered: Registered, l1Block: bigint): Undo {
    const others = this.#othersOf(chainId, registered);
    if (this.hosts(chainId).length >= LIMITS.storageReplicas || others.length === 0 || this.#wanted.has(chainId))
      return () => undefined;
    return put(this.#wanted, chainId, { candidates: new Set(others.map(({ operator }) => operator)), l1Block });
  }
}

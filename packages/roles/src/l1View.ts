/** What a node knows of L1: registries, DACs, deposit queues, batches. Fed with events in L1 order, asked by all roles. */
import {
  type Address,
  type BatchHeader,
  type ChainId,
  type Deposit,
  type Founding,
  type Hash,
  type Hex,
  LIMITS,
  type Parameters,
  type PeerId,
  sequencerTurn,
  slotOf,
  storageHosts,
} from "@mvm/protocol";

export type RegistryName = "sequencer" | "provider" | "storage";

export type Member = {
  /** position in the registry, from 0; never reused */
  readonly index: number;
  readonly operator: Address;
  readonly stakeWei: bigint;
  /** 48 bytes */
  readonly blsPublicKey: Hex;
  readonly peerId: PeerId;
  readonly multiaddr: string;
};

export type L1Event =
  | {
      readonly kind: "l1Block";
      readonly number: bigint;
      readonly timestamp: bigint;
      /** wei per L1 gas */
      readonly baseFeePerGas: bigint;
    }
  | { readonly kind: "registered"; readonly registry: RegistryName; readonly member: Member }
  | {
      readonly kind: "addressUpdated";
      readonly registry: RegistryName;
      readonly operator: Address;
      readonly peerId: PeerId;
      readonly multiaddr: string;
    }
  | { readonly kind: "exited"; readonly registry: RegistryName; readonly operator: Address }
  | {
      readonly kind: "dacCreated";
      readonly chainId: ChainId;
      readonly label: string;
      readonly genesisHash: Hash;
      readonly timestamp: bigint;
      readonly founding: Founding;
    }
  | { readonly kind: "deposited"; readonly chainId: ChainId; readonly l1Block: bigint; readonly deposit: Deposit }
  | {
      readonly kind: "batchAppended";
      readonly header: BatchHeader;
      readonly batchHash: Hash;
      readonly timestamp: bigint;
    };

export type Dac = {
  readonly chainId: ChainId;
  readonly label: string;
  readonly genesisHash: Hash;
  /** seconds; the genesis block's timestamp */
  readonly timestamp: bigint;
  /** what block 1 writes and seals */
  readonly founding: Founding;
  /** hosts drawn when the DAC was created, best first */
  readonly hosts: readonly Address[];
};

export type PostedBatch = { readonly header: BatchHeader; readonly batchHash: Hash; readonly timestamp: bigint };

type QueueItem = { readonly deposit: Deposit; readonly l1Block: bigint };

/** L1 blocks whose base fees are kept: a day of 12-second blocks, as old as a posted block may be. */
const KEPT_BASE_FEES = 7_200;

export class L1View {
  readonly #parameters: Parameters;
  readonly #members: Record<RegistryName, Member[]> = { sequencer: [], provider: [], storage: [] };
  readonly #dacs = new Map<ChainId, Dac>();
  readonly #queues = new Map<ChainId, QueueItem[]>();
  readonly #batches = new Map<ChainId, PostedBatch[]>();
  readonly #baseFees = new Map<bigint, bigint>();
  #block = { number: 0n, timestamp: 0n };

  constructor(parameters: Parameters) {
    this.#parameters = parameters;
  }

  get block(): { readonly number: bigint; readonly timestamp: bigint } {
    return this.#block;
  }

  /** Base fee of an L1 block, wei per gas; undefined where it is not known, or no longer. */
  l1BaseFee(l1Block: bigint): bigint | undefined {
    return this.#baseFees.get(l1Block);
  }

  /** The present slot. */
  get slot(): bigint {
    return slotOf(this.#block.number, this.#parameters.epochBlocks);
  }

  /** True in the last L1 block of a slot, when no new block should be begun. */
  get slotEnds(): boolean {
    return slotOf(this.#block.number + 1n, this.#parameters.epochBlocks) > this.slot;
  }

  apply(event: L1Event): void {
    switch (event.kind) {
      case "l1Block":
        this.#block = { number: event.number, timestamp: event.timestamp };
        this.#baseFees.set(event.number, event.baseFeePerGas);
        if (this.#baseFees.size > KEPT_BASE_FEES) this.#baseFees.delete(this.#baseFees.keys().next().value!);
        return;
      case "registered":
        this.#members[event.registry].push(event.member);
        return;
      case "addressUpdated":
        this.#updateMember(event.registry, event.operator, { peerId: event.peerId, multiaddr: event.multiaddr });
        return;
      case "exited":
        this.#members[event.registry] = this.#members[event.registry].filter(
          (member) => member.operator !== event.operator,
        );
        return;
      case "dacCreated": {
        const hosts = storageHosts(event.genesisHash, this.#members.storage, LIMITS.storageReplicas).map(
          (host) => host.operator,
        );
        const { chainId, label, genesisHash, timestamp, founding } = event;
        this.#dacs.set(chainId, { chainId, label, genesisHash, timestamp, founding, hosts });
        return;
      }
      case "deposited":
        this.#queueOf(event.chainId).push({ deposit: event.deposit, l1Block: event.l1Block });
        return;
      case "batchAppended": {
        const { header, batchHash, timestamp } = event;
        const batches = this.#batches.get(header.chainId) ?? [];
        batches.push({ header, batchHash, timestamp });
        this.#batches.set(header.chainId, batches);
        return;
      }
    }
  }

  #updateMember(registry: RegistryName, operator: Address, change: Pick<Member, "peerId" | "multiaddr">): void {
    this.#members[registry] = this.#members[registry].map((member) =>
      member.operator === operator ? { ...member, ...change } : member,
    );
  }

  #queueOf(chainId: ChainId): QueueItem[] {
    const queue = this.#queues.get(chainId) ?? [];
    this.#queues.set(chainId, queue);
    return queue;
  }

  /** Active members in registry order. */
  members(registry: RegistryName): readonly Member[] {
    return this.#members[registry];
  }

  member(registry: RegistryName, operator: Address): Member | undefined {
    return this.#members[registry].find((member) => member.operator === operator);
  }

  /** Whether a peer belongs to an active member of the registry. */
  isPeerOf(registry: RegistryName, peer: PeerId): boolean {
    return this.#members[registry].some((member) => member.peerId === peer);
  }

  dac(chainId: ChainId): Dac | undefined {
    return this.#dacs.get(chainId);
  }

  dacs(): readonly Dac[] {
    return [...this.#dacs.values()];
  }

  /** Whose turn (chain, slot) is by the plain rotation over today's members; undefined without sequencers. */
  sequencer(chainId: ChainId, slot: bigint): Member | undefined {
    const sequencers = this.#members.sequencer;
    return sequencers.length === 0 ? undefined : sequencers[sequencerTurn(chainId, slot, sequencers.length)];
  }

  /** The DAC's hosts that are still registered, best first. */
  hosts(chainId: ChainId): readonly Member[] {
    const hosts = this.#dacs.get(chainId)?.hosts ?? [];
    return hosts.flatMap((operator) => this.member("storage", operator) ?? []);
  }

  /** Deposits from queue position `from` on that an L1 block up to `l1Block` holds, at most LIMITS.blockDeposits. */
  deposits(chainId: ChainId, from: bigint, l1Block: bigint): readonly Deposit[] {
    const queue = this.#queues.get(chainId) ?? [];
    const due: Deposit[] = [];
    for (const item of queue.slice(Number(from), Number(from) + LIMITS.blockDeposits)) {
      if (item.l1Block > l1Block) break;
      due.push(item.deposit);
    }
    return due;
  }

  batches(chainId: ChainId): readonly PostedBatch[] {
    return this.#batches.get(chainId) ?? [];
  }

  /** Last block that is posted, 0 when none is. */
  postedHead(chainId: ChainId): bigint {
    return this.batches(chainId).at(-1)?.header.lastBlock ?? 0n;
  }

  /** Last block whose batch has outlived its window, 0 when none has. */
  finalHead(chainId: ChainId): bigint {
    const window = BigInt(this.#parameters.maxWindowSeconds);
    return (
      this.batches(chainId).findLast((batch) => batch.timestamp + window <= this.#block.timestamp)?.header.lastBlock ??
      0n
    );
  }
}

/** One node of a simulated world: the class that real nodes run, over virtual ports. */
import { MemoryNetwork, type NetworkEvent } from "@mvm/network";
import {
  blobArchive,
  type Identity,
  jobsHere,
  kzgOf,
  L1Clock,
  type L1Poster,
  leafStore,
  lieStore,
  NodeCore,
  type Ports,
  pendingStore,
  type Role,
  sealStore,
  signingMarks,
} from "@mvm/node";
import {
  addressOf,
  blsKeyFromSeed,
  type ChainId,
  fromHex,
  type Hash,
  type Hex,
  type PeerId,
  type SealedBlock,
  signDigest,
} from "@mvm/protocol";
import type { L1Event, Parent } from "@mvm/roles";
import { DacDatabase, MemoryStore } from "@mvm/state";
import { type Delivery, type Hostility, ObservedNetwork } from "./observedNetwork.ts";
import type { SeededRandom } from "./seededRandom.ts";
import type { World } from "./world.ts";

/** What a world hears of its nodes. */
export type NodeListener = {
  onDelivery(node: SimulatedNode, delivery: Delivery): void;
  onHead(node: SimulatedNode, head: { chainId: ChainId; head: Parent; block: SealedBlock | null }): void;
  onLog(node: SimulatedNode, level: "debug" | "info" | "warn" | "error", code: string, data: object): void;
  onNetwork(node: SimulatedNode, event: NetworkEvent): void;
  /** what came of work of other threads: what was sealed, and what was opened */
  onComputed(node: SimulatedNode, made: unknown): void;
};

/** Milliseconds by which a node hears of L1's events later than they happen, at the most. */
const L1_LAG_MS = 200;
/** What every simulated provider has: its executions take no virtual time. */
const CAPACITY = { parallelJobs: 4, gasPerSecond: 100_000_000 };
/** Milliseconds until the others learn that a crashed node's connections are gone. */
const CRASH_NOTICE_MS = 3_000;

function identityFrom(random: SeededRandom): Identity {
  const secret = fromHex(random.hash());
  return {
    operator: addressOf(secret),
    signDigest: (digest: Hash) => signDigest(secret, digest),
    bls: blsKeyFromSeed(fromHex(random.hash())),
  };
}

export class SimulatedNode {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly identity: Identity;
  readonly peerId: PeerId;
  /** what its operator does in place of the program, where it is an adversary */
  hostility: Hostility & { signs?(digest: Hash, honestly: (digest: Hash) => Hex): Hex } = {};
  readonly #world: World;
  /** milliseconds that its machine's clock is off */
  readonly #machineOffMs: number;
  #clock: L1Clock;
  #network: MemoryNetwork;
  /** disks by name: they outlive a stop */
  readonly #disks = new Map<string, MemoryStore>();
  readonly #random: SeededRandom;
  readonly #watched = new Set<ChainId>();
  #core: NodeCore | null = null;
  #unfollow: () => void = () => {};
  #lastL1Ms = 0;
  /** what L1 told while the node was cut off; null while it is not */
  #missed: L1Event[] | null = null;
  #turns = 0;
  #alive = true;
  /** false while it reads the past of L1 after a start */
  #live = true;

  private constructor(world: World, name: string, roles: readonly Role[]) {
    this.name = name;
    this.roles = roles;
    this.peerId = name as PeerId;
    this.#world = world;
    this.#random = world.random.stream(name);
    this.identity = identityFrom(this.#random.stream("keys"));
    this.#machineOffMs = world.drawnClockOffMs(this.#random.stream("machine"));
    this.#clock = this.#clockAtStart();
    this.#network = new MemoryNetwork({ hub: world.hub, peerId: this.peerId });
  }

  static async create(world: World, name: string, roles: readonly Role[]): Promise<SimulatedNode> {
    const node = new SimulatedNode(world, name, roles);
    await node.#begin();
    node.#beginLive();
    return node;
  }

  /** Knows of L1's time what the machine says. */
  #clockAtStart(): L1Clock {
    const { clock } = this.#world;
    const nowMs = (): number => clock.nowMs() + this.#machineOffMs;
    return new L1Clock({ nowMs, at: (atMs, callback) => clock.schedule(Math.max(0, atMs - nowMs()), callback) });
  }

  async #begin(): Promise<void> {
    const { settings, listener, hops, hasCover } = this.#world;
    this.#core = await NodeCore.create({ ports: this.#ports(), settings, roles: this.roles, hops, hasCover });
    this.#network.listen((event) => {
      if (this.#alive) listener.onNetwork(this, event);
    });
    await this.#network.start();
  }

  /** What is on a disk, as a program finds it at its start. */
  #disk(name: string): MemoryStore {
    const disk = this.#disks.get(name)?.reopened() ?? new MemoryStore();
    this.#disks.set(name, disk);
    return disk;
  }

  #ports(): Ports {
    const { clock, l1, listener } = this.#world;
    const store = this.#disk("node");
    const entropy = this.#random.stream("entropy");
    const { operator, bls } = this.identity;
    const sign = (digest: Hash): Hex => this.hostility.signs?.(digest, bls.sign) ?? bls.sign(digest);
    return {
      clock: this.#clock,
      network: new ObservedNetwork(
        this.#network,
        (delivery) => listener.onDelivery(this, delivery),
        () => this.hostility,
      ),
      openDatabase: (chainId, mode) => DacDatabase.openOn(this.#disk(`${chainId} ${mode}`), { mode, keeps: "recent" }),
      seals: sealStore(store),
      marks: signingMarks(this.#disk("signer")),
      pending: pendingStore(store),
      leaves: leafStore(store),
      lies: lieStore(store),
      poster: this.#reachable(l1.poster(operator)),
      kzg: kzgOf("blob"),
      blobs: blobArchive(store),
      blobOnL1: () => Promise.reject(new Error("the model of L1 has no blobs")),
      // by the node's own engine, which may be made to lie
      jobs: { capacity: CAPACITY, begin: (job, want) => jobsHere(this.core.engine, CAPACITY).begin(job, want) },
      entropy: () => entropy.hash(),
      aside: async (work) => {
        const made = await clock.aside(work);
        listener.onComputed(this, made);
        return made;
      },
      identity: { ...this.identity, bls: { ...bls, sign } },
      log: (level, code, data) => {
        if (this.#alive) listener.onLog(this, level, code, data ?? {});
      },
    };
  }

  /** L1 as it is to be reached: not at all while the node is cut off. */
  #reachable(poster: L1Poster): L1Poster {
    const whenJoined = async (send: () => Promise<void>): Promise<void> => {
      if (this.#missed !== null) throw new Error("L1 is not to be reached");
      await send();
    };
    return {
      appendBatch: (batch) => whenJoined(() => poster.appendBatch(batch)),
      claimSlot: (claim) => whenJoined(() => poster.claimSlot(claim)),
      releaseHeld: (held) => whenJoined(() => poster.releaseHeld(held)),
      releaseLocks: (chainIds) => whenJoined(() => poster.releaseLocks(chainIds)),
      eject: (sequencer) => whenJoined(() => poster.eject(sequencer)),
      answer: (shown) => whenJoined(() => poster.answer(shown)),
      payBack: (ask) => whenJoined(() => poster.payBack(ask)),
      proveResult: (lie) => whenJoined(() => poster.proveResult(lie)),
    };
  }

  get core(): NodeCore {
    return this.#core!;
  }

  /** False once it has crashed or stopped. */
  get alive(): boolean {
    return this.#alive;
  }

  get address(): string {
    return `/memory/${this.peerId}/p2p/${this.peerId}`;
  }

  /** Hears of L1, each event a little later than it happens, in order. */
  followL1(): void {
    this.#follow(() => false);
  }

  /** @param isKnown whether an event was heard in another way */
  #follow(isKnown: () => boolean): void {
    const { clock, l1 } = this.#world;
    const lag = this.#random.stream("l1-lag");
    this.#unfollow = l1.follow((event: L1Event) => {
      if (isKnown()) return;
      const atMs = Math.max(this.#lastL1Ms, clock.nowMs() + lag.below(L1_LAG_MS));
      this.#lastL1Ms = atMs;
      clock.at(atMs, () => this.#hear(event));
    });
  }

  #hear(event: L1Event): void {
    if (!this.#alive) return;
    if (this.#missed !== null) this.#missed.push(event);
    else {
      if (isTurn(event)) this.#turns += 1;
      if (event.kind === "l1Block") this.#clock.observe(event.timestamp);
      this.core.l1Event(event);
    }
  }

  /** How often L1 has taken blocks or batches back, as far as the node has heard. */
  get turns(): number {
    return this.#turns;
  }

  /** Whether it has read L1 up to its head. */
  get live(): boolean {
    return this.#live;
  }

  /** From now on it reaches neither the others nor L1, nor they it. */
  cutOff(): void {
    this.#world.silence(this.peerId);
    this.#missed ??= [];
  }

  /** Is back, and hears what L1 told meanwhile. */
  rejoin(): void {
    this.#world.unsilence(this.peerId);
    const missed = this.#missed ?? [];
    this.#missed = null;
    for (const event of missed) this.#hear(event);
  }

  /** Its connections break, and nobody reaches it. */
  unplug(): void {
    this.#world.hub.leave(this.#network);
  }

  /** May be reached again. */
  plug(): void {
    this.#world.hub.join(this.#network);
  }

  /** Listens to chains that were opened since the last time. */
  watchChains(): void {
    if (this.core.chains.size === this.#watched.size) return;
    for (const chain of this.core.chains.values()) {
      if (this.#watched.has(chain.chainId)) continue;
      this.#watched.add(chain.chainId);
      chain.onHead((head, block) => {
        if (this.#alive && this.#live) this.#world.listener.onHead(this, { chainId: chain.chainId, head, block });
      });
    }
  }

  /** Ends at once, as by a power cut: what is on its way is lost, and others learn of it only later. */
  crash(): void {
    this.#world.silence(this.peerId);
    void this.stop();
    this.#world.clock.schedule(CRASH_NOTICE_MS, () => void this.#network.stop());
  }

  /** Ends in order, and the others learn of it at once. */
  async shutDown(): Promise<void> {
    await this.stop();
    await this.#network.stop();
  }

  /** Starts again after a shutdown, with what is on its disks: reads all blocks that L1 has now, from the first on, then is live. */
  async startAgain(): Promise<void> {
    const { clock, l1, hub } = this.#world;
    this.#network = new MemoryNetwork({ hub, peerId: this.peerId });
    this.#watched.clear();
    this.#clock = this.#clockAtStart();
    this.#live = false;
    this.#alive = true;
    await this.#begin();
    const unread: L1Event[] = [...l1.history];
    let isPast = true;
    this.#unfollow = l1.follow((event) => {
      if (!isPast) unread.push(event);
    });
    isPast = false;
    const read = (): void => {
      if (!this.#alive) return;
      const event = unread.shift();
      if (event === undefined) {
        this.#goLive();
        return;
      }
      this.core.l1Event(event);
      clock.schedule(1, read);
    };
    read();
  }

  #goLive(): void {
    this.#unfollow();
    this.#live = true;
    this.#turns = this.#world.l1.events.filter(isTurn).length;
    this.#beginLive();
    let isPast = true;
    this.#follow(() => isPast);
    isPast = false;
  }

  /** Has read L1 up to its head, and knows by it what time it is. */
  #beginLive(): void {
    this.#clock.observe(BigInt(Math.floor(this.#world.clock.nowMs() / 1_000)));
    this.core.goLive();
  }

  async stop(): Promise<void> {
    this.#alive = false;
    this.#unfollow();
    await this.core.stop();
  }
}

/** After these events L1 may show other batches than before. */
const isTurn = ({ kind }: L1Event): boolean => kind === "reorg" || kind === "rolledBack";

/** A simulated world: nodes, the links between them, L1 and one clock, all of it following from a seed. */
import { MemoryHub, type Transit } from "@mvm/network";
import type { Hops, NetworkSettings, Role } from "@mvm/node";
import { type ChainId, type Parameters, type PeerId, PROFILES, toAddress } from "@mvm/protocol";
import { L1View, type RegistryName } from "@mvm/roles";
import { EventLog } from "./eventLog.ts";
import { ModelL1 } from "./modelL1.ts";
import { SeededRandom } from "./seededRandom.ts";
import { type NodeListener, SimulatedNode } from "./simulatedNode.ts";
import { VirtualClock } from "./virtualClock.ts";

/** A moment on a whole second, so that ticks and L1 blocks fall together. */
const START_MS = 1_800_000_000_000;

/** Delay and loss of single messages. */
export type LinkSettings = { readonly minDelayMs: number; readonly maxDelayMs: number; readonly lossRate: number };

const REGISTRIES: readonly RegistryName[] = ["sequencer", "provider", "storage"];
const MT = 10n ** 18n;
/** Stakes of sequencers, whole MT: the least is above the threshold of any DAC here. */
const MIN_STAKE = 50_000;
const STAKE_SPREAD = 100_000;

export type WorldOptions = {
  readonly seed: string;
  readonly link: LinkSettings;
  readonly listener: NodeListener;
  /** what differs from devnet's parameters */
  readonly parameters?: Partial<Parameters>;
  /** couriers that every job passes; 1 unless said */
  readonly hops?: Hops;
  /** whether sequencers send cover; they do not unless said */
  readonly hasCover?: boolean;
  /** milliseconds that machines' clocks are off at the most; not at all unless said */
  readonly maxClockOffMs?: number;
};

export class World {
  readonly random: SeededRandom;
  readonly clock: VirtualClock;
  readonly hub: MemoryHub;
  readonly l1: ModelL1;
  readonly log = new EventLog();
  readonly nodes: SimulatedNode[] = [];
  readonly listener: NodeListener;
  readonly settings: NetworkSettings;
  readonly hops: Hops;
  readonly hasCover: boolean;
  readonly #maxClockOffMs: number;
  readonly #silent = new Set<PeerId>();

  constructor(options: WorldOptions) {
    this.random = new SeededRandom(options.seed);
    this.listener = options.listener;
    this.hops = options.hops ?? 1;
    this.hasCover = options.hasCover ?? false;
    this.#maxClockOffMs = options.maxClockOffMs ?? 0;
    this.settings = {
      network: { l1ChainId: 31_337n, comco: toAddress(`0x${"c0".repeat(20)}`) },
      parameters: { ...PROFILES.devnet, ...options.parameters },
    };
    this.clock = new VirtualClock(START_MS, () => {
      for (const node of this.nodes) node.watchChains();
    });
    const draw = this.random.stream("links");
    this.hub = new MemoryHub({
      scheduler: this.clock,
      link: (from, to) => this.#transit(draw, options.link, [from, to]),
    });
    this.l1 = new ModelL1(this.clock, this.settings, this.random.stream("l1"));
  }

  /** What a machine's clock may be off. */
  drawnClockOffMs(draw: SeededRandom): number {
    return draw.below(2 * this.#maxClockOffMs + 1) - this.#maxClockOffMs;
  }

  #transit(draw: SeededRandom, link: LinkSettings, ends: readonly PeerId[]): Transit {
    const lost = draw.fraction() < link.lossRate;
    const delayMs = link.minDelayMs + draw.below(link.maxDelayMs - link.minDelayMs + 1);
    return lost || ends.some((end) => this.#silent.has(end)) ? "lost" : { delayMs };
  }

  /** Adds nodes of one role and has them register where the role is staked. */
  async add(role: Role, count: number): Promise<readonly SimulatedNode[]> {
    const added = await this.join(role, count);
    for (const node of added) this.register(node);
    return added;
  }

  /** Has a node register for each of its roles that is staked. */
  register({ name, roles, identity, peerId, address }: SimulatedNode): void {
    const stakeWei = BigInt(MIN_STAKE + this.random.stream(`stake of ${name}`).below(STAKE_SPREAD)) * MT;
    const member = { operator: identity.operator, stakeWei, blsPublicKey: identity.bls.publicKey };
    for (const registry of REGISTRIES)
      if (roles.includes(registry)) this.l1.register(registry, { ...member, peerId, multiaddr: address });
  }

  /** Adds nodes of one role that are not registered yet. */
  async join(role: Role, count: number): Promise<readonly SimulatedNode[]> {
    const added: SimulatedNode[] = [];
    const first = this.nodes.filter(({ roles }) => roles.includes(role)).length;
    for (let i = first; i < first + count; i++) {
      const node = await SimulatedNode.create(this, `${role}-${i}`, [role]);
      node.followL1();
      this.nodes.push(node);
      added.push(node);
    }
    return added;
  }

  /** From now on nothing reaches the peer and nothing of it reaches others. */
  silence(peer: PeerId): void {
    this.#silent.add(peer);
  }

  /** Ends a silence. */
  unsilence(peer: PeerId): void {
    this.#silent.delete(peer);
  }

  /** Milliseconds since the world's start. */
  get elapsedMs(): number {
    return this.clock.nowMs() - START_MS;
  }

  note(what: string): void {
    this.log.add(this.elapsedMs, what);
  }

  runUntil(elapsedMs: number): Promise<void> {
    return this.clock.runUntil(START_MS + elapsedMs);
  }

  /** Nodes that follow a chain. */
  followers(chainId: ChainId): readonly SimulatedNode[] {
    return this.nodes.filter((node) => node.alive && node.core.chains.has(chainId));
  }

  /** A view of L1 with all that has happened on it. */
  l1View(): L1View {
    const view = new L1View(this.settings.parameters);
    for (const event of this.l1.events) view.apply(event);
    return view;
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) if (node.alive) await node.stop();
  }
}

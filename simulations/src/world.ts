/** A simulated world: nodes, the links between them, L1 and one clock, all of it following from a seed. */
import { MemoryHub, type Transit } from "@mvm/network";
import type { NetworkSettings, Role } from "@mvm/node";
import { type ChainId, type PeerId, PROFILES, toAddress } from "@mvm/protocol";
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

export class World {
  readonly random: SeededRandom;
  readonly clock: VirtualClock;
  readonly hub: MemoryHub;
  readonly l1: ModelL1;
  readonly log = new EventLog();
  readonly nodes: SimulatedNode[] = [];
  readonly listener: NodeListener;
  readonly settings: NetworkSettings = {
    network: { l1ChainId: 31_337n, comco: toAddress(`0x${"c0".repeat(20)}`) },
    parameters: PROFILES.devnet,
  };
  readonly #silent = new Set<PeerId>();

  constructor(options: { readonly seed: string; readonly link: LinkSettings; readonly listener: NodeListener }) {
    this.random = new SeededRandom(options.seed);
    this.listener = options.listener;
    this.clock = new VirtualClock(START_MS, () => {
      for (const node of this.nodes) node.watchChains();
    });
    const draw = this.random.stream("links");
    this.hub = new MemoryHub({
      scheduler: this.clock,
      link: (from, to) => this.#transit(draw, options.link, [from, to]),
    });
    this.l1 = new ModelL1(this.clock, this.settings.parameters);
  }

  #transit(draw: SeededRandom, link: LinkSettings, ends: readonly PeerId[]): Transit {
    const lost = draw.fraction() < link.lossRate;
    const delayMs = link.minDelayMs + draw.below(link.maxDelayMs - link.minDelayMs + 1);
    return lost || ends.some((end) => this.#silent.has(end)) ? "lost" : { delayMs };
  }

  /** Adds nodes of one role and has them register where the role is staked. */
  async add(role: Role, count: number): Promise<readonly SimulatedNode[]> {
    const added: SimulatedNode[] = [];
    for (let i = 0; i < count; i++) {
      const node = await SimulatedNode.create(this, `${role}-${i}`, [role]);
      const registry = REGISTRIES.find((name) => name === role);
      if (registry !== undefined) {
        const { identity, peerId, address } = node;
        const member = { operator: identity.operator, stakeWei: 1n, blsPublicKey: identity.bls.publicKey };
        this.l1.register(registry, { ...member, peerId, multiaddr: address });
      }
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

/**
 * One node: its view of L1, its chains, its roles. Composed of the state machines and their drivers over ports alone,
 * so that the simulator runs this very class.
 */
import { createEngine, type Engine } from "@mvm/evm";
import {
  blocksTopic,
  type ChainId,
  CodecError,
  decodeBlock,
  type NamedAnswer,
  type NamedRequest,
  type PeerId,
  refused,
  type SealedBlock,
} from "@mvm/protocol";
import {
  Carriers,
  type CourierLoad,
  type Dac,
  type JobCounts,
  judgeGossip,
  type L1Event,
  L1View,
  type ReadCounts,
  type Verdict,
} from "@mvm/roles";
import { Answering } from "./answering.ts";
import { Caretaking } from "./caretaking.ts";
import { Carrying } from "./carrying.ts";
import { Chain } from "./chain.ts";
import type { Role } from "./config.ts";
import { Convicting } from "./convicting.ts";
import { Covering } from "./covering.ts";
import { Guarding, passPresencesOn } from "./guarding.ts";
import { HostClient } from "./hostClient.ts";
import { Hosting } from "./hosting.ts";
import { type Hops, Mail } from "./mail.ts";
import { meet } from "./meeting.ts";
import { Pooling } from "./pooling.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { Providing } from "./providing.ts";
import { reasonOf } from "./reason.ts";
import { RequestDesk, type RoutedCall } from "./requestDesk.ts";
import { Sequencing } from "./sequencing.ts";

export type NodeCoreOptions = {
  readonly ports: Ports;
  readonly settings: NetworkSettings;
  readonly roles: readonly Role[];
  /** couriers between a sequencer and who does its jobs, one after the other; 1 where it is not said */
  readonly hops?: Hops;
  /** whether a sequencer sends cover where it has no job to send; it does not where it is not said */
  readonly hasCover?: boolean;
  /** last blocks of a DAC whose states are kept, beside those since the last final one; 1,024 where it is not said */
  readonly keptStates?: number | undefined;
};

export class NodeCore {
  readonly view: L1View;
  readonly engine: Engine;
  readonly hosts: HostClient;
  readonly chains = new Map<ChainId, Chain>();
  readonly pools = new Map<ChainId, Pooling>();
  readonly #ports: Ports;
  readonly #settings: NetworkSettings;
  readonly #roles: ReadonlySet<Role>;
  readonly #keptStates: number | undefined;
  readonly #mail: Mail;
  readonly #desk: RequestDesk;
  readonly #opening = new Map<ChainId, Promise<void>>();
  readonly #sequencings = new Map<ChainId, Sequencing>();
  readonly #answering: Answering | null;
  readonly #caretaking: Caretaking | null;
  readonly #covering: Covering | null;
  readonly #convicting: Convicting | null;
  readonly #providing: Providing | null;
  readonly #carrying: Carrying | null;
  readonly #hosting: Hosting | null;
  /** of a sequencer's key */
  #guarding: Guarding | null = null;
  #slot = -1n;
  #live = false;
  readonly #l1Read = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();

  private constructor(options: NodeCoreOptions, engine: Engine) {
    const { ports, settings, roles, hops = 1, hasCover = false } = options;
    this.#keptStates = options.keptStates;
    this.#ports = ports;
    this.#settings = settings;
    this.#roles = new Set(roles);
    this.engine = engine;
    this.view = new L1View(settings.parameters);
    this.hosts = new HostClient({ ports, settings, view: this.view });
    const carriers = new Carriers(this.view);
    this.#mail = new Mail({ ports, settings, view: this.view, hops, carriers });
    this.#desk = new RequestDesk(ports.network, this.#mail);
    const parts = { ports, settings, view: this.view, desk: this.#desk };
    this.#answering =
      this.#roles.has("sequencer") || this.#roles.has("storage")
        ? new Answering({ ...parts, chains: this.chains, hosts: this.hosts, engine })
        : null;
    this.#caretaking = this.#roles.has("sequencer") ? new Caretaking(parts) : null;
    this.#covering = hasCover && this.#roles.has("sequencer") ? new Covering(parts) : null;
    this.#convicting = this.#roles.has("sequencer") ? new Convicting({ ports, engine }) : null;
    this.#providing = this.#roles.has("provider") ? new Providing(parts) : null;
    this.#carrying = this.#roles.has("provider") ? new Carrying({ ...parts, carriers }) : null;
    this.#hosting = this.#roles.has("storage")
      ? new Hosting({ ...parts, chains: this.chains, provision: (dac) => this.#open(dac, true) })
      : null;
  }

  static async create(options: NodeCoreOptions): Promise<NodeCore> {
    const core = new NodeCore(options, await createEngine());
    const { ports, settings } = options;
    const parts = { ports, settings, view: core.view };
    if (core.#roles.has("sequencer")) core.#guarding = await Guarding.open(parts);
    passPresencesOn(parts, (presence) => core.#guarding?.heard(presence));
    core.#desk.serve((ticket, from, request, call) => core.#route(ticket, from, request, call));
    return core;
  }

  /** What became of the jobs that were brought here; null where it is no provider. */
  get jobCounts(): Readonly<JobCounts> | null {
    return this.#providing?.counts ?? null;
  }

  /** What it carries as a courier; null where it is none. */
  get courierLoad(): CourierLoad | null {
    return this.#carrying?.load ?? null;
  }

  /** What the jobs of a chain that it sequences read; undefined of another chain. */
  readCounts(chainId: ChainId): ReadCounts | undefined {
    return this.#sequencings.get(chainId)?.readCounts;
  }

  /** To be told once L1 has been read up to its head: what is read before is the past, in which no turn is the own. */
  goLive(): void {
    if (this.#live) return;
    this.#live = true;
    this.#l1Read.resolve();
    this.#covering?.start();
    this.#guarding?.live();
    for (const chain of this.chains.values()) chain.live();
    this.#convicting?.start().catch((error) => this.#ports.log("error", "lies-not-loaded", { reason: String(error) }));
    for (const sequencing of this.#sequencings.values()) {
      sequencing.start().catch((error) => this.#ports.log("error", "sequencer-not-started", { reason: String(error) }));
    }
  }

  /** Takes what happened on L1, in L1's order. */
  l1Event(event: L1Event): void {
    if (this.#stopping.signal.aborted) return;
    const { hostChanges } = this.view;
    this.view.apply(event);
    if (this.view.hostChanges !== hostChanges) this.#hostsChanged();
    if (event.kind === "reorg") {
      for (const chain of this.chains.values()) chain.l1Reorg(event.toBlock);
      this.#l1Changed();
    }
    if (event.kind === "rolledBack") {
      const { chainId, generation, lastBlock } = event;
      this.#ports.log("warn", "batch-fell", { chainId, generation, lastBlock });
      this.#l1Changed();
    }
    if (event.kind === "registered" || event.kind === "addressUpdated") meet(this.#ports, event);
    if (event.kind === "stakeChanged" || event.kind === "thresholdChanged") this.#caretaking?.bondsChanged();
    if (event.kind === "batchAppended") this.#hosting?.batchAppended(event);
    if (event.kind === "l1Block" || event.kind === "batchAppended" || event.kind === "queueItemAdded")
      this.#l1Changed();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#l1Read.resolve();
    await Promise.allSettled(this.#opening.values());
    await this.#answering?.stop();
    this.#caretaking?.stop();
    this.#covering?.stop();
    this.#convicting?.stop();
    this.#providing?.stop();
    this.#carrying?.stop();
    await this.#hosting?.stop();
    for (const sequencing of this.#sequencings.values()) sequencing.stop();
    await this.#guarding?.stop();
    for (const pooling of this.pools.values()) pooling.stop();
    await Promise.all([...this.chains.values()].map((chain) => chain.stop()));
  }

  #l1Changed(): void {
    for (const chain of this.chains.values()) chain.l1Changed();
    if (this.#live) {
      this.#guarding?.l1Changed();
      this.#answering?.l1Changed();
      this.#caretaking?.l1Changed();
      for (const sequencing of this.#sequencings.values()) sequencing.l1Changed();
    }
    if (this.view.slot === this.#slot) return;
    this.#slot = this.view.slot;
    for (const pooling of this.pools.values()) pooling.slotChanged();
    this.#providing?.slotChanged();
  }

  /** Opens DACs' chains: with state where this node was drawn for one. A host with other roles waits for the draw, which says how. */
  #hostsChanged(): void {
    this.#hosting?.hostsChanged();
    if (!this.#roles.has("sequencer") && !this.#roles.has("gateway")) return;
    for (const dac of this.view.dacs()) {
      const isDrawn = this.#hosting === null || this.view.hosts(dac.chainId).length > 0;
      if (isDrawn && !this.#opening.has(dac.chainId)) this.#open(dac, false);
    }
  }

  #open(dac: Dac, withState: boolean): void {
    const { chainId, label } = dac;
    if (this.#opening.has(chainId)) {
      // only who has other roles has opened it before
      const reason =
        "drawn as a host after this node began to keep the chain without its state: run the host by itself";
      this.#ports.log("error", "chain-not-hosted", { chainId, label, reason });
      return;
    }
    const opened = this.#openChain(dac, withState).catch((error) => {
      if (this.#stopping.signal.aborted) return;
      this.#ports.log("error", "chain-not-opened", { chainId, label, reason: reasonOf(error) });
    });
    this.#opening.set(chainId, opened);
  }

  async #openChain(dac: Dac, withState: boolean): Promise<void> {
    const parts = { ports: this.#ports, settings: this.#settings, view: this.view, desk: this.#desk };
    const { signal } = this.#stopping;
    const opening = { dac, withState, keptStates: this.#keptStates, l1Read: this.#l1Read.promise, signal };
    const chain = await Chain.open({ ...parts, ...opening });
    this.chains.set(dac.chainId, chain);
    this.#ports.network.subscribe(blocksTopic(this.#settings.network, dac.chainId), (_from, bytes) =>
      this.#gossip(chain, bytes),
    );
    if (this.#roles.has("gateway")) {
      const pooling = await Pooling.open({ ...parts, chain });
      this.pools.set(dac.chainId, pooling);
    }
    chain.start();
    if (this.#live) chain.live();
    const right = this.#guarding;
    const convicting = this.#convicting;
    if (right === null || convicting === null) return;
    chain.onHead((_head, block) => block !== null && right.seen(block));
    const sequencing = new Sequencing({ ...parts, chain, hosts: this.hosts, engine: this.engine, right, convicting });
    this.#sequencings.set(dac.chainId, sequencing);
    if (this.#live) await sequencing.start();
  }

  #gossip(chain: Chain, bytes: Uint8Array): Verdict {
    let block: SealedBlock;
    try {
      block = decodeBlock(bytes);
    } catch (error) {
      if (error instanceof CodecError) return { verdict: "reject", reason: error.message };
      throw error;
    }
    if (block.chainId !== chain.chainId) return { verdict: "reject", reason: "block of another chain" };
    const verdict = judgeGossip(this.view, this.#settings.network, block);
    if (verdict.verdict === "accept") {
      this.#guarding?.seen(block);
      chain.receive(block);
    }
    return verdict;
  }

  #route(
    ticket: string,
    from: PeerId,
    request: NamedRequest,
    { isSealed, hop, signal }: RoutedCall,
  ): NamedAnswer | null | Promise<NamedAnswer> {
    switch (request.name) {
      case "head":
        return this.chains.get(request.body.chainId)?.answerHead() ?? { name: "head", body: refused("unknown chain") };
      case "blocks":
        return (
          this.chains.get(request.body.chainId)?.answerBlocks(request.body.from, request.body.count) ?? {
            name: "blocks",
            body: refused("unknown chain"),
          }
        );
      case "reads":
      case "state":
      case "blob":
        if (this.#hosting === null) return { name: request.name, body: refused("not a storage host") };
        this.#hosting.requested(ticket, from, request);
        return null;
      case "job":
        if (this.#providing === null) return { name: "job", body: refused("not a provider") };
        // what it does not know yet is no fault of who asks
        if (!this.#live) return { name: "job", body: refused("still reads L1") };
        this.#providing.requested(ticket, from, request, isSealed);
        return null;
      case "carry":
      case "fetch":
        if (this.#carrying === null) return { name: request.name, body: refused("not a courier") };
        this.#carrying.requested(ticket, from, request, hop);
        return null;
      case "card":
        return this.#mail.card(request.body.provider, signal);
      case "deliver":
      case "supply":
        throw new RangeError(`a request for ${request.name} has to be opened before it is answered`);
      case "values": {
        const { jobId } = request.body;
        const sequencing = [...this.#sequencings.values()].find((candidate) => candidate.runs(jobId));
        if (sequencing === undefined) return { name: "values", body: refused("no such job") };
        sequencing.requested(ticket, from, request);
        return null;
      }
      case "offerTransactions": {
        const sequencing = this.#sequencings.get(request.body.chainId);
        if (sequencing === undefined)
          return { name: "offerTransactions", body: refused("not a sequencer of this chain") };
        sequencing.requested(ticket, from, request);
        return null;
      }
    }
  }
}

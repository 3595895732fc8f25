/**
 * Strangers ask on L1 for everything of every batch, and drop each of which something is not shown in time; sequencers and hosts go
 * and come back, L1 takes blocks back, a batch with asks open is convicted. Nobody honest is fined, and batches become final all the
 * same. And now and then a poster has L1 take a batch of which nobody has anything: that one falls, its poster is fined, the chain goes on.
 */
import {
  ASK_KINDS,
  type BatchHeader,
  batchDigest,
  blockCount,
  type ChainId,
  type Hash,
  hashBatchHeader,
  isOfBlock,
  LIMITS,
} from "@mvm/protocol";
import type { HonestRun } from "../honestRun.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import type { Scenario } from "./scenario.ts";
import { runTraffic, TAKEOVER, type TrafficSettings } from "./traffic.ts";

const SETTINGS: TrafficSettings = {
  sequencers: 5,
  providers: 6,
  dacs: 3,
  users: 8,
  busyMs: 220_000,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0.02 },
  // a chain stands while what nobody has is asked for and not yet dropped, and once more while a slot is taken over
  progressSlots: 6,
  founded: "before",
  // windows that are over within the run, and time for a node to come back and for others to answer for it
  parameters: { ...TAKEOVER, maxWindowSeconds: 40, revealDelaySeconds: 30, proofTimeSeconds: 5 },
};

/** Milliseconds after an L1 block at which all nodes have heard of it. */
const HEARD_MS = 500;
/** Milliseconds between two troubles at the least, and by how much more; and at the end without any. */
const TROUBLE_MS = 6_000;
const TROUBLE_SPREAD_MS = 8_000;
const CALM_MS = 60_000;
/** Milliseconds that a node is away, at the least and by how much more: shorter than the time to answer. */
const AWAY_MS = 3_000;
const AWAY_SPREAD_MS = 15_000;
/** L1 blocks that are taken back, at the most. */
const REORG_BLOCKS = 6;

const TROUBLES = [
  "restart",
  "restart",
  "restart",
  "taken-back",
  "nothing-behind",
  "nothing-behind",
  "convicted",
] as const;

class Strangers {
  readonly #run: HonestRun;
  readonly #draw;
  readonly #hollow = new Set<Hash>();
  #closed: Hash | null = null;
  readonly counts = {
    asks: 0,
    answers: 0,
    byOthers: 0,
    drops: 0,
    restarts: 0,
    reorgs: 0,
    hollow: 0,
    convictions: 0,
    compared: 0,
  };

  constructor(run: HonestRun) {
    this.#run = run;
    const { world } = run;
    this.#draw = world.random.stream("strangers");
    const posters = new Map<Hash, string>();
    world.l1.follow((event) => {
      if (event.kind === "batchAppended") {
        posters.set(event.batchHash, event.header.poster);
        this.#askForAll(event.header);
      }
      if (event.kind === "l1Block") this.#dropWhatIsLate();
      if (event.kind === "asked") this.counts.asks += 1;
      if (event.kind === "askAnswered") {
        this.counts.answers += 1;
        if (event.answerer !== posters.get(event.batchHash)) this.counts.byOthers += 1;
      }
      if (event.kind === "asksClosed") this.#closed = event.batchHash;
      if (event.kind === "withheld") this.#fined(event.poster);
    });
    run.isWaiting = () => world.l1.asked.length > 0 || !this.#isFinal();
    world.clock.schedule(1_000 - (world.elapsedMs % 1_000) + HEARD_MS, () => this.#compareFinality());
    world.clock.schedule(4 * TROUBLE_MS, () => this.#next());
  }

  /** Whether all that is posted is final. */
  #isFinal(): boolean {
    const { l1 } = this.#run.world;
    return this.#run.chainIds.every((chainId) => l1.finalHead(chainId) === l1.postedHead(chainId));
  }

  #askForAll(header: BatchHeader): void {
    if (this.#run.world.elapsedMs >= SETTINGS.busyMs) return;
    const blocks = blockCount(header);
    for (const kind of ASK_KINDS)
      for (let position = 0; position < (isOfBlock(kind) ? blocks : 1); position++)
        this.#run.world.l1.ask(header, { kind, position });
  }

  #dropWhatIsLate(): void {
    for (const { header } of this.#run.world.l1.asked) this.#run.world.l1.expire(header);
  }

  #fined(poster: string): void {
    this.counts.drops += 1;
    if (this.#closed !== null && this.#hollow.has(this.#closed)) return;
    this.#run.found({ invariant: "no-honest-fine", what: `${poster} is fined for batch ${this.#closed}` });
  }

  /** All that know L1 as it is have the same for final as L1. */
  #compareFinality(): void {
    const { world, chainIds } = this.#run;
    for (const chainId of chainIds) {
      const expected = world.l1.finalHead(chainId);
      for (const node of world.nodes) {
        if (!node.alive || !node.live || node.core.view.block.number !== world.l1.number) continue;
        const actual = node.core.view.finalHead(chainId);
        this.counts.compared += 1;
        if (actual === expected) continue;
        const what = `${node.name} has block ${actual} of chain ${chainId} for final, L1 ${expected}`;
        this.#run.found({ invariant: "finality-is-L1s", what });
      }
    }
    world.clock.schedule(1_000, () => this.#compareFinality());
  }

  #next(): void {
    const { world, chainIds } = this.#run;
    if (world.elapsedMs >= SETTINGS.busyMs - CALM_MS) return;
    const trouble = TROUBLES[this.#draw.below(TROUBLES.length)]!;
    const chainId = chainIds[this.#draw.below(chainIds.length)]!;
    if (trouble === "restart") this.#restart();
    if (trouble === "taken-back") {
      this.counts.reorgs += 1;
      world.l1.reorg(1 + this.#draw.below(REORG_BLOCKS));
    }
    if (trouble === "nothing-behind") this.#postHollow(chainId);
    if (trouble === "convicted" && this.counts.convictions === 0) this.#convict(chainId);
    world.clock.schedule(TROUBLE_MS + this.#draw.below(TROUBLE_SPREAD_MS), () => this.#next());
  }

  #restart(): void {
    const { world } = this.#run;
    const present = world.nodes.filter(
      ({ roles, alive, live }) => alive && live && (roles.includes("sequencer") || roles.includes("storage")),
    );
    const away = world.nodes.filter(({ alive, live }) => !alive || !live).length;
    const node = present[this.#draw.below(present.length)]!;
    if (away > 1) return;
    this.counts.restarts += 1;
    world.note(`down ${node.name}`);
    const isDown = node.shutDown();
    world.clock.schedule(AWAY_MS + this.#draw.below(AWAY_SPREAD_MS), () => {
      world.note(`up ${node.name}`);
      void isDown.then(() => node.startAgain());
    });
  }

  /** A batch with asks open falls for another reason. */
  #convict(chainId: ChainId): void {
    const header = this.#run.world.l1.batches(chainId).at(-1)?.header;
    if (header === undefined || this.#hollow.has(hashBatchHeader(header))) return;
    this.counts.convictions += 1;
    this.#run.world.l1.convict(header);
  }

  /** Who leads a chain's slot has L1 take a batch that commits to nothing that anybody knows. */
  #postHollow(chainId: ChainId): void {
    const { l1 } = this.#run.world;
    const leader = this.#run.world.nodes.find(({ identity }) => identity.operator === l1.leader(chainId, l1.slot));
    if (leader === undefined) return;
    const { claims, data, sign } = this.#hollowBatch(chainId, leader);
    l1.poster(leader.identity.operator)
      .appendBatch({ claims, data, sign })
      .then(
        () => {
          this.counts.hollow += 1;
        },
        () => undefined,
      );
  }

  #hollowBatch(chainId: ChainId, leader: SimulatedNode) {
    const { l1, settings } = this.#run.world;
    const last = l1.batches(chainId).at(-1)?.header;
    const firstBlock = l1.postedHead(chainId) + 1n;
    const view = this.#run.world.l1View();
    const nextItem = view.queuedItem(chainId, last?.queueEnd ?? 0n);
    const claims = {
      chainId,
      generation: l1.generation(chainId),
      index: BigInt(l1.batches(chainId).length),
      previousBatchHash: last === undefined ? view.dac(chainId)!.genesisHash : hashBatchHeader(last),
      firstBlock,
      lastBlock: firstBlock + BigInt(this.#draw.below(3)),
      blocksRoot: this.#draw.hash(),
      transactionsRoot: this.#draw.hash(),
      queueEnd: last?.queueEnd ?? 0n,
      slot: l1.slot,
      poster: leader.identity.operator,
    };
    const randomness = view.valuesOf(l1.slot)!.randomness;
    const sign = (header: BatchHeader) => {
      this.#hollow.add(hashBatchHeader(header));
      return leader.identity.signDigest(batchDigest(settings.network, randomness, header));
    };
    return { claims, data: new Uint8Array(LIMITS.rangeBytes / 1_024).fill(1), sign, ...(nextItem && { nextItem }) };
  }

  /** What is left at the end, when windows are over. */
  finish(): void {
    const { l1 } = this.#run.world;
    for (const { header, next, items } of l1.asked) {
      const what = `${items.length - next} asks of batch ${header.index} of chain ${header.chainId} are open`;
      this.#run.found({ invariant: "asks-are-answered", what });
    }
    if (!this.#isFinal()) this.#run.found({ invariant: "asks-are-answered", what: "batches did not become final" });
  }
}

export const asked: Scenario = {
  name: "asked",
  summary: "strangers ask for everything of every batch while nodes come and go: nobody honest is fined, windows end",
  run: (seed) =>
    runTraffic({ scenario: "asked", seed }, SETTINGS, (run) => {
      const strangers = new Strangers(run);
      return () => {
        strangers.finish();
        const final = run.chainIds.map((chainId) => Number(run.world.l1.finalHead(chainId)));
        const generations = run.chainIds.map((chainId) => Number(run.world.l1.generation(chainId)));
        return { ...strangers.counts, final, generations };
      };
    }),
};

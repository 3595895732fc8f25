/**
 * Batches are convicted, without being wrong: they fall with all after them, their posters are ejected, and everybody goes on in the
 * next generation. Meanwhile nodes are cut off, or down and started again from their disks, and L1 takes convictions back.
 */
import type { ChainId } from "@mvm/protocol";
import type { HonestRun } from "../honestRun.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import type { Scenario } from "./scenario.ts";
import { runTraffic, TAKEOVER, type TrafficSettings } from "./traffic.ts";

const SETTINGS: TrafficSettings = {
  sequencers: 7,
  providers: 6,
  dacs: 2,
  users: 8,
  busyMs: 120_000,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0.02 },
  // who was ejected is still drawn for two slots: the next rank claims them
  progressSlots: 4,
  founded: "before",
  parameters: TAKEOVER,
};

/** Milliseconds from the start to the first conviction, and between two at the least, and by how much more each. */
const FIRST_MS = 12_000;
const DISTANCE_MS = 14_000;
const DISTANCE_SPREAD_MS = 16_000;
/** Milliseconds at the end in which nothing is convicted. */
const CALM_MS = 15_000;
/** Sequencers that are left: enough for somebody to lead and somebody to take over. */
const LEAST_SEQUENCERS = 3;
/** Milliseconds from a conviction until another of an earlier batch, or until L1 takes blocks back, at the most. */
const SOON_MS = 4_000;
/** Milliseconds that a node is away, at the least and by how much more. */
const AWAY_MS = 6_000;
const AWAY_SPREAD_MS = 20_000;
/** L1 blocks that are taken back after a conviction, at the most. */
const REORG_BLOCKS = 8;

const TROUBLES = ["none", "twice", "cut-off", "restart", "taken-back"] as const;
type Trouble = (typeof TROUBLES)[number];

class Convictions {
  readonly #run: HonestRun;
  readonly #draw;
  readonly #endMs: number;
  readonly counts = { convictions: 0, rollbacks: 0, toGenesis: 0, twice: 0, cutOffs: 0, restarts: 0, reorgs: 0 };

  constructor(run: HonestRun) {
    this.#run = run;
    this.#draw = run.world.random.stream("convictions");
    this.#endMs = SETTINGS.busyMs - CALM_MS;
    run.world.l1.follow((event) => {
      if (event.kind !== "rolledBack") return;
      this.counts.rollbacks += 1;
      if (event.lastBlock === 0n) this.counts.toGenesis += 1;
    });
    run.world.clock.schedule(FIRST_MS + this.#draw.below(DISTANCE_MS), () => this.#next());
  }

  #next(): void {
    const { world, chainIds } = this.#run;
    if (world.elapsedMs >= this.#endMs) return;
    const chainId = chainIds[this.#draw.below(chainIds.length)]!;
    const trouble = TROUBLES[this.#draw.below(TROUBLES.length)]!;
    if (this.#convict(chainId)) this.#trouble(trouble, chainId);
    world.clock.schedule(DISTANCE_MS + this.#draw.below(DISTANCE_SPREAD_MS), () => this.#next());
  }

  /** Has a batch of a chain convicted: the first, the last, or any; false where none may be. */
  #convict(chainId: ChainId): boolean {
    const { l1 } = this.#run.world;
    const batches = l1.batches(chainId);
    if (batches.length === 0 || l1.activeSequencers <= LEAST_SEQUENCERS) return false;
    const choice = this.#draw.below(4);
    const index = choice === 0 ? 0 : choice === 1 ? batches.length - 1 : this.#draw.below(batches.length);
    l1.convict(batches[index]!.header);
    this.counts.convictions += 1;
    return true;
  }

  #trouble(trouble: Trouble, chainId: ChainId): void {
    const { world } = this.#run;
    const soonMs = 1 + this.#draw.below(SOON_MS);
    const awayMs = AWAY_MS + this.#draw.below(AWAY_SPREAD_MS);
    if (trouble === "cut-off") this.#cutOff(awayMs);
    if (trouble === "restart") this.#restart(awayMs);
    if (trouble === "twice") {
      this.counts.twice += 1;
      world.clock.schedule(soonMs, () => this.#convict(chainId));
    }
    if (trouble === "taken-back") {
      this.counts.reorgs += 1;
      world.clock.schedule(soonMs, () => world.l1.reorg(1 + this.#draw.below(REORG_BLOCKS)));
    }
  }

  #drawn(): SimulatedNode {
    const { nodes } = this.#run.world;
    const present = nodes.filter(({ roles, alive, live }) => alive && live && !roles.includes("provider"));
    return present[this.#draw.below(present.length)]!;
  }

  #cutOff(awayMs: number): void {
    const { world } = this.#run;
    const node = this.#drawn();
    this.counts.cutOffs += 1;
    world.note(`cut off ${node.name}`);
    node.cutOff();
    world.clock.schedule(awayMs, () => node.rejoin());
  }

  #restart(awayMs: number): void {
    const { world } = this.#run;
    const node = this.#drawn();
    // users have no other way in than the gateway
    if (node.roles.includes("gateway")) return;
    this.counts.restarts += 1;
    world.note(`down ${node.name}`);
    const isDown = node.shutDown();
    world.clock.schedule(awayMs, () => {
      world.note(`up ${node.name}`);
      void isDown.then(() => node.startAgain());
    });
  }
}

export const rollback: Scenario = {
  name: "rollback",
  summary:
    "batches are convicted while nodes are away and L1 goes back: all go on in the next generation, nothing is lost",
  run: (seed) =>
    runTraffic({ scenario: "rollback", seed }, SETTINGS, (run) => {
      const convictions = new Convictions(run);
      return () => {
        const generations = run.chainIds.map((chainId) => Number(run.world.l1.generation(chainId)));
        return { ...convictions.counts, generations };
      };
    }),
};

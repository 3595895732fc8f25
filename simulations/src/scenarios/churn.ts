/**
 * Three of ten providers vanish in the middle of a job, in every block, for a thousand blocks: no block is lost, none comes later than two
 * block times after it was begun, nobody honest loses stake.
 */
import type { Hash } from "@mvm/protocol";
import { rounded } from "../confidence.ts";
import type { HonestRun } from "../honestRun.ts";
import { openedJob } from "../openedJob.ts";
import { Punctuality } from "../punctuality.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import type { RunResult, Scenario } from "./scenario.ts";
import { LONG_SLOTS, runTraffic, type TrafficSettings } from "./traffic.ts";

const SETTINGS: TrafficSettings = {
  sequencers: 4,
  providers: 60,
  dacs: 3,
  users: 12,
  busyMs: 3_600_000,
  sendingMs: 300,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0 },
  progressSlots: 1,
  founded: "before",
  parameters: LONG_SLOTS,
};

/** Blocks with a job. */
const BLOCKS = 1_000;
/** Of them in a sample. */
const SAMPLE = 40;
/** Chance that a provider vanishes that has just taken a job of a block: some are away already when they are asked. */
const VANISHING = 0.3;
/** Block times after which a block is late. */
export const MAX_BLOCK_TIMES = 2;
/** Milliseconds that a provider is gone, at the least and by how much more. */
const AWAY_MS = 400;
const AWAY_SPREAD_MS = 1_200;
/** How providers vanish: they hang, their connections break, their process dies. */
const WAYS = ["silent", "silent", "silent", "silent", "unplugged", "unplugged", "crashed"] as const;

/** Has providers vanish, and come back. */
class Vanishing {
  readonly #run: HonestRun;
  readonly #draw;
  readonly #share: number;
  readonly #away = new Set<SimulatedNode>();
  /** who has taken a job of a block, by what all its jobs have in common */
  readonly #takers = new Map<Hash, Set<SimulatedNode>>();
  readonly counts = { taken: 0, vanished: 0, silent: 0, unplugged: 0, crashed: 0 };

  /** @param share of those who take a job that vanish */
  constructor(run: HonestRun, share: number) {
    this.#run = run;
    this.#share = share;
    const { world } = run;
    this.#draw = world.random.stream("vanishing");
    run.onComputed = (node, made) => {
      const job = openedJob(made);
      if (job !== null) this.#taken(node, job.environment.prevRandao);
    };
  }

  /** It has the job, and begins as soon as this returns. */
  #taken(node: SimulatedNode, block: Hash): void {
    const takers = this.#takers.get(block) ?? new Set();
    // who comes back to a block stays; who is not back yet takes nothing
    if (takers.has(node) || this.#away.has(node) || !node.live) return;
    this.#takers.set(block, takers.add(node));
    this.counts.taken += 1;
    if (this.#draw.fraction() < this.#share) this.#vanish(node);
  }

  #vanish(node: SimulatedNode): void {
    const { world } = this.#run;
    const way = WAYS[this.#draw.below(WAYS.length)]!;
    const awayMs = AWAY_MS + this.#draw.below(AWAY_SPREAD_MS);
    this.counts.vanished += 1;
    this.counts[way] += 1;
    this.#away.add(node);
    world.note(`${way} ${node.name} for ${awayMs}`);
    const back = (): void => {
      world.note(`back ${node.name}`);
      this.#away.delete(node);
    };
    if (way === "silent") {
      // what it has to say from now on reaches nobody, and nobody learns that it does not
      world.silence(node.peerId);
      world.clock.schedule(awayMs, () => {
        world.unsilence(node.peerId);
        back();
      });
    } else if (way === "unplugged") {
      world.clock.schedule(1, () => node.unplug());
      world.clock.schedule(awayMs, () => {
        node.plug();
        back();
      });
    } else {
      world.clock.schedule(1, () => {
        const isDown = node.shutDown();
        world.clock.schedule(awayMs, () => void isDown.then(() => node.startAgain()).then(back));
      });
    }
  }
}

/** Stakes that L1 took, and offences that nodes hold against others: all here are honest. */
function blames(run: HonestRun): () => number {
  const blamed = new Set<string>();
  run.world.l1.follow((event) => {
    if (event.kind === "convicted") blamed.add(event.sequencer);
    if (event.kind === "withheld") blamed.add(event.poster);
  });
  run.onOffence = (peer) => blamed.add(peer);
  return () => blamed.size;
}

/** A run of the scenario: the number of blocks with a job, and which share of the providers vanishes in each. */
export type ChurnSize = { readonly blocks: number; readonly vanishing?: number };

/** Runs the scenario at a size. */
export function runChurn(seed: number, { blocks, vanishing: share = VANISHING }: ChurnSize): Promise<RunResult> {
  return runTraffic({ scenario: "churn", seed }, SETTINGS, (run) => {
    const vanishing = new Vanishing(run, share);
    const punctuality = new Punctuality(run);
    const slashed = blames(run);
    const tickMs = run.world.settings.parameters.tickSeconds * 1_000;
    const counts = () => {
      const latestInBlockTimes = rounded(punctuality.latestMs / tickMs, 3);
      const blocksLost = punctuality.lost;
      const honestSlashed = slashed();
      if (punctuality.blocks < blocks)
        run.found({ invariant: "progress", what: `${punctuality.blocks} blocks were made` });
      if (blocksLost > 0) run.found({ invariant: "progress", what: `${blocksLost} blocks were lost` });
      if (latestInBlockTimes > MAX_BLOCK_TIMES)
        run.found({ invariant: "progress", what: `a block was there only after ${latestInBlockTimes} block times` });
      if (honestSlashed > 0) run.found({ invariant: "I3", what: `${honestSlashed} honest nodes were blamed` });
      const { byAttempt, passedOver } = punctuality;
      return {
        blocksLost,
        latestInBlockTimes,
        honestSlashed,
        blocksWithJobs: punctuality.blocks,
        byAttempt,
        passedOver,
        ...vanishing.counts,
        vanishedShare: rounded(vanishing.counts.vanished / vanishing.counts.taken, 3),
      };
    };
    return { isOver: () => punctuality.blocks >= blocks, counts };
  });
}

export const churn: Scenario = {
  name: "churn",
  summary: "three of ten providers vanish in the middle of a job in each of a thousand blocks: none is lost, none late",
  run: (seed) => runChurn(seed, { blocks: BLOCKS }),
  sample: (seed) => runChurn(seed, { blocks: SAMPLE }),
};

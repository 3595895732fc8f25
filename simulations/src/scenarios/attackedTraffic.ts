/**
 * Users' traffic on several DACs while an adversary that has a share of the providers' stake, or only a key of its own, attacks the way of jobs. What
 * holds whatever it does: no block is lost, none comes later than so many block times after it was begun, nobody honest is blamed or
 * slashed, all that is posted is right.
 */
import type { Hops } from "@mvm/node";
import { type PeerId, taggedHash } from "@mvm/protocol";
import { rounded } from "../confidence.ts";
import type { HonestRun } from "../honestRun.ts";
import { Punctuality } from "../punctuality.ts";
import type { SeededRandom } from "../seededRandom.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import type { RunResult } from "./scenario.ts";
import { LONG_SLOTS, runTraffic, type TrafficSettings } from "./traffic.ts";

const SETTINGS: TrafficSettings = {
  sequencers: 4,
  providers: 20,
  dacs: 3,
  users: 12,
  busyMs: 240_000,
  sendingMs: 300,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0 },
  progressSlots: 1,
  founded: "before",
  parameters: LONG_SLOTS,
};

/** A wrong block costs its chain the slot, and the transactions in it, where there are no others, one slot more. */
const WITH_WRONG_BLOCKS: Partial<TrafficSettings> = { progressSlots: 6, drainMs: 6 * 32_000 };

export type AttackedSettings = {
  /** blocks with a job until it ends */
  readonly blocks: number;
  /** share of the providers' stake that is the adversary's */
  readonly stake: number;
  /** block times within which a block has to be there */
  readonly maxBlockTimes: number;
  readonly hops?: Hops;
  /** whether wrong blocks are signed, so that they fall and their slots are lost; what is posted has to be right all the same */
  readonly hasWrongBlocks?: boolean;
  /** milliseconds that machines' clocks are off at the most */
  readonly maxClockOffMs?: number;
};

type Scene = {
  readonly run: HonestRun;
  /** providers of the adversary's */
  readonly hostile: readonly SimulatedNode[];
  readonly draw: SeededRandom;
  /** what honest nodes hold against the adversary, and how often */
  readonly blamed: ReadonlyMap<string, number>;
};

/** Begins an attack; the counts are asked for at the end. */
export type Attack = (scene: Scene) => () => Readonly<Record<string, unknown>>;

/** Providers with about a share of the stake, in a drawn order. */
function corrupted(run: HonestRun, draw: SeededRandom, share: number): readonly SimulatedNode[] {
  const { world } = run;
  const members = world.l1View().members("provider");
  const total = members.reduce((sum, { stakeWei }) => sum + stakeWei, 0n);
  const inOrder = members.map((member) => ({ ...member, at: draw.fraction() })).sort((a, b) => a.at - b.at);
  const peers = new Set<PeerId>();
  let stakeWei = 0n;
  for (const member of inOrder) {
    // half of one more at the most
    if (Number(stakeWei + member.stakeWei / 2n) > share * Number(total)) continue;
    stakeWei += member.stakeWei;
    peers.add(member.peerId);
  }
  return world.nodes.filter(({ peerId }) => peers.has(peerId));
}

export function runAttacked(
  place: { readonly scenario: string; readonly seed: number },
  { blocks, stake, maxBlockTimes, hops = 1, hasWrongBlocks = false, maxClockOffMs = 0 }: AttackedSettings,
  attack: Attack,
): Promise<RunResult> {
  const settings = { ...SETTINGS, hops, maxClockOffMs, ...(hasWrongBlocks && WITH_WRONG_BLOCKS) };
  return runTraffic(place, settings, (run) => {
    const { world } = run;
    const draw = world.random.stream("adversary");
    const hostile = corrupted(run, draw, stake);
    for (const { peerId } of hostile) run.hostile.add(peerId);
    const punctuality = new Punctuality(run);
    const blamed = new Map<string, number>();
    const honestBlamed = new Set<string>();
    run.onOffence = (peer, reason) => {
      if (!run.hostile.has(peer)) honestBlamed.add(peer);
      else blamed.set(reason, (blamed.get(reason) ?? 0) + 1);
    };
    world.l1.follow((event) => {
      if (event.kind === "convicted") honestBlamed.add(event.sequencer);
      if (event.kind === "withheld") honestBlamed.add(event.poster);
    });
    const attackCounts = attack({ run, hostile, draw, blamed });
    const tickMs = world.settings.parameters.tickSeconds * 1_000;
    const counts = () => {
      const latestInBlockTimes = rounded(punctuality.latestMs / tickMs, 3);
      const blocksLost = punctuality.lost;
      const broken = (what: string): void => run.found({ invariant: "progress", what });
      if (punctuality.blocks < blocks) broken(`${punctuality.blocks} blocks were made`);
      if (blocksLost > 0 && !hasWrongBlocks) broken(`${blocksLost} blocks were lost`);
      if (latestInBlockTimes > maxBlockTimes && !hasWrongBlocks)
        broken(`a block was there only after ${latestInBlockTimes} block times`);
      if (honestBlamed.size > 0)
        run.found({ invariant: "I3", what: `honest nodes were blamed: ${[...honestBlamed].join(", ")}` });
      return {
        blocksLost,
        latestInBlockTimes,
        meanInBlockTimes: rounded(punctuality.meanMs / tickMs, 3),
        honestBlamed: honestBlamed.size,
        blocksWithJobs: punctuality.blocks,
        byAttempt: punctuality.byAttempt,
        passedOver: punctuality.passedOver,
        hostileProviders: hostile.length,
        blamed: Object.fromEntries(blamed),
        ...attackCounts(),
      };
    };
    return { isOver: () => punctuality.blocks >= blocks, counts };
  });
}

type Variant = { readonly variant: Readonly<Record<string, unknown>>; readonly run: () => Promise<RunResult> };

/** Plays variants of an attack one after the other: it holds where all of them do. */
export async function runVariants(variants: readonly Variant[]): Promise<RunResult> {
  const results: (Variant & { readonly result: RunResult })[] = [];
  for (const one of variants) results.push({ ...one, result: await one.run() });
  return {
    held: results.every(({ result }) => result.held),
    violations: results.flatMap(({ result }) => result.violations),
    logHash: taggedHash("simulated/variants", ...results.map(({ result }) => result.logHash)),
    figures: { variants: results.map(({ variant, result }) => ({ ...variant, ...result.figures })) },
  };
}

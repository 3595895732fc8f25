/**
 * L1 takes back up to an epoch's worth of blocks, with deposits, registrations, claims and batches, and gives others: chains
 * come together again, nothing that was acknowledged is lost, nobody signs two blocks at one place.
 */
import type { Scenario } from "./scenario.ts";
import { type Disturbance, runTraffic, type TrafficSettings } from "./traffic.ts";

const SETTINGS: TrafficSettings = {
  sequencers: 3,
  providers: 6,
  dacs: 2,
  users: 8,
  busyMs: 90_000,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0.02 },
  // a slot may go to blocks that were taken back, another to waiting for a batch that is gone
  progressSlots: 5,
  founded: "before",
  latecomers: ["provider", "sequencer", "provider", "provider", "provider"],
};

/** Milliseconds from the start to the first reorganisation, and between two at the least and by how much more. */
const FIRST_MS = 12_000;
const DISTANCE_MS = 6_000;
const DISTANCE_SPREAD_MS = 14_000;
/** Milliseconds at the end in which L1 stands. */
const CALM_MS = 10_000;
/** Milliseconds between two deposits, and between two registrations. */
const DEPOSIT_MS = 2_500;
const REGISTRATION_MS = 11_000;
const DEPOSIT_WEI = 10n ** 18n;

const takeBack: Disturbance = (run, { users, latecomers }) => {
  const { world } = run;
  const endMs = SETTINGS.busyMs - CALM_MS;
  const draw = world.random.stream("reorgs");
  let reorgs = 0;
  let blocksTakenBack = 0;
  const reorg = (): void => {
    if (world.elapsedMs >= endMs) return;
    const depth = 1 + draw.below(world.settings.parameters.epochBlocks);
    reorgs += 1;
    blocksTakenBack += depth;
    world.l1.reorg(depth);
    world.clock.schedule(DISTANCE_MS + draw.below(DISTANCE_SPREAD_MS), reorg);
  };
  const deposit = (): void => {
    if (world.elapsedMs >= endMs) return;
    const chainId = run.chainIds[draw.below(run.chainIds.length)]!;
    world.l1.deposit(chainId, users.addresses[draw.below(users.addresses.length)]!, DEPOSIT_WEI);
    world.clock.schedule(DEPOSIT_MS, deposit);
  };
  world.clock.schedule(FIRST_MS, reorg);
  world.clock.schedule(DEPOSIT_MS, deposit);
  latecomers.forEach((node, i) => void world.clock.schedule((i + 1) * REGISTRATION_MS, () => world.register(node)));
  return () => ({ reorgs, blocksTakenBack });
};

export const l1Reorg: Scenario = {
  name: "l1-reorg",
  summary: "L1 takes back up to an epoch of blocks, again and again, and gives others",
  run: (seed) => runTraffic({ scenario: "l1-reorg", seed }, SETTINGS, takeBack),
};

/** Honest users who transfer on several DACs while something goes wrong; in the end all must be in blocks and on L1. */
import type { Hops, Role } from "@mvm/node";
import type { ChainId, Parameters } from "@mvm/protocol";
import { HonestRun } from "../honestRun.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import { Users } from "../users.ts";
import { type LinkSettings, World } from "../world.ts";
import { type RunResult, Violations } from "./scenario.ts";

export type TrafficSettings = {
  readonly sequencers: number;
  readonly providers: number;
  readonly dacs: number;
  readonly users: number;
  /** how much of the traffic a DAC has, by its place; all the same unless said */
  readonly weightOf?: (dac: number) => number;
  /** milliseconds in which users send, at the most */
  readonly busyMs: number;
  /** longest distance of two transactions of all users together, in milliseconds; 400 unless said */
  readonly sendingMs?: number;
  readonly link: LinkSettings;
  /** milliseconds within which everything must come to rest after the last transaction; 90,000 unless said */
  readonly drainMs?: number;
  /** slots within which a chain with work must go on */
  readonly progressSlots: number;
  /** DACs and deposits are there when the nodes start, or come afterwards */
  readonly founded: "before" | "after";
  /** roles of nodes that are there from the start, but not registered */
  readonly latecomers?: readonly Role[];
  /** what differs from devnet's parameters */
  readonly parameters?: Partial<Parameters>;
  /** couriers that every job passes; 1 unless said */
  readonly hops?: Hops;
  /** whether sequencers send cover; they do not unless said */
  readonly hasCover?: boolean;
  /** milliseconds that machines' clocks are off at the most; not at all unless said */
  readonly maxClockOffMs?: number;
};

/** Slots long enough for the next rank to notice a silence, to claim, to be handed over to, and to work. */
export const TAKEOVER: Partial<Parameters> = { epochBlocks: 16, rankDelayBlocks: 4 };

/** Slots and delays as long as mainnet's: what is measured is a block's time, not that of a change of turn. */
export const LONG_SLOTS: Partial<Parameters> = {
  epochBlocks: 32,
  rankDelayBlocks: 10,
  batchIntervalMs: 6_000,
  forceDelaySeconds: 12 * 3_600,
  openAfterSeconds: 24 * 3_600,
  exitAfterSeconds: 7 * 24 * 3_600,
};

/** Asked for a disturbance's own counts at the end. */
type Counts = () => Readonly<Record<string, unknown>>;

/** What goes wrong: begins when the DACs are founded; users send until it `isOver`, if it says so. */
export type Disturbance = (
  run: HonestRun,
  people: { readonly users: Users; readonly latecomers: readonly SimulatedNode[] },
) => Counts | { readonly isOver: () => boolean; readonly counts: Counts };

const STORAGE_HOSTS = 4;
/** Milliseconds from the start until DACs and deposits are asked for, and until users begin. */
const FOUNDING_MS = 1_500;
export const USERS_BEGIN_MS = 5_000;
/** Longest distance of two transactions of all users together, in milliseconds. */
const SENDING_MS = 400;
/** Milliseconds after which it is asked whether all is over. */
const STEP_MS = 1_000;
/** Milliseconds within which everything must come to rest after the last transaction. */
const DRAIN_MS = 90_000;
const DEPOSIT_WEI = 1_000n * 10n ** 18n;

/** Sends users' transfers through the gateway at drawn moments; counts what was refused. */
function sendTransfers(
  run: HonestRun,
  gateway: SimulatedNode,
  users: Users,
  {
    isOver,
    sendingMs = SENDING_MS,
    weightOf = () => 1,
  }: Pick<TrafficSettings, "sendingMs" | "weightOf"> & { readonly isOver: () => boolean },
): { refused: number } {
  const { world } = run;
  const weights = run.chainIds.map((_, dac) => weightOf(dac));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const drawn = (): ChainId => {
    let left = draw.fraction() * total;
    const dac = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    return run.chainIds.at(dac)!;
  };
  const draw = world.random.stream("sending");
  const counts = { refused: 0 };
  const send = async (chainId: ChainId): Promise<void> => {
    const transaction = users.transfer(chainId);
    const refusal = await gateway.core.pools.get(chainId)!.submit(transaction);
    if (refusal === null) run.acknowledge(chainId, transaction.hash);
    else counts.refused += 1;
  };
  const next = (): void => {
    if (isOver()) return;
    void send(drawn());
    world.clock.schedule(1 + draw.below(sendingMs), next);
  };
  world.clock.schedule(USERS_BEGIN_MS - world.elapsedMs, next);
  return counts;
}

function found(run: HonestRun, users: Users, dacs: number): void {
  const { l1 } = run.world;
  for (let i = 0; i < dacs; i++) {
    const chainId = l1.createDac(`dac-${i}`);
    run.chainIds.push(chainId);
    for (const address of users.addresses) l1.deposit(chainId, address, DEPOSIT_WEI);
  }
}

/** Runs users' traffic under a disturbance. */
export async function runTraffic(
  place: { readonly scenario: string; readonly seed: number },
  settings: TrafficSettings,
  disturb: Disturbance,
): Promise<RunResult> {
  const { link, parameters = {}, hops = 1, hasCover = false, maxClockOffMs = 0, busyMs, drainMs = DRAIN_MS } = settings;
  const violations = new Violations(place);
  const run = new HonestRun(violations, settings.progressSlots);
  const seed = `${place.scenario}/${place.seed}`;
  const world = new World({ seed, link, listener: run, parameters, hops, hasCover, maxClockOffMs });
  run.watch(world);
  await world.add("sequencer", settings.sequencers);
  await world.add("provider", settings.providers);
  await world.add("storage", STORAGE_HOSTS);
  const [gateway] = await world.add("gateway", 1);
  const users = new Users(world.random.stream("users"), settings.users);
  const latecomers: SimulatedNode[] = [];
  for (const role of settings.latecomers ?? []) latecomers.push(...(await world.join(role, 1)));
  if (settings.founded === "before") found(run, users, settings.dacs);
  world.l1.start();
  await world.runUntil(FOUNDING_MS);
  if (settings.founded === "after") found(run, users, settings.dacs);
  const disturbance = disturb(run, { users, latecomers });
  const { isOver, counts } = "counts" in disturbance ? disturbance : { isOver: () => false, counts: disturbance };
  const isQuiet = (): boolean => world.elapsedMs >= busyMs || isOver();
  const sent = sendTransfers(run, gateway!, users, { ...settings, isOver: isQuiet });
  while (!isQuiet()) await world.runUntil(Math.min(busyMs, world.elapsedMs + STEP_MS));
  const latestMs = world.elapsedMs + drainMs;
  while (!run.atRest && world.elapsedMs < latestMs) await world.runUntil(world.elapsedMs + STEP_MS);
  await run.finish();
  const own = counts();
  const blocks = Object.fromEntries(run.chainIds.map((chainId) => [String(chainId), Number(run.state(chainId).head)]));
  await world.stop();
  return {
    held: violations.all.length === 0,
    violations: violations.all,
    logHash: world.log.hash,
    figures: {
      events: world.log.count,
      virtualSeconds: world.elapsedMs / 1_000,
      blocks,
      batches: run.chainIds.reduce((sum, chainId) => sum + world.l1.batches(chainId).length, 0),
      transactions: [...run.acknowledged.values()].reduce((sum, hashes) => sum + hashes.length, 0),
      refused: sent.refused,
      ...own,
      notes: Object.fromEntries(run.notes),
    },
  };
}

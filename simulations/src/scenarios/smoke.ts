/**
 * The honest network under loss and delay: users transfer on several DACs while a provider crashes in the middle of a
 * job; then everything must come to rest in blocks and on L1.
 */
import { type ChainId, REQUESTS } from "@mvm/protocol";
import { HonestRun } from "../honestRun.ts";
import type { SeededRandom } from "../seededRandom.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import { Users } from "../users.ts";
import { type LinkSettings, World } from "../world.ts";
import { type RunResult, type Scenario, Violations } from "./scenario.ts";

export type SmokeSettings = {
  readonly providers: number;
  readonly dacs: number;
  readonly users: number;
  /** milliseconds in which users send */
  readonly busyMs: number;
  readonly link: LinkSettings;
  /** whose first node to take a job, or to get a job's result, crashes */
  readonly crash: "provider" | "sequencer";
  /** slots within which a chain with work must go on: a lost message, a dead seat and a change of turn fit in */
  readonly progressSlots: number;
};

export const SMOKE: SmokeSettings = {
  providers: 10,
  dacs: 3,
  users: 8,
  busyMs: 60_000,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0.02 },
  crash: "provider",
  progressSlots: 3,
};

const SEQUENCERS = 2;
const STORAGE_HOSTS = 4;
/** Milliseconds from the start until DACs and deposits are asked for, and until users begin. */
const FOUNDING_MS = 1_500;
const USERS_BEGIN_MS = 5_000;
/** Longest distance of two transactions of all users together, in milliseconds. */
const SENDING_MS = 400;
/** Milliseconds within which everything must come to rest after the last transaction. */
const DRAIN_MS = 90_000;
const DEPOSIT_WEI = 1_000n * 10n ** 18n;
const JOB_PROTOCOL = REQUESTS.job.protocol;

/** Crashes the first provider to take a job, or sequencer to get a result, after a drawn moment: right in its middle. */
function crashMidJob(
  run: HonestRun,
  random: SeededRandom,
  { busyMs, crash }: SmokeSettings,
): { crashed: SimulatedNode | null } {
  const fromMs = USERS_BEGIN_MS + random.below(busyMs / 2);
  const moment = crash === "provider" ? "request" : "response";
  const outcome: { crashed: SimulatedNode | null } = { crashed: null };
  run.onMessage = (node, { kind, lane }) => {
    if (outcome.crashed !== null || kind !== moment || lane !== JOB_PROTOCOL) return;
    if (run.world.elapsedMs < fromMs) return;
    outcome.crashed = node;
    run.world.note(`crash ${node.name}`);
    run.world.clock.schedule(1, () => node.crash());
  };
  return outcome;
}

/** Sends users' transfers through the gateway at drawn moments; counts what was refused. */
function sendTransfers(run: HonestRun, gateway: SimulatedNode, users: Users, endMs: number): { refused: number } {
  const { world } = run;
  const draw = world.random.stream("sending");
  const counts = { refused: 0 };
  const send = async (chainId: ChainId): Promise<void> => {
    const transaction = users.transfer(chainId);
    const refusal = await gateway.core.pools.get(chainId)!.submit(transaction);
    if (refusal === null) run.acknowledge(chainId, transaction.hash);
    else counts.refused += 1;
  };
  const next = (): void => {
    if (world.elapsedMs >= endMs) return;
    void send(run.chainIds[draw.below(run.chainIds.length)]!);
    world.clock.schedule(1 + draw.below(SENDING_MS), next);
  };
  world.clock.schedule(USERS_BEGIN_MS - world.elapsedMs, next);
  return counts;
}

/** Runs the scenario at a size. */
export async function runSmoke(seed: number, settings: SmokeSettings, name = "smoke"): Promise<RunResult> {
  const violations = new Violations({ scenario: name, seed });
  const run = new HonestRun(violations, settings.progressSlots);
  const world = new World({ seed: `${name}/${seed}`, link: settings.link, listener: run });
  run.watch(world);
  await world.add("sequencer", SEQUENCERS);
  await world.add("provider", settings.providers);
  await world.add("storage", STORAGE_HOSTS);
  const [gateway] = await world.add("gateway", 1);
  const users = new Users(world.random.stream("users"), settings.users);
  const crash = crashMidJob(run, world.random.stream("crash"), settings);
  world.l1.start();
  await world.runUntil(FOUNDING_MS);
  for (let i = 0; i < settings.dacs; i++) {
    const chainId = world.l1.createDac(`dac-${i}`);
    run.chainIds.push(chainId);
    for (const address of users.addresses) world.l1.deposit(chainId, address, DEPOSIT_WEI);
  }
  const sent = sendTransfers(run, gateway!, users, settings.busyMs);
  await world.runUntil(settings.busyMs);
  while (!run.atRest && world.elapsedMs < settings.busyMs + DRAIN_MS) await world.runUntil(world.elapsedMs + 1_000);
  await run.finish();
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
      crashed: crash.crashed?.name ?? null,
      notes: Object.fromEntries(run.notes),
    },
  };
}

function scenario(name: string, summary: string, change: Partial<SmokeSettings>): Scenario {
  return { name, summary, run: (seed) => runSmoke(seed, { ...SMOKE, ...change }, name) };
}

export const smoke = scenario(
  "smoke",
  "an honest network under message loss and delay; a provider crashes in the middle of a job",
  {},
);

export const slowLinks = scenario("slow-links", "smoke with latencies of up to 400 ms and 5 % of messages lost", {
  link: { minDelayMs: 5, maxDelayMs: 400, lossRate: 0.05 },
});

export const sequencerCrash = scenario(
  "sequencer-crash",
  "one of two sequencers crashes for good with a job's result in its hands: half of the turns stay empty",
  { crash: "sequencer", progressSlots: 6 },
);

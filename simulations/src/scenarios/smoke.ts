/**
 * The honest network under loss and delay: users transfer on several DACs while a provider crashes in the middle of a
 * job; then everything must come to rest in blocks and on L1.
 */
import { REQUESTS } from "@mvm/protocol";
import type { HonestRun } from "../honestRun.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import type { RunResult, Scenario } from "./scenario.ts";
import { runTraffic, TAKEOVER, type TrafficSettings, USERS_BEGIN_MS } from "./traffic.ts";

export type SmokeSettings = TrafficSettings & {
  /** whose first node to take a job, or to get a job's result, crashes */
  readonly crash: "provider" | "sequencer";
};

export const SMOKE: SmokeSettings = {
  sequencers: 2,
  providers: 10,
  dacs: 3,
  users: 8,
  busyMs: 60_000,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0.02 },
  crash: "provider",
  // a lost message, a dead seat and a change of turn fit in
  progressSlots: 3,
  founded: "after",
};

const JOB_PROTOCOL = REQUESTS.deliver.protocol;

/** Crashes the first provider to take a job, or sequencer to get a result, after a drawn moment: right in its middle. */
function crashMidJob(run: HonestRun, { busyMs, crash }: SmokeSettings): () => { readonly crashed: string | null } {
  const fromMs = USERS_BEGIN_MS + run.world.random.stream("crash").below(busyMs / 2);
  const moment = crash === "provider" ? "request" : "response";
  let crashed: SimulatedNode | null = null;
  run.onMessage = (node, { kind, lane }) => {
    if (crashed !== null || kind !== moment || lane !== JOB_PROTOCOL) return;
    if (run.world.elapsedMs < fromMs) return;
    crashed = node;
    run.world.note(`crash ${node.name}`);
    run.world.clock.schedule(1, () => node.crash());
  };
  return () => ({ crashed: crashed?.name ?? null });
}

/** Runs the scenario at a size. */
export function runSmoke(seed: number, settings: SmokeSettings, name = "smoke"): Promise<RunResult> {
  return runTraffic({ scenario: name, seed }, settings, (run) => crashMidJob(run, settings));
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
  // a block takes half a slot over such links, and the slot may be claimed in the midst of it, several times in a row
  progressSlots: 6,
});

export const sequencerCrash = scenario(
  "sequencer-crash",
  "one of two sequencers crashes for good with a job's result in its hands: the other takes its slots over",
  { crash: "sequencer", founded: "before", parameters: TAKEOVER },
);

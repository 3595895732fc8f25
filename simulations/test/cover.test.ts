import { type ChainId, decodeRequest, REQUESTS } from "@mvm/protocol";
import { expect, it } from "vitest";
import { openedJob } from "../src/openedJob.ts";
import { SMOKE } from "../src/scenarios/smoke.ts";
import { runTraffic } from "../src/scenarios/traffic.ts";

const TICK_MS = 1_000;
/** From here on cards are known and slots have their values. */
const SETTLED_MS = 10_000;
const BUSY_MS = 25_000;

it("with cover a sequencer that leads sends at every tick, and who carries it sees what a block's job is like", async () => {
  /** ticks at which each sequencer had something carried */
  const carried = new Map<string, Set<number>>();
  const sizes = new Set<string>();
  const led = new Map<string, Set<number>>();
  const opened = { empty: 0, full: 0 };
  const settings = { ...SMOKE, dacs: 2, users: 2, busyMs: BUSY_MS, sendingMs: 3_000, hasCover: true };
  const { violations, figures } = await runTraffic({ scenario: "cover", seed: 3 }, settings, (run) => {
    const { world } = run;
    const mark = (ticks: Map<string, Set<number>>, peer: string): void => {
      const known = ticks.get(peer) ?? new Set();
      ticks.set(peer, known.add(Math.floor(world.elapsedMs / TICK_MS)));
    };
    const leaders = (): readonly string[] =>
      world.nodes.flatMap(({ roles, identity, peerId, core }) => {
        const leads = (chainId: ChainId): boolean => core.view.turn(chainId)?.member.operator === identity.operator;
        return roles.includes("sequencer") && run.chainIds.some(leads) ? [peerId] : [];
      });
    const eachTick = (): void => {
      for (const peer of leaders()) mark(led, peer);
      world.clock.schedule(TICK_MS, eachTick);
    };
    world.clock.schedule(TICK_MS / 20, eachTick);
    run.onMessage = (_node, { kind, lane, from, bytes }) => {
      if (kind !== "request" || lane !== REQUESTS.carry.protocol) return;
      mark(carried, from);
      sizes.add(`${decodeRequest("carry", bytes).body.parcel.length}`);
    };
    run.onComputed = (_node, made) => {
      const job = openedJob(made);
      if (job !== null) opened[job.messages.length === 0 ? "empty" : "full"] += 1;
    };
    return () => ({});
  });
  expect(violations).toEqual([]);
  expect(figures["transactions"]).toBeGreaterThan(4);
  expect(opened.empty).toBeGreaterThan(10);
  expect(opened.full).toBeGreaterThan(4);
  expect(sizes.size).toBe(1);
  let ticks = 0;
  for (const [peer, ofPeer] of led)
    for (const tick of ofPeer) {
      // a turn may begin or end within a tick
      const isWhole = ofPeer.has(tick - 1) && ofPeer.has(tick + 1);
      if (!isWhole || tick * TICK_MS < SETTLED_MS || (tick + 1) * TICK_MS > BUSY_MS) continue;
      expect(carried.get(peer) ?? new Set(), `${peer} at tick ${tick}`).toContain(tick);
      ticks += 1;
    }
  expect(ticks).toBeGreaterThan(10);
});

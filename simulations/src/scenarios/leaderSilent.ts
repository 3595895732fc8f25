/**
 * The leader of a slot is cut off for the whole of it, from L1 and from everybody: rank 1 takes the slot over and goes on,
 * and what was acknowledged comes into blocks all the same.
 */
import { type ChainId, firstBlockOf } from "@mvm/protocol";
import type { HonestRun } from "../honestRun.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import type { Scenario } from "./scenario.ts";
import { runTraffic, TAKEOVER, type TrafficSettings } from "./traffic.ts";

const SETTINGS: TrafficSettings = {
  sequencers: 3,
  providers: 6,
  dacs: 2,
  users: 8,
  busyMs: 120_000,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0.02 },
  progressSlots: 2,
  founded: "before",
  parameters: TAKEOVER,
};

/** Slots from one silence to the next. */
const SILENT_EVERY = 2n;
/** Milliseconds at the end in which nobody is cut off. */
const CALM_MS = 20_000;

type Silence = { readonly chainId: ChainId; readonly slot: bigint; readonly node: SimulatedNode };

/** Cuts leaders of drawn chains off, each for a slot; finds the slots that nobody took over. */
function silenceLeaders(run: HonestRun): () => { readonly silences: number; readonly claims: number } {
  const { world } = run;
  const { epochBlocks } = world.settings.parameters;
  const draw = world.random.stream("silences");
  const taken = new Map<string, number>();
  let silent: Silence | null = null;
  const silences: Silence[] = [];

  const begin = (slot: bigint): void => {
    const chainId = run.chainIds[draw.below(run.chainIds.length)]!;
    const leader = world.l1.leader(chainId, slot);
    const node = world.nodes.find(({ identity }) => identity.operator === leader);
    if (node === undefined) {
      run.found({ invariant: "progress", what: `slot ${slot} has no leader` });
      return;
    }
    silent = { chainId, slot, node };
    silences.push(silent);
    world.note(`cut off ${node.name}`);
    node.cutOff();
  };
  /** Whether rank 1 went on; asked at the end, for its last batch may come in its time to post after the slot. */
  const check = ({ chainId, slot, node }: Silence): void => {
    const posted = world.l1.batches(chainId).some(({ header }) => {
      return header.slot === slot && header.poster !== node.identity.operator;
    });
    if (taken.get(`${chainId} ${slot}`) !== 1 || !posted)
      run.found({ invariant: "progress", what: `rank 1 did not go on with slot ${slot} of chain ${chainId}` });
  };
  const startSlot = world.l1.slot;
  world.l1.follow((event) => {
    if (event.kind === "slotClaimed") taken.set(`${event.chainId} ${event.slot}`, event.rank);
    if (event.kind !== "l1Block") return;
    const slot = world.l1.slot + 1n;
    if (event.number + 1n !== firstBlockOf(slot, epochBlocks) || slot <= startSlot) return;
    if (silent !== null) {
      silent.node.rejoin();
      silent = null;
    } else if (slot % SILENT_EVERY === 0n && world.elapsedMs < SETTINGS.busyMs - CALM_MS) begin(slot);
  });
  return () => {
    for (const silence of silences) check(silence);
    return { silences: silences.length, claims: taken.size };
  };
}

export const leaderSilent: Scenario = {
  name: "leader-silent",
  summary: "leaders are cut off for whole slots: the next rank claims the slot and goes on",
  run: (seed) => runTraffic({ scenario: "leader-silent", seed }, SETTINGS, silenceLeaders),
};

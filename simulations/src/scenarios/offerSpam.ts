/**
 * Who floods couriers and holders with what they have to look at: a stranger that takes a new key whenever it is thrown out, and somebody who is
 * registered as a sequencer. The DACs' blocks go on in time, couriers hold no more than their bounds, who could have known better pays in score.
 */
import { type PeerId, REQUESTS, SEAL_BYTES, SIZE_CLASSES } from "@mvm/protocol";
import { COURIER_LIMITS } from "@mvm/roles";
import type { HonestRun } from "../honestRun.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import { SPAM, type Spam, Spammer } from "../spammer.ts";
import { type Attack, runAttacked, runVariants } from "./attackedTraffic.ts";
import { MAX_BLOCK_TIMES } from "./churn.ts";
import type { RunResult, Scenario } from "./scenario.ts";

const BLOCKS = 40;
const SAMPLE = 5;
/** Milliseconds between two floods, and requests of each. */
const BURST_MS = 100;
const BURST = 6;
/** wei of MT that the spammer has registered with: below what any DAC here asks of who leads it. */
const STAKE_WEI = 1_000n * 10n ** 18n;
/** Of the longest parcels, so many that a courier cannot hold them all. */
const LONG_PARCELS = 32;
const LONG_PARCEL_BYTES = SIZE_CLASSES.at(-1)! + SEAL_BYTES - 16;
const BURDEN_MS = 4_000;
/** Milliseconds until all have heard of a registration. */
const REGISTERED_MS = 2_000;

type Flood = {
  readonly name: "stranger" | "sequencer" | "jobs";
  readonly isRegistered: boolean;
  readonly spam: readonly Spam[];
  /** what is held against a peer that does such things, by a word of the reason */
  readonly heldAgainst: readonly string[];
};

const FLOODS: readonly Flood[] = [
  {
    name: "stranger",
    isRegistered: false,
    spam: SPAM,
    heldAgainst: ["no sequencer", "no courier of this job", "bytes to", "carry: "],
  },
  {
    name: "sequencer",
    isRegistered: true,
    spam: SPAM.filter((spam) => spam !== "made-up"),
    heldAgainst: ["no courier of this job", "bytes to", "carry: "],
  },
  // three each second for each provider, which takes four at once; nobody but who executes them could know better
  { name: "jobs", isRegistered: true, spam: ["made-up"], heldAgainst: [] },
];

/** The most that any courier had at once. */
class Loads {
  readonly most = { jobs: 0, jobsOfOne: 0, bytes: 0 };

  look(run: HonestRun, { core }: SimulatedNode): void {
    const load = core.courierLoad;
    if (load === null) return;
    for (const what of ["jobs", "jobsOfOne", "bytes"] as const) {
      if (load[what] <= this.most[what]) continue;
      this.most[what] = load[what];
      if (load[what] > COURIER_LIMITS[what])
        run.found({ invariant: "bounded", what: `a courier has ${load[what]} ${what}` });
    }
  }
}

const flood =
  ({ name, isRegistered, spam, heldAgainst }: Flood): Attack =>
  ({ run, draw, blamed }) => {
    const { world } = run;
    const spammer = new Spammer(world, name, (peer: PeerId) => run.hostile.add(peer));
    const loads = new Loads();
    const sealed = [REQUESTS.carry, REQUESTS.deliver, REQUESTS.fetch].map(({ protocol }) => protocol as string);
    run.onMessage = (node, { kind, lane, bytes }) => {
      loads.look(run, node);
      if (kind === "request" && sealed.includes(lane)) spammer.keep(lane, bytes);
    };
    const next = async (): Promise<void> => {
      if (spammer.isBanned && !isRegistered) await spammer.begin();
      for (let i = 0; i < BURST; i++) spammer.send(spam[draw.below(spam.length)]!);
      world.clock.schedule(BURST_MS, () => void next());
    };
    const burden = (): void => {
      const couriers = world.nodes.filter(({ roles }) => roles.includes("provider"));
      const courier = couriers[draw.below(couriers.length)]!.peerId;
      for (let i = 0; i < LONG_PARCELS; i++) spammer.burden(LONG_PARCEL_BYTES, courier);
    };
    void spammer.begin().then(() => {
      if (isRegistered) spammer.register(STAKE_WEI);
      // who floods before everybody knows its registration is banned for it
      world.clock.schedule(isRegistered ? REGISTERED_MS : BURST_MS, () => void next());
      if (name === "sequencer") world.clock.schedule(BURDEN_MS, burden);
    });
    return () => {
      for (const word of heldAgainst)
        if (![...blamed.keys()].some((reason) => reason.includes(word)))
          run.found({ invariant: "I3", what: `nobody held "${word}" against a ${name}` });
      return { sent: spammer.sent, keys: spammer.keys, most: loads.most };
    };
  };

const runAll = (seed: number, floods: readonly Flood[], blocks: number): Promise<RunResult> =>
  runVariants(
    floods.map((one) => ({
      variant: { who: one.name },
      run: () =>
        runAttacked({ scenario: "offer-spam", seed }, { blocks, stake: 0, maxBlockTimes: MAX_BLOCK_TIMES }, flood(one)),
    })),
  );

export const offerSpam: Scenario = {
  name: "offer-spam",
  summary:
    "a stranger and a sequencer flood couriers and holders with made-up, malformed, huge and old parcels: blocks go on",
  run: (seed) => runAll(seed, FLOODS, BLOCKS),
  sample: (seed) => runAll(seed, FLOODS.slice(0, 1), SAMPLE),
};

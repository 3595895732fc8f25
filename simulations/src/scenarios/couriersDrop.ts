/**
 * Couriers of an adversary's, which drop what they should carry, all of it or a half, keep it for up to a job's time, or change it. As holders of
 * seats they work honestly, so that what is measured is what carrying alone can do. Through one courier, and through two.
 */
import type { Hops } from "@mvm/node";
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  isHopParcel,
  type NamedAnswer,
  type NamedRequest,
  REQUESTS,
  type RequestName,
} from "@mvm/protocol";
import type { Hostility } from "../observedNetwork.ts";
import type { SeededRandom } from "../seededRandom.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { type Attack, runAttacked, runVariants } from "./attackedTraffic.ts";
import { MAX_BLOCK_TIMES } from "./churn.ts";
import type { RunResult, Scenario } from "./scenario.ts";

/** Blocks of each of the runs, and in a sample. */
const BLOCKS = 60;
const SAMPLE = 5;
/**
 * Block times after which a block is late. Through one courier a third of them cuts fewer ways than as many holders that vanish (churn). Through two it
 * cuts three of ten, and who carries one job carries it to all of its seats: so whole jobs fail, four of them in two block times and a half, and those who
 * were not reached are asked again by way of others, each time half a block time later.
 */
const MAX_BY_HOPS = { 1: MAX_BLOCK_TIMES, 2: MAX_BLOCK_TIMES + 2 } as const;

const WAYS = ["all", "half", "late", "changed"] as const;
type Way = (typeof WAYS)[number];
type Run = { readonly way: Way; readonly stake: number; readonly hops: Hops };

const RUNS: readonly Run[] = [
  ...WAYS.flatMap((way) => ([1, 2] as const).map((hops) => ({ way, stake: 0.33, hops }))),
  { way: "all", stake: 0.1, hops: 1 },
];
const SAMPLED: readonly Run[] = [
  { way: "all", stake: 0.33, hops: 2 },
  { way: "changed", stake: 0.33, hops: 1 },
];

const LANES = { carry: REQUESTS.carry, fetch: REQUESTS.fetch, card: REQUESTS.card, deliver: REQUESTS.deliver } as const;
type Lane = keyof typeof LANES;

/** What of a request a courier carries; undefined of what is for the node itself. */
function carriedLane(lane: string, bytes: Uint8Array): Lane | undefined {
  const name = (Object.keys(LANES) as Lane[]).find((each) => LANES[each].protocol === lane);
  return name === "deliver" && !isHopParcel(decodeRequest("deliver", bytes).body.parcel) ? undefined : name;
}

const never = (signal: AbortSignal): Promise<Uint8Array> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

/** Ways to change a parcel: a bit, its end, all of it. */
function changedParcel(draw: SeededRandom, parcel: Uint8Array): Uint8Array {
  const way = draw.below(4);
  if (way === 0) return parcel.subarray(0, draw.below(parcel.length));
  if (way === 1) return parcel.map((byte) => byte ^ 0xff);
  const changed = parcel.slice();
  changed[draw.below(parcel.length)]! ^= 1 << draw.below(8);
  return changed;
}

class Tampering {
  readonly counts = { touched: 0, carried: 0 };
  readonly #way: Way;
  readonly #draw: SeededRandom;
  readonly #clock: VirtualClock;
  readonly #jobTimeoutMs: number;
  /** the last sealed thing of each kind that was carried: given in place of another */
  readonly #kept = new Map<string, Uint8Array>();

  constructor(
    way: Way,
    { clock, draw, jobTimeoutMs }: { clock: VirtualClock; draw: SeededRandom; jobTimeoutMs: number },
  ) {
    this.#way = way;
    this.#clock = clock;
    this.#draw = draw;
    this.#jobTimeoutMs = jobTimeoutMs;
  }

  get hostility(): Hostility {
    return {
      answer: ({ lane, bytes, signal }, honestly) => {
        const name = carriedLane(lane, bytes);
        if (name === undefined) return undefined;
        this.counts.carried += 1;
        const isTouched = this.#way !== "half" || this.#draw.fraction() < 0.5;
        if (!isTouched) return undefined;
        this.counts.touched += 1;
        if (this.#way === "all" || this.#way === "half") return never(signal);
        if (this.#way === "late") return this.#late(honestly);
        return name === "card" ? undefined : this.#changed(name, bytes, honestly);
      },
    };
  }

  async #late(honestly: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const delayMs = this.#draw.below(this.#jobTimeoutMs);
    await new Promise<void>((resolve) => void this.#clock.schedule(delayMs, resolve));
    return honestly();
  }

  /** Changes what goes, or what comes back, or gives back what it carried before. */
  async #changed(
    name: RequestName,
    bytes: Uint8Array,
    honestly: (bytes?: Uint8Array) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const request = decodeRequest(name, bytes) as NamedRequest & { body: { parcel: Uint8Array } };
    if (this.#draw.fraction() < 0.5) {
      const parcel = changedParcel(this.#draw, request.body.parcel);
      return honestly(encodeRequest({ ...request, body: { ...request.body, parcel } } as NamedRequest));
    }
    const answer = decodeAnswer(name, await honestly());
    const { body } = answer as { body: { kind: string; parcel?: Uint8Array } };
    if (body.parcel === undefined) return encodeAnswer(answer);
    const earlier = this.#kept.get(name);
    this.#kept.set(name, body.parcel);
    const parcel =
      earlier !== undefined && this.#draw.fraction() < 0.5 ? earlier : changedParcel(this.#draw, body.parcel);
    return encodeAnswer({ name, body: { kind: "parcel", parcel } } as NamedAnswer);
  }
}

const attackOf =
  (way: Way): Attack =>
  ({ run, hostile, draw }) => {
    const { clock, settings } = run.world;
    const { jobTimeoutMs } = settings.parameters;
    const tampering = new Tampering(way, { clock, draw, jobTimeoutMs });
    for (const node of hostile) node.hostility = tampering.hostility;
    return () => tampering.counts;
  };

const runAll = (seed: number, runs: readonly Run[], blocks: number): Promise<RunResult> =>
  runVariants(
    runs.map((variant) => {
      const { way, stake, hops } = variant;
      const settings = { blocks, stake, hops, maxBlockTimes: MAX_BY_HOPS[hops] };
      return { variant, run: () => runAttacked({ scenario: "couriers-drop", seed }, settings, attackOf(way)) };
    }),
  );

export const couriersDrop: Scenario = {
  name: "couriers-drop",
  summary: "couriers with a third of the stake drop, delay or change what they carry: no block is lost, none late",
  run: (seed) => runAll(seed, RUNS, BLOCKS),
  sample: (seed) => runAll(seed, SAMPLED, SAMPLE),
};

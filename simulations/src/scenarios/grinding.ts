/**
 * What an adversary gains by choosing: which keys, how many accounts with which stakes, which places of the registries, by all randomness that
 * it knows when it registers; and, as a sequencer, which of a block's jobs, and which of their seats.
 */
import {
  type Address,
  type BlsKey,
  drawSequencers,
  effectiveStakeOf,
  epochOf,
  firstBlockOf,
  JOB_SEATS,
  type JobId,
  SEAT_PLACES,
  SeatTree,
  SNAPSHOT_DISTANCE,
  StakeTree,
  seatWeightOf,
  slotSeed,
  stakeGridOf,
  toChainId,
} from "@mvm/protocol";
import type { Member } from "@mvm/roles";
import { boundsOfRate, isWithin, meanOf, rounded } from "../confidence.ts";
import { EventLog } from "../eventLog.ts";
import { SeededRandom } from "../seededRandom.ts";
import { drawnMember, epochBlocks, jobsAt, StakedL1 } from "../stakedL1.ts";
import { measureIds } from "./idGrinding.ts";
import { type RunResult, type Scenario, Violations } from "./scenario.ts";

const SHARES = [0.1, 0.2, 0.33];
/** Registrations of each share, each on an L1 of its own. */
const TRIALS = 60;
/** Blocks of each share that are drawn for who grinds ids. */
const BLOCKS = 1_000;
const SAMPLE = { trials: 8, blocks: 150 };

/** Of the honest ones, whole MT each. */
const HONEST = { providers: 20, sequencers: 6, stakeMT: 20_000 };
/** Accounts of the adversary at the most. */
const MAX_SPLIT = 16;
/** MT that it may leave unused, so that all points of the line move. */
const MAX_IDLE_MT = 64;
/** Keys that it tries, and ways to split its stake for each. */
const KEYS = 4;
const SPLITS = 16;
/** Blocks of each slot whose seats are counted. */
const SLOT_BLOCKS = 8;
const CHAINS = Array.from({ length: 20 }, (_, i) => toChainId(1n + BigInt(i)));
/** Epoch in which it registers: in its last L1 block, when the next epoch's randomness is known. */
const REGISTERED = 3n;
/** Epochs that are looked at once its stake counts. */
const COUNTED = 2n;

/** Accounts that the adversary may register, each with its place in the registry. */
type Accounts = readonly { readonly member: Member; readonly place: number }[];

/** Its stake, split in a drawn way. */
function split(draw: SeededRandom, stakeMT: number, places: number): Accounts {
  const count = 1 + draw.below(MAX_SPLIT);
  const parts = Array.from({ length: count }, () => 0.05 + draw.fraction());
  const total = parts.reduce((sum, part) => sum + part, 0);
  const used = stakeMT - draw.below(MAX_IDLE_MT);
  const taken = new Set<number>();
  while (taken.size < count) taken.add(draw.below(places));
  return [...taken].map((place, i) => ({
    member: {
      index: HONEST.providers + i,
      operator: draw.hash().slice(0, 42) as Address,
      stakeWei: BigInt(Math.floor((used * parts[i]!) / total)) * 10n ** 18n,
      blsPublicKey: `0x${draw.hash().slice(2)}${"00".repeat(16)}`,
      peerId: `adversary-${i}` as Member["peerId"],
      multiaddr: "/memory",
    },
    place: HONEST.providers + place,
  }));
}

const weightOf = (accounts: Accounts): number =>
  accounts.reduce((sum, { member }) => sum + seatWeightOf(member.stakeWei), 0);
const isItsOwn = ({ index }: { readonly index: number }): boolean => index >= HONEST.providers;

/** Seats and slots that it has, of how many. */
type Count = { readonly own: number; readonly all: number };
const rateOf = ({ own, all }: Count): number => own / all;
const sumOf = (counts: readonly Count[]): Count => ({
  own: counts.reduce((sum, { own }) => sum + own, 0),
  all: counts.reduce((sum, { all }) => sum + all, 0),
});

/** One L1, and what the adversary makes of it. */
class Registration {
  readonly #l1: StakedL1;
  readonly #draw: SeededRandom;
  readonly #stakeMT: { readonly provider: number; readonly sequencer: number };
  #seats = SeatTree.empty;
  #stakes = StakeTree.empty;

  constructor(draw: SeededRandom, share: number) {
    this.#draw = draw;
    this.#l1 = new StakedL1(draw.stream("l1"));
    const others = share / (1 - share);
    this.#stakeMT = {
      provider: Math.round(HONEST.providers * HONEST.stakeMT * others),
      sequencer: Math.round(HONEST.sequencers * HONEST.stakeMT * others),
    };
    for (let index = 0; index < HONEST.providers; index++) {
      const member = drawnMember(draw, index, HONEST.stakeMT);
      this.#l1.seat(member);
      this.#seats = this.#seats.put(index, member, HONEST.stakeMT);
    }
    for (let index = 0; index < HONEST.sequencers; index++) {
      const member = drawnMember(draw, index, HONEST.stakeMT);
      this.#l1.sequencer(member);
      this.#stakes = this.#stakes.move(index, stakeGridOf(member.stakeWei));
    }
    this.#l1.mineTo(firstBlockOf(REGISTERED + 1n, epochBlocks) - 2n);
  }

  #jobsOf(key: BlsKey, slot: bigint): readonly JobId[] {
    const numbers = Array.from({ length: SLOT_BLOCKS }, (_, i) => BigInt(i + 1));
    return numbers.flatMap((number) => jobsAt(this.#l1.view, key, { chainId: CHAINS[0]!, slot, number }));
  }

  /** The best that it can find for the latest epoch whose randomness is known: keys of its sequencer, with accounts of providers. */
  #grindSeats(): { readonly key: BlsKey; readonly accounts: Accounts; readonly hoped: Count } {
    const slot = epochOf(this.#l1.view.block.number, epochBlocks) + 1n;
    const found = Array.from({ length: KEYS }, () => {
      const { key } = drawnMember(this.#draw, 0, 0);
      const jobs = this.#jobsOf(key, slot);
      return Array.from({ length: SPLITS }, () => {
        const places = SEAT_PLACES - HONEST.providers;
        const accounts = split(this.#draw, this.#stakeMT.provider, places);
        const tree = accounts.reduce(
          (seats, { member, place }) => seats.put(place, member, seatWeightOf(member.stakeWei)),
          this.#seats,
        );
        const held = jobs.flatMap((jobId) => tree.seatsOf(jobId, JOB_SEATS));
        return { key, accounts, hoped: { own: held.filter(isItsOwn).length, all: held.length } };
      });
    }).flat();
    return found.reduce((best, one) => (one.hoped.own > best.hoped.own ? one : best));
  }

  /** The same for the slots that its sequencers lead. */
  #grindTurns(): { readonly accounts: Accounts; readonly hoped: Count } {
    const slot = epochOf(this.#l1.view.block.number, epochBlocks) + 1n;
    const { randomness } = this.#l1.view.valuesOf(slot)!;
    const found = Array.from({ length: SPLITS }, () => {
      const accounts = split(this.#draw, this.#stakeMT.sequencer, MAX_SPLIT);
      const tree = accounts.reduce(
        (stakes, { member }) => stakes.move(member.index, stakeGridOf(member.stakeWei)),
        this.#stakes,
      );
      const own = CHAINS.filter((chainId) => {
        const [leader] = drawSequencers({ tree, seed: slotSeed(randomness, chainId, slot), thresholdWei: 0n }, 1);
        return leader! >= HONEST.providers;
      }).length;
      return { accounts, hoped: { own, all: CHAINS.length } };
    });
    return found.reduce((best, one) => (one.hoped.own > best.hoped.own ? one : best));
  }

  #seatsIn(slot: bigint, key: BlsKey): Count {
    const held = this.#jobsOf(key, slot).flatMap((jobId) => this.#l1.view.seatsOf(slot, jobId));
    return { own: held.filter(isItsOwn).length, all: held.length };
  }

  #turnsIn(slot: bigint, operators: readonly Address[]): Count {
    const led = CHAINS.filter((chainId) =>
      operators.some((operator) => this.#l1.view.maySign(chainId, slot, operator)),
    );
    return { own: led.length, all: CHAINS.length };
  }

  run() {
    const seats = this.#grindSeats();
    const turns = this.#grindTurns();
    for (const { member, place } of seats.accounts) this.#l1.seat(member, place);
    for (const { member } of turns.accounts) this.#l1.sequencer(member);
    const first = REGISTERED + SNAPSHOT_DISTANCE;
    const slots = Array.from({ length: Number(COUNTED) }, (_, i) => first + BigInt(i));
    this.#l1.mineTo(firstBlockOf(first + COUNTED, epochBlocks));
    const operators = turns.accounts.map(({ member }) => member.operator);
    const own = weightOf(seats.accounts);
    const grids = turns.accounts.map(({ member }) => effectiveStakeOf(stakeGridOf(member.stakeWei)));
    const effective = grids.reduce((sum, stake) => sum + stake, 0);
    const others = HONEST.sequencers * effectiveStakeOf(stakeGridOf(BigInt(HONEST.stakeMT) * 10n ** 18n));
    return {
      seats: {
        hoped: seats.hoped,
        had: sumOf(slots.map((slot) => this.#seatsIn(slot, seats.key))),
        ideal: own / (own + HONEST.providers * HONEST.stakeMT),
      },
      turns: {
        hoped: turns.hoped,
        had: sumOf(slots.map((slot) => this.#turnsIn(slot, operators))),
        ideal: effective / (effective + others),
      },
    };
  }
}

type Grinding = ReturnType<Registration["run"]>["seats"];

function summed(found: readonly Grinding[]) {
  const had = sumOf(found.map((one) => one.had));
  const hoped = sumOf(found.map((one) => one.hoped));
  const { low, high } = boundsOfRate(had.own, had.all);
  return {
    ideal: rounded(meanOf(found.map(({ ideal }) => ideal))),
    had: rounded(rateOf(had)),
    low: rounded(low),
    high: rounded(high),
    hoped: rounded(rateOf(hoped)),
    hopedLow: rounded(boundsOfRate(hoped.own, hoped.all).low),
  };
}

function measureKeys(draw: SeededRandom, share: number, trials: number) {
  const found = Array.from({ length: trials }, (_, trial) => new Registration(draw.stream(String(trial)), share).run());
  return { share, seats: summed(found.map(({ seats }) => seats)), turns: summed(found.map(({ turns }) => turns)) };
}

async function runAt(seed: number, { trials, blocks }: typeof SAMPLE): Promise<RunResult> {
  const draw = new SeededRandom(`grinding/${seed}`);
  const violations = new Violations({ scenario: "grinding", seed });
  const log = new EventLog();
  const check = (isHeld: boolean, what: string): void =>
    violations.add({ log, elapsedMs: 0 }, isHeld ? null : { invariant: "I7", what });
  const keys = SHARES.map((share) => measureKeys(draw.stream(`keys ${share}`), share, trials));
  for (const found of keys) {
    log.add(0, JSON.stringify(found));
    for (const [what, { ideal, had, low, high, hopedLow }] of [
      ["seats", found.seats],
      ["turns", found.turns],
    ] as const) {
      check(
        isWithin(ideal, { low, high }),
        `with ${found.share} of the stake it has ${had} of the ${what}, not ${ideal}`,
      );
      // an adversary that could not grind would show nothing
      check(
        hopedLow > ideal,
        `what it ground for would have given it ${hopedLow} of the ${what}, no more than ${ideal}`,
      );
    }
  }
  const ids = SHARES.map((share) => measureIds(draw.stream(`ids ${share}`), share, blocks));
  for (const found of ids) {
    log.add(0, JSON.stringify(found));
    const { share, freedom } = found;
    for (const [what, { measured, ideal, low, high }] of Object.entries({
      captured: found.captured,
      burnt: found.burnt,
    }))
      check(isWithin(ideal, { low, high }), `with ${share} of the stake ${what} is ${measured}, not ${ideal}`);
    check(freedom.refusals === freedom.forged, `of ${freedom.forged} forged draws ${freedom.refusals} were refused`);
    check(freedom.refused === 0, `${freedom.refused} choices of a sequencer were refused`);
  }
  const held = violations.all.length === 0;
  return { held, violations: violations.all, logHash: log.hash, figures: { keys, ids } };
}

export const grinding: Scenario = {
  name: "grinding",
  summary:
    "an adversary chooses keys, accounts and places by all randomness that it knows, and as a sequencer among a block's jobs: it gains what it pays for",
  run: (seed) => runAt(seed, { trials: TRIALS, blocks: BLOCKS }),
  sample: (seed) => runAt(seed, SAMPLE),
};

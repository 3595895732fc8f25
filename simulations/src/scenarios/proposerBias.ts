/**
 * An L1 proposer that gives blocks up to have another beacon value. The value of an epoch is the prevRandao of its draw block, which the proposer of the
 * block before reveals: one that knows what all jobs of a sequencer would be under it compares that with what it may expect of others. It may have
 * several slots in a row, each with a reveal of its own; and since the draw block is found by its number, it may give up earlier blocks so that its
 * slots come to decide. What it wins is counted in captured blocks, on a node's view of L1.
 */
import {
  drawBlockOf,
  epochRandomness,
  firstBlockOf,
  type Hash,
  jobIdOf,
  LIMITS,
  networkDomain,
  type SeatTree,
  SNAPSHOT_DISTANCE,
  taggedHash,
  toChainId,
  vrfMessage,
  vrfOutput,
  vrfProve,
} from "@mvm/protocol";
import type { Member } from "@mvm/roles";
import { boundsOfMean, isWithin, meanOf, rounded } from "../confidence.ts";
import { EventLog } from "../eventLog.ts";
import { holdersOf } from "../seatHolders.ts";
import { SeededRandom } from "../seededRandom.ts";
import { drawnMember, epochBlocks, jobsAt, NETWORK, StakedL1 } from "../stakedL1.ts";
import { type RunResult, type Scenario, Violations } from "./scenario.ts";

/** Shares of L1's proposers, each with shares of the providers' stake. */
const PROPOSING = [0.1, 0.33];
const STAKES = [0.1, 0.33];
/** Epochs in which the adversary decides, for each pair and way. */
const DECIDED = 250;
const SAMPLE = 40;
/** Blocks of one DAC in a slot that are counted here, and those of mainnet's slot of 384 seconds. */
const SLOT_BLOCKS = 8;
const FULL_SLOT_BLOCKS = 192;
/** L1 slots ahead of which proposers are known: blocks that may be given up to shift the draw block. */
const LOOKAHEAD = 32;
/** Slots in a row that are thought of: one more in 10^15 schedules at a third of all. */
const MAX_RUN = 30;
const CHAIN = toChainId(7n);

/** Probabilities of 0, 1, ... n hits. */
function binomial(n: number, rate: number): readonly number[] {
  const odds = [(1 - rate) ** n];
  for (let hits = 1; hits <= n; hits++) odds.push((odds[hits - 1]! * ((n - hits + 1) / hits) * rate) / (1 - rate));
  return odds;
}

/** What who decides with so many values of its own captures beyond the mean: the best of them, or what comes where all are worse. */
function gainOf(values: number, { blocks, stake }: { readonly blocks: number; readonly stake: number }): number {
  const mean = blocks * stake ** LIMITS.seats;
  let below = 0;
  return binomial(blocks, stake ** LIMITS.seats).reduce((gain, odds, hits) => {
    const before = below ** values;
    below += odds;
    return gain + (below ** values - before) * Math.max(0, hits - mean);
  }, 0);
}

/** The same for a share of L1's proposers, in the mean over all epochs, without earlier blocks given up. */
function meanGain(proposing: number, size: { readonly blocks: number; readonly stake: number }): number {
  const runs = Array.from({ length: MAX_RUN }, (_, i) => i + 1);
  return runs.reduce((sum, values) => sum + proposing ** values * (1 - proposing) * gainOf(values, size), 0);
}

/** How an adversary may decide an epoch: blocks that it gave up before, and slots of its own in a row from then on. */
type Deciding = { readonly shift: number; readonly values: number };

/** Draws who proposes, and finds what is best for the adversary. */
function drawDeciding(draw: SeededRandom, proposing: number, mayShift: boolean): Deciding {
  const own = (): boolean => draw.fraction() < proposing;
  const before = Array.from({ length: LOOKAHEAD }, own).filter((isOwn) => isOwn).length;
  const slots = Array.from({ length: LOOKAHEAD + MAX_RUN }, own);
  const runFrom = (shift: number): number => {
    const end = slots.indexOf(false, shift);
    return (end < 0 ? slots.length : end) - shift;
  };
  const shifts = Array.from({ length: mayShift ? before + 1 : 1 }, (_, shift) => ({ shift, values: runFrom(shift) }));
  return shifts.reduce((best, one) => (one.values > best.values ? one : best));
}

type Size = { readonly blocks: number; readonly stake: number };

/** An L1 on which one DAC's seats are drawn, and a sequencer that tells the adversary its proofs. */
class Epochs {
  readonly #l1: StakedL1;
  readonly #draw: SeededRandom;
  readonly #size: Size;
  readonly #sequencer: ReturnType<typeof drawnMember>;
  readonly #tree: SeatTree;
  readonly #own: ReadonlySet<number>;
  #epoch = SNAPSHOT_DISTANCE + 1n;

  constructor(draw: SeededRandom, size: Size) {
    this.#draw = draw;
    this.#size = size;
    this.#l1 = new StakedL1(draw.stream("l1"));
    const { holders, tree } = holdersOf(draw, size.stake);
    for (const holder of holders) this.#l1.seat(holder);
    this.#tree = tree;
    this.#own = new Set(holders.filter(({ isAdversary }) => isAdversary).map(({ index }) => index));
    this.#sequencer = drawnMember(draw, 0, 20_000);
    this.#l1.sequencer(this.#sequencer);
  }

  get #numbers(): readonly bigint[] {
    return Array.from({ length: this.#size.blocks }, (_, i) => BigInt(i + 1));
  }

  #isCaptured(seats: readonly Pick<Member, "index">[]): boolean {
    return seats.slice(0, LIMITS.seats).every(({ index }) => this.#own.has(index));
  }

  /** What the adversary computes of a value before anybody sees it. */
  #foreseen(prevRandao: Hash): number {
    const randomness = epochRandomness(this.#epoch, prevRandao);
    return this.#numbers.filter((blockNumber) => {
      const place = { epoch: this.#epoch, randomness, chainId: CHAIN, generation: 0n, blockNumber };
      const proof = vrfProve(this.#sequencer.key, vrfMessage("block", networkDomain(NETWORK), place));
      return this.#isCaptured(this.#tree.seatsOf(jobIdOf(vrfOutput(proof), 0), LIMITS.seats));
    }).length;
  }

  /** Blocks that it has in the epoch, as a node draws their seats. */
  #captured(): number {
    const { view } = this.#l1;
    return this.#numbers.filter((number) => {
      const [jobId] = jobsAt(view, this.#sequencer.key, { chainId: CHAIN, slot: this.#epoch, number });
      return this.#isCaptured(view.seatsOf(this.#epoch, jobId!));
    }).length;
  }

  /** Whether nothing else of the draw block, which its proposer has a say in, changes the epoch's randomness. */
  #isOneValue(prevRandao: Hash): boolean {
    const { view } = this.#l1;
    const { number } = view.block;
    const seen = new Set<Hash>();
    for (const [timestamp, baseFeePerGas] of [
      [1_900_000_000n, 7n],
      [1_900_000_012n, 7n],
      [1_900_000_000n, 10n ** 9n],
    ] as const) {
      this.#l1.mine(prevRandao, { timestamp, baseFeePerGas });
      seen.add(view.valuesOf(this.#epoch)!.randomness);
      view.apply({ kind: "reorg", toBlock: number });
    }
    return seen.size === 1;
  }

  /** The next epoch, in which the adversary has so many values of its own. */
  decide(values: number) {
    this.#l1.mineTo(drawBlockOf(this.#epoch, epochBlocks) - 1n);
    const mix = this.#draw.hash();
    const revealed = (): Hash => taggedHash("simulated/mix", mix, this.#draw.hash());
    const known = Array.from({ length: values }, revealed);
    const worth = known.map((prevRandao) => this.#foreseen(prevRandao));
    const best = worth.indexOf(Math.max(...worth));
    const isTaken = worth[best]! > this.#size.blocks * this.#size.stake ** LIMITS.seats;
    const prevRandao = isTaken ? known[best]! : revealed();
    const isOneValue = this.#isOneValue(prevRandao);
    this.#l1.mine(prevRandao);
    this.#l1.mineTo(firstBlockOf(this.#epoch, epochBlocks));
    const captured = this.#captured();
    this.#epoch += 1n;
    // without giving up, the first one of its values would have counted
    return {
      gain: captured - worth[0]!,
      givenUp: isTaken ? best : values,
      isOneValue,
      isForeseen: !isTaken || captured === worth[best],
    };
  }
}

/** What deciding gains in the mean over all epochs, of which only those are played in which the adversary decides. */
function measure(
  draw: SeededRandom,
  proposing: number,
  size: Size,
  { mayShift, decided }: { mayShift: boolean; decided: number },
) {
  const epochs = new Epochs(draw, size);
  const schedule = draw.stream("proposers");
  const gains: number[] = [];
  const expected: number[] = [];
  let all = 0;
  let givenUp = 0;
  let isBound = true;
  while (gains.length < decided) {
    all += 1;
    const { shift, values } = drawDeciding(schedule, proposing, mayShift);
    if (values === 0) continue;
    const found = epochs.decide(values);
    gains.push(found.gain);
    expected.push(gainOf(values, size));
    givenUp += shift + found.givenUp;
    isBound = isBound && found.isOneValue && found.isForeseen;
  }
  const { low, high } = boundsOfMean(gains);
  const rate = decided / all;
  return {
    deciding: rounded(rate),
    gain: rounded(meanOf(gains) * rate),
    ideal: rounded(meanOf(expected) * rate),
    low: rounded(low * rate),
    high: rounded(high * rate),
    blocksGivenUp: rounded(givenUp / all),
    isBound,
  };
}

async function runAt(seed: number, decided: number): Promise<RunResult> {
  const draw = new SeededRandom(`proposer-bias/${seed}`);
  const violations = new Violations({ scenario: "proposer-bias", seed });
  const log = new EventLog();
  const check = (isHeld: boolean, what: string): void =>
    violations.add({ log, elapsedMs: 0 }, isHeld ? null : { invariant: "I7", what });
  const found = PROPOSING.flatMap((proposing) =>
    STAKES.map((stake) => {
      const size = { blocks: SLOT_BLOCKS, stake };
      const stream = draw.stream(`${proposing}/${stake}`);
      const mean = rounded(SLOT_BLOCKS * stake ** LIMITS.seats);
      const plain = measure(stream.stream("plain"), proposing, size, { mayShift: false, decided });
      const shifted = measure(stream.stream("shifted"), proposing, size, { mayShift: true, decided });
      const ideal = meanGain(proposing, size);
      const full = { blocks: FULL_SLOT_BLOCKS, stake };
      const ofFullSlot = {
        mean: rounded(FULL_SLOT_BLOCKS * stake ** LIMITS.seats),
        gain: rounded(meanGain(proposing, full)),
      };
      return { proposing, stake, mean, ideal: rounded(ideal), plain, shifted, ofFullSlot };
    }),
  );
  for (const one of found) {
    log.add(0, JSON.stringify(one));
    const who = `with ${one.proposing} of L1's blocks and ${one.stake} of the stake`;
    for (const [way, { gain, ideal, low, high, isBound }] of Object.entries({
      plain: one.plain,
      shifted: one.shifted,
    })) {
      check(
        isWithin(ideal, { low, high }),
        `${who} (${way}) ${gain} blocks more are captured in an epoch, not ${ideal}`,
      );
      check(
        isBound,
        `${who} (${way}) more than prevRandao changes an epoch's randomness, or a draw is not what was foreseen`,
      );
    }
  }
  const held = violations.all.length === 0;
  return { held, violations: violations.all, logHash: log.hash, figures: { byShare: found } };
}

export const proposerBias: Scenario = {
  name: "proposer-bias",
  summary:
    "an L1 proposer gives blocks up to choose among beacon values: the blocks that it captures more are as few as computed",
  run: (seed) => runAt(seed, DECIDED),
  sample: (seed) => runAt(seed, SAMPLE),
};

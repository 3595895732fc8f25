/**
 * How often an adversary with a share of all stake has both seats of a DAC's block, and so decides its result: the draws of real keys, the
 * seat tree, and JobRun itself, against a sequencer that is honest. It splits its stake, it picks the DAC that it is after, and all that it
 * holds signs the same wrong result at once.
 */
import {
  blsKeyFromSeed,
  fromHex,
  GENESIS_BASE_FEE,
  JOB_SEATS,
  type Job,
  type JobId,
  jobIdOf,
  LIMITS,
  networkDomain,
  type Outcome,
  resultDigest,
  resultHash,
  type TransactionMessage,
  toAddress,
  toChainId,
  vrfMessage,
  vrfOutput,
  vrfProve,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { JobRun, type JobStep } from "@mvm/roles";
import { boundsOfRate, rounded } from "../confidence.ts";
import { EventLog } from "../eventLog.ts";
import { type Holder, holdersOf } from "../seatHolders.ts";
import { SeededRandom } from "../seededRandom.ts";
import { type RunResult, type Scenario, Violations } from "./scenario.ts";

const SHARES = [0.1, 0.2, 0.33];
/** Jobs drawn for each share. */
const JOBS = 1_000;
/** Of the blocks, those whose second job is looked at too: all its seats are asked at once. */
const HURRIED_JOBS = 400;
const DACS = 20;

const NETWORK = { l1ChainId: 31_337n, comco: toAddress(`0x${"c0".repeat(20)}`) };
const MESSAGE: TransactionMessage = {
  type: 2,
  from: ZERO_ADDRESS,
  to: ZERO_ADDRESS,
  nonce: 0n,
  gasLimit: 21_000n,
  maxFeePerGas: GENESIS_BASE_FEE,
  maxPriorityFeePerGas: 0n,
  value: 0n,
  data: new Uint8Array(0),
  accessList: [],
  authorizations: [],
  l1Fee: 0n,
};
const WORK: Omit<Job, "jobId"> = {
  environment: {
    timestamp: 1n,
    baseFeePerGas: GENESIS_BASE_FEE,
    gasLimit: LIMITS.blockGas,
    prevRandao: ZERO_HASH,
    feeRecipient: ZERO_ADDRESS,
  },
  messages: [MESSAGE],
  values: [],
};
const outcomeOf = (gasUsed: bigint): readonly Outcome[] => [
  { kind: "included", status: 1, gasUsed, logs: [], writes: [], reads: [] },
];
const RIGHT = outcomeOf(21_000n);
const WRONG = outcomeOf(1n);

/**
 * Whether a job ends in the adversary's result.
 * @param isUrgent whether all seats are asked at once
 */
function isCaptured(jobId: JobId, seats: readonly Holder[], isUrgent: boolean): boolean {
  const job = { ...WORK, jobId };
  const run = new JobRun({
    network: NETWORK,
    session: ZERO_HASH,
    job,
    seats,
    patienceMs: 1,
    timeoutMs: 1,
    isUrgent,
    couriersOf: () => [],
  });
  const steps: JobStep[] = [run.start(0)];
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    if (step.end !== null) return step.end.kind === "agreed" && step.end.outcomes === WRONG;
    // what lies is sent at once
    const asked = step.effects.flatMap((effect) =>
      effect.kind === "request" ? [{ effect, holder: seats.find(({ peerId }) => peerId === effect.to)! }] : [],
    );
    asked.sort((a, b) => Number(b.holder.isAdversary) - Number(a.holder.isAdversary));
    for (const { effect, holder } of asked) {
      const outcomes = holder.isAdversary ? WRONG : RIGHT;
      const signature = holder.key.sign(resultDigest(NETWORK, jobId, resultHash(job, outcomes)));
      const answer = { name: "job", body: { kind: "result", outcomes, signature } } as const;
      steps.push(run.handle({ kind: "answered", ticket: effect.ticket, answer }, 0));
    }
    if (step.effects.some(({ kind }) => kind === "executeJob")) steps.push(run.executed(resultHash(job, RIGHT), 0));
  }
  return false;
}

function measure(draw: SeededRandom, share: number) {
  const { holders, tree } = holdersOf(draw, share);
  const sequencer = blsKeyFromSeed(fromHex(draw.hash()));
  const chainId = toChainId(1 + draw.below(DACS));
  let captured = 0;
  let hurried = 0;
  for (let number = 1; number <= JOBS; number++) {
    const place = { epoch: 7n, randomness: draw.hash(), chainId, generation: 0n, blockNumber: BigInt(number) };
    const proof = vrfProve(sequencer, vrfMessage("block", networkDomain(NETWORK), place));
    const jobs = Array.from({ length: LIMITS.jobAttempts }, (_, attempt) => jobIdOf(vrfOutput(proof), attempt));
    const seatsOf = (jobId: JobId): readonly Holder[] =>
      tree.seatsOf(jobId, JOB_SEATS).map(({ index }) => holders[index]!);
    if (isCaptured(jobs[0]!, seatsOf(jobs[0]!), false)) captured += 1;
    if (number <= HURRIED_JOBS && isCaptured(jobs[1]!, seatsOf(jobs[1]!), true)) hurried += 1;
  }
  const bounds = boundsOfRate(captured, JOBS);
  const ofHurried = boundsOfRate(hurried, HURRIED_JOBS);
  return {
    share,
    captured: rounded(captured / JOBS),
    ideal: rounded(share ** LIMITS.seats),
    low: rounded(bounds.low),
    high: rounded(bounds.high),
    hurried: { captured: rounded(hurried / HURRIED_JOBS), low: rounded(ofHurried.low), high: rounded(ofHurried.high) },
  };
}

export const capture: Scenario = {
  name: "capture",
  summary:
    "an adversary with 10, 20, 33 % of the stake, split into accounts, is after one DAC: it decides a block as often as both seats fall to it",
  async run(seed: number): Promise<RunResult> {
    const draw = new SeededRandom(`capture/${seed}`);
    const violations = new Violations({ scenario: "capture", seed });
    const log = new EventLog();
    const byStake = SHARES.map((share) => measure(draw.stream(String(share)), share));
    for (const found of byStake) {
      log.add(0, JSON.stringify(found));
      const { share, ideal } = found;
      for (const { captured, low, high } of [found, found.hurried]) {
        const what = `with ${share} of the stake ${captured} of the blocks are captured, ideally ${ideal}`;
        violations.add({ log, elapsedMs: 0 }, low <= ideal && ideal <= high ? null : { invariant: "I7", what });
      }
    }
    return { held: violations.all.length === 0, violations: violations.all, logHash: log.hash, figures: { byStake } };
  },
};

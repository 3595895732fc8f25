/**
 * A sequencer of the adversary's: of the four jobs that a block may have it takes one of which two seats are its own, and says of the others that they
 * were silent. What that is worth, what it burns, and whether followers of its blocks leave it any other choice.
 */
import {
  type BlsKey,
  bigIntToBytes,
  blsKeyFromSeed,
  encodeSystemTransaction,
  evidenceHash,
  firstBlockOf,
  fromHex,
  type Hex,
  isWork,
  jobIdOf,
  LIMITS,
  resultDigest,
  SNAPSHOT_DISTANCE,
  seatedIn,
  taggedHash,
  toChainId,
  toHex,
  type UnsignedBlock,
  vrfOutput,
  vrfProve,
  type Work,
} from "@mvm/protocol";
import { closingTransaction, type L1View, type Member, randomnessMessage, workFault } from "@mvm/roles";
import { boundsOfMean, boundsOfRate, meanOf, rounded } from "../confidence.ts";
import { type Holder, holdersOf } from "../seatHolders.ts";
import type { SeededRandom } from "../seededRandom.ts";
import { drawnMember, epochBlocks, NETWORK, proofAt, StakedL1 } from "../stakedL1.ts";

const CHAIN = toChainId(7n);
/** Blocks of which every choice is shown to a follower. */
const SHOWN = 6;
/** Sign of a compressed point of the curve, in its first byte. */
const SIGN_BIT = 0x20;

type Choice = { readonly work: Work; readonly burnt: number };
type Sequencer = Member & { readonly key: BlsKey };

/** Seats that sign in one job: two of its own, the first ones; null where it has fewer. */
function seatsTaken(attempt: number, holders: readonly Holder[]): Choice | null {
  const own = holders.flatMap(({ isAdversary }, seat) => (isAdversary ? [seat] : [])).slice(0, LIMITS.seats);
  if (own.length < LIMITS.seats) return null;
  const seats = holders.slice(0, own.at(-1)! + 1).map(({ index }, seat) => (own.includes(seat) ? index : null));
  const work = { attempt, seats };
  return { work, burnt: LIMITS.seats - seatedIn(work) };
}

/** Chance that two or more of a job's seats are its own, and of the first job how many fees it burns. */
function idealOf(share: number) {
  const rest = 1 - share;
  const all = LIMITS.seats + LIMITS.standIns;
  const ofJob = 1 - rest ** all - all * share * rest ** (all - 1);
  const one = 2 * share * rest * (1 - rest ** LIMITS.standIns);
  const none = rest ** LIMITS.seats * share ** LIMITS.standIns;
  const later = (1 - ofJob) * (1 - (1 - ofJob) ** (LIMITS.jobAttempts - 1));
  return { captured: 1 - (1 - ofJob) ** LIMITS.jobAttempts, burnt: one + LIMITS.seats * (none + later) };
}

/** A block as far as its work is judged. */
function blockOf(
  view: L1View,
  { sequencer, holders }: { readonly sequencer: Sequencer; readonly holders: readonly Holder[] },
  place: { readonly slot: bigint; readonly number: bigint; readonly proof: Hex; readonly work: Work },
): UnsignedBlock {
  const { slot, number, proof, work } = place;
  const randomness = vrfOutput(proof);
  const jobId = jobIdOf(randomness, work.attempt);
  const served = work.seats.filter((index) => index !== null).map((index) => holders[index]!);
  const result = taggedHash("simulated/result", jobId);
  const signatures = served.map(({ key }) => key.sign(resultDigest(NETWORK, jobId, result)));
  const evidence = { proof, result, signatures };
  const { l1Block, l1BaseFee } = view.valuesOf(slot)!;
  const context = { slot, l1Block, l1BaseFee, queueEnd: 0n, randomness, work, evidence: evidenceHash(evidence) };
  const paid = [sequencer.operator, ...served.map(({ operator }) => operator)] as const;
  const settle = closingTransaction(CHAIN, { number, l1BaseFee }, { paid, seated: seatedIn(work), transactions: [] });
  const transactions = [encodeSystemTransaction(CHAIN, settle)];
  const header = { number } as UnsignedBlock["header"];
  return { chainId: CHAIN, generation: 0n, header, context, transactions, outcomes: [], evidence };
}

/** Proofs that are none, or of something else: each would be another draw of the same block. */
function forgedProofs(
  view: L1View,
  sequencer: Sequencer,
  place: { readonly slot: bigint; readonly number: bigint },
  draw: SeededRandom,
): readonly Hex[] {
  const { key } = sequencer;
  const at = { chainId: CHAIN, ...place };
  const sound = proofAt(view, key, at);
  const negated = fromHex(sound);
  negated[0]! ^= SIGN_BIT;
  const message = randomnessMessage(view, NETWORK, { ...at, generation: 0n })!;
  const next = toHex(bigIntToBytes(BigInt(sound) + 1n));
  return [
    toHex(negated),
    next,
    // another key of the same account, a signature for another purpose
    vrfProve(blsKeyFromSeed(fromHex(draw.hash())), message),
    key.sign(message),
    proofAt(view, key, { ...at, number: place.number + 1n }),
    proofAt(view, key, { ...at, generation: 1n }),
    proofAt(view, key, { ...at, slot: place.slot - 1n }),
    proofAt(view, key, { ...at, chainId: toChainId(8n) }),
  ];
}

/** Shows a follower what a sequencer may say of a block, and what it may not. */
function freedomOf(
  view: L1View,
  parties: { readonly sequencer: Sequencer; readonly holders: readonly Holder[] },
  place: { readonly slot: bigint; readonly number: bigint },
  { jobs, draw }: { readonly jobs: readonly (readonly Holder[])[]; readonly draw: SeededRandom },
) {
  const sound = proofAt(view, parties.sequencer.key, { chainId: CHAIN, ...place });
  const faultOf = (proof: Hex, work: Work): string | null =>
    workFault(view, NETWORK, blockOf(view, parties, { ...place, proof, work }));
  const firstOf = (holders: readonly Holder[], attempt: number): Work => ({
    attempt,
    seats: holders.slice(0, LIMITS.seats).map(({ index }) => index),
  });
  const choices = jobs.map((holders, attempt) => faultOf(sound, firstOf(holders, attempt)));
  const forged = forgedProofs(view, parties.sequencer, place, draw);
  const isRefused = (proof: Hex): boolean => {
    try {
      const holders = view
        .seatsOf(place.slot, jobIdOf(vrfOutput(proof), 0))
        .map(({ index }) => parties.holders[index]!);
      return faultOf(proof, firstOf(holders, 0)) !== null;
    } catch {
      // no point of the curve has no output
      return true;
    }
  };
  const beyond = { attempt: LIMITS.jobAttempts, seats: firstOf(jobs[0]!, 0).seats };
  return {
    refused: choices.filter((fault) => fault !== null).length,
    forged: forged.length + 1,
    refusals: forged.filter(isRefused).length + (isWork(beyond) ? 0 : 1),
  };
}

/** How many blocks a sequencer captures with a share of the providers' stake, and what it burns for them. */
export function measureIds(draw: SeededRandom, share: number, blocks: number) {
  const { holders } = holdersOf(draw, share);
  const l1 = new StakedL1(draw.stream("l1"));
  for (const holder of holders) l1.seat(holder);
  const sequencer = drawnMember(draw, 0, 20_000);
  l1.sequencer(sequencer);
  const slot = SNAPSHOT_DISTANCE + 2n;
  l1.mineTo(firstBlockOf(slot, epochBlocks));
  const { view } = l1;
  const burnt: number[] = [];
  let captured = 0;
  let asDrawn = 0;
  const freedom = { forged: 0, refusals: 0, refused: 0 };
  for (let i = 1; i <= blocks; i++) {
    const place = { slot, number: BigInt(i) };
    const randomness = vrfOutput(proofAt(view, sequencer.key, { chainId: CHAIN, ...place }));
    const jobs = Array.from({ length: LIMITS.jobAttempts }, (_, attempt) =>
      view.seatsOf(slot, jobIdOf(randomness, attempt)).map(({ index }) => holders[index]!),
    );
    const choice = jobs.flatMap((seats, attempt) => seatsTaken(attempt, seats) ?? [])[0];
    if (choice !== undefined) captured += 1;
    if (choice?.burnt === 0) asDrawn += 1;
    burnt.push(choice?.burnt ?? 0);
    if (i > SHOWN) continue;
    const shown = freedomOf(view, { sequencer, holders }, place, { jobs, draw });
    for (const what of ["forged", "refusals", "refused"] as const) freedom[what] += shown[what];
  }
  const ideal = idealOf(share);
  const ofCaptured = boundsOfRate(captured, blocks);
  const ofBurnt = boundsOfMean(burnt);
  return {
    share,
    captured: {
      measured: rounded(captured / blocks),
      ideal: rounded(ideal.captured),
      low: rounded(ofCaptured.low),
      high: rounded(ofCaptured.high),
    },
    /** without passing anybody over */
    asDrawn: rounded(asDrawn / blocks),
    /** seats' fees for each block */
    burnt: {
      measured: rounded(meanOf(burnt)),
      ideal: rounded(ideal.burnt),
      low: rounded(ofBurnt.low),
      high: rounded(ofBurnt.high),
    },
    burntForEachMore: rounded((meanOf(burnt) * blocks) / Math.max(1, captured - asDrawn)),
    freedom,
  };
}

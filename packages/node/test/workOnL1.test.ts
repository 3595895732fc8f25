/** Who did blocks' jobs, judged by nodes and by WorkVerifier on a real L1: of the same work both find the same, and what is right is no fraud there. */
import { askVerifier, encodeWork, type L1Reader } from "@mvm/l1";
import {
  type Address,
  type BatchBlock,
  type BatchHeader,
  encodeBatch,
  type Hash,
  inCalldata,
  JOB_SEATS,
  jobIdOf,
  keccakHash,
  NO_WORK,
  resultDigest,
  type ShownEvidence,
  servedBy,
  shownEvidence,
  shownEvidenceHash,
  toChainId,
  toWord,
  vrfOutput,
  vrfProve,
  type Work,
  ZERO_HASH,
} from "@mvm/protocol";
import { type L1View, randomnessMessage, type WorkClaim, workFinding } from "@mvm/roles";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginNextDraw, blsKeyOf, registerFor, startNetwork, type TestNetwork } from "../../l1/test/network.ts";
import { workProof, workVerdict } from "../src/proving/workAudit.ts";
import { viewOfL1 } from "./viewOfL1.ts";

const START_MS = 180_000;
const CHAIN_ID = toChainId(77n);
const GENERATION = 3n;
const RESULT = keccakHash(toWord(1n));
const STRANGER: Address = `0x${"57".repeat(20)}` as Address;
const SEQUENCERS = [1, 2];
const PROVIDERS = [3, 4, 5];

let network: TestNetwork;
let reader: L1Reader;
let view: L1View;
let slot: bigint;
let identity: { l1ChainId: bigint; comco: Address };
let poster: Address;

beforeAll(async () => {
  network = await startNetwork();
  reader = network.reader;
  identity = { l1ChainId: network.anvil.l1ChainId, comco: network.addresses.comco };
  for (const i of SEQUENCERS) await registerFor(network, network.accounts[i]!, "sequencer");
  for (const i of PROVIDERS) await registerFor(network, network.accounts[i]!, "provider");
  await beginNextDraw(network);
  slot = await beginNextDraw(network);
  view = await viewOfL1(network);
  poster = network.accounts[SEQUENCERS[0]!]!.address;
}, START_MS);
afterAll(() => network?.stop());

/** What is made of a block: which seats served, and what is wrong with it. */
type Plan = {
  readonly lie: Lie;
  readonly attempt: number;
  /** seats that served, two of the four; none */
  readonly seats: readonly number[];
  readonly byPoster: boolean;
  /** which of the two the lie is about */
  readonly which: number;
};
type Made = { readonly claim: WorkClaim; readonly shown: ShownEvidence };
type Lie = (made: Made, plan: Plan) => Made;

const RANK = { randomness: 0, seat: 1, signature: 2 } as const;

function draw(sequencer: Address, number: bigint, own = sequencer, generation = GENERATION): ShownEvidence["proof"] {
  const message = randomnessMessage(view, identity, { chainId: CHAIN_ID, generation, number, slot })!;
  return shownEvidence({ proof: vrfProve(blsKeyOf(own), message), result: ZERO_HASH, signatures: [] }).proof;
}

const outputOf = (claim: WorkClaim, own = claim.sequencer): Hash => {
  const { chainId, generation, number } = claim;
  return vrfOutput(vrfProve(blsKeyOf(own), randomnessMessage(view, identity, { chainId, generation, number, slot })!));
};

function signatureOf(index: number, claim: WorkClaim, result: Hash): ShownEvidence["proof"] {
  const account = view.provider(index)?.operator ?? STRANGER;
  const digest = resultDigest(identity, jobIdOf(claim.randomness, claim.work.attempt), result);
  return shownEvidence({ proof: blsKeyOf(account).sign(digest), result, signatures: [] }).proof;
}

const signing = (claim: WorkClaim, result: Hash): readonly ShownEvidence["proof"][] =>
  servedBy(claim.work).map((index) => signatureOf(index, claim, result));

function honest({ attempt, seats, byPoster }: Plan, position: number): Made {
  const sequencer = byPoster ? poster : network.accounts[SEQUENCERS[1]!]!.address;
  const number = BigInt(position + 1);
  const place = { chainId: CHAIN_ID, generation: GENERATION, number, slot, sequencer };
  const randomness = outputOf({ ...place, randomness: ZERO_HASH, work: NO_WORK });
  const holders = view.seatsOf(slot, jobIdOf(randomness, attempt)).map(({ index }) => index);
  const last = Math.max(...seats);
  const named = Array.from({ length: JOB_SEATS }, (_, i) => (seats.includes(i) ? holders[i]! : null));
  const work: Work = seats.length === 0 ? NO_WORK : { attempt, seats: named.slice(0, last + 1) };
  const claim = { ...place, randomness, work };
  const result = seats.length === 0 ? ZERO_HASH : RESULT;
  return { claim, shown: { proof: draw(sequencer, number), result, signatures: signing(claim, result) } };
}

/** Other work, which those who are named sign. */
const named = ({ claim, shown }: Made, work: Work): Made => {
  const other = { ...claim, work };
  return { claim: other, shown: { ...shown, signatures: signing(other, shown.result) } };
};
const seatOf = ({ work }: WorkClaim, which: number): number =>
  work.seats.flatMap((index, seat) => (index === null ? [] : [seat]))[which]!;
const signedWith = (made: Made, which: number, signature: ShownEvidence["proof"]): Made => ({
  ...made,
  shown: { ...made.shown, signatures: made.shown.signatures.with(which, signature) },
});
const bytes = (byte: string): ShownEvidence["proof"] => `0x${byte.repeat(192)}`;

/** Work without a job has no seats to lie about: there these change nothing. */
const ofSeats =
  (lie: Lie): Lie =>
  (made, plan) =>
    made.claim.work.seats.length === 0 ? made : lie(made, plan);

const LIES: Readonly<Record<string, Lie>> = {
  none: (made) => made,
  "another's draw": ({ claim, shown }) => ({
    claim,
    shown: { ...shown, proof: draw(claim.sequencer, claim.number, STRANGER) },
  }),
  "another's draw, and its randomness": ({ claim, shown }) => {
    const proof = draw(claim.sequencer, claim.number, STRANGER);
    return { claim: { ...claim, randomness: outputOf(claim, STRANGER) }, shown: { ...shown, proof } };
  },
  "a draw for another place": ({ claim, shown }) => {
    const other = { ...claim, number: claim.number + 1n };
    const proof = draw(claim.sequencer, other.number);
    return { claim: { ...claim, randomness: outputOf(other) }, shown: { ...shown, proof } };
  },
  "chosen randomness": (made) => ({ ...made, claim: { ...made.claim, randomness: RESULT } }),
  "a sequencer that never registered": ({ claim, shown }) => {
    const own = { ...claim, sequencer: STRANGER };
    const randomness = outputOf(own);
    return { claim: { ...own, randomness }, shown: { ...shown, proof: draw(STRANGER, claim.number) } };
  },
  "infinity for a proof": ({ claim, shown }) => ({ claim, shown: { ...shown, proof: bytes("00") } }),
  "bytes for a proof": ({ claim, shown }) => ({ claim, shown: { ...shown, proof: bytes("11") } }),
  "another provider in a seat": ofSeats((made, { which }) => {
    const { seats, attempt } = made.claim.work;
    const seat = seatOf(made.claim, which);
    return named(made, { attempt, seats: seats.with(seat, (seats[seat]! + 1) % PROVIDERS.length) });
  }),
  "nobody in a seat": ofSeats((made, { which }) => {
    const { seats, attempt } = made.claim.work;
    return named(made, { attempt, seats: seats.with(seatOf(made.claim, which), 2 ** 32 - 1) });
  }),
  "another attempt": ofSeats((made) => {
    const { seats, attempt } = made.claim.work;
    return named(made, { attempt: (attempt + 1) % 4, seats });
  }),
  "a signature on another result": ofSeats((made, { which }) =>
    signedWith(made, which, signatureOf(servedBy(made.claim.work)[which]!, made.claim, ZERO_HASH)),
  ),
  "another's signature": ofSeats((made, { which }) => signedWith(made, which, signatureOf(9, made.claim, RESULT))),
  "a proof for a signature": ofSeats((made, { which }) => signedWith(made, which, made.shown.proof)),
  "infinity for a signature": ofSeats((made, { which }) => signedWith(made, which, bytes("00"))),
  "bytes for a signature": ofSeats((made, { which }) => signedWith(made, which, bytes("ff"))),
  "another result": ({ claim, shown }) => ({ claim, shown: { ...shown, result: keccakHash(toWord(9n)) } }),
  "a signature too few": ({ claim, shown }) => ({ claim, shown: { ...shown, signatures: shown.signatures.slice(1) } }),
  "signatures of nobody": ({ claim, shown }) => ({
    claim,
    shown: { ...shown, signatures: [shown.proof, shown.proof] },
  }),
};

const plans: fc.Arbitrary<Plan> = fc.record({
  lie: fc.constantFrom(...Object.values(LIES)),
  attempt: fc.nat(3),
  seats: fc.constantFrom([0, 1], [0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3], []),
  byPoster: fc.boolean(),
  which: fc.nat(1),
});

/** A batch over blocks, which nobody posts: judges do not ask whether anybody did. */
function batchOf(made: readonly Made[]): { header: BatchHeader; data: Uint8Array; postedAt: bigint } {
  const blocks = made.map(({ claim, shown }, i): BatchBlock => {
    const { randomness, work } = claim;
    const sequencer = claim.sequencer === poster ? "poster" : claim.sequencer;
    const place = { timestamp: 1_900_000_000n + BigInt(i), slot, queueItems: i, indexOf: () => undefined };
    return { ...place, randomness, work, sequencer, evidence: shownEvidenceHash(shown), transactions: [] };
  });
  const data = encodeBatch({ chainId: CHAIN_ID, generation: GENERATION, blocks });
  const roots = { previousBatchHash: ZERO_HASH, blocksRoot: ZERO_HASH, transactionsRoot: ZERO_HASH };
  const place = {
    chainId: CHAIN_ID,
    generation: GENERATION,
    index: 0n,
    firstBlock: 1n,
    lastBlock: BigInt(made.length),
  };
  return { header: { ...roots, ...place, ...inCalldata(data), queueEnd: 0n, slot, poster }, data, postedAt: 0n };
}

/** Whether L1 calls the work of a block a fraud, by each proof that there can be. */
async function onL1(batch: ReturnType<typeof batchOf>, { claim, shown }: Made, position: number) {
  const served = servedBy(claim.work).map((_, i) => i);
  const proofs = [
    { kind: "randomness" } as const,
    ...served.map((seat) => ({ kind: "seat", served: seat }) as const),
    // without seats the number of signatures alone is judged
    ...(served.length === 0 ? [0] : served).map((seat) => ({ kind: "signature", served: seat }) as const),
  ];
  const verdicts: { kind: keyof typeof RANK; served: number; isFraud: boolean | null }[] = [];
  for (const finding of proofs) {
    const proof = workProof(view, { claim, shown, position, data: batch.data }, finding);
    const answer = await askVerifier(reader, "workVerifier", batch.header, encodeWork(proof));
    const isFraud = answer.kind === "verdict" ? answer.isFraud : null;
    verdicts.push({ kind: finding.kind, served: "served" in finding ? finding.served : 0, isFraud });
  }
  return verdicts;
}

async function compare(list: readonly Plan[]): Promise<void> {
  const made = list.map((plan, position) => plan.lie(honest(plan, position), plan));
  const batch = batchOf(made);
  const { wrong, needed } = await workVerdict(batch, {
    view,
    network: identity,
    shown: async function* () {},
    answers: async ({ position }) => ({ kind: "evidence", position, evidence: made[position]!.shown }),
  });
  expect(needed).toBeNull();
  for (const [position, own] of made.entries()) {
    const found = workFinding(view, identity, own.claim, own.shown);
    expect(wrong.some((proof) => proof.position === position)).toBe(found !== null);
    for (const { kind, served, isFraud } of await onL1(batch, own, position)) {
      const what = `block ${position}, ${kind} ${served}: ${found?.kind ?? "right"}`;
      if (found === null) expect([false, null], what).toContain(isFraud);
      // nothing that is looked at before is wrong
      else if (RANK[kind] < RANK[found.kind]) expect(isFraud, what).toBe(false);
      else if (found.kind === kind && (found.kind === "randomness" || found.served === served))
        expect(isFraud, what).toBe(true);
    }
    if (found === null && servedBy(own.claim.work).length > 0)
      expect((await onL1(batch, own, position)).map(({ isFraud }) => isFraud)).not.toContain(null);
  }
}

describe("the work of a block", { timeout: START_MS }, () => {
  it("is judged alike by nodes and by L1, each lie by itself and all that is right", async () => {
    const plan = { attempt: 0, seats: [0, 1], byPoster: true, which: 1 };
    for (const [name, lie] of Object.entries(LIES)) {
      await compare([{ ...plan, lie }]);
      const made = lie(honest({ ...plan, lie }, 0), { ...plan, lie });
      // the same may hold the seats of another attempt, too
      if (name === "another attempt") continue;
      expect(workFinding(view, identity, made.claim, made.shown) === null, name).toBe(name === "none");
    }
  });

  it("is judged alike by nodes and by L1, whatever several blocks of a batch are like", async () => {
    const seed = 53;
    await fc.assert(fc.asyncProperty(fc.array(plans, { minLength: 1, maxLength: 4 }), compare), { seed, numRuns: 24 });
  });
});

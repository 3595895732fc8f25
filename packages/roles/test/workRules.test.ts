import {
  evidenceHash,
  jobIdOf,
  LIMITS,
  NO_WORK,
  resultDigest,
  type SealedBlock,
  taggedHash,
  type Work,
  type WorkEvidence,
  ZERO_HASH,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { unpostedWorkFault, workFault } from "../src/index.ts";
import {
  blockOn,
  chainOf,
  depositTo,
  drawOf,
  FIRST_SLOT,
  GENESIS,
  NETWORK,
  PROVIDERS,
  post,
  startView,
  turnOf,
  workOf,
} from "./world.ts";

const view = startView();
const sound = blockOn({ view, parent: GENESIS });
const faultOf = (block: SealedBlock, network = NETWORK) => workFault(view, network, block);
const { work, randomness } = sound.context;
const evidence = sound.evidence!;

/** The block with other evidence and other work, to which it commits. */
const showing = (change: Partial<WorkEvidence>, other: Work = work): SealedBlock => {
  const shown = { ...evidence, ...change };
  return { ...sound, evidence: shown, context: { ...sound.context, work: other, evidence: evidenceHash(shown) } };
};
const place = { generation: sound.generation, number: 1n, slot: FIRST_SLOT };
/** A block whose evidence is of a draw for another place, its randomness too. */
const drawnFor = (other: Partial<typeof place>, by = turnOf(view, FIRST_SLOT)): SealedBlock => {
  const draw = drawOf(view, by, { ...place, ...other });
  const done = workOf(view, FIRST_SLOT, draw);
  const context = { ...sound.context, ...done, randomness: draw.randomness, evidence: evidenceHash(done.evidence) };
  return { ...sound, context, evidence: done.evidence };
};

describe("the evidence of a block that is not on L1 yet", () => {
  it("is sound for what the slot's sequencer draws and the seats' holders sign, whichever seats were passed over", () => {
    expect(faultOf(sound)).toBeNull();
    for (const passed of [[0], [1], [0, 1], [0, 2], [1, 2]])
      for (const attempt of [0, LIMITS.jobAttempts - 1])
        expect(faultOf(blockOn({ view, parent: GENESIS, passed, attempt }))).toBeNull();
    const deposits = startView();
    const item = depositTo(deposits, 0n, 3n);
    const idle = blockOn({ view: deposits, parent: GENESIS, queueItems: [item], transactions: [] });
    expect([idle.context.work, workFault(deposits, NETWORK, idle)]).toEqual([NO_WORK, null]);
  });

  it("is at fault where it is not shown, or another is shown than the block commits to", () => {
    expect(faultOf({ ...sound, evidence: null })).toBe("shows no evidence of its work");
    const other = { ...evidence, result: taggedHash("test/other") };
    expect(faultOf({ ...sound, evidence: other })).toBe("other evidence than it commits to");
  });

  it("is at fault where the randomness was drawn by another, for another place, or is none that anybody drew", () => {
    const fault = "randomness is not its sequencer's";
    expect(faultOf(drawnFor({}))).toBeNull();
    for (const other of [{ number: 2n }, { generation: 1n }, { slot: FIRST_SLOT - 1n }])
      expect(faultOf(drawnFor(other))).toBe(fault);
    expect(faultOf(drawnFor({}, turnOf(view, FIRST_SLOT, 1)))).toBe(fault);
    expect(faultOf(sound, { ...NETWORK, l1ChainId: 1n })).toBe(fault);
    const chosen = { ...sound.context, randomness: taggedHash("test/chosen") };
    expect(faultOf({ ...sound, context: chosen })).toBe(fault);
  });

  it("is at fault where it names somebody who does not hold the seat, the holder of another seat, or one of a job that did not fail", () => {
    const fault = "names others than the holders of its seats";
    const holders = view.seatsOf(FIRST_SLOT, jobIdOf(randomness, 0)).map(({ index }) => index);
    for (const seat of [0, 1]) {
      const stranger = PROVIDERS.find(({ index }) => index !== holders[seat])!;
      const digest = resultDigest(NETWORK, jobIdOf(randomness, 0), evidence.result);
      const signatures = evidence.signatures.with(seat, stranger.bls.sign(digest));
      const seats = work.seats.with(seat, stranger.index);
      expect(faultOf(showing({ signatures }, { ...work, seats }))).toBe(fault);
    }
    const next = workOf(view, FIRST_SLOT, { proof: evidence.proof, randomness }, [], 1);
    expect(faultOf(showing(next.evidence, next.work))).toBeNull();
    expect(next.work.seats).not.toEqual(work.seats);
    expect(faultOf(showing(next.evidence, { ...next.work, attempt: 0 }))).toBe(fault);
  });

  it("is at fault where a seat that served has not signed the result of this job", () => {
    const fault = "a result that a seat did not sign";
    const [one, two] = evidence.signatures;
    const signedBy = (seat: number, digest: ReturnType<typeof resultDigest>) =>
      PROVIDERS[work.seats[seat]!]!.bls.sign(digest);
    const jobId = jobIdOf(randomness, 0);
    const other = signedBy(1, resultDigest(NETWORK, jobId, taggedHash("test/other")));
    const otherJob = signedBy(1, resultDigest(NETWORK, jobIdOf(randomness, 1), evidence.result));
    const elsewhere = signedBy(1, resultDigest({ ...NETWORK, l1ChainId: 1n }, jobId, evidence.result));
    for (const signature of [other, otherJob, elsewhere])
      expect(faultOf(showing({ signatures: [one!, signature] }))).toBe(fault);
    expect(faultOf(showing({ result: ZERO_HASH }))).toBe(fault);
    const count = "not one signature for each seat that served";
    expect(faultOf(showing({ signatures: [one!] }))).toBe(count);
    expect(faultOf(showing({ signatures: [] }))).toBe(count);
    expect(faultOf(showing({ signatures: [one!, two!] }, NO_WORK))).toBe(count);
  });

  it("is at fault where a point of it is none", () => {
    const none = `0x${"11".repeat(96)}` as const;
    const fault = "evidence of no points";
    for (const shown of [
      { ...evidence, proof: none },
      { ...evidence, signatures: [none, none] },
    ])
      expect(faultOf({ ...sound, evidence: shown })).toBe(fault);
  });

  it("is the provers' matter once the block is on L1", () => {
    const posted = startView();
    const blocks = chainOf({ view: posted, parent: GENESIS }, 1);
    post(posted, blocks);
    const unshown = { ...blocks[0]!, evidence: null };
    expect(unpostedWorkFault(posted, NETWORK, unshown)).toBeNull();
    expect(unpostedWorkFault(view, NETWORK, unshown)).toBe("shows no evidence of its work");
    // whoever posts it has to have it, wherever it was before
    expect(workFault(posted, NETWORK, unshown)).toBe("shows no evidence of its work");
  });
});

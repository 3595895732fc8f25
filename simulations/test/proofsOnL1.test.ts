/** Lies that are posted on a real L1, with all its contracts, and convicted there by one transaction; and a false accuser. */
import { createEngine } from "@mvm/evm";
import { askReplay } from "@mvm/l1";
import { accusationOf } from "@mvm/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReplayNetwork } from "../src/bench/replayNetwork.ts";
import { type Lie, richer } from "../src/replay/claimedBlock.ts";
import {
  accused,
  ClaimLab,
  CONTEXT,
  changing,
  FUNDS,
  honest,
  LOGGER,
  POSITION,
  RECEIVER,
} from "../src/replay/claimLab.ts";

/** Places in the block: a transfer, a call that logs, and a third transaction by the case. */
const [TRANSFER, CALL, THIRD] = [1, 2, 3];

let network: ReplayNetwork;
let lab: ClaimLab;
beforeAll(async () => {
  network = await ReplayNetwork.start(12);
  lab = new ClaimLab(await createEngine(), network);
}, 120_000);
afterAll(() => network?.stop());

/** Posts a batch in whose second block somebody lies; gives it with what is wrong in it. */
async function posted(lie: Lie, value = 3n) {
  const users = [
    { to: RECEIVER, value: 5n },
    { to: LOGGER, value: 0n },
    { to: RECEIVER, value },
  ];
  const { batch, claimed } = await lab.post(users, lie);
  const { outcomes, ...rest } = claimed;
  const finding = await lab.finding({ ...rest, outcomes });
  const { leaves } = finding.kind === "wrong-checkpoint" ? finding.wrong : { leaves: [] };
  return { batch, finding, byLeaves: await lab.finding({ ...rest, leaves }), claimed };
}

const LIES: readonly (readonly [string, number, Lie])[] = [
  ["wrong balance", TRANSFER, (index, outcome) => (index === TRANSFER ? richer(outcome, RECEIVER) : outcome)],
  ["wrong gas", CALL, changing(CALL, { gasUsed: 21_000n })],
  ["log left out", CALL, changing(CALL, { logs: [] })],
  ["context that writes nothing", CONTEXT, changing(CONTEXT, { writes: [] })],
];

describe("one transaction on L1", () => {
  it.each(LIES)(
    "convicts a sequencer for its lie: %s",
    async (_, index, lie) => {
      const { batch, finding } = await posted(lie);
      expect(finding).toMatchObject({ kind: "wrong-checkpoint", wrong: { claimed: { index }, invalid: null } });
      if (finding.kind !== "wrong-checkpoint") return;
      const { end } = await network.prove(batch, POSITION, finding.wrong, lab.parent);
      expect(end).toBe("proven");
      expect(await network.nextBlock()).toBe(batch.header.firstBlock);
    },
    60_000,
  );

  it.each(LIES)(
    "convicts a sequencer for its lie where its checkpoints are known by their hashes alone: %s",
    async (_, index, lie) => {
      const { batch, byLeaves } = await posted(lie);
      if (byLeaves.kind !== "wrong-checkpoint") return expect.unreachable(byLeaves.kind);
      const { wrong } = byLeaves;
      expect(wrong).toMatchObject({ index, claimed: wrong.leaves[index], invalid: null });
      expect(await askReplay(network.reader, wrong)).toMatchObject({ kind: "verdict", differs: true });
      expect((await network.prove(batch, POSITION, wrong, lab.parent)).end).toBe("proven");
    },
    60_000,
  );

  it("convicts a sequencer that includes what may not stand in a block, also where its checkpoints are known by their hashes", async () => {
    const { batch, byLeaves } = await posted(honest, FUNDS);
    if (byLeaves.kind !== "wrong-checkpoint") return expect.unreachable(byLeaves.kind);
    expect(byLeaves.wrong).toMatchObject({ index: THIRD, invalid: "insufficient-funds" });
    expect(await askReplay(network.reader, byLeaves.wrong)).toMatchObject({ kind: "verdict", differs: true });
    expect((await network.prove(batch, POSITION, byLeaves.wrong, lab.parent)).end).toBe("proven");
  }, 60_000);

  it("convicts a sequencer that includes what may not stand in a block", async () => {
    const { batch, finding } = await posted(honest, FUNDS);
    expect(finding).toMatchObject({ wrong: { claimed: { index: THIRD }, invalid: "insufficient-funds" } });
    if (finding.kind !== "wrong-checkpoint") return;
    expect((await network.prove(batch, POSITION, finding.wrong, lab.parent)).end).toBe("proven");
  }, 60_000);

  it("costs an accuser its bond where the checkpoint is right, and takes nothing from the sequencer", async () => {
    const { batch, claimed } = await posted(honest);
    const accusation = await lab.falseAccusation(claimed, CALL);
    // a prover asks L1 before it accuses, and does not
    const sender = { l1: network.reader, deployedAtBlock: 0n };
    const asked = await accusationOf(sender, accused(batch), [lab.found(batch, accusation)]);
    expect(asked).toEqual({ kind: "no-verdict", reason: "L1's replay comes to the claimed checkpoint" });
    const leaf = { ...accusation, claimed: accusation.leaves[CALL]! };
    expect(await askReplay(network.reader, leaf)).toMatchObject({ kind: "verdict", differs: false });
    expect((await network.prove(batch, POSITION, accusation, lab.parent)).end).toBe("refuted");
    expect(await network.nextBlock()).toBe(batch.header.lastBlock + 1n);
  }, 60_000);
});

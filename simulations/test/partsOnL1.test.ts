/** Parts of transactions on a real L1, with all its contracts: posters that show wrong ones, false accusers, and proofs that are none. */
import { createEngine, STEP_KINDS } from "@mvm/evm";
import { accuserBonds, bondOf, type PartFault } from "@mvm/l1";
import { type Hash, joinBytes, merkleProof, toAddress } from "@mvm/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReplayNetwork } from "../src/bench/replayNetwork.ts";
import { push } from "../src/fuzz/evmPrograms.ts";
import { AccusedParts, noise } from "../src/replay/accusedParts.ts";
import type { Lie } from "../src/replay/claimedBlock.ts";
import { account, ClaimLab, CONTEXT, changing, FUNDS, honest, LOGGER, RECEIVER } from "../src/replay/claimLab.ts";

/** Places in the block: a call of a program, a transfer, and a third transaction by the case. */
const [CALL, TRANSFER, THIRD] = [1, 2, 3];
const PROGRAM = toAddress("0x00000000000000000000000000000000000c0de1");
/** Writes a slot, calls what logs, and logs itself. */
const PROGRAM_CODE = joinBytes([
  Uint8Array.of(0x60, 1, 0x5f, 0x55, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f),
  push(BigInt(LOGGER)),
  Uint8Array.of(0x5a, 0xf1, 0x50, 0x5f, 0x5f, 0xa0, 0x00),
]);
const ENDED = 3;
/** The parts of its call: which one of its kind each is. */
const PARTS = [
  ["checks what may stand in the block", STEP_KINDS.checking, 0],
  ["goes through its access list", STEP_KINDS.listing, 0],
  ["begins its first frame", STEP_KINDS.calling, 0],
  ["writes storage", "slice", 0],
  ["begins an inner frame", "slice", 1],
  ["runs the inner frame", "slice", 2],
  ["goes on in the frame that awaits it, and ends it", "slice", 3],
  ["pays fees", ENDED, 0],
  ["makes the receipt", STEP_KINDS.receiving, 0],
  ["files the receipt", STEP_KINDS.filingReceipt, 0],
  ["files the transaction", STEP_KINDS.filingTransaction, 0],
] as const;
const TIMEOUT_MS = 60_000;

let network: ReplayNetwork;
let lab: ClaimLab;
beforeAll(async () => {
  network = await ReplayNetwork.start(20);
  lab = new ClaimLab(await createEngine(), network, [account(PROGRAM, 0n, PROGRAM_CODE)]);
}, 120_000);
afterAll(() => network?.stop());

function posted(lie: Lie, value = 3n) {
  const accessList = [{ address: RECEIVER, slots: [] }];
  const users = [{ to: PROGRAM, value: 0n, accessList }, ...[5n, value].map((wei) => ({ to: RECEIVER, value: wei }))];
  return lab.post(users, lie);
}

/** A batch with a lie about a transaction. */
async function lied(lie: Lie, value?: bigint): Promise<AccusedParts> {
  const { batch, claimed } = await posted(lie, value);
  const finding = await lab.finding(claimed);
  return finding.kind === "wrong-checkpoint"
    ? AccusedParts.of(lab, batch, finding.wrong)
    : expect.unreachable(finding.kind);
}

/** A batch without a lie, in which its call and its first transfer are accused. */
async function right(): Promise<{ readonly call: AccusedParts; readonly transfer: AccusedParts }> {
  const { batch, claimed } = await posted(honest);
  const accuse = async (index: number) => AccusedParts.of(lab, batch, await lab.falseAccusation(claimed, index));
  return { call: await accuse(CALL), transfer: await accuse(TRANSFER) };
}

/** Claims that a transaction wrote and logged nothing. */
const idle = (index: number): Lie => changing(index, { writes: [], logs: [] });

/** Asks for a transaction's parts, has these shown, and convicts by the part that has to be wrong. */
async function convict(of: AccusedParts, shown: readonly Hash[], part: number): Promise<void> {
  const unshown = await of.accusation();
  expect(unshown).toMatchObject({ kind: "unshown", wanted: { header: of.batch.header, item: of.item } });
  await of.ask();
  expect(await of.accusation()).toEqual(unshown);
  await of.show(shown);
  const ready = await of.accusation();
  expect(ready).toMatchObject({ kind: "ready", part: { number: part, of: of.own.length } });
  if (ready.kind !== "ready") return;
  expect((await network.accuse(of.batch, ready.call)).end).toBe("proven");
  expect(await network.nextBlock()).toBe(of.batch.header.firstBlock);
  expect(await bondOf(network.reader, of.batch.header.poster)).toMatchObject({ status: "ejected" });
}

describe("the poster of a lie, asked for the parts of its transaction", () => {
  it.each(PARTS)(
    "is convicted by the first part that is wrong: the one that %s",
    async (_, kind, nth) => {
      const of = await lied(idle(CALL));
      expect(of.kinds).toEqual(PARTS.map(([, one]) => one));
      const part = of.partOf(kind, nth);
      await convict(of, of.wrongFrom(part), part);
    },
    TIMEOUT_MS,
  );

  it(
    "is convicted where the transaction is its block's first, a system's",
    async () => {
      const of = await lied(idle(CONTEXT));
      await convict(of, of.wrongFrom(1), 1);
    },
    TIMEOUT_MS,
  );

  it(
    "is convicted by the first part of what may not stand in a block, whatever it makes of it",
    async () => {
      const of = await lied(honest, FUNDS);
      expect(of.wrong).toMatchObject({ index: THIRD, invalid: "insufficient-funds" });
      await convict(of, of.wrongFrom(0, 5), 0);
    },
    TIMEOUT_MS,
  );

  it(
    "is convicted by the end where all parts are right, and the lie stands behind them",
    async () => {
      const of = await lied(idle(CALL));
      await convict(of, [...of.commitments, noise(0), of.leaf], of.own.length);
    },
    TIMEOUT_MS,
  );

  it(
    "is convicted where it leaves out a part",
    async () => {
      const of = await lied(idle(CALL));
      const skipped = of.partOf("slice", 1);
      await convict(of, of.commitments.toSpliced(skipped, 1).with(-1, of.leaf), skipped - 1);
    },
    TIMEOUT_MS,
  );
});

const bond = () => accuserBonds(network.reader, network.operator);

describe("an honest transaction", () => {
  it(
    "costs an accuser its bond who puts a part of it, and takes nothing from its poster",
    async () => {
      const { call } = await right();
      const { header } = call.batch;
      const { totalWei } = await bondOf(network.reader, header.poster);
      await call.ask();
      await call.show(call.commitments);
      const reason = expect.stringContaining("the transaction's parts are as they have to be");
      expect(await call.accusation()).toEqual({ kind: "no-verdict", reason });
      for (const place of call.kinds.keys())
        expect(await call.verdictOn(call.fault(place))).toMatchObject({ kind: "verdict", isFraud: false });
      for (const place of [call.partOf("slice", 1), call.partOf(STEP_KINDS.filingTransaction)]) {
        const { paidWei, neededWei } = await bond();
        expect((await network.accuse(call.batch, call.proof(call.fault(place)))).end).toBe("refuted");
        expect((await bond()).paidWei).toBe(paidWei - neededWei);
      }
      expect((await bondOf(network.reader, header.poster)).totalWei).toBe(totalWei);
      expect(await network.nextBlock()).toBe(header.lastBlock + 1n);
    },
    TIMEOUT_MS,
  );

  it(
    "convicts its poster who shows others behind its end",
    async () => {
      const { call } = await right();
      await convict(call, [...call.commitments, noise(0), call.leaf], call.own.length);
    },
    TIMEOUT_MS,
  );

  it(
    "is not touched by proofs that are none: of other transactions, batches, starts and ends, or of what was not shown",
    async () => {
      const other = (await right()).call;
      const { call, transfer } = await right();
      const before = await bond();
      /** Neither asked nor sent does a proof come to a verdict. */
      const isNone = async (of: AccusedParts, fault: PartFault, error: string): Promise<void> => {
        expect(await of.verdictOn(fault)).toEqual({
          kind: "no-verdict",
          reason: `partVerifier.judge reverts: ${error}`,
        });
        const proof = of.proof(fault);
        await expect(network.accuse(of.batch, proof)).rejects.toMatchObject({ code: "CALL_EXCEPTION" });
        await expect(network.send(proof)).rejects.toMatchObject({ data: { revert: { name: "NoVerdict" } } });
      };
      await isNone(call, call.fault(0), "NotShown");
      for (const of of [call, transfer, other]) await of.ask();
      await isNone(call, call.fault(0), "NotShown");
      await call.show(call.commitments);
      // the ask for the other transaction's parts is open from here on
      await isNone(transfer, transfer.fault(0), "NotShown");
      await isNone(other, call.fault(0), "NotShown");
      await other.show(other.commitments);

      const { commitments, item } = call;
      const place = call.partOf("slice");
      await isNone(call, transfer.fault(0, { item }), "WrongPath");
      await isNone(call, call.fault(0, { replay: transfer.own.proof(0) }), "WrongStart");
      await isNone(other, call.fault(place), "WrongPath");
      await isNone(other, other.fault(place, { replay: call.own.proof(place) }), "WrongStart");

      await isNone(call, call.fault(place, { replay: call.own.proof(place + 1) }), "WrongStart");
      await isNone(call, call.fault(place, { replay: call.own.proof(0) }), "WrongStart");
      await isNone(call, call.fault(place + 1, { place }), "WrongPath");
      for (const after of [commitments[place + 2]!, noise(0)])
        await isNone(call, call.fault(place, { commitments: [commitments[place]!, after] }), "WrongPath");

      const end = { item, place: call.own.length, checkpoint: call.own.after! };
      await isNone(call, { ...end, siblings: merkleProof(commitments, end.place) }, "LastCommitment");
      await isNone(call, { ...end, place, siblings: merkleProof(commitments, place) }, "WrongPath");

      await transfer.show(transfer.commitments);
      expect(await bond()).toEqual(before);
      expect(await network.nextBlock()).toBe(call.batch.header.lastBlock + 1n);
    },
    TIMEOUT_MS,
  );
});

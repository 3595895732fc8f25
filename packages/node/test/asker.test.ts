/** A prover's asks on a real L1: each item is paid for once, whoever is killed in between; what nobody shows costs its poster the batch. */
import {
  answerAsk,
  appendBatches,
  askFor,
  askQueue,
  balanceOf,
  chainIdOfLabel,
  headOf,
  type L1Submitter,
  postingOf,
  standingBatches,
} from "@mvm/l1";
import { type AskItem, type BatchHeader, type ChainId, hashBatchHeader, merkleRoot, PROFILES } from "@mvm/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  beginNextDraw,
  createDacNamed,
  fund,
  MT,
  nextHeader,
  registerFor,
  signed,
  startNetwork,
  type TestNetwork,
} from "../../l1/test/network.ts";
import type { Operator } from "../src/index.ts";
import { Asker } from "../src/proving/asker.ts";
import { OneByOne } from "../src/proving/oneByOne.ts";
import { hashOfText } from "./world.ts";

const { askPriceWei, revealDelaySeconds } = PROFILES.devnet;
const [POSTER, PROVER, OTHER, POOR] = [0, 4, 5, 6];
const LEAVES = ["one", "two"].map(hashOfText);
const BLOCKS: AskItem = { kind: "blocks", position: 0 };
const WORDS: AskItem = { kind: "words", position: 0 };

let network: TestNetwork;
let chainId: ChainId;
let header: BatchHeader;
let snapshot: unknown;

beforeAll(async () => {
  network = await startNetwork();
  await createDacNamed(network, "asked");
  chainId = (await chainIdOfLabel(network.reader, "asked"))!;
  await registerFor(network, network.accounts[1]!, "sequencer");
  for (const account of [PROVER, OTHER]) await fund(network, network.accounts[account]!, "disclosures", 1_000n * MT);
  await beginNextDraw(network);
  const data = Uint8Array.of(1);
  const blocksRoot = merkleRoot(LEAVES);
  header = { ...(await nextHeader(network, chainId, data, 2n)), blocksRoot, transactionsRoot: hashOfText("words") };
  await network.accounts[POSTER]!.submit(appendBatches(network.addresses, [signed(network, header, data)]));
}, 120_000);
afterAll(() => network.stop());
beforeEach(async () => {
  if (snapshot !== undefined) await network.anvil.provider.send("evm_revert", [snapshot]);
  snapshot = await network.anvil.provider.send("evm_snapshot", []);
});

/** An asker as a process of it is started: nothing is remembered of another. */
function askerOf(account: number, maxPriceWei?: bigint): Asker {
  const submitter = network.accounts[account] as L1Submitter;
  const operator = {
    ...{ account: submitter.address, l1: network.reader, deployedAtBlock: network.firstBlock, submitter },
    progress: () => undefined,
  } as unknown as Operator;
  return new Asker(operator, { steps: new OneByOne(), maxPriceWei });
}

const itemOf = (item: AskItem) => ({ header, item, fromBlock: network.firstBlock });
const mtOf = (account: number): Promise<bigint> => balanceOf(network.reader, network.accounts[account]!.address);
const asks = async (): Promise<bigint> => (await askQueue(network.reader, hashBatchHeader(header))).count;
const timeIsOver = async (): Promise<void> => {
  await network.anvil.provider.send("evm_increaseTime", [revealDelaySeconds]);
  await network.anvil.mine(1);
};
async function askAs(account: number, item: AskItem): Promise<void> {
  const [standing] = await standingBatches(network.reader, { chainId, downTo: 1n, fromBlock: network.firstBlock });
  const batch = { header, posting: await postingOf(network.reader, standing!) };
  await network.accounts[account]!.submit(askFor(network.addresses, batch, item, 256n * askPriceWei));
}

describe("an asker", { timeout: 120_000 }, () => {
  it("pays once for an item, and reads what anybody shows of it, also where it was killed after each step", async () => {
    const before = await mtOf(PROVER);
    expect(await askerOf(PROVER).advance(itemOf(BLOCKS))).toMatchObject({ kind: "asked", priceMT: "0.1" });
    for (let i = 0; i < 2; i++) expect(await askerOf(PROVER).advance(itemOf(BLOCKS))).toEqual({ kind: "waiting" });
    const shown = { kind: "blocks", position: 0, leaves: LEAVES } as const;
    await network.accounts[OTHER]!.submit(answerAsk(network.addresses, header, shown));
    expect(await askerOf(PROVER).advance(itemOf(BLOCKS))).toEqual({ kind: "answered" });
    expect(await askerOf(PROVER).answer(itemOf(BLOCKS))).toEqual(shown);
    expect([before - (await mtOf(PROVER)), await asks()]).toEqual([askPriceWei, 1n]);
  });

  it("takes its steps one after the other: two at once ask once", async () => {
    const asker = askerOf(PROVER);
    const both = await Promise.all([asker.advance(itemOf(BLOCKS)), asker.advance(itemOf(BLOCKS))]);
    expect(both).toMatchObject([{ kind: "asked" }, { kind: "waiting" }]);
    expect(await asks()).toBe(1n);
  });

  it("takes what others asked for as its own, and has the batch dropped for it", async () => {
    await askAs(OTHER, BLOCKS);
    const before = await mtOf(PROVER);
    expect(await askerOf(PROVER).advance(itemOf(BLOCKS))).toEqual({ kind: "waiting" });
    await timeIsOver();
    expect(await askerOf(PROVER).advance(itemOf(BLOCKS))).toMatchObject({ kind: "dropped" });
    expect((await headOf(network.reader, chainId)).generation).toBe(1n);
    expect([await mtOf(PROVER), await asks()]).toEqual([before, 1n]);
  });

  it("has all prices paid back of asks on a batch that fell, and asks for nothing of it any more", async () => {
    const before = await mtOf(PROVER);
    for (const item of [BLOCKS, WORDS])
      expect(await askerOf(PROVER).advance(itemOf(item))).toMatchObject({ kind: "asked" });
    await timeIsOver();
    expect(await askerOf(PROVER).payBack("asked")).toMatchObject({ asksPaidBack: 0 });
    expect(await askerOf(PROVER).advance(itemOf(WORDS))).toMatchObject({ kind: "dropped" });
    expect(await askerOf(PROVER).payBack("asked")).toEqual({ asksPaidBack: 1, paidBackMT: "0.2" });
    expect(await askerOf(PROVER).payBack("asked")).toMatchObject({ asksPaidBack: 0 });
    // with its share of the fine
    expect(await mtOf(PROVER)).toBeGreaterThan(before);
    expect(await askerOf(PROVER).advance(itemOf(BLOCKS))).toMatchObject({ kind: "refused" });
  });

  it("says so, and sends nothing, where an ask is dearer than it may be, or cannot be paid", async () => {
    for (const position of [0, 1]) await askAs(OTHER, { kind: "checkpoints", position });
    const tooDear = await askerOf(PROVER, 3n * askPriceWei).advance(itemOf(BLOCKS));
    expect(tooDear).toEqual({ kind: "refused", reason: "the ask costs 0.4 MT, more than it may" });
    expect(await askerOf(POOR).advance(itemOf(BLOCKS))).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("has 0 MT on L1, and needs 0.4"),
    });
    expect(await asks()).toBe(2n);
    expect(await askerOf(PROVER, 4n * askPriceWei).advance(itemOf(BLOCKS))).toMatchObject({ kind: "asked" });
  });
});

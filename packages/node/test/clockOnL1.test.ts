/** A chain's clock in the view of a node and on L1: the same batches are final at the same time. */
import { answerAsk, approve, askFor, finalFrom, L1Error, postingOf, type StandingBatch } from "@mvm/l1";
import { hashHeader, PROFILES } from "@mvm/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MT } from "../../l1/test/network.ts";
import { type BridgeNetwork, startBridge } from "./bridgeNetwork.ts";
import { viewOfL1 } from "./viewOfL1.ts";

const { maxWindowSeconds, askPriceWei, proofTimeSeconds } = PROFILES.devnet;
const START_MS = 120_000;
const BATCHES = 4;

let bridge: BridgeNetwork;
let batches: readonly StandingBatch[];

beforeAll(async () => {
  bridge = await startBridge();
  await bridge.network.accounts[0]!.submit(approve(bridge.network.addresses, "disclosures", 1_000n * MT));
  await bridge.passSlots();
  for (let i = 0; i < BATCHES; i++) {
    bridge.ledger.seal([]);
    await bridge.post();
  }
  batches = (await bridge.standing()).toReversed();
}, START_MS);
afterAll(() => bridge.network.stop());

async function isFinal(batch: StandingBatch): Promise<boolean> {
  const posting = await postingOf(bridge.network.reader, batch);
  return (await finalFrom(bridge.network.reader, { header: batch.header, posting }, true)) === undefined;
}

/** Goes on by so many seconds, then compares; gives how many batches are final. */
async function after(seconds: number): Promise<number> {
  await bridge.network.anvil.provider.send("evm_increaseTime", [seconds]);
  await bridge.network.anvil.mine(1);
  const view = await viewOfL1(bridge.network);
  let final = 0;
  for (const batch of batches) {
    const onL1 = await isFinal(batch);
    expect(view.finalHead(bridge.chainId) >= batch.header.lastBlock, `batch ${batch.header.index}`).toBe(onL1);
    if (onL1) final += 1;
  }
  return final;
}

async function ask(index: number): Promise<void> {
  const batch = batches[index]!;
  const asked = { header: batch.header, posting: await postingOf(bridge.network.reader, batch) };
  const item = { kind: "blocks", position: 0 } as const;
  await bridge.network.accounts[0]!.submit(askFor(bridge.network.addresses, asked, item, askPriceWei));
}

async function answer(index: number): Promise<void> {
  const { header } = batches[index]!;
  const leaves = bridge.ledger.headers.slice(Number(header.firstBlock) - 1, Number(header.lastBlock)).map(hashHeader);
  const call = answerAsk(bridge.network.addresses, header, { kind: "blocks", position: 0, leaves });
  await bridge.network.accounts[5]!.submit(call);
}

describe("a chain's clock", { timeout: START_MS }, () => {
  it("stands and runs in a node's view as on L1, through pauses that lie within, beside and over each other", async () => {
    expect(await after(10)).toBe(0);
    await ask(0);
    expect(await after(15)).toBe(0);
    await ask(2);
    await answer(0);
    expect(await after(maxWindowSeconds)).toBe(0);
    await answer(2);
    // asked for again while the clock stands on after the last answer
    await after(Math.floor(proofTimeSeconds / 2));
    await ask(1);
    await after(20);
    await answer(1);
    await after(proofTimeSeconds);
    await after(7);
    await ask(3);
    await after(9);
    await answer(3);
    const finals: number[] = [];
    for (let seconds = 0; seconds < maxWindowSeconds + proofTimeSeconds; seconds += 3) finals.push(await after(3));
    expect(finals[0]).toBe(0);
    expect(finals.at(-1)).toBe(BATCHES);
  });

  it("has no batch taken that is final: who asks for it is refused", async () => {
    await expect(ask(0)).rejects.toThrow(L1Error);
  });
});

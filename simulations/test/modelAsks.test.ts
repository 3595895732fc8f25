import {
  type BatchHeader,
  decodeAskItem,
  encodeAskItem,
  hashBatchHeader,
  merkleRoot,
  PROFILES,
  toChainId,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { ModelAsks, stoodBetween } from "../src/modelAsks.ts";
import { emptyChain, emptyState, type ModelState } from "../src/modelRollup.ts";

const CHAIN_ID = toChainId(1_000);
const LEAVES = [hashOf(1), hashOf(2)];
const START = 1_000n;
const { revealDelaySeconds, maxWindowSeconds, proofTimeSeconds } = PROFILES.devnet;
const asks = new ModelAsks(PROFILES.devnet);
const blocks = { kind: "blocks", position: 0 } as const;
const words = { kind: "words", position: 0 } as const;

function hashOf(n: number) {
  return `0x${n.toString(16).padStart(64, "0")}` as BatchHeader["blocksRoot"];
}

const HEADER: BatchHeader = {
  chainId: CHAIN_ID,
  generation: 0n,
  index: 0n,
  previousBatchHash: ZERO_HASH,
  firstBlock: 1n,
  lastBlock: 2n,
  blobHash: ZERO_HASH,
  dataHash: ZERO_HASH,
  blocksRoot: merkleRoot(LEAVES),
  transactionsRoot: ZERO_HASH,
  queueEnd: 0n,
  slot: 2n,
  poster: ZERO_ADDRESS,
};
const batchHash = hashBatchHeader(HEADER);
const answer = { header: HEADER, answer: { ...blocks, leaves: LEAVES } };

let state: ModelState;

beforeEach(() => {
  state = emptyState();
  state.timestamp = START;
  const chain = emptyChain(ZERO_HASH);
  chain.batches.push({ header: HEADER, data: new Uint8Array(), timestamp: START });
  state.chains.set(CHAIN_ID, chain);
});

const kinds = (end: readonly { readonly kind: string }[] | string) =>
  typeof end === "string" ? end : end.map(({ kind }) => kind);

describe("asks in the model of L1", () => {
  it("are served in their order, and stop the chain's clock until the last is answered and a while after", () => {
    expect(kinds(asks.ask(state, HEADER, blocks))).toEqual(["clockHeld", "askServed", "asked"]);
    expect(kinds(asks.ask(state, HEADER, words))).toEqual(["asked"]);
    state.timestamp += 5n;
    expect(kinds(asks.answer(state, ZERO_ADDRESS, answer))).toEqual(["askAnswered", "askServed"]);
    const { pauses } = state.chains.get(CHAIN_ID)!;
    state.timestamp += 100n;
    expect(stoodBetween(pauses, START, state.timestamp)).toBe(105n);
  });

  it("cost each item once, and are of what the batch has", () => {
    asks.ask(state, HEADER, blocks);
    expect(asks.ask(state, HEADER, blocks)).toBe("asked before");
    expect(asks.ask(state, HEADER, { kind: "checkpoints", position: 2 })).toBe("unknown item");
    expect(kinds(asks.ask(state, HEADER, { kind: "checkpoints", position: 1 }))).toEqual(["asked"]);
  });

  it("take no answer that is none, and none to what is not served", () => {
    asks.ask(state, HEADER, words);
    expect(asks.answer(state, ZERO_ADDRESS, answer)).toBe("not served");
    const wrong = { header: HEADER, answer: { ...blocks, leaves: LEAVES.toReversed() } };
    expect(asks.answer(state, ZERO_ADDRESS, wrong)).toBe("other leaves");
  });

  it("drop the batch after revealDelay, not before, and never after an answer", () => {
    asks.ask(state, HEADER, blocks);
    state.timestamp += BigInt(revealDelaySeconds) - 1n;
    expect(asks.expire(state, HEADER)).toBe("not expired");
    state.timestamp += 1n;
    expect(typeof asks.expire(state, HEADER)).toBe("object");
    asks.answer(state, ZERO_ADDRESS, answer);
    expect(asks.expire(state, HEADER)).toBe("not served");
  });

  it("let a batch become final by the time that its clock ran", () => {
    asks.ask(state, HEADER, blocks);
    state.timestamp += 50n;
    asks.answer(state, ZERO_ADDRESS, answer);
    state.timestamp = START + 50n + BigInt(proofTimeSeconds + maxWindowSeconds) - 1n;
    expect(asks.isFinal(state, HEADER)).toBe(false);
    state.timestamp += 1n;
    expect(asks.isFinal(state, HEADER)).toBe(true);
    expect(asks.ask(state, HEADER, words)).toBe("final");
  });

  it("on a batch that fell are paid back, the clock let go of once", () => {
    asks.ask(state, HEADER, blocks);
    asks.ask(state, HEADER, words);
    expect(asks.payBack(state, HEADER, 0n)).toBe("batch stands");
    state.chains.get(CHAIN_ID)!.batches.length = 0;
    expect(asks.answer(state, ZERO_ADDRESS, answer)).toBe("batch fell");
    expect(kinds(asks.payBack(state, HEADER, 0n))).toEqual(["clockReleased", "asksClosed"]);
    expect(asks.payBack(state, HEADER, 0n)).toBe("nothing to pay back");
    expect(kinds(asks.payBack(state, HEADER, 1n))).toEqual(["asksClosed"]);
    expect(state.asks.get(batchHash)!.items).toEqual([null, null]);
  });

  it("number items as the contract does", () => {
    const place = { position: 3, index: 5 } as const;
    const items = [
      ...[blocks, words, { kind: "transactions", position: 3 } as const],
      ...[{ kind: "parts", ...place } as const, { kind: "stretch", ...place, stretch: 2 } as const],
      { kind: "bytes", ...place } as const,
    ];
    const parts = 4n + 3n * 8n + 5n * 2n ** 14n;
    expect(items.map(encodeAskItem)).toEqual([0n, 1n, 27n, parts, parts + 1n + 2n * 2n ** 25n, parts + 2n]);
    for (const item of items) expect(decodeAskItem(encodeAskItem(item))).toEqual(item);
  });
});

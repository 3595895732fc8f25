import type { SignedBatch } from "@mvm/node";
import {
  type Address,
  addressOf,
  type BatchHeader,
  batchDigest,
  depositItem,
  drawSequencers,
  fromHex,
  hashBatchHeader,
  keccakHash,
  PROFILES,
  SNAPSHOT_DISTANCE,
  STAKE_GRID_POSITIONS,
  StakeHistory,
  signDigest,
  slotSeed,
  taggedHash,
  toAddress,
  toChainId,
  toWord,
  ZERO_HASH,
} from "@mvm/protocol";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type ChainRecord, copyOf, emptyChain, emptyState, ModelRollup, type ModelState } from "../src/modelRollup.ts";

const CHAIN_ID = toChainId(1_000);
const NETWORK = { l1ChainId: 31_337n, comco: toAddress(`0x${"c0".repeat(20)}`) };
const GENESIS = taggedHash("test/genesis");
const SLOT = 3n;
const { epochBlocks, rankDelayBlocks, forceDelaySeconds, openAfterSeconds } = PROFILES.devnet;
const BEGIN = SLOT * BigInt(epochBlocks);
const keyOf = (index: number) => fromHex(taggedHash("test/key", toWord(BigInt(index))));
const operatorOf = (index: number): Address => addressOf(keyOf(index));
const rollup = new ModelRollup(NETWORK, PROFILES.devnet);

/** L1 at the begin of the slot, with so many sequencers of equal stake, and one DAC. */
function stateOf(sequencers: number): ModelState & { readonly chain: ChainRecord } {
  const state = emptyState();
  state.number = BEGIN;
  state.timestamp = 1_000n;
  for (let index = 0; index < sequencers; index++) {
    state.members.sequencer.push(operatorOf(index));
    state.stakes.push({ epoch: 0n, index, grid: 40 });
  }
  for (const slot of [SLOT - 1n, SLOT]) state.randomness.set(slot, taggedHash("test/randomness", toWord(slot)));
  const chain = emptyChain(GENESIS);
  state.chains.set(CHAIN_ID, chain);
  return Object.assign(state, { chain });
}

describe("the model's draw of sequencers", () => {
  it("is the protocol's for any history of stakes, thresholds and slots", () => {
    const change = fc.record({
      epoch: fc.bigInt({ min: 0n, max: 2n }),
      index: fc.nat({ max: 11 }),
      grid: fc.oneof(fc.constant(0), fc.nat({ max: 40 }), fc.nat({ max: STAKE_GRID_POSITIONS - 1 })),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.nat({ max: 60 }), fc.nat(), (changes, thresholdMT, salt) => {
        const state = stateOf(0);
        const history = new StakeHistory();
        for (let index = 0; index < 12; index++) state.members.sequencer.push(operatorOf(index));
        for (const each of changes.toSorted((a, b) => Number(a.epoch - b.epoch))) {
          state.stakes.push(each);
          history.apply(each);
        }
        state.chain.thresholds.push({ epoch: 0n, thresholdMT });
        const randomness = taggedHash("test/salt", toWord(BigInt(salt)));
        state.randomness.set(SLOT, randomness);
        const draw = {
          tree: history.snapshot(SLOT - SNAPSHOT_DISTANCE),
          seed: slotSeed(randomness, CHAIN_ID, SLOT),
          thresholdWei: BigInt(thresholdMT) * 10n ** 18n,
        };
        expect(rollup.ranks(state, CHAIN_ID, SLOT)).toEqual(drawSequencers(draw, 8).map(operatorOf));
      }),
    );
  });
});

describe("a batch", () => {
  let state: ReturnType<typeof stateOf>;
  beforeEach(() => {
    state = stateOf(3);
  });

  const indexOfRank = (rank: number): number =>
    state.members.sequencer.indexOf(rollup.ranks(state, CHAIN_ID, SLOT)[rank]!);

  function batchBy(index: number, change: Partial<BatchHeader> = {}, shown: Partial<SignedBatch> = {}): SignedBatch {
    const data = Uint8Array.of(1, 2, 3);
    const header: BatchHeader = {
      chainId: CHAIN_ID,
      generation: 0n,
      index: 0n,
      previousBatchHash: GENESIS,
      firstBlock: 1n,
      lastBlock: 2n,
      blobHash: ZERO_HASH,
      dataHash: keccakHash(data),
      blocksRoot: ZERO_HASH,
      transactionsRoot: ZERO_HASH,
      queueEnd: 0n,
      slot: SLOT,
      poster: operatorOf(index),
      ...change,
    };
    return {
      header,
      data,
      signature: signDigest(keyOf(index), batchDigest(NETWORK, state.randomness.get(header.slot) ?? ZERO_HASH, header)),
      ...shown,
    };
  }

  const queued = (l1Block: bigint, timestamp: bigint) => {
    const to = operatorOf(9);
    const item = depositItem({ queueIndex: BigInt(state.chain.queue.length), from: to, to, mint: 1n });
    const entry = { item, l1Block, timestamp, mintedBefore: BigInt(state.chain.queue.length) };
    state.chain.queue.push(entry);
    return entry;
  };

  it("is taken from the leader of the slot, and of the slot before in its time to post", () => {
    expect(rollup.batchFault(state, batchBy(indexOfRank(0)))).toBeNull();
    const before = rollup.ranks(state, CHAIN_ID, SLOT - 1n)[0]!;
    const late = batchBy(state.members.sequencer.indexOf(before), { slot: SLOT - 1n });
    expect(rollup.batchFault(state, late)).toBeNull();
    state.number = BEGIN + BigInt(PROFILES.devnet.postGraceBlocks);
    expect(rollup.batchFault(state, late)).toBe("slot not open");
  });

  it.each<readonly [string, Partial<BatchHeader>]>([
    ["unknown chain", { chainId: toChainId(5) }],
    ["not the next batch", { index: 1n }],
    ["slot not open", { slot: SLOT + 1n }],
    ["block range", { lastBlock: 0n }],
    ["queue end is beyond the queue", { queueEnd: 1n }],
    ["signature", { previousBatchHash: ZERO_HASH }],
    ["signature", { firstBlock: 2n }],
    ["signature", { generation: 1n }],
    ["signature", { dataHash: ZERO_HASH }],
    ["signature", { poster: operatorOf(7) }],
  ])("is refused for its %s (%#)", (fault, change) => {
    expect(rollup.batchFault(state, batchBy(indexOfRank(0), change))).toBe(fault);
  });

  it("is refused from another rank, unless an item is overdue for long enough and shown", () => {
    const item = queued(1n, 100n);
    const openAt = 100n + BigInt(forceDelaySeconds + openAfterSeconds);
    const rival = indexOfRank(1);
    expect(rollup.batchFault(state, batchBy(rival, { queueEnd: 1n }))).toBe("not elected");
    const shown = batchBy(rival, { queueEnd: 1n }, { firstItem: item });
    state.timestamp = openAt - 1n;
    expect(rollup.batchFault(state, shown)).toBe("not overdue");
    state.timestamp = openAt;
    expect(rollup.batchFault(state, shown)).toBeNull();
    const wrong = batchBy(rival, { queueEnd: 1n }, { firstItem: { ...item, timestamp: 1n } });
    expect(rollup.batchFault(state, wrong)).toBe("first item is not shown");
    expect(rollup.batchFault(state, batchBy(8, { queueEnd: 1n }, { firstItem: item }))).toBe("not elected");
  });

  it("may leave what came less than two epochs before, and must consume what is overdue", () => {
    const old = queued(BigInt((Number(SLOT) - 1) * epochBlocks - 1), 900n);
    queued(BigInt((Number(SLOT) - 1) * epochBlocks), 900n);
    const leader = indexOfRank(0);
    expect(rollup.batchFault(state, batchBy(leader, { queueEnd: 2n }))).toBe("queue end is beyond the queue");
    expect(rollup.batchFault(state, batchBy(leader, { queueEnd: 1n }))).toBeNull();
    expect(rollup.batchFault(state, batchBy(leader))).toBe("next item is not shown");
    state.timestamp = 900n + BigInt(forceDelaySeconds) - 1n;
    expect(rollup.batchFault(state, batchBy(leader, {}, { nextItem: old }))).toBeNull();
    state.timestamp += 1n;
    expect(rollup.batchFault(state, batchBy(leader, {}, { nextItem: old }))).toBe("leaves an overdue item");
  });

  it("comes from who claimed a silent slot, after the time in which the rank before may post", () => {
    const [leader, next] = [indexOfRank(0), indexOfRank(1)];
    const claim = { chainId: CHAIN_ID, rank: 1 };
    state.number = BEGIN + BigInt(rankDelayBlocks) - 1n;
    expect(rollup.claimFault(state, operatorOf(next), claim)).toBe("not silent yet");
    state.number += 1n;
    expect(rollup.claimFault(state, operatorOf(leader), claim)).toBe("not elected");
    expect(rollup.claimFault(state, operatorOf(next), { ...claim, rank: 0 })).toBe("wrong rank");
    expect(rollup.claimFault(state, operatorOf(next), claim)).toBeNull();
    state.chain.claim = { slot: SLOT, rank: 1, previousRank: 0, l1Block: state.number };
    state.number += BigInt(rankDelayBlocks) - 1n;
    expect(rollup.batchFault(state, batchBy(leader))).toBeNull();
    expect(rollup.batchFault(state, batchBy(next))).toBe("not elected");
    state.number += 1n;
    expect(rollup.batchFault(state, batchBy(leader))).toBe("not elected");
    expect(rollup.batchFault(state, batchBy(next))).toBeNull();
  });
});

describe("a conviction", () => {
  const data = Uint8Array.of(1);
  const appended = (state: ReturnType<typeof stateOf>, index: number): void => {
    const { chain } = state;
    const header: BatchHeader = {
      chainId: CHAIN_ID,
      generation: chain.generation,
      index: chain.nextIndex,
      previousBatchHash: chain.lastHash,
      firstBlock: chain.lastBlock + 1n,
      lastBlock: chain.lastBlock + 3n,
      blobHash: ZERO_HASH,
      dataHash: keccakHash(data),
      blocksRoot: ZERO_HASH,
      transactionsRoot: ZERO_HASH,
      queueEnd: chain.queueEnd + 2n,
      slot: SLOT,
      poster: operatorOf(index),
    };
    chain.batches.push({ header, data, timestamp: state.timestamp });
    const lastHash = hashBatchHeader(header);
    const { lastBlock, queueEnd } = header;
    Object.assign(chain, { nextIndex: header.index + 1n, lastHash, lastBlock, queueEnd });
  };

  it("takes the batch and all after it back, as RollupChain does", () => {
    const state = stateOf(3);
    for (const index of [0, 1, 2]) appended(state, index);
    const { chain } = state;
    const first = chain.batches[0]!.header;
    expect(rollup.rollBack(state, CHAIN_ID, 1n)).toBe(true);
    const lastHash = hashBatchHeader(first);
    const head = { nextIndex: 1n, lastHash, lastBlock: 3n, queueEnd: 2n, generation: 1n, rolledBackAt: 1_000n };
    expect(chain).toMatchObject(head);
    expect(chain.batches).toHaveLength(1);
    expect(rollup.rollBack(state, CHAIN_ID, 1n)).toBe(false);
    expect(rollup.rollBack(state, CHAIN_ID, 0n)).toBe(true);
    expect(chain).toMatchObject({ nextIndex: 0n, lastHash: GENESIS, lastBlock: 0n, queueEnd: 0n, generation: 2n });
  });

  it("comes too late for a final batch", () => {
    const state = stateOf(3);
    appended(state, 0);
    state.timestamp += BigInt(PROFILES.devnet.maxWindowSeconds) - 1n;
    const late = copyOf(state);
    late.timestamp += 1n;
    expect([rollup.rollBack(late, CHAIN_ID, 0n), rollup.rollBack(state, CHAIN_ID, 0n)]).toEqual([false, true]);
  });

  it("leaves who was convicted no batch, though it is still drawn, and takes batches of the next generation alone", () => {
    const state = stateOf(3);
    const leader = state.members.sequencer.indexOf(rollup.ranks(state, CHAIN_ID, SLOT)[0]!);
    const batch = (generation: bigint): SignedBatch => {
      const place = { generation, index: 0n, previousBatchHash: GENESIS, firstBlock: 1n, lastBlock: 2n };
      const rest = { blobHash: ZERO_HASH, dataHash: keccakHash(data), blocksRoot: ZERO_HASH };
      const claims = { transactionsRoot: ZERO_HASH, queueEnd: 0n, slot: SLOT, poster: operatorOf(leader) };
      const header: BatchHeader = { chainId: CHAIN_ID, ...place, ...rest, ...claims };
      const digest = batchDigest(NETWORK, state.randomness.get(SLOT)!, header);
      return { header, data, signature: signDigest(keyOf(leader), digest) };
    };
    appended(state, (leader + 1) % 3);
    rollup.rollBack(state, CHAIN_ID, 0n);
    expect(rollup.batchFault(state, batch(0n))).toBe("signature");
    expect(rollup.batchFault(state, batch(1n))).toBeNull();
    state.convicted.add(operatorOf(leader));
    expect(rollup.batchFault(state, batch(1n))).toBe("convicted");
  });

  it("is not seen in a copy that was taken before", () => {
    const state = stateOf(3);
    appended(state, 0);
    const before = copyOf(state);
    rollup.rollBack(state, CHAIN_ID, 0n);
    expect(before.chains.get(CHAIN_ID)!.batches).toHaveLength(1);
  });
});

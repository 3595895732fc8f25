import { drawSequencers, epochRandomness, MAX_RANKS, StakeHistory, slotSeed, stakeGridOf } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { SlotTurns } from "../src/slotTurns.ts";
import { CHAIN, FIRST_SLOT, freshHash, mine, operator, PARAMETERS, startView, turnOf } from "./world.ts";

const MT = 10n ** 18n;
const EPOCH = PARAMETERS.epochBlocks;
const CROWD = Array.from({ length: 12 }, (_, i) => operator(`crowd-${i}`, i));
const gridOf = (stakeMT: number): number => stakeGridOf(BigInt(stakeMT) * MT);
const blockOf = (epoch: bigint): bigint => epoch * BigInt(EPOCH);

/** Turns of a crowd with other stakes each, changed in epoch 0. */
function crowdedTurns(): SlotTurns {
  const turns = new SlotTurns(EPOCH);
  for (const member of CROWD) {
    turns.registered(member);
    turns.stakeChanged(member.index, gridOf(1_000 + 100 * member.index), 0n);
  }
  return turns;
}

/** Tells an epoch's draw block; gives back the epoch's randomness, and how it is undone. */
function drawn(turns: SlotTurns, epoch: bigint) {
  const prevRandao = freshHash();
  const number = blockOf(epoch) - 2n;
  const undo = turns.l1Block({ number, timestamp: 2n * number, baseFeePerGas: 7n, prevRandao });
  return { randomness: epochRandomness(epoch, prevRandao), undo };
}

const indices = (turns: SlotTurns, slot: bigint): readonly number[] =>
  turns.ranks(CHAIN, slot).map(({ index }) => index);

describe("whose turn slots are", () => {
  it("follows from stakes and threshold at the close of the epoch two before", () => {
    const turns = crowdedTurns();
    const history = new StakeHistory();
    for (const { index } of CROWD) history.apply({ epoch: 0n, index, grid: gridOf(1_000 + 100 * index) });
    const changes = [
      { epoch: 1n, index: 11, grid: 0 },
      { epoch: 2n, index: 0, grid: gridOf(90_000) },
      { epoch: 3n, index: 11, grid: gridOf(40_000) },
    ];
    const thresholds = [0n, 0n, 1_900n, 500n, 500n].map((amount) => amount * MT);
    for (let epoch = 1n; epoch <= 5n; epoch++) {
      for (const change of changes.filter((one) => one.epoch === epoch)) {
        turns.stakeChanged(change.index, change.grid, blockOf(epoch));
        history.apply(change);
      }
      if (epoch === 2n) turns.thresholdChanged(CHAIN, 1_900, blockOf(epoch) + 3n);
      if (epoch === 3n) turns.thresholdChanged(CHAIN, 500, blockOf(epoch) + 5n);
      const slot = epoch + 1n;
      const { randomness } = drawn(turns, slot);
      const [tree, thresholdWei] = [history.snapshot(slot - 2n), thresholds[Number(slot - 2n)]!];
      const draw = { tree, seed: slotSeed(randomness, CHAIN, slot), thresholdWei };
      expect(indices(turns, slot)).toEqual(drawSequencers(draw, MAX_RANKS));
      if (slot === 4n) expect(indices(turns, slot).every((index) => index === 0 || index >= 9)).toBe(true);
    }
  });

  it("counts the last of several changes of a threshold in one epoch", () => {
    const turns = crowdedTurns();
    for (const threshold of [10, 2_050, 30])
      turns.thresholdChanged(CHAIN, threshold, blockOf(1n) + BigInt(threshold % 8));
    expect(turns.thresholdWei(CHAIN, 2n)).toBe(0n);
    expect(turns.thresholdWei(CHAIN, 3n)).toBe(30n * MT);
  });

  it("tells no ranks of a slot whose threshold or stakes are forgotten, rather than wrong ones", () => {
    const turns = crowdedTurns();
    drawn(turns, 2n);
    const before = indices(turns, 2n);
    expect(before.length).toBe(MAX_RANKS);
    const undos = [4n, 5n, 6n, 7n].map((epoch) => turns.thresholdChanged(CHAIN, 2_000, blockOf(epoch)));
    expect([indices(turns, 2n), turns.thresholdWei(CHAIN, 2n)]).toEqual([[], undefined]);
    for (const undo of undos.reverse()) undo();
    expect(indices(turns, 2n)).toEqual(before);
    const moves = [4n, 5n, 6n, 7n].map((epoch) => turns.stakeChanged(1, gridOf(5_000 + Number(epoch)), blockOf(epoch)));
    expect(indices(turns, 2n)).toEqual([]);
    for (const undo of moves.reverse()) undo();
    expect(indices(turns, 2n)).toEqual(before);
  });

  it("is as before when a draw block is taken back, and another where another one comes", () => {
    const turns = crowdedTurns();
    const { undo } = drawn(turns, 2n);
    const first = indices(turns, 2n);
    undo();
    expect([turns.valuesOf(2n), indices(turns, 2n)]).toEqual([undefined, []]);
    drawn(turns, 2n);
    expect(indices(turns, 2n)).not.toEqual(first);
  });

  it("keeps the claims of a slot in their order, those of the slots before beside them", () => {
    const turns = crowdedTurns();
    const undos = [
      turns.claimed(CHAIN, 2n, { rank: 1, l1Block: 19n }),
      turns.claimed(CHAIN, 2n, { rank: 3, l1Block: 22n }),
      turns.claimed(CHAIN, 3n, { rank: 2, l1Block: 30n }),
    ];
    const claims = () => [2n, 3n].map((slot) => turns.claimsOf(CHAIN, slot).map(({ rank }) => rank));
    expect(claims()).toEqual([[1, 3], [2]]);
    undos[2]!();
    expect(claims()).toEqual([[1, 3], []]);
    undos[1]!();
    expect(claims()).toEqual([[1], []]);
  });
});

describe("the hand-over of a claimed slot", () => {
  const delay = BigInt(PARAMETERS.rankDelayBlocks);
  const setUp = () => {
    const view = startView(19n);
    const claim = (rank: number, l1Block: bigint): void =>
      view.apply({ kind: "slotClaimed", chainId: CHAIN, slot: FIRST_SLOT, rank, l1Block });
    return { view, claim, ranks: [0, 1].map((rank) => turnOf(view, FIRST_SLOT, rank).operator) };
  };

  it("leaves the turn to nobody for rankDelay, then to the claimer until the slot ends", () => {
    const { view, claim, ranks } = setUp();
    expect(view.turn(CHAIN)?.member.operator).toBe(ranks[0]);
    claim(1, 19n);
    for (let number = 19n; number < 19n + delay; number++) {
      mine(view, number);
      expect([view.turn(CHAIN), view.activeRank(CHAIN)]).toEqual([undefined, 1]);
    }
    mine(view, 19n + delay);
    expect(view.turn(CHAIN)).toMatchObject({ rank: 1, member: { operator: ranks[1] } });
    mine(view, 24n);
    expect(view.turn(CHAIN)?.rank).toBe(0);
  });

  it("may be claimed after rankDelay of silence for each rank: since the slot began, the last batch, the last hand-over", () => {
    const { view, claim } = setUp();
    expect([1, 2, 3].map((rank) => view.claimableFrom(CHAIN, rank))).toEqual([1n, 2n, 3n].map((n) => 16n + n * delay));
    claim(1, 19n);
    const handedOver = 19n + delay;
    expect([2, 3].map((rank) => view.claimableFrom(CHAIN, rank))).toEqual([1n, 2n].map((n) => handedOver + n * delay));
    mine(view, 24n);
    expect(view.claimableFrom(CHAIN, 1)).toBe(24n + delay);
  });
});

import { toChainId } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import {
  blockOn,
  CHAIN,
  depositTo,
  FIRST_BLOCK,
  GENESIS,
  mine,
  PARAMETERS,
  post,
  SEQUENCERS,
  startView,
} from "./world.ts";

const MT = 10n ** 18n;
/** L1 blocks, of a second each, after which an item of the first one opens the queue. */
const OPEN_AFTER = BigInt(PARAMETERS.forceDelaySeconds + PARAMETERS.openAfterSeconds);

describe("a queue that is overdue for so long that it is open", () => {
  it("is every sequencer's whose stake covers the chain, and nobody else's", () => {
    const view = startView();
    depositTo(view, 0n, FIRST_BLOCK);
    const may = (): readonly boolean[] => SEQUENCERS.map(({ operator }) => view.mayPostOpenly(CHAIN, operator));
    mine(view, FIRST_BLOCK + OPEN_AFTER - 1n);
    expect(may().some(Boolean)).toBe(false);
    mine(view, FIRST_BLOCK + OPEN_AFTER);
    expect(may().every(Boolean)).toBe(true);
    const l1Block = view.block.number;
    view.apply({ kind: "stakeChanged", index: SEQUENCERS[0]!.index, grid: 1, stakeWei: 10n ** 18n, l1Block });
    view.apply({ kind: "thresholdChanged", chainId: CHAIN, thresholdMT: 2, l1Block });
    mine(view, l1Block + 2n * BigInt(PARAMETERS.epochBlocks));
    expect(may()).toEqual(SEQUENCERS.map((_, i) => i !== 0));
    view.apply({ kind: "exited", registry: "sequencer", operator: SEQUENCERS[1]!.operator });
    expect(view.mayPostOpenly(CHAIN, SEQUENCERS[1]!.operator)).toBe(false);
  });

  it("forgets a stake that L1 took back", () => {
    const view = startView();
    depositTo(view, 0n, FIRST_BLOCK);
    mine(view, FIRST_BLOCK + OPEN_AFTER);
    const { number } = view.block;
    const [first] = SEQUENCERS;
    view.apply({ kind: "thresholdChanged", chainId: CHAIN, thresholdMT: 1, l1Block: 0n });
    view.apply({ kind: "stakeChanged", index: first!.index, grid: 0, stakeWei: 0n, l1Block: number + 1n });
    expect(view.mayPostOpenly(CHAIN, first!.operator)).toBe(false);
    mine(view, number + 1n);
    view.apply({ kind: "reorg", toBlock: number });
    expect(view.mayPostOpenly(CHAIN, first!.operator)).toBe(true);
  });

  it("is not a sequencer's whose stake is locked for other chains, until a lock is smaller or gone", () => {
    const view = startView();
    depositTo(view, 0n, FIRST_BLOCK);
    view.apply({ kind: "thresholdChanged", chainId: CHAIN, thresholdMT: 400, l1Block: 0n });
    mine(view, FIRST_BLOCK + OPEN_AFTER);
    const { operator } = SEQUENCERS[0]!;
    const lock = (chainId: number, amountMT: bigint): void =>
      view.apply({ kind: "lockChanged", sequencer: operator, chainId: toChainId(chainId), amountWei: amountMT * MT });
    const may = (): boolean => view.mayPostOpenly(CHAIN, operator);
    lock(8, 500n);
    lock(9, 100n);
    view.apply({ kind: "lockChanged", sequencer: operator, chainId: CHAIN, amountWei: 400n * MT });
    expect(may()).toBe(true);
    lock(9, 101n);
    expect([may(), view.canCover(CHAIN, operator)]).toEqual([false, false]);
    expect(view.mayPostOpenly(CHAIN, SEQUENCERS[1]!.operator)).toBe(true);
    const { number } = view.block;
    mine(view, number + 1n);
    lock(9, 0n);
    expect(may()).toBe(true);
    mine(view, number + 2n);
    view.apply({ kind: "reorg", toBlock: number + 1n });
    expect(may()).toBe(false);
  });
});

describe("a lock", () => {
  it("has run out two windows after the last batch of its sequencer on its chain, until it is dropped", () => {
    const view = startView();
    const { operator } = SEQUENCERS[0]!;
    const lock = (amountWei: bigint): void =>
      view.apply({ kind: "lockChanged", sequencer: operator, chainId: CHAIN, amountWei });
    const twoWindows = 2n * BigInt(PARAMETERS.maxWindowSeconds);
    const first = blockOn({ view, parent: GENESIS });
    post(view, [first]);
    lock(5n * MT);
    const posted = view.block.number;
    mine(view, posted + twoWindows);
    expect(view.idleLocks(operator)).toEqual([]);
    mine(view, posted + twoWindows + 1n);
    expect(view.idleLocks(operator)).toEqual([CHAIN]);
    expect(view.idleLocks(SEQUENCERS[1]!.operator)).toEqual([]);
    const { number } = view.block;
    mine(view, number + 1n);
    lock(0n);
    expect(view.idleLocks(operator)).toEqual([]);
    mine(view, number + 2n);
    view.apply({ kind: "reorg", toBlock: number + 1n });
    expect(view.idleLocks(operator)).toEqual([CHAIN]);
  });
});

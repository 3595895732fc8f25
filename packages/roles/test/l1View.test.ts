import { COURIERS, drawBlockOf, epochOf, LIMITS, toAddress, toChainId, toHex, toJobId } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import {
  CHAIN,
  chainOf,
  depositTo,
  FIRST_BLOCK,
  FOUNDING,
  freshHash,
  GENESIS,
  GENESIS_SECONDS,
  HOSTS,
  mine,
  mineOnly,
  PARAMETERS,
  PROVIDERS,
  post,
  SEQUENCERS,
  startView,
  USERS,
} from "./world.ts";

describe("the view of L1", () => {
  it("knows slots and the last L1 block of one", () => {
    const view = startView(15n);
    expect([view.slot, view.slotEnds]).toEqual([1n, true]);
    mine(view, 16n);
    expect([view.slot, view.slotEnds]).toEqual([2n, false]);
  });

  it("draws no slot before its draw block, nor one that looks at an epoch before the first", () => {
    const view = startView(21n);
    expect(view.rankOf(CHAIN, 3n, SEQUENCERS[0]!.operator)).toBeUndefined();
    mine(view, 22n);
    expect(new Set(SEQUENCERS.map(({ operator }) => view.rankOf(CHAIN, 3n, operator)))).toEqual(new Set([0, 1]));
    expect([0n, 1n].map((slot) => view.rankOf(CHAIN, slot, SEQUENCERS[0]!.operator))).toEqual([undefined, undefined]);
  });

  it("draws who left until the epoch that a slot looks at is over, and counts it as no member at once", () => {
    const view = startView();
    const { operator, index, peerId } = SEQUENCERS[0]!;
    view.apply({ kind: "exited", registry: "sequencer", operator });
    view.apply({ kind: "stakeChanged", index, grid: 0, stakeWei: 0n, l1Block: 16n });
    expect([view.isPeerOf("sequencer", peerId), view.member("sequencer", operator)]).toEqual([false, undefined]);
    mine(view, 32n);
    for (const slot of [2n, 3n]) expect(view.rankOf(CHAIN, slot, operator)).toBeDefined();
    expect(view.rankOf(CHAIN, 4n, operator)).toBeUndefined();
    expect(view.rankOf(CHAIN, 4n, SEQUENCERS[1]!.operator)).toBe(0);
  });

  it("draws couriers by a job's id alone, those who hold no seat of it first, and never its addressee", () => {
    const view = startView();
    const jobs = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toJobId(toHex(bytes)));
    const addressees = fc.nat({ max: PROVIDERS.length - 1 });
    let mixed = 0;
    fc.assert(
      fc.property(jobs, addressees, (jobId, addressee) => {
        const seated = new Set(view.seatsOf(view.slot, jobId).map(({ index }) => index));
        const couriers = view.couriersOf(view.slot, jobId, addressee).map(({ index }) => index);
        expect(couriers.length).toBeLessThanOrEqual(COURIERS);
        expect(new Set(couriers).size).toBe(couriers.length);
        expect(couriers).not.toContain(addressee);
        const isSeated = couriers.map((index) => seated.has(index));
        if (new Set(isSeated).size === 2) mixed += 1;
        expect(isSeated).toEqual([...isSeated].sort((a, b) => Number(a) - Number(b)));
        for (const { peerId, index } of PROVIDERS)
          expect(view.isCourier(peerId, jobId, addressee)).toBe(couriers.includes(index));
      }),
    );
    expect(mixed).toBeGreaterThan(0);
    expect(view.couriersOf(0n, toJobId(freshHash()), 0)).toEqual([]);
  });

  it("keeps the hosts drawn for a DAC, at their newest address, while they are registered", () => {
    const view = startView();
    const hosts = view.hosts(CHAIN);
    expect(hosts.length).toBe(LIMITS.storageReplicas);
    const [first] = hosts;
    const moved = { kind: "addressUpdated", registry: "storage", operator: first!.operator } as const;
    view.apply({ ...moved, peerId: HOSTS[0]!.peerId, multiaddr: "/new" });
    expect(view.hosts(CHAIN)[0]!.multiaddr).toBe("/new");
    view.apply({ kind: "exited", registry: "storage", operator: first!.operator });
    expect(view.hosts(CHAIN)).toEqual(hosts.slice(1));
  });

  it("has no hosts of a DAC before the first randomness that comes after it", () => {
    const view = startView();
    const draws = (created: bigint): bigint => {
      mine(view, created - 1n);
      const chainId = toChainId(9_000n + created);
      const genesisHash = freshHash();
      view.apply({ kind: "dacCreated", chainId, label: "x", genesisHash, timestamp: 1n, founding: FOUNDING });
      for (let number = created; ; number++) {
        mine(view, number);
        if (view.hosts(chainId).length > 0) return number;
      }
    };
    const drawBlock = drawBlockOf(view.slot + 1n, PARAMETERS.epochBlocks);
    expect(draws(drawBlock - 1n)).toBe(drawBlock);
    // who makes the block that brings the randomness knows it
    expect(draws(drawBlock + 8n)).toBe(drawBlock + 16n);
  });

  it("draws another host for one that left, who does not come back by registering anew, and whoever is there where there are too few", () => {
    const view = startView();
    const operators = (): readonly string[] => view.hosts(CHAIN).map(({ operator }) => operator);
    const [first, second, third] = operators();
    const spare = HOSTS.find(({ operator }) => !operators().includes(operator))!.operator;
    const nextDraw = (): void => {
      const { epochBlocks } = PARAMETERS;
      mine(view, drawBlockOf(epochOf(view.block.number + 2n, epochBlocks) + 1n, epochBlocks));
      mine(view, view.block.number + BigInt(epochBlocks));
    };
    const leave = (operator: string) =>
      view.apply({ kind: "exited", registry: "storage", operator: toAddress(operator) });
    const come = (operator: string | undefined) =>
      view.apply({
        kind: "registered",
        registry: "storage",
        member: HOSTS.find((member) => member.operator === operator)!,
      });
    leave(first!);
    come(first);
    expect(operators()).toEqual([second, third]);
    nextDraw();
    expect(operators()).toEqual([second, third, spare]);
    leave(third!);
    nextDraw();
    expect(operators()).toEqual([second, spare, first]);
    leave(spare);
    leave(second!);
    nextDraw();
    expect(operators()).toEqual([first]);
    for (const operator of [spare, third, second]) come(operator);
    nextDraw();
    nextDraw();
    expect(operators()[0]).toBe(first);
    expect(new Set(operators()).size).toBe(LIMITS.storageReplicas);
  });

  it("gives queue items in their order, those of the epochs that a slot looks at, at most a block's worth", () => {
    const view = startView();
    const items = Array.from({ length: 70 }, (_, i) => depositTo(view, BigInt(i), i < 66 ? 7n : 8n));
    expect(view.queueItems(CHAIN, 0n, 2n)).toEqual(items.slice(0, LIMITS.blockQueueItems));
    expect(view.queueItems(CHAIN, 64n, 2n)).toEqual(items.slice(64, 66));
    expect(view.queueItems(CHAIN, 64n, 3n)).toEqual(items.slice(64));
    expect(view.queueItems(CHAIN, 70n, 9n)).toEqual([]);
    expect([1n, 2n, 3n].map((slot) => view.consumable(CHAIN, slot))).toEqual([0n, 66n, 70n]);
  });

  it("keeps items beyond a block's gas or bytes for the next one, and gives the first one always", () => {
    const view = startView();
    const to = USERS[0]!.operator;
    const base = { from: to, to, mint: 0n, value: 0n };
    const heavy = { ...base, kind: "message" as const, gasLimit: LIMITS.transactionGas, data: new Uint8Array(1) };
    const long = { ...base, kind: "exit" as const, gasLimit: 0n, data: new Uint8Array(LIMITS.queueDataBytes) };
    for (const [i, item] of [heavy, heavy, long, long].entries()) {
      const queued = { ...item, queueIndex: BigInt(i) };
      view.apply({
        kind: "queueItemAdded",
        chainId: CHAIN,
        item: queued,
        l1Block: 1n,
        timestamp: 1n,
        mintedBefore: 0n,
      });
    }
    expect([0n, 1n, 2n, 3n].map((from) => view.queueItems(CHAIN, from, 2n).length)).toEqual([1, 2, 1, 1]);
    expect([0n, 1n, 2n, 3n].map((from) => view.dueItems(CHAIN, from, 2n).length)).toEqual([4, 3, 2, 1]);
  });

  it("remembers the L1 values of the newest slots, two months of mainnet's", () => {
    const kept = 16_384n;
    const view = startView(22n);
    const third = view.valuesOf(3n)!;
    expect(third).toMatchObject({ l1Block: 22n, timestamp: BigInt(GENESIS_SECONDS) + 22n });
    expect(view.valuesOf(4n)).toBeUndefined();
    for (let slot = 4n; slot < 3n + kept; slot++) mineOnly(view, slot * 8n - 2n);
    expect(view.valuesOf(3n)).toEqual(third);
    mineOnly(view, (3n + kept) * 8n - 2n);
    expect([view.valuesOf(3n), view.valuesOf(4n)?.l1Block]).toEqual([undefined, 30n]);
    view.apply({ kind: "reorg", toBlock: (2n + kept) * 8n });
    expect(view.valuesOf(3n)).toEqual(third);
  });

  it("tells what a DAC is founded with", () => {
    expect(startView().dac(CHAIN)?.founding).toEqual(FOUNDING);
  });

  it("takes a batch for posted at once, and for final when its window is over", () => {
    const view = startView();
    const blocks = chainOf({ view, parent: GENESIS }, 3);
    post(view, blocks);
    expect([view.postedHead(CHAIN), view.finalHead(CHAIN)]).toEqual([3n, 0n]);
    const window = BigInt(PARAMETERS.maxWindowSeconds);
    mine(view, FIRST_BLOCK + window - 1n);
    expect(view.finalHead(CHAIN)).toBe(0n);
    mine(view, FIRST_BLOCK + window);
    expect(view.finalHead(CHAIN)).toBe(parentOf(blocks[2]!).header.number);
  });
});

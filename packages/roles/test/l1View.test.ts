import { LIMITS } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import {
  CHAIN,
  chainOf,
  depositTo,
  FOUNDING,
  GENESIS,
  HOSTS,
  mine,
  PARAMETERS,
  post,
  SEQUENCERS,
  startView,
} from "./world.ts";

describe("the view of L1", () => {
  it("knows slots and the last L1 block of one", () => {
    const view = startView(7n);
    expect([view.slot, view.slotEnds]).toEqual([0n, true]);
    mine(view, 8n);
    expect([view.slot, view.slotEnds]).toEqual([1n, false]);
  });

  it("gives every slot to one sequencer in turn, and forgets those that left", () => {
    const view = startView();
    const turns = [1n, 2n, 3n, 4n].map((slot) => view.sequencer(CHAIN, slot)!.operator);
    expect(turns[0]).not.toBe(turns[1]);
    expect(turns.slice(2)).toEqual(turns.slice(0, 2));
    view.apply({ kind: "exited", registry: "sequencer", operator: SEQUENCERS[0]!.operator });
    expect(view.sequencer(CHAIN, 1n)!.operator).toBe(SEQUENCERS[1]!.operator);
    expect(view.isPeerOf("sequencer", SEQUENCERS[0]!.peerId)).toBe(false);
    view.apply({ kind: "exited", registry: "sequencer", operator: SEQUENCERS[1]!.operator });
    expect(view.sequencer(CHAIN, 1n)).toBeUndefined();
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

  it("gives deposits in queue order up to an L1 block, at most a block's worth", () => {
    const view = startView();
    const deposits = Array.from({ length: 70 }, (_, i) => depositTo(view, BigInt(i), i < 66 ? 5n : 9n));
    expect(view.deposits(CHAIN, 0n, 9n)).toEqual(deposits.slice(0, LIMITS.blockDeposits));
    expect(view.deposits(CHAIN, 64n, 8n)).toEqual(deposits.slice(64, 66));
    expect(view.deposits(CHAIN, 70n, 9n)).toEqual([]);
  });

  it("remembers the base fees of the newest L1 blocks, a day of them, whatever numbers they have", () => {
    const view = startView(8n);
    const fee = view.l1BaseFee(8n)!;
    expect(fee).toBeGreaterThan(0n);
    expect(view.l1BaseFee(9n)).toBeUndefined();
    for (let i = 1n; i < 7_200n; i++) mine(view, 8n + 2n * i);
    expect(view.l1BaseFee(8n)).toBe(fee);
    const newest = 8n + 2n * 7_200n;
    mine(view, newest);
    expect(view.l1BaseFee(8n)).toBeUndefined();
    expect(view.l1BaseFee(10n)).toBe(fee + 2n);
    const known = Array.from({ length: Number(newest) + 1 }, (_, i) => view.l1BaseFee(BigInt(i)));
    expect(known.filter((each) => each !== undefined).length).toBe(7_200);
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
    mine(view, 8n + window - 1n);
    expect(view.finalHead(CHAIN)).toBe(0n);
    mine(view, 8n + window);
    expect(view.finalHead(CHAIN)).toBe(parentOf(blocks[2]!).header.number);
  });
});

import { LIMITS } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import { CHAIN, chainOf, depositTo, GENESIS, HOSTS, mine, PARAMETERS, post, SEQUENCERS, startView } from "./world.ts";

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

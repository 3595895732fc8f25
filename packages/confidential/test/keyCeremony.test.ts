import { fromHex, type Hex, taggedHash, toHex, toWord } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dealingOf, partsBySeed } from "../../protocol/vectors/threshold.ts";
import { KeyLedger } from "../src/index.ts";
import { CHAIN, DOMAIN, EPOCH_BLOCKS, KeyWorld, person, ROUND_BLOCKS, type Twist } from "./keyWorld.ts";

const [a, b, c, d, e] = [0, 1, 2, 3, 4].map(person) as [
  ReturnType<typeof person>,
  ReturnType<typeof person>,
  ReturnType<typeof person>,
  ReturnType<typeof person>,
  ReturnType<typeof person>,
];

/** A world in which a, b and c have a key. */
function withKey(): KeyWorld {
  const world = new KeyWorld([a, b, c, d, e]);
  world.setHosts([a, b, c]);
  world.of(a).want();
  world.blocks(ROUND_BLOCKS + 2);
  return world;
}

/** Damages a byte in the middle of what somebody deals: a share of one member or another, a commitment, a proof. */
const damaging =
  (who: typeof a, place: number): Twist =>
  (effect, by) => {
    if (by !== who || effect.isComplaint) return effect;
    const data = effect.data.slice();
    data[Math.floor((data.length - 1) * place)]! ^= 1;
    return { ...effect, data };
  };

describe("the key of a DAC's hosts", () => {
  it("is made when one of them needs it, the same for all, and any two of three compute with it", () => {
    const world = withKey();
    expect(new Set([a, b, c].map((one) => world.of(one).key?.groupKey)).size).toBe(1);
    const value = world.value([a, b]);
    expect(value).not.toBeNull();
    expect([world.value([b, c]), world.value([c, a]), world.value([c, b, a])]).toEqual([value, value, value]);
    expect(world.value([a])).toBeNull();
    expect(world.of(d).share).toBeNull();
  });

  it("is not made as long as nobody needs it, and costs nothing once it is there", () => {
    const world = new KeyWorld([a, b, c]);
    world.setHosts([a, b, c]);
    world.blocks(3 * ROUND_BLOCKS);
    expect(world.said).toBe(0);
    world.of(b).want();
    world.blocks(2 * ROUND_BLOCKS);
    expect(world.of(a).key).not.toBeNull();
    expect(world.said).toBe(3);
    world.blocks(2 * ROUND_BLOCKS);
    expect(world.said).toBe(3);
  });

  it("is what every reader of L1 finds, who was there or was not", () => {
    const world = withKey();
    const ledger = new KeyLedger({ domain: DOMAIN, chainId: CHAIN, epochBlocks: EPOCH_BLOCKS });
    expect(ledger.at(world.record, world.l1Block).made?.key).toEqual(world.of(a).key);
  });

  it("is handed on when hosts change: values stay, newcomers compute, and an old share is worth nothing beside new ones", () => {
    const world = withKey();
    const [value, old] = [world.value([a, b]), world.of(a).share];
    world.setHosts([b, c, d]);
    world.blocks(ROUND_BLOCKS + 2);
    expect(world.of(d).key?.groupKey).toBe(old?.key.groupKey);
    expect(world.value([d, b])).toBe(value);
    expect(world.of(a).share).toBeNull();
    expect(world.of(b).share?.share).not.toEqual(old?.share);
    world.setHosts([d, e, a]);
    world.blocks(ROUND_BLOCKS + 2);
    expect([world.value([e, d]), world.value([a, e])]).toEqual([value, value]);
    expect(world.of(a).share?.share).not.toEqual(old?.share);
  });

  it("stays the last one's as long as too few of those hosts hand it on, and goes on when they are back", () => {
    const world = withKey();
    const value = world.value([a, b]);
    world.setHosts([c, d, e]);
    world.blocks(2 * ROUND_BLOCKS, () => [c, d, e]);
    expect(world.of(d).key).toBeNull();
    world.blocks(2 * ROUND_BLOCKS);
    expect(world.value([d, e])).toBe(value);
  });

  it("is made without whoever deals wrongly, wherever the fault is", () => {
    for (const place of [0, 0.15, 0.45, 0.55, 0.65, 0.95]) {
      const world = new KeyWorld([a, b, c]);
      world.twist = damaging(b, place);
      world.setHosts([a, b, c]);
      world.of(a).want();
      world.blocks(ROUND_BLOCKS + 2);
      expect(world.of(a).key?.dealers, `damaged at ${place}`).toEqual([0, 2]);
      expect(world.value([a, b])).toBe(world.value([b, c]));
    }
  });

  it("is made without whoever deals one member a wrong share, in a proven dealing; the liar itself has the key", () => {
    const world = new KeyWorld([a, b, c]);
    const ledger = new KeyLedger({ domain: DOMAIN, chainId: CHAIN, epochBlocks: EPOCH_BLOCKS });
    world.twist = (effect, by) => {
      if (by !== b || effect.isComplaint) return effect;
      const { id: roundId, members, threshold } = ledger.at(world.record, world.l1Block).open!.round;
      const seed = taggedHash("test/liar");
      const parts = { roundId, dealer: 1, members, seed, ...partsBySeed(roundId, 1, threshold, seed) };
      const change = (share: string, member: number) => (member === 2 ? toHex(toWord(5n)) : share);
      return { ...effect, data: fromHex(dealingOf({ ...parts, change }) as Hex) };
    };
    world.setHosts([a, b, c]);
    world.of(a).want();
    world.blocks(ROUND_BLOCKS + 2);
    expect(world.record.messages.filter(({ isComplaint }) => isComplaint).map(({ host }) => host)).toEqual([
      c.operator,
    ]);
    expect(world.of(a).key?.dealers).toEqual([0, 2]);
    expect(world.value([a, b])).toBe(world.value([c, b]));
  });

  it("is dealt for once by each, also by who is stopped after its dealing is on L1", () => {
    const world = new KeyWorld([a, b, c]);
    world.setHosts([a, b, c]);
    world.of(a).want();
    world.blocks(3);
    expect(world.record.messages.length).toBe(3);
    for (const one of [a, b, c]) world.restart(one);
    world.blocks(ROUND_BLOCKS);
    expect(world.said).toBe(3);
  });

  it("is made in a later round where too few dealt, or the hosts changed meanwhile", () => {
    const world = new KeyWorld([a, b, c, d]);
    world.setHosts([a, b, c]);
    world.of(a).want();
    world.twist = (effect, by) => (by === a ? effect : null);
    world.blocks(ROUND_BLOCKS);
    expect(world.of(a).key).toBeNull();
    world.twist = (effect) => effect;
    world.blocks(EPOCH_BLOCKS + 1);
    world.setHosts([b, c, d]);
    world.blocks(EPOCH_BLOCKS);
    expect([a, b, c, d].map((one) => world.of(one).key)).toEqual([null, null, null, null]);
    world.of(c).want();
    world.blocks(2 * ROUND_BLOCKS);
    expect(world.value([b, d])).not.toBeNull();
  });

  it("is not what an account has that registered anew with another key", () => {
    const world = withKey();
    const anew = { ...d, operator: a.operator };
    const again = new KeyWorld([anew]);
    again.of(anew).l1Changed(world.record, world.l1Block);
    expect(again.of(anew).share).toBeNull();
    world.setHosts([b, c]);
    expect(() => again.of(anew).l1Changed(world.record, world.l1Block + 1n)).not.toThrow();
  });

  it("goes with L1 where that takes blocks back", () => {
    const world = withKey();
    const before = { record: world.record, l1Block: world.l1Block, share: world.of(b).share };
    world.setHosts([b, c, d]);
    world.blocks(ROUND_BLOCKS + 2);
    expect(world.of(b).share).not.toEqual(before.share);
    world.of(b).l1Changed(before.record, before.l1Block);
    expect(world.of(b).share).toEqual(before.share);
    world.of(d).l1Changed(before.record, before.l1Block);
    expect([world.of(d).share, world.of(d).key]).toEqual([null, before.share?.key]);
  });

  it("comes to the same whoever is stopped and started in whichever block, and nobody deals twice", () => {
    const restarts = fc.array(fc.tuple(fc.nat(ROUND_BLOCKS), fc.nat(2)), { maxLength: 8 });
    const property = fc.property(restarts, (plan) => {
      const world = new KeyWorld([a, b, c]);
      world.setHosts([a, b, c]);
      world.of(a).want();
      world.blocks(2);
      for (let i = 0; i < ROUND_BLOCKS; i++) {
        for (const [at, who] of plan) if (at === i) world.restart([a, b, c][who]!);
        world.block();
      }
      const dealings = new Set(world.record.messages.map(({ host }) => host));
      expect(world.record.messages.length).toBe(dealings.size);
      expect(world.value([a, b])).not.toBeNull();
      expect(world.value([a, c])).toBe(world.value([a, b]));
    });
    fc.assert(property, { numRuns: 12 });
  });
});

import { epochOf, storageHosts, taggedHash } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addresses, hashes, RUNS } from "./arbitraries.ts";

const slots = fc.bigInt(0n, 2n ** 40n);

describe("slots", () => {
  it("are runs of epochBlocks L1 blocks", () => {
    fc.assert(
      fc.property(slots, fc.integer({ min: 1, max: 100 }), (slot, blocks) => {
        const first = slot * BigInt(blocks);
        expect(epochOf(first, blocks)).toBe(slot);
        expect(epochOf(first + BigInt(blocks) - 1n, blocks)).toBe(slot);
        expect(epochOf(first + BigInt(blocks), blocks)).toBe(slot + 1n);
      }),
      RUNS,
    );
  });
});

describe("storage hosts", () => {
  const hostLists = fc
    .uniqueArray(addresses, { maxLength: 12 })
    .map((operators) => operators.map((operator) => ({ operator })));
  const replicas = fc.integer({ min: 1, max: 5 });

  it("are distinct members of the registry, as many as wanted or as there are, whatever its order", () => {
    fc.assert(
      fc.property(hashes, hostLists, replicas, (genesis, hosts, wanted) => {
        const drawn = storageHosts(genesis, hosts, wanted);
        expect(drawn.length).toBe(Math.min(hosts.length, wanted));
        expect(new Set(drawn).size).toBe(drawn.length);
        for (const host of drawn) expect(hosts).toContain(host);
        expect(storageHosts(genesis, hosts.toReversed(), wanted)).toEqual(drawn);
      }),
      RUNS,
    );
  });

  it("a host that joins displaces one at most, one that leaves is replaced by one at most", () => {
    fc.assert(
      fc.property(hashes, hostLists, replicas, addresses, (genesis, hosts, wanted, operator) => {
        fc.pre(!hosts.some((host) => host.operator === operator));
        const before = storageHosts(genesis, hosts, wanted);
        const after = storageHosts(genesis, [...hosts, { operator }], wanted);
        const stayed = before.filter((host) => after.includes(host));
        expect(before.length - stayed.length).toBeLessThanOrEqual(1);
        expect(after.filter((host) => !before.includes(host)).map((host) => host.operator)).toEqual(
          after.length - stayed.length === 0 ? [] : [operator],
        );
      }),
      RUNS,
    );
  });

  it("chains are spread over the hosts", () => {
    const hosts = Array.from({ length: 6 }, (_, i) => ({ operator: `0x${`0${i}`.repeat(20)}` as never }));
    const seen = new Map(hosts.map((host) => [host, 0]));
    for (let i = 0; i < 600; i++)
      for (const host of storageHosts(taggedHash("chain", Uint8Array.of(i >> 8, i & 255)), hosts, 3))
        seen.set(host, seen.get(host)! + 1);
    // 1,800 places over 6: 300 expected, deviation about 12
    for (const each of seen.values()) expect(Math.abs(each - 300)).toBeLessThan(70);
  });
});

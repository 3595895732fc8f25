import { type Address, storageHosts, taggedHash, toChainId, toWord } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { HostDraws } from "../src/hostDraws.ts";

const CHAIN = toChainId(7n);
const randomness = (n: number) => taggedHash("randomness", toWord(BigInt(n)));
const operatorOf = (name: string, n: number) => taggedHash(name, toWord(BigInt(n))).slice(0, 42) as Address;
const hostOf = (name: string, n: number) => ({ operator: operatorOf(name, n), blsPublicKey: taggedHash(name) });
const honest = Array.from({ length: 9 }, (_, i) => hostOf("honest", i));

describe("the draw of a DAC's hosts", () => {
  it("takes who chose its operator for a DAC as often as anybody: three of ten places", () => {
    // of 2,000 operators, the one that a draw by what was known when it registered would have taken
    const known = randomness(0);
    const many = Array.from({ length: 2_000 }, (_, i) => hostOf("ground", i));
    const [ground] = storageHosts(known, many, 1);
    expect(storageHosts(known, [...honest, ground!], 1)).toEqual([ground]);
    let drawn = 0;
    for (let n = 1; n <= 1_000; n++) {
      const draws = new HostDraws();
      draws.created(CHAIN, [...honest, ground!], 1n);
      draws.drawn(randomness(n), [...honest, ground!], 2n);
      if (draws.hosts(CHAIN).includes(ground!.operator)) drawn += 1;
    }
    // 300 expected, deviation about 14
    expect(Math.abs(drawn - 300)).toBeLessThan(70);
  });

  it("takes nobody who registered when it was known that a host is wanted, as long as there were others", () => {
    const draws = new HostDraws();
    draws.created(CHAIN, honest, 1n);
    const late = hostOf("late", 1);
    draws.membersChanged([...honest, late], 2n);
    for (let n = 3; n < 10; n++) draws.drawn(randomness(n), [...honest, late], BigInt(n));
    expect(draws.hosts(CHAIN)).not.toContain(late.operator);
    expect(draws.hosts(CHAIN).length).toBe(3);
  });

  it("is not put off by hosts that come and go in every block", () => {
    const draws = new HostDraws();
    draws.created(CHAIN, honest, 1n);
    for (let block = 2n; block < 10n; block++) {
      const restless = hostOf("restless", Number(block));
      draws.membersChanged([...honest, restless], block);
      draws.membersChanged(honest, block);
    }
    draws.drawn(randomness(1), honest, 9n);
    expect(draws.hosts(CHAIN).length).toBe(3);
  });

  it("takes nobody who has left meanwhile, and who comes then is drawn by a later randomness", () => {
    const draws = new HostDraws();
    const [one, two] = honest;
    draws.created(CHAIN, [one!], 1n);
    draws.membersChanged([two!], 2n);
    draws.drawn(randomness(1), [two!], 3n);
    expect(draws.hosts(CHAIN)).toEqual([]);
    draws.drawn(randomness(2), [two!], 3n);
    expect(draws.hosts(CHAIN)).toEqual([]);
    draws.drawn(randomness(3), [two!], 4n);
    expect(draws.hosts(CHAIN)).toEqual([two!.operator]);
  });
});

describe("the record of a DAC's hosts", () => {
  it("has each block's last word, with the keys that hosts had then, and loses what is taken back", () => {
    const draws = new HostDraws();
    const [one, two] = honest;
    draws.created(CHAIN, [one!], 1n);
    draws.drawn(randomness(1), [one!], 2n);
    const moved = { ...one!, blsPublicKey: taggedHash("another") };
    draws.membersChanged([two!], 5n);
    draws.membersChanged([two!, moved], 5n);
    const [empty, first] = [
      { since: 1n, hosts: [] },
      { since: 2n, hosts: [one] },
    ];
    expect(draws.sets(CHAIN)).toEqual([empty, first, { since: 5n, hosts: [] }]);
    draws.drawn(randomness(2), [two!, moved], 6n);
    draws.drawn(randomness(3), [two!, moved], 7n);
    expect(draws.sets(CHAIN).slice(1)).toEqual([
      first,
      { since: 5n, hosts: [] },
      { since: 6n, hosts: [two] },
      { since: 7n, hosts: [two, moved] },
    ]);
    const other = new HostDraws();
    other.created(CHAIN, [one!], 1n);
    other.drawn(randomness(1), [one!], 2n);
    const undo = [
      other.membersChanged([], 5n),
      other.membersChanged([two!], 5n),
      other.drawn(randomness(2), [two!], 5n),
    ];
    for (const each of undo.reverse()) each();
    expect(other.sets(CHAIN)).toEqual([empty, first]);
  });
});

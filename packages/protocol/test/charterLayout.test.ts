/** The compiled charter as execution reads it: slots, denied opcodes, tax; against ethers and plain sums. */
import {
  type Address,
  allowSlotOf,
  bracketCountOf,
  bracketSlots,
  bracketsOf,
  CHARTER_SLOTS,
  charterKeys,
  deniedWord,
  denySlotOf,
  hasDenials,
  hasOpcode,
  hotSlot,
  isFree,
  PREDEPLOYS,
  type TaxBracket,
  taxOf,
} from "@mvm/protocol";
import { AbiCoder, keccak256, solidityPacked, toBeHex } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addresses, RUNS, uint } from "./arbitraries.ts";

const words = uint(256);
const MAX = 2n ** 256n - 1n;

/** Where Solidity keeps a mapping's value for an address. */
const solidityMapping = (key: Address, slot: number): bigint =>
  BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [key, slot])));

/** Charters' tax brackets: strictly ascending thresholds below 2^112, rates of at most 10,000. */
const brackets: fc.Arbitrary<TaxBracket[]> = fc
  .tuple(
    fc.uniqueArray(fc.oneof(uint(112), fc.bigInt(0n, 40_000n)), { maxLength: 16 }),
    fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 16, maxLength: 16 }),
  )
  .map(([thresholds, rates]) =>
    thresholds.sort((a, b) => (a < b ? -1 : 1)).map((threshold, i) => ({ threshold, rate: rates[i]! })),
  );

/** Values around the thresholds, small ones and the largest. */
const values = fc.oneof(words, uint(113), fc.bigInt(0n, 50_000n), fc.constant(MAX));

/** Words of the bracket array as Solidity packs uint128[16]: items from the low end of each word. */
function packed(list: readonly TaxBracket[]): bigint[] {
  const items = list.map(({ threshold, rate }) => solidityPacked(["uint112", "uint16"], [threshold, rate]));
  return Array.from({ length: Math.ceil(items.length / 2) }, (_, i) => {
    const [low, high] = [items[2 * i]!, items[2 * i + 1] ?? toBeHex(0, 16)];
    return BigInt(high + low.slice(2));
  });
}

describe("slots", () => {
  it("of a signer lie where Solidity keeps mappings 11 (allow) and 12 (deny)", () => {
    fc.assert(
      fc.property(addresses, (signer) => {
        expect(allowSlotOf(signer)).toBe(solidityMapping(signer, 11));
        expect(denySlotOf(signer)).toBe(solidityMapping(signer, 12));
      }),
      RUNS,
    );
  });

  it("of the rest are the first ones: brackets take no more than slots 3 to 10", () => {
    expect(CHARTER_SLOTS).toEqual({ flags: 0n, restricted: 1n, l1Values: 2n, brackets: 3n });
    expect(bracketSlots(0)).toEqual([]);
    expect(bracketSlots(1)).toEqual([3n]);
    expect(bracketSlots(2)).toEqual([3n]);
    expect(bracketSlots(3)).toEqual([3n, 4n]);
    expect(bracketSlots(16)).toEqual([3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n]);
  });

  it("are keys of the hot account", () => {
    fc.assert(
      fc.property(words, (slot) => {
        expect(hotSlot(slot)).toEqual({
          kind: "slot",
          address: PREDEPLOYS.executionManager,
          slot: toBeHex(slot, 32),
        });
      }),
      RUNS,
    );
  });
});

describe("flags", () => {
  it("are Solidity's packing of (bool free, uint8 brackets), whatever stands above", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.nat({ max: 255 }), uint(240), (free, count, above) => {
        const flags = (above << 16n) | BigInt(solidityPacked(["uint8", "bool"], [count, free]));
        expect(isFree(flags)).toBe(free);
        expect(hasDenials(flags)).toBe(above % 2n === 0n);
        expect(bracketCountOf(flags)).toBe(count > 16 ? 16 : count);
      }),
      RUNS,
    );
  });

  it("with the free bit nothing else is read", () => {
    fc.assert(
      fc.property(words, fc.array(addresses, { maxLength: 3 }), (flags, signers) => {
        expect(charterKeys(flags | 1n, signers)).toEqual([]);
      }),
      RUNS,
    );
  });

  it("otherwise: the restricted word, at most eight slots of brackets, the allow slot of each signer, and its deny slot where there are denials", () => {
    fc.assert(
      fc.property(words, fc.array(addresses, { maxLength: 3 }), (word, signers) => {
        const flags = word & ~1n;
        const announced = Number((flags >> 8n) % 256n);
        const slots = announced > 16 ? 8 : Math.ceil(announced / 2);
        const expected = [
          1n,
          ...Array.from({ length: slots }, (_, i) => BigInt(3 + i)),
          ...signers.flatMap((signer) =>
            hasDenials(flags)
              ? [solidityMapping(signer, 11), solidityMapping(signer, 12)]
              : [solidityMapping(signer, 11)],
          ),
        ];
        expect(charterKeys(flags, signers)).toEqual(expected.map(hotSlot));
      }),
      RUNS,
    );
  });
});

describe("denied opcodes", () => {
  it("truth table: an allow rule shuts out those it does not name, a deny rule those it names", () => {
    const table = [
      { restricted: 0, allow: 0, deny: 0, denied: false },
      { restricted: 0, allow: 1, deny: 0, denied: false },
      { restricted: 1, allow: 0, deny: 0, denied: true },
      { restricted: 1, allow: 1, deny: 0, denied: false },
      { restricted: 0, allow: 0, deny: 1, denied: true },
      { restricted: 0, allow: 1, deny: 1, denied: true },
      { restricted: 1, allow: 0, deny: 1, denied: true },
      { restricted: 1, allow: 1, deny: 1, denied: true },
    ];
    for (const { restricted, allow, deny, denied } of table)
      for (let opcode = 0; opcode < 256; opcode++) {
        const at = (bit: number): bigint => BigInt(bit) << BigInt(opcode);
        const word = deniedWord(at(restricted), at(allow), at(deny));
        expect(word).toBe(denied ? at(1) : 0n);
        expect(hasOpcode(word, opcode)).toBe(denied);
      }
  });

  it("each opcode is decided by its own bits, and the word has no more than 256", () => {
    fc.assert(
      fc.property(words, words, words, (restricted, allow, deny) => {
        const word = deniedWord(restricted, allow, deny);
        const bit = (of: bigint, opcode: number): boolean => (of / 2n ** BigInt(opcode)) % 2n === 1n;
        for (let opcode = 0; opcode < 256; opcode++) {
          const expected = bit(deny, opcode) || (bit(restricted, opcode) && !bit(allow, opcode));
          expect(hasOpcode(word, opcode), `opcode ${opcode}`).toBe(expected);
        }
        expect(word).toBeGreaterThanOrEqual(0n);
        expect(word).toBeLessThanOrEqual(MAX);
      }),
      { numRuns: 50 },
    );
  });
});

describe("tax brackets", () => {
  it("are read from the words that Solidity's packing gives", () => {
    fc.assert(
      fc.property(brackets, (list) => {
        expect(packed(list).length).toBe(bracketSlots(list.length).length);
        expect(bracketsOf(packed(list), list.length)).toEqual(list);
      }),
      RUNS,
    );
  });

  it("so many as are counted are read, whatever the words hold", () => {
    fc.assert(
      fc.property(fc.array(words, { minLength: 8, maxLength: 8 }), fc.nat({ max: 16 }), (stored, count) => {
        const read = bracketsOf(stored, count);
        expect(read.length).toBe(count);
        expect(packed(read)).toEqual(
          stored.slice(0, Math.ceil(count / 2)).map((word, i) => (2 * i + 1 < count ? word : word % 2n ** 128n)),
        );
      }),
      RUNS,
    );
  });
});

/** The contract's computation: of every interval between neighbouring thresholds, in parts that fit 256 bits. */
function contractTax(value: bigint, list: readonly TaxBracket[]): bigint {
  const uint256 = (word: bigint): bigint => {
    if (word < 0n || word > MAX) throw new RangeError("overflow");
    return word;
  };
  let tax = 0n;
  for (let i = 0; i < list.length; i++) {
    const from = list[i]!.threshold;
    const to = list[i + 1]?.threshold ?? MAX;
    const part = (value > to ? to : value) - from;
    if (part <= 0n) continue;
    const rate = BigInt(list[i]!.rate);
    const whole = uint256(uint256((part / 10_000n) * rate) + uint256((part % 10_000n) * rate) / 10_000n);
    tax = uint256(tax + whole);
  }
  return tax;
}

/** Basis points that each wei owes on its own, summed bracket by bracket, rounded down once for each. */
function weiByWeiTax(value: number, list: readonly { threshold: number; rate: number }[]): number {
  const owed = list.map(() => 0);
  for (let wei = 1; wei <= value; wei++) {
    const bracket = list.findLastIndex(({ threshold }) => wei > threshold);
    if (bracket >= 0) owed[bracket]! += list[bracket]!.rate;
  }
  return owed.reduce((sum, points) => sum + Math.floor(points / 10_000), 0);
}

describe("tax", () => {
  it("is what the contract's arithmetic gives, which never overflows", () => {
    fc.assert(
      fc.property(brackets, values, (list, value) => {
        expect(taxOf(value, list)).toBe(contractTax(value, list));
      }),
      { numRuns: 1_000 },
    );
  });

  it("is the sum of what each wei owes in its own bracket", () => {
    const small = fc
      .array(fc.record({ step: fc.integer({ min: 1, max: 700 }), rate: fc.nat({ max: 10_000 }) }), { maxLength: 6 })
      .map((steps) => {
        let threshold = -1;
        return steps.map(({ step, rate }) => {
          threshold += step;
          return { threshold, rate };
        });
      });
    fc.assert(
      fc.property(small, fc.nat({ max: 5_000 }), (list, value) => {
        const ours = list.map(({ threshold, rate }) => ({ threshold: BigInt(threshold), rate }));
        expect(taxOf(BigInt(value), ours)).toBe(BigInt(weiByWeiTax(value, list)));
      }),
      RUNS,
    );
  });

  it("known values: thresholds are exclusive, parts round down", () => {
    const list = [
      { threshold: 0n, rate: 100 },
      { threshold: 1_000n, rate: 1_000 },
      { threshold: 2_000n, rate: 10_000 },
    ];
    const expected = [
      [0n, 0n],
      [99n, 0n],
      [100n, 1n],
      [1_000n, 10n],
      [1_009n, 10n],
      [1_010n, 11n],
      [2_000n, 110n],
      [2_001n, 111n],
      [3_000n, 1_110n],
    ] as const;
    for (const [value, tax] of expected) expect(taxOf(value, list), `${value}`).toBe(tax);
    expect(taxOf(MAX, [])).toBe(0n);
    expect(taxOf(MAX, [{ threshold: 0n, rate: 10_000 }])).toBe(MAX);
    expect(taxOf(MAX, [{ threshold: 2n ** 112n - 1n, rate: 10_000 }])).toBe(MAX - (2n ** 112n - 1n));
  });

  it("never exceeds the value", () => {
    fc.assert(
      fc.property(brackets, values, (list, value) => {
        const tax = taxOf(value, list);
        expect(tax).toBeGreaterThanOrEqual(0n);
        expect(tax).toBeLessThanOrEqual(value);
      }),
      RUNS,
    );
  });

  it("never falls as the value rises", () => {
    const steps = fc.oneof(fc.bigInt(0n, 3n), uint(112), words);
    fc.assert(
      fc.property(brackets, values, steps, (list, value, step) => {
        const larger = value + step > MAX ? MAX : value + step;
        expect(taxOf(larger, list)).toBeGreaterThanOrEqual(taxOf(value, list));
      }),
      RUNS,
    );
  });

  it("at a threshold the next bracket takes nothing yet", () => {
    fc.assert(
      fc.property(brackets, (list) => {
        list.forEach(({ threshold }, i) => {
          expect(taxOf(threshold, list)).toBe(taxOf(threshold, list.slice(0, i)));
        });
      }),
      RUNS,
    );
  });
});

/** Our curves, BLAKE2b and their gas against the library's JavaScript, which is slow and independent. */
import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM, type EVM, NobleBLS, NobleBN254 } from "@ethereumjs/evm";
import { concatBytes, fromHex, toHex, toWord } from "@mvm/protocol";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Rules, rulesOf } from "../src/rules.ts";
import { addressOfNumber, NONE } from "./world.ts";

const GAS = 5_000_000;
const BN_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const BN_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const BLS_FIELD = BigInt(
  "0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
);
const BLS_ORDER = 52435875175126190479447740508185965837690552500527637822603658699938581184513n;

const wide = (value: bigint): Uint8Array => fromHex(`0x${value.toString(16).padStart(128, "0")}`);
const words = (...values: string[]): Uint8Array => concatBytes(...values.map((value) => toWord(BigInt(`0x${value}`))));

/** Generator of alt_bn128's second group, and a point of its twist that is not of the group (found with noble-curves). */
const BN_G2 = words(
  "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2",
  "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed",
  "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b",
  "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa",
);
const BN_G2_OUTSIDE = words(
  "1",
  "2",
  "2b76c179599bb92a963dac85546a005a777f7c13f6a7b75d5918b6b5808f5fde",
  "101f7278419308b95099eca02dcee0c5381f4d26d1d62313f057167f064101ce",
);
/** Points of the BLS12-381 curve and its twist that are not of the groups. */
const BLS_G1_OUTSIDE = concatBytes(
  wide(4n),
  wide(0x0a989badd40d6212b33cffc3f3763e9bc760f988c9926b26da9dd85e928483446346b8ed00e1de5d5ea93e354abe706cn),
);
const BLS_G2_OUTSIDE = concatBytes(
  wide(1n),
  wide(1n),
  wide(0x02066bca274eb64b2410222895b74acec54cf001baf6c7aeeff616820743dce87eddb1700e7a2d717dc4cea5582195e1n),
  wide(0x1934ffa59d993a4bcbe529440126a8af9f7bff4bc127e15ab9f75688bf07e7157d06cb8933608b225495cba14be0d33dn),
);

let rules: Rules;
let library: EVM;
beforeAll(async () => {
  rules = await rulesOf("osaka", "ethereum");
  library = await createEVM({ common: createCustomCommon({ chainId: 1 }, Mainnet, { hardfork: Hardfork.Osaka }) });
});

async function ours(address: number, input: Uint8Array, gas = GAS) {
  const { success, gasUsed, output } = await rules.precompiles.get(addressOfNumber(address))!(input, gas);
  return { success, gasUsed, output: toHex(output) };
}

async function theirs(address: number, input: Uint8Array, gas = GAS) {
  const run = library.precompiles.get(addressOfNumber(address).slice(2))!;
  const result = await run({ data: input.slice(), gasLimit: BigInt(gas), common: library.common, _EVM: library });
  if (result.exceptionError !== undefined) return { success: false, gasUsed: gas, output: toHex(NONE) };
  return { success: true, gasUsed: Number(result.executionGasUsed), output: toHex(result.returnValue) };
}

async function expectSame(address: number, input: Uint8Array, gas = GAS): Promise<boolean> {
  const expected = await theirs(address, input, gas);
  expect(await ours(address, input, gas), `0x${address.toString(16)} of ${toHex(input)}`).toEqual(expected);
  return expected.success;
}

const below = (bound: bigint) => fc.bigInt(0n, bound - 1n);
const scalar = (order: bigint) =>
  fc.oneof(fc.constantFrom(0n, 1n, order - 1n, order, 2n ** 256n - 1n), below(2n ** 256n));
/** Now and then what the property is about is spoilt: a byte changed, or the end cut off or lengthened. */
const fault = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.record({ at: fc.nat(), length: fc.integer({ min: -40, max: 40 }) }) },
);
type Fault = { at: number; length: number } | null;

function spoilt(input: Uint8Array, how: Fault): Uint8Array {
  if (how === null) return input;
  const length = how.at % 2 === 0 ? input.length : Math.max(0, input.length + how.length);
  const bytes = new Uint8Array(length);
  bytes.set(input.subarray(0, length));
  if (length > 0) bytes[how.at % length]! ^= 1 + (how.at % 255);
  return bytes;
}

const noble = new NobleBLS();
const bnPoint = scalar(BN_ORDER).map((value) =>
  new NobleBN254().mul(concatBytes(toWord(1n), toWord(2n), toWord(value))).slice(),
);
const blsG1 = fc.oneof(
  { weight: 4, arbitrary: below(BLS_FIELD).map((value) => noble.mapFPtoG1(wide(value))) },
  { weight: 1, arbitrary: fc.constantFrom(new Uint8Array(128), BLS_G1_OUTSIDE) },
);
const blsG2 = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(below(BLS_FIELD), below(BLS_FIELD))
      .map(([a, b]) => noble.mapFP2toG2(concatBytes(wide(a), wide(b)))),
  },
  { weight: 1, arbitrary: fc.constantFrom(new Uint8Array(256), BLS_G2_OUTSIDE) },
);
const negated = (point: Uint8Array, field: bigint): Uint8Array => {
  const half = point.length / 2;
  const y = BigInt(toHex(point.subarray(half)));
  const text = ((field - y) % field).toString(16).padStart(2 * half, "0");
  return concatBytes(point.subarray(0, half), fromHex(`0x${text}`));
};

describe("alt_bn128", () => {
  it("adds and multiplies as the library does, malformed inputs and infinity included", async () => {
    await fc.assert(
      fc.asyncProperty(bnPoint, bnPoint, scalar(BN_ORDER), fault, async (first, second, factor, how) => {
        await expectSame(6, spoilt(concatBytes(first, second), how));
        await expectSame(7, spoilt(concatBytes(first, toWord(factor)), how));
      }),
      { numRuns: 25 },
    );
    await expectSame(6, concatBytes(toWord(1n), toWord(2n), toWord(1n), toWord(BN_FIELD - 2n)));
    await expectSame(6, concatBytes(toWord(1n), toWord(2n), toWord(1n), toWord(2n)));
    expect(await expectSame(6, concatBytes(toWord(1n + BN_FIELD), toWord(2n)))).toBe(false);
    expect(await expectSame(6, NONE, 149)).toBe(false);
    expect(await expectSame(7, NONE, 6_000)).toBe(true);
  });

  it("checks pairings as the library does", async () => {
    await fc.assert(
      fc.asyncProperty(bnPoint, fault, async (point, how) => {
        const balanced = concatBytes(point, BN_G2, negated(point, BN_FIELD), BN_G2);
        await expectSame(8, spoilt(balanced, how));
      }),
      { numRuns: 5 },
    );
    const one = concatBytes(toWord(1n), toWord(2n));
    expect(await ours(8, concatBytes(one, BN_G2, negated(one, BN_FIELD), BN_G2))).toMatchObject({
      success: true,
      output: toHex(toWord(1n)),
    });
    expect(await expectSame(8, concatBytes(one, BN_G2))).toBe(true);
    expect(await expectSame(8, concatBytes(one, BN_G2_OUTSIDE))).toBe(false);
    expect(await expectSame(8, concatBytes(new Uint8Array(64), BN_G2, one, new Uint8Array(128)))).toBe(true);
    expect(await expectSame(8, NONE)).toBe(true);
    expect(await expectSame(8, NONE, 44_999)).toBe(false);
  });
});

describe("BLS12-381", () => {
  it("adds points as the library does, also those outside the groups", async () => {
    await fc.assert(
      fc.asyncProperty(blsG1, blsG1, blsG2, blsG2, fault, async (a, b, c, d, how) => {
        await expectSame(0x0b, spoilt(concatBytes(a, b), how));
        await expectSame(0x0d, spoilt(concatBytes(c, d), how));
      }),
      { numRuns: 8 },
    );
    expect(await expectSame(0x0b, concatBytes(BLS_G1_OUTSIDE, BLS_G1_OUTSIDE))).toBe(true);
    expect(await expectSame(0x0b, concatBytes(BLS_G1_OUTSIDE, negated(BLS_G1_OUTSIDE, BLS_FIELD)))).toBe(true);
    expect(await expectSame(0x0d, concatBytes(BLS_G2_OUTSIDE, BLS_G2_OUTSIDE))).toBe(true);
    expect(await expectSame(0x0b, concatBytes(wide(BLS_FIELD), wide(2n), new Uint8Array(128)))).toBe(false);
  });

  it("multiplies and sums as the library does", async () => {
    const terms = <T>(point: fc.Arbitrary<T>) =>
      fc.array(fc.tuple(point, scalar(BLS_ORDER)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(terms(blsG1), terms(blsG2), fault, async (first, second, how) => {
        const input = (list: [Uint8Array, bigint][]) =>
          concatBytes(...list.flatMap(([point, by]) => [point, toWord(by)]));
        await expectSame(0x0c, spoilt(input(first), how));
        await expectSame(0x0e, spoilt(input(second), how));
      }),
      { numRuns: 6 },
    );
    expect(await expectSame(0x0c, concatBytes(BLS_G1_OUTSIDE, toWord(1n)))).toBe(false);
    expect(await expectSame(0x0e, concatBytes(BLS_G2_OUTSIDE, toWord(1n)))).toBe(false);
  });

  it("a sum of more terms than fit one batch is the sum of its parts", async () => {
    const point = noble.mapFPtoG1(wide(5n));
    const terms = Array.from({ length: 600 }, (_, i) => concatBytes(point, toWord(BigInt(i))));
    const sum = await ours(0x0c, concatBytes(...terms));
    expect(sum.output).toBe(toHex(noble.msmG1(concatBytes(point, toWord((599n * 600n) / 2n)))));
  });

  it("checks pairings as the library does", async () => {
    await fc.assert(
      fc.asyncProperty(blsG1, blsG2, fault, async (point, other, how) => {
        await expectSame(0x0f, spoilt(concatBytes(point, other, negated(point, BLS_FIELD), other), how));
      }),
      { numRuns: 4 },
    );
    const point = noble.mapFPtoG1(wide(7n));
    const other = noble.mapFP2toG2(concatBytes(wide(8n), wide(9n)));
    const balanced = concatBytes(point, other, negated(point, BLS_FIELD), other);
    // More pairs than fit one batch.
    const many = await ours(0x0f, concatBytes(...Array.from({ length: 20 }, () => balanced)));
    expect(many).toMatchObject({ success: true, output: toHex(toWord(1n)) });
    expect(await expectSame(0x0f, concatBytes(point, other))).toBe(true);
    expect(await expectSame(0x0f, concatBytes(BLS_G1_OUTSIDE, new Uint8Array(256)))).toBe(false);
    expect(await expectSame(0x0f, concatBytes(point, BLS_G2_OUTSIDE))).toBe(false);
  });

  it("maps field elements as the library does", async () => {
    await fc.assert(
      fc.asyncProperty(below(BLS_FIELD), below(BLS_FIELD), fault, async (first, second, how) => {
        await expectSame(0x10, spoilt(wide(first), how));
        await expectSame(0x11, spoilt(concatBytes(wide(first), wide(second)), how));
      }),
      { numRuns: 8 },
    );
    expect(await expectSame(0x10, wide(0n))).toBe(true);
    expect(await expectSame(0x11, new Uint8Array(128))).toBe(true);
    expect(await expectSame(0x10, wide(BLS_FIELD))).toBe(false);
  });
});

describe("BLAKE2b", () => {
  it("compresses as the library does, whatever the rounds", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(49_999, 50_001, 100_010)),
        fc.uint8Array({ minLength: 208, maxLength: 208 }),
        fc.integer({ min: 0, max: 2 }),
        fault,
        async (rounds, rest, flag, how) => {
          await expectSame(
            9,
            spoilt(concatBytes(toWord(BigInt(rounds)).slice(28), rest, Uint8Array.of(flag)), how),
            200_000,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("costs a unit of gas for each round", async () => {
    const input = concatBytes(toWord(1_000n).slice(28), new Uint8Array(209));
    expect(await expectSame(9, input, 1_000)).toBe(true);
    expect(await expectSame(9, input, 999)).toBe(false);
  });
});

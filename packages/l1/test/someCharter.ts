import {
  type Address,
  CHARTER_LIMITS,
  type Charter,
  OPCODES,
  OPERATIONS,
  type Permission,
  type TaxBracket,
  toAddress,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import fc from "fast-check";

/** An account by its number. */
export const numbered = (value: number): Address => toAddress(`0x${value.toString(16).padStart(40, "0")}`);
const someAddress = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 400 }).map(numbered) },
  { weight: 1, arbitrary: fc.constant(ZERO_ADDRESS) },
);
const someStatement = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.integer({ min: 2_040, max: 2_056 }).map((length) => "a".repeat(length)),
);
const someAddresses = (unique: boolean, maxLength: number): fc.Arbitrary<Address[]> =>
  unique ? fc.uniqueArray(someAddress, { maxLength }) : fc.array(someAddress, { maxLength });

const someRule = (maxAddresses: number, opcodes: readonly string[]): fc.Arbitrary<Permission> =>
  fc.boolean().chain((unique) =>
    fc.record({
      addresses: someAddresses(unique, maxAddresses),
      operation: fc.constantFrom(...OPERATIONS),
      opcode: fc.constantFrom(...opcodes),
    }),
  );
const NAMES = [...OPCODES.keys()];
/** Few rules with many addresses, many with few, and those that meet at the same opcodes. */
const someRules = fc.oneof(
  fc.array(someRule(140, NAMES), { maxLength: 3 }),
  fc.array(someRule(2, NAMES), { maxLength: 6 }),
  fc.array(someRule(4, ["CREATE", "TX"]), { maxLength: 3 }),
  fc.uniqueArray(someRule(1, NAMES), { minLength: 60, maxLength: 70, selector: ({ opcode }) => opcode }),
);
const { thresholdBound } = CHARTER_LIMITS;
const someBracket: fc.Arbitrary<TaxBracket> = fc.record({
  threshold: fc.oneof(fc.bigInt(0n, 20n), fc.bigInt(0n, thresholdBound - 1n), fc.bigInt(thresholdBound, 1n << 200n)),
  rate: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 10_000 }) },
    fc.integer({ min: 9_999, max: 65_535 }),
  ),
});
const ascending = (brackets: TaxBracket[]): TaxBracket[] =>
  brackets.sort((a, b) => (a.threshold < b.threshold ? -1 : a.threshold > b.threshold ? 1 : 0));
const someBrackets = fc.oneof(
  fc.array(someBracket, { maxLength: 4 }),
  fc.uniqueArray(someBracket, { maxLength: 18, selector: ({ threshold }) => threshold }).map(ascending),
);
/** Charters with and without faults, all of which can be encoded. */
export const someCharter: fc.Arbitrary<Charter> = fc.record({
  vision: someStatement,
  mission: someStatement,
  permissions: someRules,
  taxRates: someBrackets,
  managementContract: someAddress,
});

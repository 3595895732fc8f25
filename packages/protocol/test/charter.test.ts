import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createVM } from "@ethereumjs/vm";
import {
  type Address,
  CHARTER_LIMITS,
  type Charter,
  CharterError,
  charterFault,
  OPCODES,
  opcodeNameOf,
  type Permission,
  PSEUDO_OPERATIONS,
  parseCharter,
  toAddress,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";

const account = (number: number): Address => toAddress(`0x${number.toString(16).padStart(40, "0")}`);
const accounts = (first: number, count: number): Address[] =>
  Array.from({ length: count }, (_, i) => account(first + i));
const deny = (opcode: string, addresses: readonly Address[] = [account(1)]): Permission => ({
  addresses,
  operation: "deny",
  opcode,
});
const allow = (opcode: string, addresses: readonly Address[] = [account(1)]): Permission => ({
  ...deny(opcode, addresses),
  operation: "allow",
});
const PLAIN: Charter = {
  vision: "to be useful",
  mission: "by being tested",
  permissions: [],
  taxRates: [],
  managementContract: ZERO_ADDRESS,
};
const withRules = (...permissions: Permission[]): Charter => ({ ...PLAIN, permissions });
const withRates = (...taxRates: [bigint, number][]): Charter => ({
  ...PLAIN,
  taxRates: taxRates.map(([threshold, rate]) => ({ threshold, rate })),
});

describe("opcodes that rules may name", () => {
  it("are those of Osaka without INVALID, and the pseudo-operations", async () => {
    const vm = await createVM({ common: new Common({ chain: Mainnet, hardfork: Hardfork.Osaka }) });
    const { evm } = vm as unknown as { evm: { getActiveOpcodes(): Map<number, { fullName: string }> } };
    const osaka = [...evm.getActiveOpcodes()].map(([byte, { fullName }]) => [fullName, byte] as const);
    const expected = [...osaka.filter(([name]) => name !== "INVALID"), ...Object.entries(PSEUDO_OPERATIONS)];
    expect(new Map(OPCODES)).toEqual(new Map(expected));
  });

  it("have one name each", () => {
    for (const [name, byte] of OPCODES) expect(opcodeNameOf(byte)).toBe(name);
    expect(opcodeNameOf(0xfe)).toBeUndefined();
  });
});

describe("a charter's faults", () => {
  const many = Array.from({ length: 65 }, (_, i) => deny([...OPCODES.keys()][i]!));
  const brackets = Array.from({ length: 17 }, (_, i): [bigint, number] => [BigInt(i), i]);
  const bound = CHARTER_LIMITS.thresholdBound;

  it.each<[string, Charter]>([
    ["statement-too-long", { ...PLAIN, vision: "a".repeat(2_049) }],
    ["statement-too-long", { ...PLAIN, mission: "ä".repeat(1_025) }],
    ["too-many-rules", withRules(...many)],
    ["too-many-addresses", withRules(deny("CALL", accounts(1, 128)), allow("CREATE", accounts(1, 129)))],
    ["unknown-opcode", withRules(deny("INVALID"))],
    ["unknown-opcode", withRules(deny("create"))],
    ["duplicate-rule", withRules(deny("CALL"), allow("CALL", []), deny("CALL", [account(2)]))],
    ["deny-without-addresses", withRules(deny("CALL", []))],
    ["zero-address", withRules(allow("CALL", [account(1), ZERO_ADDRESS]))],
    ["duplicate-address", withRules(allow("CALL", [account(1), account(2), account(1)]))],
    ["contradicting-rules", withRules(allow("CALL", accounts(1, 3)), deny("CALL", [account(3)]))],
    ["too-many-tax-brackets", withRates(...brackets)],
    ["bad-rate", withRates([0n, 10_001])],
    ["bad-rate", withRates([0n, 0.5])],
    ["bad-rate", withRates([0n, -1])],
    ["bad-threshold", withRates([bound, 1])],
    ["bad-threshold", withRates([-1n, 1])],
    ["thresholds-not-ascending", withRates([5n, 1], [5n, 2])],
  ])("%s is found (case %#)", (code, charter) => {
    expect(charterFault(charter)?.code).toBe(code);
  });

  it.each<[string, Charter]>([
    ["a plain one", PLAIN],
    ["statements of all their bytes", { ...PLAIN, vision: "ä".repeat(1_024), mission: "a".repeat(2_048) }],
    ["all rules", withRules(...many.slice(0, 64))],
    ["all addresses", withRules(deny("CALL", accounts(1, 256)))],
    ["an allow rule for nobody", withRules(allow("SELFDESTRUCT", []))],
    ["both rules of an opcode", withRules(allow("CALL", [account(1)]), deny("CALL", [account(2)]))],
    ["a pseudo-operation", withRules(deny("WITHDRAW"))],
    ["all brackets", withRates(...brackets.slice(0, 16))],
    ["the whole as tax", withRates([0n, 10_000])],
    ["the highest threshold", withRates([0n, 1], [bound - 1n, 1])],
  ])("none in %s", (_what, charter) => {
    expect(charterFault(charter)).toBeNull();
  });
});

describe("a charter in JSON", () => {
  const json = (fields: object): unknown => ({ vision: "v", mission: "m", ...fields });
  const rule = (fields: object): unknown =>
    json({ permissions: [{ operation: "deny", opcode: "CALL", addresses: [account(1)], ...fields }] });
  const rate = (fields: object): unknown => json({ taxRates: [{ threshold: "0", rate: 1, ...fields }] });
  const failureOf = (value: unknown): CharterError => {
    try {
      parseCharter(value);
    } catch (error) {
      if (error instanceof CharterError) return error;
      throw error;
    }
    throw new Error("no error");
  };

  it("is read: names in either case, wei as text, what is left out is empty", () => {
    const text = {
      vision: "v",
      mission: "m",
      permissions: [{ operation: "allow", opcode: "Create2", addresses: [account(1)] }],
      taxRates: [
        { threshold: 0, rate: 25 },
        { threshold: "1000000000000000000", rate: 10_000 },
      ],
      managementContract: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    };
    expect(parseCharter(JSON.parse(JSON.stringify(text)))).toEqual({
      vision: "v",
      mission: "m",
      permissions: [allow("CREATE2")],
      taxRates: [
        { threshold: 0n, rate: 25 },
        { threshold: 10n ** 18n, rate: 10_000 },
      ],
      managementContract: "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    });
    expect(parseCharter(json({}))).toEqual({ ...PLAIN, vision: "v", mission: "m" });
  });

  it.each<[CharterError["code"], unknown, string]>([
    ["not-an-object", null, "charter"],
    ["not-an-object", [], "charter"],
    ["not-an-object", json({ permissions: ["CALL"] }), "permissions[0]"],
    ["unknown-field", json({ permission: [] }), "permission"],
    ["unknown-field", rule({ address: account(1) }), "permissions[0]"],
    ["missing-field", { vision: "v" }, "mission"],
    ["missing-field", rule({ opcode: undefined }), "permissions[0].opcode"],
    ["bad-text", json({ vision: 7 }), "vision"],
    ["bad-text", json({ mission: "\ud800" }), "mission"],
    ["not-a-list", json({ permissions: {} }), "permissions"],
    ["not-a-list", rule({ addresses: undefined }), "permissions[0].addresses"],
    ["bad-operation", rule({ operation: "forbid" }), '"forbid"'],
    ["bad-address", rule({ addresses: ["0x12"] }), "permissions[0].addresses[0]"],
    ["bad-address", json({ managementContract: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD" }), "EIP-55"],
    ["bad-threshold", rate({ threshold: "1e18" }), "taxRates[0].threshold"],
    ["bad-threshold", rate({ threshold: 0.5 }), "taxRates[0].threshold"],
    ["bad-threshold", rate({ threshold: "5192296858534827628530496329220096" }), "2^112"],
    ["bad-rate", rate({ rate: "5" }), "taxRates[0].rate"],
    ["bad-rate", rate({ rate: 10_001 }), "100 %"],
    ["unknown-opcode", rule({ opcode: "CRAETE" }), "CREATE?"],
    ["unknown-opcode", rule({ opcode: "sha3" }), "KECCAK256?"],
    ["unknown-opcode", rule({ opcode: "x".repeat(100_000) }), "there is no opcode XXX"],
    ["too-many-addresses", rule({ addresses: accounts(1, 100_000) }), "256"],
    ["duplicate-address", rule({ addresses: [account(10), account(10).toUpperCase().replace("X", "x")] }), "once"],
  ])("%s is said with the place or the remedy (case %#)", (code, value, text) => {
    const failure = failureOf(value);
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(text);
    expect(failure.message.length).toBeLessThan(300);
  });
});

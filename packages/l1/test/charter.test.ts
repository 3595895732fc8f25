import { decodeCharter, decodeRevert, encodeCharter, L1Error, previewDac } from "@mvm/l1";
import {
  type Address,
  CHARTER_LIMITS,
  type Charter,
  type CharterFaultCode,
  charterFault,
  fromHex,
  type Hex,
  OPCODES,
  opcodeNameOf,
  type Permission,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { INTERFACES } from "../src/contracts.ts";
import { CHARTER, dacNamed, startNetwork, type TestNetwork } from "./network.ts";
import { numbered, someCharter } from "./someCharter.ts";

let network: TestNetwork;

beforeAll(async () => {
  network = await startNetwork();
});
afterAll(async () => {
  await network.stop();
});

/** Errors of CharterRules.sol by the fault that they tell. */
const ERROR_OF: Record<CharterFaultCode, string> = {
  "statement-too-long": "StatementTooLong",
  "too-many-rules": "TooManyRules",
  "too-many-addresses": "TooManyAddresses",
  "unknown-opcode": "UnknownOpcode",
  "duplicate-rule": "DuplicateRule",
  "deny-without-addresses": "DenyWithoutAddresses",
  "zero-address": "ZeroAddressInRule",
  "duplicate-address": "DuplicateAddress",
  "contradicting-rules": "ContradictingRules",
  "too-many-tax-brackets": "TooManyTaxBrackets",
  "bad-rate": "RateTooHigh",
  "bad-threshold": "ThresholdTooHigh",
  "thresholds-not-ascending": "ThresholdsNotAscending",
};

/** Name of the error by which L1 refuses a charter; null: it takes it. */
async function verdictOfL1(charter: Charter): Promise<string | null> {
  try {
    await previewDac(network.reader, { ...dacNamed("alpha"), charter });
    return null;
  } catch (error) {
    if (!(error instanceof L1Error) || error.code !== "reverted") throw error;
    return error.data.revert?.name ?? "unnamed";
  }
}

const NAMES = [...OPCODES.keys()];
const { thresholdBound } = CHARTER_LIMITS;
const rule = (operation: "allow" | "deny", opcode: string, addresses: readonly Address[]): Permission => ({
  addresses,
  operation,
  opcode,
});
const [ANNA, BERT] = [numbered(1), numbered(2)];
const rates = (...pairs: [bigint, number][]): Pick<Charter, "taxRates"> => ({
  taxRates: pairs.map(([threshold, rate]) => ({ threshold, rate })),
});
/** A charter with each fault, and no other; an unknown opcode has no name by which it could be encoded. */
const FAULTY: Record<Exclude<CharterFaultCode, "unknown-opcode">, Partial<Charter>> = {
  "statement-too-long": { mission: "a".repeat(CHARTER_LIMITS.statementBytes + 1) },
  "too-many-rules": { permissions: NAMES.slice(0, CHARTER_LIMITS.rules + 1).map((name) => rule("deny", name, [ANNA])) },
  "too-many-addresses": {
    permissions: [
      rule(
        "deny",
        "CALL",
        Array.from({ length: 257 }, (_, i) => numbered(i + 1)),
      ),
    ],
  },
  "duplicate-rule": { permissions: [rule("deny", "CALL", [ANNA]), rule("deny", "CALL", [BERT])] },
  "deny-without-addresses": { permissions: [rule("deny", "CALL", [])] },
  "zero-address": { permissions: [rule("deny", "CALL", [ANNA, ZERO_ADDRESS])] },
  "duplicate-address": { permissions: [rule("deny", "CALL", [ANNA, BERT, ANNA])] },
  "contradicting-rules": { permissions: [rule("deny", "CALL", [ANNA]), rule("allow", "CALL", [BERT, ANNA])] },
  "too-many-tax-brackets": rates(...Array.from({ length: 17 }, (_, i): [bigint, number] => [BigInt(i), i])),
  "bad-rate": rates([0n, 10_001]),
  "bad-threshold": rates([0n, 1], [thresholdBound, 1]),
  "thresholds-not-ascending": rates([7n, 1], [7n, 2]),
};

describe("charters", () => {
  it.each(Object.entries(FAULTY) as [CharterFaultCode, Partial<Charter>][])(
    "with the fault %s are refused by L1 with its error",
    async (code, faulty) => {
      const charter = { ...CHARTER, ...faulty };
      expect(charterFault(charter)?.code).toBe(code);
      expect(await verdictOfL1(charter)).toBe(ERROR_OF[code]);
    },
  );

  it("are judged by L1 as by the protocol, whatever is wrong with them", async () => {
    const property = fc.asyncProperty(someCharter, async (charter) => {
      const fault = charterFault(charter);
      expect(await verdictOfL1(charter)).toBe(fault === null ? null : ERROR_OF[fault.code]);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it("may name the opcodes that have a name, and no other byte", async () => {
    for (let byte = 0; byte < 256; byte++) {
      const rule = [[], 0, `0x${byte.toString(16).padStart(2, "0")}`];
      const data = INTERFACES.comco.encodeFunctionData("previewDac", ["alpha", ["", "", [rule], [], ZERO_ADDRESS], 1]);
      const call = network.anvil.provider.call({ to: network.addresses.comco, data });
      const refusal = await call.then(
        () => null,
        (error: { data: Hex }) => decodeRevert(error.data).name,
      );
      expect(refusal, `byte ${byte}`).toBe(opcodeNameOf(byte) === undefined ? ERROR_OF["unknown-opcode"] : null);
    }
  });

  it("come back from their encoding as they were", () => {
    const whole = fc.property(someCharter, (charter) => {
      expect(decodeCharter(fromHex(encodeCharter(charter)))).toEqual(charter);
    });
    fc.assert(whole, { numRuns: 100 });
    expect(() => encodeCharter({ ...CHARTER, permissions: [{ ...CHARTER.permissions[0]!, opcode: "NONE" }] })).toThrow(
      RangeError,
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatAmount, normaliseLabel, parseAmount } from "../src/index.ts";

describe("amounts", () => {
  it("are read and written without loss", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 30n - 1n), fc.integer({ min: 0, max: 18 }), (units, decimals) => {
        expect(parseAmount(formatAmount(units, decimals), decimals)).toBe(units);
      }),
    );
  });

  it.each([
    ["1", 10n ** 18n],
    ["0.5", 5n * 10n ** 17n],
    ["007.10", 71n * 10n ** 17n],
    ["0.000000000000000001", 1n],
  ])("%s MT are %s wei", (text, wei) => {
    expect(parseAmount(text)).toBe(wei);
  });

  it.each([
    "",
    "0",
    "0.0",
    "-1",
    "+1",
    "1e3",
    "1.",
    ".5",
    "1,5",
    "0x10",
    " 1",
    "1 MT",
    "1.0000000000000000001",
    "9".repeat(31),
  ])("%j is no amount", (text) => {
    expect(() => parseAmount(text)).toThrow(expect.objectContaining({ name: "ConfigError", code: "invalid" }));
  });

  it("of a token have as many places as the token", () => {
    expect(parseAmount("1.5", 6)).toBe(1_500_000n);
    expect(() => parseAmount("1.5", 0)).toThrow(/0 decimal places/);
    expect(formatAmount(1_500_000n, 6)).toBe("1.5");
    expect(formatAmount(0n)).toBe("0");
  });
});

describe("labels", () => {
  it("have one spelling: that of ENSIP-15", () => {
    expect(normaliseLabel("acme")).toBe("acme");
    expect(normaliseLabel("ACME")).toBe("acme");
    expect(normaliseLabel("\uff41cme")).toBe("acme");
    expect(normaliseLabel("ac\u200bme")).toBe("acme");
  });

  it.each(["", "ab", "-acme", "acme-", "ab--cd", "acme.org", "a b c", "caf\u00e9", "\u0430cme", "a".repeat(64)])(
    "%j is none",
    (label) => {
      expect(() => normaliseLabel(label)).toThrow(expect.objectContaining({ code: "invalid" }));
    },
  );

  it("of any text are such that normalising them again changes nothing, or none", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 70 }), (text) => {
        let label: string;
        try {
          label = normaliseLabel(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid" });
          return;
        }
        expect(normaliseLabel(label)).toBe(label);
        expect(label).toMatch(/^[a-z0-9-]{3,63}$/);
      }),
      { numRuns: 40 },
    );
  });
});

/** Amounts as people write them: decimal, with as many places as the token has. */
import { ConfigError } from "../config.ts";

/** Decimal places of MT. */
const MT_DECIMALS = 18;
/** Most digits before the point: more than any supply has. */
const MAX_WHOLE_DIGITS = 30;

/**
 * Units of a token from decimal text: digits, perhaps a point and up to `decimals` digits, no sign, no exponent.
 * @throws ConfigError invalid; also for zero, which nothing can be done with
 */
export function parseAmount(text: string, decimals = MT_DECIMALS): bigint {
  const match = /^([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  const [, whole = "", fraction = ""] = match ?? [];
  if (match === null || whole.length > MAX_WHOLE_DIGITS)
    throw new ConfigError("invalid", `"${text}" is no amount: write a decimal number such as 12.5`);
  if (fraction.length > decimals)
    throw new ConfigError("invalid", `"${text}" has more than the token's ${decimals} decimal places`);
  const units = BigInt(whole + fraction.padEnd(decimals, "0"));
  if (units === 0n) throw new ConfigError("invalid", "the amount is zero");
  return units;
}

/** Decimal text of units of a token, without trailing zeros. */
export function formatAmount(units: bigint, decimals = MT_DECIMALS): string {
  const digits = String(units).padStart(decimals + 1, "0");
  const point = digits.length - decimals;
  const fraction = digits.slice(point).replace(/0+$/, "");
  return fraction === "" ? digits.slice(0, point) : `${digits.slice(0, point)}.${fraction}`;
}

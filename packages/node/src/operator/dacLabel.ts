/** Labels of DACs: one spelling for each name, so that no two look alike (ENSIP-15), in the letters that L1 takes. */
import { ens_normalize } from "@adraffy/ens-normalize";
import { ConfigError } from "../config.ts";

/** DacRegistry.isValidLabel */
const LABEL = /^(?!..--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/**
 * A label as L1 has it: normalised by ENSIP-15, then held to DacRegistry's rules.
 * @throws ConfigError invalid
 */
export function normaliseLabel(label: string): string {
  let normalised: string;
  try {
    normalised = ens_normalize(label);
  } catch (cause) {
    throw invalid(label, cause);
  }
  if (!LABEL.test(normalised)) throw invalid(label);
  return normalised;
}

const invalid = (label: string, cause?: unknown): ConfigError =>
  new ConfigError(
    "invalid",
    `the label ${JSON.stringify(label)} cannot be used: 3 to 63 of a-z, 0-9 and "-", not at the ends, and not "--" as third and fourth`,
    cause,
  );

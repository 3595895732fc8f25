/** All scenarios, in the order in which `all` runs them. */
import type { Scenario } from "./scenario.ts";
import { sequencerCrash, slowLinks, smoke } from "./smoke.ts";

export const SCENARIOS: readonly Scenario[] = [smoke, slowLinks, sequencerCrash];

import { replay, stateTests } from "./stateTests.ts";
import type { Suite } from "./suite.ts";

/** Every suite that `npm run conformance` knows; add an entry to add one. */
export const SUITES: readonly Suite[] = [replay, stateTests];

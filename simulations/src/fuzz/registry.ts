import { batch } from "./batch.ts";
import { evm } from "./evm.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { replay } from "./replay.ts";
import { results } from "./results.ts";

/** Every fuzzer that `npm run fuzz` knows; add an entry to add one. */
export const FUZZERS: readonly Fuzzer[] = [batch, evm, replay, results];

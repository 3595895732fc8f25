import { batch } from "./batch.ts";
import type { Benchmark } from "./benchmark.ts";
import { blocks } from "./blocks.ts";
import { jobs } from "./jobs.ts";
import { permissions } from "./permissions.ts";
import { replay } from "./replay.ts";
import { roots } from "./roots.ts";
import { storage } from "./storage.ts";

/** Every benchmark that `npm run bench` knows; add an entry to add one. */
export const BENCHMARKS: readonly Benchmark[] = [batch, blocks, jobs, permissions, replay, roots, storage];

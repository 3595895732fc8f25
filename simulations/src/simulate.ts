/**
 * `npm run simulate -- --scenario NAME|all [--seed N | --seeds A..B] [--json] | --list`: adversarial simulations. Exit
 * code 1 on a broken invariant, 2 on wrong usage.
 */
import { parseArgs } from "node:util";
import { chosen, printList, runCommand, UsageError } from "./commandLine.ts";
import { SCENARIOS } from "./scenarios/registry.ts";
import type { Scenario } from "./scenarios/scenario.ts";

const USAGE = "usage: npm run simulate -- --scenario NAME|all [--seed N | --seeds A..B] [--json] | --list [--json]";
/** Seeds of one call. */
const MAX_SEEDS = 10_000;
const MIB = 1024;

/** The seeds that the flags ask for: `--seed N`, or `--seeds A..B` with both ends; 1 if neither. */
function seedsOf(seed: string | undefined, range: string | undefined): readonly number[] {
  if (seed !== undefined && range !== undefined) throw new UsageError("--seed or --seeds, not both");
  const match = /^(\d{1,9})\.\.(\d{1,9})$/.exec(range ?? `${seed ?? 1}..${seed ?? 1}`);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || to < from || to - from >= MAX_SEEDS)
    throw new UsageError(`seeds are whole numbers, at most ${MAX_SEEDS} of them`);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function scenariosOf(name: string | undefined): readonly Scenario[] {
  if (name === "all") return SCENARIOS;
  return [chosen("scenario", SCENARIOS, name === undefined ? [] : [name])];
}

async function runOne(scenario: Scenario, seed: number): Promise<Record<string, unknown> & { held: boolean }> {
  const startedMs = performance.now();
  const { held, violations, logHash, figures } = await scenario.run(seed);
  const seconds = Math.round(performance.now() - startedMs) / 1_000;
  const memoryMiB = Math.round(process.resourceUsage().maxRSS / MIB);
  return { scenario: scenario.name, seed, held, violations, logHash, seconds, memoryMiB, ...figures };
}

function print(line: Record<string, unknown>, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(line));
    return;
  }
  const cell = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));
  console.log(
    Object.entries(line)
      .map(([key, value]) => `${key}: ${cell(value)}`)
      .join("\n"),
  );
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({ options: { scenario: text, seed: text, seeds: text, list: flag, json: flag } });
  const json = values.json === true;
  if (values.list === true) return printList(SCENARIOS, json);
  const scenarios = scenariosOf(values.scenario);
  const seeds = seedsOf(values.seed, values.seeds);
  let broken = 0;
  for (const scenario of scenarios) {
    for (const seed of seeds) {
      const line = await runOne(scenario, seed);
      if (!line.held) broken += 1;
      print(line, json);
    }
  }
  const runs = scenarios.length * seeds.length;
  if (runs > 1 || values.scenario === "all") print({ total: true, runs, broken, held: broken === 0 }, json);
  if (broken > 0) process.exitCode = 1;
}

await runCommand(USAGE, main);

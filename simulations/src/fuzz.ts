/**
 * `npm run fuzz -- NAME [--runs N] [--seed S] [--run I] [--json] | --list`: differential fuzzers. Exit code 1 on a
 * difference, 2 on wrong usage.
 */
import { parseArgs } from "node:util";
import { chosen, printList, runCommand, UsageError } from "./commandLine.ts";
import type { Finding } from "./fuzz/fuzzer.ts";
import { FUZZERS } from "./fuzz/registry.ts";

const USAGE = "usage: npm run fuzz -- NAME [--runs N] [--seed S] [--run I] [--json] | --list [--json]";
const DEFAULT_RUNS = 1_000;
const MAX_NUMBER = 10_000_000;

function numberOf(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,8}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= MAX_NUMBER))
    throw new UsageError(`--${name} takes a whole number of ${least} to ${MAX_NUMBER}`);
  return value;
}

function print(finding: Finding, name: string, seed: number, json: boolean): void {
  const again = `npm run fuzz -- ${name} --seed ${seed} --run ${finding.run}`;
  if (json) console.log(JSON.stringify({ finding: name, seed, ...finding, again }));
  else console.log(`run ${finding.run} differs (${again}):\n${JSON.stringify(finding, null, 2)}`);
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: text, seed: text, run: text, list: flag, json: flag },
  });
  const json = values.json === true;
  if (values.list === true) return printList(FUZZERS, json);
  const fuzzer = chosen("fuzzer", FUZZERS, positionals);
  const only = numberOf("run", values.run, 0);
  const given = numberOf("runs", values.runs, 1);
  if (only !== undefined && given !== undefined) throw new UsageError("--runs or --run, not both");
  const seed = numberOf("seed", values.seed, 0) ?? 1;
  const runs = only === undefined ? (given ?? DEFAULT_RUNS) : 1;
  const { differences } = await fuzzer.run(
    { seed, from: only ?? 0, runs },
    (finding) => print(finding, fuzzer.name, seed, json),
    (line) => console.error(line),
  );
  const result = { name: fuzzer.name, runs, differences, seed };
  console.log(json ? JSON.stringify(result) : `${fuzzer.name}: ${runs} runs with seed ${seed}, ${differences} differ`);
  if (differences > 0) process.exitCode = 1;
}

await runCommand(USAGE, main);

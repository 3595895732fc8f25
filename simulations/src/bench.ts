/** `npm run bench -- NAME [--json] | --list`: benchmarks; ratios are to a peer or baseline measured in the same run. */
import { parseArgs } from "node:util";
import type { Benchmark, ResultLine } from "./bench/benchmark.ts";
import { BENCHMARKS } from "./bench/registry.ts";
import { chosen, printList, runCommand } from "./commandLine.ts";

const USAGE = "usage: npm run bench -- NAME [--json] | --list";

function table(lines: readonly ResultLine[]): string {
  const columns = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  const cell = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value ?? ""));
  const rows = [columns, ...lines.map((line) => columns.map((column) => cell(line[column])))];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  return rows
    .map((row) =>
      row
        .map((text, index) => text.padEnd(widths[index]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

async function run(benchmark: Benchmark, json: boolean): Promise<void> {
  const lines: ResultLine[] = [];
  const report = (line: ResultLine): void => {
    lines.push(line);
    if (json) console.log(JSON.stringify(line));
  };
  await benchmark.run(report, (text) => console.error(text));
  if (!json) console.log(table(lines));
}

async function main(): Promise<void> {
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: flag, list: flag } });
  const json = values.json === true;
  if (values.list === true) return printList(BENCHMARKS, json);
  await run(chosen("benchmark", BENCHMARKS, positionals), json);
}

await runCommand(USAGE, main);

/** `npm run bench -- NAME [--json] | --list`: benchmarks; ratios are to a peer or baseline measured in the same run. */
import { parseArgs } from "node:util";
import type { Benchmark, ResultLine } from "./bench/benchmark.ts";
import { BENCHMARKS } from "./bench/registry.ts";

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

function refuse(message: string): void {
  console.error(message);
  process.exitCode = 2;
}

async function main(): Promise<void> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (cause) {
    return refuse(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`);
  }
  const { values, positionals } = parsed;
  if (values.list === true) {
    for (const { name, summary } of BENCHMARKS)
      console.log(values.json === true ? JSON.stringify({ name, summary }) : `${name}  ${summary}`);
    return;
  }
  const [name, ...rest] = positionals;
  const known = BENCHMARKS.map((benchmark) => benchmark.name).join(", ");
  if (name === undefined || rest.length !== 0) return refuse(`${USAGE}\nbenchmarks: ${known}`);
  const benchmark = BENCHMARKS.find((entry) => entry.name === name);
  if (benchmark === undefined) return refuse(`no benchmark named "${name}"; there are: ${known}`);
  await run(benchmark, values.json === true);
}

function parse() {
  return parseArgs({ allowPositionals: true, options: { json: { type: "boolean" }, list: { type: "boolean" } } });
}

await main();

/**
 * `npm run conformance -- NAME [--json] | --list`: public suites. Exit code 1 where a case failed, 2 on wrong usage, 3
 * where the suite was left out because its data are not there.
 */
import { parseArgs } from "node:util";
import { SUITES } from "./conformance/registry.ts";
import type { Suite, Tally } from "./conformance/suite.ts";

const USAGE = "usage: npm run conformance -- NAME [--json] | --list [--json]";
/** exit code of a suite that was not run */
const LEFT_OUT = 3;

class UsageError extends Error {}

function suiteOf(names: readonly string[]): Suite {
  const [name, ...rest] = names;
  const known = SUITES.map((suite) => suite.name).join(", ");
  if (name === undefined || rest.length !== 0) throw new UsageError(`suites: ${known}`);
  const found = SUITES.find((suite) => suite.name === name);
  if (found === undefined) throw new UsageError(`no suite named "${name}"; there are: ${known}`);
  return found;
}

function report({ name }: Suite, { passed, failures, skippedWhy }: Tally, json: boolean): void {
  for (const failure of failures) console.error(`failed: ${JSON.stringify(failure)}`);
  const skipped = Object.values(skippedWhy).reduce((sum, cases) => sum + cases, 0);
  const result = { suite: name, passed, failed: failures.length, skipped, skippedWhy };
  if (json) console.log(JSON.stringify(result));
  else {
    console.log(`${name}: ${passed} passed, ${failures.length} failed, ${skipped} skipped`);
    for (const [reason, cases] of Object.entries(skippedWhy)) console.log(`  ${cases} skipped: ${reason}`);
  }
  if (failures.length > 0) process.exitCode = 1;
}

async function main(): Promise<void> {
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { list: flag, json: flag } });
  const json = values.json === true;
  if (values.list === true) {
    for (const { name, summary } of SUITES)
      console.log(json ? JSON.stringify({ name, summary }) : `${name}  ${summary}`);
    return;
  }
  const suite = suiteOf(positionals);
  const leftOut = suite.whyAbsent();
  if (leftOut === null) return report(suite, await suite.run(), json);
  console.log(json ? JSON.stringify({ suite: suite.name, leftOut }) : `${suite.name} was left out: ${leftOut}`);
  process.exitCode = LEFT_OUT;
}

function isUsage(error: unknown): error is Error {
  return error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
}

try {
  await main();
} catch (error) {
  if (!isUsage(error)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}

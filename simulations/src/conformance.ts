/**
 * `npm run conformance -- NAME [--json] | --list`: public suites. Exit code 1 where a case failed, 2 on wrong usage, 3
 * where the suite was left out because its data are not there.
 */
import { parseArgs } from "node:util";
import { chosen, printList, runCommand } from "./commandLine.ts";
import { SUITES } from "./conformance/registry.ts";
import type { Suite, Tally } from "./conformance/suite.ts";

const USAGE = "usage: npm run conformance -- NAME [--json] | --list [--json]";
/** exit code of a suite that was not run */
const LEFT_OUT = 3;

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
  if (values.list === true) return printList(SUITES, json);
  const suite = chosen("suite", SUITES, positionals);
  const leftOut = suite.whyAbsent();
  if (leftOut === null) return report(suite, await suite.run(), json);
  console.log(json ? JSON.stringify({ suite: suite.name, leftOut }) : `${suite.name} was left out: ${leftOut}`);
  process.exitCode = LEFT_OUT;
}

await runCommand(USAGE, main);

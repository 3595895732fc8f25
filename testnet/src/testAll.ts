/**
 * `npm test`: every test of the project: TypeScript, then whole networks, one at a time, since a dozen nodes are as much as two cores keep up with, with the
 * contracts beside them in the time that they leave. The last line is `N passed, N failed`. A runner that ends badly
 * without naming a failed test counts as one failure itself. Before it stand what failed and why, whatever scrolled by.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

/** @property failures a line for each test that failed, with the reason's beginning */
type Outcome = { passed: number; failed: number; failures: readonly string[] };

/** What is read of the JSON report of Vitest. A file that could not be run at all has a message and no tests. */
type Report = {
  numPassedTests: number;
  testResults: readonly {
    name: string;
    status: string;
    message: string;
    assertionResults: readonly { fullName: string; status: string; failureMessages: readonly string[] }[];
  }[];
};

/** Of a failure's text. */
const REASON_LINES = 12;

const ROOT = join(import.meta.dirname, "../..");

/**
 * Runs a command in the root; gives exit code and standard output.
 * @param show takes what it prints
 */
function run(
  [command, ...args]: readonly [string, ...string[]],
  show: (chunk: Buffer) => void,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      show(chunk);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** A runner that failed has at least one failure, whatever it counted. */
const honest = (outcome: Outcome, code: number): Outcome =>
  code !== 0 && outcome.failed === 0
    ? { ...outcome, failed: 1, failures: [...outcome.failures, `a runner ended with ${code}`] }
    : outcome;

const beginning = (text: string) => text.split("\n").slice(0, REASON_LINES).join("\n    ");

/** A file that could not be run counts as one. */
const failuresOf = ({ testResults }: Report): string[] =>
  testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(ROOT, name);
    const failed = assertionResults.filter((result) => result.status === "failed");
    return status === "failed" && failed.length === 0
      ? [`${file}\n    ${beginning(message)}`]
      : failed.map(
          ({ fullName, failureMessages }) => `${file} > ${fullName}\n    ${beginning(failureMessages.join("\n"))}`,
        );
  });

async function vitest(directory: string, args: readonly string[]): Promise<Outcome> {
  const path = join(directory, `report-${args.join("-").replaceAll(/\W+/g, "-")}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${path}`];
  const { code } = await run(["vitest", "run", ...args, ...reporters], (chunk) => void process.stdout.write(chunk));
  try {
    const report = JSON.parse(await readFile(path, "utf8")) as Report;
    const failures = failuresOf(report);
    return honest({ passed: report.numPassedTests, failed: failures.length, failures }, code);
  } catch (error) {
    return { passed: 0, failed: 1, failures: [`vitest left no report: ${String(error)}`] };
  }
}

const FORGE_SUMMARY = /(\d+) tests passed, (\d+) failed, \d+ skipped/;

/** With the least priority: what runs beside it has clocks to keep up with. What it prints is shown when it is over. */
async function forge(): Promise<Outcome> {
  const { code, output } = await run(["nice", "-n", "19", "forge", "test", "--root", "contracts"], () => undefined);
  process.stdout.write(output);
  const summary = FORGE_SUMMARY.exec(output);
  return summary === null
    ? { passed: 0, failed: 1, failures: ["forge ended without its count of tests"] }
    : honest(
        {
          passed: Number(summary[1]),
          failed: Number(summary[2]),
          failures: output.split("\n").filter((line) => line.startsWith("[FAIL")),
        },
        code,
      );
}

const directory = await mkdtemp(join(tmpdir(), "mvm-test-reports-"));
try {
  const outcomes = [
    await vitest(directory, ["packages", "simulations"]),
    ...(await Promise.all([vitest(directory, ["testnet", "--maxWorkers=1"]), forge()])),
  ];
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  for (const failure of outcomes.flatMap((outcome) => outcome.failures)) {
    process.stdout.write(`FAILED: ${failure}\n`);
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}

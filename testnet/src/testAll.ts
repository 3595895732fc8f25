/**
 * `npm test`: every test of the project: TypeScript, then whole networks, one at a time, since a dozen nodes are as much as two cores keep up with, with the
 * contracts beside them in the time that they leave. The last line is `N passed, N failed`. A runner that ends badly
 * without naming a failed test counts as one failure itself.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Counts = { passed: number; failed: number };

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
const honest = (counts: Counts, code: number): Counts =>
  code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;

async function vitest(directory: string, args: readonly string[]): Promise<Counts> {
  const report = join(directory, `report-${args.join("-").replaceAll(/\W+/g, "-")}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { code } = await run(["vitest", "run", ...args, ...reporters], (chunk) => void process.stdout.write(chunk));
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(await readFile(report, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    return honest({ passed: numPassedTests, failed: numFailedTests }, code);
  } catch (error) {
    process.stderr.write(`vitest left no report: ${String(error)}\n`);
    return { passed: 0, failed: 1 };
  }
}

const FORGE_SUMMARY = /(\d+) tests passed, (\d+) failed, \d+ skipped/;

/** With the least priority: what runs beside it has clocks to keep up with. What it prints is shown when it is over. */
async function forge(): Promise<Counts> {
  const { code, output } = await run(["nice", "-n", "19", "forge", "test", "--root", "contracts"], () => undefined);
  process.stdout.write(output);
  const summary = FORGE_SUMMARY.exec(output);
  return summary === null
    ? { passed: 0, failed: 1 }
    : honest({ passed: Number(summary[1]), failed: Number(summary[2]) }, code);
}

const directory = await mkdtemp(join(tmpdir(), "mvm-test-reports-"));
try {
  const counts = [
    await vitest(directory, ["packages", "simulations"]),
    ...(await Promise.all([vitest(directory, ["testnet", "--maxWorkers=1"]), forge()])),
  ];
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}

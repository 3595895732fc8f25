/**
 * `npm test`: every test of the project, TypeScript, contracts and whole networks, one kind after the other. The last
 * line is `N passed, N failed`. A runner that ends badly without naming a failed test counts as one failure itself.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Counts = { passed: number; failed: number };

const ROOT = join(import.meta.dirname, "../..");

/** Runs a command in the root, showing what it prints; gives exit code and standard output. */
function run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      process.stdout.write(chunk);
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
  const { code } = await run("vitest", [
    "run",
    ...args,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
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

async function forge(): Promise<Counts> {
  const { code, output } = await run("forge", ["test", "--root", "contracts"]);
  const summary = FORGE_SUMMARY.exec(output);
  return summary === null
    ? { passed: 0, failed: 1 }
    : honest({ passed: Number(summary[1]), failed: Number(summary[2]) }, code);
}

const directory = await mkdtemp(join(tmpdir(), "mvm-test-reports-"));
try {
  const counts = [
    await vitest(directory, ["packages", "simulations"]),
    await forge(),
    await vitest(directory, ["testnet"]),
  ];
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** What a run leaves behind: nothing, and what a crashed one left goes at the next start. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunDirectory, removeDeadRuns } from "../src/runDirectory.ts";
import { until } from "../src/until.ts";

let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "leftovers-"));
});

afterEach(() => rm(parent, { recursive: true, force: true }));

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

describe("a run's directory", () => {
  it("of a living owner is left alone", async () => {
    const run = await createRunDirectory(parent);
    expect(await removeDeadRuns(parent)).toBe(0);
    expect(existsSync(run.path)).toBe(true);
    await run.remove();
    expect(await readdir(parent)).toEqual([]);
  });

  it("of a dead owner goes, with the processes that it started and with no other", async () => {
    const run = await createRunDirectory(parent);
    const owner = spawn("true");
    await new Promise((resolve) => owner.once("exit", resolve));
    await writeFile(join(run.path, "owner.pid"), `${owner.pid}\n`);
    const orphan = spawn("tail", ["-f", join(run.path, "owner.pid")]);
    const stranger = spawn("tail", ["-f", "/dev/null"]);
    const orphanGone = new Promise((resolve) => orphan.once("exit", resolve));
    await run.addChild(orphan.pid!);
    await run.addChild(stranger.pid!);
    expect(await removeDeadRuns(parent)).toBe(1);
    await orphanGone;
    expect(await readdir(parent)).toEqual([]);
    expect(isAlive(stranger.pid!)).toBe(true);
    stranger.kill();
  });
});

describe("npm run testnet", () => {
  const main = join(import.meta.dirname, "../src/main.ts");
  const start = (args: readonly string[]) =>
    spawn(process.execPath, [main, ...args], {
      env: { ...process.env, TMPDIR: parent },
      stdio: ["ignore", "pipe", "pipe"],
    });

  it("refuses flags that make no sense, with the usage", async () => {
    const child = start(["--providers", "none"]);
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(2);
    expect(said).toContain("--providers takes a whole number");
  });

  it("stopped by a signal ends every process and deletes every file", async () => {
    const child = start(["--json", "--sequencers", "1", "--providers", "1", "--storage", "1", "--dacs", "1"]);
    const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
    const ready = JSON.parse(line) as { ready: boolean; directory: string };
    expect(ready.ready).toBe(true);
    const { readFile } = await import("node:fs/promises");
    const pids = (await readFile(join(ready.directory, "children.pids"), "utf8"))
      .split("\n")
      .filter(Boolean)
      .map(Number);
    expect(pids.length).toBe(5);
    child.kill("SIGINT");
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(0);
    await until("every process to be gone", 10_000, () => pids.every((pid) => !isAlive(pid)));
    expect(await readdir(parent)).toEqual([]);
  });
});

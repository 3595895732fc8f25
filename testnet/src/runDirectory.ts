/** One directory for all that a run leaves on disk, with the pids that it started; what a crashed run left is removed at the next start. */

import { readFileSync } from "node:fs";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "mvm-testnet-";
const OWNER_FILE = "owner.pid";
const CHILDREN_FILE = "children.pids";

/** What /proc tells of a process, or null when there is none (any more). */
function commandLine(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    // No such process, or no /proc: either way nothing here is ours to end.
    return null;
  }
}

async function pidsIn(path: string): Promise<number[]> {
  try {
    return (await readFile(path, "utf8")).split("\n").filter(Boolean).map(Number);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Ends what is left of a dead run and deletes its directory. A pid counts only while its command line names the directory. */
async function removeDeadRun(directory: string): Promise<boolean> {
  const [owner] = await pidsIn(join(directory, OWNER_FILE));
  if (owner !== undefined && commandLine(owner) !== null) return false;
  for (const pid of await pidsIn(join(directory, CHILDREN_FILE))) {
    if (commandLine(pid)?.includes(directory)) process.kill(pid, "SIGKILL");
  }
  await rm(directory, { recursive: true, force: true });
  return true;
}

/** Removes the directories of runs whose owner is gone; gives how many. */
export async function removeDeadRuns(parent: string = tmpdir()): Promise<number> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(PREFIX));
  const removed = await Promise.all(names.map((name) => removeDeadRun(join(parent, name))));
  return removed.filter(Boolean).length;
}

export type RunDirectory = {
  readonly path: string;
  /** Notes a started process, so that a later run can end it. */
  addChild(pid: number): Promise<void>;
  remove(): Promise<void>;
};

export async function createRunDirectory(parent: string = tmpdir()): Promise<RunDirectory> {
  const path = await mkdtemp(join(parent, PREFIX));
  await writeFile(join(path, OWNER_FILE), `${process.pid}\n`);
  return {
    path,
    addChild: (pid) => appendFile(join(path, CHILDREN_FILE), `${pid}\n`),
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

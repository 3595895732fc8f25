/** Files and directories that come to be as a whole or not at all, whatever ends the process, and never in another's place. */
import { randomBytes } from "node:crypto";
import { link, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** In the names of what is not whole yet, before the number of the process that makes it; what a killed one left, the next one removes. */
const UNFINISHED = ".new-";
const OWN = `${UNFINISHED}${process.pid}-`;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Entries of a directory, and their being deleted, survive a loss of power once it returns. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function removeUnfinished(path: string): Promise<void> {
  const directory = dirname(path);
  const start = `${basename(path)}${UNFINISHED}`;
  const names = (await readdir(directory)).filter((name) => name.startsWith(start));
  const isLeft = (name: string): boolean => {
    const pid = Number.parseInt(name.slice(start.length), 10);
    return !(pid > 0 && isRunning(pid));
  };
  for (const name of names.filter(isLeft)) await rm(join(directory, name), { recursive: true, force: true });
}

/** Makes a new file with a mode. Rejects with EEXIST where there is one. */
export async function createFile(path: string, text: string, mode: number): Promise<void> {
  await removeUnfinished(path);
  const unfinished = `${path}${OWN}${randomBytes(6).toString("hex")}`;
  try {
    await writeSynced(unfinished, text, mode);
    // not rename, which would take the place of a file that has come meanwhile
    await link(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  await syncDirectory(dirname(path));
}

/**
 * Makes a new directory (mode 0700) with its files (mode 0600). Rejects with ENOTEMPTY where there is one that holds anything.
 * @param check looks at the files before the directory gets its name; if it rejects, there is none
 */
export async function createDirectory<T>(
  path: string,
  files: Readonly<Record<string, string>>,
  check: (unfinished: string) => Promise<T>,
): Promise<T> {
  await removeUnfinished(path);
  const unfinished = await mkdtemp(`${path}${OWN}`);
  try {
    for (const [name, text] of Object.entries(files)) await writeSynced(join(unfinished, name), text, 0o600);
    await syncDirectory(unfinished);
    const checked = await check(unfinished);
    await rename(unfinished, path);
    await syncDirectory(dirname(path));
    return checked;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

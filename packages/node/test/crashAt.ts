/**
 * Preloaded into a process (--import): kills it with SIGKILL at the n-th change that it makes on the disk by node:fs/promises, n being
 * CRASH_AT; a file that is being written then has half of its text. Without a number nothing is killed.
 */
import type { FileHandle } from "node:fs/promises";
import { createRequire, syncBuiltinESMExports } from "node:module";

type Step = (...args: readonly unknown[]) => Promise<unknown>;

const files = createRequire(import.meta.url)("node:fs/promises") as Record<string, Step>;
let left = Number(process.env["CRASH_AT"] ?? Number.POSITIVE_INFINITY);

const isLast = (): boolean => {
  left -= 1;
  return left === 0;
};
const die = (): void => void process.kill(process.pid, "SIGKILL");

const half = (text: unknown): string => String(text).slice(0, String(text).length / 2);

for (const name of ["mkdir", "mkdtemp", "link", "rename", "rm"]) {
  const step = files[name]!;
  files[name] = (...args) => {
    if (isLast()) die();
    return step(...args);
  };
}
const writeFile = files["writeFile"]!;
files["writeFile"] = async (path, text, ...how) => {
  if (!isLast()) return writeFile(path, text, ...how);
  await writeFile(path, half(text), ...how);
  return die();
};
const openFile = files["open"]!;
files["open"] = async (...args) => {
  const [, flags] = args;
  if (flags !== "r" && isLast()) die();
  const file = (await openFile(...args)) as FileHandle;
  const write = file.writeFile.bind(file);
  file.writeFile = async (text) => {
    if (!isLast()) return write(text);
    await write(half(text));
    return die();
  };
  return file;
};
syncBuiltinESMExports();

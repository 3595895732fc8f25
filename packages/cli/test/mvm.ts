/** Runs the mvm command as a user does: as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const BINARY = join(import.meta.dirname, "..", "bin", "mvm.js");

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

/** No setting of the one who runs the tests reaches the command. */
function environment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("MVM_"));
  return { ...Object.fromEntries(own), ...extra };
}

function startedNode(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const cwd = import.meta.dirname;
  return spawn(process.execPath, args, { cwd, env: environment(env), stdio: ["pipe", "pipe", "pipe"] });
}

export const started = (args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess =>
  startedNode([BINARY, ...args], env);

/** Waits for the command's end, and gives what it printed. */
export const mvm = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  nodeWith([BINARY, ...args], env);

/** The same of any program for Node, which finds what the command finds. */
export async function nodeWith(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = startedNode(args, env);
  let out = "";
  let err = "";
  child.stdout!.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr!.on("data", (chunk) => {
    err += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

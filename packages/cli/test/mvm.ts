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

export function started(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [BINARY, ...args], { env: environment(env), stdio: ["pipe", "pipe", "pipe"] });
}

/** Waits for the command's end, and gives what it printed. */
export async function mvm(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = started(args, env);
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

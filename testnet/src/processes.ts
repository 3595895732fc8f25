/** Child processes of a testnet: started, watched, ended by pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

class ProcessError extends Error {
  readonly code: "exited" | "not-ready";
  constructor(code: ProcessError["code"], message: string) {
    super(message);
    this.name = "ProcessError";
    this.code = code;
  }
}

export type RunningProcess = {
  readonly name: string;
  readonly pid: number;
  /** resolves with the exit code, or null after a signal */
  readonly exited: Promise<number | null>;
  /** SIGTERM, then SIGKILL when it has not gone within the patience */
  stop(patienceMs?: number): Promise<void>;
  /** SIGKILL at once */
  kill(): Promise<void>;
};

export type StartOptions = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Picks what makes the process ready out of a line of its standard output; undefined: not this line. */
  readonly ready: (line: string) => unknown;
  readonly timeoutMs: number;
  readonly onPid?: (pid: number) => Promise<void>;
};

function runningProcess(name: string, child: ChildProcess, exited: Promise<number | null>): RunningProcess {
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return {
    name,
    pid: child.pid!,
    exited,
    kill,
    stop: async (patienceMs = 10_000) => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Lines of a log that an error tells. */
const TOLD_LINES = 8;

/** Starts a process and waits until a line of its standard output says that it is ready; what that line gave comes back. */
export async function startProcess<T>(options: StartOptions): Promise<{ process: RunningProcess; ready: T }> {
  const { name, command, args, logFile, timeoutMs } = options;
  const log = await open(logFile, "a");
  const child = spawn(command, args, { stdio: ["pipe", "pipe", log.fd], env: { ...process.env, ...options.env } });
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
  void exited.then(() => log.close());
  if (child.pid !== undefined) await options.onPid?.(child.pid);
  const running = runningProcess(name, child, exited);
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(
    () => reject(new ProcessError("not-ready", `${name} was not ready within ${timeoutMs} ms; see ${logFile}`)),
    timeoutMs,
  );
  createInterface({ input: child.stdout! }).on("line", (line) => {
    void log.write(`${line}\n`).catch(() => undefined);
    const value = options.ready(line);
    if (value !== undefined) resolve(value as T);
  });
  void exited.then(async (code) => {
    const said = (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-TOLD_LINES).join("\n");
    reject(new ProcessError("exited", `${name} ended with code ${code} before it was ready:\n${said}`));
  });
  try {
    return { process: running, ready: await promise };
  } catch (error) {
    await running.kill();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

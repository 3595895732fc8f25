/** A private anvil of a benchmark: a process on a free port of the loopback, ended with the benchmark. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** What anvil answers to a request or a list of them; it may take as long as it needs. */
export async function ask(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** A running anvil. */
export type AnvilProcess = {
  readonly url: string;
  /** Ends the process and waits for its end. */
  stop(): Promise<void>;
};

/** Starts anvil under the rules of Osaka with further options; it answers once this returns. Throws where it does not start. */
export async function startAnvil(options: readonly string[]): Promise<AnvilProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // old states go there; anvil's own place for them keeps those of a process that was killed
  const states = await mkdtemp(join(tmpdir(), "mvm-anvil-"));
  const own = ["--port", String(port), "--hardfork", "osaka", "--quiet", "--cache-path", states];
  const process = spawn("anvil", [...own, ...options], { stdio: ["ignore", "ignore", "inherit"] });
  const stop = async (): Promise<void> => {
    await ended(process);
    await rm(states, { recursive: true, force: true });
  };
  try {
    await ready(url, process);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

async function ready(url: string, process: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  const question = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
  for (;;) {
    const alive = await ask(url, question).catch(() => null);
    if (alive !== null) return;
    if (Date.now() > deadline || process.exitCode !== null) throw new Error("anvil did not start");
    await setTimeout(POLL_MS);
  }
}

async function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null || process.pid === undefined) return;
  const closed = new Promise((resolve) => process.once("close", resolve));
  process.kill("SIGTERM");
  await closed;
}

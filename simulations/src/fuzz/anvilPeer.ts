/** anvil (revm) over its socket: loaded with a state, given one transaction a block, set back to nothing for the next. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** First block's number, so that BLOCKHASH looks back further than the chain goes. */
export const GENESIS_NUMBER = 1_000n;
export const CHAIN_ID = 1_337n;
export const GENESIS_TIMESTAMP = 1_800_000_000n;
export const BLOCK_GAS_LIMIT = 60_000_000n;
const START_TIMEOUT_MS = 60_000;
/** One request's answer; a block takes a few milliseconds. */
const ANSWER_TIMEOUT_MS = 120_000;
const NEWLINE = 0x0a;

export type Request = readonly [method: string, params: readonly unknown[]];
export type Answer = {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
};

const quantity = (value: bigint): string => `0x${value.toString(16)}`;

/** The genesis that anvil begins with: no account but those of its own. */
function genesis(): object {
  return {
    config: { chainId: Number(CHAIN_ID) },
    nonce: "0x0",
    number: quantity(GENESIS_NUMBER),
    timestamp: quantity(GENESIS_TIMESTAMP),
    extraData: "0x",
    gasLimit: quantity(BLOCK_GAS_LIMIT),
    difficulty: "0x0",
    baseFeePerGas: "0x1",
    alloc: {},
  };
}

function flagsOf(directory: string): readonly string[] {
  const options = {
    "--init": join(directory, "genesis.json"),
    "--ipc": join(directory, "socket"),
    "--cache-path": join(directory, "cache"),
    "--host": "127.0.0.1",
    "--port": "0",
    "--number": String(GENESIS_NUMBER),
    "--timestamp": String(GENESIS_TIMESTAMP),
    "--chain-id": String(CHAIN_ID),
    "--hardfork": "osaka",
    "--gas-limit": String(BLOCK_GAS_LIMIT),
    "--accounts": "0",
  };
  const switches = [
    "--no-mining",
    "--enable-tx-gas-limit",
    "--disable-default-create2-deployer",
    "--disable-min-priority-fee",
    "--disable-console-log",
  ];
  return [...Object.entries(options).flat(), ...switches];
}

/** Waits for the line that says anvil listens, and goes on reading what it prints, so that it never blocks. */
function listening(process: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("anvil did not start in time")), START_TIMEOUT_MS);
    const settle = (done: () => void): void => {
      clearTimeout(timer);
      done();
    };
    createInterface({ input: process.stdout! }).on("line", (line) => {
      if (line.startsWith("Listening on")) settle(resolve);
    });
    process.once("error", (cause) => settle(() => reject(new Error("anvil did not start", { cause }))));
    process.once("close", () => settle(() => reject(new Error("anvil ended"))));
  });
}

function opened(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause) => reject(new Error("anvil's socket does not open", { cause })));
  });
}

export class AnvilPeer {
  readonly #process: ChildProcess;
  readonly #socket: Socket;
  readonly #directory: string;
  #received: Buffer[] = [];
  #waiting: { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void } | null = null;

  private constructor(process: ChildProcess, socket: Socket, directory: string) {
    this.#process = process;
    this.#socket = socket;
    this.#directory = directory;
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("close", () => this.#waiting?.reject(new Error("anvil closed its socket")));
    socket.on("error", (error) => this.#waiting?.reject(error));
  }

  /** Starts an anvil of its own on free ports of the loopback. */
  static async start(): Promise<AnvilPeer> {
    const directory = await mkdtemp(join(tmpdir(), "mvm-fuzz-"));
    let process: ChildProcess | null = null;
    try {
      await writeFile(join(directory, "genesis.json"), JSON.stringify(genesis()));
      process = spawn("anvil", flagsOf(directory), { stdio: ["ignore", "pipe", "inherit"] });
      await listening(process);
      const peer = new AnvilPeer(process, await opened(join(directory, "socket")), directory);
      await peer.ask("anvil_setLoggingEnabled", [false]);
      return peer;
    } catch (error) {
      process?.kill("SIGKILL");
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** An answer is a line. */
  #onData(chunk: Buffer): void {
    this.#received.push(chunk);
    if (chunk.at(-1) !== NEWLINE) return;
    const line = Buffer.concat(this.#received).toString();
    this.#received = [];
    this.#waiting?.resolve(JSON.parse(line));
  }

  /** Answers to requests that anvil may take in any order; one batch at a time. */
  async batch(requests: readonly Request[]): Promise<readonly Answer[]> {
    if (this.#waiting !== null) throw new Error("anvil has not answered yet");
    const body = requests.map(([method, params], id) => ({ jsonrpc: "2.0", id, method, params }));
    const answer = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("anvil does not answer")), ANSWER_TIMEOUT_MS);
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        this.#waiting = null;
        done();
      };
      this.#waiting = {
        resolve: (value) => settle(() => resolve(value)),
        reject: (error) => settle(() => reject(error)),
      };
      this.#socket.write(`${JSON.stringify(body)}\n`);
    });
    return (answer as readonly (Answer & { readonly id: number })[]).toSorted((a, b) => a.id - b.id);
  }

  /** Results of requests that must succeed. */
  async results(requests: readonly Request[]): Promise<readonly unknown[]> {
    return (await this.batch(requests)).map(({ result, error }, index) => {
      if (error !== undefined) throw new Error(`anvil: ${requests[index]![0]}: ${error.message}`);
      return result;
    });
  }

  async ask(method: string, params: readonly unknown[]): Promise<unknown> {
    return (await this.results([[method, params]]))[0];
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const closed = new Promise((resolve) => this.#process.once("close", resolve));
      this.#process.kill("SIGTERM");
      await closed;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createL1Provider } from "@mvm/l1";
import { toHash } from "@mvm/protocol";
import type { JsonRpcProvider, TransactionReceipt } from "ethers";
import { Wallet } from "ethers";
import { waitForReceipt } from "../src/waiting.ts";

const BINARY = join(import.meta.dirname, "../../../node_modules/.bin/anvil");
const CHAIN_ID = 31_337n;
const START_TIMEOUT_MS = 20_000;
const RECEIPT_WAIT = { timeoutMs: 60_000, pollMs: 50 };
const MNEMONIC_KEYS = /\(\d+\) (0x[0-9a-f]{64})/g;

/** A private L1 on a free port of the loopback: one block a transaction. */
export type Anvil = {
  readonly url: string;
  readonly port: number;
  readonly l1ChainId: bigint;
  readonly provider: JsonRpcProvider;
  /** funded accounts */
  readonly wallets: readonly Wallet[];
  /** mines empty blocks */
  mine(blocks: number): Promise<void>;
  /**
   * Asks for a transaction's receipt until it is there. A wait of ethers takes a block that comes while it begins for one before it, and waits for
   * a further one, which nobody makes here.
   */
  receiptOf(hash: string): Promise<TransactionReceipt>;
  /** stops the process and waits for its end */
  stop(): Promise<void>;
};

/** Starts anvil; on a given port (a restart) or a free one; with the rules of a given fork, or Osaka. */
export async function startAnvil({ port = 0, hardfork = "osaka" } = {}): Promise<Anvil> {
  // old states go there; anvil's own place for them keeps those of a process that was killed
  const states = await mkdtemp(join(tmpdir(), "mvm-anvil-"));
  const options = [
    "--cache-path",
    states,
    "--port",
    String(port),
    "--chain-id",
    String(CHAIN_ID),
    "--enable-tx-gas-limit",
    "--hardfork",
    hardfork,
  ];
  const child = spawn(BINARY, options, { stdio: ["ignore", "pipe", "inherit"] });
  const banner = await readBanner(child);
  const listening = /Listening on 127\.0\.0\.1:(\d+)/.exec(banner)!;
  const url = `http://127.0.0.1:${listening[1]}`;
  const provider = createL1Provider(url, CHAIN_ID);
  const keys = [...banner.matchAll(MNEMONIC_KEYS)].map((match) => match[1]!);
  return {
    url,
    port: Number(listening[1]),
    l1ChainId: CHAIN_ID,
    provider,
    wallets: keys.map((key) => new Wallet(key, provider)),
    mine: async (blocks) => {
      await provider.send("anvil_mine", [`0x${blocks.toString(16)}`]);
    },
    receiptOf: async (hash) => {
      await waitForReceipt(provider, toHash(hash), { ...RECEIPT_WAIT, signal: new AbortController().signal });
      return (await provider.getTransactionReceipt(hash))!;
    },
    stop: async () => {
      provider.destroy();
      await endOf(child);
      await rm(states, { recursive: true, force: true });
    },
  };
}

async function readBanner(child: ChildProcess): Promise<string> {
  const ready = Promise.withResolvers<string>();
  let banner = "";
  const timer = setTimeout(() => ready.reject(new Error(`anvil is not ready: ${banner}`)), START_TIMEOUT_MS);
  child.stdout!.on("data", (chunk: Buffer) => {
    banner += chunk.toString("utf8");
    if (/Listening on 127\.0\.0\.1:\d+/.test(banner)) ready.resolve(banner);
    if (banner.length > 65_536) banner = banner.slice(-65_536);
  });
  child.once("error", ready.reject);
  child.once("exit", (code) => ready.reject(new Error(`anvil ended with ${code}: ${banner}`)));
  try {
    return await ready.promise;
  } finally {
    clearTimeout(timer);
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = Promise.withResolvers<void>();
  child.once("exit", () => ended.resolve());
  child.kill("SIGKILL");
  await ended.promise;
}

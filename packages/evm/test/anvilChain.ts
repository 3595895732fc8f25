/** A chain of anvil (revm) as an outside oracle: its state as a reader, its transactions, its traces. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import {
  type Address,
  type BlockEnvironment,
  fromHex,
  type Hash,
  type Hex,
  keccakHash,
  type StateReader,
  toHash,
} from "@mvm/protocol";

const BINARY = join(import.meta.dirname, "../../../node_modules/.bin/anvil");
const START_TIMEOUT_MS = 20_000;

type Block = Readonly<Record<"number" | "timestamp" | "baseFeePerGas" | "gasLimit", Hex>> & {
  readonly mixHash: Hash;
  readonly miner: Address;
  readonly transactions: readonly Hash[];
};

/** A transaction as anvil mined it: what it read from, and where it stood. */
export type Mined = { readonly hash: Hash; readonly environment: BlockEnvironment; readonly reader: StateReader };

export type AnvilChain = {
  send<T>(method: string, ...params: readonly unknown[]): Promise<T>;
  /** Mines one transaction alone in a block. */
  mine(transaction: Readonly<Record<string, unknown>>): Promise<Mined>;
  stop(): Promise<void>;
};

async function portOf(child: ChildProcess): Promise<number> {
  const ready = Promise.withResolvers<number>();
  let banner = "";
  const timer = setTimeout(() => ready.reject(new Error(`anvil is not ready: ${banner}`)), START_TIMEOUT_MS);
  child.stdout!.on("data", (chunk: Buffer) => {
    banner = (banner + chunk.toString("utf8")).slice(-65_536);
    const listening = /Listening on 127\.0\.0\.1:(\d+)/.exec(banner);
    if (listening !== null) ready.resolve(Number(listening[1]));
  });
  child.once("error", ready.reject);
  child.once("exit", (code) => ready.reject(new Error(`anvil ended with ${code}: ${banner}`)));
  try {
    return await ready.promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Starts anvil at Osaka's rules, chain 1, on a free port of the loopback. */
export async function startAnvilChain(): Promise<AnvilChain> {
  const options = ["--port", "0", "--chain-id", "1", "--hardfork", "osaka", "--steps-tracing", "--no-mining"];
  const child = spawn(BINARY, options, { stdio: ["ignore", "pipe", "inherit"] });
  const url = `http://127.0.0.1:${await portOf(child)}`;
  const send = async <T>(method: string, ...params: readonly unknown[]): Promise<T> => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const response = await fetch(url, { method: "POST", body, headers: { "content-type": "application/json" } });
    const { result, error } = (await response.json()) as { result: T; error?: { message: string } };
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  const mine = async (transaction: Readonly<Record<string, unknown>>): Promise<Mined> => {
    // What was set since the last block becomes part of the state that a block has before it.
    await send("evm_mine");
    const hash = await send<Hash>("eth_sendTransaction", transaction);
    await send("evm_mine");
    const block = await send<Block>("eth_getBlockByNumber", "latest", false);
    if (block.transactions[0] !== hash) throw new Error("anvil left the transaction out");
    const environment: BlockEnvironment = {
      timestamp: BigInt(block.timestamp),
      baseFeePerGas: BigInt(block.baseFeePerGas),
      gasLimit: BigInt(block.gasLimit),
      prevRandao: block.mixHash,
      feeRecipient: block.miner,
    };
    return { hash, environment, reader: stateBefore(send, BigInt(block.number)) };
  };
  return {
    send,
    mine,
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The state in which a block of anvil's began. */
function stateBefore(send: AnvilChain["send"], number: bigint): StateReader {
  const parent = `0x${(number - 1n).toString(16)}`;
  const codes = new Map<Hash, Uint8Array>();
  return {
    account: async (address) => {
      const [balance, nonce, code] = await Promise.all([
        send<Hex>("eth_getBalance", address, parent),
        send<Hex>("eth_getTransactionCount", address, parent),
        send<Hex>("eth_getCode", address, parent),
      ]);
      const bytes = fromHex(code);
      const codeHash = keccakHash(bytes);
      codes.set(codeHash, bytes);
      const account = { balance: BigInt(balance), nonce: BigInt(nonce), codeHash };
      return account.balance === 0n && account.nonce === 0n && bytes.length === 0 ? null : account;
    },
    slot: async (address, slot) => BigInt(await send<Hex>("eth_getStorageAt", address, slot, parent)),
    code: (hash) => codes.get(hash)!,
    number: () => number,
    chainId: () => 1n,
    blockHash: async (asked) => {
      const block = await send<{ hash: string } | null>("eth_getBlockByNumber", `0x${asked.toString(16)}`, false);
      return toHash(block?.hash ?? `0x${"00".repeat(32)}`);
    },
  };
}

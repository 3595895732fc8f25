/** The public state tests (ethereum/tests, GeneralStateTests) as they lie in ../shared/conformance. */
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import {
  addressOf,
  type BlockEnvironment,
  encodeRlp,
  fromHex,
  type Hash,
  keccakHash,
  type Log,
  type TransactionMessage,
  toAddress,
  toWordHex,
} from "@mvm/protocol";
import type { Engine } from "../src/index.ts";
import { rootOf } from "./reference.ts";
import { applyToWorld, readerOf, type World } from "./world.ts";

const ARCHIVE = new URL("../../../../shared/conformance/general-state-tests-cancun.tar.gz", import.meta.url);
export const isArchiveThere = (): boolean => existsSync(ARCHIVE);

type Json = Record<string, unknown>;
type Post = {
  hash: string;
  logs: string;
  indexes: { data: number; gas: number; value: number };
  expectException?: string;
};
type StateTest = {
  env: Record<string, string>;
  pre: Record<string, { nonce: string; balance: string; code: string; storage: Record<string, string> }>;
  transaction: Record<string, string> & {
    data: string[];
    gasLimit: string[];
    value: string[];
    accessLists?: ({ address: string; storageKeys: string[] }[] | null)[];
  };
  post: { Cancun: Post[] };
};

/** Why a case cannot be run by this engine. */
export type Skipped = "blob transaction" | "storage without an account's code or nonce (EIP-7610)" | "gas beyond 2^53";

/** Files of a tar archive: name and contents. */
function* filesOf(tar: Uint8Array): Generator<[string, Uint8Array]> {
  const text = new TextDecoder();
  const field = (at: number, size: number): string => text.decode(tar.subarray(at, at + size)).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(field(at + 124, 12), 8);
    if (field(at + 156, 1) !== "5")
      yield [field(at + 345, 155) + field(at, 100), tar.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** Every file's tests, in the archive's order. */
export function* stateTests(): Generator<[string, StateTest]> {
  for (const [file, bytes] of filesOf(gunzipSync(readFileSync(ARCHIVE)))) {
    if (!file.endsWith(".json")) continue;
    for (const test of Object.values(JSON.parse(new TextDecoder().decode(bytes)) as Json))
      yield [file, test as StateTest];
  }
}

const number = (text: string): bigint => BigInt(text === "" || text === "0x" ? "0x0" : text);

function worldOfTest(test: StateTest): World {
  const world: World = new Map();
  for (const [address, { nonce, balance, code, storage }] of Object.entries(test.pre)) {
    const slots = new Map<Hash, bigint>(
      Object.entries(storage).map(([slot, value]) => [toWordHex(number(slot)), number(value)]),
    );
    world.set(toAddress(address), {
      nonce: number(nonce),
      balance: number(balance),
      code: fromHex(code),
      storage: slots,
    });
  }
  return world;
}

function messageOfTest({ transaction }: StateTest, { indexes }: Post): TransactionMessage {
  const list = transaction.accessLists?.[indexes.data];
  const price = number(transaction["gasPrice"] ?? transaction["maxFeePerGas"]!);
  const tip = transaction["maxPriorityFeePerGas"];
  return {
    type: transaction["maxFeePerGas"] !== undefined ? 2 : list == null ? 0 : 1,
    from:
      transaction["sender"] === undefined
        ? addressOf(fromHex(transaction["secretKey"]!))
        : toAddress(transaction["sender"]),
    to: transaction["to"] === "" ? null : toAddress(transaction["to"]!),
    nonce: number(transaction["nonce"]!),
    gasLimit: number(transaction.gasLimit[indexes.gas]!),
    maxFeePerGas: price,
    maxPriorityFeePerGas: tip === undefined ? price : number(tip),
    value: number(transaction.value[indexes.value]!),
    data: fromHex(transaction.data[indexes.data]!),
    accessList: (list ?? []).map(({ address, storageKeys }) => ({
      address: toAddress(address),
      slots: storageKeys.map((slot) => toWordHex(number(slot))),
    })),
    authorizations: [],
  };
}

function environmentOf({ env }: StateTest): BlockEnvironment {
  return {
    timestamp: number(env["currentTimestamp"]!),
    baseFeePerGas: number(env["currentBaseFee"]!),
    gasLimit: number(env["currentGasLimit"]!),
    prevRandao: toWordHex(number(env["currentRandom"]!)),
    feeRecipient: toAddress(env["currentCoinbase"]!),
  };
}

function logsHash(logs: readonly Log[]): Hash {
  return keccakHash(encodeRlp(logs.map(({ address, topics, data }) => [fromHex(address), topics.map(fromHex), data])));
}

function whySkipped(test: StateTest, message: TransactionMessage, world: World): Skipped | null {
  if (test.transaction["blobVersionedHashes"] !== undefined || test.transaction["maxFeePerBlobGas"] !== undefined)
    return "blob transaction";
  if (message.gasLimit > BigInt(Number.MAX_SAFE_INTEGER)) return "gas beyond 2^53";
  for (const { nonce, code, storage } of world.values()) {
    if (storage.size !== 0 && nonce === 0n && code.length === 0)
      return "storage without an account's code or nonce (EIP-7610)";
  }
  return null;
}

/** Runs one case: null where all is as it should be, else what is not. */
export async function runCase(
  engine: Engine,
  test: StateTest,
  post: Post,
): Promise<{ skipped: Skipped } | { fault: string | null }> {
  const world = worldOfTest(test);
  const message = messageOfTest(test, post);
  const skipped = whySkipped(test, message, world);
  if (skipped !== null) return { skipped };
  const reader = {
    ...readerOf(world),
    number: () => number(test.env["currentNumber"]!),
    blockHash: (height: bigint) => keccakHash(new TextEncoder().encode(height.toString())),
  };
  const [outcome] = await engine.execute(environmentOf(test), [message], reader);
  if (outcome!.kind === "invalid")
    return { fault: post.expectException === undefined ? `invalid: ${outcome!.reason}` : null };
  if (post.expectException !== undefined) return { fault: `included, should be ${post.expectException}` };
  applyToWorld(world, outcome!.writes);
  if (logsHash(outcome!.logs) !== post.logs) return { fault: "logs differ" };
  return {
    fault: (await rootOf(world, "cancun")) === post.hash ? null : `state root differs, gas ${outcome!.gasUsed}`,
  };
}

/** Made-up blocks whose every part follows from a number and a seed, so that any reader can check them. */
import { type AccountWrite, EMPTY_CODE_HASH, type Hash, keccakHash, type Log } from "@mvm/protocol";
import type { BlockRecord, ChainValues } from "../src/index.ts";
import { addressOf, slotOf } from "./writes.ts";

const text = new TextEncoder();
export const nameHash = (name: string): Hash => keccakHash(text.encode(name));

export const noChain: ChainValues = { number: () => 0n, chainId: () => 1n, blockHash: () => nameHash("none") };

/** Blocks with another seed at the same height have another hash and other contents. */
export function madeBlock(
  number: number,
  seed = 0,
  transactions = 1 + (number % 4),
): BlockRecord & {
  writesPerTransaction: AccountWrite[][];
} {
  const name = `${seed}/${number}`;
  const indexes = Array.from({ length: transactions }, (_, i) => i);
  return {
    number: BigInt(number),
    hash: nameHash(`block ${name}`),
    encodedBlock: text.encode(`block ${name}`),
    transactionHashes: indexes.map((i) => nameHash(`transaction ${name}/${i}`)),
    executedHashes: indexes.map((i) => (i === 1 ? nameHash(`executed ${name}/${i}`) : null)),
    receipts: indexes.map((i) => text.encode(`receipt ${name}/${i}`)),
    logs: indexes.map((i) => madeLogs(number, i)),
    writesPerTransaction: indexes.map((i) => madeWrites(number, seed, i)),
  };
}

function madeLogs(number: number, i: number): Log[] {
  const count = (number + i) % 3;
  return Array.from({ length: count }, (_, at) => ({
    address: addressOf((number + at) % 5),
    topics: [nameHash("Transfer"), nameHash(`from ${i}`), nameHash(`to ${number % 7}`)].slice(
      0,
      1 + ((number + at) % 3),
    ),
    data: new Uint8Array(0),
  }));
}

function madeWrites(number: number, seed: number, i: number): AccountWrite[] {
  const at = (number * 7 + i * 3 + seed) % 20;
  const code = number % 5 === 0 ? text.encode(`code ${number % 10}`) : null;
  const written: AccountWrite = {
    address: addressOf(at),
    account: {
      nonce: BigInt(number),
      balance: BigInt(number * 1_000 + i + seed),
      codeHash: code === null ? EMPTY_CODE_HASH : keccakHash(code),
    },
    code,
    slots: [0, 1, 2].map((s) => ({ slot: slotOf((number + s) % 6), value: BigInt((number + seed + s + i) % 4) })),
  };
  if (number % 3 !== 0) return [written];
  return [written, { address: addressOf((at + 11) % 20), account: null, code: null, slots: [] }];
}

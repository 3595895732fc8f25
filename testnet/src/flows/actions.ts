/** What several flows do: reading and sending on a DAC, watching L1, being refused by it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  appendBatches,
  type DecodedRevert,
  headOf,
  type L1Call,
  L1Error,
  missingRecord,
  randomnessOf,
  type StandingBatch,
  sequencerOf,
  standingBatches,
} from "@mvm/l1";
import { readPasswordFile } from "@mvm/node";
import {
  type Address,
  type BatchHeader,
  batchDigest,
  epochOf,
  fromHex,
  type Hex,
  keccakHash,
  type NetworkIdentity,
  PROFILES,
  signDigest,
  ZERO_HASH,
} from "@mvm/protocol";
import { type JsonRpcProvider, type Provider, type TransactionReceipt, Wallet } from "ethers";
import { L1_CHAIN_ID } from "../anvil.ts";
import type { Testnet, TestnetDac, TestnetNode } from "../testnet.ts";
import { until } from "../until.ts";

export const MT = 10n ** 18n;
export const { devnet: PARAMETERS } = PROFILES;
const POSTED_MS = 120_000;
const TAKEN_MS = 30_000;
/** milliseconds that a transaction of a DAC may take to be in a block */
const INCLUDED_MS = 120_000;

/** What binds signatures to a testnet. */
const networkOf = (testnet: Testnet): NetworkIdentity => ({
  l1ChainId: BigInt(L1_CHAIN_ID),
  comco: testnet.contracts.comco,
});

/** Number of the newest L1 block. */
export const l1Block = async (testnet: Testnet): Promise<bigint> =>
  BigInt((await testnet.anvil.provider.send("eth_blockNumber", [])) as string);

/** Time of the newest L1 block, in seconds. */
export const l1Time = async (testnet: Testnet): Promise<bigint> =>
  BigInt((await testnet.anvil.provider.getBlock("latest"))!.timestamp);

/** Uses a DAC's provider, and closes it. */
export async function withProvider<T>(
  testnet: Testnet,
  dac: TestnetDac,
  use: (provider: JsonRpcProvider) => Promise<T>,
): Promise<T> {
  const provider = testnet.providerOf(dac);
  try {
    return await use(provider);
  } finally {
    provider.destroy();
  }
}

/** The user's account on a DAC. */
export const userOn = (testnet: Testnet, provider: JsonRpcProvider): Wallet =>
  new Wallet(testnet.user.privateKey, provider);

/**
 * The receipt of a transaction on a DAC, once a block has it, whether it succeeded or not. Looks again and again: what ethers waits for is the
 * next block, and where this one came between its look for the receipt and for the head, an idle DAC has none.
 */
export async function included(provider: Provider, { hash }: { readonly hash: string }): Promise<TransactionReceipt> {
  let receipt: TransactionReceipt | null = null;
  await until(`transaction ${hash} in a block`, INCLUDED_MS, async () => {
    receipt = await provider.getTransactionReceipt(hash);
    return receipt !== null;
  });
  return receipt!;
}

/** Waits until a block of a DAC is on L1. */
export async function untilPosted(provider: JsonRpcProvider, block: number): Promise<void> {
  await until(`block ${block} on L1`, POSTED_MS, async () => {
    const safe = (await provider.send("eth_getBlockByNumber", ["safe", false])) as { number: string } | null;
    return safe !== null && Number(safe.number) >= block;
  });
}

/** Initcode that counts down from 20,000, in 140,000 steps, and leaves no code. */
const LONG_LOOP = "0x614e205b60019003806003570000";

/**
 * Signs transfers of 1 wei by the user to itself, or long loops, and has the gateway acknowledge them; gives their hashes.
 */
export async function acknowledge(
  testnet: Testnet,
  dac: TestnetDac,
  provider: JsonRpcProvider,
  nonces: readonly number[],
  isHeavy = false,
): Promise<readonly string[]> {
  const user = new Wallet(testnet.user.privateKey);
  const hashes: string[] = [];
  const what = isHeavy
    ? { to: null, data: LONG_LOOP, gasLimit: 1_000_000n }
    : { to: user.address, value: 1n, gasLimit: 21_000n };
  for (const nonce of nonces) {
    const raw = await user.signTransaction({
      ...what,
      nonce,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 1n,
      type: 2,
      chainId: dac.chainId,
    });
    // a gateway whose hosts are busy says to try again
    await until(`the gateway to take transaction ${nonce}`, TAKEN_MS, async () => {
      hashes.push((await provider.send("eth_sendRawTransaction", [raw])) as string);
      return true;
    });
  }
  return hashes;
}

/** Waits until every transaction has a receipt of success. */
export async function untilIncluded(
  provider: JsonRpcProvider,
  hashes: readonly string[],
  timeoutMs: number,
): Promise<void> {
  const open = new Set(hashes);
  await until(`${hashes.length} receipts`, timeoutMs, async () => {
    for (const hash of open) if ((await provider.getTransactionReceipt(hash))?.status === 1) open.delete(hash);
    return open.size === 0;
  });
}

/** Generation of the block that has a transaction; undefined where none has it. */
export async function generationOf(provider: JsonRpcProvider, hash: string): Promise<number | undefined> {
  const receipt = (await provider.send("eth_getTransactionReceipt", [hash])) as { blockNumber: string } | null;
  if (receipt === null) return undefined;
  const context = (await provider.send("mvm_getBlockContext", [receipt.blockNumber])) as { generation: string };
  return Number(context.generation);
}

/** Waits until every transaction is in a block of a generation. */
export async function untilInGeneration(
  provider: JsonRpcProvider,
  hashes: readonly string[],
  generation: number,
  timeoutMs: number,
): Promise<void> {
  await until(`${hashes.length} transactions in generation ${generation}`, timeoutMs, async () => {
    for (const hash of hashes) if ((await generationOf(provider, hash)) !== generation) return false;
    return true;
  });
}

/** Why L1 refuses; throws where it does not refuse, or does not say why. */
export async function refusalOf(attempt: Promise<unknown>): Promise<DecodedRevert> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof L1Error && error.data.revert !== undefined) return error.data.revert;
    throw error;
  }
  throw new Error("L1 took what it should have refused");
}

/** Sends a call as an account of L1 that only one flow uses, and waits until it is mined. Gives its hash. */
export async function sendAs(
  testnet: Testnet,
  key: string,
  { to, data }: Pick<L1Call, "to" | "data">,
): Promise<string> {
  const wallet = new Wallet(key, testnet.anvil.provider);
  const receipt = await (await wallet.sendTransaction({ to, data })).wait();
  if (receipt?.status !== 1) throw new Error(`a call of ${to} failed on L1`);
  return receipt.hash;
}

/** The L1 key of a node, from its disk: any wallet reads it. */
export async function keyOf(testnet: Testnet, node: TestnetNode): Promise<Hex> {
  const keystore = await readFile(join(node.dataDir, "keys", "l1.json"), "utf8");
  const { privateKey } = await Wallet.fromEncryptedJson(keystore, await readPasswordFile(testnet.passwordFile));
  return privateKey as Hex;
}

/** Nodes of a role, in their order. */
export const nodesOf = (testnet: Testnet, role: TestnetNode["role"]): readonly TestnetNode[] =>
  testnet.nodes.filter((node) => node.role === role).sort((a, b) => (a.name < b.name ? -1 : 1));

/** The present slot, its record taken. */
export async function recordedSlot(testnet: Testnet): Promise<bigint> {
  const slot = epochOf(await l1Block(testnet), PARAMETERS.epochBlocks);
  await ensureRecorded(testnet, slot);
  return slot;
}

/** Has an epoch's record taken on L1. */
export async function ensureRecorded(testnet: Testnet, epoch: bigint): Promise<void> {
  const call = await missingRecord(testnet.l1Reader, epoch, PARAMETERS.epochBlocks);
  if (call !== undefined) await testnet.onL1(call);
}

/** What a poster says of a batch of one block; of the queue, it consumes nothing unless it says so. */
export type BatchClaim = Pick<BatchHeader, "blocksRoot" | "slot" | "poster"> & {
  readonly data: Uint8Array;
  readonly queueEnd?: bigint;
};

/** The call that posts such a batch as a DAC's next, signed by a key. */
export async function nextBatch(
  testnet: Testnet,
  dac: TestnetDac,
  { key, data, ...claimed }: BatchClaim & { readonly key: Hex },
): Promise<L1Call> {
  const head = await headOf(testnet.l1Reader, dac.chainId);
  const header = {
    chainId: dac.chainId,
    generation: head.generation,
    index: head.nextIndex,
    previousBatchHash: head.lastBatchHash,
    firstBlock: head.lastBlock + 1n,
    lastBlock: head.lastBlock + 1n,
    blobHash: ZERO_HASH,
    dataHash: keccakHash(data),
    transactionsRoot: ZERO_HASH,
    queueEnd: head.queueEnd,
    ...claimed,
  };
  const randomness = await randomnessOf(testnet.l1Reader, header.slot);
  const signature = signDigest(fromHex(key), batchDigest(networkOf(testnet), randomness, header));
  return appendBatches(testnet.contracts, [{ header, data, signature }]);
}

/** Who leads a DAC in a slot whose record was taken. */
export const leaderOf = (testnet: Testnet, dac: TestnetDac, slot: bigint): Promise<Address> =>
  sequencerOf(testnet.l1Reader, { chainId: dac.chainId, slot, rank: 0 });

/** Batches of a DAC that stand on L1, the first one first. */
export async function batchesOf(testnet: Testnet, dac: TestnetDac): Promise<readonly StandingBatch[]> {
  const scan = { chainId: dac.chainId, downTo: 0n, fromBlock: 0n };
  return (await standingBatches(testnet.l1Reader, scan)).toReversed();
}

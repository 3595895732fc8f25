/** What L1 knows of asks, and what was answered. */
import {
  type Address,
  type Answer,
  type AskItem,
  answerFault,
  type BatchHeader,
  type ChainId,
  decodeAskItem,
  encodeAskItem,
  type Hash,
  hashBatchHeader,
  type KnownOfBatch,
  toAddress,
  toHash,
  toWordHex,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import type { Result } from "ethers";
import { INTERFACES } from "../contracts.ts";
import { L1Error } from "../l1Error.ts";
import { getTransactionInput } from "../l1Rpc.ts";
import { answerIn } from "./disclosureCalls.ts";
import { type L1Reader, read } from "./readView.ts";
import { scanLogs } from "./scanLogs.ts";

/** The asks on a batch. */
export type AskQueue = {
  /** number of the one that is served; `count` where there is none */
  readonly next: bigint;
  /** asks ever made */
  readonly count: bigint;
  /** seconds */
  readonly servedAt: bigint;
  /** whether the batch fell with asks open */
  readonly isVoid: boolean;
};

/** The asks on a batch. */
export function askQueue(reader: L1Reader, batchHash: Hash): Promise<AskQueue> {
  return read(reader, { contract: "disclosures", method: "queueOf", values: [batchHash] }, ([queue]) => ({
    next: BigInt(queue.next),
    count: BigInt(queue.count),
    servedAt: BigInt(queue.servedAt),
    isVoid: Boolean(queue.isVoid),
  }));
}

/** An ask on a batch; undefined where it was answered or paid back, or never made. */
export function askAt(
  reader: L1Reader,
  batchHash: Hash,
  number: bigint,
): Promise<{ readonly asker: Address; readonly item: AskItem } | undefined> {
  return read(reader, { contract: "disclosures", method: "askOf", values: [batchHash, number] }, ([ask]) => {
    const asker = toAddress(ask.asker);
    return asker === ZERO_ADDRESS ? undefined : { asker, item: decodeAskItem(BigInt(ask.item)) };
  });
}

/** Wei of MT that an ask on a batch costs on which so many were made. */
export function askPrice(reader: L1Reader, count: bigint): Promise<bigint> {
  return read(reader, { contract: "disclosures", method: "priceOf", values: [count] }, ([price]) => BigInt(price));
}

/** Seconds in which an ask has to be answered. */
export function revealDelay(reader: L1Reader): Promise<bigint> {
  return read(reader, { contract: "disclosures", method: "revealDelay", values: [] }, ([delay]) => BigInt(delay));
}

type Told = { readonly args: Result; readonly transactionHash: Hash };

/** Events about asks of a chain, or of one batch of it, newest first. */
async function toldOf(
  reader: L1Reader,
  event: "Asked" | "Answered",
  {
    chainId,
    batchHash,
    fromBlock,
  }: { readonly chainId: ChainId; readonly batchHash?: Hash; readonly fromBlock: bigint },
): Promise<readonly Told[]> {
  const indexed = [toWordHex(chainId), ...(batchHash === undefined ? [] : [batchHash])];
  const told: Told[] = [];
  await scanLogs(reader, { contract: "disclosures", events: [event], indexed, fromBlock }, (logs) => {
    for (const { topics, data, transactionHash } of logs.toReversed())
      told.push({ args: INTERFACES.disclosures.parseLog({ topics, data })!.args, transactionHash });
    return false;
  });
  return told;
}

/** An item of a batch. */
export type ItemOfBatch = KnownOfBatch & {
  readonly header: BatchHeader;
  readonly item: AskItem;
  /** L1 block before which nobody has asked for it */
  readonly fromBlock: bigint;
};

async function toldOfItem(reader: L1Reader, event: "Asked" | "Answered", of: ItemOfBatch): Promise<Told | undefined> {
  const { chainId } = of.header;
  const told = await toldOf(reader, event, { chainId, batchHash: hashBatchHeader(of.header), fromBlock: of.fromBlock });
  return told.find(({ args }) => BigInt(args["item"]) === encodeAskItem(of.item));
}

/** Whether an item of a batch was asked for. Throws L1Error. */
export async function wasAsked(reader: L1Reader, of: ItemOfBatch): Promise<boolean> {
  return (await toldOfItem(reader, "Asked", of)) !== undefined;
}

/** Asks of an account on batches of a chain that were neither answered nor paid back, newest first. Throws L1Error. */
export async function openAsksOf(
  reader: L1Reader,
  { asker, ...of }: { readonly chainId: ChainId; readonly asker: Address; readonly fromBlock: bigint },
): Promise<readonly { readonly batchHash: Hash; readonly number: bigint }[]> {
  const own = (await toldOf(reader, "Asked", of)).filter(({ args }) => toAddress(args["asker"]) === asker);
  const open: { readonly batchHash: Hash; readonly number: bigint }[] = [];
  for (const { args } of own) {
    const ask = { batchHash: toHash(args["batchHash"]), number: BigInt(args["number"]) };
    if ((await askAt(reader, ask.batchHash, ask.number)) !== undefined) open.push(ask);
  }
  return open;
}

/**
 * What was shown of a batch, from the input of the transaction that answered, checked against what the batch commits to; undefined
 * where nobody has answered.
 * @throws L1Error bad-response where L1 gives another transaction than it took
 */
export async function answerTo(
  reader: L1Reader,
  of: ItemOfBatch,
): Promise<{ readonly answer: Answer; readonly transactionHash: Hash } | undefined> {
  const { header, item } = of;
  const told = await toldOfItem(reader, "Answered", of);
  if (told === undefined) return undefined;
  const { transactionHash } = told;
  const transaction = await getTransactionInput(reader.transport, transactionHash);
  const shown = transaction && answerIn(transaction.input);
  const isIt =
    shown !== undefined &&
    transaction?.to === reader.addresses.disclosures &&
    hashBatchHeader(shown.header) === hashBatchHeader(header) &&
    encodeAskItem(shown.answer) === encodeAskItem(item);
  const fault = isIt ? answerFault(header, shown.answer, of) : "another call";
  if (fault !== null)
    throw new L1Error("bad-response", `L1 gives no answer in ${transactionHash}: ${fault}`, { transactionHash });
  return { answer: shown!.answer, transactionHash };
}

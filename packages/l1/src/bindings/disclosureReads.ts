/** What L1 knows of asks, and what was answered. */
import {
  type Address,
  type Answer,
  type AskItem,
  answerFault,
  type BatchHeader,
  decodeAskItem,
  encodeAskItem,
  type Hash,
  hashBatchHeader,
  toAddress,
  toWordHex,
  ZERO_ADDRESS,
} from "@mvm/protocol";
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

/**
 * What was shown of a batch, from the input of the transaction that answered, checked against what the batch commits to; undefined
 * where nobody has answered.
 * @param fromBlock L1 block before which nobody has
 * @throws L1Error bad-response where L1 gives another transaction than it took
 */
export async function answerTo(
  reader: L1Reader,
  { header, item, fromBlock }: { readonly header: BatchHeader; readonly item: AskItem; readonly fromBlock: bigint },
): Promise<{ readonly answer: Answer; readonly transactionHash: Hash } | undefined> {
  const batchHash = hashBatchHeader(header);
  const indexed = [toWordHex(header.chainId), batchHash];
  const scan = { contract: "disclosures", events: ["Answered"], indexed, fromBlock } as const;
  let transactionHash: Hash | undefined;
  await scanLogs(reader, scan, (logs) => {
    const found = logs.find(({ topics, data }) => {
      const parsed = INTERFACES.disclosures.parseLog({ topics, data });
      return BigInt(parsed?.args["item"] ?? -1) === encodeAskItem(item);
    });
    transactionHash = found?.transactionHash;
    return found !== undefined;
  });
  if (transactionHash === undefined) return undefined;
  const transaction = await getTransactionInput(reader.transport, transactionHash);
  const shown = transaction && answerIn(transaction.input);
  const isIt =
    shown !== undefined &&
    transaction?.to === reader.addresses.disclosures &&
    hashBatchHeader(shown.header) === batchHash &&
    encodeAskItem(shown.answer) === encodeAskItem(item);
  const fault = isIt ? answerFault(header, shown.answer) : "another call";
  if (fault !== null)
    throw new L1Error("bad-response", `L1 gives no answer in ${transactionHash}: ${fault}`, { transactionHash });
  return { answer: shown!.answer, transactionHash };
}

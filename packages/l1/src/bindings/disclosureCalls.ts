/** Calls of Disclosures: asking for what a batch commits to, answers, and what follows where nobody answers. */
import {
  type Answer,
  type AskItem,
  type BatchHeader,
  decodeCheckpoint,
  encodeAskItem,
  fromHex,
  type Hash,
  type Hex,
  type TransactionPlace,
  toHash,
  toHex,
} from "@mvm/protocol";
import type { Result } from "ethers";
import { INTERFACES, type L1Addresses } from "../contracts.ts";
import { toBatchHeader } from "../decodeLog.ts";
import { evidenceValues, toShownEvidence } from "./evidenceValues.ts";
import { call, type L1Call } from "./l1Call.ts";
import { transactionPlaceValues } from "./proofCalls.ts";
import { type BatchProof, batchProofValues, headerValues } from "./rollupCalls.ts";

/** A batch that stands, and where L1 recorded it. */
export type AskedBatch = { readonly header: BatchHeader; readonly posting: BatchProof };

/** What a batch says of a block's transactions, by which L1 sees that there is the one that is asked about. */
export type BlockWord = {
  readonly count: number;
  /** Merkle root of their hashes */
  readonly transactions: Hash;
  /** of the block's word in transactionsRoot */
  readonly siblings: readonly Hash[];
};

/** What L1 is shown with an ask: that the batch has the item. */
export type ShownWithAsk = {
  /** of the transaction's block, for its parts or bytes */
  readonly word?: BlockWord;
  /** the batch's data, for a block's evidence; of a batch in a blob somebody has opened its range before (openBatchRange) */
  readonly data?: Uint8Array;
};

/**
 * Asks for an item of a batch, out of MT that Disclosures may take (approve): at most so many wei. Throws RangeError without what L1 has
 * to be shown with it.
 */
export function askFor(
  at: L1Addresses,
  { header, posting }: AskedBatch,
  item: AskItem,
  maxPriceWei: bigint,
  { word, data }: ShownWithAsk = {},
): L1Call {
  const batch = [headerValues(header), batchProofValues(posting)];
  const { kind, position } = item;
  if (kind === "stretch")
    return call(at, "disclosures", "askStretch", [...batch, position, item.index, item.stretch, maxPriceWei]);
  if (kind === "evidence") {
    if (data === undefined) throw new RangeError("who asks for a block's evidence shows the batch's data");
    return call(at, "disclosures", "askEvidence", [...batch, position, toHex(data), maxPriceWei]);
  }
  if (kind !== "parts" && kind !== "bytes")
    return call(at, "disclosures", "ask", [...batch, encodeAskItem(item), maxPriceWei]);
  if (word === undefined) throw new RangeError("who asks for something of a transaction shows that there is one");
  const place = [position, item.index, word.count, word.transactions, word.siblings];
  const kindNumber = encodeAskItem({ kind, position: 0, index: 0 });
  return call(at, "disclosures", "askTransaction", [...batch, kindNumber, place, maxPriceWei]);
}

const ANSWER_METHODS = {
  blocks: "answerBlocks",
  words: "answerWords",
  checkpoints: "answerCheckpoints",
  transactions: "answerTransactions",
  parts: "answerParts",
  stretch: "answerStretch",
  bytes: "answerBytes",
  evidence: "answerEvidence",
} as const satisfies Record<Answer["kind"], string>;

function answerValues(answer: Answer): readonly unknown[] {
  switch (answer.kind) {
    case "blocks":
    case "words":
      return [answer.leaves];
    case "checkpoints":
      return [answer.position, toHex(answer.header), answer.transactions, answer.leaves, answer.siblings];
    case "transactions":
      return [answer.position, answer.leaves, answer.siblings];
    case "parts":
      return [transactionPlaceValues(answer), answer.transaction, answer.parts, answer.leaves];
    case "stretch":
      return [answer.position, answer.index, answer.stretch, answer.leaves, answer.siblings];
    case "bytes":
      return [answer.position, answer.index, answer.count, toHex(answer.transaction), answer.siblings];
    case "evidence":
      return [answer.position, evidenceValues(answer.evidence)];
  }
}

/** Shows an item of a batch that is asked for. Its sender has no code, and nobody calls in between: the input is the answer. */
export const answerAsk = (at: L1Addresses, header: BatchHeader, answer: Answer): L1Call =>
  call(at, "disclosures", ANSWER_METHODS[answer.kind], [headerValues(header), ...answerValues(answer)]);

/** The answer that answerAsk's data is, and the batch that it is of; undefined for other data. Not checked: see answerFault. */
export function answerIn(data: Hex): { readonly header: BatchHeader; readonly answer: Answer } | undefined {
  const parsed = INTERFACES.disclosures.parseTransaction({ data });
  const kind = (Object.keys(ANSWER_METHODS) as Answer["kind"][]).find((one) => ANSWER_METHODS[one] === parsed?.name);
  if (parsed === null || kind === undefined) return undefined;
  const { args } = parsed;
  const hashes = (name: string) => Array.from(args[name] as Result, toHash);
  return { header: toBatchHeader(args["batch"]), answer: answerOf(kind, args, hashes) };
}

function answerOf(kind: Answer["kind"], args: Result, hashes: (name: string) => ReturnType<typeof toHash>[]): Answer {
  if (kind === "blocks") return { kind, position: 0, leaves: hashes("hashes") };
  if (kind === "words") return { kind, position: 0, leaves: hashes("words") };
  if (kind === "parts") {
    const transaction = toHash(args["transaction"]);
    return {
      kind,
      ...toPlace(args["place"]),
      transaction,
      parts: Number(args["parts"]),
      leaves: hashes("commitments"),
    };
  }
  if (kind === "evidence")
    return { kind, position: Number(args["position"]), evidence: toShownEvidence(args["evidence"]) };
  const place = { position: Number(args["position"]), siblings: hashes("siblings") };
  if (kind === "stretch") {
    const [index, stretch] = [Number(args["index"]), Number(args["stretch"])];
    return { kind, ...place, index, stretch, leaves: hashes("commitments") };
  }
  if (kind === "bytes") {
    const [index, count] = [Number(args["index"]), Number(args["count"])];
    return { kind, ...place, index, count, transaction: fromHex(args["transaction"]) };
  }
  if (kind === "transactions") return { kind, ...place, leaves: hashes("hashes") };
  const header = fromHex(args["header"]);
  return { kind, ...place, header, transactions: toHash(args["transactions"]), leaves: hashes("leaves") };
}

const CHECKPOINT_BYTES = 224;

function toPlace(place: Result): TransactionPlace {
  const before = fromHex(place["before"]);
  return {
    position: Number(place["position"]),
    index: Number(place["index"]),
    count: Number(place["count"]),
    header: fromHex(place["header"]),
    before: before.length === CHECKPOINT_BYTES ? decodeCheckpoint(before) : before,
    siblings: Array.from(place["siblings"] as Result, toHash),
  };
}

/** Takes a batch back whose served ask nobody answered in time; `previous`: the batch before, undefined for the first. */
export function expireAsk(
  at: L1Addresses,
  { header, posting, previous = header }: AskedBatch & { readonly previous: BatchHeader | undefined },
): L1Call {
  return call(at, "disclosures", "expire", [headerValues(header), batchProofValues(posting), headerValues(previous)]);
}

/** Has the price of an open ask on a batch that fell paid back to who asked. */
export const payBackAsk = (at: L1Addresses, header: BatchHeader, number: bigint): L1Call =>
  call(at, "disclosures", "payBack", [headerValues(header), number]);

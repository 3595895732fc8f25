/** What L1 knows of a DAC's batches, messages and queue, as claims need it. */
import {
  type Address,
  type BatchHeader,
  type ChainId,
  type Hash,
  hashBatchHeader,
  merkleProof,
  merkleRoot,
  toAddress,
  toWordHex,
} from "@mvm/protocol";
import { INTERFACES } from "../contracts.ts";
import { toBatchHeader, toItemValues } from "../decodeLog.ts";
import { L1Error } from "../l1Error.ts";
import { getLogs, type L1Log } from "../l1Rpc.ts";
import type { QueueItemValues } from "./queueItemValues.ts";
import { headOf } from "./reads.ts";
import { type L1Reader, read } from "./readView.ts";
import { type BatchProof, batchProofValues, headerValues } from "./rollupCalls.ts";
import { scanLogs, topicsOf } from "./scanLogs.ts";

/** A batch that stands, and where L1 recorded it. */
export type StandingBatch = {
  readonly header: BatchHeader;
  readonly batchHash: Hash;
  readonly l1Block: bigint;
  readonly transactionHash: Hash;
};

/** Life of a message on L1: `proven` ones failed and may be replayed. */
export type MessageState = "unknown" | "proven" | "done";

const MESSAGE_STATES: readonly MessageState[] = ["unknown", "proven", "done"];

/** What became of a message on L1, by its hash. */
export function messageState(reader: L1Reader, messageHash: Hash): Promise<MessageState> {
  return read(reader, { contract: "bridge", method: "statusOf", values: [messageHash] }, ([status]) => {
    const state = MESSAGE_STATES[Number(status)];
    if (state === undefined) throw new RangeError(`no status ${status}`);
    return state;
  });
}

/** Whether an account of a chain that turned to exit was paid out. */
export function hasExited(reader: L1Reader, chainId: ChainId, account: Address): Promise<boolean> {
  return read(reader, { contract: "bridge", method: "exited", values: [chainId, account] }, ([exited]) =>
    Boolean(exited),
  );
}

/** Whether an item of a chain's queue was refunded. */
export function isRefunded(reader: L1Reader, chainId: ChainId, index: bigint): Promise<boolean> {
  return read(reader, { contract: "bridge", method: "refunded", values: [chainId, index] }, ([refunded]) =>
    Boolean(refunded),
  );
}

/** Wei of MT that are held outside a chain's queue. */
export function heldMt(reader: L1Reader, chainId: ChainId): Promise<bigint> {
  return read(reader, { contract: "bridge", method: "heldMT", values: [chainId] }, ([amount]) => BigInt(amount));
}

/** A held deposit; undefined where it was released or refunded, or never was. */
export function heldDeposit(
  reader: L1Reader,
  chainId: ChainId,
  id: bigint,
): Promise<{ readonly from: Address; readonly to: Address; readonly amountWei: bigint } | undefined> {
  return read(reader, { contract: "bridge", method: "heldAt", values: [chainId, id] }, ([held]) =>
    held.amount === 0n
      ? undefined
      : { from: toAddress(held.from), to: toAddress(held.to), amountWei: BigInt(held.amount) },
  );
}

/** Seconds: longest challenge window, time until an item is overdue, and how long overdue before a chain may exit. */
export type RollupTimes = {
  readonly maxWindow: bigint;
  readonly forceDelay: bigint;
  readonly exitAfter: bigint;
};

/** The times that the rollup was deployed with. */
export async function rollupTimes(reader: L1Reader): Promise<RollupTimes> {
  const time = (method: string): Promise<bigint> =>
    read(reader, { contract: "rollupChain", method, values: [] }, ([seconds]) => BigInt(seconds));
  const [maxWindow, forceDelay, exitAfter] = await Promise.all(["maxWindow", "forceDelay", "exitAfter"].map(time));
  return { maxWindow: maxWindow!, forceDelay: forceDelay!, exitAfter: exitAfter! };
}

/**
 * When a batch is final: undefined if it is, else the time in seconds.
 * @param whole maxWindow has to be over, whoever vouched for the batch
 * @throws L1Error reverted (UnknownBatch, BatchFell)
 */
export async function finalFrom(
  reader: L1Reader,
  batch: { readonly header: BatchHeader; readonly posting: BatchProof },
  whole: boolean,
): Promise<bigint | undefined> {
  const values = [headerValues(batch.header), batchProofValues(batch.posting), whole];
  try {
    return await read(reader, { contract: "rollupChain", method: "requireFinal", values }, () => undefined);
  } catch (error) {
    const revert = error instanceof L1Error ? error.data.revert : undefined;
    if (revert?.name !== "NotFinal") throw error;
    return BigInt(revert.args["finalFrom"] as bigint);
  }
}

function toStanding({ topics, data, blockNumber, transactionHash }: L1Log): StandingBatch {
  const parsed = INTERFACES.rollupChain.parseLog({ topics, data });
  if (parsed === null) throw new L1Error("bad-response", "L1 gave another event than a batch's");
  const header = toBatchHeader(parsed.args["header"]);
  return { header, batchHash: hashBatchHeader(header), l1Block: blockNumber, transactionHash };
}

/**
 * Batches of a chain that stand, newest first: from the last one back to the one that holds block `downTo`, or to the
 * first. They are followed by their hashes from the one that L1 has as the last: what fell is not among them.
 * @param fromBlock L1 block of the network's deployment
 * @throws L1Error bad-response where L1 does not give an event of a batch that it knows
 */
export async function standingBatches(
  reader: L1Reader,
  chain: { readonly chainId: ChainId; readonly downTo: bigint; readonly fromBlock: bigint },
): Promise<readonly StandingBatch[]> {
  const { chainId, downTo, fromBlock } = chain;
  const head = await headOf(reader, chainId);
  const standing: StandingBatch[] = [];
  if (head.nextIndex === 0n || head.lastBlock < downTo) return standing;
  const known = new Map<Hash, StandingBatch>();
  let wanted = head.lastBatchHash;
  let isComplete = false;
  const follow = (): boolean => {
    for (let batch = known.get(wanted); batch !== undefined && !isComplete; batch = known.get(wanted)) {
      standing.push(batch);
      wanted = batch.header.previousBatchHash;
      isComplete = batch.header.firstBlock <= downTo || batch.header.index === 0n;
    }
    return isComplete;
  };
  const scan = {
    contract: "rollupChain",
    events: ["BatchAppended"],
    indexed: [toWordHex(chainId)],
    fromBlock,
  } as const;
  await scanLogs(reader, scan, (logs) => {
    for (const batch of logs.map(toStanding)) known.set(batch.batchHash, batch);
    return follow();
  });
  if (!isComplete) throw new L1Error("bad-response", `L1 gives no event of batch ${wanted} of chain ${chainId}`);
  return standing;
}

/** Whether a batch fell. Throws L1Error. */
export function hasFallen(
  reader: L1Reader,
  { chainId, generation, index }: Pick<BatchHeader, "chainId" | "generation" | "index">,
): Promise<boolean> {
  const values = [chainId, generation, index];
  return read(reader, { contract: "rollupChain", method: "hasFallen", values }, ([fell]) => Boolean(fell));
}

/**
 * A batch's header by its hash, whether it stands or fell.
 * @param fromBlock L1 block of the network's deployment
 * @throws L1Error bad-response where L1 gives no event of it
 */
export async function postedHeader(
  reader: L1Reader,
  batch: { readonly chainId: ChainId; readonly batchHash: Hash; readonly fromBlock: bigint },
): Promise<BatchHeader> {
  const { chainId, batchHash, fromBlock } = batch;
  const indexed = [toWordHex(chainId)];
  let found: BatchHeader | undefined;
  await scanLogs(reader, { contract: "rollupChain", events: ["BatchAppended"], indexed, fromBlock }, (logs) => {
    found = logs.map(toStanding).find((one) => one.batchHash === batchHash)?.header;
    return found !== undefined;
  });
  if (found === undefined) throw new L1Error("bad-response", `L1 gives no event of batch ${batchHash}`);
  return found;
}

/**
 * Where L1 recorded a batch: its place in the record that the events of its transaction tell.
 * @throws L1Error bad-response where the events do not make the record's root
 */
export async function postingOf(reader: L1Reader, batch: StandingBatch): Promise<BatchProof> {
  const names = ["BatchAppended", "BatchesPosted"];
  const logs = await getLogs(reader.transport, {
    fromBlock: batch.l1Block,
    toBlock: batch.l1Block,
    addresses: [reader.addresses.rollupChain],
    firstTopics: topicsOf("rollupChain", names),
  });
  let hashes: Hash[] = [];
  for (const log of logs.filter(({ transactionHash }) => transactionHash === batch.transactionHash)) {
    const parsed = INTERFACES.rollupChain.parseLog({ topics: log.topics, data: log.data });
    if (parsed?.name === "BatchAppended") hashes.push(toStanding(log).batchHash);
    if (parsed?.name !== "BatchesPosted") continue;
    const position = hashes.indexOf(batch.batchHash);
    const isRecord = merkleRoot(hashes) === parsed.args["root"] && BigInt(hashes.length) === parsed.args["count"];
    if (position >= 0 && isRecord) {
      const place = { position: BigInt(position), count: BigInt(hashes.length) };
      return { ...place, postedAt: BigInt(parsed.args["postedAt"]), siblings: merkleProof(hashes, position) };
    }
    hashes = [];
  }
  throw new L1Error("bad-response", `L1 gives no record of batch ${batch.batchHash}`);
}

/**
 * An item of a chain's queue, from its event.
 * @param fromBlock L1 block of the network's deployment
 * @throws L1Error bad-response where L1 gives no event of it
 */
export async function queueItemAt(
  reader: L1Reader,
  place: { readonly chainId: ChainId; readonly index: bigint; readonly fromBlock: bigint },
): Promise<QueueItemValues> {
  const { chainId, index, fromBlock } = place;
  const indexed = [toWordHex(chainId), toWordHex(index)];
  let found: QueueItemValues | undefined;
  await scanLogs(reader, { contract: "inbox", events: ["QueueItemAdded"], indexed, fromBlock }, ([log]) => {
    const parsed = log && INTERFACES.inbox.parseLog({ topics: log.topics, data: log.data });
    if (parsed) found = toItemValues(parsed.args["item"]);
    return found !== undefined;
  });
  if (found === undefined) throw new L1Error("bad-response", `L1 gives no event of item ${index} of chain ${chainId}`);
  return found;
}

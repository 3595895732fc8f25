import type { BatchHeader, Hash } from "@mvm/protocol";
import { type BeaconNode, BlockBatchData } from "./batchData.ts";
import type { L1Addresses } from "./contracts.ts";
import { decodeLog, FOLLOWED_TOPICS, followedAddresses } from "./decodeLog.ts";
import type { BatchAppendedEvent, ContractEvent, FollowErrorEvent, L1Event } from "./events.ts";
import { L1Error } from "./l1Error.ts";
import { getBlock, getLogs, type L1Block, type L1Log, type L1Transport } from "./l1Rpc.ts";
import { pause, unlessAborted } from "./waiting.ts";

/** Blocks asked for at once; halved, down to one, while the node refuses a range. */
export const MAX_RANGE_BLOCKS = 500n;
/** Blocks whose hashes are remembered: the deepest reorg that is followed. */
export const MAX_REMEMBERED_BLOCKS = 512;
/** Longest wait between two attempts to reach L1, in milliseconds. */
export const MAX_BACKOFF_MS = 5_000;
/** Looks in a row at which L1's answers may contradict each other: a few are reorgs in between, more are a broken node. */
const MAX_CONTRADICTIONS = 5;
/** Reasons for which data can't be read that L1 may also give because it took the batch's block back meanwhile. */
const MAYBE_TAKEN_BACK: ReadonlySet<string> = new Set(["transaction-unknown", "blob-unavailable"]);
const DEFAULT_POLL_MS = 250;

/** Number and hash of a block that was followed. */
export type L1BlockRef = { readonly number: bigint; readonly hash: Hash };

export type L1FollowerOptions = {
  readonly transport: L1Transport;
  readonly addresses: L1Addresses;
  /** first block to follow: the deployment's; with `remembered`, the one after the last that was followed before */
  readonly fromBlock: bigint;
  /** the blocks before fromBlock as `remembered` gave them before, so that a reorg meanwhile is seen */
  readonly remembered?: readonly L1BlockRef[];
  /**
   * batches whose data are read and told; none unless given, as they are large, and those in blobs cost a second of computing
   * for each blob
   */
  readonly dataOf?: (header: BatchHeader) => boolean;
  /** asked for blobs; without one, the L1 node is, by the transaction that had them, which anvil can answer */
  readonly beacon?: BeaconNode;
  /** milliseconds between two polls */
  readonly pollMs?: number;
  /** takes the events one after the other; the follower waits for it, and ends with its error */
  readonly onEvent: (event: L1Event) => void | Promise<void>;
};

type Range = { readonly blocks: readonly L1Block[]; readonly logs: readonly L1Log[] };

/**
 * Follows L1: every block from a given one on, each followed by its contract events in log order
 * and by an end mark. Blocks that L1 takes
 * back are told by a reorg event, and their replacements follow. An unreachable, lagging or garbling L1 node only
 * delays: l1-unreachable is told once, polling goes on.
 */
export class L1Follower {
  readonly #options: L1FollowerOptions;
  readonly #pollMs: number;
  readonly #remembered: L1BlockRef[];
  #next: bigint;
  #rangeBlocks = MAX_RANGE_BLOCKS;
  #reachable = true;
  #contradictions = 0;

  constructor(options: L1FollowerOptions) {
    this.#options = options;
    this.#pollMs = options.pollMs ?? DEFAULT_POLL_MS;
    this.#next = options.fromBlock;
    this.#remembered = (options.remembered ?? []).slice(-MAX_REMEMBERED_BLOCKS);
    for (const [position, { number }] of this.#remembered.entries()) {
      if (number !== this.#next - BigInt(this.#remembered.length - position)) {
        throw new RangeError("remembered blocks are consecutive and end before fromBlock");
      }
    }
  }

  /** The first block that was not followed yet. */
  get nextBlock(): bigint {
    return this.#next;
  }

  /** The last blocks that were followed, ascending, at most MAX_REMEMBERED_BLOCKS: what a restart resumes from. */
  get remembered(): readonly L1BlockRef[] {
    return [...this.#remembered];
  }

  /**
   * Follows until the signal is aborted. Throws L1Error reorg-too-deep when L1 went back beyond the remembered blocks
   * and beyond fromBlock (then everything has to be followed anew), and whatever onEvent throws.
   */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const outcome = await this.#poll(signal);
      failures = outcome === "failed" ? failures + 1 : 0;
      if (outcome === "more") continue;
      const waitMs =
        outcome === "failed" ? Math.min(this.#pollMs * 2 ** Math.min(failures, 16), MAX_BACKOFF_MS) : this.#pollMs;
      await pause(waitMs, signal);
    }
  }

  /** One look at L1: more blocks wait, nothing is new, or L1 can't be read. */
  async #poll(signal: AbortSignal): Promise<"more" | "idle" | "failed"> {
    const seen = await this.#attempt(() => this.#look(), signal);
    if (seen === undefined || signal.aborted) return "failed";
    if (!this.#reachable) {
      this.#reachable = true;
      await this.#emit({ type: "l1-reachable" });
    }
    if (seen === "idle") return "idle";
    if (seen === "refused") return "more";
    if ("reorgTo" in seen) {
      await this.#goBack(seen.reorgTo);
      return "more";
    }
    for (const block of seen.blocks) {
      const logs = seen.logs.filter((log) => log.blockNumber === block.number);
      const events = await this.#attempt(() => this.#eventsOf(block, logs, signal), signal);
      if (events === undefined || signal.aborted) return "failed";
      if (events === "taken-back") return "more";
      await this.#emit({ type: "block", ...block });
      for (const event of events) await this.#emit(event);
      await this.#emit({ type: "block-end", number: block.number, timestamp: block.timestamp });
      this.#remember(block);
    }
    return "more";
  }

  /** Runs a reading of L1; an L1Error makes L1 unreachable, and the answer undefined; so does the signal. */
  async #attempt<T>(reading: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    try {
      return await unlessAborted(reading(), signal);
    } catch (error) {
      if (!(error instanceof L1Error) || error.code === "reorg-too-deep") throw error;
      if (this.#reachable) {
        this.#reachable = false;
        await this.#emit({ type: "l1-unreachable", error });
      }
      return undefined;
    }
  }

  async #look(): Promise<Range | { readonly reorgTo: bigint } | "idle" | "refused"> {
    const { transport } = this.#options;
    const head = await getBlock(transport, "latest");
    if (head === undefined) return "idle";
    if (head.number < this.#next) {
      const known = this.#remembered.find(({ number }) => number === head.number);
      return known === undefined || known.hash === head.hash ? "idle" : { reorgTo: await this.#commonBlock() };
    }
    const last = head.number - this.#next < this.#rangeBlocks ? head.number : this.#next + this.#rangeBlocks - 1n;
    const blocks = await this.#blocks(this.#next, last);
    const first = blocks?.[0];
    if (blocks === undefined || first === undefined) return this.#contradiction("eth_getBlockByNumber");
    const before = this.#remembered.at(-1);
    if (before !== undefined && first.parentHash !== before.hash) {
      const reorgTo = await this.#commonBlock();
      return reorgTo === before.number ? this.#contradiction("eth_getBlockByNumber") : { reorgTo };
    }
    const logs = await this.#logsOf(blocks);
    if (logs === "refused") return logs;
    if (logs === undefined) return this.#contradiction("eth_getLogs");
    this.#contradictions = 0;
    if (last === head.number) this.#rangeBlocks = MAX_RANGE_BLOCKS;
    return { blocks, logs };
  }

  #contradiction(method: string): "idle" {
    if (++this.#contradictions < MAX_CONTRADICTIONS) return "idle";
    throw new L1Error("bad-response", "L1's answers contradict each other", { method });
  }

  /** Headers of a range; undefined if they don't form a chain (L1 changed in between). */
  async #blocks(from: bigint, to: bigint): Promise<readonly L1Block[] | undefined> {
    const numbers = Array.from({ length: Number(to - from) + 1 }, (_, i) => from + BigInt(i));
    const found = await Promise.all(numbers.map((number) => getBlock(this.#options.transport, number)));
    const blocks = found.filter((block) => block !== undefined);
    const linked = blocks.every((block, i) => i === 0 || block.parentHash === blocks[i - 1]?.hash);
    return linked && blocks.length === numbers.length ? blocks : undefined;
  }

  /**
   * Logs of the blocks; undefined if L1 changed while they were fetched: the last block is looked at again. A node that
   * refuses the range gets one half as long next.
   */
  async #logsOf(blocks: readonly L1Block[]): Promise<readonly L1Log[] | undefined | "refused"> {
    const { transport, addresses } = this.#options;
    const first = blocks[0]!;
    const last = blocks.at(-1)!;
    const logs = await getLogs(transport, {
      fromBlock: first.number,
      toBlock: last.number,
      addresses: followedAddresses(addresses),
      firstTopics: FOLLOWED_TOPICS,
    }).catch((error: unknown) => {
      if (!(error instanceof L1Error) || error.code !== "rpc-error" || blocks.length === 1) throw error;
      this.#rangeBlocks = BigInt(blocks.length) / 2n;
      return "refused" as const;
    });
    if (logs === "refused") return logs;
    const still = await getBlock(transport, last.number);
    const hashes = new Map(blocks.map(({ number, hash }) => [number, hash]));
    const consistent = logs.every(({ blockNumber, blockHash }) => hashes.get(blockNumber) === blockHash);
    return consistent && still?.hash === last.hash ? logs : undefined;
  }

  /** Events of one block's logs; `taken-back` where a batch's transaction, or blob, is gone because its block is. */
  async #eventsOf(
    block: L1Block,
    logs: readonly L1Log[],
    signal: AbortSignal,
  ): Promise<readonly (ContractEvent | FollowErrorEvent)[] | "taken-back"> {
    const { dataOf = () => false } = this.#options;
    const batchData = new BlockBatchData(this.#options, block, signal);
    const events: (ContractEvent | FollowErrorEvent)[] = [];
    for (const log of logs) {
      const event = decodeLog(this.#options.addresses, log);
      const isWanted = event.type === "batch-appended" && dataOf(event.header);
      const complete = isWanted ? await withData(event, batchData) : [event];
      const isUnknown = complete.some((one) => one.type === "error" && MAYBE_TAKEN_BACK.has(one.reason));
      if (isUnknown && (await getBlock(this.#options.transport, log.blockNumber))?.hash !== log.blockHash) {
        return "taken-back";
      }
      events.push(...complete);
    }
    return events;
  }

  /**
   * Number of the last followed block that L1 still has, found by halving: L1 has all before one that it has. If L1
   * changes meanwhile the answer may be an earlier block that it had; more is replayed then.
   */
  async #commonBlock(): Promise<bigint> {
    let common: bigint | undefined;
    for (let low = 0, high = this.#remembered.length; low < high; ) {
      const middle = (low + high) >>> 1;
      const { number, hash } = this.#remembered[middle]!;
      const present = await getBlock(this.#options.transport, number);
      if (present?.hash === hash) {
        common = number;
        low = middle + 1;
      } else high = middle;
    }
    if (common !== undefined) return common;
    const start = this.#options.fromBlock - 1n;
    const oldest = this.#remembered[0];
    if (!this.#options.remembered?.length && oldest?.number === this.#options.fromBlock) return start;
    throw new L1Error("reorg-too-deep", `L1 went back beyond block ${oldest?.number ?? start}`);
  }

  async #goBack(toBlock: bigint): Promise<void> {
    const kept = this.#remembered.findLastIndex(({ number }) => number <= toBlock) + 1;
    this.#remembered.length = kept;
    this.#next = toBlock + 1n;
    await this.#emit({ type: "reorg", toBlock });
  }

  #remember({ number, hash }: L1Block): void {
    this.#remembered.push({ number, hash });
    if (this.#remembered.length > MAX_REMEMBERED_BLOCKS) this.#remembered.shift();
    this.#next = number + 1n;
  }

  async #emit(event: L1Event): Promise<void> {
    await this.#options.onEvent(event);
  }
}

/** The batch with its data; before it, an error event if there are none. */
async function withData(
  event: BatchAppendedEvent,
  batchData: BlockBatchData,
): Promise<readonly (BatchAppendedEvent | FollowErrorEvent)[]> {
  const found = await batchData.read(event);
  if ("data" in found) return [{ ...event, ...found }];
  const { l1Block, logIndex, transactionHash, chainId, index } = event;
  const place = { l1Block, logIndex, transactionHash, chainId, index };
  return [{ type: "error", code: "batch-data-unavailable", ...place, ...found }, event];
}

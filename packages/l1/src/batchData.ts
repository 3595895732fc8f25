/** Reads the data of posted batches: from the input of the transaction that appended them, or from its blobs. */
import { type BlobRange, blobRange, type Hash, ZERO_HASH } from "@mvm/protocol";
import { BlobError, fromBlob } from "@mvm/protocol/blobs";
import { type BlobSource, MAX_TRANSACTION_BLOBS, readBlob } from "./blobs.ts";
import type { L1Addresses } from "./contracts.ts";
import { batchDataOf } from "./decodeLog.ts";
import type { BatchAppendedEvent, BatchDataFault, BlobFault } from "./events.ts";
import { L1Error } from "./l1Error.ts";
import { getTransactionInput, type L1Block, type L1Transport } from "./l1Rpc.ts";

/** Blobs whose data are kept: a transaction has no more, and its batches follow each other. */
const MAX_KEPT_BLOBS = MAX_TRANSACTION_BLOBS;

/** A node of the beacon chain, which keeps blobs for some weeks. */
export type BeaconNode = {
  readonly url: string;
  /**
   * What it calls the block that has this one of L1: the slot, (timestamp - genesis time) / 12 on mainnet; on anvil the
   * block's number
   */
  readonly blockIdOf: (block: Pick<L1Block, "number" | "timestamp">) => string;
};

/** Where data are read. */
export type BatchDataSource = {
  readonly transport: L1Transport;
  readonly addresses: Pick<L1Addresses, "rollupChain">;
  /** asked for blobs; without one, the L1 node is, by the transaction that had them */
  readonly beacon?: BeaconNode | undefined;
};

/** Data, or why there are none. */
export type FoundBatchData = { readonly data: Uint8Array } | BatchDataFault;

/** A blob's data, or why there are none. */
type BlobContent = Uint8Array | BlobFault["reason"];

/** Reads the data of the batches of one block; a blob that batches of a transaction share is fetched and checked once. */
export class BlockBatchData {
  readonly #source: BatchDataSource;
  readonly #block: Pick<L1Block, "number" | "timestamp">;
  readonly #signal: AbortSignal;
  readonly #blobs = new Map<string, BlobContent>();

  constructor(source: BatchDataSource, block: Pick<L1Block, "number" | "timestamp">, signal: AbortSignal) {
    this.#source = source;
    this.#block = block;
    this.#signal = signal;
  }

  /**
   * The data of a batch of the block, checked against its header. Throws L1Error: unreachable, rpc-error, bad-response (also
   * for a header that RollupChain would not have told), stopped.
   */
  async read(event: BatchAppendedEvent): Promise<FoundBatchData> {
    const { header, transactionHash } = event;
    if (header.blobHash === ZERO_HASH) return this.#fromInput(event);
    const range = blobRange(header);
    if (range === null) throw new L1Error("bad-response", `batch ${event.index} has a data hash that is no range`);
    return this.#fromBlob(transactionHash, header.blobHash, range);
  }

  async #fromInput(event: BatchAppendedEvent): Promise<FoundBatchData> {
    const { transport, addresses } = this.#source;
    const transaction = await getTransactionInput(transport, event.transactionHash);
    if (transaction === undefined) return { reason: "transaction-unknown" };
    if (transaction.to !== addresses.rollupChain) return { reason: "not-a-direct-call" };
    const data = batchDataOf(event, transaction.input);
    return data === undefined ? { reason: "wrong-input" } : { data };
  }

  async #fromBlob(transactionHash: Hash, blobHash: Hash, { offset, length }: BlobRange): Promise<FoundBatchData> {
    const key = `${transactionHash} ${blobHash}`;
    const content = this.#blobs.get(key) ?? (await this.#contentOf(transactionHash, blobHash));
    this.#keep(key, content);
    if (typeof content === "string") return { reason: content, blobHash, offset, length };
    return { data: content.slice(offset, offset + length) };
  }

  #keep(key: string, content: BlobContent): void {
    this.#blobs.set(key, content);
    const [oldest] = this.#blobs.keys();
    if (this.#blobs.size > MAX_KEPT_BLOBS && oldest !== undefined) this.#blobs.delete(oldest);
  }

  async #contentOf(transactionHash: Hash, blobHash: Hash): Promise<BlobContent> {
    const { transport, beacon } = this.#source;
    const source: BlobSource = beacon
      ? { beaconUrl: beacon.url, blockId: beacon.blockIdOf(this.#block) }
      : { transport, transactionHash };
    try {
      return fromBlob(await readBlob(source, blobHash, { signal: this.#signal }));
    } catch (error) {
      if (error instanceof BlobError && error.code === "oversized-element") return "malformed-blob";
      if (error instanceof L1Error && error.code === "blob-unavailable") return "blob-unavailable";
      throw error;
    }
  }
}

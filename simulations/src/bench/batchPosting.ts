/** Batches with real data, posted by real transactions on a BatchNetwork; their receipts tell what they took. */
import {
  appendBatches,
  batchDigestOf,
  headOf,
  MAX_TRANSACTION_BYTES,
  MAX_TRANSACTION_GAS,
  queueLength,
  type SignedBatch,
  sequencerOf,
  signBlobTransaction,
} from "@mvm/l1";
import {
  type BatchHeader,
  BLOB_DATA_BYTES,
  type ChainId,
  concatBytes,
  type DataPlace,
  fromHex,
  type Hex,
  hashBatchHeader,
  inBlob,
  inCalldata,
  keccakHash,
  LIMITS,
  signDigest,
  toWord,
} from "@mvm/protocol";
import { type BlobSidecar, makeSidecar, toBlob } from "@mvm/protocol/blobs";
import { type BatchNetwork, L1_CHAIN_ID } from "./batchNetwork.ts";

const GWEI = 10n ** 9n;
const FEES = { maxFeePerGas: 1_000n * GWEI, maxPriorityFeePerGas: GWEI } as const;
const MAX_FEE_PER_BLOB_GAS = 1_000n * GWEI;
/** bytes of a batch's input in the call: fifteen words */
const INPUT_BYTES = 480;
/** more than a transaction has beside inputs and data */
const ENVELOPE_BYTES = 512;

/** A chain's next batch, before it has its place. */
export type Content = { readonly chainId: ChainId; readonly data: Uint8Array; readonly blocks: number };

/** What transactions took of L1, by their receipts. */
export type L1Gas = { readonly transactions: number; readonly gas: number; readonly blobGas: number };

/** Whether data may be in calldata (RollupChain.MAX_CALLDATA_LENGTH). */
export const fitsCalldata = (data: Uint8Array): boolean => data.length <= LIMITS.batchBytes;

/** Where data are: in calldata (blob 0) or in the blob of that number, from a byte on. */
type Place = { readonly blob: number; readonly offset: number };
type Placed = { readonly content: Content; readonly place: Place };
type Receipt = { readonly status: string; readonly gasUsed: string; readonly blobGasUsed?: string };

/** The contents one after the other, as they are in the call's argument. */
function oneByOne(contents: readonly Content[]): readonly Placed[] {
  let offset = 0;
  return contents.map((content) => {
    const place = { blob: 0, offset };
    offset += content.data.length;
    return { content, place };
  });
}

/** The contents in as few blobs as their order allows, none across two. */
function inBlobs(contents: readonly Content[]): { readonly placed: readonly Placed[]; readonly blobs: Uint8Array[] } {
  const filled: Uint8Array[][] = [];
  let free = 0;
  const placed = contents.map((content) => {
    const { length } = content.data;
    if (length > BLOB_DATA_BYTES) throw new RangeError(`no blob holds ${length} bytes`);
    if (length > free) {
      filled.push([]);
      free = BLOB_DATA_BYTES;
    }
    const place = { blob: filled.length, offset: BLOB_DATA_BYTES - free };
    filled.at(-1)!.push(content.data);
    free -= length;
    return { content, place };
  });
  return { placed, blobs: filled.map((parts) => toBlob(concatBytes(...parts))) };
}

/** The contents in groups, each of which fits a transaction with its data in calldata. */
function transactionsOf(contents: readonly Content[]): readonly (readonly Content[])[] {
  const groups: Content[][] = [];
  let free = 0;
  for (const content of contents) {
    const size = INPUT_BYTES + content.data.length;
    if (groups.length === 0 || size > free) {
      groups.push([]);
      free = MAX_TRANSACTION_BYTES - ENVELOPE_BYTES;
    }
    groups.at(-1)!.push(content);
    free -= size;
  }
  return groups;
}

/** Posts batches in one slot. Every call is a round of its own, mined before it comes back. */
export class Poster {
  readonly #network: BatchNetwork;
  readonly #slot: bigint;

  constructor(network: BatchNetwork, slot: bigint) {
    this.#network = network;
    this.#slot = slot;
  }

  /** Data in calldata, in as few transactions as they fit. */
  shareCalldata(contents: readonly Content[]): Promise<L1Gas> {
    return this.#inCalldata(transactionsOf(contents));
  }

  /** Data in calldata, each batch in a transaction of its own. */
  postApart(contents: readonly Content[]): Promise<L1Gas> {
    return this.#inCalldata(contents.map((content) => [content]));
  }

  /** Data in blobs of one transaction, in as few as they fit. */
  async shareBlobs(contents: readonly Content[]): Promise<L1Gas> {
    const { placed, blobs } = inBlobs(contents);
    const sidecars = await Promise.all(blobs.map((blob) => makeSidecar(blob, "blob")));
    const data = await this.#callOf(placed, sidecars);
    const { raw } = await signBlobTransaction(this.#network.carrier, {
      ...(await this.#fields(0)),
      l1ChainId: L1_CHAIN_ID,
      data,
      maxFeePerBlobGas: MAX_FEE_PER_BLOB_GAS,
      sidecars,
    });
    return this.#mine([raw]);
  }

  async #inCalldata(groups: readonly (readonly Content[])[]): Promise<L1Gas> {
    const raws = await Promise.all(
      groups.map(async (group, i) => {
        const data = await this.#callOf(oneByOne(group), []);
        const transaction = { ...(await this.#fields(i)), type: 2, chainId: L1_CHAIN_ID, data };
        return (await this.#network.carrier.signTransaction(transaction)) as Hex;
      }),
    );
    if (raws.some((raw) => raw.length / 2 - 1 > MAX_TRANSACTION_BYTES)) throw new Error("a transaction is too large");
    return this.#mine(raws);
  }

  async #fields(later: number) {
    const { provider, carrier, reader } = this.#network;
    const nonce = (await provider.getTransactionCount(carrier.address)) + later;
    return { ...FEES, nonce, to: reader.addresses.rollupChain, gasLimit: MAX_TRANSACTION_GAS };
  }

  /** Sends transactions and mines them into one block. */
  async #mine(raws: readonly Hex[]): Promise<L1Gas> {
    const { provider } = this.#network;
    await provider.send("evm_setAutomine", [false]);
    const hashes = await Promise.all(raws.map((raw) => provider.send("eth_sendRawTransaction", [raw])));
    await provider.send("evm_mine", []);
    await provider.send("evm_setAutomine", [true]);
    const receipts = (await Promise.all(
      hashes.map((hash) => provider.send("eth_getTransactionReceipt", [hash])),
    )) as readonly (Receipt | null)[];
    const sum = { transactions: raws.length, gas: 0, blobGas: 0 };
    for (const receipt of receipts) {
      if (receipt === null || BigInt(receipt.status) !== 1n) throw new Error("L1 did not take a batch");
      sum.gas += Number(receipt.gasUsed);
      sum.blobGas += Number(receipt.blobGasUsed ?? 0);
    }
    return sum;
  }

  async #callOf(placed: readonly Placed[], sidecars: readonly BlobSidecar[]): Promise<Hex> {
    const batches = await Promise.all(placed.map((one) => this.#signed(one, sidecars)));
    return appendBatches(this.#network.reader.addresses, batches).data;
  }

  async #signed({ content, place }: Placed, sidecars: readonly BlobSidecar[]): Promise<SignedBatch> {
    const { data } = content;
    const { blob, offset } = place;
    const { length } = data;
    const at = blob === 0 ? inCalldata(data) : inBlob(sidecars[blob - 1]!.versionedHash, { offset, length });
    const header = await this.#headerOf(content, at);
    const digest = await batchDigestOf(this.#network.reader, hashBatchHeader(header), header.slot);
    const poster = this.#network.sequencers.get(header.poster);
    if (poster === undefined) throw new Error(`no sequencer ${header.poster}`);
    return { header, data, signature: signDigest(fromHex(poster.privateKey as Hex), digest) };
  }

  async #headerOf({ chainId, blocks }: Content, at: DataPlace): Promise<BatchHeader> {
    const { reader } = this.#network;
    const slot = this.#slot;
    const [head, queueEnd, poster] = await Promise.all([
      headOf(reader, chainId),
      queueLength(reader, chainId),
      sequencerOf(reader, { chainId, slot, rank: 0 }),
    ]);
    return {
      chainId,
      generation: head.generation,
      index: head.nextIndex,
      previousBatchHash: head.lastBatchHash,
      firstBlock: head.lastBlock + 1n,
      lastBlock: head.lastBlock + BigInt(blocks),
      ...at,
      blocksRoot: keccakHash(toWord(chainId)),
      transactionsRoot: keccakHash(toWord(head.lastBlock + 1n)),
      queueEnd,
      slot,
      poster,
    };
  }
}

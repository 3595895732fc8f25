import {
  type Address,
  bytes,
  CodecError,
  decode,
  encode,
  fromHex,
  type Hex,
  hash,
  list,
  mapped,
  optional,
  struct,
  text,
  toHex,
  uint,
  version,
} from "@mvm/protocol";
import { Transaction } from "ethers";
import { MAX_SIDECAR_BYTES, MAX_TRANSACTION_BLOBS } from "./blobs.ts";
import { MAX_VERSIONS, type TransactionVersion } from "./transactionAttempt.ts";

/** Longest key of a submission, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 256;
/** Longest signed transaction, its blobs not counted: what Ethereum's nodes pass on. */
export const MAX_TRANSACTION_BYTES = 128 * 1024;
/** Longest signed transaction with a number of blobs, these included. */
export const maxTransactionBytes = (blobs: number): number => MAX_TRANSACTION_BYTES + blobs * MAX_SIDECAR_BYTES;
/** Submissions in one journal. */
export const MAX_JOURNAL_ENTRIES = 256;
/** Submissions with blobs among them: nearly a megabyte each. */
export const MAX_BLOB_ENTRIES = 16;
/** Longest encoded entry: a transaction with all its blobs, its key, and hash and fees of every version. */
export const MAX_ENTRY_BYTES = maxTransactionBytes(MAX_TRANSACTION_BLOBS) + MAX_KEY_BYTES + MAX_VERSIONS * 112 + 64;

/**
 * A transaction that was begun under a key: enough to go on with it after a crash. Blobs are kept with it, although they are
 * large: whoever resumes may be another submission that needs the nonce closed and knows nothing of them, a pool that forgot
 * the transaction takes it only with them, and proofs of cells take seconds each to be computed anew.
 */
export type SubmissionEntry = {
  readonly key: string;
  readonly nonce: bigint;
  /** the newest version's signed bytes, with its blobs */
  readonly raw: Hex;
  /** all versions, the newest last: any of them may be mined */
  readonly versions: readonly TransactionVersion[];
};

/** Keeps begun transactions across restarts. One for each account; what `save` resolved for survives a crash. */
export type SubmissionJournal = {
  /** all entries, in any order, at most MAX_JOURNAL_ENTRIES */
  load(): Promise<readonly SubmissionEntry[]>;
  /** adds an entry, or replaces the one of its key */
  save(entry: SubmissionEntry): Promise<void>;
  /** forgets the entry of a key, if there is one */
  clear(key: string): Promise<void>;
};

const FORMAT_VERSION = 2;
const wei = uint(128);
const fees = { hash, maxFeePerGas: wei, maxPriorityFeePerGas: wei };
const versionCodec = mapped(
  struct({ ...fees, maxFeePerBlobGas: optional(wei) }),
  (one: TransactionVersion) => ({ ...one, maxFeePerBlobGas: one.maxFeePerBlobGas ?? null }),
  ({ maxFeePerBlobGas, ...one }) => (maxFeePerBlobGas === null ? one : { ...one, maxFeePerBlobGas }),
);
const entryCodec = struct({
  version: version(FORMAT_VERSION),
  key: text(MAX_KEY_BYTES),
  nonce: uint(64),
  raw: bytes(maxTransactionBytes(MAX_TRANSACTION_BLOBS)),
  versions: list(versionCodec, MAX_VERSIONS),
});
/** As entries were before there were blobs. */
const firstEntryCodec = struct({
  version: version(1),
  key: text(MAX_KEY_BYTES),
  nonce: uint(64),
  raw: bytes(MAX_TRANSACTION_BYTES),
  versions: list(struct(fees), MAX_VERSIONS),
});

/** An entry as bytes, at most MAX_ENTRY_BYTES. Throws CodecError when it breaks a bound. */
export function encodeSubmission({ key, nonce, raw, versions }: SubmissionEntry): Uint8Array {
  return encode(entryCodec, { version: FORMAT_VERSION, key, nonce, raw: fromHex(raw), versions });
}

/** The entry of bytes that encodeSubmission gave, also of its first version. Throws CodecError. */
export function decodeSubmission(data: Uint8Array): SubmissionEntry {
  const { key, nonce, raw, versions } = decodeAnyVersion(data);
  if (versions.length === 0) throw new CodecError("out-of-range", "an entry without a version");
  return { key, nonce, raw: toHex(raw), versions };
}

function decodeAnyVersion(data: Uint8Array) {
  try {
    return decode(entryCodec, data, MAX_ENTRY_BYTES);
  } catch (error) {
    if (!(error instanceof CodecError) || error.code !== "unknown-version") throw error;
    return decode(firstEntryCodec, data, MAX_ENTRY_BYTES);
  }
}

/** Whether an entry's transaction has blobs (EIP-2718: its first byte is the type). */
export const hasBlobs = ({ raw }: SubmissionEntry): boolean => raw.startsWith("0x03");

/** A journal that lasts as long as the process: keys still hold, restarts are not survived. */
export class MemoryJournal implements SubmissionJournal {
  readonly #entries = new Map<string, SubmissionEntry>();

  async load(): Promise<readonly SubmissionEntry[]> {
    return [...this.#entries.values()];
  }

  async save(entry: SubmissionEntry): Promise<void> {
    this.#entries.set(entry.key, entry);
  }

  async clear(key: string): Promise<void> {
    this.#entries.delete(key);
  }
}

/**
 * True for an entry whose bytes are a transaction of this account, on this L1, with the nonce and hash that it states, and
 * with the blobs that its type asks for.
 */
export function isOwnEntry(entry: SubmissionEntry, account: Address, l1ChainId: bigint): boolean {
  try {
    const { from, chainId, nonce, hash: newest, blobs, blobVersionedHashes } = Transaction.from(entry.raw);
    const version = entry.versions.at(-1);
    if (blobs?.length !== blobVersionedHashes?.length) return false;
    if ((blobs === null) !== (version?.maxFeePerBlobGas === undefined)) return false;
    const isNewest = newest === version?.hash;
    return isNewest && from?.toLowerCase() === account && chainId === l1ChainId && BigInt(nonce) === entry.nonce;
  } catch {
    return false;
  }
}

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
  struct,
  text,
  toHex,
  uint,
  version,
} from "@mvm/protocol";
import { Transaction } from "ethers";
import { MAX_VERSIONS, type TransactionVersion } from "./transactionAttempt.ts";

/** Longest key of a submission, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 256;
/** Longest signed transaction: what Ethereum's nodes pass on. */
export const MAX_TRANSACTION_BYTES = 128 * 1024;
/** Submissions in one journal. */
export const MAX_JOURNAL_ENTRIES = 256;
/** Longest encoded entry: a transaction, its key, and hash and fees of every version. */
export const MAX_ENTRY_BYTES = MAX_TRANSACTION_BYTES + MAX_KEY_BYTES + MAX_VERSIONS * 112 + 64;

/** A transaction that was begun under a key: enough to go on with it after a crash. */
export type SubmissionEntry = {
  readonly key: string;
  readonly nonce: bigint;
  /** the newest version's signed bytes */
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

const wei = uint(128);
const entryCodec = struct({
  version: version(1),
  key: text(MAX_KEY_BYTES),
  nonce: uint(64),
  raw: bytes(MAX_TRANSACTION_BYTES),
  versions: list(struct({ hash, maxFeePerGas: wei, maxPriorityFeePerGas: wei }), MAX_VERSIONS),
});

/** An entry as bytes, at most MAX_ENTRY_BYTES. Throws CodecError when it breaks a bound. */
export function encodeSubmission({ key, nonce, raw, versions }: SubmissionEntry): Uint8Array {
  return encode(entryCodec, { version: 1, key, nonce, raw: fromHex(raw), versions });
}

/** The entry of bytes that encodeSubmission gave. Throws CodecError. */
export function decodeSubmission(data: Uint8Array): SubmissionEntry {
  const { key, nonce, raw, versions } = decode(entryCodec, data, MAX_ENTRY_BYTES);
  if (versions.length === 0) throw new CodecError("out-of-range", "an entry without a version");
  return { key, nonce, raw: toHex(raw), versions };
}

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

/** True for an entry whose bytes are a transaction of this account, on this L1, with the nonce and hash that it states. */
export function isOwnEntry(entry: SubmissionEntry, account: Address, l1ChainId: bigint): boolean {
  try {
    const { from, chainId, nonce, hash: newest } = Transaction.from(entry.raw);
    const isNewest = newest === entry.versions.at(-1)?.hash;
    return isNewest && from?.toLowerCase() === account && chainId === l1ChainId && BigInt(nonce) === entry.nonce;
  } catch {
    return false;
  }
}

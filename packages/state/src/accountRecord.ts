/** Accounts and slots as the state trie holds them: RLP of [nonce, balance, storageRoot, codeHash], and of the value. */
import {
  type Account,
  bigIntToBytes,
  bytesToBigInt,
  encodeRlp,
  fromHex,
  type Hash,
  RlpCursor,
  RlpError,
  toHex,
} from "@mvm/protocol";
import { StateError } from "./stateError.ts";

/** An account together with the root of its storage. */
export type AccountRecord = Account & { readonly storageRoot: Hash };

/** Two 32-byte strings with their headers end every account record. */
const TAIL_BYTES = 66;
const MAX_RECORD_BYTES = 2 + 9 + 33 + TAIL_BYTES;

/** Encodes an account with the root of its storage (32 bytes). */
export function encodeAccountRecord(account: Account, storageRoot: Uint8Array): Uint8Array {
  return encodeRlp([
    bigIntToBytes(account.nonce),
    bigIntToBytes(account.balance),
    storageRoot,
    fromHex(account.codeHash),
  ]);
}

function integer(cursor: RlpCursor, maxBytes: number): bigint {
  const bytes = cursor.string(maxBytes);
  if (bytes[0] === 0) throw new RlpError("not-canonical", "integer with a leading zero");
  return bytesToBigInt(bytes);
}

function word(cursor: RlpCursor): Hash {
  const bytes = cursor.string(32);
  if (bytes.length !== 32) throw new RlpError("not-canonical", "a hash of other than 32 bytes");
  return toHex(bytes) as Hash;
}

function strictly<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof RlpError) throw new StateError("bad-node", {}, cause);
    throw cause;
  }
}

/** Decodes an account record, strictly. Throws StateError "bad-node". */
export function decodeAccountRecord(bytes: Uint8Array): AccountRecord {
  return strictly(() => {
    const outer = new RlpCursor(bytes);
    const items = outer.list();
    outer.finish();
    const nonce = integer(items, 8);
    const balance = integer(items, 32);
    const storageRoot = word(items);
    const codeHash = word(items);
    items.finish();
    return { nonce, balance, storageRoot, codeHash };
  });
}

/** The account as execution knows it. */
export function withoutStorage(record: AccountRecord | null): Account | null {
  return record === null ? null : { nonce: record.nonce, balance: record.balance, codeHash: record.codeHash };
}

/** The storage root of an encoded account (32 bytes, a view). Throws StateError "bad-node". */
export function storageRootIn(record: Uint8Array): Uint8Array {
  const at = record.length - TAIL_BYTES;
  if (at < 4 || record.length > MAX_RECORD_BYTES || record[at] !== 0xa0 || record[at + 33] !== 0xa0) {
    throw new StateError("bad-node");
  }
  return record.subarray(at + 1, at + 33);
}

/** A slot's value (not zero) as a trie holds it. */
export function encodeSlotValue(value: bigint): Uint8Array {
  const bytes = bigIntToBytes(value);
  if (bytes.length === 1 && bytes[0]! < 0x80) return bytes;
  const encoded = new Uint8Array(bytes.length + 1);
  encoded[0] = 0x80 + bytes.length;
  encoded.set(bytes, 1);
  return encoded;
}

/** The value of a slot from its trie value, strictly. Throws StateError "bad-node". */
export function decodeSlotValue(encoded: Uint8Array): bigint {
  return strictly(() => {
    const cursor = new RlpCursor(encoded);
    const value = integer(cursor, 32);
    cursor.finish();
    if (value === 0n) throw new RlpError("not-canonical", "a slot that holds zero");
    return value;
  });
}

/** Signed transactions taken apart for the rows of a batch: those that a row with fields can say. */
import { bytesToBigInt, toWord } from "../hex.ts";
import type { ChainId } from "../primitives.ts";
import { RlpCursor, RlpError } from "../rlp.ts";

/** A transaction of type 2 with an empty access list, or a legacy one with EIP-155, that calls an account. */
export type TransactionFields = {
  readonly parity: number;
  readonly legacy: boolean;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  readonly tip: bigint;
  readonly fee: bigint;
  readonly to: Uint8Array;
  readonly value: bigint;
  readonly data: Uint8Array;
  readonly r: Uint8Array;
  readonly s: Uint8Array;
};

const FEE_MARKET_TYPE = 2;
const LIST_PREFIX = 0xc0;

function readFields(cursor: RlpCursor, legacy: boolean, chainId: ChainId, maxBytes: number): TransactionFields | null {
  const integer = (): bigint => bytesToBigInt(cursor.string(32));
  if (!legacy && integer() !== chainId) return null;
  const nonce = integer();
  const tip = integer();
  const fee = legacy ? tip : integer();
  const gasLimit = integer();
  const to = cursor.string(20);
  const value = integer();
  const data = cursor.string(maxBytes);
  if (!legacy && !cursor.list().done) return null;
  const parity = legacy ? integer() - 35n - 2n * chainId : integer();
  const [r, s] = [toWord(integer()), toWord(integer())];
  if (to.length !== 20 || (parity !== 0n && parity !== 1n)) return null;
  return { parity: Number(parity), legacy, nonce, gasLimit, tip, fee, to, value, data, r, s };
}

/** Fields of a signed transaction; null for what no row with fields can say. Not a check: the row is compared with `raw`. */
export function fieldsOf(raw: Uint8Array, chainId: ChainId): TransactionFields | null {
  const legacy = (raw[0] ?? 0) >= LIST_PREFIX;
  if (!legacy && raw[0] !== FEE_MARKET_TYPE) return null;
  try {
    return readFields(new RlpCursor(raw, legacy ? 0 : 1).list(), legacy, chainId, raw.length);
  } catch (error) {
    if (error instanceof RlpError) return null;
    throw error;
  }
}

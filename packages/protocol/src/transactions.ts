/** Transactions of a DAC's chain: decoding with every rule of form, signing hash, sender (EIP-155, 2930, 1559, 7702). */

import { recoverAddress } from "./ecdsa.ts";
import type { AccessListEntry, RecoveredAuthorization, TransactionMessage } from "./execution.ts";
import { keccak, keccakHash } from "./hash.ts";
import { bigIntToBytes, bytesToBigInt, concatBytes, fromHex, toHex, toWord } from "./hex.ts";
import { l1FeeOf } from "./l1Fee.ts";
import { LIMITS } from "./parameters.ts";
import type { Address, Hash } from "./primitives.ts";
import { encodeRlp, encodeRlpList, RlpCursor, RlpError, type RlpInput } from "./rlp.ts";

export class TransactionError extends Error {
  readonly code:
    | "malformed"
    | "too-large"
    | "type-not-supported"
    | "no-replay-protection"
    | "bad-signature"
    | "wrong-chain"
    | "out-of-range";
  constructor(code: TransactionError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TransactionError";
    this.code = code;
  }
}

export type Authorization = {
  readonly chainId: bigint;
  readonly address: Address;
  readonly nonce: bigint;
  readonly yParity: number;
  readonly r: bigint;
  readonly s: bigint;
};

/** A decoded, well-formed user transaction whose signature recovers to `from`. */
export type Transaction = {
  readonly type: 0 | 1 | 2 | 4;
  readonly hash: Hash;
  /** the canonical encoding (EIP-2718) */
  readonly raw: Uint8Array;
  readonly chainId: bigint;
  readonly from: Address;
  readonly nonce: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  readonly gasLimit: bigint;
  readonly to: Address | null;
  readonly value: bigint;
  readonly data: Uint8Array;
  readonly accessList: readonly AccessListEntry[];
  readonly authorizations: readonly Authorization[];
  readonly yParity: number;
  readonly r: bigint;
  readonly s: bigint;
  /** v as the encoding carries it (legacy: 35 + 2 * chainId + parity) */
  readonly v: bigint;
};

const MAX_NONCE = 2n ** 64n - 2n;

function integer(cursor: RlpCursor, maxBytes: number): bigint {
  const bytes = cursor.string(32);
  if (bytes.length > maxBytes) throw new TransactionError("out-of-range", `integer of more than ${maxBytes} bytes`);
  if (bytes[0] === 0) throw new TransactionError("malformed", "integer with a leading zero");
  return bytesToBigInt(bytes);
}

function addressField(cursor: RlpCursor): Address | null {
  const bytes = cursor.string(20);
  if (bytes.length !== 0 && bytes.length !== 20)
    throw new TransactionError("malformed", "address that is not 20 bytes");
  return bytes.length === 0 ? null : (toHex(bytes) as Address);
}

function requiredAddress(cursor: RlpCursor): Address {
  const address = addressField(cursor);
  if (address === null) throw new TransactionError("malformed", "missing address");
  return address;
}

function accessListField(cursor: RlpCursor): AccessListEntry[] {
  const entries = cursor.list();
  const accessList: AccessListEntry[] = [];
  while (!entries.done) {
    if (accessList.length === LIMITS.accessAddresses)
      throw new TransactionError("too-large", `more than ${LIMITS.accessAddresses} access-list addresses`);
    const entry = entries.list();
    const address = requiredAddress(entry);
    const slotItems = entry.list();
    entry.finish();
    const slots: Hash[] = [];
    while (!slotItems.done) {
      if (slots.length === LIMITS.accessSlots)
        throw new TransactionError("too-large", `more than ${LIMITS.accessSlots} access-list slots`);
      const slot = slotItems.string(32);
      if (slot.length !== 32) throw new TransactionError("malformed", "storage key that is not 32 bytes");
      slots.push(toHex(slot) as Hash);
    }
    accessList.push({ address, slots });
  }
  return accessList;
}

function authorizationsField(cursor: RlpCursor): Authorization[] {
  const entries = cursor.list();
  const authorizations: Authorization[] = [];
  while (!entries.done) {
    if (authorizations.length === LIMITS.authorizations)
      throw new TransactionError("too-large", `more than ${LIMITS.authorizations} authorisations`);
    const entry = entries.list();
    authorizations.push({
      chainId: integer(entry, 32),
      address: requiredAddress(entry),
      nonce: integer(entry, 8),
      yParity: Number(integer(entry, 1)),
      r: integer(entry, 32),
      s: integer(entry, 32),
    });
    entry.finish();
  }
  return authorizations;
}

type Unsigned = Omit<Transaction, "hash" | "raw" | "from" | "yParity" | "r" | "s" | "v">;

const NO_LISTS = { accessList: [], authorizations: [] } as const;

function legacyFields(fields: RlpCursor): {
  unsigned: Unsigned;
  v: bigint;
  parity: number;
  digest: Uint8Array;
  rest: RlpCursor;
} {
  const nonce = integer(fields, 8);
  const gasPrice = integer(fields, 32);
  const gasLimit = integer(fields, 8);
  const to = addressField(fields);
  const value = integer(fields, 32);
  const data = fields.string(LIMITS.transactionBytes);
  const v = integer(fields, 32);
  if (v === 27n || v === 28n) {
    throw new TransactionError(
      "no-replay-protection",
      "sign the transaction with a chain ID (EIP-155): without one it could be replayed on every DAC",
    );
  }
  if (v < 37n) throw new TransactionError("bad-signature", `v ${v} is not of the EIP-155 form`);
  const chainId = (v - 35n) / 2n;
  const unsigned: Unsigned = {
    type: 0,
    chainId,
    nonce,
    maxFeePerGas: gasPrice,
    maxPriorityFeePerGas: gasPrice,
    gasLimit,
    to,
    value,
    data,
    ...NO_LISTS,
  };
  const none = new Uint8Array(0);
  const [nonceBytes, priceBytes, gasBytes, valueBytes, chainBytes] = [nonce, gasPrice, gasLimit, value, chainId].map(
    bigIntToBytes,
  );
  const toBytes = to === null ? none : fromHex(to);
  const signed: RlpInput = [nonceBytes!, priceBytes!, gasBytes!, toBytes, valueBytes!, data, chainBytes!, none, none];
  return { unsigned, v, parity: Number((v - 35n) % 2n), digest: keccak(encodeRlp(signed)), rest: fields };
}

function typedFields(
  type: 1 | 2 | 4,
  payload: Uint8Array,
): { unsigned: Unsigned; parity: number; digest: Uint8Array; rest: RlpCursor } {
  const outer = new RlpCursor(payload);
  const fields = outer.list();
  outer.finish();
  const measured = new RlpCursor(payload).list();
  const chainId = integer(fields, 32);
  const nonce = integer(fields, 8);
  const maxPriorityFeePerGas = integer(fields, 32);
  const maxFeePerGas = type === 1 ? maxPriorityFeePerGas : integer(fields, 32);
  const gasLimit = integer(fields, 8);
  const to = type === 4 ? requiredAddress(fields) : addressField(fields);
  const value = integer(fields, 32);
  const data = fields.string(LIMITS.transactionBytes);
  const accessList = accessListField(fields);
  const authorizations = type === 4 ? authorizationsField(fields) : [];
  if (type === 4 && authorizations.length === 0)
    throw new TransactionError("malformed", "a set-code transaction needs an authorisation");
  const signedItems: Uint8Array[] = [];
  const signedCount = type === 1 ? 8 : type === 2 ? 9 : 10;
  for (let i = 0; i < signedCount; i++) signedItems.push(measured.raw());
  const parity = Number(integer(fields, 1));
  const unsigned: Unsigned = {
    type,
    chainId,
    nonce,
    maxFeePerGas,
    maxPriorityFeePerGas,
    gasLimit,
    to,
    value,
    data,
    accessList,
    authorizations,
  };
  const digest = keccak(concatBytes(Uint8Array.of(type), encodeRlpList(signedItems)));
  return { unsigned, parity, digest, rest: fields };
}

function decodeChecked(raw: Uint8Array): Transaction {
  const first = raw[0];
  if (first === undefined) throw new TransactionError("malformed", "empty transaction");
  let fields: { unsigned: Unsigned; parity: number; digest: Uint8Array; rest: RlpCursor; v?: bigint };
  if (first >= 0xc0) {
    const outer = new RlpCursor(raw);
    const items = outer.list();
    outer.finish();
    fields = legacyFields(items);
  } else if (first === 1 || first === 2 || first === 4) {
    fields = typedFields(first, raw.subarray(1));
  } else {
    throw new TransactionError(
      "type-not-supported",
      `transaction type 0x${first.toString(16)} is not supported: use legacy, 0x1, 0x2 or 0x4`,
    );
  }
  const r = integer(fields.rest, 32);
  const s = integer(fields.rest, 32);
  fields.rest.finish();
  const { unsigned, parity, digest } = fields;
  if (unsigned.nonce > MAX_NONCE) throw new TransactionError("out-of-range", "nonce above 2^64 - 2 (EIP-2681)");
  const from = recoverAddress(digest, concatBytes(toWord(r), toWord(s)), parity);
  if (from === null) throw new TransactionError("bad-signature", "the signature is not valid");
  return { ...unsigned, raw, hash: keccakHash(raw), from, yParity: parity, r, s, v: fields.v ?? BigInt(parity) };
}

/**
 * Decodes an encoded user transaction and recovers its sender; at most LIMITS.transactionBytes.
 * @param chainId the chain that it must be signed for
 * @throws TransactionError, nothing else
 */
export function decodeTransaction(raw: Uint8Array, chainId: bigint): Transaction {
  if (raw.length > LIMITS.transactionBytes) {
    throw new TransactionError("too-large", `${raw.length} bytes; a transaction may have ${LIMITS.transactionBytes}`);
  }
  let transaction: Transaction;
  try {
    transaction = decodeChecked(raw);
  } catch (cause) {
    if (cause instanceof RlpError)
      throw new TransactionError("malformed", `not a transaction: ${cause.message}`, cause);
    throw cause;
  }
  if (transaction.chainId !== chainId) {
    throw new TransactionError("wrong-chain", `signed for chain ${transaction.chainId}, this chain is ${chainId}`);
  }
  return transaction;
}

const AUTHORIZATION_MAGIC = 0x05;

/** Recovers an EIP-7702 authority; null where the chain does not fit or the signature is none. */
function recoverAuthorization(authorization: Authorization, chainId: bigint): RecoveredAuthorization {
  const { address, nonce, r, s, yParity } = authorization;
  const fits = (authorization.chainId === 0n || authorization.chainId === chainId) && nonce <= MAX_NONCE;
  const tuple = encodeRlp([bigIntToBytes(authorization.chainId), fromHex(address), bigIntToBytes(nonce)]);
  const digest = keccak(concatBytes(Uint8Array.of(AUTHORIZATION_MAGIC), tuple));
  const authority = fits ? recoverAddress(digest, concatBytes(toWord(r), toWord(s)), yParity) : null;
  return { authority, address, nonce };
}

/**
 * What a provider gets to see of a transaction: signatures and chain stripped (design page 20, "Blindness").
 * @param l1BaseFee of the block that it is to stand in, wei per gas
 */
export function toMessage(transaction: Transaction, l1BaseFee: bigint): TransactionMessage {
  const { type, from, to, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas, value, data, accessList, chainId } =
    transaction;
  const authorizations = transaction.authorizations.map((entry) => recoverAuthorization(entry, chainId));
  return {
    type,
    from,
    to,
    nonce,
    gasLimit,
    maxFeePerGas,
    maxPriorityFeePerGas,
    value,
    data,
    accessList,
    authorizations,
    l1Fee: l1FeeOf(transaction.raw, l1BaseFee),
  };
}

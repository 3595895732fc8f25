/** A case of the engine's fuzzer: a world and transactions upon it, in a form that can be made smaller piece by piece. */
import {
  type AccessListEntry,
  type AccountWrite,
  type Address,
  addressOf,
  bigIntToBytes,
  concatBytes,
  encodeRlp,
  fromHex,
  joinBytes,
  keccakHash,
  type RlpInput,
  toHex,
  toWordHex,
} from "@mvm/protocol";
import { signatureFields, signedTransaction } from "../signedTransaction.ts";
import { CHAIN_ID } from "./anvilPeer.ts";

/** An opcode with its immediate bytes, or a piece of data. */
export type Instruction = Uint8Array;
export type Program = readonly Instruction[];

export type CaseAccount = {
  readonly address: Address;
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly code: Program;
  readonly slots: readonly { readonly slot: bigint; readonly value: bigint }[];
};

export type CaseAuthorization = {
  readonly signer: number;
  readonly chainId: bigint;
  readonly address: Address;
  /** added to the nonce that the signer has before the transaction */
  readonly nonceShift: bigint;
  /**
   * over another nonce than the entry says, so that it recovers to somebody else, who is absent and fits no nonce but 0;
   * that one is left out, as anvil takes an absent authority for one that exists
   */
  readonly isForeign: boolean;
};

export type CaseTransaction = {
  readonly type: 0 | 1 | 2 | 4;
  readonly signer: number;
  readonly to: Address | null;
  /** added to the nonce that the signer has before the transaction, so that it still fits when others are dropped */
  readonly nonceShift: bigint;
  readonly gasLimit: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  readonly value: bigint;
  readonly data: Program;
  readonly accessList: readonly AccessListEntry[];
  readonly authorizations: readonly CaseAuthorization[];
};

export type EvmCase = {
  readonly baseFeePerGas: bigint;
  readonly feeRecipient: Address;
  readonly accounts: readonly CaseAccount[];
  readonly transactions: readonly CaseTransaction[];
};

const KEYS = [1, 2, 3, 4].map((value) => new Uint8Array(32).fill(value));
/** Who signs transactions and authorisations. */
export const SIGNERS: readonly Address[] = KEYS.map(addressOf);

const MAX_NONCE = (1n << 64n) - 1n;
const LONG_PIECE_BYTES = 64;
const AUTHORIZATION_MAGIC = Uint8Array.of(5);

/** Bytes of a program. */
export const bytesOf = (program: Program): Uint8Array => joinBytes(program);

/** The world as writes upon nothing. */
export function worldWrites(accounts: readonly CaseAccount[]): AccountWrite[] {
  return accounts.map(({ address, nonce, balance, code, slots }) => {
    const bytes = bytesOf(code);
    return {
      address,
      account: { nonce, balance, codeHash: keccakHash(bytes) },
      code: bytes.length === 0 ? null : bytes,
      slots: slots.map(({ slot, value }) => ({ slot: toWordHex(slot), value })),
    };
  });
}

const shifted = (nonce: bigint, shift: bigint): bigint => {
  const sum = nonce + shift;
  return sum < 0n ? 0n : sum > MAX_NONCE ? MAX_NONCE : sum;
};

function authorizationFields(entry: CaseAuthorization, nonceOf: (address: Address) => bigint): RlpInput {
  const fitting = shifted(nonceOf(SIGNERS[entry.signer]!), entry.nonceShift);
  const nonce = entry.isForeign && fitting === 0n ? 1n : fitting;
  const fields = (said: bigint): Uint8Array[] => [
    bigIntToBytes(entry.chainId),
    fromHex(entry.address),
    bigIntToBytes(said),
  ];
  const digest = concatBytes(AUTHORIZATION_MAGIC, encodeRlp(fields(entry.isForeign ? nonce + 1n : nonce)));
  return [...fields(nonce), ...signatureFields(KEYS[entry.signer]!, keccakHash(digest))];
}

/** The signed encoding; `nonceOf` says what nonces stand before the transaction. */
export function encodeTransaction(transaction: CaseTransaction, nonceOf: (address: Address) => bigint): Uint8Array {
  const { signer, nonceShift, data, authorizations } = transaction;
  const unsigned = {
    ...transaction,
    nonce: shifted(nonceOf(SIGNERS[signer]!), nonceShift),
    data: bytesOf(data),
    authorizations: authorizations.map((entry) => authorizationFields(entry, nonceOf)),
  };
  return signedTransaction(KEYS[signer]!, unsigned, CHAIN_ID);
}

const decimal = (value: bigint): string => value.toString();
/** Pieces with a space between; one that repeats a byte, as overlong initcode does, by its length. */
const spaced = (program: Program): string =>
  program
    .map((piece) =>
      piece.length > LONG_PIECE_BYTES && piece.every((byte) => byte === piece[0])
        ? `${toHex(piece.subarray(0, 1)).slice(2)}*${piece.length}`
        : toHex(piece).slice(2),
    )
    .join(" ");

/** A case to read: code and data as hexadecimal text with a space between instructions. */
export function describeCase({ baseFeePerGas, feeRecipient, accounts, transactions }: EvmCase): object {
  return {
    baseFeePerGas: decimal(baseFeePerGas),
    feeRecipient,
    accounts: accounts.map(({ address, nonce, balance, code, slots }) => ({
      address,
      nonce: decimal(nonce),
      balance: decimal(balance),
      code: spaced(code),
      storage: Object.fromEntries(slots.map(({ slot, value }) => [toWordHex(slot), toWordHex(value)])),
    })),
    transactions: transactions.map((transaction) => ({
      ...transaction,
      from: SIGNERS[transaction.signer],
      nonceShift: decimal(transaction.nonceShift),
      gasLimit: decimal(transaction.gasLimit),
      maxFeePerGas: decimal(transaction.maxFeePerGas),
      maxPriorityFeePerGas: decimal(transaction.maxPriorityFeePerGas),
      value: decimal(transaction.value),
      data: spaced(transaction.data),
      authorizations: transaction.authorizations.map((entry) => ({
        ...entry,
        authority: SIGNERS[entry.signer],
        chainId: decimal(entry.chainId),
        nonceShift: decimal(entry.nonceShift),
      })),
    })),
  };
}

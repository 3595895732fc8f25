/**
 * What execution takes and gives: values in, values out, no trie and no chain (design page 10, "Engine interface").
 * The engine, the roles, the proofs and the gateways all speak in these types.
 */
import type { Address, Hash } from "./primitives.ts";

/** An account as execution knows it: no storage root, so that a provider learns none. */
export type Account = {
  readonly nonce: bigint;
  /** wei of MT */
  readonly balance: bigint;
  readonly codeHash: Hash;
  /**
   * That it has storage although it has neither code nor nonce (EIP-7610), so that no contract may be made there. Cannot
   * arise on a DAC's chain; readers of public suites say it.
   */
  readonly hasStorage?: true;
};

export type AccessListEntry = { readonly address: Address; readonly slots: readonly Hash[] };

/**
 * One EIP-7702 authorisation with its signature already checked by the sequencer: `authority` is the recovered signer,
 * or null where signature or chain do not fit, in which case the entry only costs its gas.
 */
export type RecoveredAuthorization = {
  readonly authority: Address | null;
  readonly address: Address;
  readonly nonce: bigint;
};

/** A user's transaction without signature and chain: what a provider sees of it (design page 20, "Blindness"). */
export type TransactionMessage = {
  /** 0 legacy, 1 EIP-2930, 2 EIP-1559, 4 EIP-7702 */
  readonly type: 0 | 1 | 2 | 4;
  readonly from: Address;
  readonly to: Address | null;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  /** wei per gas; the gas price for types 0 and 1 */
  readonly maxFeePerGas: bigint;
  /** wei per gas; the gas price for types 0 and 1 */
  readonly maxPriorityFeePerGas: bigint;
  readonly value: bigint;
  readonly data: Uint8Array;
  readonly accessList: readonly AccessListEntry[];
  readonly authorizations: readonly RecoveredAuthorization[];
  /** wei that the sender pays for the transaction's bytes on L1; the sequencer computes it from the encoded transaction */
  readonly l1Fee: bigint;
};

/** The block's values that every execution gets; number, chain and block hashes are read on demand instead. */
export type BlockEnvironment = {
  /** seconds since 1970 */
  readonly timestamp: bigint;
  /** wei per gas */
  readonly baseFeePerGas: bigint;
  readonly gasLimit: bigint;
  readonly prevRandao: Hash;
  /** gets base fee and tips (the base fee is not burnt on a DAC's chain) */
  readonly feeRecipient: Address;
};

/** A value that execution may ask for. */
export type StateKey =
  | { readonly kind: "account"; readonly address: Address }
  | { readonly kind: "slot"; readonly address: Address; readonly slot: Hash }
  | { readonly kind: "code"; readonly hash: Hash }
  | { readonly kind: "number" }
  | { readonly kind: "chainId" }
  | { readonly kind: "blockHash"; readonly number: bigint };

/** A key with its value: null for an absent account, zero for an absent slot. */
export type StateEntry =
  | { readonly kind: "account"; readonly address: Address; readonly value: Account | null }
  | { readonly kind: "slot"; readonly address: Address; readonly slot: Hash; readonly value: bigint }
  | { readonly kind: "code"; readonly hash: Hash; readonly value: Uint8Array }
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "chainId"; readonly value: bigint }
  | { readonly kind: "blockHash"; readonly number: bigint; readonly value: Hash };

export type MaybePromise<T> = T | Promise<T>;

/**
 * Where execution reads from. Every method may answer at once or later; a value that cannot be had rejects with an
 * error that names the key, never with an "absent" answer.
 */
export interface StateReader {
  account(address: Address): MaybePromise<Account | null>;
  slot(address: Address, slot: Hash): MaybePromise<bigint>;
  code(hash: Hash): MaybePromise<Uint8Array>;
  number(): MaybePromise<bigint>;
  chainId(): MaybePromise<bigint>;
  blockHash(number: bigint): MaybePromise<Hash>;
}

/** The state of one account after a transaction. Lists of writes are sorted by address, slots by key. */
export type AccountWrite = {
  readonly address: Address;
  /** null: the account is gone, with its storage */
  readonly account: Account | null;
  /** code that this transaction deployed, else null */
  readonly code: Uint8Array | null;
  readonly slots: readonly { readonly slot: Hash; readonly value: bigint }[];
};

export type Log = { readonly address: Address; readonly topics: readonly Hash[]; readonly data: Uint8Array };

/** Why a transaction may not stand in a block. */
export type InvalidReason =
  | "nonce-too-low"
  | "nonce-too-high"
  | "insufficient-funds"
  | "fee-below-base-fee"
  | "tip-above-fee"
  | "intrinsic-gas"
  | "gas-limit-above-block"
  | "gas-limit-above-cap"
  | "sender-has-code"
  | "initcode-too-large"
  | "nonce-overflow"
  | "type-not-supported"
  | "empty-authorizations"
  /** the charter does not let its signer send transactions */
  | "denied";

export type IncludedOutcome = {
  readonly kind: "included";
  readonly status: 0 | 1;
  /** gas used by this transaction alone, after refunds and the calldata floor */
  readonly gasUsed: bigint;
  readonly logs: readonly Log[];
  readonly writes: readonly AccountWrite[];
  /** values this transaction took from outside itself, in the order of first use (earlier writes of the block included) */
  readonly reads: readonly StateEntry[];
};

export type InvalidOutcome = {
  readonly kind: "invalid";
  readonly reason: InvalidReason;
  /** values by which it is invalid, as of an included one */
  readonly reads: readonly StateEntry[];
};

/** What became of one message. An invalid one changes nothing. */
export type Outcome = IncludedOutcome | InvalidOutcome;

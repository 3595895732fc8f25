/** Items of a chain's queue on L1, and the system transactions by which blocks consume them (design page 30, "Bridge and exits"). */
import type { UnsignedBlock } from "./blocks.ts";
import { keccakHash } from "./hash.ts";
import { LIMITS } from "./parameters.ts";
import { SYSTEM } from "./predeploys.ts";
import { type Address, type ChainId, type Hash, ZERO_ADDRESS } from "./primitives.ts";
import { aliasOf, decodeSystemTransaction, isSystemTransaction, type SystemTransaction } from "./systemTransactions.ts";
import { decodeTransaction, type Transaction, TransactionError } from "./transactions.ts";

/**
 * What an item asks for: MT for an account; a call by an account of L1; a signed transaction to be executed; a call of a
 * bridge contract by an account that wants out, whatever the charter says.
 */
export type QueueKind = "depositMT" | "message" | "forced" | "exit";

/** An item of a chain's queue, with its data; fields as `QueueItem` of IInbox.sol has them. */
export type QueueItem = {
  readonly kind: QueueKind;
  /** position in the chain's L1 queue, from 0 */
  readonly queueIndex: bigint;
  /** account on L1 that asked, not aliased */
  readonly from: Address;
  /** account on the DAC; of no meaning for "forced" */
  readonly to: Address;
  /** wei of MT that came with it: "depositMT" and "message" */
  readonly mint: bigint;
  /** wei of MT of the call: "message" and "exit" */
  readonly value: bigint;
  /** gas of the call: "message" and "exit" */
  readonly gasLimit: bigint;
  /** calldata, or the signed transaction; at most LIMITS.queueDataBytes */
  readonly data: Uint8Array;
};

const NOTHING = new Uint8Array(0);

/** An item that only brings MT. */
export const depositItem = (deposit: Pick<QueueItem, "queueIndex" | "from" | "to" | "mint">): QueueItem => ({
  kind: "depositMT",
  ...deposit,
  value: 0n,
  gasLimit: 0n,
  data: NOTHING,
});

/**
 * The transaction by which a block consumes an item. A forced one is from SYSTEM and to nobody: who brought it to L1 has no
 * part in what it does, and everything that it does is in its data.
 */
export function queueTransaction(item: QueueItem): SystemTransaction {
  const { queueIndex: index, from, to, mint, value, gasLimit, data } = item;
  switch (item.kind) {
    case "depositMT":
      return { source: "deposit", index, from, to, mint, value: 0n, gasLimit: 0n, data: NOTHING };
    case "message":
      return { source: "message", index, from: aliasOf(from), to, mint, value, gasLimit, data };
    case "exit":
      return { source: "exit", index, from, to, mint: 0n, value, gasLimit, data };
    case "forced":
      return { source: "forced", index, from: SYSTEM, to: ZERO_ADDRESS, mint: 0n, value: 0n, gasLimit: 0n, data };
  }
}

/** The signed transaction in a forced one's data; null where it is none of this chain's. Total on any bytes. */
export function forcedTransaction(data: Uint8Array, chainId: bigint): Transaction | null {
  try {
    return decodeTransaction(data, chainId);
  } catch (error) {
    if (error instanceof TransactionError) return null;
    throw error;
  }
}

/** Gas that an item may use in a block: what its call or its signed transaction declares, at most LIMITS.transactionGas. */
export function queueItemGas(item: QueueItem, chainId: bigint): bigint {
  if (item.kind === "depositMT") return 0n;
  const declared = item.kind === "forced" ? (forcedTransaction(item.data, chainId)?.gasLimit ?? 0n) : item.gasLimit;
  return declared > LIMITS.transactionGas ? 0n : declared;
}

/**
 * Hash of the signed transaction that a forced one has executed; null where a transaction of a block is another, or was
 * consumed without effect: what executes uses gas.
 */
export function executedHash(
  raw: Uint8Array,
  chainId: ChainId,
  { gasUsed }: { readonly gasUsed: bigint },
): Hash | null {
  if (!isSystemTransaction(raw) || gasUsed === 0n) return null;
  const { source, data } = decodeSystemTransaction(raw, chainId);
  return source === "forced" ? keccakHash(data) : null;
}

/** Hashes by which users know what a block has executed: of its transactions, and of those that forced ones executed. */
export function includedHashes(block: Pick<UnsignedBlock, "chainId" | "transactions" | "outcomes">): readonly Hash[] {
  const { chainId, transactions, outcomes } = block;
  const forced = transactions.map((raw, i) => executedHash(raw, chainId, outcomes[i]!));
  return [...transactions.map(keccakHash), ...forced.filter((hash) => hash !== null)];
}

/** Transactions as eth_getTransactionBy* shows them. */
import {
  type Address,
  type Hash,
  PREDEPLOYS,
  SYSTEM_TYPE,
  type SystemSource,
  type SystemTransaction,
  type Transaction,
  toHex,
} from "@mvm/protocol";
import type { BlockView } from "./blockView.ts";
import { effectiveGasPrice } from "./fees.ts";
import type { Json } from "./method.ts";
import { quantity } from "./quantities.ts";

type Fields = { readonly [key: string]: Json };

const NO_PLACE: Fields = { blockHash: null, blockNumber: null, blockTimestamp: null, transactionIndex: null };

function place(view: BlockView, index: number): Fields {
  const { number, timestamp } = view.block.header;
  return {
    blockHash: view.hash,
    blockNumber: quantity(number),
    blockTimestamp: quantity(timestamp),
    transactionIndex: quantity(index),
  };
}

function typeFields(transaction: Transaction): Fields {
  const { type, yParity, accessList, maxFeePerGas, maxPriorityFeePerGas, authorizations } = transaction;
  if (type === 0) return {};
  const fields: Fields = {
    accessList: accessList.map(({ address, slots }) => ({ address, storageKeys: slots })),
    yParity: quantity(yParity),
  };
  if (type === 1) return fields;
  const fees = { maxFeePerGas: quantity(maxFeePerGas), maxPriorityFeePerGas: quantity(maxPriorityFeePerGas) };
  if (type === 2) return { ...fields, ...fees };
  const authorizationList = authorizations.map((entry) => ({
    chainId: quantity(entry.chainId),
    address: entry.address,
    nonce: quantity(entry.nonce),
    yParity: quantity(entry.yParity),
    r: quantity(entry.r),
    s: quantity(entry.s),
  }));
  return { ...fields, ...fees, authorizationList };
}

function userFields(transaction: Transaction, gasPrice: bigint): Fields {
  return {
    hash: transaction.hash,
    type: quantity(transaction.type),
    chainId: quantity(transaction.chainId),
    from: transaction.from,
    to: transaction.to,
    nonce: quantity(transaction.nonce),
    gas: quantity(transaction.gasLimit),
    gasPrice: quantity(gasPrice),
    value: quantity(transaction.value),
    input: toHex(transaction.data),
    ...typeFields(transaction),
    v: quantity(transaction.v),
    r: quantity(transaction.r),
    s: quantity(transaction.s),
  };
}

/** Who is shown as a system transaction's sender: of a deposit the minter, for the depositor's own address would let clients mistake it for one of its transactions. */
export const systemSender = ({ source, from }: SystemTransaction): Address =>
  source === "deposit" ? PREDEPLOYS.coinbase : from;

/** Sources that L1's queue is the origin of. */
const QUEUED: ReadonlySet<SystemSource> = new Set(["deposit", "message", "forced", "exit"]);
/** Those whose `from` is who asked on L1: a message's is the alias, a forced one's the system. */
const L1_SENDERS: ReadonlySet<SystemSource> = new Set(["deposit", "exit"]);

/** What a forced transaction executed, under its own hash; null where it did nothing. */
function executedField(view: BlockView, index: number): Fields {
  const entry = view.transaction(index);
  if (entry.kind !== "system" || entry.transaction.source !== "forced") return {};
  return { executedHash: view.executed(index)?.hash ?? null };
}

/** A system transaction has no signature and no price; clients want the fields all the same, so they are zero. */
function systemFields(view: BlockView, hash: Hash, transaction: SystemTransaction): Fields {
  const zero = quantity(0);
  const { source, index, from, to, mint, value, gasLimit, data } = transaction;
  return {
    hash,
    type: quantity(SYSTEM_TYPE),
    chainId: quantity(view.block.chainId),
    source,
    from: systemSender(transaction),
    ...(L1_SENDERS.has(source) ? { l1From: from } : {}),
    ...(QUEUED.has(source) ? { queueIndex: quantity(index) } : {}),
    to,
    nonce: quantity(index),
    gas: quantity(gasLimit),
    gasPrice: zero,
    value: quantity(source === "deposit" ? mint : value),
    mint: quantity(mint),
    input: toHex(data),
    yParity: zero,
    v: zero,
    r: zero,
    s: zero,
  };
}

/**
 * Fields of a block's transaction; its gas price is the one paid.
 * @param entry the transaction at the index, or the one that it executed
 */
export function transactionFields(view: BlockView, index: number, entry = view.transaction(index)): Json {
  const fields =
    entry.kind === "system"
      ? { ...systemFields(view, entry.hash, entry.transaction), ...executedField(view, index) }
      : userFields(entry.transaction, effectiveGasPrice(entry.transaction, view.block.header.baseFeePerGas));
  return { ...place(view, index), ...fields };
}

/** Fields of a transaction that waits; its gas price is the most that it may pay. */
export function pendingFields(transaction: Transaction): Json {
  return { ...NO_PLACE, ...userFields(transaction, transaction.maxFeePerGas) };
}

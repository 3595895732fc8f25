/** Transactions as eth_getTransactionBy* shows them. */
import { DEPOSIT_TYPE, type Deposit, type Hash, PREDEPLOYS, type Transaction, toHex } from "@mvm/protocol";
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

/** A deposit has no signature, price or gas; clients want the fields all the same, so they are zero. */
function depositFields(view: BlockView, hash: Hash, deposit: Deposit): Fields {
  const zero = quantity(0);
  return {
    hash,
    type: quantity(DEPOSIT_TYPE),
    chainId: quantity(view.block.chainId),
    // The minter: the depositor's own address would let clients mistake the deposit for one of its transactions.
    from: PREDEPLOYS.coinbase,
    l1From: deposit.from,
    to: deposit.to,
    nonce: quantity(deposit.queueIndex),
    gas: zero,
    gasPrice: zero,
    value: quantity(deposit.mint),
    mint: quantity(deposit.mint),
    queueIndex: quantity(deposit.queueIndex),
    input: "0x",
    yParity: zero,
    v: zero,
    r: zero,
    s: zero,
  };
}

/** Fields of a block's transaction; its gas price is the one paid. */
export function transactionFields(view: BlockView, index: number): Json {
  const entry = view.transaction(index);
  const fields =
    entry.kind === "deposit"
      ? depositFields(view, entry.hash, entry.deposit)
      : userFields(entry.transaction, effectiveGasPrice(entry.transaction, view.block.header.baseFeePerGas));
  return { ...place(view, index), ...fields };
}

/** Fields of a transaction that waits; its gas price is the most that it may pay. */
export function pendingFields(transaction: Transaction): Json {
  return { ...NO_PLACE, ...userFields(transaction, transaction.maxFeePerGas) };
}

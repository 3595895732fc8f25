/** Receipts and logs as eth_getTransactionReceipt, eth_getBlockReceipts and eth_getLogs show them. */
import { createAddress } from "@mvm/evm";
import { bloomOf, type Hash, type Log, l1FeeOf, type SealedBlock, SYSTEM_TYPE, toHex } from "@mvm/protocol";
import type { BlockTransaction, BlockView } from "./blockView.ts";
import { effectiveGasPrice } from "./fees.ts";
import type { Json } from "./method.ts";
import { quantity } from "./quantities.ts";
import { systemSender } from "./transactionFields.ts";

/** A log with its place: `logIndex` counts through the block, the hash is the one by which the transaction was asked for. */
export function logFields(
  view: BlockView,
  place: { readonly index: number; readonly logIndex: number; readonly transactionHash?: Hash },
  log: Log,
): Json {
  const { number, timestamp } = view.block.header;
  return {
    address: log.address,
    topics: log.topics,
    data: toHex(log.data),
    blockHash: view.hash,
    blockNumber: quantity(number),
    blockTimestamp: quantity(timestamp),
    transactionHash: place.transactionHash ?? view.transactionHash(place.index),
    transactionIndex: quantity(place.index),
    logIndex: quantity(place.logIndex),
    removed: false,
  };
}

function partyFields(entry: BlockTransaction, { header, context }: SealedBlock): { readonly [key: string]: Json } {
  if (entry.kind === "system") {
    return {
      type: quantity(SYSTEM_TYPE),
      from: systemSender(entry.transaction),
      to: entry.transaction.to,
      contractAddress: null,
      effectiveGasPrice: quantity(0),
    };
  }
  const { type, from, to, nonce, raw } = entry.transaction;
  return {
    type: quantity(type),
    from,
    to,
    contractAddress: to === null ? createAddress(from, nonce) : null,
    effectiveGasPrice: quantity(effectiveGasPrice(entry.transaction, header.baseFeePerGas)),
    l1Fee: quantity(entry.kind === "forced" ? 0n : l1FeeOf(raw, context.l1BaseFee)),
  };
}

/**
 * The receipt of a block's transaction.
 * @param entry the transaction at the index, or the one that it executed
 */
export function receiptFields(view: BlockView, index: number, entry = view.transaction(index)): Json {
  const { header, outcomes } = view.block;
  const { status, gasUsed, logs } = outcomes[index]!;
  const firstLog = view.logsBefore(index);
  return {
    transactionHash: entry.hash,
    transactionIndex: quantity(index),
    blockHash: view.hash,
    blockNumber: quantity(header.number),
    ...partyFields(entry, view.block),
    status: quantity(status),
    gasUsed: quantity(gasUsed),
    cumulativeGasUsed: quantity(view.gasBefore(index) + gasUsed),
    logs: logs.map((log, i) => logFields(view, { index, logIndex: firstLog + i, transactionHash: entry.hash }, log)),
    logsBloom: toHex(bloomOf(logs)),
  };
}

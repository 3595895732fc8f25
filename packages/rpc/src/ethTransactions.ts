/** eth_ methods on transactions. */
import { decodeTransaction, type Hash, type Transaction } from "@mvm/protocol";
import { findBlock, indexedBlock } from "./blockLookup.ts";
import type { BlockTransaction, BlockView } from "./blockView.ts";
import { defineMethod, type Json, type Method, type MethodContext } from "./method.ts";
import { receiptFields } from "./receiptFields.ts";
import { type BlockReference, blockNumberParam, bytesParam, hashParam, uint64Param } from "./schemas.ts";
import { checkAdmission, decodingRefusal, submissionRefusal } from "./submission.ts";
import { pendingFields, transactionFields } from "./transactionFields.ts";

type Located = { readonly view: BlockView; readonly index: number; readonly entry: BlockTransaction };

async function locate(context: MethodContext, hash: Hash): Promise<Located | null> {
  const place = await context.backend.locate(hash);
  if (place === null) return null;
  const view = await indexedBlock(context, place.blockNumber);
  const { index } = place;
  const executed = view.transactionHash(index) === hash ? null : view.executed(index);
  return { view, index, entry: executed ?? view.transaction(index) };
}

async function byPosition(context: MethodContext, block: BlockReference, index: bigint): Promise<Json> {
  const view = await findBlock(context, block);
  return view === null || index >= BigInt(view.size) ? null : transactionFields(view, Number(index));
}

async function sendRawTransaction(context: MethodContext, raw: Uint8Array): Promise<Json> {
  const { backend } = context;
  let transaction: Transaction;
  try {
    transaction = decodeTransaction(raw, backend.chainId);
  } catch (cause) {
    throw decodingRefusal(cause);
  }
  await checkAdmission(context, transaction);
  try {
    await backend.submit(transaction);
  } catch (cause) {
    throw submissionRefusal(cause);
  }
  return transaction.hash;
}

export const ethTransactionMethods: readonly Method[] = [
  defineMethod("eth_getTransactionByHash", { hash: hashParam }, async (context, { hash }) => {
    const located = await locate(context, hash);
    if (located !== null) return transactionFields(located.view, located.index, located.entry);
    const pending = await context.backend.pendingTransaction(hash);
    return pending === null ? null : pendingFields(pending);
  }),
  defineMethod(
    "eth_getTransactionByBlockHashAndIndex",
    { hash: hashParam, index: uint64Param },
    (context, { hash, index }) => byPosition(context, { kind: "hash", hash }, index),
  ),
  defineMethod(
    "eth_getTransactionByBlockNumberAndIndex",
    { block: blockNumberParam, index: uint64Param },
    (context, { block, index }) => byPosition(context, block, index),
  ),
  defineMethod("eth_getTransactionReceipt", { hash: hashParam }, async (context, { hash }) => {
    const located = await locate(context, hash);
    return located === null ? null : receiptFields(located.view, located.index, located.entry);
  }),
  defineMethod("eth_sendRawTransaction", { transaction: bytesParam }, (context, { transaction }) =>
    sendRawTransaction(context, transaction),
  ),
];

/** eth_ methods on blocks. */
import type { Hash } from "@mvm/protocol";
import { blockFields } from "./blockFields.ts";
import { findBlock } from "./blockLookup.ts";
import type { BlockView } from "./blockView.ts";
import { defineMethod, type Json, type Method, type MethodContext } from "./method.ts";
import { quantity } from "./quantities.ts";
import { receiptFields } from "./receiptFields.ts";
import { type BlockReference, blockNumberParam, blockParam, flagParam, hashParam } from "./schemas.ts";

const byHash = (hash: Hash): BlockReference => ({ kind: "hash", hash });

/** What `show` makes of the block, or null where there is none. */
async function shown(
  context: MethodContext,
  reference: BlockReference,
  show: (view: BlockView) => Json,
): Promise<Json> {
  const view = await findBlock(context, reference);
  return view === null ? null : show(view);
}

const transactionCount = (view: BlockView): Json => quantity(view.size);
const noUncles = (): Json => quantity(0);

export const ethBlockMethods: readonly Method[] = [
  defineMethod("eth_blockNumber", {}, async ({ backend }) => quantity(await backend.head("latest"))),
  defineMethod(
    "eth_getBlockByHash",
    { hash: hashParam, fullTransactions: flagParam.default(false) },
    (context, { hash, fullTransactions }) =>
      shown(context, byHash(hash), (view) => blockFields(view, fullTransactions)),
  ),
  defineMethod(
    "eth_getBlockByNumber",
    { block: blockNumberParam, fullTransactions: flagParam.default(false) },
    (context, { block, fullTransactions }) => shown(context, block, (view) => blockFields(view, fullTransactions)),
  ),
  defineMethod("eth_getBlockTransactionCountByHash", { hash: hashParam }, (context, { hash }) =>
    shown(context, byHash(hash), transactionCount),
  ),
  defineMethod("eth_getBlockTransactionCountByNumber", { block: blockNumberParam }, (context, { block }) =>
    shown(context, block, transactionCount),
  ),
  defineMethod("eth_getUncleCountByBlockHash", { hash: hashParam }, (context, { hash }) =>
    shown(context, byHash(hash), noUncles),
  ),
  defineMethod("eth_getUncleCountByBlockNumber", { block: blockNumberParam }, (context, { block }) =>
    shown(context, block, noUncles),
  ),
  defineMethod("eth_getBlockReceipts", { block: blockParam }, (context, { block }) =>
    shown(context, block, (view) => view.block.transactions.map((_, index) => receiptFields(view, index))),
  ),
];

/** eth_gasPrice, eth_maxPriorityFeePerGas, eth_feeHistory. */
import { LIMITS, nextBaseFee } from "@mvm/protocol";
import { z } from "zod";
import { numberOf, requireBlock } from "./blockLookup.ts";
import type { BlockView } from "./blockView.ts";
import { effectiveTip } from "./fees.ts";
import { defineMethod, type Json, type Method, type MethodContext } from "./method.ts";
import { quantity } from "./quantities.ts";
import { serverError } from "./rpcError.ts";
import { blockNumberParam, LATEST, uint64Param } from "./schemas.ts";

/** wei per gas: what is offered where no transaction competes */
const MINIMUM_TIP = 1_000_000n;
/** blocks, and the lowest tips of each, that the suggestion looks at */
const SAMPLED_BLOCKS = 20n;
const SAMPLED_TIPS = 3;
const SUGGESTED_PERCENTILE = 60;

/** blocks of one fee history */
const MAX_HISTORY_BLOCKS = 1_024n;
const MAX_PERCENTILES = 100;
/** transactions that one fee history with percentiles may look at, the newest block's aside; the answer is cut short there */
const MAX_HISTORY_TRANSACTIONS = 4_096;
/** wei per blob gas where no blobs are: EIP-4844's minimum */
const BLOB_BASE_FEE = 1n;

type PaidTip = { readonly tip: bigint; readonly gasUsed: bigint };

/** Tips of the block's user transactions, lowest first. */
function paidTips(view: BlockView): PaidTip[] {
  const { outcomes, header } = view.block;
  const tips: PaidTip[] = [];
  outcomes.forEach(({ gasUsed }, index) => {
    const entry = view.transaction(index);
    if (entry.kind === "user") tips.push({ tip: effectiveTip(entry.transaction, header.baseFeePerGas), gasUsed });
  });
  return tips.sort((left, right) => (left.tip < right.tip ? -1 : left.tip > right.tip ? 1 : 0));
}

/** A tip that gets a transaction in: what the cheapest of recent blocks paid, where blocks are more than half full. */
async function suggestedTip(context: MethodContext): Promise<bigint> {
  const head = await context.backend.head("latest");
  const oldest = head >= SAMPLED_BLOCKS ? head - SAMPLED_BLOCKS + 1n : 0n;
  const sample: bigint[] = [];
  for (let number = head; number >= oldest; number--) {
    context.signal.throwIfAborted();
    const view = await requireBlock(context, { kind: "number", number });
    if (view.block.header.gasUsed * 2n < LIMITS.blockGas) continue;
    sample.push(
      ...paidTips(view)
        .slice(0, SAMPLED_TIPS)
        .map(({ tip }) => tip),
    );
  }
  sample.sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));
  const tip = sample[Math.floor(((sample.length - 1) * SUGGESTED_PERCENTILE) / 100)] ?? 0n;
  return tip > MINIMUM_TIP ? tip : MINIMUM_TIP;
}

async function gasPrice(context: MethodContext): Promise<Json> {
  const { block } = await requireBlock(context, LATEST);
  return quantity(nextBaseFee(block.header) + (await suggestedTip(context)));
}

/** For each percentile the tip at which that part of the block's gas had been used, lowest tips first; 0 without any. */
function rewards(view: BlockView, percentiles: readonly number[]): readonly Json[] {
  const tips = paidTips(view);
  const total = tips.reduce((sum, { gasUsed }) => sum + gasUsed, 0n);
  let position = 0;
  let used = tips[0]?.gasUsed ?? 0n;
  return percentiles.map((percentile) => {
    const threshold = BigInt(Math.floor((Number(total) * percentile) / 100));
    while (used < threshold && position < tips.length - 1) {
      position++;
      used += tips[position]!.gasUsed;
    }
    return quantity(tips[position]?.tip ?? 0n);
  });
}

/** Blocks of a history, newest first: as many as asked for, as exist, and as the bound on transactions lets. */
async function historyBlocks(
  context: MethodContext,
  range: { readonly newest: bigint; readonly count: bigint; readonly looksInside: boolean },
): Promise<readonly BlockView[]> {
  const views: BlockView[] = [];
  let transactions = 0;
  for (let number = range.newest; number >= 0n && number > range.newest - range.count; number--) {
    context.signal.throwIfAborted();
    const view = await requireBlock(context, { kind: "number", number });
    transactions += view.size;
    if (range.looksInside && views.length > 0 && transactions > MAX_HISTORY_TRANSACTIONS) break;
    views.push(view);
  }
  return views;
}

type HistoryRequest = {
  readonly blockCount: bigint;
  readonly newestBlock: Parameters<typeof numberOf>[1];
  readonly rewardPercentiles: readonly number[] | undefined;
};

async function feeHistory(context: MethodContext, request: HistoryRequest): Promise<Json> {
  const { rewardPercentiles: percentiles } = request;
  const newest = await numberOf(context, request.newestBlock);
  const head = await context.backend.head("latest");
  if (newest > head) throw serverError(`request beyond head block: requested ${newest}, head ${head}`);
  const count = request.blockCount < MAX_HISTORY_BLOCKS ? request.blockCount : MAX_HISTORY_BLOCKS;
  if (count === 0n) return { oldestBlock: quantity(0), gasUsedRatio: [] };
  const looksInside = percentiles !== undefined && percentiles.length > 0;
  const newestFirst = await historyBlocks(context, { newest, count, looksInside });
  const headers = newestFirst.map(({ block }) => block.header).reverse();
  const baseFees = [...headers.map((header) => header.baseFeePerGas), nextBaseFee(headers.at(-1)!)];
  const history = {
    oldestBlock: quantity(headers[0]!.number),
    baseFeePerGas: baseFees.map(quantity),
    gasUsedRatio: headers.map((header) => Number(header.gasUsed) / Number(LIMITS.blockGas)),
    baseFeePerBlobGas: baseFees.map(() => quantity(BLOB_BASE_FEE)),
    blobGasUsedRatio: headers.map(() => 0),
  };
  if (!looksInside) return history;
  return { ...history, reward: newestFirst.map((view) => rewards(view, percentiles)).reverse() };
}

const blockCountParam = z.union([uint64Param, z.int().nonnegative().transform(BigInt)], {
  error: "expected a number of blocks as a quantity",
});

const percentilesParam = z
  .array(z.number({ error: "expected a percentile" }).min(0).max(100), { error: "expected a list of percentiles" })
  .max(MAX_PERCENTILES)
  .refine((values) => values.every((value, i) => i === 0 || value >= values[i - 1]!), {
    error: "expected percentiles in ascending order",
  });

export const ethFeeMethods: readonly Method[] = [
  defineMethod("eth_gasPrice", {}, gasPrice),
  defineMethod("eth_maxPriorityFeePerGas", {}, async (context) => quantity(await suggestedTip(context))),
  defineMethod(
    "eth_feeHistory",
    { blockCount: blockCountParam, newestBlock: blockNumberParam, rewardPercentiles: percentilesParam.optional() },
    feeHistory,
  ),
];

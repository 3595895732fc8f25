/** The order of a block's parts: context, in block 1 founding, items of L1's queue, users' transactions, settle (design page 10). */
import {
  type Address,
  type BlockContext,
  type ChainId,
  CodecError,
  contextTransaction,
  decodeSystemTransaction,
  encodeSystemTransaction,
  equalBytes,
  type Founding,
  foundingTransaction,
  isSystemTransaction,
  isWork,
  l1FeeOf,
  namedAddresses,
  type QueueItem,
  queueTransaction,
  type SystemTransaction,
  seatedIn,
  settledAccounts,
  settleTransaction,
  type UnsignedBlock,
} from "@mvm/protocol";

export type Opening = {
  /** of the block */
  readonly number: bigint;
  readonly generation: bigint;
  readonly context: Pick<BlockContext, "slot" | "l1Block" | "l1BaseFee">;
  readonly founding: Founding;
  /** that the block consumes, in their order */
  readonly queueItems: readonly QueueItem[];
  /** of the whole block; does not change what the opening does, so it may be 0 until it is known */
  readonly transactionCount: number;
};

/** The system transactions that a block begins with. */
export function openingTransactions(opening: Opening): readonly SystemTransaction[] {
  const { number, generation, context, founding, queueItems, transactionCount } = opening;
  const first = contextTransaction(number, { ...context, generation }, transactionCount);
  const second = number === 1n ? [foundingTransaction(founding)] : [];
  return [first, ...second, ...queueItems.map(queueTransaction)];
}

/**
 * The system transaction that a block ends with: L1 fees, and what enters the address table, follow from the users' encoded
 * transactions.
 */
export function closingTransaction(
  chainId: ChainId,
  { number, l1BaseFee }: { readonly number: bigint; readonly l1BaseFee: bigint },
  block: {
    /** sequencer, then providers */
    readonly paid: readonly [Address, ...Address[]];
    /** how many of the providers have a fee of their own (seatedIn) */
    readonly seated: number;
    readonly transactions: readonly Uint8Array[];
  },
): SystemTransaction {
  const [sequencer, ...providers] = block.paid;
  const l1Fees = block.transactions.reduce((sum, raw) => sum + l1FeeOf(raw, l1BaseFee), 0n);
  const seen = namedAddresses(chainId, block.transactions);
  return settleTransaction(number, { sequencer, providers, seated: block.seated, l1Fees, seen });
}

type Ended = Pick<UnsignedBlock, "chainId" | "transactions">;

/** Who a block's settle pays, the sequencer first; null where the block does not end in one. */
export function paidBy(block: Ended): readonly [Address, ...Address[]] | null {
  const last = block.transactions.at(-1);
  if (last === undefined || !isSystemTransaction(last)) return null;
  try {
    return settledAccounts(decodeSystemTransaction(last, block.chainId))?.paid ?? null;
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

/**
 * What is wrong with the order or the system transactions of a block, or null.
 * @param queueItems that the block has to consume
 * @param providers operators of the seats that served, in their order
 */
export function layoutFault(
  block: UnsignedBlock,
  founding: Founding,
  { queueItems, providers }: { readonly queueItems: readonly QueueItem[]; readonly providers: readonly Address[] },
): string | null {
  const { chainId, generation, header, context, transactions } = block;
  const { number } = header;
  const opening = openingTransactions({
    number,
    generation,
    context,
    founding,
    queueItems,
    transactionCount: transactions.length,
  });
  if (transactions.length <= opening.length) return "shorter than its system transactions";
  for (const [i, expected] of opening.entries()) {
    if (!equalBytes(transactions[i]!, encodeSystemTransaction(chainId, expected)))
      return `${expected.source} transaction differs`;
  }
  const users = transactions.slice(opening.length, -1);
  if (users.some(isSystemTransaction)) return "a system transaction among the users'";
  if (users.length === 0 && opening.length === 1) return "no transaction but the system's";
  const { l1BaseFee, work } = context;
  if (!isWork(work) || (users.length > 0 && work.seats.length === 0)) return "other seats than a block may have";
  const paid = paidBy(block);
  if (paid === null) return "does not end in settle";
  const closing = closingTransaction(
    chainId,
    { number, l1BaseFee },
    { paid: [paid[0], ...providers], seated: seatedIn(work), transactions: users },
  );
  return equalBytes(transactions.at(-1)!, encodeSystemTransaction(chainId, closing))
    ? null
    : "settle transaction differs";
}

/** The order of a block's parts: context, in block 1 founding, deposits, users' transactions, settle (design page 10). */
import {
  type Address,
  type BlockContext,
  CodecError,
  contextTransaction,
  type Deposit,
  decodeSystemTransaction,
  depositTransaction,
  encodeSystemTransaction,
  equalBytes,
  type Founding,
  foundingTransaction,
  isSystemTransaction,
  l1FeeOf,
  type SystemTransaction,
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
  readonly deposits: readonly Deposit[];
  /** of the whole block; does not change what the opening does, so it may be 0 until it is known */
  readonly transactionCount: number;
};

/** The system transactions that a block begins with. */
export function openingTransactions(opening: Opening): readonly SystemTransaction[] {
  const { number, generation, context, founding, deposits, transactionCount } = opening;
  const first = contextTransaction(number, { ...context, generation }, transactionCount);
  const second = number === 1n ? [foundingTransaction(founding)] : [];
  return [first, ...second, ...deposits.map(depositTransaction)];
}

/** The system transaction that a block ends with: L1 fees follow from the users' encoded transactions. */
export function closingTransaction(
  number: bigint,
  l1BaseFee: bigint,
  block: { readonly paid: readonly [Address, ...Address[]]; readonly transactions: readonly Uint8Array[] },
): SystemTransaction {
  const [sequencer, ...providers] = block.paid;
  const l1Fees = block.transactions.reduce((sum, raw) => sum + l1FeeOf(raw, l1BaseFee), 0n);
  return settleTransaction(number, { sequencer, providers, l1Fees });
}

/** Who a block's settle pays, the sequencer first; null where the block does not end in one. */
export function paidBy(
  block: Pick<UnsignedBlock, "chainId" | "transactions">,
): readonly [Address, ...Address[]] | null {
  const last = block.transactions.at(-1);
  if (last === undefined || !isSystemTransaction(last)) return null;
  try {
    return settledAccounts(decodeSystemTransaction(last, block.chainId));
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

/** What is wrong with the order or the system transactions of a block whose due deposits are known, or null. */
export function layoutFault(block: UnsignedBlock, founding: Founding, deposits: readonly Deposit[]): string | null {
  const { chainId, generation, header, context, transactions, seats } = block;
  const { number } = header;
  const opening = openingTransactions({
    number,
    generation,
    context,
    founding,
    deposits,
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
  const paid = paidBy(block);
  if (paid === null) return "does not end in settle";
  const closing = closingTransaction(number, context.l1BaseFee, { paid, transactions: users });
  if (!equalBytes(transactions.at(-1)!, encodeSystemTransaction(chainId, closing))) return "settle transaction differs";
  return seats.length === 0 || seats.length === paid.length - 1 ? null : "settle pays others than the seats";
}

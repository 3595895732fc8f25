/** The roots that a block's header commits to, from its transactions, outcomes and the state root after each. */
import {
  type BlockOutcome,
  bloomOf,
  checkpointLeaf,
  EMPTY_TRIE_ROOT,
  encodeReceipt,
  type Hash,
  type Header,
  keccakHash,
  mergeBlooms,
  merkleRoot,
} from "@mvm/protocol";
import { IndexTrie } from "@mvm/state";

export type BlockRoots = Pick<
  Header,
  "stateRoot" | "transactionsRoot" | "receiptsRoot" | "logsBloom" | "gasUsed" | "checkpointsRoot" | "withdrawalsRoot"
>;

/** EIP-2718 type of an encoded transaction: 0 for a legacy one. */
export const typeOf = (raw: Uint8Array): number => (raw[0]! >= 0xc0 ? 0 : raw[0]!);

/** Encoded receipts in order. */
export function receiptsOf(transactions: readonly Uint8Array[], outcomes: readonly BlockOutcome[]): Uint8Array[] {
  let cumulativeGasUsed = 0n;
  return outcomes.map(({ status, gasUsed, logs }, i) => {
    cumulativeGasUsed += gasUsed;
    return encodeReceipt({ type: typeOf(transactions[i]!), status, cumulativeGasUsed, logs });
  });
}

/**
 * Roots and checkpoints of a block.
 * @param roots state roots after each transaction, as many as there are transactions, at least one; storage root of
 * MVM_L2ToL1 after the last
 */
export function blockRoots(
  transactions: readonly Uint8Array[],
  outcomes: readonly BlockOutcome[],
  { stateRoots, withdrawalsRoot }: { readonly stateRoots: readonly Hash[]; readonly withdrawalsRoot: Hash },
): BlockRoots {
  const transactionsTrie = new IndexTrie();
  const receiptsTrie = new IndexTrie();
  const leaves: Hash[] = [];
  let logsBloom: Uint8Array = new Uint8Array(256);
  let gasUsed = 0n;
  let transactionsRoot = EMPTY_TRIE_ROOT;
  let receiptsRoot = EMPTY_TRIE_ROOT;
  receiptsOf(transactions, outcomes).forEach((receipt, index) => {
    const outcome = outcomes[index]!;
    gasUsed += outcome.gasUsed;
    if (outcome.logs.length > 0) logsBloom = mergeBlooms(logsBloom, bloomOf(outcome.logs));
    transactionsRoot = transactionsTrie.append(transactions[index]!);
    receiptsRoot = receiptsTrie.append(receipt);
    const bloomHash = keccakHash(logsBloom);
    const receiptHash = keccakHash(receipt);
    leaves.push(
      checkpointLeaf({
        index,
        stateRoot: stateRoots[index]!,
        cumulativeGasUsed: gasUsed,
        receiptHash,
        transactionsRoot,
        receiptsRoot,
        bloomHash,
      }),
    );
  });
  return {
    stateRoot: stateRoots.at(-1)!,
    transactionsRoot,
    receiptsRoot,
    logsBloom,
    gasUsed,
    checkpointsRoot: merkleRoot(leaves),
    withdrawalsRoot,
  };
}

const ROOTS = [
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "gasUsed",
  "checkpointsRoot",
  "withdrawalsRoot",
] as const;

/** The first root in which a header differs from computed ones, or null. */
export function rootsFault(header: Header, roots: Partial<BlockRoots>): string | null {
  for (const name of ROOTS) {
    if (roots[name] !== undefined && roots[name] !== header[name])
      return `${name} is ${header[name]}, computed ${roots[name]}`;
  }
  const bloom = roots.logsBloom;
  return bloom === undefined || bloom.every((byte, i) => byte === header.logsBloom[i]) ? null : "logsBloom differs";
}

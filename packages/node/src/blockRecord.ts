/** A block as a chain's database keeps it. */
import { encodeBlock, executedHash, type Hash, keccakHash, type SealedBlock } from "@mvm/protocol";
import type { BlockRecord } from "@mvm/state";
import { receiptsOf } from "./blockRoots.ts";

export function recordOf(block: SealedBlock, hash: Hash): BlockRecord {
  const { header, transactions, outcomes, chainId } = block;
  return {
    number: header.number,
    hash,
    encodedBlock: encodeBlock(block),
    receipts: receiptsOf(transactions, outcomes),
    transactionHashes: transactions.map(keccakHash),
    executedHashes: transactions.map((raw, i) => executedHash(raw, chainId, outcomes[i]!)),
    logs: outcomes.map((outcome) => outcome.logs),
  };
}

/** Where benchmarks keep databases, and what they put into them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountWrite } from "@mvm/protocol";
import type { BlockRecord } from "@mvm/state";
import type { SeededRandom } from "../seededRandom.ts";

/** Blocks whose states stay: those that are not final yet. */
export const KEPT = 16;

/** Bytes of a transfer in a block, with its outcome, and of its receipt: about those of an ERC-20's. */
const BODY_BYTES = 350;
const RECEIPT_BYTES = 300;

type Writes = readonly (readonly AccountWrite[])[];
export type MadeBlock = BlockRecord & { readonly writesPerTransaction: Writes };

/** A block with a body, a receipt and an index entry for each transaction, of which the writes alone mean something. */
export function madeBlock(number: number, writesPerTransaction: Writes, random: SeededRandom): MadeBlock {
  const each = <T>(make: () => T): T[] => writesPerTransaction.map(make);
  return {
    number: BigInt(number),
    hash: random.hash(),
    encodedBlock: new Uint8Array(writesPerTransaction.length * BODY_BYTES),
    transactionHashes: each(() => random.hash()),
    receipts: each(() => new Uint8Array(RECEIPT_BYTES)),
    logs: each(() => []),
    writesPerTransaction,
  };
}

/** Works in a directory of its own, which is gone afterwards. */
export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "mvm-bench-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

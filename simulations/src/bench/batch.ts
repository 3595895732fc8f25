/**
 * Bytes and L1 gas that a posted transaction takes, beside an OP-stack span batch and a Nitro batch of the same blocks
 * (batchPeers.ts). Traffic: batchTraffic.ts, 100 transactions a block, a block every two seconds; the address table is as
 * 100,000 earlier transactions of the same traffic left it (five an account; a week at ten a minute), at most 256 new
 * addresses a block, and goes on growing from block to block of the batch. `freshTableBytesPerTransaction` is what the
 * same batch takes with a table that is empty before its first block. Bytes are those of the data: block contexts, offset tables, dictionaries, frames and
 * segments included, the arguments of the L1 call on neither side.
 *
 * L1 gas is what the receipts of real transactions say (batchNetwork.ts, batchPosting.ts): one batch with its data in
 * calldata, or in a blob (126,976 bytes of data) where it says so or calldata may not hold them; the blob's gas is told
 * apart. The batches are later ones of their slot: whose turn it is was found, and the poster's stake is locked.
 *
 * `small-dacs`: 100 DACs with ten transactions a minute each, a batch per DAC and minute. `ratioToUnshared` compares the
 * L1 gas of all these batches in as few L1 transactions as hold them (16,777,216 gas, 128 KiB; data in calldata or in
 * shared blobs, whichever is cheaper) with each in an L1 transaction of its own (again the cheaper one). Blob gas counts
 * as L1 gas at the same price there, 131,072 a blob, and is told apart too. `firstOfSlot` has the same figures for the
 * first minute of a slot, every lock taken anew; mainnet's slots have six minutes.
 */
import { BATCH_FORMAT, type BatchBlock } from "@mvm/protocol";
import { encoded, onFreshTable, type Prepared, prepare, sizeOf } from "./batchBlocks.ts";
import { type BatchNetwork, startBatchNetwork } from "./batchNetwork.ts";
import { nitroBatchBytes, spanBatchBytes } from "./batchPeers.ts";
import { fitsCalldata, Poster } from "./batchPosting.ts";
import { SMALL_DACS, smallDacs } from "./batchSmallDacs.ts";
import { BATCH_WORKLOADS, type BatchWorkload, Population, Traffic } from "./batchTraffic.ts";
import { type Benchmark, type ResultLine, rounded } from "./benchmark.ts";

const BLOCK_TRANSACTIONS = 100;
const BLOCK_SECONDS = 2n;
const BATCH_SIZES = [10, 100, 1_000] as const;
/** more than a blob holds of any workload */
const MOST_TRANSACTIONS = 2_000;
const RHYTHM = {
  blocks: MOST_TRANSACTIONS / BLOCK_TRANSACTIONS,
  blockTransactions: BLOCK_TRANSACTIONS,
  blockSeconds: BLOCK_SECONDS,
} as const;
const SEQUENCERS = 32;

/** The first so many transactions, in their blocks. */
function firstOf(blocks: readonly BatchBlock[], count: number): BatchBlock[] {
  const taken = blocks.slice(0, Math.ceil(count / BLOCK_TRANSACTIONS));
  return taken.map((block, i) => ({
    ...block,
    transactions: block.transactions.slice(0, count - i * BLOCK_TRANSACTIONS),
  }));
}

/** As many transactions as fill a blob: from a guess by the first 1,000 on, one by one; the size grows with their number. */
function blobCount(blocks: readonly BatchBlock[]): number {
  const bytesOf = (count: number): number => sizeOf(firstOf(blocks, count));
  let count = Math.floor((BATCH_FORMAT.blobBytes * 1_000) / bytesOf(1_000));
  while (bytesOf(count) > BATCH_FORMAT.blobBytes) count--;
  while (bytesOf(count + 1) <= BATCH_FORMAT.blobBytes) count++;
  return count;
}

/** A workload, and a chain on which its batches are posted one after the other. */
type Posted = { readonly workload: BatchWorkload; readonly network: BatchNetwork; readonly poster: Poster };

async function resultOf(
  { workload, network, poster }: Posted,
  batchSize: number | "blob",
  { blocks: all, tables }: Prepared,
): Promise<ResultLine> {
  const transactions = batchSize === "blob" ? blobCount(all) : batchSize;
  const blocks = firstOf(all, transactions);
  const data = encoded({ blocks, tables });
  const opStack = spanBatchBytes(blocks);
  const arbitrum = nitroBatchBytes(blocks);
  const content = { chainId: network.dacs[0]!, data, blocks: blocks.length };
  const inBlob = batchSize === "blob" || !fitsCalldata(data);
  const { gas, blobGas } = inBlob ? await poster.shareBlobs([content]) : await poster.postApart([content]);
  return {
    bench: "batch",
    workload,
    batchSize,
    bytesPerTransaction: rounded(data.length / transactions),
    l1GasPerTransaction: rounded(gas / transactions),
    ratioToOpStack: rounded(data.length / opStack),
    ratioToArbitrum: rounded(data.length / arbitrum),
    ...(inBlob ? { blobGasPerTransaction: rounded(blobGas / transactions) } : {}),
    transactions,
    freshTableBytesPerTransaction: rounded(sizeOf(onFreshTable(blocks)) / transactions),
    opStackBytesPerTransaction: rounded(opStack / transactions),
    arbitrumBytesPerTransaction: rounded(arbitrum / transactions),
  };
}

async function run(report: (line: ResultLine) => void, note: (text: string) => void): Promise<void> {
  note("making 20,000 accounts");
  const people = new Population();
  note(`starting an L1 with ${SMALL_DACS} DACs and ${SEQUENCERS} sequencers`);
  const network = await startBatchNetwork({ dacs: SMALL_DACS, sequencers: SEQUENCERS });
  try {
    const poster = new Poster(network, await network.beginSlot());
    await poster.postApart([{ chainId: network.dacs[0]!, data: Uint8Array.of(1), blocks: 1 }]);
    for (const workload of BATCH_WORKLOADS) {
      note(`${workload}: signing ${MOST_TRANSACTIONS} transactions`);
      const prepared = prepare(new Traffic(workload, people), RHYTHM);
      const posted = { workload, network, poster };
      for (const batchSize of [...BATCH_SIZES, "blob"] as const) report(await resultOf(posted, batchSize, prepared));
    }
    note(`small-dacs: posting batches of ${SMALL_DACS} DACs together and apart`);
    report(await smallDacs(network, people));
  } finally {
    await network.stop();
  }
}

export const batch: Benchmark = {
  name: "batch",
  summary: "bytes and L1 gas of posted transactions, beside an OP-stack span batch and a Nitro batch under brotli 11",
  run,
};

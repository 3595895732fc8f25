/**
 * Bytes and L1 gas that a posted transaction takes, beside an OP-stack span batch and a Nitro batch of the same blocks
 * (batchPeers.ts). Traffic: batchTraffic.ts, 100 transactions a block, a block every two seconds; the address table is as
 * 100,000 earlier transactions of the same traffic left it (five an account; a week at ten a minute), at most 256 new
 * addresses a block, and goes on growing from block to block of the batch. `freshTableBytesPerTransaction` is what the
 * same batch takes with a table that is empty before its first block. Bytes are those of the data: block contexts, offset tables, dictionaries, frames and
 * segments included, the arguments of the L1 call on neither side.
 *
 * L1 gas is that of a transaction with one batch in its calldata: 21,000, and by EIP-7623 the larger one of 10 a token
 * (40 a byte that is not zero) and 4 a token plus execution; execution is what contracts/.gas-snapshot has for an
 * appendBatch without data. In a blob (126,976 bytes of data) it is the same without the data, and the blob's gas apart.
 */
import { readFileSync } from "node:fs";
import {
  type Address,
  BATCH_FORMAT,
  type BatchBlock,
  type DecodedBlock,
  decodeBatch,
  encodeBatch,
  equalBytes,
  keccakHash,
  LIMITS,
  namedAddresses,
  type ResolveAddress,
  toJobId,
  toWord,
} from "@mvm/protocol";
import { nitroBatchBytes, spanBatchBytes } from "./batchPeers.ts";
import { BATCH_WORKLOADS, type BatchWorkload, Population, signed, TRAFFIC_CHAIN_ID, Traffic } from "./batchTraffic.ts";
import { type Benchmark, type ResultLine, rounded } from "./benchmark.ts";

const EARLIER_TRANSACTIONS = 100_000;
const BLOCK_TRANSACTIONS = 100;
const BLOCK_SECONDS = 2n;
const START = 1_800_000_000n;
const PROVIDERS = [17, 1_203] as const;
const BATCH_SIZES = [10, 100, 1_000] as const;
/** more than a blob holds of any workload */
const MOST_TRANSACTIONS = 2_000;
const BLOB_GAS = 131_072;
const TRANSACTION_GAS = 21_000;
const ORIGIN = { chainId: TRAFFIC_CHAIN_ID, generation: 0n } as const;
const SNAPSHOT = new URL("../../../contracts/.gas-snapshot", import.meta.url);

/** The address table as L2 keeps it. */
class AddressTable {
  readonly #places = new Map<Address, number>();
  readonly #list: Address[] = [];

  /** What a block's settle appends: of the first 256 addresses in posted order those that are new. */
  settle(named: Iterable<Address>): void {
    const first = [...new Set(named)].slice(0, LIMITS.seenAddresses);
    for (const address of first.filter((one) => !this.#places.has(one))) {
      this.#places.set(address, this.#list.length);
      this.#list.push(address);
    }
  }

  /** Look-ups in the table as it is now, whatever enters it later. */
  snapshot(): { readonly indexOf: BatchBlock["indexOf"]; readonly at: (index: bigint) => Address | undefined } {
    const size = this.#list.length;
    return {
      indexOf: (address) => {
        const place = this.#places.get(address);
        return place !== undefined && place < size ? place : undefined;
      },
      at: (index) => (index < size ? this.#list[Number(index)] : undefined),
    };
  }
}

function blocksOf(data: Uint8Array, resolve: ResolveAddress = () => undefined): readonly DecodedBlock[] {
  const decoded = decodeBatch(data, resolve);
  if (!decoded.ok) throw new Error(`the batch does not decode: ${decoded.fault}`);
  return decoded.value.blocks;
}

/** The blocks of a batch as the first ones of their chain: the table knows what earlier blocks of the batch posted. */
function onFreshTable(blocks: readonly BatchBlock[]): BatchBlock[] {
  const table = new AddressTable();
  return blocks.map((block) => {
    const { indexOf } = table.snapshot();
    const own = { ...block, indexOf };
    table.settle(namedAddresses(ORIGIN.chainId, block.transactions));
    return own;
  });
}

type Prepared = {
  readonly blocks: readonly BatchBlock[];
  readonly tables: readonly ReturnType<AddressTable["snapshot"]>[];
};

/** Blocks of a workload after the earlier traffic, each with the table as of the end of the block before. */
function prepare(workload: BatchWorkload, people: Population): Prepared {
  const traffic = new Traffic(workload, people);
  const table = new AddressTable();
  let timestamp = START;
  for (let sent = 0; sent < EARLIER_TRANSACTIONS; sent += BLOCK_TRANSACTIONS) {
    const named = Array.from({ length: BLOCK_TRANSACTIONS }, () => traffic.next(timestamp).named);
    table.settle(named.flat());
    timestamp += BLOCK_SECONDS;
  }
  const tables: ReturnType<AddressTable["snapshot"]>[] = [];
  const blocks = Array.from({ length: MOST_TRANSACTIONS / BLOCK_TRANSACTIONS }, (_, i): BatchBlock => {
    const snapshot = table.snapshot();
    tables.push(snapshot);
    const sent = Array.from({ length: BLOCK_TRANSACTIONS }, () => traffic.next(timestamp));
    table.settle(sent.flatMap(({ named }) => named));
    timestamp += BLOCK_SECONDS;
    return {
      timestamp,
      slot: 4_000_000n + BigInt(i >> 4),
      queueItems: i % 8 === 0 ? 1 : 0,
      jobId: toJobId(keccakHash(toWord(BigInt(i)))),
      sequencer: "poster",
      providers: PROVIDERS,
      transactions: sent.map(signed),
      indexOf: snapshot.indexOf,
    };
  });
  return { blocks, tables };
}

/** The first so many transactions, in their blocks. */
function firstOf(blocks: readonly BatchBlock[], count: number): BatchBlock[] {
  const taken = blocks.slice(0, Math.ceil(count / BLOCK_TRANSACTIONS));
  return taken.map((block, i) => ({
    ...block,
    transactions: block.transactions.slice(0, count - i * BLOCK_TRANSACTIONS),
  }));
}

/** The batch's data, once it gave back every transaction. */
function encoded(blocks: readonly BatchBlock[], tables: Prepared["tables"]): Uint8Array {
  const data = encodeBatch({ ...ORIGIN, blocks });
  for (const [i, { transactions }] of blocksOf(data, (block, index) => tables[block]!.at(index)).entries())
    if (!transactions.every((raw, at) => equalBytes(raw, blocks[i]!.transactions[at]!)))
      throw new Error("the batch decodes to something else");
  return data;
}

/** Gas of appending a batch without data, as the snapshot has it. Throws where it has none. */
function appendGas(): number {
  const found = /test_gasOfAppendBatchWithoutData\(\) \(gas: (\d+)\)/.exec(readFileSync(SNAPSHOT, "utf8"));
  if (found === null) throw new Error("no gas of appendBatch in contracts/.gas-snapshot");
  return Number(found[1]);
}

/** L1 gas of a transaction with the data in its calldata (EIP-7623). */
function calldataGas(data: Uint8Array, execution: number): number {
  const tokens = data.reduce((sum, byte) => sum + (byte === 0 ? 1 : 4), 0);
  return TRANSACTION_GAS + Math.max(10 * tokens, 4 * tokens + execution);
}

/** As many transactions as fill a blob: from a guess by the first 1,000 on, one by one; the size grows with their number. */
function blobCount(blocks: readonly BatchBlock[]): number {
  const sizeOf = (count: number): number => encodeBatch({ ...ORIGIN, blocks: firstOf(blocks, count) }).length;
  let count = Math.floor((BATCH_FORMAT.blobBytes * 1_000) / sizeOf(1_000));
  while (sizeOf(count) > BATCH_FORMAT.blobBytes) count--;
  while (sizeOf(count + 1) <= BATCH_FORMAT.blobBytes) count++;
  return count;
}

function resultOf(workload: BatchWorkload, batchSize: number | "blob", { blocks: all, tables }: Prepared): ResultLine {
  const inBlob = batchSize === "blob";
  const transactions = inBlob ? blobCount(all) : batchSize;
  const blocks = firstOf(all, transactions);
  const data = encoded(blocks, tables);
  const opStack = spanBatchBytes(blocks);
  const arbitrum = nitroBatchBytes(blocks);
  const gas = inBlob ? TRANSACTION_GAS + appendGas() : calldataGas(data, appendGas());
  return {
    bench: "batch",
    workload,
    batchSize,
    bytesPerTransaction: rounded(data.length / transactions),
    l1GasPerTransaction: rounded(gas / transactions),
    ratioToOpStack: rounded(data.length / opStack),
    ratioToArbitrum: rounded(data.length / arbitrum),
    ...(inBlob ? { blobGasPerTransaction: rounded(BLOB_GAS / transactions) } : {}),
    transactions,
    freshTableBytesPerTransaction: rounded(
      encodeBatch({ ...ORIGIN, blocks: onFreshTable(blocks) }).length / transactions,
    ),
    opStackBytesPerTransaction: rounded(opStack / transactions),
    arbitrumBytesPerTransaction: rounded(arbitrum / transactions),
  };
}

async function run(report: (line: ResultLine) => void, note: (text: string) => void): Promise<void> {
  note("making 20,000 accounts");
  const people = new Population();
  for (const workload of BATCH_WORKLOADS) {
    note(`${workload}: signing ${MOST_TRANSACTIONS} transactions`);
    const prepared = prepare(workload, people);
    for (const batchSize of [...BATCH_SIZES, "blob"] as const) report(resultOf(workload, batchSize, prepared));
  }
}

export const batch: Benchmark = {
  name: "batch",
  summary: "bytes and L1 gas of posted transactions, beside an OP-stack span batch and a Nitro batch under brotli 11",
  run,
};

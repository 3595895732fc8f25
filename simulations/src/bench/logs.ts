/**
 * What the index of logs saves a gateway or host that is asked for them (eth_getLogs). A database in a directory of its own (LevelDB) with so many blocks, each with a few
 * transfers of tokens.
 *   indexToWalk: median seconds from a query, an account's transfers of one token over all blocks, to the receipts that answer it, by those of one look into the receipts of
 *     all blocks.
 */
import { type Address, encodeReceipt, type Hash, type Log, toWordHex } from "@mvm/protocol";
import { type AdoptedBlock, DacDatabase } from "@mvm/state";
import { decodeRlp } from "ethers";
import { SeededRandom } from "../seededRandom.ts";
import { inDirectory } from "./benchDatabase.ts";
import { median, type ResultLine, rounded } from "./benchmark.ts";

const TOKENS = 20;
const HOLDERS = 1_000;
const TRANSFERS = 4;
const QUERIES = 15;
const WALKS = 1;
/** Blocks that are written at once. */
const CHUNK = 500n;
const TRANSFER = toWordHex(1n);
const ENCODED_BLOCK = new Uint8Array(1_500);

type Wanted = { readonly token: Address; readonly from: Hash };

function* blocksOf(count: bigint, random: SeededRandom, tokens: readonly Address[]): Generator<AdoptedBlock> {
  for (let number = 0n; number < count; number++) {
    const logs = Array.from({ length: TRANSFERS }, (): Log[] => {
      const [from, to] = [1, 2].map(() => toWordHex(BigInt(random.below(HOLDERS))));
      return [{ address: tokens[random.below(TOKENS)]!, topics: [TRANSFER, from!, to!], data: new Uint8Array(32) }];
    });
    yield {
      number,
      hash: random.hash(),
      stateRoot: toWordHex(number),
      encodedBlock: ENCODED_BLOCK,
      transactionHashes: logs.map(() => random.hash()),
      receipts: logs.map((each) => encodeReceipt({ type: 2, status: 1, cumulativeGasUsed: 50_000n, logs: each })),
      logs,
    };
  }
}

/** Whether an encoded receipt has a transfer that is wanted. */
function holds(receipt: Uint8Array, { token, from }: Wanted): boolean {
  const [, , , logs] = decodeRlp(receipt.subarray(1)) as unknown as [0, 0, 0, [string, string[]][]];
  return logs.some(([address, topics]) => address === token && topics[1] === from);
}

async function byIndex(database: DacDatabase, count: bigint, wanted: Wanted): Promise<number> {
  // a topic that all logs have is left open: the index reads a term as a whole, and gives up beyond 100,000 entries
  const topics = [null, [wanted.from]];
  const query = { fromBlock: 0n, toBlock: count, addresses: [wanted.token], topics };
  let found = 0;
  for (const { number, transactionIndex } of await database.findLogs(query))
    if (holds((await database.receipts(number))[transactionIndex]!, wanted)) found += 1;
  return found;
}

async function byWalking(database: DacDatabase, count: bigint, wanted: Wanted): Promise<number> {
  let found = 0;
  for (let number = 0n; number < count; number++)
    for (const receipt of await database.receipts(number)) if (holds(receipt, wanted)) found += 1;
  return found;
}

export async function logsLine(blocks: number): Promise<ResultLine> {
  const random = new SeededRandom("bench logs");
  const count = BigInt(blocks);
  const tokens = Array.from({ length: TOKENS }, () => random.hash().slice(0, 42) as Address);
  return inDirectory(async (directory) => {
    const database = await DacDatabase.open(directory, { mode: "state", keeps: "recent" });
    let chunk: AdoptedBlock[] = [];
    for (const block of blocksOf(count, random, tokens)) {
      chunk.push(block);
      if (BigInt(chunk.length) < CHUNK && block.number + 1n < count) continue;
      await database.take(chunk);
      chunk = [];
    }
    const seconds = { index: [] as number[], walk: [] as number[] };
    for (let i = 0; i < QUERIES; i++) {
      const wanted = { token: tokens[random.below(TOKENS)]!, from: toWordHex(BigInt(random.below(HOLDERS))) };
      const startedAt = performance.now();
      const found = await byIndex(database, count, wanted);
      seconds.index.push(performance.now() - startedAt);
      if (i >= WALKS) continue;
      const walkedAt = performance.now();
      const walked = await byWalking(database, count, wanted);
      seconds.walk.push(performance.now() - walkedAt);
      if (walked !== found) throw new Error(`the index has ${found} of ${walked} transfers`);
    }
    await database.close();
    const [index, walk] = [median(seconds.index), median(seconds.walk)];
    return { bench: "storage", blocks, indexToWalk: rounded(index / walk), indexMs: rounded(index) };
  });
}

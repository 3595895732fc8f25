/** Blocks of the batch benchmark's traffic, and their data as a batch. */
import {
  type Address,
  AddressTable,
  type BatchBlock,
  type DecodedBlock,
  decodeBatch,
  encodeBatch,
  equalBytes,
  keccakHash,
  LIMITS,
  namedAddresses,
  type ResolveAddress,
  toWord,
} from "@mvm/protocol";
import { type Sent, signed, TRAFFIC_CHAIN_ID } from "./batchTraffic.ts";

const EARLIER_TRANSACTIONS = 100_000;
const EARLIER_BLOCK_TRANSACTIONS = 100;
const EARLIER_BLOCK_SECONDS = 2n;
const START = 1_800_000_000n;
const PROVIDERS = [17, 1_203] as const;
const ORIGIN = { chainId: TRAFFIC_CHAIN_ID, generation: 0n } as const;

/** A stream of transactions. */
export type Source = { next(timestamp: bigint): Sent };

/** How a stream is cut into blocks. */
export type Rhythm = {
  readonly blocks: number;
  readonly blockTransactions: number;
  readonly blockSeconds: bigint;
};

/** Look-ups in a table as it is now, whatever enters it later. */
type Snapshot = {
  readonly indexOf: BatchBlock["indexOf"];
  readonly at: (index: bigint) => Address | undefined;
};

function snapshotOf(table: AddressTable): Snapshot {
  const { size } = table;
  return { indexOf: table.lookUp(), at: (index) => (index < size ? table.at(index) : undefined) };
}

/** What a block's settle hands to the table of the addresses that its transactions name. */
const settle = (table: AddressTable, named: readonly Address[]): void =>
  table.enter([...new Set(named)].slice(0, LIMITS.seenAddresses));

function blocksOf(data: Uint8Array, resolve: ResolveAddress = () => undefined): readonly DecodedBlock[] {
  const decoded = decodeBatch(data, resolve);
  if (!decoded.ok) throw new Error(`the batch does not decode: ${decoded.fault}`);
  return decoded.value.blocks;
}

/** The blocks of a batch as the first ones of their chain: the table knows what earlier blocks of the batch posted. */
export function onFreshTable(blocks: readonly BatchBlock[]): BatchBlock[] {
  const table = new AddressTable();
  return blocks.map((block) => {
    const own = { ...block, indexOf: table.lookUp() };
    settle(table, namedAddresses(ORIGIN.chainId, block.transactions));
    return own;
  });
}

/** Blocks, and the table that each was made with. */
export type Prepared = {
  readonly blocks: readonly BatchBlock[];
  readonly tables: readonly Snapshot[];
};

/** Blocks of a stream after the earlier traffic, each with the table as of the end of the block before. */
export function prepare(source: Source, { blocks: count, blockTransactions, blockSeconds }: Rhythm): Prepared {
  const table = new AddressTable();
  let timestamp = START;
  for (let sent = 0; sent < EARLIER_TRANSACTIONS; sent += EARLIER_BLOCK_TRANSACTIONS) {
    const named = Array.from({ length: EARLIER_BLOCK_TRANSACTIONS }, () => source.next(timestamp).named);
    settle(table, named.flat());
    timestamp += EARLIER_BLOCK_SECONDS;
  }
  const tables: Snapshot[] = [];
  const blocks = Array.from({ length: count }, (_, i): BatchBlock => {
    const snapshot = snapshotOf(table);
    tables.push(snapshot);
    const sent = Array.from({ length: blockTransactions }, () => source.next(timestamp));
    settle(
      table,
      sent.flatMap(({ named }) => named),
    );
    timestamp += blockSeconds;
    return {
      timestamp,
      slot: 4_000_000n + BigInt(i >> 4),
      queueItems: i % 8 === 0 ? 1 : 0,
      randomness: keccakHash(toWord(BigInt(i))),
      evidence: keccakHash(toWord(2n ** 32n + BigInt(i))),
      sequencer: "poster",
      work: { attempt: 0, seats: PROVIDERS },
      transactions: sent.map(signed),
      indexOf: snapshot.indexOf,
    };
  });
  return { blocks, tables };
}

/** Bytes of a batch's data. */
export const sizeOf = (blocks: readonly BatchBlock[]): number => encodeBatch({ ...ORIGIN, blocks }).length;

/** A batch's data, once they gave back every transaction. */
export function encoded({ blocks, tables }: Prepared): Uint8Array {
  const data = encodeBatch({ ...ORIGIN, blocks });
  for (const [i, { transactions }] of blocksOf(data, (block, index) => tables[block]!.at(index)).entries())
    if (!transactions.every((raw, at) => equalBytes(raw, blocks[i]!.transactions[at]!)))
      throw new Error("the batch decodes to something else");
  return data;
}

/** What a batch is made of: as many blocks as fit, written with the address table as the DAC's hosts prove it. */
import {
  type Address,
  AddressTable,
  type DataPlace,
  encodeBlocks,
  type Hash,
  LIMITS,
  namedAddresses,
  PREDEPLOYS,
  postedTransactions,
  type SealedBlock,
  TABLE_SIZE_SLOT,
  tableSlot,
} from "@mvm/protocol";
import type { L1View } from "@mvm/roles";
import type { ProvenReader } from "@mvm/state";
import type { Chain } from "./chain.ts";
import type { HostClient } from "./hostClient.ts";
import type { DraftBatch, Log, SignedBatch } from "./ports.ts";
import { reasonOf } from "./reason.ts";

/** Has a batch signed whose data are at a place. */
export function signedAt({ claims, sign, ...rest }: DraftBatch, place: DataPlace): SignedBatch {
  const header = { ...claims, ...place };
  return { ...rest, header, signature: sign(header) };
}

/** Bytes that a posted transaction takes at the least: it may be posted as it is, with a signature of few bytes. */
const LEAST_ROW_BYTES = 40;
/** Bytes that a block takes at the least beside its transactions: its randomness, and the hash of its evidence. */
const LEAST_CONTEXT_BYTES = 64;
/** Addresses that are looked up at once; below the reads that ProvenReader has under way at the most. */
const LOOKED_UP_TOGETHER = 2_048;

type Sources = {
  readonly chain: Chain;
  readonly hosts: HostClient;
  readonly view: L1View;
  readonly poster: Address;
  readonly signal: AbortSignal;
  readonly log: Log;
};

/** Which blocks may be in a batch. */
type Reach = {
  readonly to: bigint;
  readonly slot: bigint;
  /** timestamp of the last, seconds */
  readonly latest: bigint;
};

/** Numbers of addresses in a DAC's table, and how many it has. */
type Entries = { readonly size: number; readonly known: readonly (readonly [Address, number])[] };

/**
 * The first of a chain's blocks from `from` to `to` that fit one batch and are not ahead of L1, its data, at most LIMITS.batchBytes, and the randomness
 * of the posting slot on the L1 that they rest on: a signature over it is good there alone. Where no host proves the table, every
 * address is written out: what was signed must get to L1 without them too.
 * @throws CodecError where a block cannot be posted; RangeError where the first of them is not there or has to wait for L1's clock, or
 * where L1 changes meanwhile
 */
export async function makeBatch(
  sources: Sources,
  { from, ...reach }: Reach & { readonly from: bigint },
): Promise<{ readonly blocks: readonly SealedBlock[]; readonly data: Uint8Array; readonly randomness: Hash }> {
  const { chain, hosts, view, poster, signal, log } = sources;
  const { slot, latest } = reach;
  const randomness = view.valuesOf(slot)?.randomness;
  const holds = (): boolean => chain.agreesWithL1 && view.valuesOf(slot)?.randomness === randomness;
  if (randomness === undefined || !holds())
    throw new RangeError("L1 changed below the chain: its blocks are taken back first");
  const before = chain.block(from - 1n);
  const blocks = blocksInReach(chain, from, reach);
  const next = chain.block(from);
  if (next !== null && next.header.timestamp > latest)
    throw new RangeError(`block ${from} is of ${next.header.timestamp}, too far ahead of L1: ${latest} may be posted`);
  if (before === null || blocks.length === 0) throw new RangeError(`block ${from} is not there to be posted`);
  const { stateRoot } = before.header;
  const entries = await entriesOf(hosts.readerAt(chain, { stateRoot, number: from }, signal), blocks).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      log("warn", "address-table-not-read", { chainId: chain.chainId, reason: reasonOf(error) });
      return undefined;
    },
  );
  const last = blocks.at(-1)!;
  const isTheChains = chain.block(last.header.number)?.signature === last.signature;
  if (!holds() || !isTheChains) throw new RangeError("the chain or L1 changed while the batch was made");
  const encode = (count: number): Uint8Array =>
    encodeBlocks(blocks.slice(0, count), {
      poster,
      queueEnd: before.context.queueEnd,
      table: entries && new AddressTable(entries.size, entries.known),
    });
  let data = encode(blocks.length);
  let fitting = blocks.length;
  if (data.length > LIMITS.batchBytes) {
    fitting = 0;
    for (let beyond = blocks.length; beyond - fitting > 1; ) {
      const middle = (fitting + beyond) >>> 1;
      const tried = encode(middle);
      if (tried.length > LIMITS.batchBytes) beyond = middle;
      else {
        fitting = middle;
        data = tried;
      }
    }
  }
  if (fitting === 0) throw new RangeError(`block ${from} is too large for a batch`);
  return { blocks: blocks.slice(0, fitting), data, randomness };
}

/**
 * Blocks of which surely not more fit a batch, up to one of a later slot than the batch's, where L1 went back a little, or of a time that L1
 * would not take.
 */
function blocksInReach(chain: Chain, from: bigint, { to, slot, latest }: Reach): readonly SealedBlock[] {
  const blocks: SealedBlock[] = [];
  let leastBytes = 0;
  for (let number = from; number <= to && blocks.length < LIMITS.batchBlocks; number++) {
    const block = chain.block(number);
    if (block === null || block.context.slot > slot || block.header.timestamp > latest) break;
    leastBytes += LEAST_CONTEXT_BYTES + LEAST_ROW_BYTES * postedTransactions(block).length;
    if (leastBytes > LIMITS.batchBytes && blocks.length > 0) break;
    blocks.push(block);
  }
  return blocks;
}

/** What the table has of all addresses that the blocks name, at the reader's state. */
async function entriesOf(reader: ProvenReader, blocks: readonly SealedBlock[]): Promise<Entries> {
  const named = new Set<Address>();
  for (const block of blocks) {
    const all = namedAddresses(block.chainId, postedTransactions(block), Number.POSITIVE_INFINITY);
    for (const address of all) named.add(address);
  }
  const size = Number(await reader.slot(PREDEPLOYS.addressTable, TABLE_SIZE_SLOT));
  const known: (readonly [Address, number])[] = [];
  const addresses = [...named];
  for (let at = 0; at < addresses.length && size > 0; at += LOOKED_UP_TOGETHER) {
    const part = addresses.slice(at, at + LOOKED_UP_TOGETHER);
    const values = await Promise.all(part.map((address) => reader.slot(PREDEPLOYS.addressTable, tableSlot(address))));
    for (const [i, value] of values.entries()) if (value > 0n) known.push([part[i]!, Number(value) - 1]);
  }
  return { size, known };
}

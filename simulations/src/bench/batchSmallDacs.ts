/** Batches of many small DACs, carried together and apart. */
import type { ChainId } from "@mvm/protocol";
import { encoded, type Prepared, prepare, type Source } from "./batchBlocks.ts";
import type { BatchNetwork } from "./batchNetwork.ts";
import { type Content, type L1Gas, Poster } from "./batchPosting.ts";
import { type Population, Traffic } from "./batchTraffic.ts";
import { type ResultLine, rounded } from "./benchmark.ts";

export const SMALL_DACS = 100;
/** a block each, six seconds apart: of ten senders in a minute hardly two meet within a tick */
const MINUTE = { blocks: 10, blockTransactions: 1, blockSeconds: 6n } as const;

/** Plain and ERC-20 transfers in turn. */
function mixed(people: Population): Source {
  const streams = [new Traffic("plain", people), new Traffic("erc20", people)];
  let sent = 0;
  return { next: (timestamp) => streams[sent++ % streams.length]!.next(timestamp) };
}

/** One minute of each DAC. All had the same earlier traffic, and each goes on with ten transactions of its own. */
function contentsOf(dacs: readonly ChainId[], people: Population): readonly Content[] {
  const { blocks } = MINUTE;
  const all = prepare(mixed(people), { ...MINUTE, blocks: blocks * dacs.length });
  return dacs.map((chainId, i) => {
    const [from, to] = [i * blocks, (i + 1) * blocks];
    // the table as it was before the first of them all, in which what the others sent is not
    const table = all.tables[0]!;
    const minute = all.blocks.slice(from, to).map((block) => ({ ...block, indexOf: table.indexOf }));
    const own: Prepared = { blocks: minute, tables: minute.map(() => table) };
    return { chainId, data: encoded(own), blocks };
  });
}

const gasOf = ({ gas, blobGas }: L1Gas): number => gas + blobGas;
const cheaper = <T extends L1Gas>(left: T, right: T): T => (gasOf(left) <= gasOf(right) ? left : right);

/** Figures of batches that shared transactions, and of the same batches apart. */
type Compared = { readonly shared: L1Gas; readonly apart: L1Gas };

/**
 * A round of a slot after its first: whose turn it is was found, locks stand. The DAC with the most data stands for all
 * where it comes to a blob of its own, the bulk of whose gas is the same for any.
 */
async function laterRounds(poster: Poster, contents: readonly Content[]): Promise<Compared> {
  const shared = cheaper(await poster.shareCalldata(contents), await poster.shareBlobs(contents));
  const apart = await poster.postApart(contents);
  const largest = contents.reduce((most, content) => (content.data.length > most.data.length ? content : most));
  const [calldata, blob] = [await poster.postApart([largest]), await poster.shareBlobs([largest])];
  if (gasOf(blob) < gasOf(calldata)) throw new Error("a blob of its own is cheaper for some DAC: measure all of them");
  return { shared, apart };
}

/** A batch per DAC and minute in steady state; one round before consumes the deposits and fills what is empty. */
export async function smallDacs(network: BatchNetwork, people: Population): Promise<ResultLine> {
  const contents = contentsOf(network.dacs, people);
  await new Poster(network, await network.beginSlot()).shareCalldata(contents);
  const poster = new Poster(network, await network.beginSlot());
  const firstShared = await poster.shareBlobs(contents);
  const { shared, apart } = await laterRounds(poster, contents);
  const firstApart = await new Poster(network, await network.beginSlot()).postApart(contents);
  const transactions = contents.length * MINUTE.blocks * MINUTE.blockTransactions;
  const bytes = contents.reduce((sum, { data }) => sum + data.length, 0);
  const each = (figure: number): number => rounded(figure / transactions);
  const compared = (together: L1Gas, alone: L1Gas) => ({
    ratioToUnshared: rounded(gasOf(together) / gasOf(alone)),
    l1GasPerTransaction: each(gasOf(together)),
    blobGasPerTransaction: each(together.blobGas),
    unsharedL1GasPerTransaction: each(gasOf(alone)),
  });
  return {
    bench: "batch",
    workload: "small-dacs",
    dacs: contents.length,
    sequencers: network.sequencers.size,
    transactions,
    bytesPerTransaction: each(bytes),
    ...compared(shared, apart),
    l1Transactions: shared.transactions,
    unsharedL1Transactions: apart.transactions,
    firstOfSlot: compared(firstShared, firstApart),
  };
}

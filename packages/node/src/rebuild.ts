/** Rebuilds a DAC's state from L1 data alone: its registration, its queue, its batches (invariant I9). */
import { createEngine, type Engine, OverlayReader } from "@mvm/evm";
import { createL1Provider, L1Follower, type L1Event as ObservedL1Event } from "@mvm/l1";
import {
  type BatchHeader,
  type BlockEnvironment,
  type BlockOutcome,
  type ChainId,
  CodecError,
  decodeBatchData,
  decodeTransaction,
  encodeSystemTransaction,
  environmentOf,
  genesisWrites,
  type Hash,
  type Header,
  hashHeader,
  keccakHash,
  merkleRoot,
  nextBaseFee,
  type Outcome,
  type Parameters,
  type PostedBlock,
  PREDEPLOYS,
  PROFILES,
  prevRandaoOf,
  type SystemTransaction,
  type Transaction,
  TransactionError,
  toMessage,
} from "@mvm/protocol";
import {
  blockFault,
  closingTransaction,
  type Dac,
  L1View,
  openingTransactions,
  type Parent,
  parentOf,
} from "@mvm/roles";
import { DacDatabase, MemoryStore } from "@mvm/state";
import { blockRoots } from "./blockRoots.ts";
import { genesisBlock } from "./genesis.ts";
import { loadNetworkFile } from "./initNode.ts";
import { toL1Block, toRoleEvent } from "./l1Events.ts";

/** What L1 holds cannot be followed: the batch is wrong. */
export class RebuildError extends Error {
  readonly code: "unknown-dac" | "wrong-batch" | "data-unavailable" | "l1-changed";
  constructor(code: RebuildError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "RebuildError";
    this.code = code;
  }
}

type Batch = { readonly header: BatchHeader; readonly data: Uint8Array };

/** A chain that is being rebuilt: its state in memory, its last block. */
export class Rebuild {
  readonly #engine: Engine;
  readonly #database: DacDatabase;
  readonly #dac: Dac;
  readonly #view: L1View;
  readonly #parameters: Parameters;
  #parent: Parent;
  #transactions = 0;

  private constructor(options: {
    engine: Engine;
    database: DacDatabase;
    dac: Dac;
    view: L1View;
    parameters: Parameters;
  }) {
    this.#parameters = options.parameters;
    this.#engine = options.engine;
    this.#database = options.database;
    this.#dac = options.dac;
    this.#view = options.view;
    this.#parent = parentOf(genesisBlock(options.dac));
  }

  static async start(dac: Dac, view: L1View, parameters: Parameters): Promise<Rebuild> {
    const database = await DacDatabase.openOn(new MemoryStore(), { mode: "state" });
    await database.initialise({
      hash: hashHeader(genesisBlock(dac).header),
      encodedBlock: new Uint8Array(0),
      alloc: genesisWrites(),
    });
    return new Rebuild({ engine: await createEngine(), database, dac, view, parameters });
  }

  get head(): Parent {
    return this.#parent;
  }

  get transactions(): number {
    return this.#transactions;
  }

  /** Executes a batch's blocks and compares them with what the batch commits to. Throws RebuildError. */
  async batch({ header, data }: Batch): Promise<void> {
    const { chainId, generation, blocks } = this.#decoded(() => decodeBatchData(data));
    const count = header.lastBlock - header.firstBlock + 1n;
    if (chainId !== header.chainId || generation !== header.generation || BigInt(blocks.length) !== count) {
      throw new RebuildError(
        "wrong-batch",
        `the data of batch ${header.index} of ${this.#dac.label} are not what its header says`,
      );
    }
    const hashes: Hash[] = [];
    for (const block of blocks) {
      await this.#block(block);
      hashes.push(this.#parent.hash);
    }
    if (merkleRoot(hashes) !== header.blocksRoot) {
      throw new RebuildError(
        "wrong-batch",
        `batch ${header.index} of ${this.#dac.label} does not follow from its data: its commitment is wrong`,
      );
    }
  }

  /** What a decoder gives; RebuildError where the data are malformed. */
  #decoded<T>(decode: () => T): T {
    try {
      return decode();
    } catch (cause) {
      if (!(cause instanceof CodecError || cause instanceof TransactionError)) throw cause;
      throw new RebuildError("wrong-batch", `a batch of ${this.#dac.label} is malformed: ${cause.message}`, cause);
    }
  }

  async #block(posted: PostedBlock): Promise<void> {
    const parent = this.#parent;
    const { context, timestamp } = posted;
    const { chainId } = this.#dac;
    const number = parent.header.number + 1n;
    const baseFeePerGas = nextBaseFee({ baseFeePerGas: parent.header.baseFeePerGas, gasUsed: parent.header.gasUsed });
    const prevRandao = prevRandaoOf(context.jobId);
    const environment = environmentOf({ timestamp, baseFeePerGas, prevRandao });
    const { opening, settle } = this.#systemTransactions(number, posted);
    const transactions = this.#decoded(() => posted.transactions.map((raw) => decodeTransaction(raw, chainId)));
    const outcomes = await this.#outcomes(environment, { number, opening, transactions, settle, context });
    const encoded = (transaction: SystemTransaction): Uint8Array => encodeSystemTransaction(chainId, transaction);
    const raws = [...opening.map(encoded), ...posted.transactions, encoded(settle)];
    await this.#append(
      { parentHash: parent.hash, number, timestamp, prevRandao, baseFeePerGas },
      { context, raws, outcomes },
    );
    this.#transactions += raws.length;
  }

  /** What the block executes beside the posted transactions: it follows from L1 and from who is paid. */
  #systemTransactions(
    number: bigint,
    { context, transactions, paid }: PostedBlock,
  ): { readonly opening: readonly SystemTransaction[]; readonly settle: SystemTransaction } {
    const { chainId, founding } = this.#dac;
    const { queueEnd } = this.#parent.context;
    const taken = Number(context.queueEnd - queueEnd);
    const queueItems = this.#view.queueItems(chainId, queueEnd, context.slot).slice(0, taken);
    const [sequencer, ...providers] = paid;
    if (sequencer === undefined)
      throw new RebuildError("wrong-batch", `block ${number} of ${this.#dac.label} pays no sequencer`);
    const place = { number, generation: 0n, context, founding, queueItems };
    const openingCount = openingTransactions({ ...place, transactionCount: 0 }).length;
    const transactionCount = openingCount + transactions.length + 1;
    const settle = closingTransaction(number, context.l1BaseFee, {
      paid: [sequencer, ...providers],
      seen: [],
      transactions,
    });
    return { opening: openingTransactions({ ...place, transactionCount }), settle };
  }

  async #outcomes(
    environment: BlockEnvironment,
    block: {
      readonly number: bigint;
      readonly opening: readonly SystemTransaction[];
      readonly transactions: readonly Transaction[];
      readonly settle: SystemTransaction;
      readonly context: PostedBlock["context"];
    },
  ): Promise<readonly BlockOutcome[]> {
    const { number, opening, transactions, settle, context } = block;
    const reader = new OverlayReader(
      this.#database.stateAt(this.#parent.header.stateRoot, {
        number: () => number,
        chainId: () => this.#dac.chainId,
        blockHash: (asked) => this.#database.hashOf(asked) ?? (`0x${"00".repeat(32)}` as Hash),
      }),
    );
    const outcomes: BlockOutcome[] = [];
    const take = (outcome: Outcome): void => {
      if (outcome.kind === "invalid")
        throw new RebuildError("wrong-batch", `block ${number} holds a transaction that is invalid: ${outcome.reason}`);
      reader.apply(outcome.writes);
      outcomes.push(outcome);
    };
    for (const transaction of opening) take(await this.#engine.executeSystem(environment, transaction, reader));
    const messages = transactions.map((transaction) => toMessage(transaction, context.l1BaseFee));
    for (const outcome of await this.#engine.execute(environment, messages, reader)) take(outcome);
    take(await this.#engine.executeSystem(environment, settle, reader));
    return outcomes;
  }

  async #append(
    fixed: Pick<Header, "parentHash" | "number" | "timestamp" | "prevRandao" | "baseFeePerGas">,
    block: { context: PostedBlock["context"]; raws: readonly Uint8Array[]; outcomes: readonly BlockOutcome[] },
  ): Promise<void> {
    const { context, raws, outcomes } = block;
    const prepared = this.#database.prepare(outcomes.map(({ writes }) => writes));
    const withdrawalsRoot = prepared.storageRootOf(PREDEPLOYS.l2ToL1)!;
    const roots = blockRoots(raws, outcomes, { stateRoots: prepared.rootsAfterEach, withdrawalsRoot });
    const header: Header = { ...fixed, ...roots };
    const unsigned = {
      chainId: this.#dac.chainId,
      generation: 0n,
      header,
      context,
      transactions: raws,
      outcomes,
      seats: [],
    };
    const rules = { view: this.#view, parameters: this.#parameters };
    const fault = blockFault(rules, this.#parent, unsigned, Number.MAX_SAFE_INTEGER);
    if (fault !== null) throw new RebuildError("wrong-batch", `block ${header.number}: ${fault}`);
    const hash = hashHeader(header);
    const record = {
      number: header.number,
      hash,
      encodedBlock: new Uint8Array(0),
      transactionHashes: raws.map(keccakHash),
    };
    await prepared.commit({ ...record, receipts: raws.map(() => new Uint8Array(0)), logs: raws.map(() => []) });
    this.#parent = parentOf(unsigned);
  }
}

export type RebuildOptions = { readonly label: string; readonly networkFile: string; readonly l1Url: string };

export type Rebuilt = {
  readonly label: string;
  readonly chainId: string;
  readonly blocks: number;
  readonly transactions: number;
  readonly batches: number;
  readonly blockHash: Hash;
  readonly stateRoot: Hash;
};

/** Reads all of L1 up to its present head and rebuilds the DAC. Throws RebuildError, ConfigError, L1Error. */
export async function rebuildFromL1({ label, networkFile, l1Url }: RebuildOptions): Promise<Rebuilt> {
  const network = await loadNetworkFile(networkFile);
  const parameters = PROFILES[network.profile];
  const view = new L1View(parameters);
  const batches: Batch[] = [];
  const missing: { readonly chainId: ChainId; readonly index: bigint; readonly reason: string }[] = [];
  const transport = createL1Provider(l1Url, BigInt(network.l1ChainId));
  const done = new AbortController();
  let block: (ObservedL1Event & { type: "block" }) | undefined;
  try {
    const head = BigInt((await transport.send("eth_blockNumber", [])) as string);
    const onEvent = (event: ObservedL1Event): void => {
      if (event.type === "block") {
        block = event;
        if (event.number > head) done.abort();
        return;
      }
      if (event.type === "block-end" && !done.signal.aborted) view.apply(toL1Block(block!));
      if (event.type === "l1-unreachable") throw event.error;
      if (event.type === "reorg") throw new RebuildError("l1-changed", "L1 took blocks back meanwhile: begin again");
      if (event.type === "error" && event.code === "batch-data-unavailable") missing.push(event);
      if (event.type === "block-end" || event.type === "error" || event.type === "l1-reachable" || done.signal.aborted)
        return;
      const translated = toRoleEvent(event, block!.timestamp, network.contracts.bridge);
      if (translated !== null) view.apply(translated);
      if (event.type === "batch-appended" && event.data !== undefined)
        batches.push({ header: event.header, data: event.data });
    };
    const follower = new L1Follower({
      transport,
      addresses: network.contracts,
      fromBlock: BigInt(network.deployedAtBlock),
      dataOf: () => true,
      onEvent,
    });
    await follower.run(done.signal);
  } finally {
    transport.destroy();
  }
  const dac = view.dacs().find((candidate) => candidate.label === label);
  if (dac === undefined) throw new RebuildError("unknown-dac", `no DAC has the label ${label} on this network`);
  const lost = missing.find(({ chainId }) => chainId === dac.chainId);
  if (lost !== undefined)
    throw new RebuildError(
      "data-unavailable",
      `the data of batch ${lost.index} of ${label} cannot be read from L1: ${lost.reason}`,
    );
  const own = batches.filter(({ header }) => header.chainId === dac.chainId);
  const rebuild = await Rebuild.start(dac, view, parameters);
  for (const batch of own) await rebuild.batch(batch);
  const { head } = rebuild;
  return {
    label,
    chainId: String(dac.chainId),
    blocks: Number(head.header.number),
    transactions: rebuild.transactions,
    batches: own.length,
    blockHash: head.hash,
    stateRoot: head.header.stateRoot,
  };
}

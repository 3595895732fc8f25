/** Rebuilds a DAC's state from L1 data alone: its registration, its queue, its batches (invariant I9). */
import { createEngine, type Engine, OverlayReader } from "@mvm/evm";
import {
  type Address,
  AddressTable,
  type BatchHeader,
  type BlockContext,
  type BlockEnvironment,
  type BlockOutcome,
  type DecodedBlock,
  decodeBatch,
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
  PREDEPLOYS,
  prevRandaoOf,
  type SealedBlock,
  type SystemTransaction,
  TABLE_SIZE_SLOT,
  type Transaction,
  TransactionError,
  toMessage,
  transactionsLeaf,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import {
  blockFault,
  closingTransaction,
  type Dac,
  type L1View,
  openingTransactions,
  type Parent,
  parentOf,
} from "@mvm/roles";
import { DacDatabase, MemoryStore, WorldState } from "@mvm/state";
import { blockRoots } from "./blockRoots.ts";
import { genesisBlock } from "./genesis.ts";
import type { ReplaySource } from "./proving/blockReplay.ts";

/** What L1 holds cannot be followed: the batch is wrong. */
export class RebuildError extends Error {
  readonly code: "unknown-dac" | "wrong-batch" | "data-unavailable" | "l1-changed";
  constructor(code: RebuildError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "RebuildError";
    this.code = code;
  }
}

export type Batch = { readonly header: BatchHeader; readonly data: Uint8Array };

/** A place that a chain was at. */
export type RebuildMark = { readonly parent: Parent; readonly tableSize: number; readonly transactions: number };

/** A block as it is posted, with what follows from L1. */
type PostedBlock = {
  readonly generation: bigint;
  readonly timestamp: bigint;
  readonly context: BlockContext;
  /** sequencer, then providers */
  readonly paid: readonly [Address, ...Address[]];
  readonly transactions: readonly Uint8Array[];
};

/** A chain that is being rebuilt, of batches that stand: its state in memory, its last block. */
export class Rebuild {
  readonly #engine: Engine;
  readonly #database: DacDatabase;
  readonly #dac: Dac;
  readonly #view: L1View;
  readonly #parameters: Parameters;
  readonly #table = new AddressTable();
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

  /** What blocks upon the chain's head, or upon one before it, are replayed from. */
  get source(): ReplaySource {
    return {
      nodes: this.#database.nodes,
      code: (hash) => this.#database.code(hash),
      blockHash: (number) => this.#database.hashOf(number) ?? ZERO_HASH,
    };
  }

  /** Hash of a block; undefined above the head. */
  hashOf(number: bigint): Hash | undefined {
    return this.#database.hashOf(number) ?? undefined;
  }

  /** Where the chain is now, to return to. */
  get mark(): RebuildMark {
    return { parent: this.#parent, tableSize: this.#table.size, transactions: this.#transactions };
  }

  /** Takes back all blocks after a mark of this chain. Throws StateError for a mark above the head. */
  async returnTo({ parent, tableSize, transactions }: RebuildMark): Promise<void> {
    await this.#database.rollbackTo(parent.header.number);
    this.#table.cut(tableSize);
    this.#parent = parent;
    this.#transactions = transactions;
  }

  /**
   * Executes a batch's blocks, compares them with what the batch commits to, and gives them. Where it is wrong, the head is the last
   * block that its data lead to. Throws RebuildError.
   */
  async batch({ header, data }: Batch): Promise<readonly Pick<SealedBlock, "header" | "transactions">[]> {
    let firstUnresolved = Number.POSITIVE_INFINITY;
    const decoded = decodeBatch(
      data,
      (block, index) => {
        const address = this.#table.at(index);
        if (address === undefined) firstUnresolved = Math.min(firstUnresolved, block);
        return address ?? ZERO_ADDRESS;
      },
      (_, named) => this.#table.enter(named),
    );
    const malformed = (fault: string): RebuildError =>
      this.#wrong(`batch ${header.index} of ${this.#dac.label} is malformed: ${fault}`);
    if (!decoded.ok) throw malformed(decoded.fault);
    const { chainId, generation, blocks } = decoded.value;
    const count = header.lastBlock - header.firstBlock + 1n;
    if (chainId !== header.chainId || generation !== header.generation || BigInt(blocks.length) !== count)
      throw this.#wrong(`the data of batch ${header.index} of ${this.#dac.label} are not what its header says`);
    const made: Pick<SealedBlock, "header" | "transactions">[] = [];
    const hashes: Hash[] = [];
    for (const [position, block] of blocks.entries()) {
      if (position === firstUnresolved) throw malformed("unresolved");
      const transactions = await this.#block(this.#posted(header, block));
      made.push({ header: this.#parent.header, transactions });
      hashes.push(this.#parent.hash);
    }
    const { queueEnd } = this.#parent.context;
    const isOwn =
      merkleRoot(hashes) === header.blocksRoot && merkleRoot(made.map(transactionsLeaf)) === header.transactionsRoot;
    if (!isOwn || queueEnd !== header.queueEnd)
      throw this.#wrong(
        `batch ${header.index} of ${this.#dac.label} does not follow from its data: its commitment is wrong`,
      );
    return made;
  }

  /** Address with a number in the table as a state has it; undefined where that has none. Throws StateError for a state that is not here. */
  addressAt(stateRoot: Hash, index: bigint): Address | undefined {
    const size = new WorldState(this.#database.nodes, stateRoot).slot(PREDEPLOYS.addressTable, TABLE_SIZE_SLOT);
    return index < size ? this.#table.at(index) : undefined;
  }

  #wrong(message: string, cause?: unknown): RebuildError {
    return new RebuildError("wrong-batch", message, cause);
  }

  /** What is posted of a block, with what follows from L1. Throws RebuildError where L1 knows no such slot or provider. */
  #posted(header: BatchHeader, { slot, jobId, timestamp, queueItems, ...block }: DecodedBlock): PostedBlock {
    const { context: before, header: parent } = this.#parent;
    const place = `block ${parent.number + 1n} of ${this.#dac.label}`;
    const values = this.#view.valuesOf(slot);
    if (values === undefined) throw this.#wrong(`${place} is of slot ${slot}, whose L1 values are not known`);
    if (slot > header.slot) throw this.#wrong(`${place} is of slot ${slot}, after its batch's`);
    const { l1Block, l1BaseFee } = values;
    const providers = block.providers.map((index) => {
      const operator = this.#view.provider(index);
      if (operator === undefined) throw this.#wrong(`${place} pays provider ${index}, whom L1 does not know`);
      return operator;
    });
    const sequencer = block.sequencer === "poster" ? header.poster : block.sequencer;
    return {
      generation: header.generation,
      timestamp,
      context: { slot, l1Block, l1BaseFee, queueEnd: before.queueEnd + BigInt(queueItems), jobId },
      paid: [sequencer, ...providers],
      transactions: block.transactions,
    };
  }

  /** Executes a block; gives all its transactions. */
  async #block(posted: PostedBlock): Promise<readonly Uint8Array[]> {
    const parent = this.#parent;
    const { generation, context, timestamp } = posted;
    const { chainId } = this.#dac;
    const number = parent.header.number + 1n;
    const baseFeePerGas = nextBaseFee({ baseFeePerGas: parent.header.baseFeePerGas, gasUsed: parent.header.gasUsed });
    const prevRandao = prevRandaoOf(context.jobId);
    const environment = environmentOf({ timestamp, baseFeePerGas, prevRandao });
    const { opening, settle } = this.#systemTransactions(number, posted);
    const transactions = posted.transactions.map((raw) => this.#decoded(raw));
    const outcomes = await this.#outcomes(environment, { number, opening, transactions, settle, context });
    const encoded = (transaction: SystemTransaction): Uint8Array => encodeSystemTransaction(chainId, transaction);
    const raws = [...opening.map(encoded), ...posted.transactions, encoded(settle)];
    await this.#append(
      { parentHash: parent.hash, number, timestamp, prevRandao, baseFeePerGas },
      { generation, context, raws, outcomes },
    );
    this.#transactions += raws.length;
    return raws;
  }

  #decoded(raw: Uint8Array): Transaction {
    try {
      return decodeTransaction(raw, this.#dac.chainId);
    } catch (cause) {
      if (!(cause instanceof TransactionError)) throw cause;
      throw this.#wrong(`a batch of ${this.#dac.label} holds no transaction: ${cause.message}`, cause);
    }
  }

  /** What the block executes beside the posted transactions: it follows from L1 and from who is paid. */
  #systemTransactions(
    number: bigint,
    { generation, context, transactions, paid }: PostedBlock,
  ): { readonly opening: readonly SystemTransaction[]; readonly settle: SystemTransaction } {
    const { chainId, founding } = this.#dac;
    const { queueEnd } = this.#parent.context;
    const taken = Number(context.queueEnd - queueEnd);
    const queueItems = this.#view.queueItems(chainId, queueEnd, context.slot).slice(0, taken);
    const place = { number, generation, context, founding, queueItems };
    const openingCount = openingTransactions({ ...place, transactionCount: 0 }).length;
    const transactionCount = openingCount + transactions.length + 1;
    const { l1BaseFee } = context;
    const settle = closingTransaction(chainId, { number, l1BaseFee }, { paid, transactions });
    return { opening: openingTransactions({ ...place, transactionCount }), settle };
  }

  async #outcomes(
    environment: BlockEnvironment,
    block: {
      readonly number: bigint;
      readonly opening: readonly SystemTransaction[];
      readonly transactions: readonly Transaction[];
      readonly settle: SystemTransaction;
      readonly context: BlockContext;
    },
  ): Promise<readonly BlockOutcome[]> {
    const { number, opening, transactions, settle, context } = block;
    const reader = new OverlayReader(
      this.#database.stateAt(this.#parent.header.stateRoot, {
        number: () => number,
        chainId: () => this.#dac.chainId,
        blockHash: (asked) => this.#database.hashOf(asked) ?? ZERO_HASH,
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
    const gasUsed = outcomes.reduce((sum, outcome) => sum + outcome.gasUsed, 0n);
    for (const outcome of await this.#engine.execute(environment, messages, reader, { gasUsed })) take(outcome);
    take(await this.#engine.executeSystem(environment, settle, reader));
    return outcomes;
  }

  async #append(
    fixed: Pick<Header, "parentHash" | "number" | "timestamp" | "prevRandao" | "baseFeePerGas">,
    block: {
      generation: bigint;
      context: BlockContext;
      raws: readonly Uint8Array[];
      outcomes: readonly BlockOutcome[];
    },
  ): Promise<void> {
    const { generation, context, raws, outcomes } = block;
    const prepared = this.#database.prepare(outcomes.map(({ writes }) => writes));
    const withdrawalsRoot = prepared.storageRootOf(PREDEPLOYS.l2ToL1)!;
    const roots = blockRoots(raws, outcomes, { stateRoots: prepared.rootsAfterEach, withdrawalsRoot });
    const header: Header = { ...fixed, ...roots };
    const unsigned = {
      chainId: this.#dac.chainId,
      generation,
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

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
  seatedIn,
  servedBy,
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
  latestPosted,
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

/** A batch with its data. */
export type Batch = {
  readonly header: BatchHeader;
  readonly data: Uint8Array;
  /** when L1 took it: timestamp of that block, seconds */
  readonly postedAt: bigint;
};

/** A place that a chain was at. */
export type RebuildMark = { readonly parent: Parent; readonly tableSize: number; readonly transactions: number };

/** What a batch's data say and lead to, as far as they do. */
export type Followed = {
  /** headers of the blocks that were executed */
  readonly headers: readonly Header[];
  /** all transactions of its blocks, those of the system, too; undefined for the last of a block that cannot be followed */
  readonly transactions: readonly (readonly (Uint8Array | undefined)[])[];
};

/** A block as it is posted, with what follows from L1. */
type PostedBlock = {
  readonly number: bigint;
  readonly generation: bigint;
  readonly timestamp: bigint;
  readonly context: BlockContext;
  readonly opening: readonly SystemTransaction[];
  readonly transactions: readonly Uint8Array[];
};

/** With what it ends in, and all its transactions encoded. */
type PlannedBlock = PostedBlock & {
  readonly settle: SystemTransaction;
  readonly users: readonly Transaction[];
  readonly raws: readonly Uint8Array[];
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
  #followed: Followed = { headers: [], transactions: [] };
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

  /** What became of the batch that was looked at last. */
  get followed(): Followed {
    return this.#followed;
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
  async batch({ header, data, postedAt }: Batch): Promise<readonly Pick<SealedBlock, "header" | "transactions">[]> {
    const headers: Header[] = [];
    const told: (readonly (Uint8Array | undefined)[])[] = [];
    this.#followed = { headers, transactions: told };
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
    // what the data say goes further than what can be executed of it
    const planned = this.#planned(header, blocks.slice(0, Math.min(blocks.length, firstUnresolved)), told);
    const made: Pick<SealedBlock, "header" | "transactions">[] = [];
    const hashes: Hash[] = [];
    const latest = latestPosted(postedAt);
    for (const block of planned.blocks) {
      await this.#block(block, latest);
      made.push({ header: this.#parent.header, transactions: block.raws });
      headers.push(this.#parent.header);
      hashes.push(this.#parent.hash);
    }
    if (planned.end !== null) throw planned.end.error;
    if (firstUnresolved < blocks.length) throw malformed("unresolved");
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

  /**
   * What blocks are made of, up to the first whose data cannot be followed, with the error that it ends in.
   * @param told takes in their transactions
   */
  #planned(
    header: BatchHeader,
    blocks: readonly DecodedBlock[],
    told: (readonly (Uint8Array | undefined)[])[],
  ): { readonly blocks: readonly PlannedBlock[]; readonly end: { readonly error: unknown } | null } {
    const planned: PlannedBlock[] = [];
    let { queueEnd } = this.#parent.context;
    try {
      for (const [i, block] of blocks.entries()) {
        const number = this.#parent.header.number + BigInt(i + 1);
        const posted = this.#posted(header, { ...block, number }, queueEnd);
        const opening = posted.opening.map((own) => encodeSystemTransaction(this.#dac.chainId, own));
        told.push([...opening, ...block.transactions, undefined]);
        const users = block.transactions.map((raw) => this.#decoded(raw));
        const settle = this.#settle(header, posted, block);
        const raws = [...opening, ...block.transactions, encodeSystemTransaction(this.#dac.chainId, settle)];
        told[i] = raws;
        planned.push({ ...posted, users, settle, raws });
        queueEnd = posted.context.queueEnd;
      }
    } catch (error) {
      return { blocks: planned, end: { error } };
    }
    return { blocks: planned, end: null };
  }

  /** What is posted of a block, with what follows from L1. Throws RebuildError where L1 knows no such slot. */
  #posted(header: BatchHeader, decoded: DecodedBlock & { readonly number: bigint }, queueBegin: bigint): PostedBlock {
    const { chainId, founding } = this.#dac;
    const { number, slot, timestamp, queueItems: taken, transactions, randomness, work, evidence } = decoded;
    const place = this.#placeOf(number);
    const values = this.#view.valuesOf(slot);
    if (values === undefined) throw this.#wrong(`${place} is of slot ${slot}, whose L1 values are not known`);
    if (slot > header.slot) throw this.#wrong(`${place} is of slot ${slot}, after its batch's`);
    const { generation } = header;
    const { l1Block, l1BaseFee } = values;
    const queueEnd = queueBegin + BigInt(taken);
    const context = { slot, l1Block, l1BaseFee, queueEnd, randomness, work, evidence };
    const queueItems = this.#view.dueItems(chainId, queueBegin, slot).slice(0, taken);
    const opened = { number, generation, context, founding, queueItems };
    const openingCount = openingTransactions({ ...opened, transactionCount: 0 }).length;
    const opening = openingTransactions({ ...opened, transactionCount: openingCount + transactions.length + 1 });
    return { number, generation, timestamp, context, opening, transactions };
  }

  #placeOf(number: bigint): string {
    return `block ${number} of ${this.#dac.label}`;
  }

  /** What a block ends in. Throws RebuildError where L1 does not know a provider. */
  #settle(header: BatchHeader, { number, context, transactions }: PostedBlock, block: DecodedBlock): SystemTransaction {
    const providers = servedBy(block.work).map((index) => {
      const provider = this.#view.provider(index);
      if (provider === undefined)
        throw this.#wrong(`${this.#placeOf(number)} pays provider ${index}, whom L1 does not know`);
      return provider.operator;
    });
    const sequencer = block.sequencer === "poster" ? header.poster : block.sequencer;
    const { l1BaseFee } = context;
    return closingTransaction(
      this.#dac.chainId,
      { number, l1BaseFee },
      { paid: [sequencer, ...providers], seated: seatedIn(block.work), transactions },
    );
  }

  /**
   * Executes a block.
   * @param latest timestamp that it may have, seconds
   */
  async #block(planned: PlannedBlock, latest: bigint): Promise<void> {
    const parent = this.#parent;
    const { number, generation, context, timestamp, raws } = planned;
    const baseFeePerGas = nextBaseFee({ baseFeePerGas: parent.header.baseFeePerGas, gasUsed: parent.header.gasUsed });
    const prevRandao = prevRandaoOf(context.randomness);
    const environment = environmentOf({ timestamp, baseFeePerGas, prevRandao });
    const outcomes = await this.#outcomes(environment, planned);
    await this.#append(
      { parentHash: parent.hash, number, timestamp, prevRandao, baseFeePerGas },
      { generation, context, raws, outcomes, latest },
    );
    this.#transactions += raws.length;
  }

  #decoded(raw: Uint8Array): Transaction {
    try {
      return decodeTransaction(raw, this.#dac.chainId);
    } catch (cause) {
      if (!(cause instanceof TransactionError)) throw cause;
      throw this.#wrong(`a batch of ${this.#dac.label} holds no transaction: ${cause.message}`, cause);
    }
  }

  async #outcomes(
    environment: BlockEnvironment,
    { number, opening, users, settle, context }: PlannedBlock,
  ): Promise<readonly BlockOutcome[]> {
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
    const messages = users.map((transaction) => toMessage(transaction, context.l1BaseFee));
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
      latest: bigint;
    },
  ): Promise<void> {
    const { generation, context, raws, outcomes, latest } = block;
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
      evidence: null,
    };
    const rules = { view: this.#view, parameters: this.#parameters };
    const fault = blockFault(rules, this.#parent, unsigned, latest);
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

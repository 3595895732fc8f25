/** Makes the blocks of a chain as an honest sequencer with the whole state at hand does, to check the node against. */
import { createEngine, type Engine, OverlayReader } from "@mvm/evm";
import {
  type Address,
  type BlockContext,
  type BlockEnvironment,
  type BlockOutcome,
  blockDigest,
  decodeTransaction,
  encodeSystemTransaction,
  fromHex,
  genesisWrites,
  HEADER_CONSTANTS,
  type Header,
  hashHeader,
  type JobId,
  keccakHash,
  LIMITS,
  nextBaseFee,
  PREDEPLOYS,
  prevRandaoOf,
  type QueueItem,
  type SealedBlock,
  type Seat,
  type SystemTransaction,
  type Transaction,
  toMessage,
  type UnsignedBlock,
} from "@mvm/protocol";
import { closingTransaction, type Dac, type L1View, openingTransactions, type Parent, parentOf } from "@mvm/roles";
import { type ChainValues, DacDatabase, MemoryStore } from "@mvm/state";
import { Wallet } from "ethers";
import { genesisBlock } from "../src/genesis.ts";
import { blockRoots } from "../src/index.ts";
import { hashOfText, identityOf, keyOf, SETTINGS, SLOT } from "./world.ts";

export type BlockPlan = {
  readonly queueItems?: readonly QueueItem[];
  readonly transactions?: readonly Transaction[];
  /** that of the parent unless said, and not before SLOT */
  readonly slot?: bigint;
  /** who settle pays beside the sequencer */
  readonly providers?: readonly Address[];
  readonly seats?: readonly Seat[];
  /** who signs; the sequencer unless said */
  readonly signer?: string;
  /** that of L1 unless said */
  readonly l1BaseFee?: bigint;
};

export function signed(unsigned: UnsignedBlock, signer = "sequencer"): SealedBlock {
  return { ...unsigned, signature: identityOf(signer).signDigest(blockDigest(SETTINGS.network, unsigned)) };
}

/** Everything of a block but what follows from executing it. */
export type Draft = {
  readonly context: BlockContext;
  readonly opening: readonly SystemTransaction[];
  readonly transactions: readonly Transaction[];
  readonly settle: SystemTransaction;
  /** of the whole block, encoded */
  readonly raws: readonly Uint8Array[];
};

export class BlockMaker {
  readonly view: L1View;
  readonly dac: Dac;
  readonly engine: Engine;
  readonly database: DacDatabase;
  parent: Parent;

  private constructor(view: L1View, dac: Dac, engine: Engine, database: DacDatabase) {
    this.view = view;
    this.dac = dac;
    this.engine = engine;
    this.database = database;
    this.parent = parentOf(genesisBlock(dac));
  }

  static async start(view: L1View, dac: Dac = view.dacs()[0]!): Promise<BlockMaker> {
    const database = await DacDatabase.openOn(new MemoryStore(), { mode: "state" });
    const hash = hashHeader(genesisBlock(dac).header);
    await database.initialise({ hash, encodedBlock: new Uint8Array(0), alloc: genesisWrites() });
    return new BlockMaker(view, dac, await createEngine(), database);
  }

  /** that a block at the next place has on L1 as it is */
  get #generation(): bigint {
    return this.view.generationAt(this.dac.chainId, this.parent.header.number + 1n);
  }

  values(number: bigint): ChainValues {
    return {
      number: () => number,
      chainId: () => this.dac.chainId,
      blockHash: (asked) => this.database.hashOf(asked)!,
    };
  }

  /** What every header fixes before execution: place, time, fees. */
  fixed(jobId: JobId): Pick<Header, "parentHash" | "number" | "timestamp" | "prevRandao" | "baseFeePerGas"> {
    const { header, hash } = this.parent;
    return {
      parentHash: hash,
      number: header.number + 1n,
      timestamp: header.timestamp + 1n,
      prevRandao: prevRandaoOf(jobId),
      baseFeePerGas: nextBaseFee({ baseFeePerGas: header.baseFeePerGas, gasUsed: header.gasUsed }),
    };
  }

  jobId(): JobId {
    return hashOfText(`job ${this.parent.hash}`) as string as JobId;
  }

  environment(): BlockEnvironment {
    const { timestamp, baseFeePerGas, prevRandao } = this.fixed(this.jobId());
    const feeRecipient = HEADER_CONSTANTS.beneficiary;
    return { timestamp, baseFeePerGas, prevRandao, gasLimit: LIMITS.blockGas, feeRecipient };
  }

  /** The transactions of a block by a plan. */
  draft(plan: BlockPlan): Draft {
    const { queueItems = [], transactions = [], providers = [] } = plan;
    const slot = plan.slot ?? (this.parent.context.slot > SLOT ? this.parent.context.slot : SLOT);
    const { chainId, founding } = this.dac;
    const { l1Block, l1BaseFee } = {
      ...this.view.valuesOf(slot)!,
      ...(plan.l1BaseFee && { l1BaseFee: plan.l1BaseFee }),
    };
    const queueEnd = this.parent.context.queueEnd + BigInt(queueItems.length);
    const context = { slot, l1Block, l1BaseFee, queueEnd, jobId: this.jobId() };
    const number = this.parent.header.number + 1n;
    const place = { number, generation: this.#generation, context, founding, queueItems };
    const users = transactions.map(({ raw }) => raw);
    const transactionCount = openingTransactions({ ...place, transactionCount: 0 }).length + users.length + 1;
    const opening = openingTransactions({ ...place, transactionCount });
    const paid = [identityOf(plan.signer ?? "sequencer").operator, ...providers] as const;
    const settle = closingTransaction(chainId, { number, l1BaseFee }, { paid, transactions: users });
    const encoded = (transaction: SystemTransaction): Uint8Array => encodeSystemTransaction(chainId, transaction);
    return { context, opening, transactions, settle, raws: [...opening.map(encoded), ...users, encoded(settle)] };
  }

  /** Executes a draft on the parent's state; nothing is stored. */
  async execute({ context, opening, transactions, settle }: Draft): Promise<BlockOutcome[]> {
    const environment = this.environment();
    const { header } = this.parent;
    const overlay = new OverlayReader(this.database.stateAt(header.stateRoot, this.values(header.number + 1n)));
    const outcomes: BlockOutcome[] = [];
    const take = ({ status, gasUsed, logs, writes }: BlockOutcome): void => {
      overlay.apply(writes);
      outcomes.push({ status, gasUsed, logs, writes });
    };
    for (const transaction of opening) take(await this.engine.executeSystem(environment, transaction, overlay));
    const messages = transactions.map((transaction) => toMessage(transaction, context.l1BaseFee));
    for (const outcome of await this.engine.execute(environment, messages, overlay)) {
      if (outcome.kind === "invalid") throw new Error(`the test's transaction is invalid: ${outcome.reason}`);
      take(outcome);
    }
    take(await this.engine.executeSystem(environment, settle, overlay));
    return outcomes;
  }

  /** The next block, kept as the parent of the one after it. */
  async next(plan: BlockPlan): Promise<SealedBlock> {
    const { block, keep } = await this.sibling(plan);
    await keep();
    return block;
  }

  /** A block at the next place, which the chain goes on from only when it is kept. */
  async sibling(plan: BlockPlan): Promise<{ block: SealedBlock; keep: () => Promise<void> }> {
    const draft = this.draft(plan);
    const { context, raws } = draft;
    const outcomes = await this.execute(draft);
    const prepared = this.database.prepare(outcomes.map(({ writes }) => writes));
    const withdrawalsRoot = prepared.storageRootOf(PREDEPLOYS.l2ToL1)!;
    const roots = blockRoots(raws, outcomes, { stateRoots: prepared.rootsAfterEach, withdrawalsRoot });
    const header: Header = { ...this.fixed(context.jobId), ...roots };
    const { chainId } = this.dac;
    const { seats = [], signer } = plan;
    const unsigned = { chainId, generation: this.#generation, header, context, transactions: raws, outcomes, seats };
    const keep = async (): Promise<void> => {
      await prepared.commit({
        number: header.number,
        hash: hashHeader(header),
        encodedBlock: new Uint8Array(0),
        transactionHashes: raws.map(keccakHash),
        receipts: raws.map(() => new Uint8Array(0)),
        logs: raws.map(() => []),
      });
      this.parent = parentOf(unsigned);
    };
    return { block: signed(unsigned, signer), keep };
  }
}

export type Call = {
  readonly nonce: number;
  readonly to?: string | null;
  readonly value?: bigint;
  readonly data?: string;
  readonly gasLimit?: bigint;
  readonly chainId?: bigint;
  readonly maxFeePerGas?: bigint;
  readonly maxPriorityFeePerGas?: bigint;
};

/** A user's transaction, signed by the wallet library that users have. */
export async function transactionOf(dac: Pick<Dac, "chainId">, user: string, call: Call): Promise<Transaction> {
  const chainId = call.chainId ?? dac.chainId;
  const raw = await new Wallet(keyOf(user)).signTransaction({
    type: 2,
    chainId,
    maxFeePerGas: 10n ** 12n,
    maxPriorityFeePerGas: 1n,
    gasLimit: 200_000n,
    value: 0n,
    data: "0x",
    ...call,
    to: call.to === undefined ? identityOf("receiver").operator : call.to,
  });
  return decodeTransaction(fromHex(raw), chainId);
}

/**
 * Runtime code of a token: called with (to, amount), it moves slot[caller] to slot[to] and logs the amount. No balance
 * is checked: arithmetic wraps.
 */
const TOKEN_CODE = "602035335403335560003554602035016000355560203560005260aa60206000a100";

/** Data that deploys the token. */
export const TOKEN_INITCODE = `0x60${(TOKEN_CODE.length / 2).toString(16)}600c60003960${(TOKEN_CODE.length / 2).toString(16)}6000f3${TOKEN_CODE}`;

/** Data of a call that moves tokens. */
export const tokenTransfer = (to: string, amount: bigint): string =>
  `0x${to.slice(2).padStart(64, "0")}${amount.toString(16).padStart(64, "0")}`;

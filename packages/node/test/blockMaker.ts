/** Makes the blocks of a chain as an honest sequencer with the whole state at hand does, to check the node against. */
import { createEngine, type Engine, OverlayReader } from "@mvm/evm";
import {
  type BlockContext,
  type BlockEnvironment,
  type BlockOutcome,
  blockDigest,
  decodeTransaction,
  encodeSystemTransaction,
  environmentOf,
  evidenceHash,
  fromHex,
  genesisWrites,
  type Hash,
  type Header,
  hashHeader,
  type Job,
  jobIdOf,
  keccakHash,
  LIMITS,
  NO_WORK,
  nextBaseFee,
  type Outcome,
  PREDEPLOYS,
  prevRandaoOf,
  type QueueItem,
  resultDigest,
  resultHash,
  type SealedBlock,
  type SystemTransaction,
  seatedIn,
  servedBy,
  type Transaction,
  toMessage,
  type UnsignedBlock,
  vrfOutput,
  vrfProve,
  type Work,
  type WorkEvidence,
  ZERO_HASH,
} from "@mvm/protocol";
import {
  closingTransaction,
  type Dac,
  type L1View,
  type Member,
  openingTransactions,
  type Parent,
  parentOf,
  randomnessMessage,
} from "@mvm/roles";
import { type ChainValues, DacDatabase, MemoryStore } from "@mvm/state";
import { Wallet } from "ethers";
import { genesisBlock } from "../src/genesis.ts";
import { blockRoots } from "../src/index.ts";
import { identityOf, keyOf, SETTINGS, SLOT } from "./world.ts";

export type BlockPlan = {
  readonly queueItems?: readonly QueueItem[];
  readonly transactions?: readonly Transaction[];
  /** that of the parent unless said, and not before SLOT */
  readonly slot?: bigint;
  /** who did its job: those who hold the first seats, unless said, and nobody where no user's transaction is in it */
  readonly work?: Work;
  /** what its seats claim of each of its users' transactions: what came of it, unless said */
  readonly claim?: (outcome: Outcome) => Outcome;
  /** who signs; the sequencer unless said */
  readonly signer?: string;
  /** that of L1 unless said */
  readonly l1BaseFee?: bigint;
};

export function signed(unsigned: UnsignedBlock, signer = "sequencer"): SealedBlock {
  return { ...unsigned, signature: identityOf(signer).signDigest(blockDigest(SETTINGS.network, unsigned)) };
}

/** What the sequencer of a block drew for it. */
export type Draw = Pick<WorkEvidence, "proof"> & Pick<BlockContext, "randomness">;

/** Everything of a block but what follows from executing it. */
export type Draft = Pick<Draw, "proof"> & {
  /** without the hash of the evidence */
  readonly context: BlockContext;
  readonly opening: readonly SystemTransaction[];
  readonly transactions: readonly Transaction[];
  readonly settle: SystemTransaction;
  readonly claim: (outcome: Outcome) => Outcome;
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
  fixed(randomness: Hash): Pick<Header, "parentHash" | "number" | "timestamp" | "prevRandao" | "baseFeePerGas"> {
    const { header, hash } = this.parent;
    return {
      parentHash: hash,
      number: header.number + 1n,
      timestamp: header.timestamp + 1n,
      prevRandao: prevRandaoOf(randomness),
      baseFeePerGas: nextBaseFee({ baseFeePerGas: header.baseFeePerGas, gasUsed: header.gasUsed }),
    };
  }

  environment(randomness: Hash): BlockEnvironment {
    return environmentOf(this.fixed(randomness));
  }

  #slotOf(plan: BlockPlan): bigint {
    const { slot } = this.parent.context;
    return plan.slot ?? (slot > SLOT ? slot : SLOT);
  }

  /** What the sequencer of a block by a plan draws for it. */
  draw(plan: BlockPlan): Draw {
    const { chainId } = this.dac;
    const number = this.parent.header.number + 1n;
    const place = { chainId, generation: this.#generation, number, slot: this.#slotOf(plan) };
    const message = randomnessMessage(this.view, SETTINGS.network, place)!;
    const proof = vrfProve(identityOf(plan.signer ?? "sequencer").bls, message);
    return { proof, randomness: vrfOutput(proof) };
  }

  /** Those who hold the first seats of the first job of a block. */
  #workOf(slot: bigint, randomness: Hash): Work {
    const holders = this.view.seatsOf(slot, jobIdOf(randomness, 0));
    if (holders.length < LIMITS.seats) throw new Error(`the test's providers have no seats in slot ${slot}`);
    return { attempt: 0, seats: holders.slice(0, LIMITS.seats).map(({ index }) => index) };
  }

  #served(work: Work): readonly Member[] {
    return servedBy(work).map((index) => this.view.provider(index)!);
  }

  /** The transactions of a block by a plan. */
  draft(plan: BlockPlan): Draft {
    const { queueItems = [], transactions = [] } = plan;
    const slot = this.#slotOf(plan);
    const { chainId, founding } = this.dac;
    const values = this.view.valuesOf(slot)!;
    const { l1Block } = values;
    const l1BaseFee = plan.l1BaseFee ?? values.l1BaseFee;
    const queueEnd = this.parent.context.queueEnd + BigInt(queueItems.length);
    const { proof, randomness } = this.draw(plan);
    const work = plan.work ?? (transactions.length === 0 ? NO_WORK : this.#workOf(slot, randomness));
    const context = { slot, l1Block, l1BaseFee, queueEnd, randomness, work, evidence: ZERO_HASH };
    const number = this.parent.header.number + 1n;
    const place = { number, generation: this.#generation, context, founding, queueItems };
    const users = transactions.map(({ raw }) => raw);
    const transactionCount = openingTransactions({ ...place, transactionCount: 0 }).length + users.length + 1;
    const opening = openingTransactions({ ...place, transactionCount });
    const { operator } = identityOf(plan.signer ?? "sequencer");
    const paid = [operator, ...this.#served(work).map((provider) => provider.operator)] as const;
    const settle = closingTransaction(
      chainId,
      { number, l1BaseFee },
      { paid, seated: seatedIn(work), transactions: users },
    );
    const encoded = (transaction: SystemTransaction): Uint8Array => encodeSystemTransaction(chainId, transaction);
    const raws = [...opening.map(encoded), ...users, encoded(settle)];
    return { proof, context, opening, transactions, settle, raws, claim: plan.claim ?? ((outcome) => outcome) };
  }

  /** Executes a draft on the parent's state; nothing is stored. Gives the block's outcomes, and what its seats sign. */
  async #execute(draft: Draft): Promise<{ outcomes: readonly BlockOutcome[]; evidence: WorkEvidence }> {
    const { context, opening, transactions, settle, proof, claim } = draft;
    const environment = this.environment(context.randomness);
    const { header } = this.parent;
    const overlay = new OverlayReader(this.database.stateAt(header.stateRoot, this.values(header.number + 1n)));
    const outcomes: BlockOutcome[] = [];
    const take = ({ status, gasUsed, logs, writes }: BlockOutcome): void => {
      overlay.apply(writes);
      outcomes.push({ status, gasUsed, logs, writes });
    };
    for (const transaction of opening) take(await this.engine.executeSystem(environment, transaction, overlay));
    const messages = transactions.map((transaction) => toMessage(transaction, context.l1BaseFee));
    const results = (await this.engine.execute(environment, messages, overlay)).map(claim);
    for (const outcome of results) {
      if (outcome.kind === "invalid") throw new Error(`the test's transaction is invalid: ${outcome.reason}`);
      take(outcome);
    }
    take(await this.engine.executeSystem(environment, settle, overlay));
    const job = { jobId: jobIdOf(context.randomness, context.work.attempt), environment, messages, values: [] };
    const { result, signatures } = this.#signed(context.work, job, results);
    return { outcomes, evidence: { proof, result, signatures } };
  }

  /** The result of a job, and the signatures on it of those who served. */
  #signed(work: Work, job: Job, outcomes: readonly Outcome[]): Pick<WorkEvidence, "result" | "signatures"> {
    const served = this.#served(work);
    if (served.length === 0) return { result: ZERO_HASH, signatures: [] };
    const result = resultHash(job, outcomes);
    const digest = resultDigest(SETTINGS.network, job.jobId, result);
    return { result, signatures: served.map(({ peerId }) => identityOf(peerId).bls.sign(digest)) };
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
    const { raws } = draft;
    const { outcomes, evidence } = await this.#execute(draft);
    const context = { ...draft.context, evidence: evidenceHash(evidence) };
    const prepared = this.database.prepare(outcomes.map(({ writes }) => writes));
    const withdrawalsRoot = prepared.storageRootOf(PREDEPLOYS.l2ToL1)!;
    const roots = blockRoots(raws, outcomes, { stateRoots: prepared.rootsAfterEach, withdrawalsRoot });
    const header: Header = { ...this.fixed(context.randomness), ...roots };
    const { chainId } = this.dac;
    const place = { chainId, generation: this.#generation };
    const unsigned = { ...place, header, context, transactions: raws, outcomes, evidence };
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
    return { block: signed(unsigned, plan.signer), keep };
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

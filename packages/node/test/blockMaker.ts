/** Makes the blocks of a chain as an honest sequencer with the whole state at hand does, to check the node against. */
import { createEngine, type Engine, executeDeposit, OverlayReader } from "@mvm/evm";
import {
  type BlockOutcome,
  blockDigest,
  type Deposit,
  decodeTransaction,
  encodeDeposit,
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
  type SealedBlock,
  type Transaction,
  toMessage,
  type UnsignedBlock,
} from "@mvm/protocol";
import { type Dac, type L1View, type Parent, parentOf } from "@mvm/roles";
import { type ChainValues, DacDatabase, MemoryStore } from "@mvm/state";
import { Wallet } from "ethers";
import { genesisBlock } from "../src/genesis.ts";
import { blockRoots } from "../src/index.ts";
import { hashOfText, identityOf, keyOf, SETTINGS } from "./world.ts";

export type BlockPlan = {
  readonly deposits?: readonly Deposit[];
  readonly transactions?: readonly Transaction[];
  readonly slot?: bigint;
  readonly l1Block?: bigint;
  /** who signs; the sequencer unless said */
  readonly signer?: string;
};

export function signed(unsigned: UnsignedBlock, signer = "sequencer"): SealedBlock {
  return { ...unsigned, signature: identityOf(signer).signDigest(blockDigest(SETTINGS.network, unsigned)) };
}

export class BlockMaker {
  readonly dac: Dac;
  readonly engine: Engine;
  readonly database: DacDatabase;
  parent: Parent;

  private constructor(dac: Dac, engine: Engine, database: DacDatabase) {
    this.dac = dac;
    this.engine = engine;
    this.database = database;
    this.parent = parentOf(genesisBlock(dac));
  }

  static async start(view: L1View, dac: Dac = view.dacs()[0]!): Promise<BlockMaker> {
    const database = await DacDatabase.openOn(new MemoryStore(), { mode: "state" });
    const hash = hashHeader(genesisBlock(dac).header);
    await database.initialise({ hash, encodedBlock: new Uint8Array(0), alloc: genesisWrites() });
    return new BlockMaker(dac, await createEngine(), database);
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

  /** Executes a plan on the parent's state; nothing is stored. */
  async execute(plan: BlockPlan): Promise<{ outcomes: BlockOutcome[]; raws: Uint8Array[] }> {
    const { deposits = [], transactions = [] } = plan;
    const { timestamp, baseFeePerGas, prevRandao, number } = this.fixed(this.jobId());
    const environment = {
      timestamp,
      baseFeePerGas,
      prevRandao,
      gasLimit: LIMITS.blockGas,
      feeRecipient: HEADER_CONSTANTS.beneficiary,
    };
    const state = this.database.stateAt(this.parent.header.stateRoot, this.values(number));
    const overlay = new OverlayReader(state);
    const outcomes: BlockOutcome[] = [];
    for (const deposit of deposits) {
      const outcome = await executeDeposit(deposit, overlay, PREDEPLOYS.coinbase);
      overlay.apply(outcome.writes);
      outcomes.push(outcome);
    }
    for (const outcome of await this.engine.execute(environment, transactions.map(toMessage), overlay)) {
      if (outcome.kind === "invalid") throw new Error(`the test's transaction is invalid: ${outcome.reason}`);
      outcomes.push(outcome);
    }
    const raws = [...deposits.map((item) => encodeDeposit(this.dac.chainId, item)), ...transactions.map((t) => t.raw)];
    return { outcomes: outcomes.map(({ status, gasUsed, logs, writes }) => ({ status, gasUsed, logs, writes })), raws };
  }

  /** The next block, kept as the parent of the one after it. */
  async next(plan: BlockPlan): Promise<SealedBlock> {
    const { block, keep } = await this.sibling(plan);
    await keep();
    return block;
  }

  /** A block at the next place, which the chain goes on from only when it is kept. */
  async sibling(plan: BlockPlan): Promise<{ block: SealedBlock; keep: () => Promise<void> }> {
    const { deposits = [], slot = this.parent.context.slot, l1Block = 1n, signer } = plan;
    const jobId = this.jobId();
    const { outcomes, raws } = await this.execute(plan);
    const prepared = this.database.prepare(outcomes.map(({ writes }) => writes));
    const header: Header = { ...this.fixed(jobId), ...blockRoots(raws, outcomes, prepared.rootsAfterEach) };
    const queueEnd = this.parent.context.queueEnd + BigInt(deposits.length);
    const context = { slot, l1Block, queueEnd, jobId };
    const { chainId } = this.dac;
    const unsigned = { chainId, generation: 0n, header, context, transactions: raws, outcomes, seats: [] };
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

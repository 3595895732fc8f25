/** A ChainBackend in memory whose blocks are really executed. */
import { createEngine, type Engine } from "@mvm/evm";
import {
  type Address,
  type BlockContext,
  type BlockOutcome,
  type BlsKey,
  blockDigest,
  bloomOf,
  blsKeyFromSeed,
  CHARTER_SLOTS,
  type ChainId,
  decodeTransaction,
  EMPTY_TRIE_ROOT,
  encodeSystemTransaction,
  evidenceHash,
  executedHash,
  fromHex,
  GENESIS_BASE_FEE,
  genesisWrites,
  type Hash,
  type Header,
  hashHeader,
  type IncludedOutcome,
  jobIdOf,
  keccakHash,
  merkleRoot,
  NO_WORK,
  nextBaseFee,
  type Outcome,
  PREDEPLOYS,
  prevRandaoOf,
  type QueueItem,
  queueTransaction,
  resultDigest,
  type SealedBlock,
  type StateReader,
  servedBy,
  signDigest,
  type Transaction,
  taggedHash,
  toChainId,
  toMessage,
  toWord,
  toWordHex,
  type UnsignedBlock,
  vrfOutput,
  vrfProve,
  type Work,
  type WorkEvidence,
  ZERO_HASH,
} from "@mvm/protocol";
import {
  BackendError,
  type ChainBackend,
  type HeadTag,
  type LogQuery,
  type StateProof,
  type SubmitError,
  type SyncProgress,
  type TransactionPlace,
} from "../src/index.ts";
import { CONTRACTS } from "./contracts.ts";
import { EMPTY_SNAPSHOT, proofIn, readerOf, type Snapshot, withWrites } from "./memoryState.ts";

export const CHAIN_ID: ChainId = toChainId(424_242);
const NETWORK = { l1ChainId: 31_337n, comco: PREDEPLOYS.coinbase };
const SEQUENCER_KEY = toWord(77n);
const GENESIS_TIME = 1_900_000_000n;

const blsOf = (name: string): BlsKey => blsKeyFromSeed(fromHex(taggedHash("test/bls", new TextEncoder().encode(name))));
const SEQUENCER_BLS = blsOf("sequencer");
/** who did the job of each block that has transactions: a second job, in which a seat was passed over */
const WORK: Work = { attempt: 1, seats: [3, null, 11] };

export const engine: Engine = await createEngine();

/** @param charter slots of the hot account: what the DAC's charter compiles to */
function genesisSnapshot(charter: ReadonlyMap<bigint, bigint>): Snapshot {
  const contracts = Object.values(CONTRACTS).map(({ address, code }) => ({
    address,
    account: { nonce: 1n, balance: 0n, codeHash: keccakHash(code) },
    code,
    slots: [],
  }));
  const slots = [...charter].map(([slot, value]) => ({ slot: toWordHex(slot), value }));
  const predeploys = genesisWrites().map((write) =>
    write.address === PREDEPLOYS.executionManager ? { ...write, slots } : write,
  );
  return withWrites(EMPTY_SNAPSHOT, [...predeploys, ...contracts]);
}

function included(outcome: Outcome): IncludedOutcome {
  if (outcome.kind === "invalid") throw new Error(`the fixture's transaction is invalid: ${outcome.reason}`);
  return outcome;
}

type Contents = {
  readonly parent: Header | null;
  readonly transactions: readonly Uint8Array[];
  readonly outcomes: readonly BlockOutcome[];
};

function seal({ parent, transactions, outcomes }: Contents): SealedBlock {
  const number = parent === null ? 0n : parent.number + 1n;
  const proof = vrfProve(SEQUENCER_BLS, taggedHash("test/draw", toWord(number)));
  const randomness = vrfOutput(proof);
  const work = transactions.length === 0 ? NO_WORK : WORK;
  const result = transactions.length === 0 ? ZERO_HASH : taggedHash("test/result", randomness);
  const digest = resultDigest(NETWORK, jobIdOf(randomness, work.attempt), result);
  const signatures = servedBy(work).map((index) => blsOf(`provider ${index}`).sign(digest));
  const evidence: WorkEvidence = { proof, result, signatures };
  const place = { slot: 1n, l1Block: 1n, l1BaseFee: 0n, queueEnd: 1n };
  const context: BlockContext = { ...place, randomness, work, evidence: evidenceHash(evidence) };
  const header: Header = {
    parentHash: parent === null ? ZERO_HASH : hashHeader(parent),
    stateRoot: taggedHash("test/state", toWord(number)),
    transactionsRoot: merkleRoot(transactions.map(keccakHash)),
    receiptsRoot: taggedHash("test/receipts", toWord(number)),
    logsBloom: bloomOf(outcomes.flatMap(({ logs }) => logs)),
    number,
    gasUsed: outcomes.reduce((sum, { gasUsed }) => sum + gasUsed, 0n),
    timestamp: GENESIS_TIME + 2n * number,
    checkpointsRoot: taggedHash("test/checkpoints", toWord(number)),
    withdrawalsRoot: EMPTY_TRIE_ROOT,
    prevRandao: prevRandaoOf(randomness),
    baseFeePerGas: parent === null ? GENESIS_BASE_FEE : nextBaseFee(parent),
  };
  const unsigned: UnsignedBlock = {
    chainId: CHAIN_ID,
    generation: 0n,
    header,
    context,
    transactions,
    outcomes,
    evidence,
  };
  return { ...unsigned, signature: signDigest(SEQUENCER_KEY, blockDigest(NETWORK, unsigned)) };
}

/** The flag word of a DAC without rules and tax. */
const FREE: ReadonlyMap<bigint, bigint> = new Map([[CHARTER_SLOTS.flags, 1n]]);

export class MemoryChain implements ChainBackend {
  /** blobs that its hosts keep */
  readonly blobs = new Map<Hash, Uint8Array>();
  readonly chainId = CHAIN_ID;
  readonly blocks: SealedBlock[];
  readonly #states: Snapshot[];
  readonly #places = new Map<Hash, TransactionPlace>();
  readonly pool = new Map<Hash, Transaction>();
  /** heads behind the latest */
  safe = 0n;
  finalized = 0n;
  /** what submit, stateAt and syncing answer instead, where set */
  refusal: SubmitError | null = null;
  stateFailure: Error | null = null;
  stateGate: Promise<void> | null = null;
  sync: false | SyncProgress = false;

  constructor(charter: ReadonlyMap<bigint, bigint> = FREE) {
    this.blocks = [seal({ parent: null, transactions: [], outcomes: [] })];
    this.#states = [genesisSnapshot(charter)];
  }

  get latest(): SealedBlock {
    return this.blocks.at(-1)!;
  }

  /** Executes items of L1's queue and encoded transactions on the head, and appends their block. */
  async append(items: readonly QueueItem[], raw: readonly Uint8Array[]): Promise<SealedBlock> {
    const parent = this.latest;
    let state = this.#states.at(-1)!;
    const outcomes: BlockOutcome[] = [];
    const environment = {
      timestamp: parent.header.timestamp + 2n,
      baseFeePerGas: nextBaseFee(parent.header),
      gasLimit: 60_000_000n,
      prevRandao: ZERO_HASH,
      feeRecipient: PREDEPLOYS.executionManager,
    };
    const number = parent.header.number + 1n;
    for (const transaction of items.map(queueTransaction)) {
      const outcome = await engine.executeSystem(environment, transaction, this.#reader(state, number));
      outcomes.push(outcome);
      state = withWrites(state, outcome.writes);
    }
    const messages = raw.map((bytes) => toMessage(decodeTransaction(bytes, CHAIN_ID), 0n));
    for (const outcome of (await engine.execute(environment, messages, this.#reader(state, number))).map(included)) {
      outcomes.push(outcome);
      state = withWrites(state, outcome.writes);
    }
    const transactions = [...items.map((item) => encodeSystemTransaction(CHAIN_ID, queueTransaction(item))), ...raw];
    const block = seal({ parent: parent.header, transactions, outcomes });
    transactions.forEach((bytes, index) => {
      for (const hash of [keccakHash(bytes), executedHash(bytes, CHAIN_ID, outcomes[index]!)])
        if (hash !== null) this.#places.set(hash, { blockNumber: number, index });
    });
    this.blocks.push(block);
    this.#states.push(state);
    return block;
  }

  #reader(state: Snapshot, number: bigint): StateReader {
    const blockHash = (asked: bigint) => {
      const block = this.blocks[Number(asked)];
      return block === undefined ? undefined : hashHeader(block.header);
    };
    return readerOf(state, { number, chainId: CHAIN_ID, blockHash });
  }

  head(tag: HeadTag): bigint {
    if (tag === "latest") return this.latest.header.number;
    return tag === "safe" ? this.safe : this.finalized;
  }

  blockByNumber(number: bigint): SealedBlock | null {
    return this.blocks[Number(number)] ?? null;
  }

  blockByHash(hash: Hash): SealedBlock | null {
    return this.blocks.find(({ header }) => hashHeader(header) === hash) ?? null;
  }

  locate(hash: Hash): TransactionPlace | null {
    return this.#places.get(hash) ?? null;
  }

  blocksWithLogs({ from, to, limit }: LogQuery): readonly bigint[] {
    return this.blocks
      .filter(({ outcomes }) => outcomes.some(({ logs }) => logs.length > 0))
      .map(({ header }) => header.number)
      .filter((number) => number >= from && number <= to)
      .slice(0, limit);
  }

  async stateAt({ header }: SealedBlock): Promise<StateReader> {
    await this.stateGate;
    if (this.stateFailure !== null) throw this.stateFailure;
    const state = this.#states[Number(header.number)];
    if (state === undefined) throw new BackendError("state-unavailable", `state of block ${header.number} is not kept`);
    return this.#reader(state, header.number);
  }

  async proofAt(
    { header }: SealedBlock,
    { address, slots }: { readonly address: Address; readonly slots: readonly Hash[] },
  ): Promise<StateProof> {
    if (this.stateFailure !== null) throw this.stateFailure;
    return proofIn(this.#states[Number(header.number)]!, address, slots);
  }

  blob(blobHash: Hash): Uint8Array | null {
    return this.blobs.get(blobHash) ?? null;
  }

  async submit(transaction: Transaction): Promise<void> {
    if (this.refusal !== null) throw this.refusal;
    this.pool.set(transaction.hash, transaction);
  }

  pendingNonce(address: Address): bigint | null {
    const nonces = [...this.pool.values()].filter(({ from }) => from === address).map(({ nonce }) => nonce);
    return nonces.length === 0 ? null : nonces.reduce((most, nonce) => (nonce > most ? nonce : most)) + 1n;
  }

  pendingTransaction(hash: Hash): Transaction | null {
    return this.pool.get(hash) ?? null;
  }

  syncing(): false | SyncProgress {
    return this.sync;
  }

  peerCount(): number {
    return 3;
  }
}

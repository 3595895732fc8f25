/**
 * L1 as the simulated nodes see it: blocks at a steady pace, which it may take back; registries, queues, and the rules of
 * RollupChain. Its first three epochs are over when it starts, so that who registered before is drawn at once.
 */
import { encodeCharter, L1Error } from "@mvm/l1";
import { type L1Poster, type NetworkSettings, type SignedBatch, signedAt } from "@mvm/node";
import {
  type Address,
  type AskItem,
  type BatchHeader,
  type ChainId,
  depositItem,
  drawBlockOf,
  epochRandomness,
  fromHex,
  hashBatchHeader,
  inCalldata,
  type QueueItem,
  seatWeightOf,
  stakeGridOf,
  taggedHash,
  toAddress,
  toChainId,
  toWord,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import type { L1Event, Member, QueuedItem, RegistryName } from "@mvm/roles";
import type { AskQueue } from "./modelAsks.ts";
import {
  type BatchOnL1,
  type ChainRecord,
  copyOf,
  emptyChain,
  emptyState,
  ModelRollup,
  type ModelState,
} from "./modelRollup.ts";
import type { SeededRandom } from "./seededRandom.ts";
import type { VirtualClock } from "./virtualClock.ts";

/** The charter of every simulated DAC: no rules, no tax, nobody may amend it. */
const FREE_CHARTER = fromHex(
  encodeCharter({ vision: "", mission: "", permissions: [], taxRates: [], managementContract: ZERO_ADDRESS }),
);
const METIS_DAO = toAddress("0x4d45544953000000000000000000000000000001");
const L1_BRIDGE = toAddress("0x4d45544953000000000000000000000000000002");
/** wei per gas, at the least and by how much it differs from block to block */
const BASE_FEE = 1_000_000_000n;
const BASE_FEE_STEPS = 1_000_000;
/** Chain IDs are as long as those that Comco gives out: what carries one can be told. */
const FIRST_CHAIN_ID = 3_141_592_653_589_000n;
const MT = 10n ** 18n;

/** Milliseconds between two blocks. */
const BLOCK_MS = 1_000;
/** Epochs that are over when L1 starts. */
const PAST_EPOCHS = 3n;
/** Epochs that L1 takes back at the most. */
const REORG_EPOCHS = 1;

/** What L1 reverts with. */
class Reverted extends Error {
  readonly code = "reverted";
  constructor(reason: string) {
    super(`reverted: ${reason}`);
    this.name = "Reverted";
  }
}

type L1Transaction = {
  /** slot whose turn it needs, where it needs one */
  readonly slot?: bigint;
  /** whether it may not come again where L1 takes it back */
  readonly mayBeLost?: boolean;
  readonly run: () => void;
};

/** A block that may be taken back: what it brought, and the state before it. */
type Mined = { readonly transactions: readonly L1Transaction[]; readonly before: ModelState };

export class ModelL1 {
  readonly #clock: VirtualClock;
  readonly #settings: NetworkSettings;
  readonly #random: SeededRandom;
  readonly #rollup: ModelRollup;
  readonly #events: L1Event[] = [];
  readonly #listeners = new Set<(event: L1Event) => void>();
  /** the last blocks, oldest first */
  readonly #mined: Mined[] = [];
  /** transactions that the next block takes, in their order */
  #waiting: L1Transaction[] = [];
  #created = 0;
  #state = emptyState();

  constructor(clock: VirtualClock, settings: NetworkSettings, random: SeededRandom) {
    this.#clock = clock;
    this.#settings = settings;
    this.#random = random;
    this.#rollup = new ModelRollup(settings.network, settings.parameters);
  }

  /** Mines the past, a block now, and then one at every interval. Listeners hear a block's events first, then of the block. */
  start(): void {
    const past = PAST_EPOCHS * BigInt(this.#settings.parameters.epochBlocks);
    const seconds = BigInt(Math.floor(this.#clock.nowMs() / 1000));
    for (let number = 1n; number < past; number++) this.#mine(seconds - past + number);
    this.#next();
  }

  #next(): void {
    this.#mine(BigInt(Math.floor(this.#clock.nowMs() / 1000)));
    this.#clock.schedule(BLOCK_MS, () => this.#next());
  }

  #mine(timestamp: bigint): void {
    const transactions = this.#waiting;
    this.#waiting = [];
    this.#mined.push({ transactions, before: copyOf(this.#state) });
    if (this.#mined.length > REORG_EPOCHS * this.#settings.parameters.epochBlocks) this.#mined.shift();
    const state = this.#state;
    state.number += 1n;
    state.timestamp = timestamp;
    for (const { run } of transactions) run();
    const prevRandao = this.#random.hash();
    const epoch = this.#rollup.slotOf(state) + 1n;
    if (drawBlockOf(epoch, this.#settings.parameters.epochBlocks) === state.number)
      state.randomness.set(epoch, epochRandomness(epoch, prevRandao));
    const baseFeePerGas = BASE_FEE + BigInt(this.#random.below(BASE_FEE_STEPS));
    this.#emit({ kind: "l1Block", number: state.number, timestamp, baseFeePerGas, prevRandao });
  }

  /**
   * Takes the last blocks back and mines as many others at once. What the old ones brought comes again in the new ones, in
   * another order, or in a later block; but of what needs a turn nothing comes again where the turn was drawn in a block that is gone, and
   * of the rest, as of convictions, only half.
   * @param depth number of blocks, an epoch's at the most
   */
  reorg(depth: number): void {
    const gone = this.#mined.splice(-depth);
    const last = this.#state.number;
    const times = gone.slice(1).map(({ before }) => before.timestamp);
    times.push(this.#state.timestamp);
    this.#state = gone[0]!.before;
    const to = this.#state.number;
    this.#emit({ kind: "reorg", toBlock: to });
    const { epochBlocks } = this.#settings.parameters;
    const again = gone
      .flatMap(({ transactions }) => transactions)
      .filter(({ slot, mayBeLost = slot !== undefined }) => {
        const isDrawn = slot === undefined || drawBlockOf(slot, epochBlocks) <= to;
        return isDrawn && (!mayBeLost || this.#random.fraction() < 0.5);
      });
    for (const timestamp of times) {
      const taken = this.#random.below(again.length + 1);
      for (let i = 0; i < taken; i++) this.#waiting.push(...again.splice(this.#random.below(again.length), 1));
      this.#mine(timestamp);
    }
    if (this.#state.number !== last) throw new RangeError(`L1 cannot take back ${depth} blocks`);
    this.#waiting.push(...again);
  }

  #emit(event: L1Event): void {
    this.#events.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  #chain(chainId: ChainId): ChainRecord {
    const chain = this.#state.chains.get(chainId);
    if (chain === undefined) throw new Reverted("unknown chain");
    return chain;
  }

  // What it shows.

  /** All events so far. */
  get events(): readonly L1Event[] {
    return this.#events;
  }

  /** The events of the blocks that L1 has now: what a node hears that starts now. */
  get history(): readonly L1Event[] {
    const history: L1Event[] = [];
    for (const event of this.#events) {
      if (event.kind !== "reorg") history.push(event);
      else history.length = 1 + history.findLastIndex((one) => one.kind === "l1Block" && one.number === event.toBlock);
    }
    return history;
  }

  /** Sequencers that may be drawn. */
  get activeSequencers(): number {
    return this.#state.members.sequencer.length - this.#state.convicted.size;
  }

  generation(chainId: ChainId): bigint {
    return this.#state.chains.get(chainId)?.generation ?? 0n;
  }

  /** Number of the newest block. */
  get number(): bigint {
    return this.#state.number;
  }

  /** Last block of a chain whose batch has outlived its window, 0 when none has. */
  finalHead(chainId: ChainId): bigint {
    const isFinal = ({ header }: BatchOnL1): boolean => this.#rollup.asks.isFinal(this.#state, header);
    return this.batches(chainId).findLast(isFinal)?.header.lastBlock ?? 0n;
  }

  get slot(): bigint {
    return this.#rollup.slotOf(this.#state);
  }

  /** Operator that leads a slot; undefined where none is drawn yet. */
  leader(chainId: ChainId, slot: bigint): Address | undefined {
    return this.#rollup.ranks(this.#state, chainId, slot)[0];
  }

  /** Batches of a chain so far. */
  batches(chainId: ChainId): readonly BatchOnL1[] {
    return this.#state.chains.get(chainId)?.batches ?? [];
  }

  /** Queue of a chain so far. */
  queue(chainId: ChainId): readonly QueueItem[] {
    return this.#state.chains.get(chainId)?.queue.map(({ item }) => item) ?? [];
  }

  /** Number of items of a chain's queue that blocks of the present slot may consume. */
  consumable(chainId: ChainId): bigint {
    return this.#rollup.consumable(this.#state, chainId, this.slot);
  }

  /** Last block of a chain that is posted, 0 when none is. */
  postedHead(chainId: ChainId): bigint {
    return this.#state.chains.get(chainId)?.lastBlock ?? 0n;
  }

  /** Hears all events from the first on; returns the function that ends it. */
  follow(listener: (event: L1Event) => void): () => void {
    for (const event of this.#events) listener(event);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // What it takes.

  register(registry: RegistryName, member: Omit<Member, "index">): void {
    const run = (): void => {
      const members = this.#state.members[registry];
      const index = members.push(member.operator) - 1;
      this.#emit({ kind: "registered", registry, member: { ...member, index } });
      const l1Block = this.#state.number;
      if (registry === "provider")
        this.#emit({ kind: "seatTaken", index, place: index, weightMT: seatWeightOf(member.stakeWei), l1Block });
      if (registry !== "sequencer") return;
      const grid = stakeGridOf(member.stakeWei);
      this.#state.stakes.push({ epoch: this.slot, index, grid });
      const { stakeWei } = member;
      this.#emit({ kind: "stakeChanged", index, grid, stakeWei, l1Block });
    };
    this.#waiting.push({ run });
  }

  /** The DAC exists from the next block on. */
  createDac(label: string): ChainId {
    const chainId = toChainId(FIRST_CHAIN_ID + BigInt(this.#created++));
    const genesisHash = taggedHash("simulated/genesis", toWord(chainId));
    const run = (): void => {
      this.#state.chains.set(chainId, emptyChain(genesisHash));
      const founding = { charter: FREE_CHARTER, metisDao: METIS_DAO, bridge: L1_BRIDGE };
      const { timestamp } = this.#state;
      this.#emit({ kind: "dacCreated", chainId, label, genesisHash, timestamp, founding });
    };
    this.#waiting.push({ run });
    return chainId;
  }

  deposit(chainId: ChainId, to: Address, mint: bigint): void {
    const run = (): void => {
      const { queue, thresholds } = this.#chain(chainId);
      const { number: l1Block, timestamp } = this.#state;
      const mintedBefore = queue.reduce((sum, { item }) => sum + item.mint, 0n);
      const item = depositItem({ queueIndex: BigInt(queue.length), from: to, to, mint });
      const queued: QueuedItem = { item, l1Block, timestamp, mintedBefore };
      queue.push(queued);
      this.#emit({ kind: "queueItemAdded", chainId, ...queued });
      const bondWei = ((mintedBefore + mint) * BigInt(this.#settings.parameters.thresholdFactor)) / 10_000n;
      const thresholdMT = Number((bondWei + MT - 1n) / MT);
      if (thresholdMT === thresholds.at(-1)?.thresholdMT) return;
      thresholds.push({ epoch: this.slot, thresholdMT });
      this.#emit({ kind: "thresholdChanged", chainId, thresholdMT, l1Block });
    };
    this.#waiting.push({ run });
  }

  /**
   * Has a batch convicted by the next block, in place of the contract of the fraud proofs; nothing happens where it is final then,
   * or does not stand.
   */
  convict(convicted: BatchHeader): void {
    const { chainId, index } = convicted;
    const run = (): void => {
      const chain = this.#chain(chainId);
      const standing = chain.batches[Number(index)]?.header;
      if (standing === undefined || hashBatchHeader(standing) !== hashBatchHeader(convicted)) return;
      if (!this.#rollBack(standing)) return;
      this.#state.convicted.add(standing.poster);
      this.#emit({ kind: "convicted", sequencer: standing.poster, chainId });
    };
    this.#waiting.push({ run, mayBeLost: true });
  }

  /** Takes a batch that stands back, with all later ones of its chain; false where it is final. */
  #rollBack({ chainId, index }: BatchHeader): boolean {
    const chain = this.#chain(chainId);
    const { generation } = chain;
    if (!this.#rollup.rollBack(this.#state, chainId, index)) return false;
    const { timestamp } = this.#state;
    const { lastBlock } = chain;
    this.#emit({ kind: "rolledBack", chainId, generation, fromIndex: index, lastBlock, timestamp });
    return true;
  }

  // Asks.

  /** Has a stranger ask for an item of a batch in the next block; nothing happens where L1 does not take it. */
  ask(header: BatchHeader, item: AskItem): void {
    const run = (): void => {
      this.#emitAll(this.#rollup.asks.ask(this.#state, header, item));
    };
    this.#waiting.push({ run, mayBeLost: true });
  }

  /** Has somebody drop a batch in the next block, if what is asked for of it was not answered in time. */
  expire(header: BatchHeader): void {
    const run = (): void => {
      const end = this.#rollup.asks.expire(this.#state, header);
      if (typeof end === "string" || this.#rollup.asks.isFinal(this.#state, header)) return;
      this.#emitAll(end.before);
      this.#rollBack(header);
      this.#emitAll(end.after());
    };
    this.#waiting.push({ run });
  }

  /** Batches of which something is asked for and not answered, whether they stand or fell. */
  get asked(): readonly AskQueue[] {
    return [...this.#state.asks.values()].filter(({ isVoid, next, items }) => !isVoid && next < items.length);
  }

  /** Tells events, or gives back why there are none. */
  #emitAll(events: readonly L1Event[] | string): string | null {
    if (typeof events === "string") return events;
    for (const event of events) this.#emit(event);
    return null;
  }

  #eject(operator: Address): string | null {
    const { convicted, members, stakes, number: l1Block } = this.#state;
    if (!convicted.has(operator)) return "NotConvicted";
    const index = members.sequencer.indexOf(operator);
    if (stakes.findLast((stake) => stake.index === index)?.grid === 0) return null;
    stakes.push({ epoch: this.slot, index, grid: 0 });
    this.#emit({ kind: "exited", registry: "sequencer", operator });
    this.#emit({ kind: "stakeChanged", index, grid: 0, stakeWei: 0n, l1Block });
    return null;
  }

  /** The port of a sequencer: each call ends when the next block has taken it, or rejects with what L1 reverts with. */
  poster(sender: Address): L1Poster {
    return {
      appendBatch: (draft) => {
        const batch = signedAt(draft, inCalldata(draft.data));
        return this.#send(draft.claims.slot, () => this.#appendBatch(batch));
      },
      claimSlot: (claim) => this.#send(claim.slot, () => this.#claimSlot(sender, claim)),
      // deposits are never held here, and nothing is locked
      releaseHeld: () => this.#send(undefined, () => "nothing held"),
      releaseLocks: () => this.#send(undefined, () => "nothing locked"),
      eject: (sequencer) => this.#send(undefined, () => this.#eject(sequencer)),
      answer: (shown) =>
        this.#send(undefined, () => this.#emitAll(this.#rollup.asks.answer(this.#state, sender, shown))),
      payBack: ({ header, number }) =>
        this.#send(undefined, () => this.#emitAll(this.#rollup.asks.payBack(this.#state, header, number))),
      proveResult: () => Promise.reject(new L1Error("reverted", "the model of L1 has no court for results")),
    };
  }

  #send(slot: bigint | undefined, execute: () => string | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        const fault = execute();
        if (fault === null) resolve();
        else reject(new Reverted(fault));
      };
      this.#waiting.push({ ...(slot !== undefined && { slot }), run });
    });
  }

  #appendBatch(batch: SignedBatch): string | null {
    const fault = this.#rollup.batchFault(this.#state, batch);
    if (fault !== null) return fault;
    const { header, data } = batch;
    const { number: l1Block, timestamp } = this.#state;
    const chain = this.#chain(header.chainId);
    const batchHash = hashBatchHeader(header);
    chain.nextIndex = header.index + 1n;
    chain.lastHash = batchHash;
    chain.lastBlock = header.lastBlock;
    chain.queueEnd = header.queueEnd;
    chain.postedAt = l1Block;
    chain.batches.push({ header, data, timestamp });
    // the model has no transactions: a batch is found by its own hash
    this.#emit({ kind: "batchAppended", header, batchHash, transactionHash: batchHash, timestamp, l1Block });
    return null;
  }

  #claimSlot(sender: Address, claim: Parameters<L1Poster["claimSlot"]>[0]): string | null {
    const fault = this.#rollup.claimFault(this.#state, sender, claim);
    if (fault !== null) return fault;
    const { chainId, rank } = claim;
    const { slot } = this;
    const l1Block = this.#state.number;
    const chain = this.#chain(chainId);
    const previousRank = chain.claim?.slot === slot ? chain.claim.rank : 0;
    chain.claim = { slot, rank, previousRank, l1Block };
    this.#emit({ kind: "slotClaimed", chainId, slot, rank, l1Block });
    return null;
  }
}

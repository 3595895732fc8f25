/** L1 as the simulated nodes see it: blocks at a steady pace, the registries, queues and the rules of RollupChain. */
import { encodeCharter } from "@mvm/l1";
import {
  type Address,
  type BatchHeader,
  batchHeaderCodec,
  type ChainId,
  type Deposit,
  encode,
  fromHex,
  type Hash,
  keccakHash,
  LIMITS,
  type Parameters,
  sequencerTurn,
  slotOf,
  taggedHash,
  toAddress,
  toChainId,
  toWord,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import type { L1Event, Member, RegistryName } from "@mvm/roles";
import type { VirtualClock } from "./virtualClock.ts";

/** A batch as L1 holds it. */
export type BatchOnL1 = { readonly header: BatchHeader; readonly data: Uint8Array };

type ChainRecord = {
  nextIndex: bigint;
  lastHash: Hash;
  lastBlock: bigint;
  queueEnd: bigint;
  readonly queue: Deposit[];
  readonly batches: BatchOnL1[];
};

/** The charter of every simulated DAC: no rules, no tax, nobody may amend it. */
const FREE_CHARTER = fromHex(
  encodeCharter({ vision: "", mission: "", permissions: [], taxRates: [], managementContract: ZERO_ADDRESS }),
);
const METIS_DAO = toAddress("0x4d45544953000000000000000000000000000001");
/** wei per gas */
const BASE_FEE = 1_000_000_000n;

/** Milliseconds between two blocks. */
const BLOCK_MS = 1_000;

/** What L1 reverts with. */
class Reverted extends Error {
  readonly code = "reverted";
  constructor(reason: string) {
    super(`reverted: ${reason}`);
    this.name = "Reverted";
  }
}

export class ModelL1 {
  readonly #clock: VirtualClock;
  readonly #parameters: Parameters;
  readonly #events: L1Event[] = [];
  readonly #listeners = new Set<(event: L1Event) => void>();
  readonly #members: Record<RegistryName, Address[]> = { sequencer: [], provider: [], storage: [] };
  readonly #chains = new Map<ChainId, ChainRecord>();
  /** transactions that the next block takes, in their order */
  #waiting: (() => void)[] = [];
  #created = 0;
  #number = 0n;

  constructor(clock: VirtualClock, parameters: Parameters) {
    this.#clock = clock;
    this.#parameters = parameters;
  }

  /** Mines a block now, and then one at every interval. Listeners hear a block's events first, then of the block. */
  start(): void {
    this.#number += 1n;
    const transactions = this.#waiting;
    this.#waiting = [];
    for (const transaction of transactions) transaction();
    this.#emit({ kind: "l1Block", number: this.#number, timestamp: this.#timestamp, baseFeePerGas: BASE_FEE });
    this.#clock.schedule(BLOCK_MS, () => this.start());
  }

  get #timestamp(): bigint {
    return BigInt(Math.floor(this.#clock.nowMs() / 1000));
  }

  #emit(event: L1Event): void {
    this.#events.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  #chain(chainId: ChainId): ChainRecord {
    const chain = this.#chains.get(chainId);
    if (chain === undefined) throw new Reverted("unknown chain");
    return chain;
  }

  /** All events so far. */
  get events(): readonly L1Event[] {
    return this.#events;
  }

  /** Batches of a chain so far. */
  batches(chainId: ChainId): readonly BatchOnL1[] {
    return this.#chains.get(chainId)?.batches ?? [];
  }

  /** Deposits of a chain so far. */
  queue(chainId: ChainId): readonly Deposit[] {
    return this.#chains.get(chainId)?.queue ?? [];
  }

  /** Last block of a chain that is posted, 0 when none is. */
  postedHead(chainId: ChainId): bigint {
    return this.#chains.get(chainId)?.lastBlock ?? 0n;
  }

  /** Hears all events from the first on; returns the function that ends it. */
  follow(listener: (event: L1Event) => void): () => void {
    for (const event of this.#events) listener(event);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  register(registry: RegistryName, member: Omit<Member, "index">): void {
    this.#waiting.push(() => {
      const members = this.#members[registry];
      members.push(member.operator);
      this.#emit({ kind: "registered", registry, member: { ...member, index: members.length - 1 } });
    });
  }

  /** The DAC exists from the next block on. */
  createDac(label: string): ChainId {
    const chainId = toChainId(1_000 + this.#created++);
    const genesisHash = taggedHash("simulated/genesis", toWord(chainId));
    this.#waiting.push(() => {
      const start = { nextIndex: 0n, lastHash: genesisHash, lastBlock: 0n, queueEnd: 0n };
      this.#chains.set(chainId, { ...start, queue: [], batches: [] });
      const founding = { charter: FREE_CHARTER, metisDao: METIS_DAO };
      this.#emit({ kind: "dacCreated", chainId, label, genesisHash, timestamp: this.#timestamp, founding });
    });
    return chainId;
  }

  deposit(chainId: ChainId, to: Address, mint: bigint): void {
    this.#waiting.push(() => {
      const { queue } = this.#chain(chainId);
      const deposit: Deposit = { queueIndex: BigInt(queue.length), from: to, to, mint };
      queue.push(deposit);
      this.#emit({ kind: "deposited", chainId, l1Block: this.#number, deposit });
    });
  }

  /** Ends when the next block has taken the batch; rejects with what RollupChain reverts with. */
  appendBatch(sender: Address, header: BatchHeader, data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        const fault = this.#faultOf(sender, header, data);
        if (fault !== null) return reject(new Reverted(fault));
        const chain = this.#chain(header.chainId);
        const batchHash = keccakHash(encode(batchHeaderCodec, header));
        chain.nextIndex = header.index + 1n;
        chain.lastHash = batchHash;
        chain.lastBlock = header.lastBlock;
        chain.queueEnd = header.queueEnd;
        chain.batches.push({ header, data });
        this.#emit({ kind: "batchAppended", header, batchHash, timestamp: this.#timestamp });
        resolve();
      });
    });
  }

  #faultOf(sender: Address, header: BatchHeader, data: Uint8Array): string | null {
    const chain = this.#chains.get(header.chainId);
    if (chain === undefined) return "unknown chain";
    if (header.index !== chain.nextIndex || header.previousBatchHash !== chain.lastHash) return "not the next batch";
    if (header.firstBlock !== chain.lastBlock + 1n || header.lastBlock < header.firstBlock) return "not the next block";
    if (data.length > LIMITS.batchBytes || header.dataHash !== keccakHash(data)) return "data";
    if (header.queueEnd < chain.queueEnd || header.queueEnd > BigInt(chain.queue.length)) return "queue end";
    if (header.epochBlock > this.#number) return "epoch block";
    return this.#turnFault(sender, header);
  }

  #turnFault(sender: Address, header: BatchHeader): string | null {
    const { epochBlocks, postGraceBlocks } = this.#parameters;
    const present = slotOf(this.#number, epochBlocks);
    const inGrace = header.slot + 1n === present && this.#number % BigInt(epochBlocks) < BigInt(postGraceBlocks);
    if (header.slot !== present && !inGrace) return "slot not open";
    const sequencers = this.#members.sequencer;
    const turn = sequencers[sequencerTurn(header.chainId, header.slot, sequencers.length)];
    return turn === sender && header.poster === sender ? null : "not the sender's turn";
  }
}

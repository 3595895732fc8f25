/** L1 as the simulated nodes see it: blocks at a steady pace, the registries, queues and the rules of RollupChain. */
import {
  type Address,
  type BatchHeader,
  batchHeaderCodec,
  type ChainId,
  encode,
  type Hash,
  keccakHash,
  LIMITS,
  type Parameters,
  sequencerTurn,
  slotOf,
  taggedHash,
  toChainId,
  toWord,
} from "@mvm/protocol";
import type { L1Event, Member, RegistryName } from "@mvm/roles";
import type { VirtualClock } from "./virtualClock.ts";

type ChainRecord = { nextIndex: bigint; lastHash: Hash; lastBlock: bigint; queueEnd: bigint; queueLength: bigint };

const BLOCK_MS = 1_000;

export class ModelL1 {
  readonly #clock: VirtualClock;
  readonly #parameters: Parameters;
  readonly #events: L1Event[] = [];
  readonly #listeners = new Set<(event: L1Event) => void>();
  readonly #members: Record<RegistryName, Address[]> = { sequencer: [], provider: [], storage: [] };
  readonly #chains = new Map<ChainId, ChainRecord>();
  #number = 0n;

  constructor(clock: VirtualClock, parameters: Parameters) {
    this.#clock = clock;
    this.#parameters = parameters;
  }

  start(): void {
    this.#mine();
  }

  #mine(): void {
    this.#number += 1n;
    this.#emit({ kind: "l1Block", number: this.#number, timestamp: this.#timestamp });
    this.#clock.schedule(BLOCK_MS, () => this.#mine());
  }

  get #timestamp(): bigint {
    return BigInt(Math.floor(this.#clock.nowMs() / 1000));
  }

  #emit(event: L1Event): void {
    this.#events.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Hears all events from the first on; returns the function that ends it. */
  follow(listener: (event: L1Event) => void): () => void {
    for (const event of this.#events) listener(event);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  register(registry: RegistryName, member: Omit<Member, "index">): void {
    this.#members[registry].push(member.operator);
    this.#emit({ kind: "registered", registry, member: { ...member, index: this.#members[registry].length - 1 } });
  }

  createDac(label: string): ChainId {
    const chainId = toChainId(1_000 + this.#chains.size);
    const genesisHash = taggedHash("simulated/genesis", toWord(chainId));
    this.#chains.set(chainId, { nextIndex: 0n, lastHash: genesisHash, lastBlock: 0n, queueEnd: 0n, queueLength: 0n });
    this.#emit({
      kind: "dacCreated",
      chainId,
      label,
      genesisHash,
      timestamp: this.#timestamp,
      charter: "0x",
    });
    return chainId;
  }

  deposit(chainId: ChainId, to: Address, mint: bigint): void {
    const chain = this.#chains.get(chainId)!;
    const deposit = { queueIndex: chain.queueLength++, from: to, to, mint };
    this.#emit({ kind: "deposited", chainId, l1Block: this.#number, deposit });
  }

  /** Takes a batch in the next moment, or throws what RollupChain would revert with. */
  appendBatch(sender: Address, header: BatchHeader, data: Uint8Array): void {
    const fault = this.#faultOf(sender, header, data);
    if (fault !== null) throw new Error(`reverted: ${fault}`);
    const chain = this.#chains.get(header.chainId)!;
    const batchHash = keccakHash(encode(batchHeaderCodec, header));
    Object.assign(chain, {
      nextIndex: header.index + 1n,
      lastHash: batchHash,
      lastBlock: header.lastBlock,
      queueEnd: header.queueEnd,
    });
    this.#emit({ kind: "batchAppended", header, batchHash, timestamp: this.#timestamp });
  }

  #faultOf(sender: Address, header: BatchHeader, data: Uint8Array): string | null {
    const chain = this.#chains.get(header.chainId);
    if (chain === undefined) return "unknown chain";
    const slot = slotOf(this.#number, this.#parameters.epochBlocks);
    const sequencers = this.#members.sequencer;
    if (header.slot !== slot || sequencers[sequencerTurn(header.chainId, slot, sequencers.length)] !== sender)
      return "not the sender's turn";
    if (header.index !== chain.nextIndex || header.previousBatchHash !== chain.lastHash) return "not the next batch";
    if (header.firstBlock !== chain.lastBlock + 1n || header.lastBlock < header.firstBlock) return "not the next block";
    if (header.queueEnd < chain.queueEnd || header.queueEnd > chain.queueLength) return "queue end";
    return data.length > LIMITS.batchBytes || header.dataHash !== keccakHash(data) ? "data" : null;
  }
}

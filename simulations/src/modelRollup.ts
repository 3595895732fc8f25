/** What L1's contracts hold in the model, and the rules by which RollupChain takes batches and claims. */
import type { SignedBatch } from "@mvm/node";
import {
  type Address,
  type BatchHeader,
  batchDigest,
  type ChainId,
  concatBytes,
  effectiveStakeOf,
  epochOf,
  firstBlockOf,
  fromHex,
  type Hash,
  keccakHash,
  LIMITS,
  MAX_RANKS,
  type NetworkIdentity,
  type Parameters,
  SNAPSHOT_DISTANCE,
  signerOf,
  slotSeed,
  toWord,
  ZERO_HASH,
} from "@mvm/protocol";
import type { QueuedItem, RegistryName } from "@mvm/roles";
import { type AskQueue, type ClockPause, copyOfQueue, ModelAsks } from "./modelAsks.ts";

/** A batch as L1 holds it; timestamp of its L1 block in seconds. */
export type BatchOnL1 = { readonly header: BatchHeader; readonly data: Uint8Array; readonly timestamp: bigint };

type SlotClaim = {
  readonly slot: bigint;
  readonly rank: number;
  readonly previousRank: number;
  readonly l1Block: bigint;
};

export type ChainRecord = {
  nextIndex: bigint;
  lastHash: Hash;
  lastBlock: bigint;
  queueEnd: bigint;
  generation: bigint;
  /** L1 block of the last batch, whether it stands or fell */
  postedAt: bigint;
  /** seconds; of the last rollback */
  rolledBackAt: bigint;
  claim: SlotClaim | null;
  readonly queue: QueuedItem[];
  /** thresholds in whole MT, by the epoch in which they were set */
  readonly thresholds: { readonly epoch: bigint; readonly thresholdMT: number }[];
  readonly batches: BatchOnL1[];
  /** how often its clock is held, and when it stood */
  holds: number;
  readonly pauses: ClockPause[];
};

/** Everything that a reorganisation takes back. */
export type ModelState = {
  number: bigint;
  /** seconds */
  timestamp: bigint;
  readonly members: Record<RegistryName, Address[]>;
  /** sequencers whose batch fell */
  readonly convicted: Set<Address>;
  /** stakes of sequencers in the order of their changes */
  readonly stakes: { readonly epoch: bigint; readonly index: number; readonly grid: number }[];
  /** randomness of the epochs that are drawn */
  readonly randomness: Map<bigint, Hash>;
  readonly chains: Map<ChainId, ChainRecord>;
  /** asks by batch hash, and all items that ever were asked for */
  readonly asks: Map<Hash, AskQueue>;
  readonly asked: Set<string>;
};

export const emptyState = (): ModelState => ({
  number: 0n,
  timestamp: 0n,
  members: { sequencer: [], provider: [], storage: [] },
  convicted: new Set(),
  stakes: [],
  randomness: new Map(),
  chains: new Map(),
  asks: new Map(),
  asked: new Set(),
});

/** A state that changes of another do not touch. */
export function copyOf(state: ModelState): ModelState {
  const { sequencer, provider, storage } = state.members;
  const chains = [...state.chains].map(([chainId, chain]): [ChainId, ChainRecord] => [
    chainId,
    {
      ...chain,
      queue: [...chain.queue],
      thresholds: [...chain.thresholds],
      batches: [...chain.batches],
      pauses: chain.pauses.map((pause) => ({ ...pause })),
    },
  ]);
  return {
    ...state,
    members: { sequencer: [...sequencer], provider: [...provider], storage: [...storage] },
    convicted: new Set(state.convicted),
    stakes: [...state.stakes],
    randomness: new Map(state.randomness),
    chains: new Map(chains),
    asks: new Map([...state.asks].map(([batchHash, queue]) => [batchHash, copyOfQueue(queue)])),
    asked: new Set(state.asked),
  };
}

/** A chain that has nothing yet. */
export const emptyChain = (genesisHash: Hash): ChainRecord => ({
  nextIndex: 0n,
  lastHash: genesisHash,
  lastBlock: 0n,
  queueEnd: 0n,
  generation: 0n,
  postedAt: 0n,
  rolledBackAt: 0n,
  claim: null,
  queue: [],
  thresholds: [],
  batches: [],
  holds: 0,
  pauses: [],
});

/** The rules over a state: what RollupChain reverts with, as far as the model goes (no bonds, no blobs). */
export class ModelRollup {
  readonly asks: ModelAsks;
  readonly #network: NetworkIdentity;
  readonly #parameters: Parameters;

  constructor(network: NetworkIdentity, parameters: Parameters) {
    this.#network = network;
    this.#parameters = parameters;
    this.asks = new ModelAsks(parameters);
  }

  slotOf(state: ModelState): bigint {
    return epochOf(state.number, this.#parameters.epochBlocks);
  }

  /**
   * The sequencers of a slot by rank: drawn here from the list of all stakes, one after the other, in proportion to
   * stake. Members lie on a line by position on the grid, then by place, where who leaves is replaced by the last.
   */
  ranks(state: ModelState, chainId: ChainId, slot: bigint): readonly Address[] {
    const randomness = state.randomness.get(slot);
    const chain = state.chains.get(chainId);
    if (randomness === undefined || chain === undefined || slot < SNAPSHOT_DISTANCE) return [];
    const snapshot = slot - SNAPSHOT_DISTANCE;
    const thresholdMT = chain.thresholds.findLast(({ epoch }) => epoch <= snapshot)?.thresholdMT ?? 0;
    const left = lineOf(state.stakes.filter(({ epoch }) => epoch <= snapshot)).filter(
      ({ weight }) => weight >= thresholdMT,
    );
    const seed = fromHex(slotSeed(randomness, chainId, slot));
    const drawn: Address[] = [];
    while (left.length > 0 && drawn.length < MAX_RANKS) {
      const total = left.reduce((sum, { weight }) => sum + BigInt(weight), 0n);
      let point = BigInt(keccakHash(concatBytes(seed, toWord(BigInt(drawn.length))))) % total;
      const at = left.findIndex(({ weight }) => {
        point -= BigInt(weight);
        return point < 0n;
      });
      drawn.push(state.members.sequencer[left[at]!.index]!);
      left.splice(at, 1);
    }
    return drawn;
  }

  /** Number of items that blocks of a slot may consume. */
  consumable(state: ModelState, chainId: ChainId, slot: bigint): bigint {
    const end = firstBlockOf(slot - SNAPSHOT_DISTANCE + 1n, this.#parameters.epochBlocks);
    const queue = state.chains.get(chainId)?.queue ?? [];
    return BigInt(queue.filter(({ l1Block }) => l1Block < end).length);
  }

  /** Why a batch is not taken, in the order of the contract's checks; null where it is. */
  batchFault(state: ModelState, batch: SignedBatch): string | null {
    const { header, data, signature } = batch;
    const chain = state.chains.get(header.chainId);
    if (chain === undefined) return "unknown chain";
    if (header.index < chain.nextIndex) return "nothing to append";
    if (header.index > chain.nextIndex) return "not the next batch";
    if (!this.#isOpen(state, header.slot)) return "slot not open";
    const blocks = header.lastBlock - header.firstBlock + 1n;
    if (blocks < 1n || blocks > BigInt(LIMITS.batchBlocks)) return "block range";
    if (data.length === 0 || data.length > LIMITS.batchBytes) return "data";
    const queueFault = this.#queueFault(state, chain, batch);
    if (queueFault !== null) return queueFault;
    // the contract makes these fields itself: another value is a signature over another header
    const follows =
      header.previousBatchHash === chain.lastHash &&
      header.firstBlock === chain.lastBlock + 1n &&
      header.generation === chain.generation &&
      header.blobHash === ZERO_HASH &&
      header.dataHash === keccakHash(data);
    const randomness = state.randomness.get(header.slot);
    if (!follows || randomness === undefined) return "signature";
    if (signerOf(batchDigest(this.#network, randomness, header), signature) !== header.poster) return "signature";
    const turnFault = this.#turnFault(state, chain, batch);
    // who was convicted has no bond that could be locked
    return turnFault ?? (state.convicted.has(header.poster) ? "convicted" : null);
  }

  /** Takes the batch of an index back, with all later ones; false where it is final or does not stand. */
  rollBack(state: ModelState, chainId: ChainId, index: bigint): boolean {
    const chain = state.chains.get(chainId);
    const batch = chain?.batches[Number(index)];
    if (chain === undefined || batch === undefined || this.asks.isFinal(state, batch.header)) return false;
    const { header } = batch;
    chain.batches.length = Number(index);
    chain.nextIndex = index;
    chain.lastHash = header.previousBatchHash;
    chain.lastBlock = header.firstBlock - 1n;
    chain.queueEnd = chain.batches.at(-1)?.header.queueEnd ?? 0n;
    chain.generation += 1n;
    chain.rolledBackAt = state.timestamp;
    return true;
  }

  #isOpen(state: ModelState, slot: bigint): boolean {
    const present = this.slotOf(state);
    const begin = firstBlockOf(present, this.#parameters.epochBlocks);
    const inGrace = slot + 1n === present && state.number < begin + BigInt(this.#parameters.postGraceBlocks);
    return (slot === present || inGrace) && slot >= SNAPSHOT_DISTANCE;
  }

  #queueFault(state: ModelState, chain: ChainRecord, { header, nextItem }: SignedBatch): string | null {
    const { chainId, slot, queueEnd } = header;
    if (queueEnd < chain.queueEnd) return "queue end goes back";
    const consumable = this.consumable(state, chainId, slot);
    if (queueEnd > consumable) return "queue end is beyond the queue";
    if (queueEnd === consumable || queueEnd - chain.queueEnd >= MAX_FORCED) return null;
    if (nextItem === undefined || !isShown(chain, queueEnd, nextItem)) return "next item is not shown";
    const overdueAt = nextItem.timestamp + BigInt(this.#parameters.forceDelaySeconds);
    return state.timestamp >= overdueAt ? "leaves an overdue item" : null;
  }

  #turnFault(state: ModelState, chain: ChainRecord, { header, firstItem }: SignedBatch): string | null {
    const { chainId, slot, poster } = header;
    const { rankDelayBlocks, forceDelaySeconds, openAfterSeconds } = this.#parameters;
    const claim = chain.claim?.slot === slot ? chain.claim : { rank: 0, previousRank: 0, l1Block: 0n };
    const handingOver = state.number < claim.l1Block + BigInt(rankDelayBlocks);
    if (this.ranks(state, chainId, slot)[handingOver ? claim.previousRank : claim.rank] === poster) return null;
    const isActive = state.members.sequencer.includes(poster) && !state.convicted.has(poster);
    if (firstItem === undefined || !isActive) return "not elected";
    if (!isShown(chain, chain.queueEnd, firstItem)) return "first item is not shown";
    const { rolledBackAt } = chain;
    const since = firstItem.timestamp > rolledBackAt ? firstItem.timestamp : rolledBackAt;
    const openAt = since + BigInt(forceDelaySeconds + openAfterSeconds);
    return state.timestamp < openAt ? "not overdue" : null;
  }

  /** Why a sequencer may not claim the present slot; null where it may. */
  claimFault(
    state: ModelState,
    sender: Address,
    { chainId, rank }: { readonly chainId: ChainId; readonly rank: number },
  ): string | null {
    const chain = state.chains.get(chainId);
    if (chain === undefined) return "unknown chain";
    const slot = this.slotOf(state);
    const claim = chain.claim?.slot === slot ? chain.claim : { rank: 0, l1Block: 0n };
    if (rank <= claim.rank || rank >= MAX_RANKS) return "wrong rank";
    const begin = firstBlockOf(slot, this.#parameters.epochBlocks);
    const since = [begin, chain.postedAt, claim.l1Block].reduce((a, b) => (a > b ? a : b));
    if (state.number < since + BigInt((rank - claim.rank) * this.#parameters.rankDelayBlocks)) return "not silent yet";
    return this.ranks(state, chainId, slot)[rank] === sender ? null : "not elected";
  }
}

/** Most overdue items that a batch has to consume, as RollupChain has it. */
const MAX_FORCED = 16n;

/** Whether an item is the one at a place of the queue, as Inbox.requireItem has it for deposits. */
function isShown({ queue }: ChainRecord, index: bigint, shown: QueuedItem): boolean {
  const word = ({ item, l1Block, timestamp, mintedBefore }: QueuedItem): string =>
    [item.queueIndex, item.kind, item.from, item.to, item.mint, l1Block, timestamp, mintedBefore].join();
  const queued = queue[Number(index)];
  return queued !== undefined && word(queued) === word(shown);
}

function lineOf(changes: ModelState["stakes"]): { readonly index: number; readonly weight: number }[] {
  const positions = new Map<number, number[]>();
  for (const { index, grid } of changes) {
    if (positions.get(grid)?.includes(index)) continue;
    for (const places of positions.values()) {
      const place = places.indexOf(index);
      const last = place < 0 ? undefined : places.pop();
      if (last !== undefined && last !== index) places[place] = last;
    }
    if (grid === 0) continue;
    positions.set(grid, [...(positions.get(grid) ?? []), index]);
  }
  return [...positions]
    .sort(([left], [right]) => left - right)
    .flatMap(([grid, places]) => places.map((index) => ({ index, weight: effectiveStakeOf(grid) })));
}

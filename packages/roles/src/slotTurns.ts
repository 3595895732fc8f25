/**
 * Whose turn the slots are: epochs' randomness and L1 values, stakes and thresholds as draws see them, claims of silent
 * slots. Every change gives back how it is undone.
 */
import {
  type Address,
  type ChainId,
  drawBlockOf,
  drawSequencers,
  epochOf,
  epochRandomness,
  type Hash,
  MAX_RANKS,
  type PeerId,
  SNAPSHOT_DISTANCE,
  SNAPSHOT_EPOCHS,
  StakeHistory,
  slotSeed,
} from "@mvm/protocol";
import type { Member } from "./l1Event.ts";
import { put, type Undo } from "./undo.ts";

/** What L1 was at an epoch's draw block: the L1 values of all blocks of that slot. */
export type EpochValues = {
  readonly l1Block: bigint;
  /** seconds */
  readonly timestamp: bigint;
  /** wei per L1 gas */
  readonly l1BaseFee: bigint;
  readonly randomness: Hash;
};

/** Epochs whose values are kept: two months of mainnet's. */
export const KEPT_EPOCHS = 16_384n;
const MT = 10n ** 18n;

type Threshold = { readonly epoch: bigint; readonly thresholdMT: number };
type Claim = { readonly rank: number; readonly l1Block: bigint };
type SlotClaim = Claim & { readonly slot: bigint };
/** Claims that are kept of a chain: those of its last slots, each of which has less than MAX_RANKS. */
const KEPT_CLAIMS = SNAPSHOT_EPOCHS * MAX_RANKS;

export class SlotTurns {
  readonly #epochBlocks: number;
  readonly #keptEpochs: bigint;
  readonly #epochs = new Map<bigint, EpochValues>();
  readonly #stakes = new StakeHistory();
  readonly #sequencers = new Map<number, Member>();
  readonly #thresholds = new Map<ChainId, readonly Threshold[]>();
  readonly #claims = new Map<ChainId, readonly SlotClaim[]>();

  constructor(epochBlocks: number, keptEpochs: bigint = KEPT_EPOCHS) {
    this.#epochBlocks = epochBlocks;
    this.#keptEpochs = keptEpochs;
  }

  /** Takes an L1 block; keeps its values if it is the draw block of an epoch. */
  l1Block(block: { number: bigint; timestamp: bigint; baseFeePerGas: bigint; prevRandao: Hash }): Undo {
    const epoch = epochOf(block.number, this.#epochBlocks) + 1n;
    if (drawBlockOf(epoch, this.#epochBlocks) !== block.number) return () => undefined;
    this.#epochs.set(epoch, {
      l1Block: block.number,
      timestamp: block.timestamp,
      l1BaseFee: block.baseFeePerGas,
      randomness: epochRandomness(epoch, block.prevRandao),
    });
    const oldest = epoch - this.#keptEpochs;
    const forgotten = this.#epochs.get(oldest);
    this.#epochs.delete(oldest);
    return () => {
      this.#epochs.delete(epoch);
      if (forgotten !== undefined) this.#epochs.set(oldest, forgotten);
    };
  }

  registered(member: Member): Undo {
    return put(this.#sequencers, member.index, member);
  }

  /** Whether a peer is, or was, that of a sequencer. */
  isKnown(peer: PeerId): boolean {
    return [...this.#sequencers.values()].some(({ peerId }) => peerId === peer);
  }

  /** A sequencer as it is, or was when it left; the later one, where an account registered again. */
  sequencer(operator: Address): Member | undefined {
    return [...this.#sequencers.values()].findLast((member) => member.operator === operator);
  }

  stakeChanged(index: number, grid: number, l1Block: bigint): Undo {
    return this.#stakes.apply({ epoch: epochOf(l1Block, this.#epochBlocks), index, grid });
  }

  thresholdChanged(chainId: ChainId, thresholdMT: number, l1Block: bigint): Undo {
    const epoch = epochOf(l1Block, this.#epochBlocks);
    const before = this.#thresholds.get(chainId) ?? [];
    const earlier = before.at(-1)?.epoch === epoch ? before.slice(0, -1) : before;
    return put(this.#thresholds, chainId, [...earlier, { epoch, thresholdMT }].slice(-SNAPSHOT_EPOCHS));
  }

  claimed(chainId: ChainId, slot: bigint, claim: Claim): Undo {
    const before = this.#claims.get(chainId) ?? [];
    return put(this.#claims, chainId, [...before, { ...claim, slot }].slice(-KEPT_CLAIMS));
  }

  /** L1 values of a slot's blocks; undefined before its draw block, or where they are no longer kept. */
  valuesOf(slot: bigint): EpochValues | undefined {
    return this.#epochs.get(slot);
  }

  /** The claims of a slot, in their order. */
  claimsOf(chainId: ChainId, slot: bigint): readonly Claim[] {
    return (this.#claims.get(chainId) ?? []).filter((claim) => claim.slot === slot);
  }

  /** wei of MT that a sequencer's effective stake has to reach in a slot; undefined where that is no longer known. */
  thresholdWei(chainId: ChainId, slot: bigint): bigint | undefined {
    const changes = this.#thresholds.get(chainId) ?? [];
    const change = changes.findLast(({ epoch }) => epoch <= slot - SNAPSHOT_DISTANCE);
    if (change === undefined && changes.length === SNAPSHOT_EPOCHS) return undefined;
    return BigInt(change?.thresholdMT ?? 0) * MT;
  }

  /**
   * The sequencers of a slot by rank, as RollupChain draws them, the first `count`; none where the slot cannot be drawn, yet or
   * any more.
   */
  ranks(chainId: ChainId, slot: bigint, count = MAX_RANKS): readonly Member[] {
    const values = this.#epochs.get(slot);
    if (values === undefined || slot < SNAPSHOT_DISTANCE || !this.#stakes.remembers(slot - SNAPSHOT_DISTANCE))
      return [];
    const thresholdWei = this.thresholdWei(chainId, slot);
    if (thresholdWei === undefined) return [];
    const draw = {
      tree: this.#stakes.snapshot(slot - SNAPSHOT_DISTANCE),
      seed: slotSeed(values.randomness, chainId, slot),
      thresholdWei,
    };
    return drawSequencers(draw, count).map((index) => this.#sequencers.get(index)!);
  }

  /** The sequencer of a rank; undefined where none qualifies. */
  drawn(chainId: ChainId, slot: bigint, rank: number): Member | undefined {
    return this.ranks(chainId, slot, rank + 1)[rank];
  }

  /** A sequencer's rank in a slot; undefined where it has none. */
  rankOf(chainId: ChainId, slot: bigint, operator: Address): number | undefined {
    const rank = this.ranks(chainId, slot).findIndex((member) => member.operator === operator);
    return rank < 0 ? undefined : rank;
  }
}

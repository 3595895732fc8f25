/**
 * When a sequencer posts a chain's blocks: at moments that its node's chains have in common, and at once where a batch's worth
 * waits; one batch after the other.
 */
import {
  type Address,
  type ChainId,
  LIMITS,
  type Parameters,
  postedTransactions,
  type SealedBlock,
} from "@mvm/protocol";
import type { L1View } from "./l1View.ts";
import type { Moment } from "./machine.ts";
import type { PostEffect } from "./sequencerEffects.ts";

/** Milliseconds until a batch that L1 took must be seen there; a reorganisation may have lost it. */
const PATIENCE_MS = 15_000;

type Taken = { readonly generation: bigint; readonly lastBlock: bigint };

export class Posting {
  readonly #view: L1View;
  readonly #chainId: ChainId;
  readonly #intervalMs: number;
  /** within the interval */
  readonly #phaseMs: number;
  /** blocks that wait, ascending, with the bytes of their users' transactions: about what they take in a batch, rather more */
  #waiting: { readonly number: bigint; readonly bytes: number }[] = [];
  /** a batch on its way, or taken by L1 and not yet seen there; one of an earlier generation than the present holds nothing up */
  #batch: { readonly generation: bigint; readonly lastBlock: bigint; readonly untilMs: number } | null = null;

  constructor(options: {
    readonly view: L1View;
    readonly chainId: ChainId;
    readonly operator: Address;
    readonly parameters: Parameters;
  }) {
    this.#view = options.view;
    this.#chainId = options.chainId;
    this.#intervalMs = options.parameters.batchIntervalMs;
    this.#phaseMs = Number(BigInt(options.operator) % BigInt(this.#intervalMs));
  }

  /** The next regular moment: the same for all chains of a node, so that batches can share a transaction. */
  nextMs({ nowMs }: Moment): number {
    return Math.floor((nowMs - this.#phaseMs) / this.#intervalMs + 1) * this.#intervalMs + this.#phaseMs;
  }

  /** Whether a batch's worth waits. */
  get isFull(): boolean {
    const posted = this.#view.postedHead(this.#chainId);
    this.#waiting = this.#waiting.filter(({ number }) => number > posted);
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0) >= LIMITS.batchBytes;
  }

  /** The chain has a new head: a block on top, or, where that is null, what a rollback left. */
  headChanged(head: bigint, block: SealedBlock | null): void {
    this.#waiting = this.#waiting.filter(({ number }) => number < head || (block === null && number === head));
    if (block === null) return;
    const bytes = postedTransactions(block).reduce((sum, { length }) => sum + length, 0);
    this.#waiting.push({ number: head, bytes });
  }

  /** The next batch, of what is not on L1 up to the head; null where there is nothing, or one is on its way. */
  next(head: bigint, { nowMs }: Moment): PostEffect | null {
    const generation = this.#view.generation(this.#chainId);
    const from = this.#view.postedHead(this.#chainId) + 1n;
    const batch = this.#batch?.generation === generation ? this.#batch : null;
    const isUnderWay = batch !== null && batch.lastBlock >= from && batch.untilMs > nowMs;
    if (isUnderWay || head < from) return null;
    this.#batch = { generation, lastBlock: head, untilMs: Number.POSITIVE_INFINITY };
    const latest = this.#view.block.timestamp + LIMITS.postedLeadSeconds;
    return { kind: "post", chainId: this.#chainId, generation, from, to: head, slot: this.#view.slot, latest };
  }

  /** L1 took a batch of a generation. */
  posted({ generation, lastBlock }: Taken, { nowMs }: Moment): void {
    if (generation === this.#batch?.generation) this.#batch = { generation, lastBlock, untilMs: nowMs + PATIENCE_MS };
  }

  /** L1 took none, of a generation. */
  failed(generation: bigint): void {
    if (generation === this.#batch?.generation) this.#batch = null;
  }
}

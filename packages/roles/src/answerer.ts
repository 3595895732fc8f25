/**
 * Answers what is asked for on L1 of posted batches: the poster at once; if it is silent, others who have the leaves, one
 * after the other, for they are paid for it. What there is to do follows from L1 alone, so that a crash forgets nothing; an answer
 * that comes second is refused before it is sent. For batches that fell with asks open, whoever leads their chain's slot has L1 let
 * go of the chain's clock.
 */
import { type Address, type ChainId, encodeAskItem, isPosters, type Parameters } from "@mvm/protocol";
import type { L1View, OpenAsk } from "./l1View.ts";
import type { Moment, NoteEffect } from "./machine.ts";

/** What the machine asks of the node's view of L1. */
export type AnswererView = Pick<L1View, "block" | "openAsks" | "hosts" | "member" | "turn">;

/** Show what is asked for on L1; or, of a batch that fell, have the price paid back. Ends in an Ended event. */
export type AskEffect = { readonly kind: "disclose" | "payBack"; readonly ask: OpenAsk };

export type AnswererEffect = NoteEffect | AskEffect;

export type AnswererEvent =
  /** there is a new L1 block */
  | { readonly kind: "l1Changed" }
  /** L1 took what an effect asked for, or the reason why not */
  | { readonly kind: "ended"; readonly effect: AskEffect; readonly reason: string | null };

/** Answers that are under way at once: L1 takes a node's transactions one after the other. */
const MAX_UNDER_WAY = 4;
/** Parts of the time to answer; who is further back in the order begins later by one for each place. */
const PARTS = 8n;
/** Place of the first host in the order, and of all sequencers. */
const FIRST_HOST = 2;
const SEQUENCERS = 5;
/** L1 blocks until something that L1 took, and that it still shows as open, is tried again: it may have taken it back. */
const PATIENCE_BLOCKS = 8n;
/** L1 blocks between two attempts after many refusals, at the most. */
const MAX_PAUSE_BLOCKS = 8n;

type Attempt = { underWay: boolean; pause: bigint; fromBlock: bigint };

/** Names what an effect is to achieve; L1 may take asks back, and number others so. */
export const nameOfAsk = ({ kind, ask }: AskEffect): string =>
  `${kind}:${ask.batchHash}:${ask.number}:${encodeAskItem(ask.item)}`;

export class Answerer {
  readonly #view: AnswererView;
  readonly #operator: Address;
  readonly #revealDelay: bigint;
  readonly #follows: (chainId: ChainId) => boolean;
  readonly #attempts = new Map<string, Attempt>();

  /** @param options.follows whether the node has a chain's blocks */
  constructor(options: {
    readonly view: AnswererView;
    readonly operator: Address;
    readonly parameters: Pick<Parameters, "revealDelaySeconds">;
    readonly follows: (chainId: ChainId) => boolean;
  }) {
    this.#view = options.view;
    this.#operator = options.operator;
    this.#revealDelay = BigInt(options.parameters.revealDelaySeconds);
    this.#follows = options.follows;
  }

  handle(event: AnswererEvent, _moment: Moment): readonly AnswererEffect[] {
    return event.kind === "l1Changed" ? this.#begin() : this.#ended(event);
  }

  /** What is due, the most urgent first, as much as may be under way. What failed comes last: it may take long to fail again. */
  #begin(): readonly AnswererEffect[] {
    const { standing, fallen } = this.#view.openAsks();
    const leads = ({ batch }: OpenAsk): boolean =>
      this.#view.turn(batch.header.chainId)?.member.operator === this.#operator;
    const byUrgency = standing.filter((ask) => this.#isDue(ask)).sort((a, b) => Number(a.until - b.until));
    const all: readonly AskEffect[] = [
      ...byUrgency.map((ask) => ({ kind: "disclose", ask }) as const),
      ...fallen.filter(leads).map((ask) => ({ kind: "payBack", ask }) as const),
    ];
    const hasFailed = (effect: AskEffect): boolean => (this.#attempts.get(nameOfAsk(effect))?.pause ?? 1n) > 1n;
    const due = [...all.filter((effect) => !hasFailed(effect)), ...all.filter(hasFailed)];
    const names = new Set(due.map(nameOfAsk));
    for (const [name, { underWay }] of this.#attempts) if (!underWay && !names.has(name)) this.#attempts.delete(name);
    let room = MAX_UNDER_WAY - [...this.#attempts.values()].filter(({ underWay }) => underWay).length;
    return due.filter((effect) => {
      const attempt = this.#attempts.get(nameOfAsk(effect));
      if (room === 0 || attempt?.underWay === true) return false;
      if (attempt !== undefined && this.#view.block.number < attempt.fromBlock) return false;
      this.#attempts.set(nameOfAsk(effect), { underWay: true, pause: attempt?.pause ?? 1n, fromBlock: 0n });
      room -= 1;
      return true;
    });
  }

  #isDue(ask: OpenAsk): boolean {
    if (!this.#follows(ask.batch.header.chainId)) return false;
    const place = this.#placeOf(ask);
    if (place === undefined) return false;
    const from = ask.until - this.#revealDelay + (BigInt(place) * this.#revealDelay) / PARTS;
    return this.#view.block.timestamp >= from;
  }

  /**
   * The node's place among those who may answer: who answered the batch's last ask, its poster, hosts, sequencers. What becomes of one
   * transaction, part by part, its poster alone may say.
   */
  #placeOf({ batch, item, lastAnswerer }: OpenAsk): number | undefined {
    const { chainId, poster } = batch.header;
    if (isPosters(item)) return this.#operator === poster ? 0 : undefined;
    if (this.#operator === (lastAnswerer ?? poster)) return 0;
    if (this.#operator === poster) return 1;
    const host = this.#view.hosts(chainId).findIndex(({ operator }) => operator === this.#operator);
    if (host >= 0) return Math.min(FIRST_HOST + host, SEQUENCERS);
    return this.#view.member("sequencer", this.#operator) === undefined ? undefined : SEQUENCERS;
  }

  #ended({ effect, reason }: AnswererEvent & { kind: "ended" }): readonly AnswererEffect[] {
    const attempt = this.#attempts.get(nameOfAsk(effect));
    if (attempt === undefined) return [];
    const { number: block } = this.#view.block;
    attempt.underWay = false;
    const { chainId, index } = effect.ask.batch.header;
    const data = { chainId, index, number: effect.ask.number, item: effect.ask.item.kind };
    if (reason === null) {
      attempt.fromBlock = block + PATIENCE_BLOCKS;
      const code = effect.kind === "disclose" ? "ask-answered" : "ask-paid-back";
      return [{ kind: "note", level: "info", code, data }];
    }
    attempt.fromBlock = block + attempt.pause;
    attempt.pause = attempt.pause * 2n > MAX_PAUSE_BLOCKS ? MAX_PAUSE_BLOCKS : attempt.pause * 2n;
    return [
      {
        kind: "note",
        level: "warn",
        code: effect.kind === "disclose" ? "ask-not-answered" : "ask-not-paid-back",
        data: { ...data, reason },
      },
    ];
  }
}

/**
 * Cover (design page 20, "Blindness"): at every tick at which a sequencer leads a chain and sends no job, it sends one without messages to the holders
 * of two drawn seats, through couriers as any other. Whoever carries or watches links sees the same then as of a block's job. Its holders
 * see that it is empty, when they have opened it; nothing comes of it.
 */
import {
  type Address,
  environmentOf,
  GENESIS_BASE_FEE,
  type Hash,
  type Job,
  type JobId,
  LIMITS,
  type Parameters,
  prevRandaoOf,
  taggedHash,
} from "@mvm/protocol";
import type { L1View } from "./l1View.ts";
import type { AnsweredEvent, Moment, RequestEffect, RequestFailedEvent, TimerEffect } from "./machine.ts";

export type CoverEffect = RequestEffect | TimerEffect;
export type CoverEvent =
  | { readonly kind: "started" }
  | { readonly kind: "timer"; readonly name: "tick" | "cover" }
  /** a job left the node, with a request's ticket: cover too */
  | { readonly kind: "jobSent"; readonly ticket: string }
  | AnsweredEvent
  | RequestFailedEvent;

export type CoverOptions = {
  readonly view: Pick<L1View, "slot" | "dacs" | "turn" | "seatsOf" | "couriersOf">;
  readonly operator: Address;
  readonly parameters: Pick<Parameters, "tickSeconds" | "jobTimeoutMs">;
};

/** Jobs whose distance from their tick is remembered: cover is sent at one of these. */
const REMEMBERED = 32;
/** Distance from the tick before there was a job, as a share of the time between two. */
const FIRST_SHARE = 1 / 16;

export class Cover {
  readonly #options: CoverOptions;
  readonly #tickMs: number;
  /** tickets of requests that are not answered yet */
  readonly #open = new Set<string>();
  /** milliseconds from a tick until the jobs of the blocks that began on it left */
  readonly #distances: number[] = [];
  #lastJobMs = Number.NEGATIVE_INFINITY;
  #tickets = 0;

  constructor(options: CoverOptions) {
    this.#options = options;
    this.#tickMs = options.parameters.tickSeconds * 1_000;
  }

  handle(event: CoverEvent, moment: Moment): readonly CoverEffect[] {
    switch (event.kind) {
      case "started":
        return [this.#nextTick(moment)];
      case "timer":
        return event.name === "tick" ? this.#tick(moment) : this.#send(moment);
      case "jobSent":
        if (!this.#open.has(event.ticket)) this.#sent(moment);
        return [];
      case "answered":
      case "requestFailed":
        this.#open.delete(event.ticket);
        return [];
    }
  }

  #nextTick({ nowMs }: Moment): TimerEffect {
    return { kind: "timer", name: "tick", atMs: (Math.floor(nowMs / this.#tickMs) + 1) * this.#tickMs };
  }

  #tickBefore({ nowMs }: Moment): number {
    return nowMs - (nowMs % this.#tickMs);
  }

  #sent(moment: Moment): void {
    const tickMs = this.#tickBefore(moment);
    // what follows on the first is for who stands in, or is of a later job of the block
    if (this.#lastJobMs < tickMs) this.#distances.push(moment.nowMs - tickMs);
    if (this.#distances.length > REMEMBERED) this.#distances.shift();
    this.#lastJobMs = moment.nowMs;
  }

  #tick(moment: Moment): readonly CoverEffect[] {
    const drawn = Number(BigInt(moment.entropy) % BigInt(this.#distances.length || 1));
    const distanceMs = this.#distances[drawn] ?? this.#tickMs * FIRST_SHARE;
    return [{ kind: "timer", name: "cover", atMs: this.#tickBefore(moment) + distanceMs }, this.#nextTick(moment)];
  }

  /** Sends cover, unless a job has left since the tick, or no chain is the own. */
  #send(moment: Moment): readonly RequestEffect[] {
    const { view, operator, parameters } = this.#options;
    const tickMs = this.#tickBefore(moment);
    const leads = (): boolean => view.dacs().some(({ chainId }) => view.turn(chainId)?.member.operator === operator);
    if (this.#lastJobMs >= tickMs || !leads()) return [];
    const job = emptyJob(moment.entropy, Math.floor(tickMs / 1_000));
    const { jobId } = job;
    const holders = new Map(view.seatsOf(view.slot, jobId).map((member) => [member.index, member]));
    return [...holders.values()].slice(0, LIMITS.seats).flatMap(({ index, peerId }): RequestEffect[] => {
      const peers = view.couriersOf(view.slot, jobId, index).map((courier) => courier.peerId);
      if (peers.length === 0) return [];
      const ticket = `cover:${this.#tickets++}`;
      this.#open.add(ticket);
      const via = { jobId, provider: index, peers };
      const { jobTimeoutMs: timeoutMs } = parameters;
      return [{ kind: "request", ticket, to: peerId, request: { name: "job", body: job }, timeoutMs, via }];
    });
  }
}

/** A job of no block, whose id nobody can tell from a block's. */
function emptyJob(entropy: Hash, timestamp: number): Job {
  const randomness = taggedHash("mvm/cover/1", entropy);
  const environment = environmentOf({
    timestamp: BigInt(timestamp),
    baseFeePerGas: GENESIS_BASE_FEE,
    prevRandao: prevRandaoOf(randomness),
  });
  return { jobId: randomness as string as JobId, environment, messages: [], values: [] };
}

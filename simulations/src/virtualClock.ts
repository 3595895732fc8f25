/** Time that moves only when everything that was to happen has happened. */
import type { Scheduler } from "@mvm/network";
import type { Clock } from "@mvm/node";

type Timer = { readonly atMs: number; readonly order: number; action: (() => void) | null };

/** A simulated node waited for something else than promises and virtual time: the run would not be repeatable. */
export class NotSettled extends Error {
  readonly code = "not-settled";
  constructor(nowMs: number) {
    super(`work went on after all promises had settled, at ${nowMs}: something waits for the real world`);
    this.name = "NotSettled";
  }
}

/** Turns of the event loop that are watched for late work. */
const MAX_LATE_TURNS = 4;

const isTurnAwaited = (): boolean => process.getActiveResourcesInfo().includes("Immediate");

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class VirtualClock implements Clock, Scheduler {
  #nowMs: number;
  #order = 0;
  /** how often the clock was asked or set: who works does one or the other */
  #uses = 0;
  /** binary heap, soonest first, equal times in the order of their making */
  readonly #heap: Timer[] = [];
  readonly #afterStep: () => void;
  /** work of other threads whose end is not known here yet, in the order of its beginning */
  readonly #asides: { readonly ended: Promise<void>; readonly release: () => void }[] = [];

  /** @param afterStep called when a step and all that follows from it at once is done */
  constructor(startMs: number, afterStep: () => void = () => {}) {
    this.#nowMs = startMs;
    this.#afterStep = afterStep;
  }

  nowMs(): number {
    this.#uses += 1;
    return this.#nowMs;
  }

  at(atMs: number, action: () => void): () => void {
    this.#uses += 1;
    const timer: Timer = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, action };
    this.#push(timer);
    return () => {
      timer.action = null;
    };
  }

  schedule(delayMs: number, action: () => void): () => void {
    return this.at(this.#nowMs + delayMs, action);
  }

  /**
   * Work that other threads do: time stands still until it has ended. How long it takes tells nothing: its end is a step of its own, in the order in
   * which work was begun, when all else has come to rest.
   */
  aside<T>(work: () => Promise<T>): Promise<T> {
    const began = work();
    return new Promise((resolve, reject) => {
      const ended = began.then(
        () => undefined,
        () => undefined,
      );
      this.#asides.push({ ended, release: () => void began.then(resolve, reject) });
    });
  }

  /** Runs everything due up to a time, each step to its end before the next. Rejects with NotSettled. */
  async runUntil(endMs: number): Promise<void> {
    await this.#rest();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= endMs; next = this.#heap[0]) {
      this.#pop();
      if (next.action === null) continue;
      this.#nowMs = next.atMs;
      next.action();
      await this.#rest();
    }
    this.#nowMs = endMs;
  }

  /** Runs a step to its end, and then, one after the other, all that other threads work at. */
  async #rest(): Promise<void> {
    await this.#settle();
    for (let aside = this.#asides.shift(); aside !== undefined; aside = this.#asides.shift()) {
      await aside.ended;
      aside.release();
      await this.#settle();
    }
  }

  /** Lets every promise that can go on do so, which takes one turn of the event loop; later ones must find nothing to do. */
  async #settle(): Promise<void> {
    await turn();
    const uses = this.#uses;
    for (let turns = 0; turns === 0 || (turns < MAX_LATE_TURNS && isTurnAwaited()); turns++) await turn();
    if (this.#uses !== uses) throw new NotSettled(this.#nowMs);
    this.#afterStep();
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    heap.push(timer);
    for (let at = heap.length - 1; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!before(heap[at]!, heap[above]!)) return;
      [heap[at], heap[above]] = [heap[above]!, heap[at]!];
      at = above;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const soonest = [left, left + 1].reduce(
        (best, child) => (child < heap.length && before(heap[child]!, heap[best]!) ? child : best),
        at,
      );
      if (soonest === at) return;
      [heap[at], heap[soonest]] = [heap[soonest]!, heap[at]!];
      at = soonest;
    }
  }
}

const before = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

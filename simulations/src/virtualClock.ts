/** Time that moves only when everything that was to happen has happened. */
import type { Scheduler } from "@mvm/network";
import type { Clock } from "@mvm/node";

type Timer = { readonly atMs: number; readonly order: number; readonly action: () => void };

/** Lets every promise that can go on do so: the simulated nodes wait for nothing but promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class VirtualClock implements Clock, Scheduler {
  #nowMs: number;
  #order = 0;
  /** binary heap, soonest first, equal times in the order of their making */
  readonly #heap: Timer[] = [];
  readonly #cancelled = new Set<number>();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, action: () => void): () => void {
    const order = this.#order++;
    this.#push({ atMs: Math.max(atMs, this.#nowMs), order, action });
    return () => this.#cancelled.add(order);
  }

  schedule(delayMs: number, action: () => void): () => void {
    return this.at(this.#nowMs + delayMs, action);
  }

  /** Runs everything due up to a time, each step to its end before the next. */
  async runUntil(endMs: number): Promise<void> {
    await settle();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= endMs; next = this.#heap[0]) {
      this.#pop();
      if (this.#cancelled.delete(next.order)) continue;
      this.#nowMs = next.atMs;
      next.action();
      await settle();
    }
    this.#nowMs = endMs;
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

/** Time that moves only when a test moves it: the clock of ports and the scheduler of the in-memory network in one. */
import type { Scheduler } from "@mvm/network";
import type { Clock } from "../src/index.ts";

type Timer = { readonly atMs: number; readonly order: number; readonly action: () => void };

/** Rounds of the event loop in which everything that waits for promises alone comes to rest. */
const SETTLING_ROUNDS = 8;

/** Lets all promises go on that can. */
export async function settle(): Promise<void> {
  for (let round = 0; round < SETTLING_ROUNDS; round++) await new Promise((resolve) => setImmediate(resolve));
}

export class VirtualClock implements Clock, Scheduler {
  #nowMs: number;
  #order = 0;
  #timers: Timer[] = [];
  /** work of other threads that has not ended */
  #asides = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.length;
  }

  at(atMs: number, action: () => void): () => void {
    const timer = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  schedule(delayMs: number, action: () => void): () => void {
    return this.at(this.#nowMs + delayMs, action);
  }

  /** Work of other threads: time stands still until it has ended. */
  async aside<T>(work: () => Promise<T>): Promise<T> {
    this.#asides += 1;
    try {
      return await work();
    } finally {
      this.#asides -= 1;
    }
  }

  /** Runs what is due within the time, each step to its end before the next. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      do await settle();
      while (this.#asides > 0);
      const due = this.#timers
        .filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = due.atMs;
      due.action();
    }
    this.#nowMs = endMs;
  }
}

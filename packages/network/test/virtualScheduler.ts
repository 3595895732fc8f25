import type { Scheduler } from "../src/index.ts";

type Entry = { readonly atMs: number; readonly order: number; readonly action: () => void };

/** Time that stands still until told otherwise. */
export class VirtualScheduler implements Scheduler {
  #nowMs = 0;
  #order = 0;
  #entries: Entry[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, action: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, order: this.#order++, action };
    this.#entries.push(entry);
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    };
  }

  /** Runs everything that is due within the time, letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const due = this.#entries
        .filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (due === undefined) break;
      this.#entries = this.#entries.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.action();
    }
    this.#nowMs = endMs;
  }
}

/** Protocol time is L1's time: a machine's clock, moved by what it is off. */
import type { Clock } from "./ports.ts";

/** A home machine's clock may be this much off before it is corrected: timestamps of L1 blocks are no finer. */
const TOLERANCE_MS = 15_000;
/** Who reads blocks that L1 made while it was out of reach reads old times, one after the other: the clock goes back only by what has been told for so long. */
const SET_BACK_AFTER_MS = 30_000;

/** The machine's own as it was at the start, and going on evenly: who sets it, or an NTP step, moves nothing here. */
const machineClock: Clock = {
  nowMs: () => Math.floor(performance.timeOrigin + performance.now()),
  at: (atMs, callback) => {
    const timer = setTimeout(callback, Math.max(0, atMs - machineClock.nowMs()));
    return () => clearTimeout(timer);
  },
};

type Timer = { readonly atMs: number; readonly callback: () => void; cancel: () => void };

export class L1Clock implements Clock {
  readonly #machine: Clock;
  readonly #timers = new Set<Timer>();
  #offsetMs = 0;
  /** whether a block has told the time */
  #isKnown = false;
  /** the machine's time since which blocks have told of an earlier time */
  #aheadSinceMs: number | null = null;

  constructor(machine: Clock = machineClock) {
    this.#machine = machine;
  }

  nowMs(): number {
    return this.#machine.nowMs() + this.#offsetMs;
  }

  at(atMs: number, callback: () => void): () => void {
    const timer: Timer = { atMs, callback, cancel: () => undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      this.#timers.delete(timer);
      timer.cancel();
    };
  }

  #arm(timer: Timer): void {
    timer.cancel = this.#machine.at(timer.atMs - this.#offsetMs, () => {
      this.#timers.delete(timer);
      timer.callback();
    });
  }

  /**
   * Takes note of a block that L1 has just made; its timestamp is in seconds. A small difference is the block's own delay, and a clock that was moved stays
   * where it is as long as blocks agree with it so far. What was to happen at a time happens at that time of L1's.
   */
  observe(timestamp: bigint): void {
    const machineMs = this.#machine.nowMs();
    const differenceMs = Number(timestamp) * 1000 - machineMs;
    const isNear = (offsetMs: number): boolean => Math.abs(differenceMs - offsetMs) <= TOLERANCE_MS;
    const offsetMs = [0, this.#offsetMs].find(isNear) ?? differenceMs;
    const isBack = this.#isKnown && offsetMs < this.#offsetMs;
    this.#isKnown = true;
    this.#aheadSinceMs = isBack ? (this.#aheadSinceMs ?? machineMs) : null;
    if (isBack && machineMs - this.#aheadSinceMs! < SET_BACK_AFTER_MS) return;
    if (offsetMs === this.#offsetMs) return;
    this.#offsetMs = offsetMs;
    for (const timer of this.#timers) {
      timer.cancel();
      this.#arm(timer);
    }
  }
}

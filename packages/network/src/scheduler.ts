/** Time as the in-memory network sees it: a simulator supplies a virtual one, tests and tools systemScheduler. */
export interface Scheduler {
  /** milliseconds since any fixed point; never goes backwards */
  nowMs(): number;
  /** Runs the action once, after the delay, never within this call. Returns the function that calls it off. */
  schedule(delayMs: number, action: () => void): () => void;
}

/** The machine's own monotonic clock and timers. */
export const systemScheduler: Scheduler = {
  nowMs: () => performance.now(),
  schedule(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

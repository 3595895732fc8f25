/** Waiting for what others bring about on L1 or a DAC. */

const POLL_MS = 500;

/** Looks until a condition holds; false where it does not within so many milliseconds, or before the signal. */
export async function holdsWithin(
  waitMs: number,
  signal: AbortSignal,
  isThere: () => Promise<boolean>,
): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (!(await isThere())) {
    if (signal.aborted || performance.now() > deadline) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, POLL_MS);
    const stop = (): void => resolve();
    signal.addEventListener("abort", stop, { once: true });
    await promise;
    signal.removeEventListener("abort", stop);
    clearTimeout(timer);
  }
  return true;
}

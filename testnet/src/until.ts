/** Bounded waits on a condition. */

const POLL_MS = 100;

/** Waits until a check holds; a check that throws has not held yet. Rejects with the last reason after the bound. */
export async function until(what: string, timeoutMs: number, check: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + timeoutMs;
  let last: unknown = null;
  while (Date.now() < end) {
    try {
      if (await check()) return;
      last = null;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause: last });
}

/** Of several that may do a thing, the first one that does it. */
import { reasonOf } from "./reason.ts";

/**
 * Tries the first candidates at once, and the next one whenever one fails. What comes second is given up.
 * @param candidates at least one
 * @throws AggregateError with all reasons where none succeeds
 */
export function firstToSucceed<C, T>(
  candidates: readonly C[],
  { atOnce, signal }: { readonly atOnce: number; readonly signal: AbortSignal },
  attempt: (candidate: C, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const giveUp = new AbortController();
  const ends = AbortSignal.any([signal, giveUp.signal]);
  const reasons: unknown[] = [];
  let next = 0;
  const tryNext = async (): Promise<T> => {
    for (let candidate = candidates[next++]; candidate !== undefined; candidate = candidates[next++]) {
      try {
        return await attempt(candidate, ends);
      } catch (error) {
        reasons.push(error);
        if (ends.aborted) break;
      }
    }
    throw new Error("no candidate is left");
  };
  const said = (): string => [...new Set(reasons.map(reasonOf))].join("; ");
  return Promise.any(Array.from({ length: Math.min(atOnce, candidates.length) }, tryNext))
    .catch(() => {
      throw new AggregateError(reasons, said());
    })
    .finally(() => giveUp.abort());
}

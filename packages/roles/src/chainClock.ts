/**
 * A chain's clock, as ChainClocks.sol keeps it: it stands while something of a batch is asked for, and a while after. Windows
 * are over when it has run for so long. Times in seconds.
 */

/** A pause of a clock, and those before it. */
export type Pause = {
  readonly start: bigint;
  /** undefined as long as the clock is held */
  readonly end: bigint | undefined;
  /** how often it is held */
  readonly holds: number;
  readonly before: Pause | undefined;
};

/** The clock is held, once more. */
export function held(last: Pause | undefined, now: bigint): Pause {
  const stands = last !== undefined && (last.end === undefined || now < last.end);
  return stands
    ? { ...last, end: undefined, holds: last.holds + 1 }
    : { start: now, end: undefined, holds: 1, before: last };
}

/** A clock that is held is released once; after the last time it runs on in `delay` seconds. */
export function released(last: Pause, now: bigint, delay: bigint): Pause {
  const holds = last.holds - 1;
  return { ...last, holds, end: holds === 0 ? now + delay : undefined };
}

/** The latest time since which a clock has run for so many seconds; what was posted until then has outlived such a window. */
export function ranSince(last: Pause | undefined, seconds: bigint, now: bigint): bigint {
  let left = seconds;
  let to = now;
  for (let pause = last; pause !== undefined; pause = pause.before) {
    const end = pause.end === undefined || pause.end > to ? to : pause.end;
    if (to - end >= left) break;
    left -= to - end;
    to = pause.start;
  }
  return to - left;
}

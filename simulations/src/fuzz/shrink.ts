/** Makes a failing case smaller as long as it goes on failing: whole parts first, then instructions, then values. */

/** Ways to make a value smaller, the boldest first; each gives a strictly smaller one, so that shrinking ends. */
export type Smaller<T> = (value: T) => Iterable<T>;

/**
 * Goes on from one smaller failing case to the next until none fails or `attempts` are used up.
 * @returns the smallest case found, with the tries that were made
 */
export async function shrink<T>(
  failing: T,
  smaller: Smaller<T>,
  fails: (candidate: T) => Promise<boolean>,
  attempts: number,
): Promise<{ readonly smallest: T; readonly tried: number }> {
  let smallest = failing;
  let tried = 0;
  for (let found = true; found; ) {
    found = false;
    for (const candidate of smaller(smallest)) {
      if (tried === attempts) return { smallest, tried };
      tried++;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      found = true;
      break;
    }
  }
  return { smallest, tried };
}

/** A list without half of it, without a quarter, ... without one item. */
export function* shorterLists<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at + size <= list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
  }
}

/** A list with one item made smaller. */
export function* listsWithSmaller<T>(list: readonly T[], smaller: Smaller<T>): Generator<readonly T[]> {
  for (const [index, item] of list.entries())
    for (const candidate of smaller(item)) yield list.map((kept, at) => (at === index ? candidate : kept));
}

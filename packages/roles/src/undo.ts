/** Changes that can be taken back: each gives how. */
export type Undo = () => void;

/** Takes changes back, the last one first. */
export function undoAll(changes: readonly Undo[]): void {
  for (let i = changes.length - 1; i >= 0; i--) changes[i]!();
}

/** One change of several that were made in this order. */
export const together =
  (...changes: readonly Undo[]): Undo =>
  () =>
    undoAll(changes);

/** Sets a value of a map. */
export function put<K, V>(map: Map<K, V>, key: K, value: V): Undo {
  const had = map.has(key);
  const before = map.get(key);
  map.set(key, value);
  return () => void (had ? map.set(key, before!) : map.delete(key));
}

/** Takes a key out of a map. The order of the map is not kept. */
export function taken<K, V>(map: Map<K, V>, key: K): Undo {
  if (!map.has(key)) return () => undefined;
  const before = map.get(key)!;
  map.delete(key);
  return () => void map.set(key, before);
}

/** Adds a value to the end of a key's list. */
export function pushed<K, V>(lists: Map<K, V[]>, key: K, value: V): Undo {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  list.push(value);
  return () => void list.pop();
}

/**
 * An array that is never changed: `with` gives another one that shares all but a path of at most seven nodes with it.
 * Indices are below 2^32; places that were never written are undefined and take no memory.
 */
const BITS = 5;
const WIDTH = 1 << BITS;

type Node<T> = readonly (Node<T> | T | undefined)[];

export class PersistentArray<T> {
  readonly #root: Node<T>;
  /** levels of nodes above the lowest one */
  readonly #height: number;

  private constructor(root: Node<T>, height: number) {
    this.#root = root;
    this.#height = height;
  }

  static empty<T>(): PersistentArray<T> {
    return new PersistentArray<T>([], 0);
  }

  /** The value at an index, or undefined. */
  get(index: number): T | undefined {
    if (index >= WIDTH ** (this.#height + 1)) return undefined;
    let node: Node<T> | undefined = this.#root;
    for (let level = this.#height; level > 0 && node !== undefined; level--)
      node = node[(index >>> (BITS * level)) % WIDTH] as Node<T> | undefined;
    return node?.[index % WIDTH] as T | undefined;
  }

  /** The array with another value at an index. Throws RangeError for an index that is no integer from 0 to 2^32 - 1. */
  with(index: number, value: T): PersistentArray<T> {
    if (!Number.isInteger(index) || index < 0 || index >= 2 ** 32) throw new RangeError(`no index: ${index}`);
    let root = this.#root;
    let height = this.#height;
    while (index >= WIDTH ** (height + 1)) {
      root = [root];
      height++;
    }
    return new PersistentArray<T>(written(root, height, index, value), height);
  }
}

function written<T>(node: Node<T>, level: number, index: number, value: T): Node<T> {
  const copy = node.slice();
  const at = (index >>> (BITS * level)) % WIDTH;
  copy[at] = level === 0 ? value : written((node[at] ?? []) as Node<T>, level - 1, index, value);
  return copy;
}

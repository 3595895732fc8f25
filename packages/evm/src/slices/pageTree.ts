/** A frame's memory at a cut, as a binary Merkle tree over its pages. */
import { concatBytes, equalBytes, type Hash, keccak, toHex } from "@mvm/protocol";
import { PAGE_BYTES, TREE_LEVELS } from "./sliceRules.ts";

const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

/** null stands for a subtree of zeros. */
type Node = {
  readonly hash: Uint8Array;
  readonly left: Node | null;
  readonly right: Node | null;
  readonly page: Uint8Array | null;
};

/** Hashes of subtrees of zeros, by their levels. */
const ZEROS: readonly Uint8Array[] = (() => {
  const hashes = [keccak(ZERO_PAGE)];
  for (let level = 0; level < TREE_LEVELS; level++) hashes.push(keccak(concatBytes(hashes[level]!, hashes[level]!)));
  return hashes;
})();

type Change = { readonly index: number; readonly page: Uint8Array };

/** A subtree after changes of pages in ascending order, all below it. */
function changed(node: Node | null, level: number, first: number, changes: readonly Change[]): Node | null {
  if (changes.length === 0) return node;
  if (level === 0) {
    const { page } = changes[0]!;
    return equalBytes(page, ZERO_PAGE) ? null : { hash: keccak(page), left: null, right: null, page };
  }
  const half = 2 ** (level - 1);
  const middle = changes.findIndex(({ index }) => index >= first + half);
  const split = middle === -1 ? changes.length : middle;
  const left = changed(node?.left ?? null, level - 1, first, changes.slice(0, split));
  const right = changed(node?.right ?? null, level - 1, first + half, changes.slice(split));
  if (left === null && right === null) return null;
  const hashes = [left, right].map((child) => child?.hash ?? ZEROS[level - 1]!);
  return { hash: keccak(concatBytes(...hashes)), left, right, page: null };
}

type Subtree = {
  readonly node: Node | null;
  readonly level: number;
  readonly first: number;
  /** those of it */
  readonly pages: readonly number[];
  readonly end: number;
};

function collectSiblings({ node, level, first, pages, end }: Subtree, found: Uint8Array[]): void {
  if (pages.length === 0) {
    if (first < end) found.push(node?.hash ?? ZEROS[level]!);
    return;
  }
  if (level === 0) return;
  const middle = first + 2 ** (level - 1);
  const next = level - 1;
  const left = pages.filter((page) => page < middle);
  const right = pages.filter((page) => page >= middle);
  collectSiblings({ node: node?.left ?? null, level: next, first, pages: left, end }, found);
  collectSiblings({ node: node?.right ?? null, level: next, first: middle, pages: right, end }, found);
}

/** Never changes: `with` gives another one, which shares what is the same. */
export class PageTree {
  static readonly empty = new PageTree(null);
  readonly #top: Node | null;

  private constructor(top: Node | null) {
    this.#top = top;
  }

  /** The tree over bytes, zeros behind them. */
  static of(bytes: Uint8Array): PageTree {
    return PageTree.empty.with(
      Array.from({ length: Math.ceil(bytes.length / PAGE_BYTES) }, (_, i) => i),
      bytes,
    );
  }

  root(): Hash {
    return toHex(this.#top?.hash ?? ZEROS[TREE_LEVELS]!) as Hash;
  }

  /** The tree with pages, by their numbers, as they are in a memory now. */
  with(pages: Iterable<number>, memory: Uint8Array): PageTree {
    const changes = [...pages]
      .sort((a, b) => a - b)
      .map((index) => {
        const page = new Uint8Array(PAGE_BYTES);
        page.set(memory.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES));
        return { index, page };
      });
    return new PageTree(changed(this.#top, TREE_LEVELS, 0, changes));
  }

  /**
   * Hashes that make the root with pages, by their numbers in ascending order: of the greatest subtrees without one of
   * them, from the first on. Those behind `end` pages are zeros and left out.
   */
  siblings(pages: readonly number[], end: number): Uint8Array[] {
    const found: Uint8Array[] = [];
    collectSiblings({ node: this.#top, level: TREE_LEVELS, first: 0, pages, end }, found);
    return found;
  }

  /** Hash of a page. */
  leaf(index: number): Uint8Array {
    return keccak(this.page(index));
  }

  /** A page; zeros where nothing was written. */
  page(index: number): Uint8Array {
    let node = this.#top;
    for (let level = TREE_LEVELS - 1; level >= 0 && node !== null; level--)
      node = (index >> level) % 2 === 0 ? node.left : node.right;
    return node?.page ?? ZERO_PAGE;
  }
}

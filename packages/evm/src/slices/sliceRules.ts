/** Where a message is cut into slices, and what of it meets how many bytes of evidence (decision 036). */

export const SLICE = {
  /** L2 gas with which a slice ends */
  gas: 5_000,
  /** bytes of evidence beyond which no step is added */
  bytes: 112_000,
  /** an account, a slot or a block's hash: its paths in two tries of 8 full levels */
  itemBytes: 8_000,
  /** the code of another account (EIP-170) */
  codeBytes: 24_576,
  wordBytes: 32,
  /** a precompile that is handed more may be as dear as a whole slice */
  precompileGas: 100_000,
} as const;

/** Where slices end. */
export type SliceLimits = { readonly gas: number; readonly bytes: number };

/** Bytes of a page of memory. */
export const PAGE_BYTES = 128;
/** Levels of the tree over a memory's pages: 4 MiB, more than any gas pays for. */
export const TREE_LEVELS = 15;

/** Pages of a memory of so many bytes. */
export const pageCount = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES);

/** Bytes of evidence for `count` pages that stand together in a memory of `pages`. */
export function pagesCharge(count: number, pages: number): number {
  if (count === 0) return 0;
  const levels = 32 - Math.clz32(pages - 1);
  return PAGE_BYTES * count + SLICE.wordBytes * levels * Math.min(count, 2);
}

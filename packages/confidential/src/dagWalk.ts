import type { CID } from "multiformats/cid";
import { digestOf, linksOf } from "./dagNode.ts";
import { ConfidentialError } from "./errors.ts";
import { BLOCK_OVERHEAD_BYTES, BLOCKS_AT_A_TIME, MAX_DEPTH } from "./limits.ts";

export type WalkOptions = {
  readonly root: CID;
  /** Brings a block's bytes, which its CID has vouched for, from wherever it is. */
  readonly read: (cid: CID) => Promise<FoundBlock>;
  /** Keeps a block that was not here, once the limits have allowed it. */
  readonly keep: (cid: CID, bytes: Uint8Array) => Promise<void>;
  /** Bytes that the tree may have, each block once, with BLOCK_OVERHEAD_BYTES on top of each. */
  readonly maxBytes: number;
};

export type FoundBlock = { readonly bytes: Uint8Array; readonly isHere: boolean };
type Place = { readonly cid: CID; readonly depth: number };

/**
 * Goes to every block of a tree once, several at a time, in about the order of its bytes; ends with the first failure, once all that was begun is over. What waits
 * is bounded by MAX_LINKS for each of MAX_DEPTH levels and each of BLOCKS_AT_A_TIME readers.
 * @throws ConfidentialError "too-large", "dag-refused", and what `read` and `keep` throw
 */
export async function walkDag({ root, read, keep, maxBytes }: WalkOptions): Promise<void> {
  const seen = new Set([digestOf(root)]);
  const waiting: Place[] = [{ cid: root, depth: 0 }];
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let sizeBytes = 0;

  const take = async ({ cid, depth }: Place): Promise<void> => {
    const { bytes, isHere } = await read(cid);
    sizeBytes += bytes.length + BLOCK_OVERHEAD_BYTES;
    if (sizeBytes > maxBytes) {
      throw new ConfidentialError("too-large", "the tree is larger than allowed", { cid: root.toString(), maxBytes });
    }
    const links = linksOf(cid, bytes);
    if (links.length > 0 && depth === MAX_DEPTH) {
      throw new ConfidentialError("dag-refused", `the tree has more than ${MAX_DEPTH} levels`, {
        cid: root.toString(),
      });
    }
    for (const link of links.toReversed()) {
      const digest = digestOf(link);
      if (seen.has(digest)) continue;
      seen.add(digest);
      waiting.push({ cid: link, depth: depth + 1 });
    }
    if (!isHere) await keep(cid, bytes);
  };

  while (failures.length === 0 && (waiting.length > 0 || running.size > 0)) {
    while (waiting.length > 0 && running.size < BLOCKS_AT_A_TIME) {
      const work: Promise<void> = take(waiting.pop()!)
        .catch((error: unknown) => {
          failures.push(error);
        })
        .finally(() => running.delete(work));
      running.add(work);
    }
    await Promise.race(running);
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
}

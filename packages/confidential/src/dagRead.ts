/**
 * Reads a file of UnixFS in order, a few blocks ahead of who takes them. (Helia's own `cat` reads on whether or not anybody takes what it has read, and so holds all of
 * a file in memory where the reader is slower than the disk.)
 */
import type { CID } from "multiformats/cid";
import { childrenOf, isLeaf } from "./dagNode.ts";
import { ConfidentialError } from "./errors.ts";
import { BLOCKS_AT_A_TIME, MAX_DEPTH } from "./limits.ts";

export type DagReadOptions = {
  readonly root: CID;
  /** Brings a block's bytes, which its CID has vouched for. */
  readonly read: (cid: CID) => Promise<Uint8Array>;
  /** first byte */
  readonly offset: number;
  /** bytes at most */
  readonly length: number;
};

type Part = { readonly cid: CID; readonly start: number; readonly sizeBytes: number | null };

const lied = (cid: CID): ConfidentialError =>
  new ConfidentialError("dag-refused", "a node of the tree states a wrong size", { cid: cid.toString() });

/** Leaves that have bytes of the range, in order. Nodes are read as their turn comes. */
async function* leavesOf(part: Part, depth: number, { read, offset, length }: DagReadOptions): AsyncGenerator<Part> {
  if (isLeaf(part.cid)) {
    yield part;
    return;
  }
  if (depth === MAX_DEPTH) {
    throw new ConfidentialError("dag-refused", `the tree has more than ${MAX_DEPTH} levels`, {
      cid: part.cid.toString(),
    });
  }
  const children = childrenOf(part.cid, await read(part.cid));
  const total = children.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (part.sizeBytes !== null && total !== part.sizeBytes) throw lied(part.cid);
  let { start } = part;
  for (const { cid, sizeBytes } of children) {
    if (start >= offset + length) return;
    if (start + sizeBytes > offset)
      yield* leavesOf({ cid, start, sizeBytes }, depth + 1, { root: cid, read, offset, length });
    start += sizeBytes;
  }
}

/** @throws ConfidentialError "dag-refused" where the tree is not one of a file, and what `read` throws */
export async function* readDag(options: DagReadOptions): AsyncGenerator<Uint8Array> {
  const { root, read, offset, length } = options;
  const ahead: { readonly part: Part; readonly block: Promise<Uint8Array> }[] = [];
  const next = async (): Promise<Uint8Array> => {
    const { part, block } = ahead.shift()!;
    const bytes = await block;
    if (part.sizeBytes !== null && bytes.length !== part.sizeBytes) throw lied(part.cid);
    return bytes.subarray(Math.max(0, offset - part.start), Math.max(0, offset + length - part.start));
  };
  for await (const part of leavesOf({ cid: root, start: 0, sizeBytes: null }, 0, options)) {
    const block = read(part.cid);
    // its turn to fail comes when it is taken, or never
    block.catch(() => undefined);
    ahead.push({ part, block });
    if (ahead.length === BLOCKS_AT_A_TIME) yield await next();
  }
  while (ahead.length > 0) yield await next();
}

/** The form of trees that the swarm keeps: CIDv1 with SHA-256, leaves of raw bytes, nodes of DAG-PB, as UnixFS's profile of 2025 makes them. */
import * as dagPb from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { sha256 } from "multiformats/hashes/sha2";
import type { Digest } from "./blockFiles.ts";
import { ConfidentialError } from "./errors.ts";
import { MAX_LINKS, MAX_OBJECT_BYTES } from "./limits.ts";

const DIGEST_BYTES = 32;

const refused = (cid: string, why: string, cause?: unknown): ConfidentialError =>
  new ConfidentialError("dag-refused", why, { cid }, cause);

export const isLeaf = (cid: CID): boolean => cid.code === raw.code;

/** True for CIDs that blocks of the swarm have. An identity "hash", which holds its block itself, is none: nothing would bound what it holds. */
export const isKept = (cid: CID): boolean =>
  cid.version === 1 &&
  (cid.code === raw.code || cid.code === dagPb.code) &&
  cid.multihash.code === sha256.code &&
  cid.multihash.digest.length === DIGEST_BYTES;

/** @throws ConfidentialError "dag-refused" */
export function parseCid(text: string): CID {
  let cid: CID;
  try {
    cid = CID.parse(text);
  } catch (cause) {
    throw refused(text, "this is no CID", cause);
  }
  if (!isKept(cid)) throw refused(text, "the swarm keeps CIDv1 of raw or DAG-PB blocks with SHA-256 only");
  return cid;
}

export const digestOf = (cid: CID): Digest => Buffer.from(cid.multihash.digest).toString("hex");

/** A child, and how many bytes of the file its parent says it has. */
export type Child = { readonly cid: CID; readonly sizeBytes: number };

function decodeNode(
  cid: CID,
  bytes: Uint8Array,
): { readonly links: readonly CID[]; readonly sizes: readonly bigint[] } {
  try {
    const { Data, Links } = dagPb.decode(bytes);
    const file = UnixFS.unmarshal(Data ?? new Uint8Array());
    if (file.type !== "file" || (file.data?.length ?? 0) > 0) throw new TypeError("no node of a file of raw leaves");
    return { links: Links.map(({ Hash }) => Hash), sizes: file.blockSizes };
  } catch (cause) {
    throw refused(cid.toString(), "a node of the tree is no node of a file", cause);
  }
}

/** The children of a node. @throws ConfidentialError "dag-refused" */
export function childrenOf(cid: CID, bytes: Uint8Array): readonly Child[] {
  const { links, sizes } = decodeNode(cid, bytes);
  if (links.length > MAX_LINKS) throw refused(cid.toString(), `a node of the tree has more than ${MAX_LINKS} links`);
  if (!links.every(isKept)) throw refused(cid.toString(), "a node of the tree links to what the swarm does not keep");
  if (sizes.length !== links.length || sizes.some((size) => size > BigInt(MAX_OBJECT_BYTES))) {
    throw refused(cid.toString(), "a node of the tree states no sizes of its children");
  }
  return links.map((link, at) => ({ cid: link, sizeBytes: Number(sizes[at]) }));
}

/** CIDs of a block's children, none for a leaf. @throws ConfidentialError "dag-refused" */
export const linksOf = (cid: CID, bytes: Uint8Array): readonly CID[] =>
  isLeaf(cid) ? [] : childrenOf(cid, bytes).map((child) => child.cid);

import { createHash } from "node:crypto";
import { NotFoundError } from "@libp2p/interface";
import { BaseBlockstore } from "blockstore-core";
import type { CID } from "multiformats/cid";
import type { Digest } from "./blockFiles.ts";
import { digestOf, isKept } from "./dagNode.ts";
import type { DagStore } from "./dagStore.ts";
import { ConfidentialError } from "./errors.ts";
import { MAX_BLOCK_BYTES, MAX_TRANSIT_BYTES } from "./limits.ts";

/**
 * The blockstore that bitswap sees: it serves peers what the store holds. What peers sent stays in a bounded memory for who reads it again soon; it comes to the disk when the
 * object that it is part of is fetched, and has been counted.
 */
export class SwarmBlocks extends BaseBlockstore {
  readonly #store: DagStore;
  readonly #transit = new Map<Digest, Uint8Array>();
  #transitBytes = 0;

  constructor(store: DagStore) {
    super();
    this.#store = store;
  }

  override async has(cid: CID): Promise<boolean> {
    if (!isKept(cid)) return false;
    const digest = digestOf(cid);
    return this.#transit.has(digest) || (await this.#store.has(digest));
  }

  /** Bitswap alone has this store, and puts nothing. */
  override put(): Promise<CID> {
    throw new ConfidentialError("dag-refused", "blocks of peers are taken when they have been asked for");
  }

  /** A block that came from a peer lately. */
  recent(cid: CID): Uint8Array | null {
    return this.#transit.get(digestOf(cid)) ?? null;
  }

  /** Takes what a peer sent for a CID. @throws ConfidentialError "too-large", "block-damaged" */
  accept(cid: CID, bytes: Uint8Array): void {
    if (bytes.length > MAX_BLOCK_BYTES) {
      const data = { sizeBytes: bytes.length, maxBytes: MAX_BLOCK_BYTES };
      throw new ConfidentialError("too-large", "a block above the bound", data);
    }
    const digest = digestOf(cid);
    if (createHash("sha256").update(bytes).digest("hex") !== digest) {
      throw new ConfidentialError("block-damaged", "a peer sent other bytes", { cid: cid.toString() });
    }
    this.forget([digest]);
    this.#transit.set(digest, bytes);
    this.#transitBytes += bytes.length;
    for (const oldest of this.#transit.keys()) {
      if (this.#transitBytes <= MAX_TRANSIT_BYTES) break;
      this.forget([oldest]);
    }
  }

  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const digest = digestOf(cid);
    const bytes = isKept(cid) ? (this.#transit.get(digest) ?? (await this.#held(digest))) : null;
    if (bytes === null) throw new NotFoundError("the block is not here");
    yield bytes;
  }

  /** To peers a block that cannot be read is one that is not here: bitswap would answer none of their wants after another error. */
  async #held(digest: string): Promise<Uint8Array | null> {
    try {
      return await this.#store.read(digest);
    } catch (error) {
      if (error instanceof ConfidentialError) return null;
      throw error;
    }
  }

  /** Drops blocks from the memory that blocks pass through. */
  forget(digests: readonly Digest[]): void {
    for (const digest of digests) {
      this.#transitBytes -= this.#transit.get(digest)?.length ?? 0;
      this.#transit.delete(digest);
    }
  }
}

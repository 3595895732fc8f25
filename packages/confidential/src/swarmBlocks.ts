import { NotFoundError } from "@libp2p/interface";
import { BaseBlockstore } from "blockstore-core";
import type { CID } from "multiformats/cid";
import type { Digest } from "./blockFiles.ts";
import { digestOf, isKept } from "./dagNode.ts";
import type { DagStore } from "./dagStore.ts";
import { ConfidentialError } from "./errors.ts";
import { MAX_BLOCK_BYTES, MAX_TRANSIT_BYTES } from "./limits.ts";

type Bytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * The blockstore that Helia sees: it serves peers what the store holds. What Helia puts, which is what peers sent, only passes through a bounded memory:
 * it comes to the disk when the object that it is part of is taken, and has been counted. The last blocks stay there, for who reads them again soon.
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

  override async put(cid: CID, value: Bytes): Promise<CID> {
    if (!(value instanceof Uint8Array)) throw new TypeError("blocks come as bytes");
    if (!isKept(cid)) throw new ConfidentialError("dag-refused", "a block of no kind that the swarm keeps");
    if (value.length > MAX_BLOCK_BYTES) {
      throw new ConfidentialError("too-large", "a block above the bound", {
        sizeBytes: value.length,
        maxBytes: MAX_BLOCK_BYTES,
      });
    }
    const digest = digestOf(cid);
    this.forget([digest]);
    this.#transit.set(digest, value);
    this.#transitBytes += value.length;
    for (const oldest of this.#transit.keys()) {
      if (this.#transitBytes <= MAX_TRANSIT_BYTES) break;
      this.forget([oldest]);
    }
    return cid;
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

  override async delete(cid: CID): Promise<void> {
    this.forget([digestOf(cid)]);
  }

  /** Drops blocks from the memory that blocks pass through. */
  forget(digests: readonly Digest[]): void {
    for (const digest of digests) {
      this.#transitBytes -= this.#transit.get(digest)?.length ?? 0;
      this.#transit.delete(digest);
    }
  }
}

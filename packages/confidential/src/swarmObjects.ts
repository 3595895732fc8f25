/** Objects as trees of blocks: what the swarm does with its store, and with blocks that peers send. */
import { type UnixFSComponents, unixfs } from "@helia/unixfs";
import { CID } from "multiformats/cid";
import type { Digest } from "./blockFiles.ts";
import { digestOf, isLeaf, linksOf, parseCid } from "./dagNode.ts";
import { readDag } from "./dagRead.ts";
import type { DagDraft, DagStore } from "./dagStore.ts";
import { type FoundBlock, walkDag } from "./dagWalk.ts";
import { ConfidentialError } from "./errors.ts";
import type { Lifetime } from "./lifetime.ts";
import { MAX_OBJECT_BYTES, WRITES_AT_A_TIME } from "./limits.ts";

export type PutResult = { readonly cid: string; readonly sizeBytes: number };
type Signalled = { readonly signal?: AbortSignal };
/** A part of an object, in bytes. */
export type GetOptions = Signalled & { readonly offset?: number; readonly length?: number };
export type FetchOptions = Signalled & { readonly maxBytes?: number };

export type SwarmObjectsOptions = {
  readonly store: DagStore;
  readonly lifetime: Lifetime;
  /** Brings a block that its CID has vouched for. @throws ConfidentialError "block-missing" */
  readonly fromPeers: (cid: CID, signal: AbortSignal) => Promise<Uint8Array>;
  /** Drops what of these blocks is in memory. */
  readonly forget: (digests: readonly Digest[]) => void;
};

/** Chunks of 1 MiB, raw leaves, CIDv1, 1,024 links: the same ciphertext has the same CID everywhere. */
const PROFILE = "unixfs-v1-2025";

/** What the importer of UnixFS needs of a store: where its blocks go. */
const sink = (write: (cid: CID, bytes: Uint8Array) => Promise<void>): UnixFSComponents["blockstore"] => ({
  has: async () => false,
  put: async (cid, bytes) => {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("blocks come as bytes");
    await write(cid, bytes);
    return cid;
  },
  get: () => {
    throw new TypeError("importing reads nothing");
  },
});

const malformed = (cause: unknown): ConfidentialError =>
  new ConfidentialError("dag-refused", "the tree of blocks is not one of a file", {}, cause);

export class SwarmObjects {
  readonly #store: DagStore;
  readonly #lifetime: Lifetime;
  readonly #fromPeers: SwarmObjectsOptions["fromPeers"];
  readonly #forget: SwarmObjectsOptions["forget"];

  constructor({ store, lifetime, fromPeers, forget }: SwarmObjectsOptions) {
    this.#store = store;
    this.#lifetime = lifetime;
    this.#fromPeers = fromPeers;
    this.#forget = forget;
  }

  put(source: AsyncIterable<Uint8Array>, { signal }: Signalled = {}): Promise<PutResult> {
    return this.#drafted(signal, async (draft, running) => {
      let sizeBytes = 0;
      async function* counted(): AsyncGenerator<Uint8Array> {
        try {
          for await (const chunk of source) {
            running.throwIfAborted();
            sizeBytes += chunk.length;
            if (sizeBytes > MAX_OBJECT_BYTES) throw tooLarge(sizeBytes);
            yield chunk;
          }
        } catch (cause) {
          if (cause instanceof ConfidentialError) throw cause;
          throw new ConfidentialError("source-failed", "the stream to be kept failed", {}, cause);
        }
      }
      const files = unixfs({ blockstore: sink((cid, bytes) => draft.write(digestOf(cid), bytes)) });
      const root = await files.addByteStream(counted(), { profile: PROFILE, blockWriteConcurrency: WRITES_AT_A_TIME });
      await draft.pin(root.bytes);
      return { cid: root.toString(), sizeBytes };
    });
  }

  async *get(
    cid: string,
    { offset = 0, length = Number.MAX_SAFE_INTEGER, signal }: GetOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const root = parseCid(cid);
    const running = this.#lifetime.signal(signal);
    try {
      yield* readDag({ root, read: (block) => this.#read(block, running), offset, length });
    } catch (cause) {
      throw this.#lifetime.failure(cause, signal, malformed);
    }
  }

  async fetch(cid: string, { maxBytes = MAX_OBJECT_BYTES, signal }: FetchOptions = {}): Promise<void> {
    const bounded = Math.min(maxBytes, MAX_OBJECT_BYTES);
    await this.#take(parseCid(cid), bounded, signal, async (draft, block, running) => {
      const bytes = await this.#heldOrNull(draft, block);
      return bytes === null ? { bytes: await this.#fromPeers(block, running), isHere: false } : { bytes, isHere: true };
    });
  }

  async pin(cid: string, { signal }: Signalled = {}): Promise<void> {
    await this.#take(parseCid(cid), MAX_OBJECT_BYTES, signal, async (draft, block) => {
      const bytes = await draft.read(digestOf(block));
      if (bytes === null) throw missing(block);
      return { bytes, isHere: true };
    });
  }

  async unpin(cid: string): Promise<boolean> {
    const root = parseCid(cid);
    this.#lifetime.signal(undefined);
    const digests = await this.#store.unpin(root.bytes);
    this.#forget(digests ?? []);
    return digests !== null;
  }

  async has(cid: string): Promise<boolean> {
    const waiting = [parseCid(cid)];
    this.#lifetime.signal(undefined);
    const seen = new Set<string>();
    for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
      const digest = digestOf(block);
      if (seen.has(digest)) continue;
      seen.add(digest);
      if (isLeaf(block)) {
        if (!(await this.#store.has(digest))) return false;
        continue;
      }
      const bytes = await this.#store.read(digest);
      if (bytes === null) return false;
      waiting.push(...linksOf(block, bytes));
    }
    return true;
  }

  async *pins(): AsyncGenerator<string> {
    this.#lifetime.signal(undefined);
    for await (const root of this.#store.pins()) yield CID.decode(root).toString();
  }

  async #read(cid: CID, running: AbortSignal): Promise<Uint8Array> {
    running.throwIfAborted();
    return (await this.#store.read(digestOf(cid))) ?? (await this.#fromPeers(cid, running));
  }

  /** A block of this disk for a draft; a damaged one is as good as none, since another will come. */
  async #heldOrNull(draft: DagDraft, cid: CID): Promise<Uint8Array | null> {
    try {
      return await draft.read(digestOf(cid));
    } catch (error) {
      if (error instanceof ConfidentialError && error.code === "block-damaged") return null;
      throw error;
    }
  }

  #take(
    root: CID,
    maxBytes: number,
    signal: AbortSignal | undefined,
    find: (draft: DagDraft, block: CID, running: AbortSignal) => Promise<FoundBlock>,
  ): Promise<void> {
    return this.#drafted(signal, async (draft, running) => {
      const read = (block: CID): Promise<FoundBlock> => {
        running.throwIfAborted();
        return find(draft, block, running);
      };
      await walkDag({ root, maxBytes, read, keep: (block, bytes) => draft.write(digestOf(block), bytes) });
      await draft.pin(root.bytes);
    });
  }

  /** Works on a draft, of which nothing is left where the work does not pin it. */
  async #drafted<T>(
    signal: AbortSignal | undefined,
    work: (draft: DagDraft, running: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const running = this.#lifetime.signal(signal);
    const draft = this.#store.draft();
    try {
      return await work(draft, running);
    } catch (cause) {
      throw this.#lifetime.failure(cause, signal, malformed);
    } finally {
      await draft.close();
    }
  }
}

const tooLarge = (sizeBytes: number): ConfidentialError =>
  new ConfidentialError("too-large", "an object above the bound", { sizeBytes, maxBytes: MAX_OBJECT_BYTES });

const missing = (cid: CID): ConfidentialError =>
  new ConfidentialError("block-missing", "a block is not here", { cid: cid.toString() });

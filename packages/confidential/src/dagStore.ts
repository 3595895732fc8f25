/**
 * What a host holds: trees of blocks by their roots. Blocks are files; a Level database beside them knows which roots are pinned, which blocks each has, and
 * for each block how many roots have it. Helia's own pins are not used: they read the whole tree again, change a record for each block with nothing to hold
 * them together in a crash, and when one of two roots that share a block goes, forget which one stayed.
 */
import { join } from "node:path";
import { fromHex, toHex } from "@mvm/protocol";
import { keyAfter, LevelStore, type StoreOperation } from "@mvm/state";
import { BlockFiles, type Digest } from "./blockFiles.ts";
import { ConfidentialError } from "./errors.ts";

const PIN = 0x70;
const COUNT = 0x63;
const DIGEST_BYTES = 32;
const PAGE = 1_000;

const digestBytes = (digest: Digest): Uint8Array => fromHex(`0x${digest}`);
const key = (kind: number, rest: Uint8Array): Uint8Array => Uint8Array.of(kind, ...rest);
const countKey = (digest: Digest): Uint8Array => key(COUNT, digestBytes(digest));

function encodeCount(count: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, count);
  return bytes;
}

function encodeDigests(digests: ReadonlySet<Digest>): Uint8Array {
  const bytes = new Uint8Array(digests.size * DIGEST_BYTES);
  let at = 0;
  for (const digest of digests) bytes.set(digestBytes(digest), DIGEST_BYTES * at++);
  return bytes;
}

const decodeDigests = (bytes: Uint8Array): Digest[] =>
  Array.from({ length: bytes.length / DIGEST_BYTES }, (_, at) =>
    toHex(bytes.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES)).slice(2),
  );

/** The store of one directory. One process at a time may have it open. */
export class DagStore {
  readonly #files: BlockFiles;
  readonly #level: LevelStore;
  /** drafts that have a block, for blocks that must stay until these are through */
  readonly #holds = new Map<Digest, number>();
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(files: BlockFiles, level: LevelStore) {
    this.#files = files;
    this.#level = level;
  }

  /** Opens the directory, made if missing, and removes the blocks of what a crash interrupted. Throws ConfidentialError "store-failed". */
  static async open(directory: string): Promise<DagStore> {
    const files = await BlockFiles.open(join(directory, "blocks"));
    const level = await LevelStore.open(join(directory, "pins")).catch((cause: unknown) => {
      throw new ConfidentialError("store-failed", "the database of pins does not open", {}, cause);
    });
    const store = new DagStore(files, level);
    try {
      await files.sweep((name) => /^[0-9a-f]{64}$/.test(name) && store.#count(name) > 0);
    } catch (error) {
      await level.close();
      throw error;
    }
    return store;
  }

  #count(digest: Digest): number {
    const bytes = this.#level.get(countKey(digest));
    return bytes === undefined ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  }

  /** Changes of pins, one after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** A block's verified bytes, or null. Throws ConfidentialError "block-damaged". */
  read(digest: Digest): Promise<Uint8Array | null> {
    return this.#files.read(digest);
  }

  has(digest: Digest): Promise<boolean> {
    return this.#files.has(digest);
  }

  /** A tree that is about to come; its blocks are kept until it is pinned or given up. */
  draft(): DagDraft {
    const digests = new Set<Digest>();
    const hold = (digest: Digest): void => {
      if (digests.has(digest)) return;
      digests.add(digest);
      this.#holds.set(digest, (this.#holds.get(digest) ?? 0) + 1);
    };
    const writes = new Set<Promise<void>>();
    return {
      write: async (digest, bytes) => {
        hold(digest);
        const write = this.#files.write(digest, bytes);
        writes.add(write);
        await write.finally(() => writes.delete(write));
      },
      read: (digest) => {
        hold(digest);
        return this.#files.read(digest);
      },
      pin: (root) => this.#inTurn(() => this.#pin(root, digests)),
      close: async () => {
        // a write that others were not waited for any more would leave its block behind
        await Promise.allSettled(writes);
        await this.#inTurn(() => this.#release(digests));
      },
    };
  }

  async #pin(root: Uint8Array, digests: ReadonlySet<Digest>): Promise<void> {
    const pinKey = key(PIN, root);
    await this.#files.settle(digests);
    // the same root has the same blocks: nothing to count again, whoever brought it first
    if (this.#level.get(pinKey) !== undefined) return;
    const operations: StoreOperation[] = [{ key: pinKey, value: encodeDigests(digests) }];
    for (const digest of digests) {
      operations.push({ key: countKey(digest), value: encodeCount(this.#count(digest) + 1) });
    }
    await this.#level.write(operations);
  }

  async #release(digests: Set<Digest>): Promise<void> {
    for (const digest of digests) {
      const left = this.#holds.get(digest)! - 1;
      if (left > 0) this.#holds.set(digest, left);
      else this.#holds.delete(digest);
    }
    await this.#removeUnused(digests);
    digests.clear();
  }

  async #removeUnused(digests: Iterable<Digest>): Promise<void> {
    for (const digest of digests) {
      if (!this.#holds.has(digest) && this.#count(digest) === 0) await this.#files.remove(digest);
    }
  }

  /** Takes a pin away and removes the blocks that no other pin has; the blocks that it had, or null where there was none. */
  unpin(root: Uint8Array): Promise<readonly Digest[] | null> {
    return this.#inTurn(async () => {
      const pinKey = key(PIN, root);
      const record = this.#level.get(pinKey);
      if (record === undefined) return null;
      const digests = decodeDigests(record);
      const operations: StoreOperation[] = [{ key: pinKey, value: null }];
      for (const digest of digests) {
        const left = this.#count(digest) - 1;
        operations.push({ key: countKey(digest), value: left > 0 ? encodeCount(left) : null });
      }
      await this.#level.write(operations);
      await this.#removeUnused(digests);
      return digests;
    });
  }

  isPinned(root: Uint8Array): boolean {
    return this.#level.get(key(PIN, root)) !== undefined;
  }

  /** Roots of all pins, in the order of their bytes. */
  async *pins(): AsyncGenerator<Uint8Array> {
    const to = Uint8Array.of(PIN + 1);
    for (let from = Uint8Array.of(PIN); ; ) {
      const page = await this.#level.page({ from, to }, PAGE);
      for (const [pinKey] of page) yield pinKey.slice(1);
      if (page.length < PAGE) return;
      from = Uint8Array.from(keyAfter(page.at(-1)![0]));
    }
  }

  /** Closes the database after the changes that are under way. */
  async close(): Promise<void> {
    await this.#turn;
    await this.#level.close();
  }
}

/** A tree that is about to come. `close` ends every draft: what is not pinned by then goes. */
export type DagDraft = {
  write(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** A block that is here already, for this tree too. */
  read(digest: Digest): Promise<Uint8Array | null>;
  /** Pins the blocks of the draft under their root. When it resolves, they and the pin survive a crash of the machine. */
  pin(root: Uint8Array): Promise<void>;
  close(): Promise<void>;
};

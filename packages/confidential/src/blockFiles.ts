/**
 * Blocks as files, each named by its SHA-256 digest. A name stands for whole bytes that are on the disk, or for none: a block is written under another name,
 * synced and renamed. LevelDB is the wrong place for them: it writes a megabyte again whenever it sorts.
 */
import { createHash } from "node:crypto";
import { access, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ConfidentialError } from "./errors.ts";

const UNFINISHED = ".new";

/** 64 lower-case hex digits. */
export type Digest = string;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";
const storeFailed = (cause: unknown): ConfidentialError =>
  new ConfidentialError("store-failed", "the store of blocks failed", {}, cause);

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Blocks in a directory of its own, 256 folders by the digests' first byte. */
export class BlockFiles {
  readonly #directory: string;
  #written = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<BlockFiles> {
    try {
      const folders = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
      await mkdir(directory, { recursive: true });
      await Promise.all(folders.map((folder) => mkdir(join(directory, folder), { recursive: true })));
      await syncDirectory(directory);
    } catch (cause) {
      throw storeFailed(cause);
    }
    return new BlockFiles(directory);
  }

  #folder(digest: Digest): string {
    return join(this.#directory, digest.slice(0, 2));
  }

  #path(digest: Digest): string {
    return join(this.#folder(digest), digest);
  }

  /** Writes a block that has this digest. Its bytes are on the disk then; its name is only after `settle`. */
  async write(digest: Digest, bytes: Uint8Array): Promise<void> {
    const path = this.#path(digest);
    const unfinished = `${path}.${this.#written++}${UNFINISHED}`;
    try {
      const handle = await open(unfinished, "wx", 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(unfinished, path);
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw storeFailed(cause);
    }
  }

  /** Has the names of blocks survive a crash of the machine. */
  async settle(digests: Iterable<Digest>): Promise<void> {
    const folders = new Set(Array.from(digests, (digest) => this.#folder(digest)));
    try {
      for (const folder of folders) await syncDirectory(folder);
    } catch (cause) {
      throw storeFailed(cause);
    }
  }

  /**
   * A block's bytes, which have this digest; null where there is no such block.
   * @throws ConfidentialError "block-damaged" where the disk has other bytes; they are dropped, so that the block counts as missing from then on
   */
  async read(digest: Digest): Promise<Uint8Array | null> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.#path(digest));
    } catch (cause) {
      if (isMissing(cause)) return null;
      throw storeFailed(cause);
    }
    if (createHash("sha256").update(bytes).digest("hex") === digest) return bytes;
    await this.remove(digest);
    throw new ConfidentialError("block-damaged", `block ${digest} on this disk has other bytes`);
  }

  async has(digest: Digest): Promise<boolean> {
    try {
      await access(this.#path(digest));
      return true;
    } catch (cause) {
      if (isMissing(cause)) return false;
      throw storeFailed(cause);
    }
  }

  async remove(digest: Digest): Promise<void> {
    try {
      await rm(this.#path(digest), { force: true });
    } catch (cause) {
      throw storeFailed(cause);
    }
  }

  /** Removes what a crash left: unfinished files, and blocks that are not to be kept. */
  async sweep(isKept: (digest: Digest) => boolean): Promise<void> {
    try {
      for (const folder of await readdir(this.#directory)) {
        for (const name of await readdir(join(this.#directory, folder))) {
          if (name.endsWith(UNFINISHED) || !isKept(name))
            await rm(join(this.#directory, folder, name), { force: true });
        }
      }
    } catch (cause) {
      throw storeFailed(cause);
    }
  }
}

import { ClassicLevel } from "classic-level";
import type { KeyRange, KeyValueStore, StoreEntry, StoreOperation } from "./keyValueStore.ts";
import { plainBytes } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";

/** Memory that one DAC's database may use for what it read last, and for what it has not sorted to disk yet. */
const CACHE_BYTES = 32 * 1024 * 1024;
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024;

type Level = ClassicLevel<Uint8Array, Uint8Array>;

/** A store in a directory of its own (LevelDB). One process at a time may have it open. */
export class LevelStore implements KeyValueStore {
  readonly #level: Level;

  private constructor(level: Level) {
    this.#level = level;
  }

  /** Opens the directory, made if missing. Throws StateError "store-failed", also when another process has it open. */
  static async open(path: string): Promise<LevelStore> {
    const level: Level = new ClassicLevel(path, {
      keyEncoding: "view",
      valueEncoding: "view",
      // trie nodes are hashes: nothing to gain, and every read would pay for it
      compression: false,
      cacheSize: CACHE_BYTES,
      writeBufferSize: WRITE_BUFFER_BYTES,
    });
    try {
      await level.open();
    } catch (cause) {
      throw new StateError("store-failed", { operation: "open", path }, cause);
    }
    return new LevelStore(level);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      const value = this.#level.getSync(key);
      return value === undefined ? undefined : plainBytes(value);
    } catch (cause) {
      throw this.#failure("get", cause);
    }
  }

  async write(operations: readonly StoreOperation[]): Promise<void> {
    try {
      const batch = this.#level.batch();
      for (const { key, value } of operations) {
        if (value === null) batch.del(key);
        else batch.put(key, value);
      }
      await batch.write({ sync: true });
    } catch (cause) {
      throw this.#failure("write", cause);
    }
  }

  async page(range: KeyRange, limit: number): Promise<StoreEntry[]> {
    try {
      const entries = await this.#level.iterator({ gte: range.from, lt: range.to, limit }).all();
      return entries.map(([key, value]) => [plainBytes(key), plainBytes(value)] as const);
    } catch (cause) {
      throw this.#failure("page", cause);
    }
  }

  async close(): Promise<void> {
    try {
      await this.#level.close();
    } catch (cause) {
      throw new StateError("store-failed", { operation: "close" }, cause);
    }
  }

  #failure(operation: string, cause: unknown): StateError {
    if (this.#level.status !== "open") return new StateError("closed", { operation }, cause);
    return new StateError("store-failed", { operation }, cause);
  }
}

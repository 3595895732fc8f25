/** The implementations of the store port, each with how it comes back after the program ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KeyValueStore, LevelStore, MemoryStore } from "../src/index.ts";

export type StoreKind = {
  readonly name: string;
  make(): Promise<{ store: KeyValueStore; reopen(): Promise<KeyValueStore>; dispose(): Promise<void> }>;
};

export const storeKinds: readonly StoreKind[] = [
  {
    name: "in memory",
    make: async () => {
      let store = new MemoryStore();
      const first = store;
      const reopen = async (): Promise<KeyValueStore> => {
        await store.close();
        store = store.reopened();
        return store;
      };
      return { store: first, reopen, dispose: async () => {} };
    },
  },
  {
    name: "in Level",
    make: async () => {
      const path = mkdtempSync(join(tmpdir(), "mvm-state-"));
      let store = await LevelStore.open(path);
      const first = store;
      const reopen = async (): Promise<KeyValueStore> => {
        await store.close();
        store = await LevelStore.open(path);
        return store;
      };
      const dispose = async (): Promise<void> => {
        await store.close();
        rmSync(path, { recursive: true, force: true });
      };
      return { store: first, reopen, dispose };
    },
  },
];

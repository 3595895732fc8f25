/** The program that a test kills: stores transactions one after the other, and says which are acknowledged. */
import { keccakHash, toChainId, toWord } from "@mvm/protocol";
import { LevelStore } from "@mvm/state";
import { pendingStore } from "../src/durableStores.ts";

const store = pendingStore(await LevelStore.open(process.argv[2]!));
for (let n = 0n; ; n++) {
  const raw = toWord(n);
  await store.put(toChainId(1n), keccakHash(raw), raw);
  process.stdout.write(`${n}\n`);
}

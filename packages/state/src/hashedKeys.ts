import { fromHex, keccak } from "@mvm/protocol";
import { BoundedCache } from "./boundedCache.ts";
import { toNibbles } from "./trieNode.ts";

/** Keys remembered (twice as many at most): about 30 MB. */
const CACHED_KEYS = 65_536;
const cache = new BoundedCache<Uint8Array>(CACHED_KEYS);

/** Where an address or slot stands in its trie, whichever that is: the 64 nibbles of its keccak. */
export function hashedKey(key: string): Uint8Array {
  let nibbles = cache.get(key);
  if (nibbles === undefined) {
    nibbles = toNibbles(keccak(fromHex(key)));
    cache.set(key, nibbles);
  }
  return nibbles;
}

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

const PLACE_BYTES = 20;

/**
 * The first 20 bytes of the keccak of an address or slot, from the nibbles of its place in a trie. To find two that have them in common is as hard as to
 * find two accounts with one address.
 */
export function shortPlace(nibbles: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PLACE_BYTES);
  for (let i = 0; i < PLACE_BYTES; i++) bytes[i] = (nibbles[2 * i]! << 4) | nibbles[2 * i + 1]!;
  return bytes;
}

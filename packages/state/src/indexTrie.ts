import { bigIntToBytes, encodeRlp, type Hash, toHex } from "@mvm/protocol";
import { NodeMap } from "./nodeSource.ts";
import { collectProof, NodeSet } from "./proofCollector.ts";
import { StateError } from "./stateError.ts";
import { hashOfRoot, TrieWalker } from "./trie.ts";
import { type LoadedNode, toNibbles } from "./trieNode.ts";

/** Most values of one index trie: transactions of a block, with room. */
export const MAX_INDEX_TRIE_VALUES = 65_536;

/** Where value number `index` stands: the nibbles of rlp(index). */
export function indexKey(index: number): Uint8Array {
  return toNibbles(encodeRlp(bigIntToBytes(BigInt(index))));
}

/**
 * The trie of a block's transactions or receipts, grown one by one: rlp(index) -> encoded value, with the root over
 * 0..index after each (checkpoints need them all).
 */
export class IndexTrie {
  readonly #walker = new TrieWalker(new NodeMap());
  #root: LoadedNode | null = null;
  #size = 0;

  /** How many values it holds. */
  get size(): number {
    return this.#size;
  }

  root(): Hash {
    return toHex(hashOfRoot(this.#root)) as Hash;
  }

  /** Adds the next value (1 to 65,536 bytes) and gives the root over all so far. Throws StateError "too-many", "out-of-range". */
  append(value: Uint8Array): Hash {
    if (this.#size >= MAX_INDEX_TRIE_VALUES) throw new StateError("too-many", { bound: MAX_INDEX_TRIE_VALUES });
    if (value.length === 0 || value.length > 65_536) throw new StateError("out-of-range", { valueBytes: value.length });
    this.#root = this.#walker.put(this.#root, indexKey(this.#size), new Uint8Array(value), null);
    this.#size++;
    return this.root();
  }

  /** Nodes from the root to value number `index`, or to where it will stand once it is appended. */
  proof(index: number): Uint8Array[] {
    const out = new NodeSet();
    hashOfRoot(this.#root);
    collectProof(this.#walker, this.#root, [{ key: indexKey(index), mayVanish: false }], out);
    return out.nodes;
  }
}

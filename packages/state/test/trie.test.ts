import { createMPT, verifyMerkleProof } from "@ethereumjs/mpt";
import { bigIntToBytes, encodeRlp, keccak, toHex } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IndexTrie } from "../src/indexTrie.ts";
import { decodeNode, encodeNode } from "../src/nodeEncoding.ts";
import { NodeMap } from "../src/nodeSource.ts";
import { StateError } from "../src/stateError.ts";
import { hashOfRoot, rootNode, TrieWalker } from "../src/trie.ts";
import { type LoadedNode, toNibbles } from "../src/trieNode.ts";

/** Keys of two bytes out of few: shared paths, extensions, embedded nodes and collapses all the time. */
const narrowKey = fc
  .tuple(fc.constantFrom(0, 1, 16, 17, 255), fc.constantFrom(0, 1, 2, 16, 32, 255))
  .map((pair) => Uint8Array.from(pair));
const wideKey = fc.uint8Array({ minLength: 32, maxLength: 32 });
const value = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 3 }), fc.uint8Array({ minLength: 30, maxLength: 80 }));
const operations = (key: fc.Arbitrary<Uint8Array>) =>
  fc.array(
    fc.record({ key, value: fc.option(value, { freq: 2 }), after: fc.constantFrom("nothing", "seal", "reload") }),
    {
      minLength: 1,
      maxLength: 40,
    },
  );

function everyNode(root: LoadedNode): Uint8Array[] {
  hashOfRoot(root);
  const out: Uint8Array[] = [];
  const walk = (node: LoadedNode, isRoot: boolean): void => {
    if (isRoot || node.ref!.length === 32) out.push(encodeNode(node));
    const below = node.kind === "branch" ? node.children : node.kind === "extension" ? [node.child] : [];
    for (const child of below) if (child !== null && child.kind !== "unloaded") walk(child, false);
  };
  walk(root, true);
  return out;
}

async function agrees(key: fc.Arbitrary<Uint8Array>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(operations(key), async (steps) => {
      const oracle = await createMPT();
      const source = new NodeMap();
      const walker = new TrieWalker(source);
      let root: LoadedNode | null = null;
      const kept: { root: LoadedNode | null; hash: string }[] = [];
      for (const step of steps) {
        const nibbles = toNibbles(step.key);
        if (step.value === null) {
          await oracle.del(step.key);
          root = walker.remove(root, nibbles);
        } else {
          await oracle.put(step.key, step.value);
          root = walker.put(root, nibbles, step.value, null);
        }
        expect(toHex(hashOfRoot(root))).toBe(toHex(oracle.root()));
        expect(walker.find(root, nibbles)?.value ?? null).toEqual(step.value);
        if (step.after === "nothing") continue;
        walker.epoch = { stored: false };
        kept.push({ root, hash: toHex(hashOfRoot(root)) });
        if (root === null || step.after === "seal") continue;
        for (const encoded of everyNode(root)) source.add(encoded);
        root = rootNode(walker, hashOfRoot(root));
      }
      for (const { root: old, hash } of kept)
        expect(toHex(old === null ? hashOfRoot(null) : keccak(encodeNode(old)))).toBe(hash);
    }),
    { numRuns: 150 },
  );
}

describe("trie", () => {
  test("has the oracle's root after every insertion and deletion over short, crowded keys", () => agrees(narrowKey));
  test("has the oracle's root after every insertion and deletion over 32-byte keys", () => agrees(wideKey));

  test("decoding and encoding a node of any shape gives the same bytes", () => {
    fc.assert(
      fc.property(fc.uniqueArray(narrowKey, { minLength: 1, selector: (key) => toHex(key) }), value, (keys, shared) => {
        const walker = new TrieWalker(new NodeMap());
        let root: LoadedNode | null = null;
        for (const key of keys) root = walker.put(root, toNibbles(key), shared, null);
        for (const encoded of everyNode(root!)) {
          expect(encodeNode(decodeNode(encoded, new Uint8Array(32)))).toEqual(encoded);
        }
      }),
    );
  });

  test("bytes that are no canonical node are refused with a typed error, whatever they are", () => {
    const walker = new TrieWalker(new NodeMap());
    let root: LoadedNode | null = null;
    for (let i = 0; i < 40; i++)
      root = walker.put(root, toNibbles(Uint8Array.of(i * 5, i)), new Uint8Array(40).fill(i + 1), null);
    const nodes = everyNode(root!);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, flip) => {
        const encoded = nodes[which % nodes.length]!.slice();
        encoded[at % encoded.length]! ^= flip;
        try {
          expect(encodeNode(decodeNode(encoded, new Uint8Array(32)))).toEqual(encoded);
        } catch (error) {
          expect(error).toBeInstanceOf(StateError);
          expect((error as StateError).code).toBe("bad-node");
        }
      }),
      { numRuns: 2_000 },
    );
    for (const bytes of [
      new Uint8Array(0),
      Uint8Array.of(0xc0),
      Uint8Array.of(0x80),
      Uint8Array.of(0xc2, 0x80, 0x80),
    ]) {
      expect(() => decodeNode(bytes, new Uint8Array(32))).toThrow(StateError);
    }
  });
});

describe("index trie", () => {
  test("has the oracle's root after each of 300 appended values", async () => {
    const oracle = await createMPT();
    const trie = new IndexTrie();
    for (let i = 0; i < 300; i++) {
      const bytes = new Uint8Array(1 + ((i * 37) % 90)).fill(i % 251 || 1);
      await oracle.put(encodeRlp(bigIntToBytes(BigInt(i))), bytes);
      expect(trie.append(bytes)).toBe(toHex(oracle.root()));
    }
  });

  test("proves each value to the oracle's verifier, and the place of the next one to be absent", async () => {
    const trie = new IndexTrie();
    const values = Array.from({ length: 140 }, (_, i) => new Uint8Array(40).fill(i + 1));
    for (const bytes of values) trie.append(bytes);
    for (const i of [0, 1, 77, 127, 128, 139]) {
      const key = encodeRlp(bigIntToBytes(BigInt(i)));
      expect(await verifyMerkleProof(key, trie.proof(i))).toEqual(values[i]);
    }
    expect(await verifyMerkleProof(encodeRlp(bigIntToBytes(140n)), trie.proof(140))).toBeNull();
  });

  test("takes values as long as an encoded transaction may be, and refuses empty ones", async () => {
    const oracle = await createMPT();
    const trie = new IndexTrie();
    for (const size of [1, 55, 56, 255, 256, 57_344, 65_536]) {
      const bytes = new Uint8Array(size).fill(9);
      await oracle.put(encodeRlp(bigIntToBytes(BigInt(trie.size))), bytes);
      expect(trie.append(bytes)).toBe(toHex(oracle.root()));
    }
    expect(() => trie.append(new Uint8Array(0))).toThrow(StateError);
    expect(() => trie.append(new Uint8Array(65_537))).toThrow(StateError);
  });
});

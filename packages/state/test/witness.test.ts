/**
 * Witnesses with entries left out: of what a real computation read, every entry is needed, and a computation that lacks
 * one stops with an error that names it. The keys are chosen so that their hashes share beginnings: extensions, deep
 * branches and their collapses come up all the time, in the trie of accounts and in those of storage.
 */
import { createMPT } from "@ethereumjs/mpt";
import {
  type AccountWrite,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  fromHex,
  type Hash,
  keccak,
  keccakHash,
  toHex,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyWrites,
  NodeMap,
  RecordingSource,
  SparseState,
  StateError,
  WorldState,
  witnessOfWrites,
} from "../src/index.ts";
import { encodeNode } from "../src/nodeEncoding.ts";
import { hashOfRoot, rootNode, TrieWalker } from "../src/trie.ts";
import { type LoadedNode, toNibbles } from "../src/trieNode.ts";
import { OracleState } from "./oracle.ts";
import { addressOf, keysOf, slotOf, stored } from "./writes.ts";

/** Numbers whose name's hash begins with the same three nibbles, in groups of four; and a few others. */
function crowded(nameOf: (n: number) => string, groups: number): number[] {
  const byPrefix = new Map<string, number[]>();
  const chosen: number[] = [];
  for (let n = 0; chosen.length < groups * 4; n++) {
    const prefix = toHex(keccak(fromHex(nameOf(n)))).slice(2, 5);
    const group = byPrefix.get(prefix) ?? [];
    byPrefix.set(prefix, group);
    group.push(n);
    if (group.length === 4) chosen.push(...group);
  }
  return [...chosen, 1_000_001, 1_000_002, 1_000_003, 1_000_004];
}

const ADDRESSES = crowded(addressOf, 3).map(addressOf);
const SLOTS = crowded(slotOf, 3).map(slotOf);

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0n) },
  { weight: 2, arbitrary: fc.bigInt({ min: 1n, max: 100n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 2n ** 256n - 1n }) },
);
const slots = fc
  .uniqueArray(fc.record({ slot: fc.constantFrom(...SLOTS), value }), { selector: ({ slot }) => slot, maxLength: 8 })
  .map((list) => list.toSorted((left, right) => (left.slot < right.slot ? -1 : 1)));
/** Removal, emptying down to nothing but storage, and writing of one account. */
const change = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ account: null, code: null, slots: [] }) },
  {
    weight: 3,
    arbitrary: fc.record({
      account: fc.record({
        nonce: fc.bigInt({ min: 0n, max: 3n }),
        balance: fc.bigInt({ min: 0n, max: 2n ** 100n }),
        codeHash: fc.constant(EMPTY_CODE_HASH),
      }),
      code: fc.constant(null),
      slots,
    }),
  },
);
const transaction = (maxAccounts: number): fc.Arbitrary<AccountWrite[]> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...ADDRESSES), change), {
      selector: ([address]) => address,
      minLength: 1,
      maxLength: maxAccounts,
    })
    .map((list) =>
      list
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .map(([address, rest]): AccountWrite => ({ address, ...rest })),
    );
const base = fc.array(transaction(12), { minLength: 1, maxLength: 3 });
const block = fc.array(transaction(8), { minLength: 1, maxLength: 4 });

function errorOf(action: () => unknown): StateError | null {
  try {
    action();
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(StateError);
    return error as StateError;
  }
}

/** Leaves out each node in turn and expects the error that names it. */
function expectEachNeeded(witness: readonly Uint8Array[], compute: (nodes: readonly Uint8Array[]) => unknown): void {
  for (const [i, node] of witness.entries()) {
    const error = errorOf(() => compute(witness.toSpliced(i, 1)));
    expect([error?.code, error?.hash]).toEqual(["missing-node", keccakHash(node)]);
    expect(error!.path).toMatch(/^[0-9a-f]*$/);
  }
}

describe("witness of a state", () => {
  test("recorded from a block's writes it gives the oracle's roots, and each of its entries is needed", async () => {
    let siblings = 0;
    await fc.assert(
      fc.asyncProperty(base, block, async (before, writes) => {
        const { source, root } = stored(before);
        const oracle = await OracleState.make();
        for (const transactionWrites of before) await oracle.apply(transactionWrites);
        const roots: string[] = [];
        for (const transactionWrites of writes) roots.push(await oracle.apply(transactionWrites));
        const witness = witnessOfWrites(source, root, writes);
        const replay = (nodes: readonly Uint8Array[]): Hash[] => {
          const state = SparseState.fromProof(root, nodes);
          return writes.map((transactionWrites) => state.applyWrites(transactionWrites));
        };
        expect(replay(witness)).toEqual(roots);
        expectEachNeeded(witness, replay);
        const read = new NodeMap(new WorldState(source, root).proveReads(keysOf(writes)));
        siblings += witness.filter((node) => read.get(keccak(node)) === undefined).length;
      }),
      { numRuns: 200 },
    );
    // Nodes that only a collapse needs: without them this would say little.
    expect(siblings).toBeGreaterThan(10);
  });

  test("of one transaction alone is as small, by applyWrites", () => {
    fc.assert(
      fc.property(base, transaction(6), (before, writes) => {
        const { source, root } = stored(before);
        const expected = new WorldState(source, root).applyWrites(writes);
        const witness = witnessOfWrites(source, root, [writes]);
        expect(applyWrites(root, witness, writes)).toBe(expected);
        expectEachNeeded(witness, (nodes) => applyWrites(root, nodes, writes));
      }),
      { numRuns: 250 },
    );
  });

  test("from a host, who knows the keys but not the values, has beside the needed entries only ones that change nothing", () => {
    let spare = 0;
    fc.assert(
      fc.property(base, block, (before, writes) => {
        const { source, root } = stored(before);
        const needed = new NodeMap(witnessOfWrites(source, root, writes));
        const witness = new WorldState(source, root).witnessFor(keysOf(writes));
        const replay = (nodes: readonly Uint8Array[]): Hash[] => {
          const state = SparseState.fromProof(root, nodes);
          return writes.map((transactionWrites) => state.applyWrites(transactionWrites));
        };
        const roots = replay(witness);
        for (const [i, node] of witness.entries()) {
          const less = witness.toSpliced(i, 1);
          if (needed.get(keccak(node)) === undefined) {
            spare++;
            expect(replay(less)).toEqual(roots);
          } else {
            expect(errorOf(() => replay(less))?.hash).toBe(keccakHash(node));
          }
        }
      }),
      { numRuns: 150 },
    );
    expect(spare).toBeGreaterThan(0);
  });

  test("holds where removals leave one account, one slot or nothing at all", () => {
    const account = { nonce: 1n, balance: 1n, codeHash: EMPTY_CODE_HASH };
    const full = ADDRESSES.map(
      (address): AccountWrite => ({ address, account, code: null, slots: SLOTS.map((slot) => ({ slot, value: 7n })) }),
    );
    const { source, root } = stored([full]);
    const kept = fc.nat(1);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(full, { minLength: full.length }),
        fc.shuffledSubarray(SLOTS, { minLength: SLOTS.length }),
        kept,
        kept,
        (accounts, order, keptAccounts, keptSlots) => {
          const [last, ...others] = accounts;
          const emptied = order
            .slice(keptSlots)
            .map((slot): AccountWrite[] => [{ ...last!, slots: [{ slot, value: 0n }] }]);
          const removed = others.map((write): AccountWrite[] => [{ ...write, account: null, slots: [] }]);
          const end: AccountWrite[][] = keptAccounts === 1 ? [] : [[{ ...last!, account: null, slots: [] }]];
          const writes = [...removed, ...emptied, ...end];
          const witness = witnessOfWrites(source, root, writes);
          const replay = (nodes: readonly Uint8Array[]): Hash => {
            const state = SparseState.fromProof(root, nodes);
            return writes.map((transactionWrites) => state.applyWrites(transactionWrites)).at(-1)!;
          };
          const left = order.slice(0, keptSlots).map((slot) => ({ slot, value: 7n }));
          const alone = keptAccounts === 1 ? stored([[{ ...last!, slots: left }]]).root : EMPTY_TRIE_ROOT;
          expect(replay(witness)).toBe(alone);
          expectEachNeeded(witness, replay);
        },
      ),
      { numRuns: 12 },
    );
  });
});

/** Short keys: nodes of less than 32 bytes stand within their parents and are no entries of their own. */
const shortKey = fc
  .tuple(fc.constantFrom(0, 1, 16, 17, 255), fc.constantFrom(0, 1, 2, 16, 32, 255))
  .map((pair) => Uint8Array.from(pair));
const shortValue = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 3 }),
  fc.uint8Array({ minLength: 30, maxLength: 80 }),
);
const steps = fc.array(fc.record({ key: shortKey, value: fc.option(shortValue, { freq: 2 }) }), {
  minLength: 1,
  maxLength: 30,
});

function addNodes(node: LoadedNode, isRoot: boolean, out: { source: NodeMap; embedded: number }): void {
  if (isRoot || node.ref!.length === 32) out.source.add(encodeNode(node));
  else out.embedded++;
  const below = node.kind === "branch" ? node.children : node.kind === "extension" ? [node.child] : [];
  for (const child of below) if (child !== null && child.kind !== "unloaded") addNodes(child, false, out);
}

describe("witness of a trie", () => {
  test("with embedded nodes gives the oracle's root, and each of its entries is needed", async () => {
    let embedded = 0;
    await fc.assert(
      fc.asyncProperty(steps, steps, async (before, after) => {
        const oracle = await createMPT();
        const builder = new TrieWalker(new NodeMap());
        let start: LoadedNode | null = null;
        for (const { key, value: bytes } of [...before, { key: Uint8Array.of(9, 9), value: Uint8Array.of(9) }]) {
          await (bytes === null ? oracle.del(key) : oracle.put(key, bytes));
          const path = toNibbles(key);
          start = bytes === null ? builder.remove(start, path) : builder.put(start, path, bytes, null);
        }
        const root = hashOfRoot(start);
        const out = { source: new NodeMap(), embedded: 0 };
        addNodes(start!, true, out);
        embedded += out.embedded;
        for (const { key, value: bytes } of after) await (bytes === null ? oracle.del(key) : oracle.put(key, bytes));
        const replay = (source: NodeMap | RecordingSource): string => {
          const walker = new TrieWalker(source);
          let node = rootNode(walker, root);
          for (const { key, value: bytes } of after) {
            const path = toNibbles(key);
            node = bytes === null ? walker.remove(node, path) : walker.put(node, path, bytes, null);
          }
          return toHex(hashOfRoot(node));
        };
        const recording = new RecordingSource(out.source);
        expect(replay(recording)).toBe(toHex(oracle.root()));
        const witness = [...recording.recorded.values()];
        expect(replay(new NodeMap(witness))).toBe(toHex(oracle.root()));
        expectEachNeeded(witness, (nodes) => replay(new NodeMap(nodes)));
      }),
      { numRuns: 250 },
    );
    expect(embedded).toBeGreaterThan(100);
  });
});

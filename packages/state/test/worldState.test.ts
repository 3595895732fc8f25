import { type AccountWrite, EMPTY_TRIE_ROOT, type Hash, type StateKey } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  NodeMap,
  SparseState,
  StateError,
  verifyReads,
  verifyWitness,
  WorldState,
  witnessOfWrites,
} from "../src/index.ts";
import { OracleState } from "./oracle.ts";
import { addressOf, arbitraryWrites, hexList, keysOf, slotOf, stored } from "./writes.ts";

const ADDRESSES = 24;
const SLOTS = 24;
const block = fc.array(arbitraryWrites(ADDRESSES, SLOTS), { minLength: 1, maxLength: 8 });

function codeOf(action: () => unknown): string {
  try {
    action();
    return "no error";
  } catch (error) {
    expect(error).toBeInstanceOf(StateError);
    return (error as StateError).code;
  }
}

const everyKey: StateKey[] = Array.from({ length: ADDRESSES + 4 }, (_, n): StateKey[] => [
  { kind: "account", address: addressOf(n) },
  ...Array.from({ length: SLOTS }, (_, s): StateKey => ({ kind: "slot", address: addressOf(n), slot: slotOf(s) })),
]).flat();

describe("world state", () => {
  test("has the oracle's root after every transaction, over nodes in memory and over nodes reloaded", async () => {
    await fc.assert(
      fc.asyncProperty(block, fc.integer({ min: 0, max: 3 }), async (transactions, reloadEvery) => {
        const oracle = await OracleState.make();
        const source = new NodeMap();
        let state = new WorldState(source, EMPTY_TRIE_ROOT);
        for (const [i, writes] of transactions.entries()) {
          expect(state.applyWrites(writes)).toBe(await oracle.apply(writes));
          for (const { address, account, slots } of writes) {
            const { storageRoot: _, ...read } = state.account(address) ?? { storageRoot: null };
            expect(account === null ? {} : { ...account }).toEqual(read);
            for (const { slot, value } of slots) expect(state.slot(address, slot)).toBe(value);
          }
          if (reloadEvery === 0 || i % reloadEvery !== 0) continue;
          for (const { encoded } of state.unstoredNodes()) source.add(encoded);
          if (reloadEvery === 3) state.markStored(0);
          else state = new WorldState(source, state.root());
        }
      }),
      { numRuns: 100 },
    );
  });

  test("has the oracle's storage root of every account after every transaction, absent and empty ones included", async () => {
    await fc.assert(
      fc.asyncProperty(block, async (transactions) => {
        const oracle = await OracleState.make();
        const source = new NodeMap();
        const state = new WorldState(source, EMPTY_TRIE_ROOT);
        for (const writes of transactions) {
          state.applyWrites(writes);
          await oracle.apply(writes);
          for (const { encoded } of state.unstoredNodes()) source.add(encoded);
          const reloaded = new WorldState(source, state.root());
          for (let n = 0; n < ADDRESSES + 4; n++) {
            const expected = oracle.storageRootOf(addressOf(n));
            expect(state.storageRootOf(addressOf(n))).toBe(expected);
            expect(reloaded.storageRootOf(addressOf(n))).toBe(expected);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a storage root is only given where the nodes say whether the account is there", () => {
    const { source, root } = stored([Array.from({ length: 40 }, (_, n) => account(n))]);
    const full = new WorldState(source, root);
    const keys: StateKey[] = [{ kind: "account", address: addressOf(3) }];
    const sparse = SparseState.fromProof(root, full.proveReads(keys));
    expect(sparse.storageRootOf(addressOf(3))).toBe(full.storageRootOf(addressOf(3)));
    const answers = Array.from({ length: 40 }, (_, n) => codeOf(() => sparse.storageRootOf(addressOf(n))));
    expect(answers.filter((code) => code === "no error").length).toBeLessThan(4);
    expect(new Set(answers)).toEqual(new Set(["no error", "missing-node"]));
    sparse.applyWrites([{ ...account(3, 99), slots: [] }]);
    expect(sparse.storageRootOf(addressOf(3))).toBe(full.storageRootOf(addressOf(3)));
  });

  test("a snapshot keeps its root and values whatever is written after it", () => {
    fc.assert(
      fc.property(block, block, (before, after) => {
        const state = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
        for (const writes of before) state.applyWrites(writes);
        const root = state.root();
        const snapshot = state.snapshot();
        for (const writes of after) state.applyWrites(writes);
        expect(state.rootOf(snapshot)).toBe(root);
        state.restore(snapshot);
        const fresh = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
        for (const writes of before) fresh.applyWrites(writes);
        for (const writes of after) expect(state.applyWrites(writes)).toBe(fresh.applyWrites(writes));
      }),
    );
  });

  test("after a failed write nothing is answered until a snapshot is restored", () => {
    const { source, root } = stored([[0, 1, 2, 3, 4, 5].map((n) => account(n))]);
    const witness = witnessOfWrites(source, root, [[account(1)]]);
    const state = SparseState.fromProof(root, witness);
    const snapshot = state.snapshot();
    const all = [0, 1, 2, 3, 4, 5].map((n): AccountWrite => ({ ...account(n), account: null }));
    expect(codeOf(() => state.applyWrites(all))).toBe("missing-node");
    expect(codeOf(() => state.root())).toBe("missing-node");
    expect(codeOf(() => state.account(addressOf(1)))).toBe("missing-node");
    state.restore(snapshot);
    expect(state.root()).toBe(root);
  });

  test("trimming what is kept in memory changes no root", () => {
    const source = new NodeMap();
    const trimmed = new WorldState(source, EMPTY_TRIE_ROOT);
    const whole = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
    for (let round = 0; round < 30; round++) {
      const writes = Array.from({ length: 40 }, (_, i) => account((round * 31 + i * 7) % 300, round + 1));
      expect(trimmed.applyWrites(writes)).toBe(whole.applyWrites(writes));
      for (const { encoded } of trimmed.unstoredNodes()) source.add(encoded);
      trimmed.markStored(50);
      expect(trimmed.nodesInMemory).toBeLessThan(2_000);
    }
  });
});

const account = (n: number, nonce = n): AccountWrite => ({
  address: addressOf(n),
  account: { nonce: BigInt(nonce), balance: 5n, codeHash: `0x${"ab".repeat(32)}` as Hash },
  code: null,
  slots: Array.from({ length: n % 4 }, (_, s) => ({ slot: slotOf(s), value: BigInt(nonce + s + 1) })),
});

/** Nodes that deleting a slot needs besides its own path. */
function neededFor(source: NodeMap, root: Hash, owner: AccountWrite, slot: Hash): number {
  const witness = witnessOfWrites(source, root, [[{ ...owner, slots: [{ slot, value: 0n }] }]]);
  return (
    witness.length - new WorldState(source, root).proveReads([{ kind: "slot", address: owner.address, slot }]).length
  );
}

describe("proofs of reads", () => {
  test("prove every value, absent ones included, with each node sent once", () => {
    fc.assert(
      fc.property(block, fc.subarray(everyKey, { maxLength: 60 }), (base, keys) => {
        const { source, root } = stored(base);
        const state = new WorldState(source, root);
        const nodes = state.proveReads(keys);
        expect(new Set(hexList(nodes)).size).toBe(nodes.length);
        for (const entry of verifyReads(root, keys, { nodes, codes: [] })) {
          if (entry.kind === "slot") expect(entry.value).toBe(state.slot(entry.address, entry.slot));
          if (entry.kind !== "account") continue;
          const record = state.account(entry.address);
          expect(entry.value?.balance ?? null).toBe(record?.balance ?? null);
          expect(entry.value?.nonce ?? null).toBe(record?.nonce ?? null);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("lacking any node, holding a changed, foreign or doubled one, or under another root they are refused", () => {
    fc.assert(
      fc.property(
        block,
        fc.subarray(everyKey, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        (base, keys, which, at) => {
          const { source, root } = stored(base);
          const nodes = new WorldState(source, root).proveReads(keys);
          const check = (changed: Uint8Array[], under = root): string =>
            codeOf(() => verifyReads(under, keys, { nodes: changed, codes: [] }));
          if (nodes.length === 0) return;
          for (const [i] of nodes.entries()) expect(check(nodes.toSpliced(i, 1))).toBe("missing-node");
          const target = which % nodes.length;
          const changed = nodes[target]!.slice();
          changed[at % changed.length]! ^= 1;
          expect(check(nodes.with(target, changed))).toBe("missing-node");
          expect(check([...nodes, nodes[target]!])).toBe("unused-node");
          expect(check([...nodes, changed])).toBe("unused-node");
          expect(check(nodes, `0x${"11".repeat(32)}` as Hash)).toBe("missing-node");
          expect(check(nodes.toReversed())).toBe("no error");
        },
      ),
      { numRuns: 75 },
    );
  });

  test("nothing is needed to prove absence in an empty state, and nothing may be sent", () => {
    const keys: StateKey[] = [{ kind: "slot", address: addressOf(1), slot: slotOf(1) }];
    expect(verifyReads(EMPTY_TRIE_ROOT, keys, { nodes: [], codes: [] })).toEqual([{ ...keys[0], value: 0n }]);
    expect(codeOf(() => verifyReads(EMPTY_TRIE_ROOT, keys, { nodes: [Uint8Array.of(0xc0)], codes: [] }))).toBe(
      "unused-node",
    );
  });

  test("keys that no state holds are refused by name", () => {
    for (const key of [{ kind: "number" }, { kind: "chainId" }, { kind: "blockHash", number: 1n }] as const) {
      const { source, root } = stored([[account(1)]]);
      const nodes = [...source.values()];
      expect(codeOf(() => new WorldState(source, root).proveReads([key]))).toBe("not-state");
      expect(codeOf(() => verifyReads(root, [key], { nodes, codes: [] }))).toBe("not-state");
    }
  });
});

describe("witnesses of writes", () => {
  test("a host's witness for the written keys always suffices; without one node: the same roots or a typed error", () => {
    fc.assert(
      fc.property(
        block,
        fc.array(arbitraryWrites(ADDRESSES, SLOTS), { minLength: 1, maxLength: 6 }),
        (base, writes) => {
          const { source, root } = stored(base);
          const full = new WorldState(source, root);
          const roots = writes.map((transaction) => full.applyWrites(transaction));
          const keys = keysOf(writes);
          const witness = new WorldState(source, root).witnessFor(keys);
          verifyWitness(root, keys, witness);
          const replay = (nodes: Uint8Array[]): Hash[] => {
            const state = SparseState.fromProof(root, nodes);
            return writes.map((transaction) => state.applyWrites(transaction));
          };
          expect(replay(witness)).toEqual(roots);
          for (const [i] of witness.entries()) {
            const less = witness.toSpliced(i, 1);
            try {
              expect(replay(less)).toEqual(roots);
            } catch (error) {
              expect((error as StateError).code).toBe("missing-node");
            }
            expect(codeOf(() => verifyWitness(root, keys, less))).toBe("missing-node");
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("a witness has no node more than the reads' proof where every branch on the path keeps two other children", () => {
    const many: AccountWrite = {
      ...account(1),
      slots: Array.from({ length: 4_096 }, (_, s) => ({ slot: slotOf(s), value: 1n })),
    };
    const { source, root } = stored([[many]]);
    const state = new WorldState(source, root);
    const witnesses = many.slots.slice(0, 200).map(({ slot }) => {
      const key: StateKey = { kind: "slot", address: addressOf(1), slot };
      return {
        extra: state.witnessFor([key]).length - state.proveReads([key]).length,
        needed: neededFor(source, root, many, slot),
      };
    });
    for (const { extra, needed } of witnesses) expect(extra).toBe(needed);
    expect(witnesses.some(({ extra }) => extra === 1)).toBe(true);
    expect(witnesses.some(({ extra }) => extra === 0)).toBe(true);
  });

  test("deleting all but one of many slots in any order needs nothing beyond the witness", () => {
    const many: AccountWrite = {
      ...account(1),
      slots: Array.from({ length: 64 }, (_, s) => ({ slot: slotOf(s), value: 1n })),
    };
    const { source, root } = stored([[many]]);
    fc.assert(
      fc.property(fc.shuffledSubarray(many.slots.slice(), { minLength: 50, maxLength: 64 }), (order) => {
        const writes = order.map(({ slot }): AccountWrite[] => [{ ...many, slots: [{ slot, value: 0n }] }]);
        const witness = new WorldState(source, root).witnessFor(keysOf(writes));
        const full = new WorldState(source, root);
        const sparse = SparseState.fromProof(root, witness);
        for (const transaction of writes) expect(sparse.applyWrites(transaction)).toBe(full.applyWrites(transaction));
      }),
      { numRuns: 40 },
    );
  });
});

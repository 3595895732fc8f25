import { type AccountWrite, EMPTY_TRIE_ROOT, type Hash, keccakHash, type StateKey } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type FetchProof,
  NodeMap,
  type Proof,
  ProvenReader,
  SparseState,
  StateError,
  StateView,
  WorldState,
} from "../src/index.ts";
import { nameHash, noChain } from "./blocks.ts";
import { addressOf, arbitraryWrites, keysOf, slotOf } from "./writes.ts";

/** A host with a state, that counts what it is asked and may lie. */
class Host {
  readonly view: StateView;
  readonly asked: { keys: readonly StateKey[]; forWrites: boolean }[] = [];
  readonly #lie: (proof: Proof) => Proof;

  constructor(base: readonly (readonly AccountWrite[])[], lie: (proof: Proof) => Proof = (proof) => proof) {
    const source = new NodeMap();
    const codes = new Map<Hash, Uint8Array>();
    const state = new WorldState(source, EMPTY_TRIE_ROOT);
    for (const writes of base) {
      state.applyWrites(writes);
      for (const { code } of writes) if (code !== null) codes.set(keccakHash(code), code);
    }
    for (const { encoded } of state.unstoredNodes()) source.add(encoded);
    this.view = new StateView({ source, root: state.root(), chain: noChain, code: (hash) => codes.get(hash)! });
    this.#lie = lie;
  }

  readonly fetch: FetchProof = async ({ keys, forWrites }) => {
    this.asked.push({ keys, forWrites });
    return this.#lie(forWrites ? { nodes: this.view.witnessFor(keys), codes: [] } : this.view.proveReads(keys));
  };

  reader(signal = new AbortController().signal): ProvenReader {
    return new ProvenReader({ root: this.view.root, fetch: this.fetch, chain: noChain, signal });
  }
}

const code = Uint8Array.of(1, 2, 3);
const written = (n: number): AccountWrite => ({
  address: addressOf(n),
  account: { nonce: BigInt(n), balance: BigInt(n + 1), codeHash: keccakHash(code) },
  code,
  slots: [{ slot: slotOf(1), value: BigInt(n + 1) }],
});
const base = [Array.from({ length: 300 }, (_, n) => written(n))];

const codeOf = async (promise: unknown): Promise<string> => {
  const error = await Promise.resolve(promise).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(StateError);
  return (error as StateError).code;
};

describe("proven reader", () => {
  test("reads of one turn are one fetch, each key once, and what is known is not fetched again", async () => {
    const host = new Host(base);
    const reader = host.reader();
    const first = await Promise.all([
      reader.account(addressOf(1)),
      reader.slot(addressOf(1), slotOf(1)),
      reader.account(addressOf(1)),
      reader.account(addressOf(999)),
      reader.code(keccakHash(code)),
    ]);
    expect(first).toEqual([written(1).account, 2n, written(1).account, null, code]);
    expect(host.asked.length).toBe(1);
    expect(host.asked[0]!.keys.length).toBe(4);
    expect(await reader.account(addressOf(1))).toEqual(written(1).account);
    expect(host.asked.length).toBe(1);
    expect(await reader.number()).toBe(0n);
  });

  test("no fetch has more keys than its bound, however many reads come at once", async () => {
    const host = new Host(base);
    const reader = host.reader();
    const values = await Promise.all(Array.from({ length: 600 }, (_, n) => reader.account(addressOf(n))));
    expect(values.filter((value) => value !== null).length).toBe(300);
    expect(host.asked.map(({ keys }) => keys.length)).toEqual([256, 256, 88]);
  });

  test("more reads at once than the bound are refused, and the others answered", async () => {
    const reader = new Host(base).reader();
    const reads = Array.from({ length: 4_097 }, (_, n) => reader.account(addressOf(n)));
    expect(await codeOf(reads[4_096])).toBe("too-many");
    expect(await reads[5]).toEqual(written(5).account);
    await Promise.all(reads.slice(0, 4_096));
  });

  test("a proof that is changed in any way is refused and leaves nothing behind", async () => {
    const lies: ((proof: Proof) => Proof)[] = [
      ({ nodes, codes }) => ({ nodes: nodes.slice(1), codes }),
      ({ nodes, codes }) => ({ nodes: [...nodes, Uint8Array.of(0xc0)], codes }),
      ({ nodes, codes }) => ({ nodes: nodes.map((node) => node.with(node.length - 1, node.at(-1)! ^ 1)), codes }),
      ({ nodes }) => ({ nodes, codes: [] }),
      ({ nodes }) => ({ nodes, codes: [Uint8Array.of(9)] }),
      ({ codes }) => ({
        nodes: new Host([[written(7)]]).view.proveReads([{ kind: "account", address: addressOf(1) }]).nodes,
        codes,
      }),
    ];
    const expected = ["missing-node", "unused-node", "missing-node", "missing-code", "unused-code", "missing-node"];
    for (const [i, lie] of lies.entries()) {
      const reader = new Host(base, lie).reader();
      const reads = [reader.account(addressOf(1)), reader.code(keccakHash(code))];
      const refused = await Promise.all(reads.map(codeOf));
      expect(refused).toEqual([expected[i], expected[i]]);
      expect(reader.collectedNodes()).toEqual([]);
    }
  });

  test("a failing or ended fetch rejects its reads by name, and later reads ask again", async () => {
    const host = new Host(base);
    let failing = true;
    const ending = new AbortController();
    const fetch: FetchProof = (request, signal) =>
      failing ? Promise.reject(new Error("no host")) : host.fetch(request, signal);
    const reader = new ProvenReader({ root: host.view.root, fetch, chain: noChain, signal: ending.signal });
    expect(await codeOf(reader.account(addressOf(1)))).toBe("fetch-failed");
    failing = false;
    expect(await reader.account(addressOf(1))).toEqual(written(1).account);
    ending.abort();
    expect(await codeOf(reader.account(addressOf(2)))).toBe("fetch-failed");
  });

  test("what it collected is enough to compute the roots of a block that reads and writes", async () => {
    const block = fc.array(arbitraryWrites(16, 16), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(block, block, async (before, writes) => {
        const host = new Host(before);
        const reader = host.reader();
        await Promise.all([reader.account(addressOf(3)), reader.slot(addressOf(3), slotOf(5))]);
        await reader.fetchWitness(keysOf(writes));
        const state = SparseState.fromProof(reader.root, reader.collectedNodes());
        const truth = new Host(before).view;
        const full = SparseState.fromProof(truth.root, everyNodeOf(before));
        for (const transaction of writes) expect(state.applyWrites(transaction)).toBe(full.applyWrites(transaction));
      }),
      { numRuns: 50 },
    );
  });

  test("the witness of a whole block is one request, so that no branch lacks a child", async () => {
    const host = new Host(base);
    const reader = host.reader();
    const writes = [Array.from({ length: 400 }, (_, n) => written(n + 100))];
    await reader.fetchWitness(keysOf(writes));
    expect(host.asked.map(({ keys, forWrites }) => [keys.length, forWrites])).toEqual([[800, true]]);
    const state = SparseState.fromProof(reader.root, reader.collectedNodes());
    const full = SparseState.fromProof(host.view.root, everyNodeOf(base));
    expect(state.applyWrites(writes[0]!)).toBe(full.applyWrites(writes[0]!));
  });

  test("a witness that lacks a node or has one too many is refused", async () => {
    const keys = keysOf([[written(1), written(2)]]);
    const less = new Host(base, ({ nodes }) => ({ nodes: nodes.slice(0, -1), codes: [] })).reader();
    expect(await codeOf(less.fetchWitness(keys))).toBe("missing-node");
    const more = new Host(base, ({ nodes }) => ({ nodes: [...nodes, Uint8Array.of(1)], codes: [] })).reader();
    expect(await codeOf(more.fetchWitness(keys))).toBe("unused-node");
    expect(await codeOf(more.fetchWitness([{ kind: "code", hash: nameHash("x") }]))).toBe("not-state");
  });
});

function everyNodeOf(transactions: readonly (readonly AccountWrite[])[]): Uint8Array[] {
  const state = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
  for (const writes of transactions) state.applyWrites(writes);
  return state.unstoredNodes().map(({ encoded }) => encoded);
}

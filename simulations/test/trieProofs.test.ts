/** MerkleTrie.sol against the tries of packages/state and of a second library: what holds, what does not, and what is no proof. */
import { createMerkleProof, createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import {
  type Account,
  type AccountWrite,
  concatBytes,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  encodeRlp,
  fromHex,
  type Hash,
  keccak,
  keccakHash,
  type RlpInput,
  toAddress,
  toHex,
  toWordHex,
} from "@mvm/protocol";
import { NodeMap, WorldState } from "@mvm/state";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";
import { ASKED, branchOf, extensionPath, hashOf, key, leafPath, NOTHING, value } from "./trieNodes.ts";

const RUNS = { numRuns: 40 };
const MUTATIONS = { numRuns: 400 };

let lab: ProofLab;
beforeAll(async () => {
  lab = await ProofLab.open();
});

type Step = { readonly key: Uint8Array; readonly value: Uint8Array | null };
const steps = fc.array(fc.record({ key, value: fc.option(value, { freq: 4 }) }), { minLength: 1, maxLength: 60 });

/** The trie after puts and deletions by the reference library. */
async function trieOf(list: readonly Step[]): Promise<{ trie: MerklePatriciaTrie; held: Map<string, Uint8Array> }> {
  const trie = await createMPT();
  const held = new Map<string, Uint8Array>();
  for (const step of list) {
    if (step.value === null) {
      await trie.del(step.key);
      held.delete(toHex(step.key));
    } else {
      await trie.put(step.key, step.value);
      held.set(toHex(step.key), step.value);
    }
  }
  return { trie, held };
}

/** The nodes on a key's path: the library's proof, without the empty trie's node and those that stand within another. */
async function proofOf(trie: MerklePatriciaTrie, asked: Uint8Array): Promise<Uint8Array[]> {
  if (toHex(trie.root()) === EMPTY_TRIE_ROOT) return [];
  return (await createMerkleProof(trie, asked)).filter((node, i) => i === 0 || node.length >= 32);
}

async function get(root: Uint8Array, asked: Uint8Array, nodes: readonly Uint8Array[]): Promise<string> {
  const verdict = await lab.ask("get", [root, asked, nodes]);
  if ("refused" in verdict) return verdict.refused;
  return verdict.values["exists"] ? verdict.values["value"] : "absent";
}

const truthOf = (held: ReadonlyMap<string, Uint8Array>, asked: Uint8Array): string => {
  const found = held.get(toHex(asked));
  return found === undefined ? "absent" : toHex(found);
};

describe("what a trie holds", () => {
  it("and what it does not is read as the reference library has it", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.array(key, { maxLength: 4 }), async (list, others) => {
        const { trie, held } = await trieOf(list);
        const asked = [...list.map((step) => step.key).slice(0, 6), ...others];
        for (const one of asked) expect(await get(trie.root(), one, await proofOf(trie, one))).toBe(truthOf(held, one));
      }),
      RUNS,
    );
  });

  it("nothing is in the empty trie, and it needs no node", async () => {
    const asked = keccak(NOTHING);
    expect(await get(fromHex(EMPTY_TRIE_ROOT), asked, [])).toBe("absent");
    expect(await get(fromHex(EMPTY_TRIE_ROOT), asked, [Uint8Array.of(0x80)])).toBe("MalformedProof(0)");
    expect(await get(new Uint8Array(32), asked, [])).toBe("MalformedProof(0)");
  });
});

/** A proof in which one thing is other than it should be. */
const mutation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("flip" as const),
      node: fc.nat(),
      at: fc.nat(),
      bits: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("drop" as const), node: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("double" as const), node: fc.nat(), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("swap" as const), node: fc.nat(), other: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut" as const), node: fc.nat(), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lengthen" as const), node: fc.nat(), at: fc.nat(255) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("none" as const) }) },
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutated(nodes: readonly Uint8Array[], how: Mutation): readonly Uint8Array[] {
  if (how.kind === "none" || nodes.length === 0) return nodes;
  const at = how.node % nodes.length;
  const node = nodes[at]!;
  if (how.kind === "flip") {
    const bytes = node.slice();
    bytes[how.at % bytes.length]! ^= how.bits;
    return nodes.with(at, bytes);
  }
  if (how.kind === "drop") return nodes.toSpliced(at, 1);
  if (how.kind === "double") return nodes.toSpliced(how.at % (nodes.length + 1), 0, node);
  if (how.kind === "swap") return nodes.with(at, nodes[how.other % nodes.length]!).with(how.other % nodes.length, node);
  if (how.kind === "cut") return nodes.with(at, node.slice(0, how.at % node.length));
  return nodes.with(at, concatBytes(node, Uint8Array.of(how.at)));
}

describe("a proof that is not as it should be", () => {
  it("never gives another value than the root has: it is refused, or changes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), fc.array(mutation, { minLength: 1, maxLength: 2 }), async (list, pick, how) => {
        const { trie, held } = await trieOf(list);
        const asked = list[pick % list.length]!.key;
        const nodes = await proofOf(trie, asked);
        const given = how.reduce(mutated, nodes);
        const isSame = toHex(encodeRlp(given)) === toHex(encodeRlp(nodes));
        const answer = await get(trie.root(), asked, given);
        if (isSame) expect(answer).toBe(truthOf(held, asked));
        else expect(answer).toMatch(/^MalformedProof\(\d+\)$/);
      }),
      MUTATIONS,
    );
  });

  it("and no bytes under a root of their own make a walk fail otherwise than by its error", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), mutation, async (list, pick, how) => {
        const { trie } = await trieOf(list);
        const asked = list[pick % list.length]!.key;
        const [first, ...rest] = mutated(await proofOf(trie, asked), how);
        if (first === undefined) return;
        expect(await get(keccak(first), asked, [first, ...rest])).toMatch(
          /^(0x[0-9a-f]*|absent|MalformedProof\(\d+\))$/,
        );
      }),
      MUTATIONS,
    );
  });
});

describe("nodes that are not in the one canonical form are refused", () => {
  const refusedAt = async (at: number, ...nodes: readonly Uint8Array[]): Promise<void> => {
    expect(await get(keccak(nodes[0]!), ASKED, nodes)).toBe(`MalformedProof(${at})`);
  };
  const leaf = (nibbles: number): Uint8Array => encodeRlp([leafPath(nibbles), Uint8Array.of(7)]);
  const long = (nibbles: number): Uint8Array => encodeRlp([leafPath(nibbles), new Uint8Array(40).fill(9)]);

  it("the forms that they are broken from are taken", async () => {
    expect(await get(keccak(leaf(64)), ASKED, [leaf(64)])).toBe("0x07");
    const branch = encodeRlp(branchOf({ 1: keccak(long(63)), 2: hashOf(1) }));
    expect(await get(keccak(branch), ASKED, [branch, long(63)])).toBe(`0x${"09".repeat(40)}`);
    const extension = encodeRlp([extensionPath(3), keccak(encodeRlp(branchOf({ 1: keccak(long(60)), 2: hashOf(1) })))]);
    const below = encodeRlp(branchOf({ 1: keccak(long(60)), 2: hashOf(1) }));
    expect(await get(keccak(extension), ASKED, [extension, below, long(60)])).toBe(`0x${"09".repeat(40)}`);
  });

  it("a leaf whose path does not end where the key does, whose flags are none, or without a value", async () => {
    for (const nibbles of [0, 1, 62, 63]) await refusedAt(0, leaf(nibbles));
    await refusedAt(0, encodeRlp([concatBytes(leafPath(64), Uint8Array.of(0x11)), Uint8Array.of(7)]));
    await refusedAt(0, encodeRlp([leafPath(64), NOTHING]));
    await refusedAt(0, encodeRlp([leafPath(64), [Uint8Array.of(7)]]));
    await refusedAt(0, encodeRlp([[leafPath(64)], Uint8Array.of(7)]));
    await refusedAt(0, encodeRlp([NOTHING, Uint8Array.of(7)]));
    for (const flags of [0x21, 0x2f, 0x40, 0x51, 0xa0, 0xff]) {
      const path = leafPath(64);
      path[0] = flags;
      await refusedAt(0, encodeRlp([path, Uint8Array.of(7)]));
    }
    await refusedAt(0, encodeRlp([leafPath(64), Uint8Array.of(7), Uint8Array.of(7)]));
    await refusedAt(0, encodeRlp([leafPath(64)]));
    await refusedAt(0, encodeRlp(leafPath(64)));
  });

  it("a branch of one child, with a value, with an item of another size, with too few items or too many", async () => {
    const two = { 1: keccak(long(63)), 2: hashOf(1) };
    await refusedAt(0, encodeRlp(branchOf({ 1: keccak(long(63)) })), long(63));
    await refusedAt(0, encodeRlp(branchOf({ 1: leafNear(63), 2: Uint8Array.of(1) })));
    await refusedAt(0, encodeRlp(branchOf(two, Uint8Array.of(7))), long(63));
    await refusedAt(0, encodeRlp(branchOf({ ...two, 9: new Uint8Array(31).fill(1) })), long(63));
    await refusedAt(0, encodeRlp(branchOf({ ...two, 9: new Uint8Array(33).fill(1) })), long(63));
    await refusedAt(0, encodeRlp((branchOf(two) as RlpInput[]).slice(0, 16)), long(63));
    await refusedAt(0, encodeRlp([...(branchOf(two) as RlpInput[]), NOTHING]), long(63));
    const full = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i, i === 1 ? keccak(long(63)) : hashOf(i)]));
    expect(await get(keccak(encodeRlp(branchOf(full))), ASKED, [encodeRlp(branchOf(full)), long(63)])).toContain(
      "0909",
    );
    await refusedAt(0, encodeRlp(branchOf(full, Uint8Array.of(7))), long(63));
    for (const item of [0, 2, 15]) {
      const bytes = encodeRlp(branchOf(full));
      bytes[3 + 33 * item] = 0xa1;
      await refusedAt(0, bytes, long(63));
    }
  });

  const leafNear = (nibbles: number): RlpInput => [leafPath(nibbles), Uint8Array.of(7)];

  it("a child within its parent of 32 bytes or more, or apart from it under 32", async () => {
    const tooLong = [leafPath(63), new Uint8Array(20).fill(7)];
    await refusedAt(0, encodeRlp(branchOf({ 1: tooLong, 2: hashOf(1) })));
    const deep = encodeRlp([extensionPath(62), keccak(encodeRlp(branchOf({ 1: hashOf(1), 2: hashOf(2) })))]);
    const branch = encodeRlp(branchOf({ 1: keccak(encodeRlp(leafNear(1))), 2: hashOf(1) }));
    const above = encodeRlp([extensionPath(62), keccak(branch)]);
    await refusedAt(2, above, branch, encodeRlp(leafNear(1)));
    await refusedAt(1, deep);
  });

  it("an extension without a path, to the key's very end, to a leaf, to an extension or to nothing", async () => {
    const branch = encodeRlp(branchOf({ 1: keccak(long(63)), 2: hashOf(1) }));
    await refusedAt(0, encodeRlp([extensionPath(0), keccak(branch)]), branch, long(63));
    await refusedAt(0, encodeRlp([extensionPath(64), hashOf(1)]));
    await refusedAt(1, encodeRlp([extensionPath(3), keccak(long(61))]), long(61));
    const second = encodeRlp([extensionPath(3), hashOf(1)]);
    await refusedAt(1, encodeRlp([extensionPath(3), keccak(second)]), second);
    await refusedAt(0, encodeRlp([extensionPath(3), NOTHING]));
    await refusedAt(0, encodeRlp([extensionPath(3), new Uint8Array(31).fill(1)]));
  });

  it("a branch below the key's end, and headers that are longer than need be", async () => {
    const last = encodeRlp(branchOf({ 1: hashOf(1), 2: hashOf(2) }));
    const above = encodeRlp(branchOf({ 1: keccak(last), 2: hashOf(1) }));
    await refusedAt(2, encodeRlp([extensionPath(63), keccak(above)]), above, last);
    const plain = leaf(64);
    await refusedAt(0, concatBytes(Uint8Array.of(0xf8, plain.length - 1), plain.subarray(1)));
    const value = encodeRlp(new Uint8Array(8).fill(7));
    const path = encodeRlp(leafPath(64));
    const stretched = concatBytes(path, Uint8Array.of(0xb8, 8), value.subarray(1));
    await refusedAt(0, concatBytes(Uint8Array.of(0xc0 + stretched.length), stretched));
    const single = concatBytes(path, Uint8Array.of(0x81, 7));
    await refusedAt(0, concatBytes(Uint8Array.of(0xc0 + single.length), single));
  });
});

const addressOf = (n: number) => toAddress(`0x${n.toString(16).padStart(40, "0")}`);

/** A state of packages/state with accounts of which every third has storage. */
function stateOf(accounts: number): { state: WorldState; root: Hash; account: (n: number) => Account } {
  const state = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
  const account = (n: number): Account => ({ nonce: BigInt(n), balance: BigInt(n) ** 9n, codeHash: EMPTY_CODE_HASH });
  const writes = Array.from({ length: accounts }, (_, n): AccountWrite => {
    const slots =
      n % 3 !== 0
        ? []
        : Array.from({ length: n }, (_, i) => ({ slot: toWordHex(BigInt(i)), value: BigInt(i * i + 1) ** 8n }));
    return { address: addressOf(n + 1), account: account(n + 1), code: null, slots };
  });
  return { state, root: state.applyWrites(writes), account };
}

describe("accounts and slots", () => {
  it("of a state of ours are read with their fields, and absent ones as absent", async () => {
    const { state, root, account } = stateOf(200);
    for (const n of [1, 2, 100, 127, 128, 199, 200]) {
      const nodes = state.proveReads([{ kind: "account", address: addressOf(n) }]);
      const { nonce, balance, codeHash } = account(n);
      const expected = [true, nonce, balance, state.storageRootOf(addressOf(n)), codeHash];
      expect([...(await lab.tell("accountOf", [root, addressOf(n), nodes]))]).toEqual(expected);
    }
    for (const n of [201, 999, 123_456]) {
      const nodes = state.proveReads([{ kind: "account", address: addressOf(n) }]);
      const zero = toWordHex(0n);
      expect([...(await lab.tell("accountOf", [root, addressOf(n), nodes]))]).toEqual([
        false,
        0n,
        0n,
        EMPTY_TRIE_ROOT,
        zero,
      ]);
    }
    for (const [n, slots] of [
      [1, 3],
      [64, 70],
      [199, 198],
    ] as const) {
      const address = addressOf(n);
      const storageRoot = state.storageRootOf(address);
      const path = state.proveReads([{ kind: "account", address }]).length;
      for (let i = 0; i < slots; i += 7) {
        const slot = toWordHex(BigInt(i));
        const nodes = state.proveReads([{ kind: "slot", address, slot }]).slice(path);
        expect((await lab.tell("slotOf", [storageRoot, slot, nodes]))[0]).toBe(state.slot(address, slot));
      }
    }
  });

  it("are refused where the trie holds something else than an account or a slot's value", async () => {
    const address = addressOf(1);
    const words = [hashOf(1), hashOf(2)];
    const records: readonly RlpInput[] = [
      [NOTHING, NOTHING, hashOf(1)],
      [NOTHING, NOTHING, ...words, NOTHING],
      [Uint8Array.of(0), NOTHING, ...words],
      [new Uint8Array(9).fill(1), NOTHING, ...words],
      [NOTHING, new Uint8Array(33).fill(1), ...words],
      [NOTHING, Uint8Array.of(0, 1), ...words],
      [NOTHING, NOTHING, hashOf(1).subarray(1), hashOf(2)],
      [NOTHING, NOTHING, [hashOf(1)], hashOf(2)],
      [[], NOTHING, ...words],
      concatBytes(...words),
    ];
    const leafOf = (name: string, held: Uint8Array): Uint8Array => {
      const path = concatBytes(Uint8Array.of(0x20), keccak(fromHex(name)));
      return encodeRlp([path, held]);
    };
    const good = leafOf(address, encodeRlp([NOTHING, NOTHING, ...words]));
    expect((await lab.tell("accountOf", [keccak(good), address, [good]]))["exists"]).toBe(true);
    for (const record of records) {
      const node = leafOf(address, encodeRlp(record));
      expect(await lab.ask("accountOf", [keccak(node), address, [node]])).toEqual({ refused: "MalformedProof(0)" });
    }
    const slot = toWordHex(5n);
    for (const held of [
      "0x00",
      "0x80",
      "0x8100",
      "0x817f",
      "0x820001",
      "0xc0",
      "0xc101",
      `0xa1${"11".repeat(33)}`,
      "0x0101",
    ]) {
      const node = leafOf(slot, fromHex(held));
      expect(await lab.ask("slotOf", [keccakHash(node), slot, [node]]), held).toEqual({ refused: "MalformedProof(0)" });
    }
    for (const held of ["0x01", "0x7f", "0x8180", `0xa0${"ff".repeat(32)}`]) {
      const node = leafOf(slot, fromHex(held));
      const expected = BigInt(held.length === 4 ? held : `0x${held.slice(4)}`);
      expect((await lab.tell("slotOf", [keccakHash(node), slot, [node]]))[0]).toBe(expected);
    }
  });
});

/**
 * The witness libraries of contracts/src/proofs against the tries of packages/state and of a second library: reads,
 * roots after changes, and witnesses that are not as they should be.
 */
import { createMerkleProof } from "@ethereumjs/mpt";
import {
  type AccountWrite,
  type Address,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  encodeRlp,
  type Hash,
  keccak,
  keccakHash,
  type RlpInput,
  type StateKey,
  toHex,
  toWordHex,
} from "@mvm/protocol";
import { IndexTrie, type NodeMap, SparseState, WorldState } from "@mvm/state";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";
import { key, NOTHING } from "./trieNodes.ts";
import {
  ADDRESSES,
  addressOf,
  type Change,
  changedOracle,
  changedState,
  changesOf,
  contents,
  joined,
  oracleOf,
  SLOTS,
  stored,
  trieAndChanges,
  writesOf,
} from "./witnessTries.ts";

const HOLDER = addressOf(0xc0de);
const HELD_CODE = Uint8Array.from({ length: 100 }, (_, i) => i);

let lab: ProofLab;
let proofs: ProofLab;
beforeAll(async () => {
  const holders = new Map([[HOLDER, HELD_CODE]]);
  [lab, proofs] = await Promise.all([ProofLab.open("test/proofs/WitnessReader.sol", holders), ProofLab.open()]);
});

/** The first value of a call, or the error that it ends in. */
async function told(name: string, args: readonly unknown[]): Promise<string> {
  const verdict = await lab.ask(name, args);
  return "refused" in verdict ? verdict.refused : verdict.values[0];
}

const trieRoot = (nodes: readonly Uint8Array[], root: Uint8Array, changes: readonly Change[]): Promise<string> => {
  const keys = changes.map((change) => change.key);
  const values = changes.map((change) => change.value ?? NOTHING);
  return told("trieRoot", [joined(nodes), root, keys, values]);
};
const stateRoot = (nodes: readonly Uint8Array[], root: string, writes: readonly AccountWrite[]): Promise<string> =>
  told("stateRoot", [joined(nodes), root, changesOf(writes)]);

describe("a trie", () => {
  it("has the reference library's root after any changes, from just the nodes that it needs", async () => {
    let deletions = 0;
    await fc.assert(
      fc.asyncProperty(trieAndChanges, async ({ before, changes }) => {
        const oracle = await oracleOf(before);
        const { root, nodes } = await changedOracle(oracle, changes);
        expect(await trieRoot(nodes, oracle.trie.root(), changes)).toBe(root);
        if (changes.some((change) => change.value === null)) deletions++;
      }),
      { numRuns: 300 },
    );
    expect(deletions).toBeGreaterThan(100);
  });

  it("is read as the reference library has it", async () => {
    await fc.assert(
      fc.asyncProperty(contents, fc.nat(), key, async (before, pick, other) => {
        const { trie } = await oracleOf(before);
        for (const asked of [before[pick % before.length]!.key, other]) {
          const nodes = (await createMerkleProof(trie, asked)).filter((node) => node.length >= 32);
          const found = await trie.get(asked);
          expect(await told("get", [joined(nodes), trie.root(), asked])).toBe(found === null ? "0x" : toHex(found));
        }
      }),
      { numRuns: 80 },
    );
  });
});

/** Reads of accounts and slots as the contract gives them, beside what packages/state says. */
async function expectReads(nodes: readonly Uint8Array[], root: Hash, keys: readonly StateKey[]): Promise<void> {
  const state = SparseState.fromProof(root, nodes);
  const accounts = keys.flatMap((entry) => (entry.kind === "account" ? [entry.address] : []));
  const slots = keys.flatMap((entry) => (entry.kind === "slot" ? [{ account: entry.address, slot: entry.slot }] : []));
  const [foundRecords, foundValues] = await lab.tell("read", [joined(nodes), root, accounts, slots]);
  const records = accounts.map((address) => {
    const record = state.account(address);
    if (record === null) return [false, 0n, 0n, EMPTY_TRIE_ROOT, toWordHex(0n)];
    return [true, record.nonce, record.balance, record.storageRoot, record.codeHash];
  });
  expect([...foundRecords].map((record) => [...record])).toEqual(records);
  expect([...foundValues]).toEqual(slots.map(({ account, slot }) => state.slot(account, slot)));
}

describe("a state", () => {
  it("has the root of packages/state after any writes, from just the nodes that it needs", async () => {
    await fc.assert(
      fc.asyncProperty(writesOf(12), writesOf(8), async (before, writes) => {
        const state = stored([before]);
        const { root, nodes } = changedState(state, writes);
        expect(await stateRoot(nodes, state.root, writes)).toBe(root);
      }),
      { numRuns: 120 },
    );
  });

  it("is read as packages/state has it, what is absent too", async () => {
    const address = fc.constantFrom(...ADDRESSES);
    const stateKey = fc.oneof(
      fc.record({ kind: fc.constant("account" as const), address }),
      fc.record({ kind: fc.constant("slot" as const), address, slot: fc.constantFrom(...SLOTS) }),
    );
    await fc.assert(
      fc.asyncProperty(
        writesOf(12),
        fc.array(stateKey, { minLength: 1, maxLength: 6 }),
        async (before, keys: StateKey[]) => {
          const { source, root } = stored([before]);
          await expectReads(new WorldState(source, root).proveReads(keys), root, keys);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a witness", () => {
  it("that lacks a node, has one that nothing needs or one twice is refused by that node's hash", async () => {
    const extra = encodeRlp([Uint8Array.of(0x20, ...keccak(NOTHING)), Uint8Array.of(1)]);
    await fc.assert(
      fc.asyncProperty(writesOf(12), writesOf(5), fc.nat(), async (before, writes, pick) => {
        const { source, root } = stored([before]);
        const { nodes } = changedState({ source, root }, writes);
        expect(await stateRoot([...nodes, extra], root, writes)).toBe(`UnusedNode(${keccakHash(extra)})`);
        for (const [i, node] of nodes.entries()) {
          expect(await stateRoot(nodes.toSpliced(i, 1), root, writes)).toBe(`MissingNode(${keccakHash(node)})`);
        }
        if (nodes.length === 0) return;
        const node = nodes[pick % nodes.length]!;
        const twice = nodes.toSpliced(pick % (nodes.length + 1), 0, node);
        expect(await stateRoot(twice, root, writes)).toBe(`DuplicateNode(${keccakHash(node)})`);
      }),
      { numRuns: 20 },
    );
  });

  it("of a trie with nodes within nodes needs each of its nodes too", async () => {
    await fc.assert(
      fc.asyncProperty(trieAndChanges, async ({ before, changes }) => {
        const oracle = await oracleOf(before);
        const { nodes } = await changedOracle(oracle, changes);
        for (const [i, node] of nodes.entries()) {
          const less = nodes.toSpliced(i, 1);
          expect(await trieRoot(less, oracle.trie.root(), changes)).toBe(`MissingNode(${keccakHash(node)})`);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("with a byte changed, added or taken away gives no root at all", async () => {
    const damage = fc.record({ at: fc.nat(), bits: fc.integer({ min: 1, max: 255 }), kind: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(trieAndChanges, damage, async ({ before, changes }, { at, bits, kind }) => {
        const oracle = await oracleOf(before);
        const witness = joined((await changedOracle(oracle, changes)).nodes);
        const place = at % witness.length;
        const damaged = [...witness];
        if (kind === 0) damaged[place]! ^= bits;
        else damaged.splice(place, kind - 1, ...(kind === 1 ? [bits] : []));
        const root = await trieRoot([Uint8Array.from(damaged)], oracle.trie.root(), changes);
        expect(root).toMatch(/^(MalformedNode|MissingNode|UnusedNode|DuplicateNode)\(.*\)$/);
      }),
      { numRuns: 250 },
    );
  });
});

/** A path of nodes below a root that somebody made up: one byte of one node is wrong, and the hashes above it fit. */
async function madeUpPath(before: readonly Change[], asked: Uint8Array, at: number, bits: number) {
  const { trie } = await oracleOf(before);
  const nodes = (await createMerkleProof(trie, asked)).filter((node) => node.length >= 32);
  let place = at % nodes.length;
  const forged = nodes.map((node) => node.slice());
  forged[place]![(at >> 4) % forged[place]!.length]! ^= bits;
  for (; place > 0; place--) {
    const above = forged[place - 1]!;
    const name = keccak(nodes[place]!);
    const found = toHex(above).slice(2).indexOf(toHex(name).slice(2)) / 2;
    above.set(keccak(forged[place]!), found);
  }
  return forged;
}

describe("nodes under a root that somebody made up", () => {
  it("are read as MerkleTrie.sol reads them, or refused by both", async () => {
    const tally = { same: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.nat(),
        fc.nat(1 << 20),
        fc.integer({ min: 1, max: 255 }),
        async (before, pick, at, bits) => {
          const asked = before[pick % before.length]!.key;
          const nodes = await madeUpPath(before, asked, at, bits);
          const root = keccak(nodes[0]!);
          const answer = await told("get", [joined(nodes), root, asked]);
          const verdict = await proofs.ask("get", [root, asked, nodes]);
          if ("refused" in verdict) {
            expect(answer).toMatch(/^(MalformedNode|MissingNode|UnusedNode|DuplicateNode)\(.*\)$/);
            tally.refused++;
          } else {
            expect(answer).toBe(verdict.values["exists"] ? verdict.values["value"] : "0x");
            tally.same++;
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(Math.min(tally.same, tally.refused)).toBeGreaterThan(20);
  });

  it("end in a root or an error for little gas when they are changed", async () => {
    await fc.assert(
      fc.asyncProperty(
        trieAndChanges,
        fc.nat(1 << 20),
        fc.integer({ min: 1, max: 255 }),
        async ({ before, changes }, at, bits) => {
          const nodes = await madeUpPath(before, changes[0]!.key, at, bits);
          const values = changes.map((change) => change.value ?? NOTHING);
          const keys = changes.map((change) => change.key);
          const { gasUsed } = await lab.measure("trieRoot", [joined(nodes), keccak(nodes[0]!), keys, values]);
          expect(gasUsed).toBeLessThan(1_500_000n);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("the tries of a block's transactions and receipts", () => {
  it("grow as packages/state grows them, from the nodes on the next one's path", async () => {
    const trie = new IndexTrie();
    const asked = new Set([
      0, 1, 2, 15, 16, 17, 31, 32, 126, 127, 128, 129, 130, 143, 144, 254, 255, 256, 257, 272, 300,
    ]);
    for (let index = 0; index <= 300; index++) {
      const value = new Uint8Array(33 + ((index * 37) % 300)).fill(index);
      const before = trie.root();
      const nodes = trie.proof(index);
      const after = trie.append(value);
      if (!asked.has(index)) continue;
      expect([index, await told("append", [joined(nodes), before, index, value])]).toEqual([index, after]);
      for (const [i, node] of nodes.entries()) {
        const answer = await told("append", [joined(nodes.toSpliced(i, 1)), before, index, value]);
        expect(answer).toBe(`MissingNode(${keccakHash(node)})`);
      }
    }
  });

  it("take no value out of bounds", async () => {
    const value = new Uint8Array(32);
    expect(await told("append", [NOTHING, EMPTY_TRIE_ROOT, 65_536, value])).toBe("IndexOutOfRange(65536)");
    expect(await told("append", [NOTHING, EMPTY_TRIE_ROOT, 65_535, value])).toMatch(/^0x/);
    expect(await told("append", [NOTHING, EMPTY_TRIE_ROOT, 0, value.subarray(1)])).toBe("ValueOutOfRange(31)");
  });

  it("take no key that another one begins with, or that begins with another", async () => {
    const leafOf = (path: readonly number[]): Uint8Array => encodeRlp([Uint8Array.from(path), new Uint8Array(40)]);
    const whole = leafOf([0x20, 0x82, 0x01]);
    expect(await told("append", [whole, keccak(whole), 0x100, new Uint8Array(40)])).toBe("MalformedNode(0)");
    const longer = leafOf([0x20, 0x05, 0x01]);
    expect(await told("append", [longer, keccak(longer), 5, new Uint8Array(40)])).toBe("MalformedNode(0)");
    const below: RlpInput = Array.from({ length: 17 }, (_, i) => (i < 2 ? keccak(Uint8Array.of(i)) : NOTHING));
    const extension = encodeRlp([Uint8Array.of(0x00, 0x05), keccak(encodeRlp(below))]);
    const witness = joined([extension, encodeRlp(below)]);
    expect(await told("append", [witness, keccak(extension), 5, new Uint8Array(40)])).toMatch(/^MalformedNode\(/);
    const past = encodeRlp([Uint8Array.of(0x10, 0x50), keccak(encodeRlp(below))]);
    expect(await told("append", [past, keccak(past), 5, new Uint8Array(40)])).toBe("MalformedNode(0)");
    const within: RlpInput = below.with(2, [Uint8Array.of(0x20), Uint8Array.of(1)]);
    const above = encodeRlp([Uint8Array.of(0x00, 0x05), keccak(encodeRlp(within))]);
    const answer = await told("append", [joined([above, encodeRlp(within)]), keccak(above), 5, new Uint8Array(40)]);
    expect(answer).toBe(`MalformedNode(${above.length})`);
  });
});

describe("codes", () => {
  it("come from bytes or from a contract of L1, each checked by its hash", async () => {
    const code = Uint8Array.of(0x60, 0x00);
    const hashes = [keccak(HELD_CODE), keccak(code), EMPTY_CODE_HASH];
    const found = await lab.tell("codes", [[code], [HOLDER], hashes]);
    expect([...found["found"]]).toEqual([toHex(HELD_CODE), toHex(code), "0x"]);
    expect(await told("codes", [[], [HOLDER], [keccak(code)]])).toBe(`MissingCode(${keccakHash(code)})`);
    expect(await told("codes", [[code], [HOLDER], [keccak(code)]])).toBe(`UnusedCode(${keccakHash(HELD_CODE)})`);
  });
});

/** A state of accounts that differ in their balances alone, stored. */
function largeState(accounts: number): { source: NodeMap; root: Hash } {
  return stored([
    Array.from({ length: accounts }, (_, n): AccountWrite => {
      const account = { nonce: 1n, balance: 10n ** 18n + BigInt(n), codeHash: EMPTY_CODE_HASH };
      return { address: addressOf(n + 1), account, code: null, slots: [] };
    }),
  ]);
}

describe("in a state of 100,000 accounts", () => {
  it("one, two or five accounts are read and rewritten for at most 6,500 gas a node", async () => {
    const state = largeState(100_000);
    for (const count of [1, 2, 5]) {
      const addresses = Array.from({ length: count }, (_, i): Address => addressOf(i * 777 + 5));
      const writes = addresses.map((address): AccountWrite => {
        const account = { nonce: 2n, balance: 5n * 10n ** 17n, codeHash: EMPTY_CODE_HASH };
        return { address, account, code: null, slots: [] };
      });
      const { root, nodes } = changedState(state, writes);
      expect(await stateRoot(nodes, state.root, writes)).toBe(root);
      const gas = await lab.tell("gasOf", [joined(nodes), state.root, addresses, [], changesOf(writes)]);
      const perNode = (part: bigint): number => Number(part) / nodes.length;
      expect(perNode(gas["opening"] + gas["reading"])).toBeLessThan(2900);
      expect(perNode(gas["writing"])).toBeLessThan(3600);
    }
  });
});

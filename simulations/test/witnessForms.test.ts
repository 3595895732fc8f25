/** Witness nodes that are not in the one canonical form, or that can not stand at their place: reads and changes refuse them. */
import { concatBytes, EMPTY_TRIE_ROOT, encodeRlp, keccak, keccakHash, type RlpInput, toHex } from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";
import { ASKED, branchOf, extensionPath, hashOf, leafPath, NOTHING } from "./trieNodes.ts";
import { joined } from "./witnessTries.ts";

const LONG = new Uint8Array(40).fill(9);

let lab: ProofLab;
beforeAll(async () => {
  lab = await ProofLab.open("test/proofs/WitnessReader.sol");
});

async function told(name: string, args: readonly unknown[]): Promise<string> {
  const verdict = await lab.ask(name, args);
  return "refused" in verdict ? verdict.refused : verdict.values[0];
}

const read = (nodes: readonly Uint8Array[]): Promise<string> => told("get", [joined(nodes), keccak(nodes[0]!), ASKED]);
const changed = (nodes: readonly Uint8Array[], value = LONG): Promise<string> =>
  told("trieRoot", [joined(nodes), keccak(nodes[0]!), [ASKED], [value]]);

/** Both refuse the node with this number. */
async function refusedAt(index: number, ...nodes: readonly Uint8Array[]): Promise<void> {
  const place = joined(nodes.slice(0, index)).length;
  expect([await read(nodes), await changed(nodes)]).toEqual(Array(2).fill(`MalformedNode(${place})`));
}

const leaf = (nibbles: number, value: RlpInput = LONG): Uint8Array => encodeRlp([leafPath(nibbles), value]);
/** A branch with so many children, of which number 1 is given. */
const crowd = (child: RlpInput, count: number): Record<number, RlpInput> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [(i + 1) % 16, i === 0 ? child : hashOf(i)]));

describe("the forms that the others are broken from", () => {
  it("are taken", async () => {
    expect(await read([leaf(64)])).toBe(toHex(LONG));
    for (const count of [2, 3, 4, 8, 15, 16]) {
      const branch = encodeRlp(branchOf(crowd(keccak(leaf(63)), count)));
      expect(await read([branch, leaf(63)])).toBe(toHex(LONG));
      expect(await changed([branch, leaf(63)])).toBe(keccakHash(branch));
      const extension = encodeRlp([extensionPath(1), keccak(encodeRlp(branchOf(crowd(keccak(leaf(62)), count))))]);
      const below = encodeRlp(branchOf(crowd(keccak(leaf(62)), count)));
      expect(await changed([extension, below, leaf(62)])).toBe(keccakHash(extension));
    }
  });
});

describe("leaves and extensions", () => {
  it("whose path does not end where the key does", async () => {
    for (const nibbles of [58, 62, 63]) await refusedAt(0, leaf(nibbles));
    await refusedAt(0, encodeRlp([concatBytes(leafPath(64), Uint8Array.of(0x11)), LONG]));
    await refusedAt(0, encodeRlp([concatBytes(Uint8Array.of(0x31), ASKED), LONG]));
    for (const count of [2, 16]) {
      for (const nibbles of [60, 62, 64]) {
        await refusedAt(1, encodeRlp(branchOf(crowd(keccak(leaf(nibbles)), count))), leaf(nibbles));
      }
    }
    await refusedAt(0, encodeRlp([extensionPath(64), hashOf(1)]));
    const deep = encodeRlp([extensionPath(64), hashOf(1)]);
    await refusedAt(1, encodeRlp(branchOf(crowd(keccak(deep), 2))), deep);
    const other = leaf(60);
    other[4]! ^= 0x10;
    await refusedAt(0, other);
  });

  it("whose flags are none, without a value, or with other items", async () => {
    for (const flags of [0x21, 0x2f, 0x40, 0x51, 0xa0, 0xff]) {
      const path = leafPath(64);
      path[0] = flags;
      await refusedAt(0, encodeRlp([path, LONG]));
    }
    await refusedAt(0, encodeRlp([leafPath(64), NOTHING]));
    await refusedAt(0, encodeRlp([leafPath(64), [Uint8Array.of(7)]]));
    await refusedAt(0, encodeRlp([[leafPath(64)], LONG]));
    await refusedAt(0, encodeRlp([NOTHING, LONG]));
    await refusedAt(0, encodeRlp([leafPath(64), LONG, LONG]));
    await refusedAt(0, encodeRlp([leafPath(64)]));
    await refusedAt(0, encodeRlp(leafPath(64)));
  });

  it("whose extension has no path, or leads to a leaf, an extension or nothing", async () => {
    const branch = encodeRlp(branchOf(crowd(keccak(leaf(63)), 2)));
    await refusedAt(0, encodeRlp([extensionPath(0), keccak(branch)]), branch, leaf(63));
    await refusedAt(1, encodeRlp([extensionPath(3), keccak(leaf(61))]), leaf(61));
    const second = encodeRlp([extensionPath(3), hashOf(1)]);
    await refusedAt(1, encodeRlp([extensionPath(3), keccak(second)]), second);
    await refusedAt(0, encodeRlp([extensionPath(63), NOTHING]));
    await refusedAt(0, encodeRlp([extensionPath(3), new Uint8Array(31).fill(1)]));
    await refusedAt(0, encodeRlp([extensionPath(3), new Uint8Array(33).fill(1)]));
  });

  it("whose headers are longer than need be", async () => {
    const plain = leaf(64, Uint8Array.of(7));
    await refusedAt(0, concatBytes(Uint8Array.of(0xf8, plain.length - 1), plain.subarray(1)));
    const large = leaf(64, new Uint8Array(100));
    await refusedAt(0, concatBytes(Uint8Array.of(0xf9, 0, large.length - 2), large.subarray(2)));
    const path = encodeRlp(leafPath(64));
    const list = (...items: readonly Uint8Array[]): Uint8Array => {
      const bytes = concatBytes(path, ...items);
      return concatBytes(Uint8Array.of(0xc0 + bytes.length), bytes);
    };
    await refusedAt(0, list(Uint8Array.of(0xb8, 8), new Uint8Array(8).fill(7)));
    await refusedAt(0, list(Uint8Array.of(0xb9, 0, 8), new Uint8Array(8).fill(7)));
    await refusedAt(0, list(Uint8Array.of(0x81, 7)));
    await refusedAt(0, list(Uint8Array.of(0x85), Uint8Array.of(7)));
  });
});

describe("branches", () => {
  it("of one child, with a value, with an item of another size, with too few items or too many", async () => {
    await refusedAt(0, encodeRlp(branchOf({ 1: keccak(leaf(63)) })), leaf(63));
    await refusedAt(0, encodeRlp(branchOf({ 1: [leafPath(63), NOTHING] })));
    for (const count of [2, 4, 8, 15]) {
      const children = crowd(keccak(leaf(63)), count);
      await refusedAt(0, encodeRlp(branchOf(children, Uint8Array.of(7))), leaf(63));
      for (const item of [31, 33].map((size) => new Uint8Array(size).fill(1))) {
        await refusedAt(0, encodeRlp(branchOf({ ...children, 0: item })), leaf(63));
        await refusedAt(0, encodeRlp(branchOf({ ...children, 2: item })), leaf(63));
      }
      await refusedAt(0, encodeRlp((branchOf(children) as RlpInput[]).slice(0, 16)), leaf(63));
      await refusedAt(0, encodeRlp([...(branchOf(children) as RlpInput[]), NOTHING]), leaf(63));
      await refusedAt(0, encodeRlp(branchOf({ ...children, 0: Uint8Array.of(5) })), leaf(63));
    }
    const full = crowd(keccak(leaf(63)), 16);
    await refusedAt(0, encodeRlp(branchOf(full, Uint8Array.of(7))), leaf(63));
    await refusedAt(0, concatBytes(encodeRlp(branchOf(full)).subarray(0, 531), Uint8Array.of(0xa0)), leaf(63));
    for (const item of [0, 2, 15]) {
      const bytes = encodeRlp(branchOf(full));
      bytes[3 + 33 * item] = 0xa1;
      await refusedAt(0, bytes, leaf(63));
    }
  });

  it("with an item of 33 bytes and one of 31, which are as long as two hashes", async () => {
    const sizes = { 3: new Uint8Array(33).fill(1), 4: new Uint8Array(31).fill(1) };
    for (const count of [2, 8]) {
      await refusedAt(0, encodeRlp(branchOf({ ...crowd(keccak(leaf(63)), count), ...sizes })), leaf(63));
    }
  });

  it("at the key's end, or cut off by the witness's", async () => {
    const last = encodeRlp(branchOf({ 1: hashOf(1), 2: hashOf(2) }));
    const above = encodeRlp(branchOf({ 1: keccak(last), 2: hashOf(1) }));
    await refusedAt(2, encodeRlp([extensionPath(63), keccak(above)]), above, last);
    const mixed = encodeRlp(branchOf({ 1: [leafPath(0), Uint8Array.of(1)], 2: hashOf(2) }));
    const aboveMixed = encodeRlp(branchOf({ 1: keccak(mixed), 2: hashOf(1) }));
    await refusedAt(2, encodeRlp([extensionPath(63), keccak(aboveMixed)]), aboveMixed, mixed);
    for (const count of [2, 8, 16]) {
      const branch = encodeRlp(branchOf(crowd(keccak(leaf(63)), count)));
      await refusedAt(1, leaf(64), branch.subarray(0, branch.length - 1));
    }
  });

  it("with a child within of 32 bytes or more, and a child apart of less", async () => {
    await refusedAt(0, encodeRlp(branchOf({ 1: [leafPath(40), new Uint8Array(20).fill(7)], 2: hashOf(1) })));
    const short = encodeRlp([leafPath(1), Uint8Array.of(7)]);
    const branch = encodeRlp(branchOf({ 1: keccak(short), 2: hashOf(1) }));
    await refusedAt(2, encodeRlp([extensionPath(62), keccak(branch)]), branch, short);
  });

  it("whose child within is none, or the wrong one", async () => {
    const above = (branch: Uint8Array): Uint8Array => encodeRlp([extensionPath(62), keccak(branch)]);
    for (const child of [[NOTHING, NOTHING], [leafPath(2), Uint8Array.of(7)], [leafPath(1)], []] as RlpInput[]) {
      const branch = encodeRlp(branchOf({ 1: child, 2: hashOf(1) }));
      const expected = /^MalformedNode\(\d+\)$/;
      expect(await read([above(branch), branch])).toMatch(expected);
      expect(await changed([above(branch), branch])).toMatch(expected);
    }
  });

  it("that collapse into a sibling which can not stand there", async () => {
    const gone = leaf(63);
    for (const sibling of [leaf(62), leaf(64), encodeRlp([extensionPath(63), hashOf(1)])]) {
      const branch = encodeRlp(branchOf({ 1: keccak(gone), 2: keccak(sibling) }));
      const place = branch.length + gone.length;
      expect(await changed([branch, gone, sibling], NOTHING)).toBe(`MalformedNode(${place})`);
    }
    const sibling = leaf(63);
    sibling[3]! = 0x32;
    const branch = encodeRlp(branchOf({ 1: keccak(gone), 2: keccak(sibling) }));
    expect(await changed([branch, gone, sibling], NOTHING)).toMatch(/^0x/);
  });
});

describe("the hash zero", () => {
  it("names a missing node, and nothing that is absent", async () => {
    for (const count of [2, 16]) {
      const branch = encodeRlp(branchOf(crowd(new Uint8Array(32), count)));
      const missing = `MissingNode(0x${"00".repeat(32)})`;
      expect([await read([branch]), await changed([branch])]).toEqual([missing, missing]);
    }
    expect(await told("get", [NOTHING, new Uint8Array(32), ASKED])).toBe(`MissingNode(0x${"00".repeat(32)})`);
    expect(await told("get", [NOTHING, EMPTY_TRIE_ROOT, ASKED])).toBe("0x");
  });
});

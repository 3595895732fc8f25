import { createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import { RLP } from "@ethereumjs/rlp";
import { type BlockOutcome, type Hash, type Header, type Log, toHex, ZERO_HASH } from "@mvm/protocol";
import { concat, getBytes, keccak256, toBeHex, zeroPadValue } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { genesisBlock } from "../src/genesis.ts";
import { type BlockRoots, blockRoots, rootsFault } from "../src/index.ts";
import { dacOf, hashOfText, viewOf } from "./world.ts";

/** Bloom of logs by the yellow paper's words: three 11-bit values from the first six bytes of the hash. */
function referenceBloom(logs: readonly Log[]): Uint8Array {
  let bits = 0n;
  for (const { address, topics } of logs) {
    for (const value of [address, ...topics]) {
      const digest = keccak256(value).slice(2);
      for (const at of [0, 4, 8]) bits |= 1n << BigInt(Number.parseInt(digest.slice(at, at + 4), 16) % 2048);
    }
  }
  return getBytes(toBeHex(bits, 256));
}

const word = (value: bigint | number): string => zeroPadValue(toBeHex(value), 32);

function referenceMerkle(leaves: readonly string[]): string {
  let level = [...leaves];
  while (Math.log2(level.length) % 1 !== 0) level.push(ZERO_HASH);
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, i) => keccak256(concat([level[2 * i]!, level[2 * i + 1]!])));
  }
  return level[0]!;
}

async function append(trie: MerklePatriciaTrie, index: number, value: Uint8Array): Promise<Hash> {
  await trie.put(RLP.encode(index), value);
  return toHex(trie.root()) as Hash;
}

/** The roots by ethereumjs' trie and RLP and ethers' hashes. */
async function reference(
  transactions: readonly Uint8Array[],
  outcomes: readonly BlockOutcome[],
  { stateRoots, withdrawalsRoot }: { readonly stateRoots: readonly Hash[]; readonly withdrawalsRoot: Hash },
): Promise<BlockRoots> {
  const [transactionsTrie, receiptsTrie] = [await createMPT(), await createMPT()];
  const leaves: string[] = [];
  const roots = { transactionsRoot: ZERO_HASH, receiptsRoot: ZERO_HASH };
  let gasUsed = 0n;
  for (const [index, outcome] of outcomes.entries()) {
    const raw = transactions[index]!;
    gasUsed += outcome.gasUsed;
    const logs = outcome.logs.map((log) => [
      getBytes(log.address),
      log.topics.map((topic) => getBytes(topic)),
      log.data,
    ]);
    const body = RLP.encode([outcome.status, gasUsed, referenceBloom(outcome.logs), logs]);
    const receipt = raw[0]! >= 0xc0 ? body : getBytes(concat([raw.slice(0, 1), body]));
    roots.transactionsRoot = await append(transactionsTrie, index, raw);
    roots.receiptsRoot = await append(receiptsTrie, index, receipt);
    const bloom = referenceBloom(outcomes.slice(0, index + 1).flatMap((earlier) => earlier.logs));
    const fields = [word(index), stateRoots[index]!, word(gasUsed), keccak256(receipt)];
    leaves.push(keccak256(concat([...fields, roots.transactionsRoot, roots.receiptsRoot, keccak256(bloom)])));
  }
  const logsBloom = referenceBloom(outcomes.flatMap(({ logs }) => logs));
  const checkpointsRoot = referenceMerkle(leaves) as Hash;
  return { ...roots, stateRoot: stateRoots.at(-1)!, logsBloom, gasUsed, checkpointsRoot, withdrawalsRoot };
}

const bytes = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => toHex(array));
const log = fc.record({
  address: bytes(20),
  topics: fc.array(bytes(32), { maxLength: 4 }),
  data: fc.uint8Array({ maxLength: 100 }),
});
const entry = fc.record({
  raw: fc
    .tuple(fc.constantFrom(1, 2, 4, 0x7e, 0xc0, 0xf8), fc.uint8Array({ minLength: 1, maxLength: 200 }))
    .map(([type, rest]) => Uint8Array.of(type, ...rest)),
  status: fc.constantFrom(0, 1),
  gasUsed: fc.bigInt(0n, 16_777_216n),
  logs: fc.array(log, { maxLength: 3 }),
});

describe("blockRoots", () => {
  it("gives what an independent computation gives", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 40 }), async (entries) => {
        const transactions = entries.map(({ raw }) => raw);
        const outcomes = entries.map(
          ({ raw: _raw, ...outcome }) => ({ ...outcome, writes: [] }) as unknown as BlockOutcome,
        );
        const stateRoots = entries.map((_, i) => hashOfText(`state ${i}`));
        const roots = { stateRoots, withdrawalsRoot: hashOfText(`withdrawals ${entries.length}`) };
        expect(blockRoots(transactions, outcomes, roots)).toEqual(await reference(transactions, outcomes, roots));
      }),
      { numRuns: 40 },
    );
  });

  it("gives it for a block with more transactions than one byte of the index holds", async () => {
    const transactions = Array.from({ length: 300 }, (_, i) => Uint8Array.of(2, i >> 8, i & 255));
    const outcomes = transactions.map(
      (_, i): BlockOutcome => ({ status: 1, gasUsed: BigInt(i), logs: [], writes: [] }),
    );
    const stateRoots = transactions.map((_, i) => hashOfText(`state ${i}`));
    const roots = { stateRoots, withdrawalsRoot: hashOfText("withdrawals") };
    expect(blockRoots(transactions, outcomes, roots)).toEqual(await reference(transactions, outcomes, roots));
  });
});

describe("rootsFault", () => {
  const header: Header = genesisBlock(dacOf(viewOf([]))).header;
  const { stateRoot, transactionsRoot, receiptsRoot, logsBloom, gasUsed, checkpointsRoot, withdrawalsRoot } = header;
  const tries = { stateRoot, transactionsRoot, receiptsRoot, withdrawalsRoot };
  const roots: BlockRoots = { ...tries, logsBloom, gasUsed, checkpointsRoot };
  const bloom = new Uint8Array(256);
  bloom[255] = 1;

  it("finds nothing where all roots agree, or none was computed", () => {
    expect(rootsFault(header, roots)).toBeNull();
    expect(rootsFault(header, {})).toBeNull();
  });

  it.each<[keyof BlockRoots, unknown]>([
    ["stateRoot", hashOfText("other")],
    ["transactionsRoot", hashOfText("other")],
    ["receiptsRoot", hashOfText("other")],
    ["checkpointsRoot", hashOfText("other")],
    ["withdrawalsRoot", hashOfText("other")],
    ["gasUsed", 1n],
    ["logsBloom", bloom],
  ])("names %s when that alone differs", (name, value) => {
    expect(rootsFault(header, { ...roots, [name]: value })).toMatch(new RegExp(`^${name} `));
  });
});

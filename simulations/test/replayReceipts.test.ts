/** ReceiptCodec.sol and Checkpoints.sol against packages/protocol, and against the roots of whole blocks. */
import { blockRoots, typeOf } from "@mvm/node";
import {
  type BlockOutcome,
  bloomOf,
  type Checkpoint,
  checkpointLeaf,
  EMPTY_TRIE_ROOT,
  encodeReceipt,
  fromHex,
  type Hash,
  keccakHash,
  LIMITS,
  type Log,
  mergeBlooms,
  merkleProof,
  merkleRoot,
  type Receipt,
  toHex,
} from "@mvm/protocol";
import { IndexTrie } from "@mvm/state";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";
import { addresses, bytesOf, encodedSystem, HARNESS, hashes, transactions, uint } from "./replayCases.ts";

const RUNS = { numRuns: 60 };
const KINDS = [0, 1, 2, 4, 0x7e];

let lab: ProofLab;
beforeAll(async () => {
  lab = await ProofLab.open(HARNESS);
});

const someAddresses = fc.oneof(addresses, fc.constantFrom(...fc.sample(addresses, { seed: 7, numRuns: 2 })));
/** Data around RLP's borders: a byte below and above 0x80, 55 and 56 bytes, 255 and 256. */
const data = fc.oneof(
  fc.uint8Array({ maxLength: 2 }),
  bytesOf(1),
  fc.uint8Array({ minLength: 54, maxLength: 57 }),
  fc.uint8Array({ minLength: 254, maxLength: 257 }),
);
const logs: fc.Arbitrary<Log> = fc.record({ address: someAddresses, topics: fc.array(hashes, { maxLength: 4 }), data });
const receipts: fc.Arbitrary<Receipt> = fc.record({
  type: fc.constantFrom(...KINDS),
  status: fc.constantFrom(0 as const, 1 as const),
  cumulativeGasUsed: fc.oneof(fc.constantFrom(0n, 1n, 127n, 128n, 255n, 256n), uint(64)),
  logs: fc.oneof(fc.array(logs, { maxLength: 6 }), fc.array(logs, { minLength: 20, maxLength: 60 })),
});
const logArguments = ({ address, topics, data: bytes }: Log) => [address, topics, bytes];

async function encoded({ type, status, cumulativeGasUsed, logs: list }: Receipt) {
  const told = await lab.tell("receipt", [type, status === 1, cumulativeGasUsed, list.map(logArguments)]);
  return { receipt: told["encoded"] as string, bloom: told["bloom"].join("").replaceAll("0x", "") as string };
}

describe("receipts", () => {
  it("of any logs are encoded as packages/protocol encodes them, with their bloom", async () => {
    await fc.assert(
      fc.asyncProperty(receipts, async (receipt) => {
        const bloom = toHex(bloomOf(receipt.logs)).slice(2);
        expect(await encoded(receipt)).toEqual({ receipt: toHex(encodeReceipt(receipt)), bloom });
      }),
      RUNS,
    );
  });

  it("may be as long as a transaction's logs can make them", async () => {
    const rest = { type: 2, status: 1, cumulativeGasUsed: 60_000_000n } as const;
    const address = fc.sample(addresses, { seed: 7, numRuns: 1 })[0]!;
    const long = { address, topics: [], data: new Uint8Array(LIMITS.receiptLogBytes - 32).fill(7) };
    const short = { address, topics: [], data: new Uint8Array(0) };
    const many = Array.from({ length: Math.floor(LIMITS.receiptLogBytes / 32) }, () => short);
    for (const list of [[long], many]) {
      const receipt = { ...rest, logs: list };
      const expected = encodeReceipt(receipt);
      expect(expected.length).toBeLessThanOrEqual(LIMITS.transactionBytes);
      expect((await encoded(receipt)).receipt).toBe(toHex(expected));
    }
  });
});

describe("blooms", () => {
  it("of several transactions are merged as packages/protocol merges them", async () => {
    const lists = fc.array(fc.array(logs, { maxLength: 5 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(lists, async (all) => {
        const told = await lab.tell("bloomHashes", [all.map((list) => list.map(logArguments))]);
        let bloom: Uint8Array = new Uint8Array(256);
        const expected = [keccakHash(bloom)];
        for (const list of all) {
          bloom = mergeBlooms(bloom, bloomOf(list));
          expected.push(keccakHash(bloom));
        }
        expect([...told[0]]).toEqual(expected);
      }),
      RUNS,
    );
  });
});

const checkpoints: fc.Arbitrary<Checkpoint> = fc.record({
  index: fc.nat(2_047),
  stateRoot: hashes,
  cumulativeGasUsed: uint(64),
  receiptHash: hashes,
  transactionsRoot: hashes,
  receiptsRoot: hashes,
  bloomHash: hashes,
});

describe("checkpoints", () => {
  it("have the leaf of packages/protocol, another one where any field is another", async () => {
    await fc.assert(
      fc.asyncProperty(checkpoints, checkpoints, async (checkpoint, other) => {
        const leaf = checkpointLeaf(checkpoint);
        expect((await lab.tell("leaf", [checkpoint]))[0]).toBe(leaf);
        for (const name of Object.keys(checkpoint) as (keyof Checkpoint)[]) {
          const changed = { ...checkpoint, [name]: other[name] };
          const isSame = changed[name] === checkpoint[name];
          expect((await lab.tell("leaf", [changed]))[0] === leaf).toBe(isSame);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("are taken under a block's root at their own index alone", async () => {
    const blocks = fc.array(checkpoints, { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(blocks, fc.nat(), fc.nat(25), async (list, pick, otherIndex) => {
        const all = list.map((checkpoint, index) => ({ ...checkpoint, index }));
        const leaves = all.map(checkpointLeaf);
        const at = pick % all.length;
        const siblings = merkleProof(leaves, at);
        const verify = async (checkpoint: Checkpoint, count: number) =>
          (await lab.tell("verifyCheckpoint", [merkleRoot(leaves), checkpoint, count, siblings]))[0];
        expect(await verify(all[at]!, all.length)).toBe(true);
        expect(await verify({ ...all[at]!, index: otherIndex }, all.length)).toBe(otherIndex === at);
        expect(await verify({ ...all[at]!, cumulativeGasUsed: 2n ** 64n }, all.length)).toBe(false);
        expect(await verify(all[at]!, 2 * all.length + 1)).toBe(false);
      }),
      RUNS,
    );
  });

  it("of a whole block lead to the roots in its header, from what stands before its first transaction on", async () => {
    const outcomes = fc.record({
      kind: fc.constant("included" as const),
      status: fc.constantFrom(0 as const, 1 as const),
      gasUsed: fc.bigInt({ min: 0n, max: 1_000_000n }),
      logs: fc.array(logs, { maxLength: 3 }),
      writes: fc.constant([]),
      root: hashes,
    });
    const raws = fc.oneof(transactions, encodedSystem);
    const blocks = fc.array(fc.tuple(raws, outcomes), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(blocks, hashes, hashes, async (block, parentStateRoot, withdrawalsRoot) => {
        const stateRoots = block.map(([, { root }]) => root);
        const made = blockRoots(
          block.map(([raw]) => raw),
          block.map(([, outcome]) => outcome as BlockOutcome),
          { stateRoots, withdrawalsRoot },
        );
        const first = (await lab.tell("beforeFirst", [parentStateRoot]))[0].toObject();
        expect(first).toMatchObject({ stateRoot: parentStateRoot, cumulativeGasUsed: 0n });
        expect([first.transactionsRoot, first.receiptsRoot]).toEqual([EMPTY_TRIE_ROOT, EMPTY_TRIE_ROOT]);
        const blooms = (await lab.tell("bloomHashes", [block.map(([, outcome]) => outcome.logs.map(logArguments))]))[0];
        expect(first.bloomHash).toBe(blooms[0]);
        const [transactionsTrie, receiptsTrie] = [new IndexTrie(), new IndexTrie()];
        let cumulativeGasUsed = 0n;
        const leaves: Hash[] = [];
        for (const [index, [raw, { status, gasUsed, logs: list, root: stateRoot }]] of block.entries()) {
          cumulativeGasUsed += gasUsed;
          const { receipt } = await encoded({ type: typeOf(raw), status, cumulativeGasUsed, logs: list });
          const bytes = fromHex(receipt as `0x${string}`);
          const roots = { transactionsRoot: transactionsTrie.append(raw), receiptsRoot: receiptsTrie.append(bytes) };
          const rest = { receiptHash: keccakHash(bytes), bloomHash: blooms[index + 1] };
          leaves.push((await lab.tell("leaf", [{ index, stateRoot, cumulativeGasUsed, ...roots, ...rest }]))[0]);
        }
        expect(merkleRoot(leaves)).toBe(made.checkpointsRoot);
        expect(keccakHash(made.logsBloom)).toBe(blooms[block.length]);
      }),
      { numRuns: 15 },
    );
  });
});

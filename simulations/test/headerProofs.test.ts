/** MerkleTree.sol, BlockHeader.sol and L1Header.sol against packages/protocol and an Ethereum client's library. */
import { createBlockHeader } from "@ethereumjs/block";
import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import {
  concatBytes,
  encodeHeader,
  encodeRlp,
  fromHex,
  HEADER_CONSTANTS,
  type Header,
  hashHeader,
  keccakHash,
  merkleProof,
  merkleRoot,
  type RlpInput,
  toHash,
  toHex,
  toWord,
  verifyMerkleProof,
} from "@mvm/protocol";
import { decodeRlp } from "ethers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";

const RUNS = { numRuns: 60 };
const MUTATIONS = { numRuns: 400 };

let lab: ProofLab;
beforeAll(async () => {
  lab = await ProofLab.open();
});

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHash(toHex(bytes)));
const uint = (bits: number) =>
  fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }));
const header: fc.Arbitrary<Header> = fc.record({
  parentHash: hash,
  stateRoot: hash,
  transactionsRoot: hash,
  receiptsRoot: hash,
  logsBloom: fc.uint8Array({ minLength: 256, maxLength: 256 }),
  number: uint(64),
  gasUsed: uint(64),
  timestamp: uint(64),
  checkpointsRoot: hash,
  withdrawalsRoot: hash,
  prevRandao: hash,
  baseFeePerGas: uint(256),
});

describe("binary trees", () => {
  it("have the root that packages/protocol gives", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hash, { maxLength: 70 }), async (leaves) => {
        expect((await lab.tell("treeRoot", [leaves]))[0]).toBe(merkleRoot(leaves));
      }),
      RUNS,
    );
  });

  it("take exactly the proofs that packages/protocol takes", async () => {
    const change = fc.record({
      index: fc.integer({ min: -2, max: 40 }),
      count: fc.integer({ min: -2, max: 40 }),
      siblings: fc.integer({ min: -1, max: 1 }),
      leaf: fc.boolean(),
    });
    const trees = fc.tuple(fc.uniqueArray(hash, { minLength: 1, maxLength: 20 }), fc.nat(), hash);
    await fc.assert(
      fc.asyncProperty(trees, fc.option(change, { freq: 3 }), async ([leaves, pick, other], how) => {
        const at = pick % leaves.length;
        const proof = {
          root: merkleRoot(leaves),
          leaf: leaves[at]!,
          index: at,
          count: leaves.length,
          siblings: merkleProof(leaves, at),
        };
        const siblings =
          how?.siblings === 1
            ? [...proof.siblings, other]
            : how?.siblings === -1
              ? proof.siblings.slice(1)
              : proof.siblings;
        const index = how === null ? at : Math.max(0, how.index);
        const count = how === null ? leaves.length : Math.max(0, how.count);
        const given = { ...proof, siblings, index, count, leaf: how?.leaf ? other : proof.leaf };
        const verdict = await lab.tell("verifyLeaf", [given.root, given.leaf, index, count, siblings]);
        expect(verdict[0]).toBe(verifyMerkleProof(given));
        if (how === null) expect(verdict[0]).toBe(true);
      }),
      MUTATIONS,
    );
    const many = Array.from({ length: 256 }, () => toHash(toHex(toWord(1n))));
    expect((await lab.tell("verifyLeaf", [many[0], many[0], 0, 2n ** 256n - 1n, many]))[0]).toBe(false);
  });
});

describe("headers of a DAC", () => {
  it("are read with their fields and hash", async () => {
    await fc.assert(
      fc.asyncProperty(header, async (fields) => {
        const { parentHash, stateRoot, withdrawalsRoot, number, timestamp } = fields;
        const read = (await lab.tell("blockHeader", [encodeHeader(fields)]))[0];
        expect(read.toObject()).toEqual({
          hash: hashHeader(fields),
          parentHash,
          stateRoot,
          withdrawalsRoot,
          number,
          timestamp,
        });
      }),
      RUNS,
    );
  });

  it("are refused where a field has another form, is missing or is one too many; and by that error alone", async () => {
    const sample = fc.sample(header, { seed: 7, numRuns: 1 })[0]!;
    const items = decodeRlp(
      toHex(encodeHeader({ ...sample, number: 5n, gasUsed: 6n, timestamp: 7n, baseFeePerGas: 8n })),
    ) as unknown as string[];
    const fieldsOf = (list: readonly string[]): RlpInput[] => list.map(fromHex);
    const refusedAt = async (field: number, list: RlpInput): Promise<void> => {
      const encoded = encodeRlp(list);
      expect(await lab.ask("blockHeader", [encoded])).toEqual({ refused: `MalformedRlp(${field})` });
    };
    expect(items.length).toBe(21);
    const integers = [7, 8, 9, 10, 11, 15, 17, 18];
    for (const [i, item] of items.entries()) {
      const bytes = fieldsOf(items);
      await refusedAt(i, bytes.with(i, []));
      await refusedAt(i, bytes.with(i, concatBytes(Uint8Array.of(0), fromHex(item))));
      await refusedAt(i, bytes.with(i, new Uint8Array(i === 15 ? 33 : 9).fill(1)));
      if (!integers.includes(i)) await refusedAt(i, bytes.with(i, fromHex(item).subarray(1)));
      await refusedAt(i, bytes.slice(0, i));
    }
    await refusedAt(21, [...fieldsOf(items), new Uint8Array(0)]);
    await refusedAt(0, new Uint8Array(0));
    const whole = encodeRlp(fieldsOf(items));
    for (const bytes of [
      new Uint8Array(0),
      whole.subarray(1),
      concatBytes(whole, Uint8Array.of(0)),
      whole.subarray(0, -1),
    ])
      expect(await lab.ask("blockHeader", [bytes])).toEqual({ refused: "MalformedRlp(0)" });
  });

  it("of any bytes are either refused or read as their only encoding has it", async () => {
    await fc.assert(
      fc.asyncProperty(
        header,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(3),
        async (fields, at, flip, kind) => {
          const bytes = encodeHeader(fields);
          const place = kind === 0 ? at % 12 : at % bytes.length;
          bytes[place]! ^= flip;
          const given = kind === 1 ? bytes.subarray(0, place) : bytes;
          const verdict = await lab.ask("blockHeader", [given]);
          if ("refused" in verdict) {
            expect(verdict.refused).toMatch(/^MalformedRlp\(\d+\)$/);
            return;
          }
          const items = decodeRlp(toHex(given)) as unknown as string[];
          const [read] = verdict.values;
          expect(toHex(encodeRlp(items.map(fromHex)))).toBe(toHex(given));
          expect(read.hash).toBe(keccakHash(given));
          expect([read.parentHash, read.stateRoot, read.withdrawalsRoot]).toEqual([items[0], items[3], items[16]]);
          expect([read.number, read.timestamp]).toEqual(
            [8, 11].map((i) => (items[i] === "0x" ? 0n : BigInt(items[i]!))),
          );
        },
      ),
      MUTATIONS,
    );
  });
});

const FORKS = [Hardfork.London, Hardfork.Paris, Hardfork.Shanghai, Hardfork.Cancun, Hardfork.Prague];

describe("headers of L1", () => {
  it("of every fork from London on are read as an Ethereum client's library writes them", async () => {
    await fc.assert(
      fc.asyncProperty(
        header,
        fc.constantFrom(...FORKS),
        fc.uint8Array({ maxLength: 32 }),
        async (fields, hardfork, extraData) => {
          const common = new Common({ chain: Mainnet, hardfork });
          const { number, timestamp, baseFeePerGas, parentHash, prevRandao, logsBloom, stateRoot } = fields;
          const data = {
            number,
            timestamp,
            baseFeePerGas,
            parentHash,
            mixHash: prevRandao,
            logsBloom,
            stateRoot,
            extraData,
            gasLimit: 2n ** 40n,
            difficulty: 0n,
          };
          const theirs = createBlockHeader(
            { ...data, ...(hardfork === Hardfork.London ? { difficulty: 2n ** 70n } : {}) },
            { common, skipConsensusFormatValidation: true },
          );
          const read = (await lab.tell("l1Header", [theirs.serialize()]))[0];
          expect(read.toObject()).toEqual({
            hash: toHex(theirs.hash()),
            parentHash,
            prevRandao,
            baseFeePerGas,
            number,
            timestamp,
          });
        },
      ),
      RUNS,
    );
  });

  const items = (): RlpInput[] => {
    const { ommersHash, beneficiary } = HEADER_CONSTANTS;
    const word = toWord(9n);
    const start = [word, fromHex(ommersHash), fromHex(beneficiary), word, word, word, new Uint8Array(256)];
    const numbers = [[], [5], [1, 0], [6], [7]].map((bytes) => Uint8Array.from(bytes));
    return [...start, ...numbers, Uint8Array.of(0xff), word, new Uint8Array(8), Uint8Array.of(8)];
  };

  it("may have further fields of any kind, but those that are known need their form", async () => {
    const known = items();
    for (const more of [
      [],
      [new Uint8Array(0)],
      [toWord(1n), []],
      [[toWord(1n), [Uint8Array.of(1)]], new Uint8Array(300)],
    ]) {
      const read = (await lab.tell("l1Header", [encodeRlp([...known, ...more])]))[0];
      expect([read.number, read.timestamp, read.baseFeePerGas, BigInt(read.prevRandao)]).toEqual([5n, 7n, 8n, 9n]);
    }
    const refusedAt = async (field: number, list: RlpInput): Promise<void> =>
      expect(await lab.ask("l1Header", [encodeRlp(list)])).toEqual({ refused: `MalformedRlp(${field})` });
    for (const i of known.keys()) {
      await refusedAt(i, known.slice(0, i));
      if (i === 12) continue;
      await refusedAt(i, known.with(i, []));
      await refusedAt(i, known.with(i, Uint8Array.of(0, 1)));
      await refusedAt(i, known.with(i, new Uint8Array(33).fill(1)));
    }
    const broken = encodeRlp([...known, Uint8Array.of(0x81)]);
    broken[broken.length - 2] = 0x82;
    expect(await lab.ask("l1Header", [broken])).toEqual({ refused: "MalformedRlp(16)" });
  });

  it("of any bytes are refused by that error alone, or are RLP in its one form", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (at, flip, isCut) => {
        const bytes = encodeRlp([...items(), toWord(1n), Uint8Array.of(3)]);
        const place = at % bytes.length;
        bytes[place]! ^= flip;
        const given = isCut ? bytes.subarray(0, place) : bytes;
        const verdict = await lab.ask("l1Header", [given]);
        if ("refused" in verdict) {
          expect(verdict.refused).toMatch(/^MalformedRlp\(\d+\)$/);
          return;
        }
        expect(verdict.values[0].hash).toBe(keccakHash(given));
        expect(() => decodeRlp(toHex(given))).not.toThrow();
      }),
      MUTATIONS,
    );
  });
});

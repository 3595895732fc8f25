import { createBlockHeaderFromRLP } from "@ethereumjs/block";
import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import {
  bloomOf,
  CodecError,
  checkpointLeaf,
  decodeHeader,
  encodeHeader,
  encodeReceipt,
  genesisWrites,
  hashHeader,
  isCodeOf,
  keccakHash,
  LIMITS,
  mergeBlooms,
  PREDEPLOYS,
  toHex,
} from "@mvm/protocol";
import { decodeRlp } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashes, headers, logs } from "./arbitraries.ts";

const RUNS = { numRuns: 40 };
const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague });

describe("headers", () => {
  it("come back from their bytes, and from no others: not longer ones, nor with another constant", () => {
    fc.assert(
      fc.property(headers, fc.nat(), (header, at) => {
        const bytes = encodeHeader(header);
        expect(decodeHeader(bytes)).toEqual(header);
        expect(() => decodeHeader(Uint8Array.of(...bytes, 0))).toThrow(CodecError);
        const place = at % bytes.length;
        const other = bytes.with(place, bytes[place]! ^ 1);
        try {
          expect(encodeHeader(decodeHeader(other))).toEqual(other);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
        // the list's three bytes, the parent's hash, the length of the next: the hash of no ommers
        const ommers = 3 + 33 + 1;
        expect(() => decodeHeader(bytes.with(ommers, bytes[ommers]! ^ 1))).toThrow(CodecError);
      }),
      RUNS,
    );
  });

  it("are read by an Ethereum client's own decoder, with the same fields and hash", () => {
    fc.assert(
      fc.property(headers, (fields) => {
        const header = { ...fields, gasUsed: fields.gasUsed % (LIMITS.blockGas + 1n) };
        const theirs = createBlockHeaderFromRLP(encodeHeader(header), { common, skipConsensusFormatValidation: true });
        expect(toHex(theirs.hash())).toBe(hashHeader(header));
        expect(toHex(theirs.parentHash)).toBe(header.parentHash);
        expect(toHex(theirs.stateRoot)).toBe(header.stateRoot);
        expect(toHex(theirs.transactionsTrie)).toBe(header.transactionsRoot);
        expect(toHex(theirs.receiptTrie)).toBe(header.receiptsRoot);
        expect(theirs.logsBloom).toEqual(header.logsBloom);
        expect(theirs.number).toBe(header.number);
        expect(theirs.gasLimit).toBe(LIMITS.blockGas);
        expect(theirs.gasUsed).toBe(header.gasUsed);
        expect(theirs.timestamp).toBe(header.timestamp);
        expect(toHex(theirs.extraData)).toBe(header.checkpointsRoot);
        expect(toHex(theirs.withdrawalsRoot!)).toBe(header.withdrawalsRoot);
        expect(toHex(theirs.mixHash)).toBe(header.prevRandao);
        expect(theirs.baseFeePerGas).toBe(header.baseFeePerGas);
        expect(theirs.coinbase.toString()).toBe(PREDEPLOYS.executionManager);
        expect(theirs.blobGasUsed).toBe(0n);
        expect(theirs.excessBlobGas).toBe(0n);
      }),
      RUNS,
    );
  });

  it("any changed field changes the hash", () => {
    fc.assert(
      fc.property(headers, headers, (header, other) => {
        for (const field of Object.keys(header) as (keyof typeof header)[]) {
          const changed = { ...header, [field]: other[field] };
          expect(hashHeader(changed) === hashHeader(header)).toBe(
            toHex(encodeHeader(changed)) === toHex(encodeHeader(header)),
          );
        }
      }),
      RUNS,
    );
  });
});

describe("receipts and blooms", () => {
  it("a block's bloom is the union of its transactions' blooms", () => {
    fc.assert(
      fc.property(fc.array(logs, { maxLength: 4 }), fc.array(logs, { maxLength: 4 }), (left, right) => {
        expect(mergeBlooms(bloomOf(left), bloomOf(right))).toEqual(bloomOf([...left, ...right]));
      }),
      RUNS,
    );
  });

  it("every type but 0 stands before the list, and nothing else differs", () => {
    fc.assert(
      fc.property(fc.array(logs, { maxLength: 3 }), fc.bigInt(0n, 2n ** 40n), (list, gas) => {
        const plain = toHex(encodeReceipt({ type: 0, status: 1, cumulativeGasUsed: gas, logs: list }));
        expect((decodeRlp(plain) as unknown as unknown[]).length).toBe(4);
        for (const type of [1, 2, 4, 0x7e]) {
          const typed = toHex(encodeReceipt({ type, status: 1, cumulativeGasUsed: gas, logs: list }));
          expect(typed).toBe(`0x${type.toString(16).padStart(2, "0")}${plain.slice(2)}`);
        }
      }),
      RUNS,
    );
  });
});

describe("checkpoints", () => {
  it("every field binds the leaf", () => {
    const fields = fc.record({
      index: fc.nat(),
      stateRoot: hashes,
      cumulativeGasUsed: fc.bigInt(0n, 2n ** 64n - 1n),
      receiptHash: hashes,
      transactionsRoot: hashes,
      receiptsRoot: hashes,
      bloomHash: hashes,
    });
    fc.assert(
      fc.property(fields, fields, (checkpoint, other) => {
        for (const field of Object.keys(checkpoint) as (keyof typeof checkpoint)[])
          expect(checkpointLeaf({ ...checkpoint, [field]: other[field] }) === checkpointLeaf(checkpoint)).toBe(
            other[field] === checkpoint[field],
          );
      }),
      RUNS,
    );
  });
});

describe("genesis", () => {
  it("holds the predeploys with their code, sorted, without balances", () => {
    const writes = genesisWrites();
    expect(writes.map(({ address }) => address)).toEqual([...writes.map(({ address }) => address)].sort());
    expect(writes.map(({ address }) => address)).toContain(PREDEPLOYS.coinbase);
    for (const { account, code } of writes) {
      expect(account?.balance).toBe(0n);
      expect(code).not.toBe(null);
      expect(isCodeOf({ hash: account!.codeHash, value: code! })).toBe(true);
      expect(isCodeOf({ hash: keccakHash(Uint8Array.of(1)), value: code! })).toBe(false);
    }
  });
});

import {
  type Address,
  BATCH_FAULTS,
  type BatchContext,
  type BatchFault,
  batchOrigin,
  contextAt,
  contextGroupFault,
  decodeBatch,
  fromHex,
  type Hex,
  rowGroupFault,
  toHex,
  transactionAt,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { readVectors } from "./vectorFiles.ts";

type Vectors = {
  chainId: bigint;
  generation: bigint;
  data: Hex;
  contexts: BatchContext[];
  /** addresses that are inline in a block, and all that it names where every index is of the known one */
  inline: Address[];
  named: Address[];
  transactions: { name: string; raw: Hex; resolved: Address[]; indices: number[] }[];
  faults: { name: string; data: Hex; contextFault: number; rowGroup: number; rowFault: number }[];
};
const vectors = readVectors<Vectors>("batchFormat");
const data = fromHex(vectors.data);
const codeOf = (fault: BatchFault | null): number => (fault === null ? 0 : BATCH_FAULTS[fault]);

describe("vectors of the batch format", () => {
  it("origin and contexts", () => {
    const { chainId, generation, contexts } = vectors;
    expect(batchOrigin(data)).toEqual({ ok: true, value: { chainId, generation, blockCount: contexts.length } });
    for (const [block, value] of contexts.entries()) expect(contextAt(data, block)).toEqual({ ok: true, value });
  });

  it("transactions, in both blocks, with the indexes that they stand on", () => {
    const known = vectors.transactions.flatMap(({ resolved }) => resolved)[0]!;
    for (const block of vectors.contexts.keys())
      for (const [position, { name, raw, indices }] of vectors.transactions.entries()) {
        const found = transactionAt(data, block, position, () => known);
        if (!found.ok) throw new Error(`${name}: ${found.fault}`);
        expect(toHex(found.value.raw), name).toBe(raw);
        expect(found.value.indexes.map(Number), name).toEqual(indices);
      }
    const whole = decodeBatch(data, () => known);
    if (!whole.ok) throw new Error(whole.fault);
    for (const { transactions, named } of whole.value.blocks) {
      expect(transactions.map(toHex)).toEqual(vectors.transactions.map(({ raw }) => raw));
      expect(named).toEqual(vectors.named);
    }
  });

  it("faults, every code of the format among them", () => {
    const seen = new Set<number>();
    for (const { name, data: bytes, contextFault, rowGroup, rowFault } of vectors.faults) {
      expect(codeOf(contextGroupFault(fromHex(bytes), 0)), name).toBe(contextFault);
      expect(codeOf(rowGroupFault(fromHex(bytes), rowGroup)), name).toBe(rowFault);
      seen.add(rowFault);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 240]);
  });
});

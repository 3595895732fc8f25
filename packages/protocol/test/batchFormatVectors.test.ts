import {
  type Address,
  BATCH_FAULTS,
  type BatchContext,
  type BatchFault,
  batchOrigin,
  type ChainId,
  contextAt,
  contextGroupFault,
  decodeBatch,
  encodeBatch,
  fromHex,
  type Hex,
  rowGroupFault,
  seatedIn,
  servedBy,
  toHex,
  transactionAt,
  type Work,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { readVectors } from "./vectorFiles.ts";

type Vectors = {
  chainId: ChainId;
  generation: bigint;
  data: Hex;
  contexts: BatchContext[];
  works: { byte: number; work: Work; served: number[]; seated: number; data: Hex }[];
  /** bytes that are no work, in place of the one at `at` */
  otherWorkBytes: { data: Hex; at: number; bytes: number[] };
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

  it("every byte of a block's work: who served and has a seat of its own, or that it is reserved", () => {
    const { chainId, generation, works, otherWorkBytes } = vectors;
    for (const { byte, work, served, seated, data: bytes } of works) {
      const context = contextAt(fromHex(bytes), 0);
      if (!context.ok) throw new Error(`${byte}: ${context.fault}`);
      expect(context.value.work, `${byte}`).toEqual(work);
      expect(servedBy(context.value.work)).toEqual(served);
      expect(seatedIn(context.value.work)).toBe(seated);
      const { transactionCount: _none, ...block } = context.value;
      const written = encodeBatch({
        chainId,
        generation,
        blocks: [{ ...block, transactions: [], indexOf: () => undefined }],
      });
      const tail = bytes.slice(bytes.indexOf(context.value.evidence.slice(2)));
      expect(toHex(written).endsWith(tail), `${byte} written`).toBe(true);
    }
    const { data: bytes, at, bytes: others } = otherWorkBytes;
    for (const byte of others) {
      const changed = fromHex(bytes).with(at, byte);
      expect(contextGroupFault(changed, 0), `${byte}`).toBe("reserved");
      expect(contextAt(changed, 0), `${byte}`).toEqual({ ok: false, fault: "reserved" });
    }
    expect([...works.map(({ byte }) => byte), ...others].toSorted((a, b) => a - b)).toEqual([...Array(256).keys()]);
  });

  it("transactions, in both blocks that have them, with the indexes that they stand on", () => {
    const known = vectors.transactions.flatMap(({ resolved }) => resolved)[0]!;
    const busy = vectors.contexts.filter(({ transactionCount }) => transactionCount > 0);
    expect(busy).toEqual(vectors.contexts.slice(0, 2));
    for (const block of busy.keys())
      for (const [position, { name, raw, indices }] of vectors.transactions.entries()) {
        const found = transactionAt(data, block, position, () => known);
        if (!found.ok) throw new Error(`${name}: ${found.fault}`);
        expect(toHex(found.value.raw), name).toBe(raw);
        expect(found.value.indexes.map(Number), name).toEqual(indices);
      }
    const whole = decodeBatch(data, () => known);
    if (!whole.ok) throw new Error(whole.fault);
    expect(whole.value.blocks[2]).toEqual({ ...vectors.contexts[2], transactions: [], named: [] });
    for (const { transactions, named } of whole.value.blocks.slice(0, 2)) {
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

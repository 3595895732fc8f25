import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteBudget, encodeFrameHeader, type FrameHeader, FrameReader, type FrameSink } from "../src/frames.ts";
import { MAX_MESSAGE_BYTES } from "../src/limits.ts";

type Got = FrameHeader & { readonly payload: Uint8Array | null };

function reader(
  budget: ByteBudget,
  take = (_header: FrameHeader): boolean => true,
): { reader: FrameReader; got: Got[] } {
  const got: Got[] = [];
  const sink: FrameSink = {
    admit: (header) => (take(header) ? "take" : "skip"),
    deliver(header, payload, heldBytes) {
      got.push({ ...header, payload });
      budget.give(heldBytes);
    },
  };
  return { reader: new FrameReader(sink, budget), got };
}

const frames = fc.array(
  fc.record({ type: fc.nat(255), id: fc.nat(2 ** 32 - 1), payload: fc.uint8Array({ maxLength: 300 }) }),
  { maxLength: 12 },
);

describe("FrameReader", () => {
  test("finds the same frames however the bytes are cut, holding nothing afterwards", () => {
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (list, cuts) => {
        const budget = new ByteBudget(10_000_000);
        const { reader: subject, got } = reader(budget, ({ id }) => id % 3 !== 0);
        const bytes = Buffer.concat(
          list.flatMap(({ type, id, payload }) => [encodeFrameHeader({ type, id, length: payload.length }), payload]),
        );
        for (let offset = 0; offset < bytes.length; ) {
          const size = cuts.next().value;
          subject.push(Uint8Array.from(bytes.subarray(offset, offset + size)));
          offset += size;
        }
        const expected = list.map(({ type, id, payload }) => {
          return { type, id, length: payload.length, payload: id % 3 === 0 ? null : payload };
        });
        expect(got).toEqual(expected);
        expect(budget.heldBytes).toBe(0);
      }),
    );
  });

  test("holds memory for what came in, not for what the length promises", () => {
    const budget = new ByteBudget(MAX_MESSAGE_BYTES);
    const { reader: subject } = reader(budget);
    subject.push(encodeFrameHeader({ type: 1, id: 1, length: MAX_MESSAGE_BYTES }));
    expect(budget.heldBytes).toBe(0);
    for (let came = 1000; came <= 1_000_000; came += 1000) {
      subject.push(new Uint8Array(1000));
      expect(budget.heldBytes).toBeLessThanOrEqual(Math.max(65_536, 2 * came));
    }
    subject.close();
    expect(budget.heldBytes).toBe(0);
  });

  test("drops the payload, and only that, when the budget is used up", () => {
    const budget = new ByteBudget(100_000);
    const { reader: subject, got } = reader(budget);
    subject.push(encodeFrameHeader({ type: 1, id: 1, length: 200_000 }));
    for (let i = 0; i < 200; i++) subject.push(new Uint8Array(1000));
    subject.push(encodeFrameHeader({ type: 1, id: 2, length: 3 }));
    subject.push(Uint8Array.of(1, 2, 3));
    expect(got.map(({ id, payload }) => [id, payload])).toEqual([
      [1, null],
      [2, Uint8Array.of(1, 2, 3)],
    ]);
    expect(budget.heldBytes).toBe(0);
  });

  test("refuses a length above the bound before asking the sink", () => {
    const { reader: subject, got } = reader(new ByteBudget(0), () => {
      throw new Error("asked");
    });
    const header = encodeFrameHeader({ type: 1, id: 1, length: MAX_MESSAGE_BYTES + 1 });
    expect(() => subject.push(header)).toThrow(`frame of ${MAX_MESSAGE_BYTES + 1} bytes`);
    expect(got).toEqual([]);
  });
});

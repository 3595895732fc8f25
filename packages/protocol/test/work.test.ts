import {
  blsKeyFromSeed,
  blsSignatureOf,
  blsSignaturePoint,
  CodecError,
  decode,
  encode,
  evidenceHash,
  FormatError,
  fromHex,
  type Hash,
  type Hex,
  isShownEvidence,
  isWork,
  JOB_SEATS,
  jobIdOf,
  LIMITS,
  NO_WORK,
  seatedIn,
  servedBy,
  shownEvidence,
  toHex,
  type Work,
  type WorkEvidence,
  workCodec,
  workEvidenceCodec,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as some from "./arbitraries.ts";

const flip = <H extends Hex>(hex: H, bit: number): H => {
  const bytes = fromHex(hex);
  bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
  return toHex(bytes) as H;
};

/** Every way in which seats can have served or not, each once: nothing after the last that served but what `tail` adds. */
const patterns = Array.from({ length: 2 ** JOB_SEATS }, (_, bits) =>
  Array.from({ length: JOB_SEATS }, (_, seat) => ((bits >> seat) & 1 ? 100 + seat : null)).slice(
    0,
    bits.toString(2).replace(/^0$/, "").length,
  ),
);

describe("work that a block can have", () => {
  it("is that of as many seats as a job needs, out of those that it has, at every attempt; or none at all", () => {
    const found = Array.from({ length: LIMITS.jobAttempts }, (_, attempt) =>
      patterns.filter((seats) => isWork({ attempt, seats })).map((seats) => servedBy({ attempt, seats })),
    );
    const pairs = patterns
      .map((seats) => servedBy({ attempt: 0, seats }))
      .filter(({ length }) => length === LIMITS.seats);
    expect(pairs.length).toBe(6);
    expect(found).toEqual([[[], ...pairs], pairs, pairs, pairs]);
    expect(isWork(NO_WORK)).toBe(true);
  });

  it("is none at an attempt beyond the last", () => {
    fc.assert(
      fc.property(some.works, fc.nat(), (work, more) => {
        expect(isWork(work)).toBe(true);
        expect(isWork({ ...work, attempt: LIMITS.jobAttempts + more })).toBe(false);
        expect(isWork({ ...NO_WORK, attempt: 1 + more })).toBe(false);
      }),
      some.RUNS,
    );
  });

  it("is none with a seat more or less, with one beyond the job's, or with one passed over at the end", () => {
    fc.assert(
      fc.property(some.works, fc.nat(), some.providerNumbers, (work, nat, number) => {
        const seats = [...work.seats, ...Array<null>(JOB_SEATS - work.seats.length).fill(null)];
        const withSeats = (changed: readonly (number | null)[]): Work => {
          const last = changed.findLastIndex((holder) => holder !== null);
          return { ...work, seats: changed.slice(0, last + 1) };
        };
        const [served, passed] = [true, false].map((did) =>
          seats.flatMap((holder, i) => ((holder !== null) === did ? [i] : [])),
        );
        expect(isWork(withSeats(seats))).toBe(true);
        expect(isWork(withSeats(seats.with(served![nat % served!.length]!, null)))).toBe(false);
        expect(isWork(withSeats(seats.with(passed![nat % passed!.length]!, number)))).toBe(false);
        expect(isWork({ ...work, seats: [...work.seats, null] })).toBe(false);
        expect(isWork({ ...work, seats: [...seats.with(served!.at(-1)!, null), number] })).toBe(false);
      }),
      some.RUNS,
    );
  });

  it("names who served in the order of their seats, the same one as often as it holds a seat", () => {
    fc.assert(
      fc.property(some.wireWorks, (work) => {
        const served = servedBy(work);
        expect(served.length).toBe(work.seats.length - work.seats.filter((holder) => holder === null).length);
        let next = 0;
        for (const holder of work.seats) if (holder !== null) expect(served[next++]).toBe(holder);
      }),
      some.RUNS,
    );
    expect(servedBy({ attempt: 0, seats: [5, null, 5] })).toEqual([5, 5]);
  });

  it("has fees of their own for the first job's seats alone", () => {
    fc.assert(
      fc.property(some.works, (work) => {
        const own = work.seats.slice(0, LIMITS.seats).filter((holder) => holder !== null);
        expect(seatedIn({ ...work, attempt: 0 })).toBe(own.length);
        expect(servedBy(work).slice(0, own.length)).toEqual(own);
        for (let attempt = 1; attempt < LIMITS.jobAttempts; attempt++) expect(seatedIn({ ...work, attempt })).toBe(0);
      }),
      some.RUNS,
    );
    expect(seatedIn(NO_WORK)).toBe(0);
  });

  it("comes back from the wire, which takes no attempt beyond the last and no seat beyond a job's", () => {
    fc.assert(
      fc.property(some.wireWorks, (work) => {
        expect(decode(workCodec, encode(workCodec, work), 64)).toEqual(work);
      }),
      some.RUNS,
    );
    for (const bad of [
      { attempt: LIMITS.jobAttempts, seats: [1, 2] },
      { attempt: 0, seats: [1, 2, null, null, 3] },
      { attempt: 0, seats: [1, 2 ** 32] },
    ])
      expect(() => encode(workCodec, bad)).toThrow(CodecError);
  });
});

describe("ids of a block's jobs", () => {
  it("differ by attempt and by randomness", () => {
    fc.assert(
      fc.property(some.hashes, fc.nat(), (randomness, bit) => {
        const attempts = Array.from({ length: LIMITS.jobAttempts }, (_, attempt) => attempt);
        const ids = [randomness, flip(randomness, bit)].flatMap((one) =>
          attempts.map((attempt) => jobIdOf(one, attempt)),
        );
        expect(new Set(ids).size).toBe(2 * LIMITS.jobAttempts);
        expect(jobIdOf(randomness, 0)).toBe(ids[0]);
      }),
      some.RUNS,
    );
  });
});

describe("evidence", () => {
  const keys = [1, 2, 3, 4].map((seed) => blsKeyFromSeed(new Uint8Array(32).fill(seed)));
  const points = keys.map((key) => key.sign(`0x${"5a".repeat(32)}` as Hash));
  const evidence: fc.Arbitrary<WorkEvidence> = fc.record({
    proof: fc.constantFrom(...points),
    result: some.hashes,
    signatures: fc.array(fc.constantFrom(...points), { maxLength: LIMITS.seats }),
  });

  it("has a hash that depends on the proof, the result, and every signature in its place", () => {
    fc.assert(
      fc.property(evidence, fc.constantFrom(...points), fc.nat(), (shown, point, bit) => {
        const { proof, result, signatures } = shown;
        const hash = evidenceHash(shown);
        const isSame = (changed: Partial<WorkEvidence>): boolean => evidenceHash({ ...shown, ...changed }) === hash;
        expect(isSame({})).toBe(true);
        expect(isSame({ proof: point })).toBe(point === proof);
        expect(isSame({ result: flip(result, bit) })).toBe(false);
        expect(isSame({ signatures: [...signatures, point] })).toBe(false);
        for (const [i, signature] of signatures.entries()) {
          expect(isSame({ signatures: signatures.toSpliced(i, 1) })).toBe(false);
          expect(isSame({ signatures: signatures.with(i, point) })).toBe(point === signature);
        }
        const [first, second] = signatures;
        expect(isSame({ signatures: signatures.toReversed() })).toBe(second === undefined || first === second);
      }),
      { numRuns: 40 },
    );
  });

  it("has none where a part is no point of the signatures' group", () => {
    const good: WorkEvidence = {
      proof: points[0]!,
      result: `0x${"00".repeat(32)}` as Hash,
      signatures: points.slice(0, 2),
    };
    expect(() => evidenceHash(good)).not.toThrow();
    for (const bad of ["0x", `0x${"ff".repeat(96)}`, `0x${"00".repeat(96)}`, `${points[0]}00`] as Hex[]) {
      expect(() => evidenceHash({ ...good, proof: bad }), bad).toThrow(FormatError);
      expect(() => evidenceHash({ ...good, signatures: [points[0]!, bad] }), bad).toThrow(FormatError);
    }
  });

  it("is shown by points that come back compressed, and by nothing else", () => {
    for (const compressed of points) {
      const point = blsSignaturePoint(compressed);
      expect(blsSignatureOf(point)).toBe(compressed);
      const turned = `0x${point.slice(98, 194)}${point.slice(2, 98)}${point.slice(194)}` as Hex;
      for (const bad of [
        turned,
        `${point.slice(0, -2)}00`,
        point.slice(0, -2),
        `${point}00`,
        `0x${"00".repeat(192)}`,
      ] as Hex[])
        expect(blsSignatureOf(bad), bad).toBeNull();
    }
  });

  it("has the form that L1 takes with no other lengths, and no more signatures than seats", () => {
    const shown = shownEvidence({
      proof: points[0]!,
      result: `0x${"00".repeat(32)}` as Hash,
      signatures: points.slice(0, 2),
    });
    expect(isShownEvidence(shown)).toBe(true);
    const [first] = shown.signatures;
    for (const other of [
      { ...shown, proof: points[0]! },
      { ...shown, signatures: [first!, points[0]!] },
      { ...shown, signatures: [first!, first!, first!] },
    ])
      expect(isShownEvidence(other)).toBe(false);
  });

  it("comes back from the wire, with a signature for each seat that a job needs at most", () => {
    fc.assert(
      fc.property(some.evidence, (shown) => {
        expect(decode(workEvidenceCodec, encode(workEvidenceCodec, shown), 400)).toEqual(shown);
      }),
      some.RUNS,
    );
    const three = { proof: points[0]!, result: `0x${"00".repeat(32)}` as Hash, signatures: points.slice(0, 3) };
    expect(() => encode(workEvidenceCodec, three)).toThrow(CodecError);
  });
});

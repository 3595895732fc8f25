import { CodecError, encodeRlp, FormatError, fromHex, type Hash, type Hex, toChainId, toHex } from "@mvm/protocol";
import {
  type CheckedDealing,
  type Complaint,
  checkDealing,
  decodeComplaint,
  encodeComplaint,
  judgeComplaint,
  type KeyRound,
  MAX_COMPLAINT_BYTES,
  openDealing,
  outcomeOf,
} from "@mvm/protocol/threshold";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { decodeRlp, hexlify } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyForms } from "../../vectors/points.ts";
import {
  type ComplaintParts,
  complaintOf,
  type DealingParts,
  dealingOf,
  ORDER,
  partsBySeed,
  pointOf,
  polynomialAt,
  times,
} from "../../vectors/threshold.ts";
import { readVectors } from "../vectorFiles.ts";
import { dealt, hashNamed, hostsNamed, madeBy, roundOf } from "./ceremonies.ts";

const { G1 } = bls12_381;
const hosts = hostsNamed(4);
const round = roundOf(hosts, 2);
const seed = hashNamed("a seed");
const word = (value: bigint): Hash => `0x${value.toString(16).padStart(64, "0")}` as Hash;
const secretOf = (member: number): bigint => BigInt(toHex(hosts[member]!.secret));

/** A dealing that is proven rightly whatever its shares are, with its bytes. */
type Dealt = { readonly bytes: Hex; readonly of: KeyRound; readonly dealing: CheckedDealing };
function dealtWith(change: DealingParts["change"], { dealer = 1, of = round } = {}): Dealt {
  const parts = { roundId: of.id, dealer, members: of.members, seed, ...(change === undefined ? {} : { change }) };
  const bytes = dealingOf({ ...parts, ...partsBySeed(of.id, dealer, of.threshold, seed) }) as Hex;
  const dealing = checkDealing(of, dealer, fromHex(bytes));
  if (dealing.kind === "fault") throw new Error(dealing.code);
  return { bytes, of, dealing };
}
/** A dealing whose share for one member is wrong by a bit. */
const wrongFor = (wronged: number, where: { readonly dealer?: number; readonly of?: KeyRound } = {}): Dealt =>
  dealtWith((share, member) => (member === wronged ? word(BigInt(share) ^ 1n) : share), where);
const right = dealtWith(undefined);

/** Bytes of a member's complaint, whether its share is wrong or not, its proof as right as it can be. */
const complaintBytes = (member: number, { bytes, dealing }: Dealt, changes: Partial<ComplaintParts> = {}): Hex =>
  complaintOf({
    ...{ roundId: dealing.roundId, dealer: dealing.dealer, dealing: bytes, member, secret: secretOf(member) },
    ...{ ephemeral: dealing.dealing.ephemeral, ...changes },
  }) as Hex;
const complaintBy = (...parts: Parameters<typeof complaintBytes>): Complaint =>
  decodeComplaint(fromHex(complaintBytes(...parts)));
const judge = (complaint: Complaint, { of, dealing }: Dealt): boolean => judgeComplaint(of, dealing, complaint);
const open = ({ of, dealing }: Dealt, member: number) =>
  openDealing(of, dealing, { member, secret: hosts[member]!.secret });

describe("opening a dealing", () => {
  it("gives each member the polynomial's value at its place, and nobody else", () => {
    const { coefficients } = partsBySeed(round.id, 1, 2, seed);
    for (const member of [0, 1, 2, 3]) {
      const share = fromHex(word(polynomialAt(coefficients, BigInt(member) + 1n)));
      expect(open(right, member)).toEqual({ kind: "share", share });
      expect(right.bytes).not.toContain(toHex(share).slice(2));
      expect(() => openDealing(round, right.dealing, { member, secret: hosts[(member + 1) % 4]!.secret })).toThrow(
        RangeError,
      );
    }
    expect(() => openDealing(round, right.dealing, { member: 4, secret: hosts[0]!.secret })).toThrow(RangeError);
    const other = roundOf(hosts, 2, { number: 2n });
    expect(() => openDealing(other, right.dealing, { member: 0, secret: hosts[0]!.secret })).toThrow(RangeError);
  });

  it("gives a complaint of a wrong share to who got it, and to everybody else the share", () => {
    fc.assert(
      fc.property(fc.nat({ max: 3 }), (wronged) => {
        const wrong = wrongFor(wronged);
        for (const member of [0, 1, 2, 3])
          expect(open(wrong, member).kind).toBe(member === wronged ? "complaint" : "share");
      }),
      { numRuns: 4 },
    );
  });
});

describe("a complaint", () => {
  it("is right of every kind of wrong share", () => {
    const kinds: readonly DealingParts["change"][] = [
      (share) => word(BigInt(share) ^ 1n),
      () => word(0n),
      () => word(ORDER),
      () => word(2n ** 256n - 1n),
      // the right number in a second form, where it fits
      (share) => word(BigInt(share) + ORDER < 2n ** 256n ? BigInt(share) + ORDER : ORDER + 1n),
      // another member's share
      (_, member) => word(polynomialAt(partsBySeed(round.id, 1, 2, seed).coefficients, BigInt(member) + 2n)),
    ];
    for (const [i, change] of kinds.entries()) {
      const wrong = dealtWith(change);
      const found = open(wrong, 2);
      if (found.kind === "share") throw new Error(`kind ${i} was taken`);
      expect(toHex(encodeComplaint(found.complaint))).toBe(complaintBytes(2, wrong));
      expect(judge(found.complaint, wrong), `kind ${i}`).toBe(true);
    }
  });

  it("is wrong of a right share, whoever complains, and leaves the dealing in", () => {
    const complaints = [0, 1, 2, 3].map((member) => complaintBy(member, right));
    expect(complaints.map((complaint) => judge(complaint, right))).toEqual([false, false, false, false]);
    const wrong = wrongFor(2);
    expect([0, 1, 3].map((member) => judge(complaintBy(member, wrong), wrong))).toEqual([false, false, false]);
  });

  it("is wrong with another point than the one that masks the share, however it is proven", () => {
    const { ephemeral } = right.dealing.dealing;
    const shared = pointOf(complaintBy(0, right).shared);
    const forged = [
      // proven with another secret, with the member's own, with none
      { shared: toHex(pointOf(ephemeral).multiply(5n).toBytes()), secret: 5n },
      { shared: times(77n) },
      { shared: toHex(shared.negate().toBytes()) },
      { shared: ephemeral },
      { shared: round.members[0]! },
      { shared: toHex(shared.add(G1.Point.BASE).toBytes()) },
    ];
    for (const [i, changes] of forged.entries())
      expect(judge(complaintBy(0, right, changes), right), `forged point ${i}`).toBe(false);
  });

  it("is none with a point that was moved out of the subgroup, though its proof is right by chance", () => {
    const shared = pointOf(complaintBy(0, right).shared);
    // (0, 2) has order 3: with a third of the nonces the proof does not see it
    const moved = keyForms(shared.add(G1.Point.fromAffine({ x: 0n, y: 2n }))).compressed;
    const challengeOf = (bytes: Hex): bigint => BigInt((decodeRlp(bytes) as string[])[4]!);
    const all = Array.from({ length: 40 }, (_, i) =>
      complaintBytes(0, right, { shared: moved, nonce: 1_000n + BigInt(i) }),
    );
    const unseen = all.find((bytes) => (ORDER - challengeOf(bytes)) % 3n === 0n)!;
    expect(() => decodeComplaint(fromHex(unseen))).toThrow(CodecError);
    const [, , , , challenge, response] = decodeRlp(unseen) as Hash[];
    const parsed = { dealer: 1, member: 0, shared: moved as Hex, challenge: challenge!, response: response! };
    expect(() => judge(parsed, right)).toThrow(FormatError);
  });

  it("is of no other dealing, dealer, member or round (I11)", () => {
    const wrong = wrongFor(0);
    const complaint = complaintBy(0, wrong);
    expect(judge(complaint, wrong)).toBe(true);
    // another dealing of the same dealer, with the same R
    expect(judge(complaint, right)).toBe(false);
    expect(
      judge(
        complaint,
        dealtWith((share) => word(BigInt(share) ^ 2n)),
      ),
    ).toBe(false);
    expect(judge(complaint, wrongFor(0, { dealer: 2 }))).toBe(false);
    expect(judge({ ...complaint, dealer: 2 }, wrongFor(0, { dealer: 2 }))).toBe(false);
    expect(judge({ ...complaint, dealer: 2 }, wrong)).toBe(false);
    for (const member of [1, 2, 3, 4]) expect(judge({ ...complaint, member }, wrong)).toBe(false);
    for (const change of [{ number: 2n }, { chainId: toChainId(78) }, { domain: hashNamed("another network") }]) {
      const elsewhere = wrongFor(0, { of: roundOf(hosts, 2, change) });
      expect(judge(complaint, elsewhere)).toBe(false);
      expect(() => judgeComplaint(round, elsewhere.dealing, complaint)).toThrow(RangeError);
    }
  });

  it("cannot be changed: every item is bound to the proof", () => {
    const wrong = wrongFor(0);
    const complaint = complaintBy(0, wrong);
    const another = complaintBy(1, wrong);
    for (const field of ["shared", "challenge", "response"] as const)
      expect(judge({ ...complaint, [field]: another[field] }, wrong), field).toBe(false);
  });

  it("has one encoding within its bound; all other bytes are none", () => {
    const bytes = encodeComplaint(complaintBy(3, right));
    expect(bytes.length).toBeLessThanOrEqual(MAX_COMPLAINT_BYTES);
    expect(encodeComplaint(decodeComplaint(bytes))).toEqual(bytes);
    const items = decodeRlp(hexlify(bytes)) as string[];
    const changed = (at: number, item: string) => encodeRlp(items.with(at, item).map(fromHex));
    const { outsidePublicKey } = readVectors<{ outsidePublicKey: Hex }>("outside");
    const bad = [
      changed(0, "0x02"),
      changed(1, "0x20"),
      changed(2, "0x20"),
      changed(2, "0x0003"),
      ...[`0xc0${"00".repeat(47)}`, outsidePublicKey, `0x${"ff".repeat(48)}`, "0x"].map((point) => changed(3, point)),
      ...[word(0n), word(ORDER), "0x01", `0x${"11".repeat(33)}`].flatMap((scalar) => [
        changed(4, scalar),
        changed(5, scalar),
      ]),
      Uint8Array.of(...bytes, 0),
      new Uint8Array(MAX_COMPLAINT_BYTES + 1),
    ];
    for (const data of bad) expect(() => decodeComplaint(data), toHex(data)).toThrow(CodecError);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), (end) => {
        expect(() => decodeComplaint(bytes.subarray(0, end))).toThrow(CodecError);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the outcome of a round with complaints", () => {
  const dealings = dealt(round, [0, 2, 3]);

  it("is without the dealing that a complaint is right of, as if its dealer had dealt nothing", () => {
    const wrong = wrongFor(0);
    const all = [wrong.dealing, ...dealings];
    const without = outcomeOf(round, dealings, []);
    expect(outcomeOf(round, all, [complaintBy(0, wrong)])).toEqual(without);
    expect(madeBy(round, all, hosts).key).toEqual(without.kind === "key" ? without.key : null);
    // what it deals again is too late
    expect(outcomeOf(round, [...all, right.dealing], [complaintBy(0, wrong)])).toEqual(without);
  });

  it("does not hang on complaints that are wrong, or of nobody's dealing", () => {
    const all = [right.dealing, ...dealings];
    const expected = outcomeOf(round, all, []);
    const wrongs = [0, 1, 2, 3].map((member) => complaintBy(member, right));
    expect(outcomeOf(round, all, wrongs)).toEqual(expected);
    expect(outcomeOf(round, all, [...wrongs, complaintBy(0, wrongFor(0))])).toEqual(expected);
    expect(outcomeOf(round, dealings, [complaintBy(0, wrongFor(0))])).toEqual(outcomeOf(round, dealings, []));
  });

  it("fails where too few are left", () => {
    const all = [wrongFor(0), wrongFor(3, { dealer: 2 }), wrongFor(2, { dealer: 3 })];
    const complaints = [complaintBy(0, all[0]!), complaintBy(3, all[1]!)];
    const [first, second, third] = all.map(({ dealing }) => dealing) as [
      CheckedDealing,
      CheckedDealing,
      CheckedDealing,
    ];
    expect(outcomeOf(round, [first, second, third], complaints)).toEqual({
      ...{ kind: "failed", code: "too-few-dealings" },
      ...{ qualified: [3], needed: 2 },
    });
  });
});

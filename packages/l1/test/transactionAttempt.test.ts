import {
  type AttemptBounds,
  type AttemptEffect,
  type AttemptLook,
  type AttemptOutcome,
  L1Error,
  type L1Receipt,
  MAX_VERSIONS,
  TransactionAttempt,
  type TransactionFees,
} from "@mvm/l1";
import { type Hash, type Hex, keccakHash, toWord, toWordHex } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const GWEI = 10n ** 9n;
const NONCE = 5n;
const BOUNDS: AttemptBounds = {
  replaceAfterBlocks: 2n,
  giveUpAfterBlocks: 40n,
  stallTimeoutMs: 60_000,
  confirmations: 2n,
  maxFeePerGas: 50n * GWEI,
  maxFeePerBlobGas: 50n * GWEI,
  insists: false,
};
/** Blob gas costs as much as gas in these histories. */
type Cargo = "plain" | "blobs";
const TRUTH = ["mine", "drop", "reorg", "deafen", "taken", "quiet"] as const;
type Happening = (typeof TRUTH)[number];

const FEES = ["maxFeePerGas", "maxPriorityFeePerGas", "maxFeePerBlobGas"] as const;

const hashOf = (block: bigint): Hash => keccakHash(toWord(block));

/** An L1 with one account: a pool slot for the nonce, and blocks, of which a reorganisation may take the last two back. */
class ModelL1 {
  head = 10n;
  baseFeePerGas = GWEI;
  pooled: TransactionFees | undefined;
  mined: { hash: Hash; block: bigint } | undefined;
  taken = false;
  deaf = false;
  readonly #cargo: Cargo;
  readonly versions = new Map<Hex, TransactionFees & { hash: Hash }>();

  constructor(cargo: Cargo) {
    this.#cargo = cargo;
  }

  /** Whether a block of the present prices can have the fees. */
  #pays({ maxFeePerGas, maxFeePerBlobGas }: TransactionFees): boolean {
    return maxFeePerGas >= this.baseFeePerGas && (this.#cargo === "plain" || maxFeePerBlobGas! >= this.baseFeePerGas);
  }

  /** What pools ask of a replacement: a tenth on top, or every fee doubled where there are blobs. */
  #outbids(one: TransactionFees, before: TransactionFees): boolean {
    if (this.#cargo === "plain") return one.maxFeePerGas * 10n >= before.maxFeePerGas * 11n;
    return FEES.every((fee) => one[fee]! >= 2n * before[fee]!);
  }

  happen(what: Happening, baseFeePerGas: bigint): void {
    this.head++;
    this.baseFeePerGas = baseFeePerGas;
    this.deaf = what === "deafen";
    const isMinable = this.pooled !== undefined && this.#pays(this.pooled);
    if (what === "drop") this.pooled = undefined;
    if (what === "taken" && this.mined === undefined) {
      this.taken = true;
      this.pooled = undefined;
    }
    if (what === "mine" && isMinable && !this.taken) {
      this.mined = { hash: (this.pooled as TransactionFees & { hash: Hash }).hash, block: this.head };
      this.pooled = undefined;
    }
    if (what === "reorg" && this.mined !== undefined && this.head - this.mined.block < 2n) this.mined = undefined;
  }

  take(raw: Hex): "sent" | "late" | "underpriced" {
    const version = this.versions.get(raw)!;
    if (this.deaf) return "sent";
    if (this.taken || this.mined !== undefined || !this.#pays(version)) return "late";
    if (this.pooled !== undefined && !this.#outbids(version, this.pooled)) return "underpriced";
    this.pooled = version;
    return "sent";
  }

  look(): AttemptLook {
    const isUsed = this.mined !== undefined || this.taken || this.pooled !== undefined;
    const { head, baseFeePerGas, mined } = this;
    const blobBaseFee = this.#cargo === "blobs" ? baseFeePerGas : undefined;
    const receipt: L1Receipt | undefined = mined && {
      transactionHash: mined.hash,
      blockNumber: mined.block,
      blockHash: hashOf(mined.block),
      succeeded: true,
      gasUsed: 21_000n,
      contractAddress: undefined,
    };
    const pendingNonce = isUsed ? NONCE + 1n : NONCE;
    return { head: { number: head, baseFeePerGas, blobBaseFee }, pendingNonce, nonceTaken: this.taken, receipt };
  }
}

/** Lets an attempt live through a history; how it ended, and all it signed. */
function live(history: readonly (readonly [Happening, number])[], bounds = BOUNDS, cargo: Cargo = "plain") {
  const l1 = new ModelL1(cargo);
  const attempt = new TransactionAttempt({ nonce: NONCE, versions: [], raw: undefined }, bounds);
  const signed: TransactionFees[] = [];
  const limits: L1Error[] = [];
  let nowMs = 0;
  const carryOut = (effects: readonly AttemptEffect[]): AttemptOutcome | undefined => {
    for (const effect of effects) {
      if (effect.kind === "end") return effect.outcome;
      if (effect.kind === "tell" && effect.notice.type === "fee-limit") limits.push(effect.notice.error);
      let next: readonly AttemptEffect[] = [];
      if (effect.kind === "sign") {
        signed.push(effect.fees);
        const raw = toWordHex(BigInt(signed.length)) as Hex;
        const version = { ...effect.fees, hash: keccakHash(toWord(BigInt(signed.length))) };
        l1.versions.set(raw, version);
        next = attempt.handle({ kind: "signed", version, raw });
      } else if (effect.kind === "send") {
        const answer = l1.take(effect.raw);
        const refusal = { kind: answer as "late", error: new L1Error("rpc-error", answer) };
        next = attempt.handle(answer === "sent" ? { kind: "sent" } : { kind: "refused", refusal });
      }
      const outcome = carryOut(next);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  };
  let outcome = carryOut(attempt.handle({ kind: "looked", look: l1.look(), nowMs }));
  for (const [what, gwei] of history) {
    if (outcome !== undefined) break;
    nowMs += 12_000;
    l1.happen(what, BigInt(gwei) * GWEI);
    outcome = carryOut(attempt.handle({ kind: "looked", look: l1.look(), nowMs }));
  }
  return { outcome, signed, limits, l1 };
}

const historyOf = (...happenings: readonly Happening[]) =>
  fc.array(fc.tuple(fc.constantFrom(...happenings), fc.integer({ min: 1, max: 60 })), { maxLength: 60 });

const CARGO = fc.constantFrom<Cargo>("plain", "blobs");

describe("TransactionAttempt", () => {
  it("raises both fees by an eighth or more, stays within its limit, and tells the limit once, in any history", () => {
    fc.assert(
      fc.property(historyOf(...TRUTH), (history) => {
        const { signed, limits } = live(history);
        expect(signed.length).toBeLessThanOrEqual(MAX_VERSIONS);
        expect(limits.length).toBeLessThanOrEqual(1);
        for (const [i, fees] of signed.entries()) {
          expect(fees.maxFeePerGas).toBeLessThanOrEqual(BOUNDS.maxFeePerGas);
          expect(fees.maxPriorityFeePerGas).toBeLessThanOrEqual(fees.maxFeePerGas);
          const before = signed[i - 1];
          if (before === undefined) continue;
          expect(fees.maxFeePerGas * 8n).toBeGreaterThanOrEqual(before.maxFeePerGas * 9n);
          expect(fees.maxPriorityFeePerGas * 8n).toBeGreaterThanOrEqual(before.maxPriorityFeePerGas * 9n);
        }
      }),
    );
  });

  it("doubles all three fees of a transaction with blobs, within both limits, in any history", () => {
    fc.assert(
      fc.property(historyOf(...TRUTH), (history) => {
        const { signed, limits } = live(history, BOUNDS, "blobs");
        expect(limits.length).toBeLessThanOrEqual(1);
        for (const [i, fees] of signed.entries()) {
          expect(fees.maxFeePerGas).toBeLessThanOrEqual(BOUNDS.maxFeePerGas);
          expect(fees.maxFeePerBlobGas).toBeLessThanOrEqual(BOUNDS.maxFeePerBlobGas);
          expect(fees.maxFeePerBlobGas).toBeGreaterThanOrEqual(1n);
          const before = signed[i - 1];
          if (before !== undefined) for (const fee of FEES) expect(fees[fee]).toBeGreaterThanOrEqual(2n * before[fee]!);
        }
      }),
    );
  });

  it("offers twice what L1 asks for blob gas, at least a wei, and nothing where the limit does not pay it", () => {
    const first = (blobBaseFee: bigint | undefined, maxFeePerBlobGas: bigint) => {
      const attempt = new TransactionAttempt(
        { nonce: NONCE, versions: [], raw: undefined },
        { ...BOUNDS, maxFeePerBlobGas },
      );
      const head = { number: 1n, baseFeePerGas: GWEI, blobBaseFee };
      const look: AttemptLook = { head, pendingNonce: NONCE, nonceTaken: false, receipt: undefined };
      return attempt.handle({ kind: "looked", look, nowMs: 0 });
    };
    expect(first(undefined, 0n)).toMatchObject([{ kind: "sign", fees: { maxFeePerGas: 3n * GWEI } }]);
    expect(first(undefined, 0n)).not.toHaveProperty("0.fees.maxFeePerBlobGas");
    expect(first(0n, 9n)).toMatchObject([{ kind: "sign", fees: { maxFeePerBlobGas: 2n } }]);
    expect(first(4n, 9n)).toMatchObject([{ kind: "sign", fees: { maxFeePerBlobGas: 8n } }]);
    expect(first(9n, 9n)).toMatchObject([{ kind: "sign", fees: { maxFeePerBlobGas: 9n } }]);
    const unpaid = {
      type: "unsent",
      error: { code: "fee-limit", message: expect.stringMatching(/9 a unit of blob gas/) },
    };
    expect(first(10n, 9n)).toMatchObject([{ kind: "end", outcome: unpaid }]);
  });

  it("ends as mined only with a receipt as deep as asked, and as lost only where no version can be mined", () => {
    fc.assert(
      fc.property(historyOf(...TRUTH), CARGO, (history, cargo) => {
        const { outcome, l1 } = live(history, BOUNDS, cargo);
        if (outcome?.type === "mined") {
          expect(l1.mined?.hash).toBe(outcome.receipt.transactionHash);
          expect(l1.head - outcome.receipt.blockNumber + 1n).toBeGreaterThanOrEqual(BOUNDS.confirmations);
        }
        expect(outcome?.type === "lost").toBe(l1.taken && outcome !== undefined && outcome.type !== "unsent");
      }),
    );
  });

  it("is mined in the end, whatever came before, once L1 takes it and leaves it", () => {
    const calm = Array.from({ length: 6 }, () => ["mine", 1] as const);
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.constantFrom<Happening>("drop", "reorg", "deafen", "mine"), fc.integer({ min: 1, max: 20 })),
          { maxLength: 30 },
        ),
        CARGO,
        (history, cargo) => {
          const { outcome } = live([...history, ...calm], BOUNDS, cargo);
          expect(outcome?.type).toBe("mined");
        },
      ),
    );
  });

  it("gives up after its bound of blocks, with the limit as the reason where there was one", () => {
    const silence = Array.from({ length: 50 }, () => ["quiet", 1] as const);
    expect(live(silence, { ...BOUNDS, maxFeePerGas: 20n * GWEI }).outcome).toMatchObject({
      type: "given-up",
      error: { code: "fee-limit" },
    });
    const rich = live(silence, { ...BOUNDS, maxFeePerGas: 10n ** 15n });
    expect(rich.outcome).toMatchObject({ type: "given-up", error: { code: "receipt-timeout" } });
    expect(rich.l1.head).toBe(50n);
  });

  it("leaves a nonce that is in use, unless it insists: then whoever holds it has the bound's blocks first", () => {
    const look: AttemptLook = {
      head: { number: 1n, baseFeePerGas: GWEI, blobBaseFee: undefined },
      pendingNonce: NONCE + 1n,
      nonceTaken: false,
      receipt: undefined,
    };
    const at = (insists: boolean) =>
      new TransactionAttempt({ nonce: NONCE, versions: [], raw: undefined }, { ...BOUNDS, insists });
    expect(at(false).handle({ kind: "looked", look, nowMs: 0 })).toMatchObject([{ outcome: { type: "lost" } }]);
    const insisting = at(true);
    const kinds = [1n, 2n, 3n].map((number) =>
      insisting.handle({ kind: "looked", look: { ...look, head: { ...look.head, number } }, nowMs: 0 }),
    );
    expect(kinds).toMatchObject([[], [], [{ kind: "sign" }]]);
  });

  it("is not lost while L1 may only be late to show its receipt, and sends nothing meanwhile", () => {
    const [version, head] = [{ maxFeePerGas: GWEI, maxPriorityFeePerGas: GWEI, hash: hashOf(1n) }, 9n];
    const look: AttemptLook = {
      head: { number: head, baseFeePerGas: GWEI, blobBaseFee: undefined },
      pendingNonce: NONCE + 1n,
      nonceTaken: true,
      receipt: undefined,
    };
    const receipt: L1Receipt = {
      ...{ transactionHash: version.hash, blockNumber: head, blockHash: hashOf(head) },
      ...{ succeeded: true, gasUsed: 21_000n, contractAddress: undefined },
    };
    const looksAt = (...looks: readonly (readonly [number, Partial<AttemptLook>])[]) => {
      const start = { nonce: NONCE, versions: [version], raw: "0x01" as Hex };
      const attempt = new TransactionAttempt(start, { ...BOUNDS, confirmations: 1n });
      return looks.map(([nowMs, part]) => attempt.handle({ kind: "looked", look: { ...look, ...part }, nowMs }));
    };
    const [lost, mined] = [{ type: "lost" }, { type: "mined", receipt }].map((outcome) => [{ kind: "end", outcome }]);
    expect(looksAt([0, {}], [1_999, {}], [2_000, {}])).toEqual([[], [], lost]);
    expect(looksAt([0, {}], [1_999, { receipt, nonceTaken: false }])).toEqual([[], mined]);
    // a look during which L1 went on says nothing; the wait begins anew where the nonce was free meanwhile
    expect(looksAt([0, {}], [2_000, { nonceTaken: false }], [2_001, {}])).toEqual([[], [], lost]);
    const free = { nonceTaken: false, pendingNonce: NONCE };
    const around = looksAt([0, {}], [1_000, free], [1_500, {}], [3_400, {}], [3_500, {}]);
    expect(around.toSpliced(1, 1)).toEqual([[], [], [], lost]);
    expect(around[1]).toMatchObject([{ kind: "send" }]);
  });

  it("that was never sent ends with what refused it; one that may be out there waits", () => {
    const error = new L1Error("rpc-error", "insufficient funds");
    const refused = { kind: "refused", refusal: { kind: "never", error } } as const;
    const fees = { maxFeePerGas: GWEI, maxPriorityFeePerGas: GWEI, hash: hashOf(1n) };
    const fresh = new TransactionAttempt({ nonce: NONCE, versions: [], raw: undefined }, BOUNDS);
    fresh.handle({ kind: "signed", version: fees, raw: "0x01" });
    expect(fresh.handle(refused)).toEqual([{ kind: "end", outcome: { type: "unsent", error } }]);
    const resumed = new TransactionAttempt({ nonce: NONCE, versions: [fees], raw: "0x01" }, BOUNDS);
    expect(resumed.handle(refused)).toEqual([{ kind: "tell", notice: { type: "refused", nonce: NONCE, error } }]);
  });
});

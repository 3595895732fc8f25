/** TransactionCodec.sol, SystemTransactionCodec.sol and TransactionGas.sol against packages/protocol and packages/evm. */
import { createEngine, type Engine, intrinsicGas } from "@mvm/evm";
import {
  CodecError,
  concatBytes,
  decodeSystemTransaction,
  decodeTransaction,
  encodeRlp,
  encodeSystemTransaction,
  forcedTransaction,
  keccakHash,
  LIMITS,
  queueTransaction,
  type RlpInput,
  SYSTEM_SOURCES,
  TransactionError,
  toMessage,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { Wallet } from "ethers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";
import {
  bytesOf,
  CHAIN,
  cutLists,
  encodedSystem,
  HARNESS,
  oneOfEach,
  otherBytes,
  otherItems,
  signedBy,
  systemTransactions,
  transactions,
} from "./replayCases.ts";

const RUNS = { numRuns: 60 };
const SPOILED = { numRuns: 2 };
const FAULTS = [
  "none",
  "malformed",
  "too-large",
  "type-not-supported",
  "no-replay-protection",
  "bad-signature",
  "wrong-chain",
  "out-of-range",
] as const;

let lab: ProofLab;
let engine: Engine;
beforeAll(async () => {
  [lab, engine] = await Promise.all([ProofLab.open(HARNESS), createEngine()]);
});

const lower = (text: string): string => text.toLowerCase();

/** The reason of packages/protocol. */
function faultOf(raw: Uint8Array): string {
  try {
    decodeTransaction(raw, CHAIN);
  } catch (error) {
    if (error instanceof TransactionError) return error.code;
    throw error;
  }
  return "none";
}

async function expectSameFault(raw: Uint8Array): Promise<string> {
  const [fault] = await lab.tell("transactionFault", [raw, CHAIN]);
  const expected = faultOf(raw);
  expect(FAULTS[Number(fault)], Buffer.from(raw).toString("hex")).toBe(expected);
  return expected;
}

describe("users' transactions", () => {
  it("of every type are read as packages/protocol reads them, with authorities, intrinsic gas and L1 fee", async () => {
    await fc.assert(
      fc.asyncProperty(transactions, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), async (raw, l1BaseFee) => {
        const expected = toMessage(decodeTransaction(raw, CHAIN), l1BaseFee);
        const read = await lab.tell("transaction", [raw, CHAIN]);
        const { fields, lists } = read.toObject() as { fields: typeof read; lists: typeof read };
        expect(Number(read[0])).toBe(0);
        const costs = await lab.tell("costs", [raw, CHAIN, l1BaseFee]);
        const message = {
          type: Number(fields["kind"]),
          from: lower(fields["from"]),
          to: fields["isCreation"] ? null : lower(fields["to"]),
          nonce: fields["nonce"],
          gasLimit: fields["gasLimit"],
          maxFeePerGas: fields["maxFeePerGas"],
          maxPriorityFeePerGas: fields["maxPriorityFeePerGas"],
          value: fields["value"],
          data: new Uint8Array(Buffer.from(lists["data"].slice(2), "hex")),
          accessList: lists["accessList"].map((entry: { account: string; slots: string[] }) => ({
            address: lower(entry.account),
            slots: [...entry.slots],
          })),
          authorizations: lists["authorizations"].map(
            ({ authority, target, nonce }: { authority: string; target: string; nonce: bigint }) => ({
              authority: BigInt(authority) === 0n ? null : lower(authority),
              address: lower(target),
              nonce,
            }),
          ),
          l1Fee: costs["l1Fee"],
        };
        expect(message).toEqual(expected);
        expect(fields["hash"]).toBe(keccakHash(raw));
        expect({ charge: Number(costs["charge"]), floor: Number(costs["floor"]) }).toEqual(
          intrinsicGas(expected, engine.rules),
        );
      }),
      RUNS,
    );
  });

  it("with any byte changed, cut or lengthened are refused for the same reason, or not at all", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(oneOfEach, bytesOf(97), async (raws, masks) => {
        for (const raw of raws) for (const other of otherBytes(raw, masks)) seen.add(await expectSameFault(other));
      }),
      SPOILED,
    );
    expect([...seen]).toEqual(expect.arrayContaining(["malformed", "bad-signature", "none"]));
  });

  it("with any field changed, missing or doubled are refused for the same reason", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(oneOfEach, async (raws) => {
        for (const raw of raws) for (const other of otherItems(raw)) seen.add(await expectSameFault(other));
      }),
      SPOILED,
    );
    expect([...seen]).toEqual(
      expect.arrayContaining(["malformed", "bad-signature", "out-of-range", "wrong-chain", "none"]),
    );
  });

  it("and system transactions are read within their own bytes alone", async () => {
    await fc.assert(
      fc.asyncProperty(oneOfEach, encodedSystem, async (raws, system) => {
        for (const { whole, length } of [...raws, system].flatMap((raw) => [...cutLists(raw)])) {
          const [fault, systemFault] = await lab.tell("faultsWithin", [whole, length, CHAIN]);
          const own = whole.subarray(0, length);
          const named = [FAULTS[Number(fault)], FAULTS[Number(systemFault)]];
          expect(named, Buffer.from(own).toString("hex")).toEqual([faultOf(own), systemFaultOf(own)]);
        }
      }),
      SPOILED,
    );
  });

  const wallet = new Wallet(`0x${"11".repeat(32)}`);
  const target = new Uint8Array(20).fill(0x22);
  const plain = { chainId: CHAIN as bigint, nonce: 1, gasLimit: 21_000n, to: `0x${"22".repeat(20)}`, value: 5n };
  const list = (count: number, item: RlpInput): RlpInput => Array.from({ length: count }, () => item);
  const one = Uint8Array.of(1);
  const none = new Uint8Array(0);
  const feeMarket = (accessList: RlpInput): Uint8Array => {
    const items = [Uint8Array.of(77), one, one, one, one, target, none, none, accessList, none, one, one];
    return concatBytes(Uint8Array.of(2), encodeRlp(items));
  };
  const setCode = (authorizations: RlpInput): Uint8Array => {
    const items = [Uint8Array.of(77), one, one, one, one, target, none, none, [], authorizations, none, one, one];
    return concatBytes(Uint8Array.of(4), encodeRlp(items));
  };

  it("are refused beyond the bounds of their lengths and lists, and taken at them", async () => {
    const sized = (size: number) =>
      signedBy(wallet, { ...plain, type: 0, gasPrice: 9n, data: `0x${"ff".repeat(size)}` });
    const room = LIMITS.transactionBytes - (sized(57_000).length - 57_000);
    expect(await expectSameFault(sized(room))).toBe("none");
    expect(await expectSameFault(sized(room + 1))).toBe("too-large");
    const entry: RlpInput = [target, []];
    expect(await expectSameFault(feeMarket(list(1_024, entry)))).toBe("none");
    expect(await expectSameFault(feeMarket(list(1_025, entry)))).toBe("too-large");
    const word = new Uint8Array(32).fill(7);
    expect(await expectSameFault(feeMarket([[target, list(1_024, word)]]))).toBe("none");
    expect(await expectSameFault(feeMarket([[target, list(1_025, word)]]))).toBe("too-large");
    const [, ...late] = list(1_026, word) as RlpInput[];
    expect(await expectSameFault(feeMarket([[target, [...late.slice(0, 1_024), none]]]))).toBe("too-large");
    expect(await expectSameFault(feeMarket([[target, [none, ...late]]]))).toBe("malformed");
    expect(await expectSameFault(feeMarket([[target, late, none]]))).toBe("malformed");
    const authorization: RlpInput = [none, target, none, none, one, one];
    expect(await expectSameFault(setCode(list(256, authorization)))).toBe("none");
    expect(await expectSameFault(setCode(list(257, authorization)))).toBe("too-large");
    expect(await expectSameFault(setCode([]))).toBe("malformed");
  });

  it("are refused without replay protection, with another type, a high s, or nothing at all", async () => {
    for (const v of [0, 1, 26, 27, 28, 29, 34, 35, 36, 37]) {
      const items = [one, one, one, target, none, none, v === 0 ? none : Uint8Array.of(v), one, one];
      await expectSameFault(encodeRlp(items));
    }
    expect(await expectSameFault(encodeRlp([one, one, one, target, none, none, Uint8Array.of(27), one, one]))).toBe(
      "no-replay-protection",
    );
    for (let first = 0; first < 256; first++) await expectSameFault(Uint8Array.of(first, 0xc0));
    expect(await expectSameFault(none)).toBe("malformed");
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const half = order / 2n;
    const word = (value: bigint) => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex"));
    const reasons: string[] = [];
    for (const s of [half, half + 1n, order - 1n, order]) {
      const items = [Uint8Array.of(77), one, one, one, one, target, none, none, [], none, one, word(s)];
      reasons.push(await expectSameFault(concatBytes(Uint8Array.of(2), encodeRlp(items))));
    }
    expect(reasons).toEqual(["none", "bad-signature", "bad-signature", "bad-signature"]);
  });
});

/** What packages/protocol says of a system transaction, in the words of TransactionFault. */
function systemFaultOf(raw: Uint8Array): string {
  try {
    decodeSystemTransaction(raw, CHAIN);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    if (error.code === "unknown-variant") return "type-not-supported";
    if (error.code === "too-large" || error.code === "out-of-range") return error.code;
    return "malformed";
  }
  return "none";
}

async function expectSameSystemFault(raw: Uint8Array): Promise<string> {
  const [fault] = await lab.tell("systemTransactionFault", [raw, CHAIN]);
  const named = FAULTS[Number(fault)]!;
  const expected = systemFaultOf(raw);
  expect(named === "wrong-chain" ? "out-of-range" : named, Buffer.from(raw).toString("hex")).toBe(expected);
  return named;
}

describe("system transactions", () => {
  it("of every source are read as packages/protocol reads them", async () => {
    await fc.assert(
      fc.asyncProperty(systemTransactions, async (transaction) => {
        const raw = encodeSystemTransaction(CHAIN, transaction);
        const [fault, fields, data] = await lab.tell("systemTransaction", [raw, CHAIN]);
        expect(Number(fault)).toBe(0);
        const { index, mint, value, gasLimit } = fields.toObject();
        expect({
          source: SYSTEM_SOURCES[Number(fields.source)],
          index,
          from: lower(fields.from),
          to: lower(fields.to),
          mint,
          value,
          gasLimit,
          data: new Uint8Array(Buffer.from(data.slice(2), "hex")),
        }).toEqual(transaction);
        expect(fields.hash).toBe(keccakHash(raw));
      }),
      RUNS,
    );
  });

  it("with any byte or field changed are refused by both or by none, for the same reason", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(encodedSystem, bytesOf(97), async (raw, masks) => {
        for (const other of otherBytes(raw, masks)) seen.add(await expectSameSystemFault(other));
        for (const other of otherItems(raw)) seen.add(await expectSameSystemFault(other));
      }),
      SPOILED,
    );
    expect([...seen].sort()).toEqual(["malformed", "none", "out-of-range", "type-not-supported", "wrong-chain"]);
  });

  it("that are forced carry a signed transaction, which is read as packages/protocol reads it, or refused", async () => {
    const from = (queueIndex: bigint, data: Uint8Array) => {
      const [nobody, nothing] = [ZERO_ADDRESS, { mint: 0n, value: 0n, gasLimit: 0n }];
      return queueTransaction({ kind: "forced", queueIndex, from: nobody, to: nobody, ...nothing, data });
    };
    await fc.assert(
      fc.asyncProperty(transactions, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(), async (raw, index, cut) => {
        for (const data of [raw, raw.subarray(0, cut % raw.length)]) {
          const encoded = encodeSystemTransaction(CHAIN, from(index, data));
          const [fault, fields] = await lab.tell("forcedTransaction", [encoded, CHAIN]);
          expect(FAULTS[Number(fault)]).toBe(faultOf(data));
          const expected = forcedTransaction(data, CHAIN);
          if (expected === null) continue;
          expect([lower(fields.from), fields.hash]).toEqual([expected.from, expected.hash]);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("have at most 56 KiB", async () => {
    const sample = fc.sample(systemTransactions, { seed: 7, numRuns: 1 })[0]!;
    const sized = (size: number) => encodeSystemTransaction(CHAIN, { ...sample, data: new Uint8Array(size) });
    const room = LIMITS.transactionBytes - (sized(57_000).length - 57_000);
    expect(await expectSameSystemFault(sized(room))).toBe("none");
    expect(await expectSameSystemFault(sized(room + 1))).toBe("too-large");
  });
});

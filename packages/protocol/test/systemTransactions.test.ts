/** System transactions: their bytes, what hostile bytes come to, and calls as ethers encodes them. */
import {
  type Address,
  aliasOf,
  CodecError,
  contextTransaction,
  decodeSystemTransaction,
  encodeSystemTransaction,
  foundingTransaction,
  isSystemTransaction,
  LIMITS,
  PREDEPLOYS,
  SYSTEM,
  SYSTEM_SOURCES,
  type SystemTransaction,
  settledAccounts,
  settleTransaction,
  systemTransactionHash,
  toChainId,
  toHex,
} from "@mvm/protocol";
import { decodeRlp, encodeRlp, getBytes, Interface, keccak256 } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addresses, chainIds, RUNS, systemTransactions, uint } from "./arbitraries.ts";

const CHAIN = toChainId(77n);
const abi = new Interface([
  "function context(uint64, uint64, uint64, uint64, uint256)",
  "function found(bytes, address, address)",
  "function settle(address, uint256, address[], uint256, address[])",
]);

type Tree = string | Tree[];
const itemsOf = (raw: Uint8Array): Tree[] => decodeRlp(raw.subarray(1)) as unknown as Tree[];
const typed = (encoded: string | Uint8Array, type = 0x7e): Uint8Array => new Uint8Array([type, ...getBytes(encoded)]);
const ofItems = (items: Tree[], type?: number): Uint8Array =>
  typed(encodeRlp(items as Parameters<typeof encodeRlp>[0]), type);

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
  return "none";
};
const refusal = (raw: Uint8Array): string => codeOf(() => decodeSystemTransaction(raw, CHAIN));

const sample: SystemTransaction = {
  source: "message",
  index: 300n,
  from: `0x${"ab".repeat(20)}` as Address,
  to: `0x${"cd".repeat(20)}` as Address,
  mint: 1_000n,
  value: 9n,
  gasLimit: 2n,
  data: Uint8Array.of(1, 2),
};
const sampleItems = itemsOf(encodeSystemTransaction(CHAIN, sample));

describe("encoding", () => {
  it("round trip on every chain; the hash is that of the bytes", () => {
    fc.assert(
      fc.property(chainIds, systemTransactions, (chainId, transaction) => {
        const raw = encodeSystemTransaction(chainId, transaction);
        expect(decodeSystemTransaction(raw, chainId)).toEqual(transaction);
        expect(systemTransactionHash(chainId, transaction)).toBe(keccak256(raw));
        expect(isSystemTransaction(raw)).toBe(true);
      }),
      RUNS,
    );
  });

  it("is 0x7e and a list of nine items, as another RLP reads it", () => {
    fc.assert(
      fc.property(systemTransactions, (transaction) => {
        const { source, index, from, to, mint, value: carried, gasLimit, data } = transaction;
        const raw = encodeSystemTransaction(CHAIN, transaction);
        expect(raw[0]).toBe(0x7e);
        const number = (value: bigint | number): string => {
          const digits = BigInt(value).toString(16);
          return BigInt(value) === 0n ? "0x" : `0x${digits.length % 2 === 0 ? "" : "0"}${digits}`;
        };
        const place = ["deposit", "message", "context", "founding", "settle", "forced", "exit"].indexOf(source);
        const numbers = [number(mint), number(carried), number(gasLimit)];
        expect(itemsOf(raw)).toEqual([number(77), number(place), number(index), from, to, ...numbers, toHex(data)]);
      }),
      RUNS,
    );
  });

  it("values beyond their bounds are not written", () => {
    for (const bad of [
      { index: 2n ** 64n },
      { index: -1n },
      { mint: 2n ** 256n },
      { mint: -1n },
      { value: 2n ** 256n },
      { value: -1n },
      { gasLimit: 2n ** 64n },
      { source: "withdrawal" as "settle" },
    ])
      expect(codeOf(() => encodeSystemTransaction(CHAIN, { ...sample, ...bad }))).toBe("out-of-range");
    const data = new Uint8Array(LIMITS.transactionBytes + 1);
    expect(codeOf(() => encodeSystemTransaction(CHAIN, { ...sample, data }))).toBe("too-long");
  });
});

describe("hostile bytes", () => {
  it("of another chain or another type are refused", () => {
    fc.assert(
      fc.property(chainIds, systemTransactions, fc.nat({ max: 255 }), (chainId, transaction, type) => {
        const raw = encodeSystemTransaction(chainId, transaction);
        if (chainId !== CHAIN) expect(refusal(raw)).toBe("out-of-range");
        const other = raw.with(0, type);
        expect(isSystemTransaction(other)).toBe(type === 0x7e);
        if (type !== 0x7e) expect(codeOf(() => decodeSystemTransaction(other, chainId))).toBe("unknown-variant");
      }),
      RUNS,
    );
    expect(refusal(new Uint8Array(0))).toBe("unknown-variant");
    expect(isSystemTransaction(new Uint8Array(0))).toBe(false);
    expect(refusal(Uint8Array.of(0x7e))).toBe("overrun");
  });

  it("of a source that does not exist are refused", () => {
    expect(SYSTEM_SOURCES.length).toBe(7);
    for (const source of ["0x07", "0x08", "0x7e", "0xff", "0x0100", `0x${"ff".repeat(7)}`])
      expect(refusal(ofItems(sampleItems.with(1, source))), source).toBe("out-of-range");
  });

  it("with fields of the wrong length or too large are refused", () => {
    for (const [at, item, code] of [
      [2, `0x01${"00".repeat(8)}`, "too-long"],
      [3, `0x${"ab".repeat(19)}`, "bad-length"],
      [3, `0x${"ab".repeat(21)}`, "too-long"],
      [4, "0x", "bad-length"],
      [5, `0x01${"00".repeat(32)}`, "too-long"],
      [6, `0x01${"00".repeat(32)}`, "too-long"],
      [7, `0x01${"00".repeat(8)}`, "too-long"],
      [0, `0x01${"00".repeat(8)}`, "too-long"],
    ] as const)
      expect(refusal(ofItems(sampleItems.with(at, item))), `${at}: ${item}`).toBe(code);
  });

  it("with an item more or less, or a list in place of one, are refused", () => {
    for (let at = 0; at < 9; at++) {
      expect(refusal(ofItems(sampleItems.toSpliced(at, 1))), `without ${at}`).not.toBe("none");
      expect(refusal(ofItems(sampleItems.with(at, []))), `list at ${at}`).toBe("expected-string");
    }
    expect(refusal(ofItems([...sampleItems, "0x"]))).toBe("leftover");
    expect(refusal(typed("0x80"))).toBe("expected-list");
  });

  it("that go on after the list, or end before, are refused", () => {
    fc.assert(
      fc.property(systemTransactions, fc.uint8Array({ minLength: 1 }), fc.nat(), (transaction, tail, cut) => {
        const raw = encodeSystemTransaction(CHAIN, transaction);
        expect(refusal(new Uint8Array([...raw, ...tail]))).toBe("leftover");
        expect(refusal(raw.subarray(0, cut % raw.length))).not.toBe("none");
      }),
      RUNS,
    );
  });

  it("that are not canonical are refused: leading zeros, long forms", () => {
    for (const at of [0, 1, 2, 5, 6, 7]) {
      const padded = `0x00${(sampleItems[at] as string).slice(2)}`;
      expect(refusal(ofItems(sampleItems.with(at, padded))), `${at}`).toBe("not-canonical");
    }
    expect(refusal(ofItems(sampleItems.with(1, "0x00")))).toBe("not-canonical");
    const joined = (items: Tree[]): Uint8Array =>
      new Uint8Array(items.flatMap((item) => [...getBytes(encodeRlp(item as Parameters<typeof encodeRlp>[0]))]));
    const payload = joined(sampleItems);
    expect(ofItems(sampleItems)).toEqual(typed(new Uint8Array([0xc0 + payload.length, ...payload])));
    expect(refusal(typed(new Uint8Array([0xf8, payload.length, ...payload])))).toBe("not-canonical");
    const long = [...joined(sampleItems.slice(0, 1)), 0x81, 1, ...joined(sampleItems.slice(2, -1)), 0x80];
    expect(refusal(typed(new Uint8Array([0xc0 + long.length, ...long])))).toBe("not-canonical");
  });

  it("of more than a transaction's bytes are refused, so many are taken", () => {
    const overhead = encodeSystemTransaction(CHAIN, { ...sample, data: new Uint8Array(2 ** 15) }).length - 2 ** 15;
    const largest = { ...sample, data: new Uint8Array(LIMITS.transactionBytes - overhead) };
    const raw = encodeSystemTransaction(CHAIN, largest);
    expect(raw.length).toBe(LIMITS.transactionBytes);
    expect(decodeSystemTransaction(raw, CHAIN)).toEqual(largest);
    const longer = { ...sample, data: new Uint8Array(LIMITS.transactionBytes - overhead + 1) };
    expect(refusal(encodeSystemTransaction(CHAIN, longer))).toBe("too-large");
  });
});

describe("made of their parts", () => {
  const HOT = "0x4d564d0000000000000000000000000000000002";
  const values = fc.record({ slot: uint(64), l1Block: uint(64), l1BaseFee: uint(64), generation: uint(64) });
  const providers = fc.array(addresses, { maxLength: LIMITS.seats });
  const seen = fc.array(addresses, { maxLength: 8 });
  const settlements = fc
    .record({ sequencer: addresses, providers, l1Fees: uint(256), seen, nat: fc.nat() })
    .map(({ nat, ...settlement }) => ({ ...settlement, seated: nat % (settlement.providers.length + 1) }));
  const call = { from: `0x${"f".repeat(39)}e`, mint: 0n, value: 0n, gasLimit: 16_777_216n };
  const encoded = (name: string, words: unknown[]): Uint8Array => getBytes(abi.encodeFunctionData(name, words));

  it("context calls the hot account with the block's L1 values and its count", () => {
    fc.assert(
      fc.property(uint(64), values, fc.nat(), (number, context, count) => {
        const { slot, l1Block, l1BaseFee, generation } = context;
        const data = encoded("context", [slot, l1Block, l1BaseFee, generation, count]);
        expect(contextTransaction(number, context, count)).toEqual({
          ...call,
          source: "context",
          index: number,
          to: HOT,
          data,
        });
      }),
      RUNS,
    );
  });

  it("founding calls the charter's contract in block 1, with charters of any length", () => {
    const charters = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 5_000, maxLength: 5_100 }));
    fc.assert(
      fc.property(charters, addresses, addresses, (charter, metisDao, bridge) => {
        const data = encoded("found", [charter, metisDao, bridge]);
        const to = "0x4d564d0000000000000000000000000000000003";
        expect(foundingTransaction({ charter, metisDao, bridge })).toEqual({
          ...call,
          source: "founding",
          index: 1n,
          to,
          data,
        });
      }),
      RUNS,
    );
  });

  it("settle calls the hot account with who is paid, and says who that is", () => {
    fc.assert(
      fc.property(uint(64), settlements, (number, settlement) => {
        const { sequencer, seated, providers: paid, l1Fees, seen: entered } = settlement;
        const data = encoded("settle", [sequencer, seated, paid, l1Fees, entered]);
        const made = settleTransaction(number, settlement);
        expect(made).toEqual({ ...call, source: "settle", index: number, to: HOT, data });
        const said = { paid: [sequencer, ...paid], seated, l1Fees, seen: entered };
        expect(settledAccounts(made)).toEqual(said);
        expect(settledAccounts(decodeSystemTransaction(encodeSystemTransaction(CHAIN, made), CHAIN))).toEqual(said);
      }),
      RUNS,
    );
  });

  it("the system's calls go from the system's address to the predeploys", () => {
    expect(SYSTEM).toBe(call.from);
    expect(PREDEPLOYS.executionManager).toBe(HOT);
    expect(LIMITS.transactionGas).toBe(call.gasLimit);
  });

  it("nothing but a settle transaction says who is paid", () => {
    fc.assert(
      fc.property(uint(64), settlements, systemTransactions, (number, settlement, other) => {
        const made = settleTransaction(number, settlement);
        for (const source of SYSTEM_SOURCES)
          if (source !== "settle") expect(settledAccounts({ ...made, source }), source).toBe(null);
        for (const field of ["from", "to", "mint", "value", "gasLimit", "data"] as const)
          if (other[field] !== made[field])
            expect(settledAccounts({ ...made, [field]: other[field] }), field).toBe(null);
        expect(settledAccounts(other)).toBe(null);
        expect(settledAccounts({ ...made, data: made.data.subarray(0, -1) })).toBe(null);
        expect(settledAccounts({ ...made, data: new Uint8Array([...made.data, ...new Uint8Array(32)]) })).toBe(null);
      }),
      RUNS,
    );
  });

  it("one changed byte of a settle's data names other accounts, fees or another number of seated ones, or makes it none", () => {
    fc.assert(
      fc.property(settlements, fc.nat(), fc.integer({ min: 1, max: 255 }), (settlement, at, change) => {
        const made = settleTransaction(5n, settlement);
        const position = at % made.data.length;
        const data = made.data.with(position, made.data[position]! ^ change);
        // Selector, the addresses' upper twelve bytes, offsets and counts have one value each.
        const word = Math.floor((position - 4) / 32);
        const isFee = word === 3;
        const counts = [5, 6 + settlement.providers.length];
        const isAddress = (word === 0 || word > 4) && !counts.includes(word) && (position - 4) % 32 >= 12;
        const isSeated = word === 1 && BigInt(toHex(data.subarray(36, 68))) <= settlement.providers.length;
        const said = settledAccounts({ ...made, data });
        if (position < 4 || !(isFee || isAddress || isSeated)) expect(said).toBe(null);
        else {
          const lower = (account: string): string => account.toLowerCase();
          const [sequencer, seated, paid, l1Fees, entered] = abi.decodeFunctionData("settle", data).toArray();
          const decoded = { seated: Number(seated), l1Fees, seen: entered.map(lower) };
          expect(said).toEqual({ paid: [sequencer, ...paid].map(lower), ...decoded });
          const { sequencer: first, providers: rest, seen: listed } = settlement;
          expect([...said!.paid, ...said!.seen].join() === [first, ...rest, ...listed].join()).toBe(!isAddress);
          expect(said!.l1Fees === settlement.l1Fees).toBe(!isFee);
          expect(said!.seated === settlement.seated).toBe(!isSeated);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("more providers than do a job are no settle, nor more seated ones than there are", () => {
    const sequencer = sample.from;
    for (const [count, isSettle] of [
      [0, true],
      [LIMITS.seats, true],
      [LIMITS.seats + 1, false],
      [1_000, false],
    ] as const) {
      const paid = Array.from({ length: count }, () => sample.to);
      const isSettled = (seated: number): boolean => {
        const settlement = { sequencer, seated, providers: paid, l1Fees: 0n, seen: [] };
        return settledAccounts(settleTransaction(1n, settlement)) !== null;
      };
      for (let seated = 0; seated <= Math.min(count, 4); seated++) expect(isSettled(seated), `${count}`).toBe(isSettle);
      for (const more of [1, 2, 256, 2 ** 40]) expect(isSettled(count + more), `${count} + ${more}`).toBe(false);
    }
  });

  it("more addresses for the table than a block may enter are no settle", () => {
    const sequencer = sample.from;
    for (const [count, isSettle] of [
      [LIMITS.seenAddresses, true],
      [LIMITS.seenAddresses + 1, false],
    ] as const) {
      const entered = Array.from({ length: count }, () => sample.to);
      const settlement = { sequencer, seated: 1, providers: [sample.from], l1Fees: 0n, seen: entered };
      expect(settledAccounts(settleTransaction(1n, settlement)) !== null, `${count}`).toBe(isSettle);
    }
  });
});

describe("aliases of L1 addresses", () => {
  /** Sum of two 20-byte numbers by bytes, the last carry dropped. */
  function addBytes(left: Uint8Array, right: Uint8Array): Uint8Array {
    const sum = new Uint8Array(20);
    let carry = 0;
    for (let i = 19; i >= 0; i--) {
      const digit = left[i]! + right[i]! + carry;
      sum[i] = digit & 255;
      carry = digit >> 8;
    }
    return sum;
  }
  const offset = getBytes("0x1111000000000000000000000000000000001111");
  const last = `0xeeee${"f".repeat(32)}eeee`;
  const edges = fc.constantFrom(
    ...[`0x${"0".repeat(40)}`, `0x${"f".repeat(40)}`, last, `${last.slice(0, -1)}f`, `0xeeef${"0".repeat(36)}`],
  ) as fc.Arbitrary<string> as fc.Arbitrary<Address>;

  it("are the sum with the offset modulo 2^160, and each has one origin", () => {
    fc.assert(
      fc.property(fc.oneof(addresses, edges), addresses, (l1Address, other) => {
        const alias = aliasOf(l1Address);
        expect(alias).toBe(toHex(addBytes(getBytes(l1Address), offset)));
        expect(alias).not.toBe(l1Address);
        expect(aliasOf(other) === alias).toBe(other === l1Address);
      }),
      RUNS,
    );
  });

  it("wrap to the least addresses", () => {
    expect(aliasOf(last as Address)).toBe(`0x${"f".repeat(40)}`);
    expect(aliasOf(`${last.slice(0, -1)}f` as Address)).toBe(`0x${"0".repeat(40)}`);
  });
});

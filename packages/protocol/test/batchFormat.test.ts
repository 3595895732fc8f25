import {
  type Address,
  BATCH_FORMAT,
  type BatchBlock,
  type BatchResult,
  type BatchToPost,
  batchOrigin,
  contextAt,
  contextGroupFault,
  decodeBatch,
  encodeBatch,
  fromHex,
  type Hash,
  type Hex,
  isWork,
  JOB_SEATS,
  joinBytes,
  keccakHash,
  LIMITS,
  NO_WORK,
  rowGroupFault,
  servedBy,
  toAddress,
  toChainId,
  toHex,
  transactionAt,
  type Work,
} from "@mvm/protocol";
import { Transaction as EthersTransaction, Interface, id, SigningKey, type TransactionLike } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashes, providerNumbers, wireWorks, works } from "./arbitraries.ts";

const CHAIN = toChainId(1_088);
const NOW = 1_800_000_000n;
const key = new SigningKey(id("batch format"));
const address = (name: string): Address => toAddress(`0x${id(name).slice(26)}`);
const erc20 = new Interface([
  "function transfer(address to, uint256 amount)",
  "function approve(address to, uint256 amount)",
  "function transferFrom(address from, address to, uint256 amount)",
]);
const router = new Interface([
  "function swapExactTokensForTokens(uint256 amountIn, uint256 minOut, address[] path, address to, uint256 deadline)",
  "function move(int256 by)",
]);

function sign(fields: TransactionLike): Uint8Array {
  const unsigned = EthersTransaction.from({ chainId: CHAIN, ...fields });
  unsigned.signature = key.sign(unsigned.unsignedHash);
  return fromHex(unsigned.serialized as Hex);
}

/** An address table as L2 keeps it: what a block names enters it at the block's end. */
class Table {
  readonly #places = new Map<Address, number>();
  readonly #list: Address[] = [];
  readonly indexOf = (wanted: Address): number | undefined => this.#places.get(wanted);
  readonly at = (index: bigint): Address | undefined => this.#list[Number(index)];

  settle(found: readonly Address[]): void {
    for (const each of found) {
      if (this.#places.has(each)) continue;
      this.#places.set(each, this.#list.length);
      this.#list.push(each);
    }
  }
}

const known = new Table();
known.settle(Array.from({ length: 300 }, (_, i) => address(`known ${i}`)));

function blockOf(transactions: readonly Uint8Array[], more: Partial<BatchBlock> = {}): BatchBlock {
  return {
    timestamp: NOW,
    slot: 7n,
    queueItems: 0,
    randomness: id("randomness") as Hash,
    evidence: id("evidence") as Hash,
    sequencer: "poster",
    work: { attempt: 0, seats: [3, 300] },
    transactions,
    indexOf: known.indexOf,
    ...more,
  };
}

const batchOf = (...blocks: BatchBlock[]): BatchToPost => ({ chainId: CHAIN, generation: 0n, blocks });
const lookUp = (_block: number, index: bigint): Address | undefined => known.at(index);

function valueIn<T>(result: BatchResult<T>): T {
  if (!result.ok) throw new Error(`fault ${result.fault}`);
  return result.value;
}

/** The blocks as decoded, in the form in which they were given. */
function roundTrip(batch: BatchToPost): void {
  const data = encodeBatch(batch);
  const { blocks, ...origin } = valueIn(decodeBatch(data, lookUp));
  expect(origin).toEqual({ chainId: batch.chainId, generation: batch.generation });
  expect(valueIn(batchOrigin(data)).blockCount).toBe(batch.blocks.length);
  for (const [i, block] of batch.blocks.entries()) {
    const { transactions, indexOf: _indexOf, ...context } = block;
    const { transactions: decoded, named: _named, ...rest } = blocks[i]!;
    expect(rest).toEqual({ ...context, transactionCount: transactions.length });
    expect(valueIn(contextAt(data, i))).toEqual(rest);
    expect(decoded.map(toHex)).toEqual(transactions.map(toHex));
    for (const [position, raw] of transactions.entries())
      expect(toHex(valueIn(transactionAt(data, i, position, known.at)).raw)).toBe(toHex(raw));
  }
}

const FEES = { maxFeePerGas: 2_100_000_000n, maxPriorityFeePerGas: 10n ** 8n };
const TO = address("known 1");
const fees = { type: 2, gasLimit: 60_000n, to: TO, ...FEES } as const;
const calls: readonly TransactionLike[] = [
  { ...fees, gasLimit: 21_000n, value: 10n ** 17n },
  { ...fees, to: address("stranger"), value: 123_456_789_012_345_678n },
  { ...fees, data: erc20.encodeFunctionData("transfer", [address("known 2"), 5n * 10n ** 18n]) },
  { ...fees, data: erc20.encodeFunctionData("transfer", [address("stranger"), 1n]) },
  { ...fees, data: erc20.encodeFunctionData("approve", [address("known 200"), 0n]) },
  { ...fees, data: erc20.encodeFunctionData("approve", [address("known 200"), 2n ** 256n - 1n]) },
  { ...fees, data: erc20.encodeFunctionData("transferFrom", [TO, address("known 9"), 77n]) },
  {
    ...fees,
    data: router.encodeFunctionData("swapExactTokensForTokens", [10n ** 18n, 1n, [TO, address("x")], TO, NOW + 1_200n]),
  },
  { ...fees, data: router.encodeFunctionData("move", [-5n]) },
  { ...fees, data: `0x12345678${"ff".repeat(32)}${"ab".repeat(32)}` },
  { ...fees, data: "0x12" },
  { ...fees, data: "0x12345678" },
  { ...fees, data: `0x${"a5".repeat(3_000)}` },
  { ...fees, type: 0, maxFeePerGas: null, maxPriorityFeePerGas: null, gasPrice: 3n * 10n ** 9n, value: 5n },
  { ...fees, to: null, data: "0x6001" },
  { ...fees, accessList: [{ address: TO, storageKeys: [id("slot")] }] },
  { ...fees, type: 1, maxFeePerGas: null, maxPriorityFeePerGas: null, gasPrice: 9n },
  { ...fees, value: 2n ** 256n - 1n },
  { ...fees, nonce: 2 ** 40, gasLimit: 2n ** 63n, maxFeePerGas: 2n ** 255n + 1n },
];
const signedCalls = calls.map((fields, nonce) => sign({ nonce, ...fields }));
const sample = batchOf(
  blockOf(signedCalls.slice(0, 6)),
  blockOf([], { timestamp: NOW + 2n, slot: 8n, queueItems: 3, sequencer: address("sequencer"), work: NO_WORK }),
  blockOf(signedCalls.slice(6), {
    timestamp: NOW + 4n,
    slot: 8n,
    work: { attempt: 3, seats: [null, 2 ** 32 - 1, null, 0] },
  }),
);

describe("the batch format", () => {
  it("gives back every kind of transaction and context, whole and one at a time", () => {
    roundTrip(sample);
    roundTrip(batchOf(blockOf([])));
    const many = Array.from({ length: 40 }, (_, i) =>
      blockOf(signedCalls.slice(i % 5, (i % 5) + (i % 3)), { timestamp: NOW + BigInt(2 * i), slot: BigInt(i >> 2) }),
    );
    roundTrip(batchOf(...many));
  });

  it("gives back whatever seats served a block's job, and that none did", () => {
    const blocks = fc
      .tuple(fc.oneof(works, fc.constant(NO_WORK)), hashes, hashes, fc.nat({ max: 2 }))
      .map(([work, randomness, evidence, count]) =>
        blockOf(work === NO_WORK ? [] : signedCalls.slice(0, count), { work, randomness, evidence }),
      );
    fc.assert(
      fc.property(fc.array(blocks, { minLength: 1, maxLength: 20 }), (list) => {
        roundTrip(batchOf(...list));
      }),
      { numRuns: 100 },
    );
  });

  it("writes no other work: neither other seats than a job needs, nor transactions that nobody executed", () => {
    const encodes = (work: Work, count: number): boolean => {
      try {
        roundTrip(batchOf(blockOf(signedCalls.slice(0, count), { work })));
        return true;
      } catch (error) {
        if (error instanceof RangeError) return false;
        throw error;
      }
    };
    const numbers = fc.oneof(providerNumbers, fc.constantFrom(-1, 0.5, 2 ** 32));
    const any = fc.record({
      attempt: fc.nat({ max: LIMITS.jobAttempts }),
      seats: fc.array(fc.option(numbers), { maxLength: JOB_SEATS + 1 }),
    });
    fc.assert(
      fc.property(fc.oneof(any, wireWorks, works), fc.boolean(), (work, isBusy) => {
        const isWritable = servedBy(work).every(
          (number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32,
        );
        const isDone = work.seats.length > 0 || !isBusy;
        expect(encodes(work, isBusy ? 1 : 0)).toBe(isWork(work) && isWritable && isDone);
      }),
      { numRuns: 1_000 },
    );
  });

  it("gives back any transaction that ethers can sign, of types 0, 1, 2 and 4", () => {
    const any = (bits: number): fc.Arbitrary<bigint> =>
      fc.oneof(
        fc.bigInt(0n, 2n ** BigInt(bits) - 1n),
        fc
          .tuple(fc.bigInt(0n, 10_000n), fc.nat({ max: Math.floor(bits * 0.25) }))
          .map(([m, e]) => m * 10n ** BigInt(e)),
      );
    const targets = fc.constantFrom(TO, address("known 299"), address("stranger"), address("other"), null);
    const word = fc.oneof(
      any(256).map((value) => value.toString(16).padStart(64, "0")),
      fc.constantFrom(TO, address("new")).map((at) => at.slice(2).padStart(64, "0")),
      any(20).map((later) => (NOW + later).toString(16).padStart(64, "0")),
    );
    const datas = fc.oneof(
      fc.constant("0x"),
      fc.uint8Array({ maxLength: 90 }).map(toHex),
      fc
        .tuple(fc.constantFrom("a9059cbb", "095ea7b3", "23b872dd", "38ed1739"), fc.array(word, { maxLength: 9 }))
        .map(([selector, words]) => `0x${selector}${words.join("")}`),
    );
    const transactions = fc
      .record({
        type: fc.constantFrom(0, 1, 2, 4),
        nonce: fc.nat(),
        gasLimit: any(64),
        to: targets,
        value: any(256),
        data: datas,
        gasPrice: any(256),
        tip: any(200),
        withAccess: fc.boolean(),
      })
      .map(({ type, gasPrice, tip, withAccess, to, ...fields }) => {
        const accessList = withAccess ? [{ address: TO, storageKeys: [id("slot")] }] : [];
        if (type < 2) return sign({ type, gasPrice, to, ...fields, ...(type === 1 ? { accessList } : {}) });
        const typed = {
          type,
          maxFeePerGas: gasPrice,
          maxPriorityFeePerGas: tip < gasPrice ? tip : gasPrice,
          accessList,
        };
        if (type === 2) return sign({ ...typed, to, ...fields });
        const authorization = { address: TO, nonce: 1n, chainId: CHAIN, signature: key.sign(id("any")) };
        return sign({ ...typed, to: to ?? TO, ...fields, authorizationList: [authorization] });
      });
    fc.assert(
      fc.property(fc.array(transactions, { maxLength: 24 }), fc.nat({ max: 24 }), (list, cut) => {
        roundTrip(batchOf(blockOf(list.slice(0, cut)), blockOf(list.slice(cut), { timestamp: NOW + 1n })));
      }),
      { numRuns: 60 },
    );
  });

  it("gives back what is no transaction at all, and refuses what is too long", () => {
    const junk = [
      new Uint8Array(0),
      Uint8Array.of(2),
      fromHex("0x02c0"),
      fromHex("0xc3010203"),
      new Uint8Array(57_344),
    ];
    roundTrip(batchOf(blockOf(junk)));
    expect(() => encodeBatch(batchOf(blockOf([new Uint8Array(57_345)])))).toThrow(RangeError);
    expect(() => encodeBatch(batchOf())).toThrow(RangeError);
  });

  it("gives back transactions that are not canonical: they are posted as they are", () => {
    const transfer = signedCalls[0]!;
    const withZero = fromHex(toHex(transfer).replace("0x02f8", "0x02f9") as Hex);
    const padded = Uint8Array.of(...transfer.subarray(0, 1), 0xf9, 0, ...transfer.subarray(2));
    const longer = Uint8Array.of(...transfer, 0);
    const otherChain = sign({ ...calls[0]!, chainId: 1n });
    const unprotected = EthersTransaction.from({ type: 0, gasPrice: 1n, gasLimit: 21_000n, to: TO });
    unprotected.signature = key.sign(unprotected.unsignedHash);
    roundTrip(batchOf(blockOf([withZero, padded, longer, otherChain, fromHex(unprotected.serialized as Hex)])));
  });

  it("takes an address by its index only as of the end of the block before", () => {
    const table = new Table();
    const decoded = new Table();
    const send = (name: string, nonce: number): Uint8Array => sign({ ...fees, nonce, to: address(name), value: 1n });
    const first = blockOf([send("a", 0), send("b", 1), send("a", 2)], { indexOf: () => undefined });
    table.settle([address("a"), address("b")]);
    const second = blockOf([send("b", 3), send("c", 4)], { indexOf: table.indexOf });
    const data = encodeBatch(batchOf(first, second));
    const { blocks } = valueIn(
      decodeBatch(
        data,
        (_, index) => decoded.at(index),
        (_, found) => decoded.settle(found),
      ),
    );
    expect(blocks.map(({ named }) => named)).toEqual([
      [address("a"), address("b")],
      [address("b"), address("c")],
    ]);
    expect(blocks[1]!.transactions.map(toHex)).toEqual(second.transactions.map(toHex));
    expect(valueIn(transactionAt(data, 1, 0, table.at)).indexes).toEqual([1n]);
    expect(valueIn(transactionAt(data, 0, 2, table.at)).inline).toEqual([address("a")]);
    expect(transactionAt(data, 1, 0, () => undefined)).toEqual({ ok: false, fault: "unresolved" });
    expect(decodeBatch(data, () => undefined)).toEqual({ ok: false, fault: "unresolved" });
  });

  it("lets at most 256 addresses of a block into the table, each once", () => {
    const sends = Array.from({ length: 300 }, (_, nonce) =>
      sign({ ...fees, nonce, to: address(`new ${nonce % 280}`) }),
    );
    const [block] = valueIn(decodeBatch(encodeBatch(batchOf(blockOf(sends))), lookUp)).blocks;
    expect(block!.named).toEqual(Array.from({ length: 256 }, (_, i) => address(`new ${i}`)));
  });

  it("decodes any bytes to a batch or a fault, and every fault of a batch is one of a group", () => {
    const [first, second, third] = sample.blocks;
    const short = third!.transactions.filter(({ length }) => length < 1_000);
    const data = encodeBatch(batchOf(first!, second!, { ...third!, transactions: short }));
    const anyIndex = (index: bigint): Address => toAddress(`0x${index.toString(16).padStart(40, "0")}`);
    const faulty = (bytes: Uint8Array): boolean => {
      const whole = decodeBatch(bytes, (_, index) => anyIndex(index));
      const origin = batchOrigin(bytes);
      const groups = origin.ok ? Math.ceil(origin.value.blockCount / BATCH_FORMAT.group) : 1;
      const contexts = Array.from({ length: groups }, (_, i) => contextGroupFault(bytes, i));
      const rows = [0, 1, 2].map((group) => rowGroupFault(bytes, group));
      const found = [...contexts, ...rows].find((fault) => fault !== null && fault !== "absent");
      expect(whole.ok ? undefined : whole.fault).toBe(found);
      transactionAt(bytes, 0, 0, anyIndex);
      return !whole.ok;
    };
    const decodesTo = (bytes: Uint8Array): string => {
      const { blocks, ...rest } = valueIn(decodeBatch(bytes, (_, index) => anyIndex(index)));
      const hashes = blocks.map(({ transactions }) => transactions.map(keccakHash));
      const contexts = blocks.map(({ transactions: _transactions, ...context }) => context);
      return JSON.stringify([rest, contexts, hashes], (_key, value) =>
        typeof value === "bigint" ? `${value}n` : value,
      );
    };
    const original = decodesTo(data);
    for (let at = 0; at < data.length; at++) {
      const changed = data.slice();
      changed[at]! ^= 1 << (at % 8);
      if (!faulty(changed)) expect(decodesTo(changed), `byte ${at}`).not.toBe(original);
      if (at % 7 === 0) expect(faulty(data.subarray(0, at)), `cut at ${at}`).toBe(true);
    }
    expect(faulty(Uint8Array.of(...data, 0))).toBe(true);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => void faulty(noise)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => void faulty(Uint8Array.of(4, 1, 0, ...noise))));
  }, 120_000);

  it("refuses data longer than a blob", () => {
    const data = joinBytes([encodeBatch(sample), new Uint8Array(BATCH_FORMAT.blobBytes)]);
    expect(decodeBatch(data, lookUp)).toEqual({ ok: false, fault: "too-large" });
  });
});

/** ClosingVerifier.sol against what sequencers put into a block's settle: the right one is none to convict, any other is. */
import { type DerivationProofs, encodeDerivation, tallyHash } from "@mvm/l1";
import { closingProof, type PostedBatch } from "@mvm/node";
import {
  type Address,
  type BatchHeader,
  bigIntToBytes,
  blockTally,
  concatBytes,
  countedBytes,
  decodeSystemTransaction,
  encodeRlp,
  encodeSystemTransaction,
  fromHex,
  type Header,
  type Hex,
  keccak,
  keccakHash,
  LIMITS,
  l1FeeOf,
  merkleRoot,
  namedAddresses,
  type RlpInput,
  type SystemTransaction,
  settleTransaction,
  toAddress,
  toChainId,
  toHex,
  toWord,
  transactionsWord,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { openingTransactions } from "@mvm/roles";
import { decodeRlp } from "ethers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type LocalContract, LocalL1 } from "../src/localL1.ts";
import { signedTransaction } from "../src/signedTransaction.ts";

const RUNS = { numRuns: 200 };
const KEY = new Uint8Array(32).fill(9);
const CHAIN = toChainId(2n ** 48n + 7n);
const NUMBER = 5n;
const SEQUENCER = toAddress(`0x${"5e".repeat(20)}`);
/** not looked at */
const HEADER = {} as Header;
/** What Disputes takes beside the judge. */
const AROUND = 1_000_000n;
const PROVIDERS = [toAddress(`0x${"a1".repeat(20)}`), toAddress(`0x${"a2".repeat(20)}`)];

let l1: LocalL1;
let verifier: LocalContract;
beforeAll(async () => {
  l1 = await LocalL1.open();
  verifier = await l1.deploy("src/disputes/derivation/ClosingVerifier.sol");
}, 120_000);

// Few addresses, so that they come again; the last ones are no words of a call that are taken for addresses.
const familiar = Array.from({ length: 8 }, (_, i) => toAddress(toHex(toWord(2n ** 100n * BigInt(i + 1)).subarray(12))));
const small = [ZERO_ADDRESS, toAddress(toHex(toWord(2n ** 96n - 1n).subarray(12)))];
const target = fc.oneof(
  fc.constantFrom(...familiar, ...small),
  fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => toAddress(toHex(bytes))),
);
const word = fc.oneof(
  target.map((address) => toWord(BigInt(address))),
  fc.constantFrom(0n, 1n, 2n ** 96n - 1n, 2n ** 96n, 2n ** 160n - 1n, 2n ** 160n, 2n ** 256n - 1n).map(toWord),
);
const calldata = fc
  .tuple(fc.uint8Array({ minLength: 0, maxLength: 4 }), fc.array(word, { maxLength: 66 }), fc.nat({ max: 8 }))
  .map(([selector, words, cut]) => concatBytes(selector, ...words, new Uint8Array(cut === 0 ? 1 : 0)));
const user = fc
  .record({
    type: fc.constantFrom(0, 1, 2, 2, 2, 4),
    to: fc.option(target, { freq: 8 }),
    nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 2n }),
    value: fc.bigInt({ min: 0n, max: 2n ** 200n }),
    data: calldata,
    hasAccess: fc.nat({ max: 4 }),
    chain: fc.nat({ max: 12 }),
  })
  .map(({ hasAccess, chain, ...rest }) => {
    const accessList = hasAccess === 0 ? [{ address: familiar[0]!, slots: [ZERO_HASH] }] : [];
    const fees = { gasLimit: 90_000n, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 7n };
    return signedTransaction(KEY, { ...rest, ...fees, accessList }, chain === 0 ? 9n : CHAIN);
  });
const junk = fc
  .uint8Array({ minLength: 1, maxLength: 130 })
  .map((bytes) => (bytes[0] === 0x7e ? bytes.with(0, 0x7f) : bytes));
/** A transaction whose fields are not quite what they have to be, in RLP. */
const bent = fc.tuple(user, fc.nat(), fc.uint8Array({ maxLength: 34 })).map(([raw, at, field]) => {
  const kind = raw[0]! < 0xc0 ? raw.subarray(0, 1) : new Uint8Array(0);
  const items = decodeRlp(raw.subarray(kind.length)) as readonly string[];
  const toBytes = (item: unknown): RlpInput =>
    typeof item === "string" ? fromHex(item as Hex) : (item as unknown[]).map(toBytes);
  const fields = items.map(toBytes);
  return concatBytes(kind, encodeRlp(fields.with(at % fields.length, at % 3 === 0 ? [field] : field)));
});
const users = fc.array(
  fc.oneof({ weight: 6, arbitrary: user }, { weight: 1, arbitrary: junk }, { weight: 2, arbitrary: bent }),
  {
    maxLength: 9,
  },
);

/** A user's call, with no more than it needs. */
const call = (to: Address, data: Uint8Array = new Uint8Array(0)): Uint8Array => {
  const fees = { gasLimit: 21_000n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n };
  return signedTransaction(KEY, { type: 2, to, nonce: 0n, value: 0n, data, accessList: [], ...fees }, CHAIN);
};

type ClosingProof = DerivationProofs["closing"];
type Closing = { readonly l1Fees: bigint; readonly seen: readonly Address[] };
const l1BaseFees = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

/** What follows of users' transactions. */
const rightOf = (list: readonly Uint8Array[], l1BaseFee: bigint): Closing => ({
  l1Fees: list.reduce((sum, raw) => sum + l1FeeOf(raw, l1BaseFee), 0n),
  seen: namedAddresses(CHAIN, list),
});

/** All transactions of a block that ends so. */
function blockOf(list: readonly Uint8Array[], l1BaseFee: bigint, closing: Closing): readonly Uint8Array[] {
  const opening = openingTransactions({
    number: NUMBER,
    generation: 1n,
    context: { slot: 8n, l1Block: 77n, l1BaseFee },
    founding: { charter: new Uint8Array(0), metisDao: ZERO_ADDRESS, bridge: ZERO_ADDRESS },
    queueItems: [],
    transactionCount: list.length + 2,
  });
  const settle = settleTransaction(NUMBER, { sequencer: SEQUENCER, seated: 1, providers: PROVIDERS, ...closing });
  const [first, last] = [opening[0]!, settle].map((own) => encodeSystemTransaction(CHAIN, own));
  return [first!, ...list, last!];
}

/** Three blocks, the middle one of these transactions. */
function batchOf(transactions: readonly Uint8Array[]): PostedBatch {
  const lists = [[Uint8Array.of(1)], transactions, [Uint8Array.of(2), Uint8Array.of(3)]];
  const blocks = lists.map((list) => ({ header: HEADER, hashes: list.map(keccakHash), transactions: list }));
  const words = blocks.map(({ hashes }) => transactionsWord(hashes.length, merkleRoot(hashes)));
  const header: BatchHeader = {
    chainId: CHAIN,
    generation: 1n,
    index: 0n,
    previousBatchHash: ZERO_HASH,
    firstBlock: NUMBER - 1n,
    lastBlock: NUMBER + 1n,
    blobHash: ZERO_HASH,
    dataHash: ZERO_HASH,
    blocksRoot: ZERO_HASH,
    transactionsRoot: merkleRoot(words),
    queueEnd: 0n,
    slot: 8n,
    poster: SEQUENCER,
  };
  return { header, data: new Uint8Array(0), words, blocks, hashes: [], postedAt: 0n };
}

/** Proofs of a block's end do not say when it was posted. */
const POSTING = { postedAt: 0n, position: 0n, count: 1n, siblings: [] };

/** What L1 says of a block, all of it handed in at once: whether it is a fraud and where, or why there is no verdict. */
async function judged(transactions: readonly Uint8Array[], change: Partial<ClosingProof> = {}): Promise<unknown> {
  const batch = batchOf(transactions);
  const { proof } = closingProof(batch, 1, transactions);
  const { bytes } = encodeDerivation({ kind: "closing", proof: { ...proof, ...change } }, POSTING);
  const { end } = await l1.call(verifier, "judge", [batch.header, bytes]);
  if ("refused" in end) return end.refused.replace(/\(.*/, "");
  const [isFraud, place] = end.values as unknown as [boolean, bigint];
  expect(place).toBe((NUMBER << 16n) | BigInt(transactions.length - 1));
  return isFraud;
}

/** Other lists of addresses for the table than the right one: one of each way to be wrong, where the list has room for it. */
function otherLists(seen: readonly Address[], stranger: Address, at: number): readonly (readonly Address[])[] {
  const others: (readonly Address[])[] = [];
  const place = seen.length === 0 ? 0 : at % seen.length;
  if (!seen.includes(stranger)) others.push(seen.toSpliced(place, 0, stranger), [...seen, stranger]);
  if (seen.length === 0) return others;
  if (!seen.includes(stranger)) others.push(seen.with(place, stranger));
  others.push(seen.toSpliced(place, 1), [...seen, seen[place]!], seen.toSpliced(place, 0, seen[place]!));
  const next = (place + 1) % seen.length;
  if (next !== place) others.push(seen.with(place, seen[next]!).with(next, seen[place]!));
  return others;
}

describe("a block's settle", () => {
  it("is right on L1 where it is what follows for sequencers, whatever users' transactions there are", async () => {
    await fc.assert(
      fc.asyncProperty(users, l1BaseFees, async (list, l1BaseFee) => {
        expect(await judged(blockOf(list, l1BaseFee, rightOf(list, l1BaseFee)))).toBe(false);
      }),
      RUNS,
    );
  }, 120_000);

  it("convicts with any other L1 fees, and with any other addresses", async () => {
    await fc.assert(
      fc.asyncProperty(users, l1BaseFees, target, fc.nat(), async (list, l1BaseFee, stranger, at) => {
        const right = rightOf(list, l1BaseFee);
        const dearer = list.map((raw) => l1FeeOf(raw, l1BaseFee + 1n)).reduce((sum, fee) => sum + fee, 1n);
        for (const l1Fees of [right.l1Fees + 1n, dearer, 2n ** 256n - 1n, ...(right.l1Fees > 0n ? [0n] : [])])
          expect(await judged(blockOf(list, l1BaseFee, { ...right, l1Fees }))).toBe(true);
        for (const seen of otherLists(right.seen, stranger, at))
          expect([seen, await judged(blockOf(list, l1BaseFee, { ...right, seen }))]).toEqual([seen, true]);
      }),
      { numRuns: 80 },
    );
  }, 240_000);

  it(`hands over the first ${LIMITS.seenAddresses}: one more, or another last one, convicts`, async () => {
    const list = Array.from({ length: 300 }, (_, i) => call(toAddress(toHex(keccak(toWord(BigInt(i))).subarray(12)))));
    const right = rightOf(list, 3n);
    expect(right.seen.length).toBe(LIMITS.seenAddresses);
    expect(await judged(blockOf(list, 3n, right))).toBe(false);
    const all = namedAddresses(CHAIN, list, 300);
    for (const seen of [all.slice(0, 257), all, all.slice(1, 257), all.slice(0, 255), right.seen.with(255, all[256]!)])
      expect(await judged(blockOf(list, 3n, { ...right, seen }))).toBe(true);
  }, 60_000);

  it("is no matter of a proof with other transactions, or without one, or another order", async () => {
    const list = familiar.map((to) => call(to));
    const block = blockOf(list, 3n, { ...rightOf(list, 3n), l1Fees: 1n });
    expect(await judged(block)).toBe(true);
    const others = [block.slice(0, -1), block.toSpliced(3, 1), block.with(3, block[4]!).with(4, block[3]!)];
    for (const other of others) expect(await judged(block, { transactions: countedBytes(other) })).toBe("WrongPath");
    const whole = countedBytes(block);
    const withEmpty = countedBytes(block.toSpliced(2, 0, new Uint8Array(0)));
    for (const bytes of [whole.subarray(0, -1), concatBytes(whole, Uint8Array.of(0)), new Uint8Array(0), withEmpty])
      expect(await judged(block, { transactions: bytes })).toBe("MalformedTransactions");
    for (const other of [block.slice(1), [block.at(-1)!, ...block.slice(1)]])
      expect(await judged(block, { transactions: countedBytes(other) })).toBe("NoContext");
    for (const position of [0, 2, 3]) expect(await judged(block, { position })).toBe("WrongPath");
    expect(await judged(block, { before: blockTally(CHAIN, block.slice(0, 2)) })).toBe("NotCounted");
    // a block that does not end in settle is for another proof
    for (const end of [block[0]!, list[0]!]) expect(await judged(block.with(-1, end))).toBe("NoSettle");
  });
});

it("a settle whose arguments have another form is for another proof", async () => {
  const list = familiar.map((to) => call(to));
  const block = blockOf(list, 3n, rightOf(list, 3n));
  const settle = decodeSystemTransaction(block.at(-1)!, CHAIN);
  const endingIn = (change: Partial<SystemTransaction>) =>
    judged(block.with(-1, encodeSystemTransaction(CHAIN, { ...settle, ...change })));
  const { data } = settle;
  const withWord = (place: number, value: bigint): Uint8Array =>
    concatBytes(data.subarray(0, 4 + 32 * place), toWord(value), data.subarray(36 + 32 * place));
  expect(await endingIn({})).toBe(false);
  // where the addresses begin; how many providers, how many addresses
  const [seenAt, paid, seen] = [4, 5, 8];
  const counts = [0n, 1n, 3n, 9n, 10n, 2n ** 64n, 2n ** 251n - 5n, 2n ** 256n - 5n, 2n ** 256n - 1n];
  const others = [
    ...[0n, 160n, 257n, 288n, 2n ** 256n - 32n].map((value) => withWord(seenAt, value)),
    ...counts.map((value) => withWord(paid, value)),
    ...counts.map((value) => withWord(seen, value)),
    ...[1, 31, 32].map((more) => concatBytes(data, new Uint8Array(more))),
    ...[data.length - 1, data.length - 32, 4 + 32 * 6, 4 + 32, 5, 4, 3, 0].map((length) => data.subarray(0, length)),
    data.with(3, data[3]! ^ 1),
  ];
  for (const other of others) expect(await endingIn({ data: other })).toBe("NoSettle");
  expect(await endingIn({ source: "deposit" })).toBe("NoSettle");
  const raw = block.at(-1)!;
  const ofAnother = encodeSystemTransaction(toChainId(9n), settle);
  for (const other of [raw.subarray(0, -1), concatBytes(raw, Uint8Array.of(0)), ofAnother])
    expect(await judged(block.with(-1, other))).toBe("NoSettle");
});

/** Fields of a call of type 2, and of a legacy one: where they are. */
const [CHAIN_FIELD, NONCE, TO, VALUE, DATA, ACCESS, PARITY, R, S] = [0, 1, 5, 6, 7, 8, 9, 10, 11];
const [LEGACY_TO, LEGACY_V] = [3, 6];

describe("what a transaction names", () => {
  const [to, other] = familiar as [Address, Address];
  const none = new Uint8Array(0);
  const one = Uint8Array.of(1);
  const gas = bigIntToBytes(21_000n);
  const typed: readonly RlpInput[] = [
    bigIntToBytes(CHAIN),
    none,
    one,
    one,
    gas,
    fromHex(to),
    none,
    none,
    [],
    none,
    one,
    one,
  ];
  const typedWith = (...changes: readonly (readonly [number, RlpInput])[]): Uint8Array =>
    concatBytes(Uint8Array.of(2), encodeRlp(changes.reduce((all, [at, field]) => all.with(at, field), typed.slice())));
  const legacyWith = (v: bigint, target: Uint8Array = fromHex(to)): Uint8Array =>
    encodeRlp(
      [none, one, gas, none, none, none, none, one, one].with(LEGACY_TO, target).with(LEGACY_V, bigIntToBytes(v)),
    );
  /** A short list's head is that of a string of as many bytes, and 0x40. */
  const asString = (raw: Uint8Array, head: number): Uint8Array => raw.with(head, raw[head]! - 0x40);
  const dataOf = (words: number): Uint8Array =>
    concatBytes(new Uint8Array(4), ...Array.from({ length: words }, () => toWord(BigInt(other))));
  it.each<readonly [string, Uint8Array, readonly Address[]]>([
    ["no data", typedWith(), [to]],
    ["64 words", typedWith([DATA, dataOf(64)]), [to, other]],
    ["65 words", typedWith([DATA, dataOf(65)]), [to]],
    ["no selector", typedWith([DATA, new Uint8Array(3)]), [to]],
    ["words without a selector", typedWith([DATA, dataOf(2).subarray(4)]), [to]],
    ["a nonce with leading zeros", typedWith([NONCE, new Uint8Array(32)]), [to]],
    ["a nonce of 33 bytes", typedWith([NONCE, new Uint8Array(33)]), []],
    ["another chain", typedWith([CHAIN_FIELD, Uint8Array.of(9)]), []],
    [
      "a chain with a leading zero",
      typedWith([CHAIN_FIELD, concatBytes(Uint8Array.of(0), bigIntToBytes(CHAIN))]),
      [to],
    ],
    ["a target of 19 bytes", typedWith([TO, fromHex(to).subarray(1)]), []],
    ["a target of 21 bytes", typedWith([TO, concatBytes(fromHex(to), one)]), []],
    ["a target that is a list", typedWith([TO, [new Uint8Array(19)]]), []],
    ["no target", typedWith([TO, none]), []],
    ["a value that is a list", typedWith([VALUE, []]), []],
    ["data that are a list", typedWith([DATA, []]), []],
    ["an access list", typedWith([ACCESS, [[fromHex(other), []]]]), []],
    ["a string for an access list", typedWith([ACCESS, none]), []],
    ["parity 1", typedWith([PARITY, one]), [to]],
    ["parity 2", typedWith([PARITY, Uint8Array.of(2)]), []],
    ["r of 33 bytes", typedWith([R, new Uint8Array(33)]), []],
    ["s that is a list", typedWith([S, []]), []],
    ["no s", concatBytes(Uint8Array.of(2), encodeRlp(typed.slice(0, -1))), []],
    ["more fields", concatBytes(Uint8Array.of(2), encodeRlp([...typed, one])), [to]],
    ["bytes behind it", concatBytes(typedWith(), one), [to]],
    ["a byte less", typedWith().subarray(0, -1), []],
    ["type 1", typedWith().with(0, 1), []],
    ["type 2 that is no list", Uint8Array.of(2, 0x80), []],
    ["fields in a string", asString(typedWith(), 1), []],
    ["legacy fields in a string", asString(legacyWith(35n + 2n * CHAIN), 0), []],
    ["v 34", legacyWith(34n + 2n * CHAIN), []],
    ["v 35", legacyWith(35n + 2n * CHAIN), [to]],
    ["v 36", legacyWith(36n + 2n * CHAIN), [to]],
    ["v 37", legacyWith(37n + 2n * CHAIN), []],
    ["v 27", legacyWith(27n), []],
    ["v 35, no target", legacyWith(35n + 2n * CHAIN, none), []],
  ])("with %s is the same on L1", async (_, raw, named) => {
    const right = rightOf([raw], 3n);
    expect(right.seen).toEqual(named);
    expect(await judged(blockOf([raw], 3n, right))).toBe(false);
  });
});

describe("what L1 counts of a block", () => {
  it("is what packages/protocol counts, from the first transaction on, and goes by its chain", async () => {
    await fc.assert(
      fc.asyncProperty(users, l1BaseFees, async (list, l1BaseFee) => {
        const block = blockOf(list, l1BaseFee, rightOf(list, l1BaseFee));
        const none = blockTally(CHAIN, []);
        const { end } = await l1.call(verifier, "tally", [CHAIN, none, toHex(countedBytes(block))]);
        expect("values" in end && end.values[0]).toBe(tallyHash(CHAIN, blockTally(CHAIN, block)));
        expect(tallyHash(toChainId(9n), none)).not.toBe(tallyHash(CHAIN, none));
      }),
      RUNS,
    );
  }, 120_000);
});

/** As small as one is that can be valid: a signature of an account that nobody has the key of. */
const tinyCall = (to: Address): Uint8Array => {
  const [chain, gas, one, none] = [bigIntToBytes(CHAIN), bigIntToBytes(21_000n), Uint8Array.of(1), new Uint8Array(0)];
  const fields = [chain, none, one, one, gas, fromHex(to), none, none, [], none, one, one];
  return concatBytes(Uint8Array.of(2), encodeRlp(fields));
};
const accountOf = (number: number): Address => toAddress(toHex(keccak(toWord(BigInt(number))).subarray(12)));

describe("a proof about a block of as many bytes as are handed in at once", () => {
  const words = (from: number) => Array.from({ length: 64 }, (_, i) => toWord(2n ** 159n + BigInt(from * 64 + i)));
  it.each<readonly [string, number, (number: number) => Uint8Array]>([
    ["the smallest transactions", LIMITS.blockTransactions - 2, (i) => tinyCall(accountOf(i))],
    ["few transfers", 10, (i) => call(accountOf(i))],
    ["transfers", 890, (i) => call(accountOf(i))],
    ["calls of the most words", 48, (i) => call(familiar[0]!, concatBytes(new Uint8Array(4), ...words(i % 3)))],
    ["calls of words that are no addresses", 51, () => call(familiar[0]!, new Uint8Array(4 + 64 * 32))],
  ])("of %s fits one transaction of L1", async (_, count, make) => {
    const list = Array.from({ length: count }, (_, i) => make(i));
    const block = blockOf(list, 3n, { ...rightOf(list, 3n), l1Fees: 1n });
    const batch = batchOf(block);
    const { proof } = closingProof(batch, 1, block);
    expect(proof.counted).toEqual([]);
    const { bytes } = encodeDerivation({ kind: "closing", proof }, POSTING);
    const data = fromHex(verifier.abi.encodeFunctionData("judge", [batch.header, bytes]) as Hex);
    const { answer, transactionGas } = await l1.send(verifier, data);
    expect(typeof answer).toBe("object");
    expect(transactionGas).toBeLessThan(LIMITS.transactionGas - AROUND);
  });
});

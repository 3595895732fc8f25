import {
  decodeTransaction,
  encode,
  encodeRlp,
  fromHex,
  type Hex,
  joinBytes,
  LIMITS,
  l1FeeOf,
  type RlpInput,
  type Transaction,
  TransactionError,
  toHex,
  toMessage,
  transactionMessageCodec,
} from "@mvm/protocol";
import {
  decodeRlp,
  Transaction as EthersTransaction,
  encodeRlp as encodeByEthers,
  keccak256,
  type TransactionLike,
  Wallet,
  zeroPadValue,
} from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addresses, hashes } from "./arbitraries.ts";
import { readVectors } from "./vectorFiles.ts";

const RUNS = { numRuns: 40 };
const CHAIN = 77n;
const L1_BASE_FEE = 7n;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const wallets = fc
  .uint8Array({ minLength: 31, maxLength: 31 })
  .map((bytes) => new Wallet(`0x01${toHex(bytes).slice(2)}`));
const uint = (bits: bigint): fc.Arbitrary<bigint> => fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, 2n ** bits - 1n));
const accessLists = fc.array(fc.record({ address: addresses, storageKeys: fc.array(hashes, { maxLength: 3 }) }), {
  maxLength: 3,
});
const shared = {
  chainId: fc.constant(CHAIN),
  nonce: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  gasLimit: uint(64n),
  to: fc.option(addresses),
  value: uint(256n),
  data: fc.uint8Array({ maxLength: 90 }).map(toHex),
};
const fees = { maxFeePerGas: uint(256n), maxPriorityFeePerGas: uint(256n) };
const order = (fields: TransactionLike): TransactionLike => {
  const [low, high] = [BigInt(fields.maxPriorityFeePerGas!), BigInt(fields.maxFeePerGas!)].sort((a, b) =>
    a < b ? -1 : 1,
  );
  return { ...fields, maxPriorityFeePerGas: low!, maxFeePerGas: high! };
};
const untyped: fc.Arbitrary<TransactionLike> = fc.oneof(
  fc.record({ ...shared, type: fc.constant(0), gasPrice: uint(256n) }),
  fc.record({ ...shared, type: fc.constant(1), gasPrice: uint(256n), accessList: accessLists }),
  fc.record({ ...shared, ...fees, type: fc.constant(2), accessList: accessLists }).map(order),
);
const setCode = fc
  .record({ ...shared, ...fees, to: addresses, type: fc.constant(4), accessList: accessLists })
  .map(order);

const codeOf = (raw: Uint8Array, chainId = CHAIN): string => {
  try {
    decodeTransaction(raw, chainId);
  } catch (error) {
    if (error instanceof TransactionError) return error.code;
    throw error;
  }
  return "decoded";
};

function expectSame(decoded: Transaction, signed: string, from: string): void {
  const theirs = EthersTransaction.from(signed);
  expect(decoded.hash).toBe(theirs.hash);
  expect(toHex(decoded.raw)).toBe(signed);
  expect(decoded.from).toBe(from.toLowerCase());
  expect(decoded.type).toBe(theirs.type);
  expect(decoded.chainId).toBe(theirs.chainId);
  expect(decoded.nonce).toBe(BigInt(theirs.nonce));
  expect(decoded.gasLimit).toBe(theirs.gasLimit);
  expect(decoded.to).toBe(theirs.to === null ? null : theirs.to.toLowerCase());
  expect(decoded.value).toBe(theirs.value);
  expect(toHex(decoded.data)).toBe(theirs.data);
  expect(decoded.maxFeePerGas).toBe(theirs.maxFeePerGas ?? theirs.gasPrice);
  expect(decoded.maxPriorityFeePerGas).toBe(theirs.maxPriorityFeePerGas ?? theirs.gasPrice);
  const accessList = (theirs.accessList ?? []).map(({ address, storageKeys }) => ({
    address: address.toLowerCase(),
    slots: storageKeys,
  }));
  expect(decoded.accessList).toEqual(accessList);
  const signature = theirs.signature!;
  expect([decoded.r, decoded.s, decoded.yParity]).toEqual([
    BigInt(signature.r),
    BigInt(signature.s),
    signature.yParity,
  ]);
  expect(decoded.v).toBe(decoded.type === 0 ? 35n + 2n * CHAIN + BigInt(signature.yParity) : BigInt(signature.yParity));
}

describe("transactions signed by another implementation", () => {
  it("types 0, 1 and 2: same sender, hash and fields", () => {
    fc.assert(
      fc.property(wallets, untyped, (wallet, fields) => {
        const signed = wallet.signingKey;
        const transaction = EthersTransaction.from(fields);
        transaction.signature = signed.sign(transaction.unsignedHash);
        expectSame(decodeTransaction(fromHex(transaction.serialized), CHAIN), transaction.serialized, wallet.address);
      }),
      RUNS,
    );
  });

  it("type 4: same sender, hash and fields; authorities as signed, for this chain or for any", () => {
    const chains = fc.constantFrom(0n, CHAIN, CHAIN + 1n);
    const entries = fc.array(fc.tuple(wallets, addresses, uint(63n), chains), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(wallets, setCode, entries, (wallet, fields, signers) => {
        const authorizationList = signers.map(([signer, address, nonce, chainId]) =>
          signer.authorizeSync({ address, nonce, chainId }),
        );
        const transaction = EthersTransaction.from({ ...fields, authorizationList });
        transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
        const decoded = decodeTransaction(fromHex(transaction.serialized), CHAIN);
        expectSame(decoded, transaction.serialized, wallet.address);
        expect(toMessage(decoded, L1_BASE_FEE).authorizations).toEqual(
          signers.map(([signer, address, nonce, chainId]) => ({
            authority: chainId === CHAIN + 1n ? null : signer.address.toLowerCase(),
            address,
            nonce,
          })),
        );
      }),
      RUNS,
    );
  });

  it("the checked-in ones decode to their sender, authorities and L1 fee", () => {
    type Vectors = {
      chainId: bigint;
      l1BaseFee: bigint;
      transactions: { name: string; from: string; authorities: (string | null)[]; encoded: Hex; l1Fee: bigint }[];
    };
    const { chainId, l1BaseFee, transactions } = readVectors<Vectors>("transactions");
    for (const { name, from, authorities, encoded, l1Fee } of transactions) {
      const decoded = decodeTransaction(fromHex(encoded), chainId);
      expectSame(decoded, encoded, from);
      const message = toMessage(decoded, l1BaseFee);
      const recovered = message.authorizations.map(({ authority }) => authority);
      expect(recovered, name).toEqual(authorities);
      expect(message.l1Fee, name).toBe(l1Fee);
    }
    expect(new Set(transactions.map(({ encoded }) => decodeTransaction(fromHex(encoded), chainId).type)).size).toBe(4);
  });

  it("a message carries no signature and no chain, but the fee of its bytes, and fits its codec", () => {
    fc.assert(
      fc.property(wallets, untyped, uint(64n), (wallet, fields, l1BaseFee) => {
        const transaction = EthersTransaction.from(fields);
        transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
        const decoded = decodeTransaction(fromHex(transaction.serialized), CHAIN);
        const message = toMessage(decoded, l1BaseFee);
        expect(Object.keys(message)).not.toEqual(expect.arrayContaining(["chainId"]));
        for (const secret of ["chainId", "hash", "raw", "r", "s", "v", "yParity"])
          expect(message).not.toHaveProperty(secret);
        expect(message.l1Fee).toBe(l1FeeOf(fromHex(transaction.serialized), l1BaseFee));
        expect(encode(transactionMessageCodec, message).length).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });
});

const wallet = new Wallet(`0x${"11".repeat(32)}`);
const target = `0x${"22".repeat(20)}`;
const base: TransactionLike = { chainId: CHAIN, nonce: 1, gasLimit: 21_000n, to: target, value: 5n, data: "0xabcd" };
const LEGACY = wallet.signingKey;
const signedOf = (fields: TransactionLike): Hex => {
  const transaction = EthersTransaction.from({ ...base, ...fields });
  transaction.signature = LEGACY.sign(transaction.unsignedHash);
  return transaction.serialized as Hex;
};
const SAMPLES: { readonly [name: string]: Hex } = {
  legacy: signedOf({ type: 0, gasPrice: 9n }),
  accessList: signedOf({
    type: 1,
    gasPrice: 9n,
    accessList: [{ address: target, storageKeys: [`0x${"33".repeat(32)}`] }],
  }),
  feeMarket: signedOf({ type: 2, maxFeePerGas: 9n, maxPriorityFeePerGas: 2n }),
  setCode: signedOf({
    type: 4,
    maxFeePerGas: 9n,
    maxPriorityFeePerGas: 2n,
    authorizationList: [wallet.authorizeSync({ address: target, nonce: 3n, chainId: CHAIN })],
  }),
};

type Tree = string | Tree[];
const isTyped = (signed: string): boolean => !signed.startsWith("0xf") && !signed.startsWith("0xe");
const itemsOf = (signed: string): Tree[] =>
  decodeRlp(isTyped(signed) ? `0x${signed.slice(4)}` : signed) as unknown as Tree[];
const withItems = (signed: string, items: Tree[]): Uint8Array =>
  fromHex(`0x${isTyped(signed) ? signed.slice(2, 4) : ""}${encodeByEthers(items as never).slice(2)}`);
const edited = (signed: string, at: number, item: Tree): Uint8Array =>
  withItems(signed, itemsOf(signed).with(at, item));

describe("what is refused, by the code of its TransactionError", () => {
  it("the samples themselves decode", () => {
    for (const [name, signed] of Object.entries(SAMPLES)) expect(codeOf(fromHex(signed)), name).toBe("decoded");
  });

  it("wrong-chain: signed for another chain", () => {
    for (const signed of Object.values(SAMPLES)) expect(codeOf(fromHex(signed), CHAIN + 1n)).toBe("wrong-chain");
    expect(codeOf(fromHex(signedOf({ type: 2, chainId: 0n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n })))).toBe(
      "wrong-chain",
    );
  });

  it("no-replay-protection: legacy without chain (before EIP-155)", () => {
    const transaction = EthersTransaction.from({ ...base, type: 0, gasPrice: 9n, chainId: 0n });
    transaction.signature = LEGACY.sign(transaction.unsignedHash);
    expect(codeOf(fromHex(transaction.serialized))).toBe("no-replay-protection");
    for (const v of ["0x1b", "0x1c"]) expect(codeOf(edited(SAMPLES["legacy"]!, 6, v))).toBe("no-replay-protection");
  });

  it("bad-signature: v of no form, parity above 1, zero or too large r and s, high s", () => {
    for (const v of ["0x", "0x01", "0x1a", "0x1d", "0x23", "0x24"])
      expect(codeOf(edited(SAMPLES["legacy"]!, 6, v)), v).toBe("bad-signature");
    for (const [name, signed] of Object.entries(SAMPLES)) {
      const items = itemsOf(signed);
      const [parityAt, rAt, sAt] = [items.length - 3, items.length - 2, items.length - 1];
      for (const at of [rAt, sAt])
        for (const bad of ["0x", `0x${ORDER.toString(16)}`, `0x${"ff".repeat(32)}`])
          expect(codeOf(edited(signed, at, bad)), `${name} ${at} ${bad}`).toBe("bad-signature");
      const highS = `0x${(ORDER - BigInt(items[sAt] as string)).toString(16).padStart(64, "0")}`;
      const parity = BigInt(items[parityAt] === "0x" ? 0 : (items[parityAt] as string));
      const flipped = name === "legacy" ? 72n + 2n * CHAIN - 1n - parity : 1n - parity;
      const flippedBytes = flipped === 0n ? "0x" : `0x${flipped.toString(16).padStart(2, "0")}`;
      const malleated = withItems(signed, items.with(parityAt, flippedBytes).with(sAt, highS));
      expect(codeOf(malleated), `${name}: the same signature with high s`).toBe("bad-signature");
      if (name !== "legacy") expect(codeOf(edited(signed, parityAt, "0x02")), name).toBe("bad-signature");
    }
  });

  it("type-not-supported: blobs, deposits, unknown types, and bytes that are no list", () => {
    for (const type of [0, 3, 5, 0x7e, 0x7f, 0x80, 0xbf])
      expect(codeOf(Uint8Array.of(type, 0xc0)), `${type}`).toBe("type-not-supported");
  });

  it("out-of-range: integers beyond their width, the last nonce (EIP-2681)", () => {
    const nine = `0x${"01".repeat(9)}`;
    expect(codeOf(edited(SAMPLES["legacy"]!, 0, nine))).toBe("out-of-range");
    expect(codeOf(edited(SAMPLES["legacy"]!, 2, nine))).toBe("out-of-range");
    for (const name of ["feeMarket", "setCode"]) expect(codeOf(edited(SAMPLES[name]!, 1, nine))).toBe("out-of-range");
    expect(codeOf(edited(SAMPLES["feeMarket"]!, 9, "0x0101"))).toBe("out-of-range");
    expect(codeOf(edited(SAMPLES["feeMarket"]!, 1, `0x${"ff".repeat(8)}`))).toBe("out-of-range");
    expect(codeOf(edited(SAMPLES["feeMarket"]!, 1, `0x${"ff".repeat(7)}fe`))).toBe("decoded");
  });

  it("too-large: beyond the bound of bytes or of lists", () => {
    expect(codeOf(new Uint8Array(LIMITS.transactionBytes + 1))).toBe("too-large");
    const largest = (size: number): Uint8Array =>
      fromHex(signedOf({ type: 0, gasPrice: 9n, data: `0x${"ff".repeat(size)}` }));
    const overhead = largest(57_000).length - 57_000;
    expect(codeOf(largest(LIMITS.transactionBytes - overhead))).toBe("decoded");
    expect(codeOf(largest(LIMITS.transactionBytes - overhead + 1))).toBe("too-large");
    const entry: Tree = [target, []];
    const accesses = (count: number): Tree => Array.from({ length: count }, () => entry);
    expect(codeOf(edited(SAMPLES["feeMarket"]!, 8, accesses(1_024)))).toBe("decoded");
    expect(codeOf(edited(SAMPLES["feeMarket"]!, 8, accesses(1_025)))).toBe("too-large");
    const slots = (count: number): Tree => [[target, Array.from({ length: count }, () => `0x${"44".repeat(32)}`)]];
    expect(codeOf(edited(SAMPLES["feeMarket"]!, 8, slots(1_024)))).toBe("decoded");
    expect(codeOf(edited(SAMPLES["feeMarket"]!, 8, slots(1_025)))).toBe("too-large");
    const authorization = ["0x", target, "0x", "0x", "0x01", "0x01"];
    const authorizations = (count: number): Tree => Array.from({ length: count }, () => authorization);
    expect(codeOf(edited(SAMPLES["setCode"]!, 9, authorizations(256)))).toBe("decoded");
    expect(codeOf(edited(SAMPLES["setCode"]!, 9, authorizations(257)))).toBe("too-large");
  });

  it("malformed: every deviation from the layout", () => {
    const cases: [string, Uint8Array][] = [
      ["nothing", new Uint8Array(0)],
      ["type alone", Uint8Array.of(2)],
      ["typed string", Uint8Array.of(2, 0x80)],
      ["empty list", Uint8Array.of(0xc0)],
      ["nonce with a leading zero", edited(SAMPLES["feeMarket"]!, 1, "0x0001")],
      ["nonce of a zero byte", edited(SAMPLES["feeMarket"]!, 1, "0x00")],
      ["address of 19 bytes", edited(SAMPLES["feeMarket"]!, 5, `0x${"22".repeat(19)}`)],
      ["address of 21 bytes", edited(SAMPLES["feeMarket"]!, 5, `0x${"22".repeat(21)}`)],
      ["list as data", edited(SAMPLES["feeMarket"]!, 7, [])],
      ["string as access list", edited(SAMPLES["feeMarket"]!, 8, "0x")],
      ["access to no address", edited(SAMPLES["feeMarket"]!, 8, [["0x", []]])],
      ["access entry of three", edited(SAMPLES["feeMarket"]!, 8, [[target, [], []]])],
      ["short storage key", edited(SAMPLES["feeMarket"]!, 8, [[target, ["0x01"]]])],
      ["value of 33 bytes", edited(SAMPLES["feeMarket"]!, 6, `0x${"01".repeat(33)}`)],
      ["set code without target", edited(SAMPLES["setCode"]!, 5, "0x")],
      ["set code without authorisation", edited(SAMPLES["setCode"]!, 9, [])],
      ["authorisation without address", edited(SAMPLES["setCode"]!, 9, [["0x", "0x", "0x", "0x", "0x01", "0x01"]])],
      ["authorisation of five", edited(SAMPLES["setCode"]!, 9, [["0x", target, "0x", "0x", "0x01"]])],
      ["authorisation of seven", edited(SAMPLES["setCode"]!, 9, [["0x", target, "0x", "0x", "0x01", "0x01", "0x01"]])],
    ];
    for (const signed of Object.values(SAMPLES)) {
      const items = itemsOf(signed);
      cases.push(["one item too few", withItems(signed, items.slice(0, -1))]);
      cases.push(["one item too many", withItems(signed, [...items, "0x"])]);
      cases.push(["leftover bytes", fromHex(`${signed}00`)]);
      cases.push(["cut", fromHex(signed.slice(0, -2))]);
    }
    for (const [name, raw] of cases) expect(codeOf(raw), name).toBe("malformed");
  });

  it("mutations give a TransactionError, or a transaction of another hash; the encoding is canonical", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(SAMPLES)), edits, (signed, changes) => {
        const raw = fromHex(signed);
        for (const [at, byte] of changes) raw[at % raw.length] = byte;
        if (codeOf(raw) !== "decoded") return;
        const decoded = decodeTransaction(raw, CHAIN);
        expect(decoded.hash).toBe(keccak256(raw));
        // A tip above the fee, and an authorisation that no signer made, are form to the other implementation; to this
        // one they are a matter of execution (EIP-7702: such an authorisation is passed over).
        const hasForm = decoded.type !== 4 && decoded.maxPriorityFeePerGas <= decoded.maxFeePerGas;
        if (hasForm) expect(EthersTransaction.from(toHex(raw)).serialized).toBe(toHex(raw));
        if (toHex(raw) !== signed) expect(decoded.hash).not.toBe(keccak256(signed));
      }),
      { numRuns: 300 },
    );
  });

  it("random bytes and random lists give a TransactionError", () => {
    const item: fc.Arbitrary<RlpInput> = fc.oneof(fc.uint8Array({ maxLength: 34 }), fc.constant<RlpInput>([]));
    const lists = fc.tuple(fc.constantFrom("", "01", "02", "04"), fc.array(item, { maxLength: 14 }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), lists, (noise, [type, items]) => {
        expect(codeOf(noise)).not.toBe("decoded");
        expect(codeOf(joinBytes([fromHex(`0x${type}`), encodeRlp(items)]))).not.toBe("decoded");
      }),
      { numRuns: 300 },
    );
  });
});

describe("EIP-7702 authorisations", () => {
  const authorityOf = (authorization: Tree): string | null => {
    const raw = edited(SAMPLES["setCode"]!, 9, [authorization]);
    return toMessage(decodeTransaction(raw, CHAIN), L1_BASE_FEE).authorizations[0]!.authority;
  };
  const entry = (itemsOf(SAMPLES["setCode"]!)[9] as Tree[])[0] as string[];

  it("count for their signer only as signed", () => {
    expect(authorityOf(entry)).toBe(wallet.address.toLowerCase());
    for (const [at, item] of [
      [1, `0x${"23".repeat(20)}`],
      [2, "0x04"],
      [3, entry[3] === "0x" ? "0x01" : "0x"],
    ] as const)
      expect(authorityOf(entry.with(at, item))).not.toBe(wallet.address.toLowerCase());
  });

  it("of another chain, high s, no signature or the last nonce have no authority", () => {
    const highS = zeroPadValue(`0x${(ORDER - BigInt(entry[5]!)).toString(16).padStart(64, "0")}`, 32);
    const flipped = entry[3] === "0x" ? "0x01" : "0x";
    for (const bad of [
      entry.with(0, "0x4e"),
      entry.with(0, `0x${"ff".repeat(32)}`),
      entry.with(2, `0x${"ff".repeat(8)}`),
      entry.with(3, "0x02"),
      entry.with(3, "0xff"),
      entry.with(4, "0x"),
      entry.with(5, "0x"),
      entry.with(3, flipped).with(5, highS),
      entry.with(4, `0x${"ff".repeat(32)}`),
    ])
      expect(authorityOf(bad)).toBe(null);
  });
});

/** What the libraries of contracts/src/execution/codec are compared on: transactions of every type, and ways to spoil them. */
import {
  bigIntToBytes,
  concatBytes,
  decodeTransaction,
  encodeRlp,
  encodeRlpList,
  encodeSystemTransaction,
  fromHex,
  type RlpInput,
  SYSTEM_SOURCES,
  type SystemTransaction,
  TransactionError,
  toAddress,
  toChainId,
  toHash,
  toHex,
} from "@mvm/protocol";
import { Transaction as EthersTransaction, type TransactionLike, Wallet } from "ethers";
import fc from "fast-check";

export const HARNESS = "test/execution/codec/CodecReader.sol";
export const CHAIN = toChainId(77n);

export const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
export const hashes = bytesOf(32).map((bytes) => toHash(toHex(bytes)));
export const addresses = bytesOf(20).map((bytes) => toAddress(toHex(bytes)));
export const uint = (bits: number): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }));
const wallets = bytesOf(31).map((bytes) => new Wallet(toHex(concatBytes(Uint8Array.of(1), bytes))));

const accessLists = (least: number) =>
  fc.array(
    fc.record({ address: addresses, storageKeys: fc.array(hashes, { minLength: least, maxLength: least + 2 }) }),
    { minLength: least, maxLength: least + 2 },
  );
/** Lengths around RLP's borders, zeros among the bytes. */
const data = fc
  .oneof(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ minLength: 50, maxLength: 70 }), bytesOf(300))
  .chain((bytes) => fc.nat(3).map((zeros) => toHex(bytes.map((byte, i) => (i % 4 < zeros ? 0 : byte)))));
const shared = {
  chainId: fc.constant(CHAIN as bigint),
  nonce: fc.oneof(fc.constantFrom(0, 127, 128), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  gasLimit: uint(64),
  to: fc.option(addresses),
  value: uint(256),
  data,
};
/** ethers signs no tip above the fee: see `withTip`. */
const fees = fc
  .tuple(uint(256), uint(256))
  .map(([one, other]) => (one < other ? [one, other] : [other, one]))
  .map(([low, high]) => ({ maxPriorityFeePerGas: low!, maxFeePerGas: high! }));
const priced = { gasPrice: uint(256) };
const authorizations = fc.array(
  fc.tuple(wallets, addresses, uint(63), fc.constantFrom(0n, CHAIN as bigint, (CHAIN as bigint) + 1n)),
  { minLength: 1, maxLength: 3 },
);
/** Unsigned transactions by type; their access lists, and the slots in them, have at least so many entries. */
const fieldsByType = (least: number): readonly fc.Arbitrary<TransactionLike>[] => {
  const lists = { accessList: accessLists(least) };
  return [
    fc.record({ ...shared, ...priced, type: fc.constant(0) }),
    fc.record({ ...shared, ...priced, ...lists, type: fc.constant(1) }),
    fc.record({ ...shared, ...lists, fees, type: fc.constant(2) }).map(({ fees: pair, ...rest }) => ({
      ...rest,
      ...pair,
    })),
    fc
      .record({ ...shared, ...lists, fees, to: addresses, type: fc.constant(4), authorizations })
      .map(({ authorizations: entries, fees: pair, ...rest }) => ({
        ...rest,
        ...pair,
        authorizationList: entries.map(([signer, address, nonce, chainId]) =>
          signer.authorizeSync({ address, nonce, chainId }),
        ),
      })),
  ];
};
const fields = fc.oneof(...fieldsByType(0));

export function signedBy(wallet: Wallet, unsigned: TransactionLike): Uint8Array {
  const transaction = EthersTransaction.from(unsigned);
  transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
  return fromHex(transaction.serialized as `0x${string}`);
}

/** Signed transactions of every user type. */
export const transactions: fc.Arbitrary<Uint8Array> = fc
  .tuple(wallets, fields)
  .map(([wallet, unsigned]) => signedBy(wallet, unsigned));

/** A signed transaction of each user type, none of its lists empty. */
export const oneOfEach: fc.Arbitrary<readonly Uint8Array[]> = fc
  .tuple(wallets, ...fieldsByType(1))
  .map(([wallet, ...all]) => all.map((unsigned) => signedBy(wallet, unsigned)));

/** System transactions of every source. */
export const systemTransactions: fc.Arbitrary<SystemTransaction> = fc.record({
  source: fc.constantFrom(...SYSTEM_SOURCES),
  index: uint(64),
  from: addresses,
  to: addresses,
  mint: uint(256),
  value: uint(256),
  gasLimit: uint(64),
  data: data.map(fromHex),
});
export const encodedSystem = systemTransactions.map((transaction) => encodeSystemTransaction(CHAIN, transaction));

/** Users' transactions before their signature, of amounts that an account may have. */
export const unsignedTransactions: fc.Arbitrary<TransactionLike> = fields.map((unsigned) => {
  const { value, gasPrice, maxFeePerGas, maxPriorityFeePerGas, ...rest } = unsigned;
  const small = (amount: TransactionLike["value"]): bigint => BigInt(amount ?? 0n) % 2n ** 90n;
  const prices =
    gasPrice == null
      ? {
          maxFeePerGas: small(maxFeePerGas),
          maxPriorityFeePerGas: small(maxPriorityFeePerGas) % (small(maxFeePerGas) + 1n),
        }
      : { gasPrice: small(gasPrice) };
  return { ...rest, ...prices, value: small(value) };
});

type Tree = Uint8Array | readonly Tree[];

function treeAt(bytes: Uint8Array, place: number): { item: Tree; next: number } {
  const first = bytes[place]!;
  if (first < 0x80) return { item: bytes.subarray(place, place + 1), next: place + 1 };
  const isList = first >= 0xc0;
  const short = first - (isList ? 0xc0 : 0x80);
  const size = Math.max(short - 55, 0);
  const start = place + 1 + size;
  const length = size === 0 ? short : Number(toHex(bytes.subarray(place + 1, start)));
  const end = start + length;
  if (!isList) return { item: bytes.subarray(start, end), next: end };
  const items: Tree[] = [];
  for (let at = start; at < end; ) {
    const { item, next } = treeAt(bytes, at);
    items.push(item);
    at = next;
  }
  return { item: items, next: end };
}

const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const SUBSTITUTES: readonly Tree[] = [
  ...[0, 1, 8, 9, 19, 20, 21, 31, 32, 33].flatMap((length) => [fill(length, 0xff), fill(length, 0)]),
  ...[1, 2, 27, 28, 36].map((byte) => Uint8Array.of(byte)),
  fill(8, 0xff).with(7, 0xfe),
  [],
  [fill(20, 1), []],
];

/** Every tree in which one item, at any depth, is another, is missing or is there twice. */
function* spoiledTrees(tree: readonly Tree[]): Generator<readonly Tree[]> {
  for (const [i, item] of tree.entries()) {
    for (const other of SUBSTITUTES) yield tree.with(i, other);
    yield tree.toSpliced(i, 1);
    yield tree.toSpliced(i, 0, item);
    // a byte string with the items of a list in it
    if (!(item instanceof Uint8Array))
      yield tree.with(i, concatBytes(...item.map((one) => encodeRlp(one as RlpInput))));
    if (!(item instanceof Uint8Array)) for (const inner of spoiledTrees(item)) yield tree.with(i, inner);
  }
}

/**
 * Encodings that end early, as long as their list says, with what they lack behind them: `length` bytes are the encoding.
 * What stands behind would give another reason, were it read.
 */
export function* cutLists(raw: Uint8Array): Generator<{ whole: Uint8Array; length: number }> {
  const head = raw[0]! >= 0xc0 ? new Uint8Array(0) : raw.subarray(0, 1);
  const items = treeAt(raw, head.length).item as readonly Tree[];
  // v of no chain, a parity of two bytes
  const tempting = head.length === 0 ? Uint8Array.of(27) : Uint8Array.of(1, 1);
  const encoded = items.with(items.length - 3, tempting).map((item) => encodeRlp(item as RlpInput));
  const payload = concatBytes(...encoded);
  for (let cut = 0; cut < payload.length; cut++) {
    const list = concatBytes(head, encodeRlpList([payload.subarray(0, cut)]));
    yield { whole: concatBytes(list, payload.subarray(cut)), length: list.length };
  }
}

/** All ways in which one item of an encoded transaction may be another, RLP itself unharmed. */
export function* otherItems(raw: Uint8Array): Generator<Uint8Array> {
  const head = raw[0]! >= 0xc0 ? new Uint8Array(0) : raw.subarray(0, 1);
  const { item } = treeAt(raw, head.length);
  for (const tree of spoiledTrees(item as readonly Tree[])) yield concatBytes(head, encodeRlp(tree as RlpInput));
}

/** Every byte changed by a mask, every beginning, and the whole with bytes behind it. */
export function* otherBytes(raw: Uint8Array, masks: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < raw.length; i++) yield raw.with(i, raw[i]! ^ (masks[i % masks.length]! || 0x80));
  for (let i = 0; i < raw.length; i += 7) yield raw.subarray(0, i);
  yield concatBytes(raw, Uint8Array.of(0));
}

/** The transaction with another tip; null where it has none, or where its signature becomes nobody's. */
export function withTip(raw: Uint8Array, tip: bigint): Uint8Array | null {
  if (raw[0] !== 2 && raw[0] !== 4) return null;
  const items = treeAt(raw, 1).item as readonly Tree[];
  const other = concatBytes(raw.subarray(0, 1), encodeRlp(items.with(2, bigIntToBytes(tip)) as RlpInput));
  try {
    decodeTransaction(other, CHAIN);
  } catch (error) {
    if (error instanceof TransactionError) return null;
    throw error;
  }
  return other;
}

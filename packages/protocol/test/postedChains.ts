/** Random calls as users sign them, written by ethers, and chains of blocks with them, for tests of what is posted. */
import {
  type Address,
  AddressTable,
  type ChainId,
  contextTransaction,
  type DecodedBatch,
  decodeBatch,
  decodeSystemTransaction,
  depositItem,
  encodeSystemTransaction,
  fromHex,
  type Hex,
  NO_WORK,
  namedAddresses,
  type Posting,
  postedTransactions,
  queueTransaction,
  type SealedBlock,
  seatedIn,
  servedBy,
  settledAccounts,
  settleTransaction,
  toAddress,
  type Work,
} from "@mvm/protocol";
import { concat, encodeRlp, id, toBeHex, zeroPadValue } from "ethers";
import fc from "fast-check";
import * as some from "./arbitraries.ts";

export const NOW = 1_800_000_000n;
export const addressOf = (name: string | number): Address => toAddress(`0x${id(`address ${name}`).slice(26)}`);

/** Few, so that they come again; of the last two no word of a call says that they are addresses. */
const familiar: readonly Address[] = [
  ...Array.from({ length: 12 }, (_, i) => addressOf(i)),
  toAddress(`0x${"00".repeat(19)}05`),
  toAddress(`0x${"00".repeat(20)}`),
];
export const callAddresses: fc.Arbitrary<Address> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...familiar) },
  { weight: 1, arbitrary: some.addresses },
);

const RANDOM = Array.from({ length: 70 }, (_, i) => id(`word ${i}`));
const wordOf = (value: bigint | Address): string => toBeHex(BigInt.asUintN(256, BigInt(value)), 32);
const randomWords = fc.constantFrom(...RANDOM);
const otherWords = fc.oneof(
  fc.constantFrom(0n, 160n, 10n ** 18n, 2n ** 256n - 1n, -5n, NOW + 1_200n).map(wordOf),
  some.uint(256).map(wordOf),
);

/** A call with addresses among many words that no form shortens: whether words or bytes are shorter is close. */
const routerCalls = fc
  .record({
    selector: fc.constantFrom("0x38ed1739", "0x11223344"),
    named: fc.array(callAddresses, { maxLength: 3 }),
    others: fc.array(otherWords, { maxLength: 3 }),
    raw: fc.nat({ max: 63 }),
    from: fc.nat({ max: RANDOM.length - 1 }),
    turn: fc.nat(),
  })
  .map(({ selector, named, others, raw, from, turn }) => {
    const words = [...named.map(wordOf), ...others, ...Array.from({ length: raw }, (_, i) => RANDOM[(from + i) % 70]!)];
    const at = words.length === 0 ? 0 : turn % words.length;
    return concat([selector, ...words.slice(at), ...words.slice(0, at)]);
  });
const tokenCalls = fc
  .tuple(
    fc.constantFrom("0xa9059cbb", "0x095ea7b3", "0x23b872dd"),
    fc.array(callAddresses, { maxLength: 3 }),
    otherWords,
  )
  .map(([selector, named, amount]) => concat([selector, ...named.map(wordOf), amount]));
const unknownCalls = fc
  .tuple(some.someBytes(4), fc.array(fc.oneof(callAddresses.map(wordOf), otherWords, randomWords), { maxLength: 66 }))
  .map(([selector, words]) => concat([selector, ...words]));

export type Call = {
  /** null: creates a contract */
  readonly to: Address | null;
  readonly data: string;
  readonly gasLimit: bigint;
  readonly tip: bigint;
  readonly excess: bigint;
  readonly value: bigint;
  readonly kind: "legacy" | "fee market" | "with an access list";
  readonly parity: 0 | 1;
  readonly r: string;
  readonly s: string;
};

const plain: fc.Arbitrary<Call> = fc.record({
  to: callAddresses,
  data: fc.constant("0x"),
  gasLimit: fc.constantFrom(21_000n, 60_000n, 60_001n),
  tip: fc.constantFrom(0n, 10n ** 8n, 123_456_789n),
  excess: fc.constantFrom(2n * 10n ** 9n, 1_999_999_999n),
  value: fc.constantFrom(0n, 10n ** 17n, 123_456_789_012_345_678n),
  kind: fc.constant("fee market" as const),
  parity: fc.constantFrom<0 | 1>(0, 1),
  r: randomWords,
  s: randomWords,
});
const changes: fc.Arbitrary<Partial<Call>> = fc.oneof(
  { weight: 6, arbitrary: routerCalls.map((data) => ({ data })) },
  { weight: 3, arbitrary: tokenCalls.map((data) => ({ data })) },
  { weight: 2, arbitrary: unknownCalls.map((data) => ({ data })) },
  { weight: 1, arbitrary: some.someBytes(90).map((data) => ({ data: `0x${Buffer.from(data).toString("hex")}` })) },
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: some.uint(256).map((value) => ({ value })) },
  { weight: 1, arbitrary: fc.record({ tip: some.uint(140), excess: some.uint(140), gasLimit: some.uint(64) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "legacy" as const }) },
  { weight: 1, arbitrary: routerCalls.map((data) => ({ data, kind: "with an access list" as const })) },
  { weight: 1, arbitrary: routerCalls.map((data) => ({ data, to: null })) },
  { weight: 1, arbitrary: fc.constant({ r: "0x01", s: "0x01" }) },
);

/** Calls, some of them several times: what comes again is what dictionaries and the table shorten. */
export const callLists = (maxLength: number): fc.Arbitrary<Call[]> =>
  fc
    .array(fc.tuple(plain, changes, fc.integer({ min: 1, max: 3 })), { maxLength })
    .map((list) => list.flatMap(([call, change, times]) => Array<Call>(times).fill({ ...call, ...change })));

/** A call without value and data, of the fee market. */
export const plainCall = (to: Address): Call => ({
  to,
  data: "0x",
  gasLimit: 21_000n,
  tip: 10n ** 8n,
  excess: 2n * 10n ** 9n,
  value: 0n,
  kind: "fee market",
  parity: 0,
  r: RANDOM[0]!,
  s: RANDOM[1]!,
});

const int = (value: bigint | number): string => (BigInt(value) === 0n ? "0x" : toBeHex(value));

/** The signed transaction of a call. That it is its sender's is nobody's matter here. */
export function rawOf(chainId: ChainId, nonce: number, call: Call): Uint8Array {
  const { gasLimit, tip, excess, value, data, kind, parity, r, s } = call;
  const to = call.to ?? "0x";
  const middle = [int(gasLimit), to, int(value), data];
  const signature = [r, s].map((half) => int(BigInt(half)));
  if (kind === "legacy") {
    const v = chainId * 2n + 35n + BigInt(parity);
    return fromHex(encodeRlp([int(nonce), int(tip + excess), ...middle, int(v), ...signature]) as Hex);
  }
  const accesses = kind === "fee market" ? [] : [[addressOf(0), [zeroPadValue("0x07", 32)]]];
  const fees = [int(tip), int(tip + excess)];
  const fields = [int(chainId), int(nonce), ...fees, ...middle, accesses, int(parity), ...signature];
  return fromHex(concat(["0x02", encodeRlp(fields)]) as Hex);
}

export const rawsOf = (chainId: ChainId, calls: readonly Call[]): Uint8Array[] =>
  calls.map((call, nonce) => rawOf(chainId, nonce, call));

/** Every address that is in calls, and every word that could be one. */
export function mentionsOf(calls: readonly Call[]): Address[] {
  return calls.flatMap(({ to, data }) => {
    const words = data.length < 10 ? [] : (data.slice(10).match(/.{64}/g) ?? []);
    return [...(to === null ? [] : [to]), ...words.map((word) => toAddress(`0x${word.slice(24)}`))];
  });
}

/** Operator of a provider of the tests, by its number in the registry. */
export const providerOf = (index: number): Address => addressOf(`provider ${index}`);

/** Who made a block, and who did its job. */
export type Paid = { readonly sequencer: Address; readonly work: Work };
export const POSTER = addressOf("poster");
export const paidAccounts: fc.Arbitrary<Paid> = fc.record({
  sequencer: fc.oneof(fc.constant(POSTER), some.addresses),
  work: some.works,
});

/**
 * A block with the transactions that every block has, around its users'; settle enters what they name. Nobody does a job where there
 * are no users.
 */
export function framed(block: SealedBlock, { sequencer, work: wanted }: Paid): SealedBlock {
  const { chainId, generation, header } = block;
  const users = postedTransactions(block);
  const work = users.length === 0 ? NO_WORK : wanted;
  const context = { ...block.context, work };
  const deposit = depositItem({ queueIndex: 3n, from: sequencer, to: sequencer, mint: 5n });
  const settlement = { sequencer, providers: servedBy(work).map(providerOf), seated: seatedIn(work) };
  const seen = namedAddresses(chainId, users);
  const [opening, queued, closing] = [
    contextTransaction(header.number, { ...context, generation }, users.length + 3),
    queueTransaction(deposit),
    settleTransaction(header.number, { ...settlement, l1Fees: 7n, seen }),
  ].map((transaction) => encodeSystemTransaction(chainId, transaction));
  return { ...block, context, transactions: [opening!, queued!, ...users, closing!] };
}

/** What the settle of a block says. */
export const settledOf = ({ chainId, transactions }: SealedBlock): NonNullable<ReturnType<typeof settledAccounts>> =>
  settledAccounts(decodeSystemTransaction(transactions.at(-1)!, chainId))!;

/** Consecutive blocks of one chain and generation, and what they are posted with. */
export type Chain = { readonly blocks: readonly SealedBlock[]; readonly queueEnd: bigint };

const steps = fc.record({
  block: some.sealedBlocks,
  paid: paidAccounts,
  calls: callLists(4),
  junk: fc.array(some.someBytes(60), { maxLength: 1 }),
  seconds: fc.nat({ max: 1_000 }).map(BigInt),
  slots: fc.nat({ max: 2 }).map(BigInt),
  items: fc.oneof(fc.nat({ max: 3 }), fc.constant(2 ** 32 - 1)).map(BigInt),
});

export const chains = (maxBlocks: number): fc.Arbitrary<Chain> =>
  fc
    .record({
      chainId: some.chainIds,
      generation: some.uint(64),
      list: fc.array(steps, { minLength: 1, maxLength: maxBlocks }),
      first: fc.nat(),
      start: fc.constantFrom(NOW, 7n),
      queueEnd: fc.nat().map(BigInt),
    })
    .map(({ chainId, generation, list, first, start, queueEnd }) => {
      let [timestamp, slot, consumed] = [start, 5n, queueEnd];
      const blocks = list.map(({ block, paid, calls, junk, ...step }, i) => {
        timestamp += step.seconds;
        slot += step.slots;
        consumed += step.items;
        const users = [...rawsOf(chainId, calls), ...junk.filter((raw) => raw[0] !== 0x7e)];
        const header = { ...block.header, number: BigInt(first + i), timestamp };
        const context = { ...block.context, slot, queueEnd: consumed };
        return framed({ ...block, chainId, generation, header, context, transactions: users }, paid);
      });
      return { blocks, queueEnd };
    });

/** What a chain is posted with by POSTER, with an empty table where none is given. */
export const postingOf = ({ queueEnd }: Chain, table: AddressTable = new AddressTable()): Posting => ({
  poster: POSTER,
  queueEnd,
  table,
});

/** Decodes with a table that takes in what each block names. */
export function decodedBatch(data: Uint8Array, table: AddressTable = new AddressTable()): DecodedBatch {
  const batch = decodeBatch(
    data,
    (_, index) => table.at(index),
    (_, named) => table.enter(named),
  );
  if (!batch.ok) throw new Error(`fault ${batch.fault}`);
  return batch.value;
}

import {
  type Address,
  decodeSystemTransaction,
  encodeSystemTransaction,
  type Founding,
  LIMITS,
  l1FeeOf,
  NO_WORK,
  namedAddresses,
  PREDEPLOYS,
  type QueueItem,
  queueTransaction,
  type SealedBlock,
  type SystemTransaction,
  seatedIn,
  servedBy,
  settleTransaction,
  toHex,
  toWord,
  type Work,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closingTransaction, layoutFault, openingTransactions, paidBy, parentOf } from "../src/index.ts";
import { blockOn, CHAIN, depositTo, FOUNDING, GENESIS, PROVIDERS, SEQUENCERS, startView, transfer } from "./world.ts";

const view = startView();
const queueItems = [depositTo(view, 0n, 3n), depositTo(view, 1n, 3n)];
const users = [transfer().raw, transfer({ nonce: 1n, data: new Uint8Array(3) }).raw];
const providersOf = ({ context }: SealedBlock): readonly Address[] =>
  servedBy(context.work).map((index) => PROVIDERS[index]!.operator);
/** Block 1: context, founding, two deposits, two transactions, settle; seats are passed over until two providers have served. */
const first = [[], [1], [1, 2]]
  .map((passed) => blockOn({ view, parent: GENESIS, queueItems, transactions: users, passed }))
  .find((block) => new Set(providersOf(block)).size === LIMITS.seats)!;
const providers = providersOf(first);
/** Block 2: context, one deposit, two transactions, settle. */
const second = blockOn({
  view,
  parent: parentOf(first),
  queueItems: queueItems.slice(1),
  transactions: users,
});
const faultOf = (block: SealedBlock, due: readonly QueueItem[] = queueItems, founding: Founding = FOUNDING) =>
  layoutFault(block, founding, { queueItems: due, providers: providersOf(block) });

const encoded = (transaction: SystemTransaction): Uint8Array => encodeSystemTransaction(CHAIN, transaction);
const decoded = (raw: Uint8Array): SystemTransaction => decodeSystemTransaction(raw, CHAIN);
const withTransactions = (block: SealedBlock, transactions: readonly Uint8Array[]): SealedBlock => ({
  ...block,
  transactions,
});
/** The block with another transaction at a position. */
const replaced = (block: SealedBlock, at: number, raw: Uint8Array): SealedBlock =>
  withTransactions(block, block.transactions.toSpliced(at, 1, raw));
/** The block with one bit of a system call's data turned. */
const turned = (block: SealedBlock, at: number, byte: number): SealedBlock => {
  const transaction = decoded(block.transactions.at(at)!);
  const data = transaction.data.with(byte, transaction.data[byte]! ^ 1);
  return replaced(block, at, encoded({ ...transaction, data }));
};

/** The block with its settle made anew. */
const settled = (block: SealedBlock, change: Partial<Parameters<typeof settleTransaction>[1]>): SealedBlock => {
  const l1Fees = users.reduce((sum, raw) => sum + l1FeeOf(raw, block.context.l1BaseFee), 0n);
  const seen = namedAddresses(CHAIN, users);
  const settlement = {
    sequencer: paidBy(first)![0],
    providers,
    seated: seatedIn(first.context.work),
    l1Fees,
    seen,
    ...change,
  };
  return replaced(block, block.transactions.length - 1, encoded(settleTransaction(block.header.number, settlement)));
};
const SETTLE = first.transactions.length - 1;

describe("the layout of a block", () => {
  it("is context, in block 1 founding, deposits, users' transactions, settle, and has no fault", () => {
    const sourcesOf = (block: SealedBlock) =>
      block.transactions.map((raw) => (raw[0] === 0x7e ? decoded(raw).source : "user"));
    expect(sourcesOf(first)).toEqual(["context", "founding", "deposit", "deposit", "user", "user", "settle"]);
    expect(sourcesOf(second)).toEqual(["context", "deposit", "user", "user", "settle"]);
    expect(faultOf(first)).toBeNull();
    expect(faultOf(second, queueItems.slice(1))).toBeNull();
    expect(paidBy(first)).toEqual([
      SEQUENCERS.find(({ operator }) => operator === paidBy(first)![0])!.operator,
      ...providers,
    ]);
  });

  it("says in its context how many transactions the block has", () => {
    for (const block of [first, second]) {
      const { data } = decoded(block.transactions[0]!);
      expect(Number.parseInt(toHex(data.subarray(-32)).slice(2), 16)).toBe(block.transactions.length);
    }
  });

  const calls = { context: 0, founding: 1 } as const;
  const words = { context: 5, founding: 5 } as const;
  const fields: readonly (readonly [keyof typeof calls, number])[] = (["context", "founding"] as const).flatMap(
    (name) => Array.from({ length: words[name] }, (_, word) => [name, word] as const),
  );
  it.each(fields)("is at fault where the %s transaction has another word %i", (name, word) => {
    expect(faultOf(turned(first, calls[name], 4 + 32 * word + 31))).toBe(`${name} transaction differs`);
    expect(faultOf(turned(first, calls[name], 3))).toBe(`${name} transaction differs`);
  });

  const frames: readonly (readonly [string, Partial<SystemTransaction>])[] = [
    ["position", { index: 7n }],
    ["caller", { from: providers[0]! }],
    ["target", { to: PREDEPLOYS.coinbase }],
    ["mint", { mint: 1n }],
    ["gas limit", { gasLimit: 1n }],
    ["source", { source: "message" }],
  ];
  it.each(frames)("is at fault where a system transaction has another %s", (_name, change) => {
    const positions = [
      [0, "context transaction differs"],
      [1, "founding transaction differs"],
      [2, "deposit transaction differs"],
      [3, "deposit transaction differs"],
    ] as const;
    for (const [at, fault] of positions)
      expect(faultOf(replaced(first, at, encoded({ ...decoded(first.transactions[at]!), ...change })))).toBe(fault);
    const settle = replaced(first, SETTLE, encoded({ ...decoded(first.transactions[SETTLE]!), ...change }));
    expect(faultOf(settle)).toMatch(/^(does not end in settle|settle transaction differs)$/);
  });

  it("is at fault without its context, or with that of another count, slot, L1 block, base fee, generation", () => {
    expect(faultOf(withTransactions(first, first.transactions.slice(1)))).toBe("context transaction differs");
    for (const change of [{ slot: 3n }, { l1Block: 9n }, { l1BaseFee: 1n }])
      expect(faultOf({ ...first, context: { ...first.context, ...change } })).toBe("context transaction differs");
    expect(faultOf({ ...first, generation: 1n })).toBe("context transaction differs");
    const longer = withTransactions(first, first.transactions.toSpliced(5, 0, users[0]!));
    expect(faultOf(longer)).toBe("context transaction differs");
  });

  it("is at fault without the founding in block 1, with it in another block, with another charter", () => {
    const [opening, founding, ...rest] = first.transactions;
    const counted = (transactions: readonly Uint8Array[], block = first) => {
      const data = decoded(opening!).data.with(-1, transactions.length);
      const context = encoded({ ...decoded(block.transactions[0]!), data });
      return withTransactions(block, [context, ...transactions.slice(1)]);
    };
    expect(faultOf(counted([opening!, ...rest]))).toBe("founding transaction differs");
    const [, ...after] = second.transactions;
    expect(faultOf(counted([opening!, founding!, ...after], second), queueItems.slice(1))).toBe(
      "deposit transaction differs",
    );
    expect(faultOf(counted([opening!, founding!, ...after], second), [])).toBe("a system transaction among the users'");
    const charter = FOUNDING.charter.with(0, 0);
    expect(faultOf(first, queueItems, { ...FOUNDING, charter })).toBe("founding transaction differs");
    expect(faultOf(first, queueItems, { ...FOUNDING, charter: FOUNDING.charter.slice(1) })).toBe(
      "founding transaction differs",
    );
    expect(faultOf(first, queueItems, { ...FOUNDING, metisDao: providers[0]! })).toBe("founding transaction differs");
    expect(faultOf(second, queueItems.slice(1), { ...FOUNDING, charter })).toBeNull();
  });

  it("is at fault with deposits that are others, fewer, more, or in another order than due", () => {
    const fault = "deposit transaction differs";
    const [one, two] = queueItems as [QueueItem, QueueItem];
    for (const change of [{ mint: 1n }, { to: providers[0]! }, { from: providers[0]! }, { queueIndex: 9n }])
      expect(faultOf(first, [one, { ...two, ...change }])).toBe(fault);
    expect(faultOf(first, [two, one])).toBe(fault);
    expect(faultOf(first, [one])).toBe("a system transaction among the users'");
    expect(faultOf(first, [one, two, { ...two, queueIndex: 2n }])).toBe(fault);
  });

  it("is at fault with a system transaction among the users', of whatever source", () => {
    const extra = [first.transactions[0]!, first.transactions[1]!, encoded(queueTransaction(queueItems[0]!))];
    for (const raw of [...extra, first.transactions[SETTLE]!, Uint8Array.of(0x7e)])
      for (const at of [4, 5]) expect(faultOf(replaced(first, at, raw))).toBe("a system transaction among the users'");
  });

  it("is at fault when nothing but context and settle is in it; a founding or a deposit is reason enough", () => {
    const empty = (parent = parentOf(first), due: readonly QueueItem[] = []) =>
      blockOn({ view, parent, queueItems: due, transactions: [] });
    expect(faultOf(empty(), [])).toBe("no transaction but the system's");
    expect(faultOf(empty(GENESIS), [])).toBeNull();
    expect(faultOf(empty(parentOf(first), queueItems), queueItems)).toBeNull();
  });

  it("is at fault when it is cut short, at whatever place", () => {
    for (let length = 0; length < first.transactions.length; length++)
      expect(faultOf(withTransactions(first, first.transactions.slice(0, length)))).not.toBeNull();
    expect(faultOf(withTransactions(first, first.transactions.slice(0, 4)))).toBe(
      "shorter than its system transactions",
    );
  });

  it("is at fault without settle, with more after it, with a broken one", () => {
    for (const ending of [users[1]!, Uint8Array.of(0x7e), Uint8Array.of(0x7e, 0xc0), new Uint8Array(0)])
      expect(faultOf(replaced(first, SETTLE, ending))).toBe("does not end in settle");
    const { data } = decoded(first.transactions[SETTLE]!);
    for (const byte of [0, 4, 36, 66, 68, 99, 132])
      expect(faultOf(turned(first, SETTLE, byte))).toBe("does not end in settle");
    expect(data.length).toBe(4 + 32 * 10);
  });

  it("is at fault when settle takes other L1 fees than the users' transactions pay", () => {
    expect(faultOf(settled(first, {}))).toBeNull();
    const { l1BaseFee } = first.context;
    const [one, two] = users.map((raw) => l1FeeOf(raw, l1BaseFee)) as [bigint, bigint];
    for (const l1Fees of [0n, one, two, one + two - 1n, one + two + 1n])
      expect(faultOf(settled(first, { l1Fees }))).toBe("settle transaction differs");
  });

  it("is at fault when settle pays others than the holders of the seats that served, or pays them otherwise", () => {
    const fault = "settle transaction differs";
    const other = PROVIDERS.find(({ operator }) => !providers.includes(operator))!.operator;
    expect(faultOf(settled(first, { providers: providers.slice(1), seated: 1 }))).toBe(fault);
    expect(faultOf(settled(first, { providers: [], seated: 0 }))).toBe(fault);
    expect(faultOf(settled(first, { providers: [providers[0]!, other] }))).toBe(fault);
    expect(faultOf(settled(first, { providers: providers.toReversed() }))).toBe(fault);
    for (const seated of [0, 1, 2].filter((count) => count !== seatedIn(first.context.work)))
      expect(faultOf(settled(first, { seated }))).toBe(fault);
    expect(faultOf(settled(first, { seated: 3 }))).toBe("does not end in settle");
    const many = Array.from({ length: LIMITS.seats + 1 }, () => providers[0]!);
    expect(faultOf(settled(first, { providers: many }))).toBe("does not end in settle");
  });

  it("is at fault when it names other seats than a block may have", () => {
    const fault = "other seats than a block may have";
    const withWork = (work: Work) => faultOf({ ...first, context: { ...first.context, work } });
    const [one, two] = servedBy(first.context.work) as [number, number];
    for (const seats of [[], [one], [one, two, one], [one, two, null], [null, null, null, null, one, two]])
      expect(withWork({ attempt: 0, seats })).toBe(fault);
    expect(withWork({ attempt: LIMITS.jobAttempts, seats: [one, two] })).toBe(fault);
    // seats that stand in are paid otherwise than those that are their own
    const paidAs = [
      [one, two],
      [one, null, two],
      [null, null, one, two],
    ].map((seats) => ({ attempt: 0, seats }));
    for (const work of [...paidAs, { attempt: 1, seats: [one, two] }])
      expect(withWork(work)).toBe(
        seatedIn(work) === seatedIn(first.context.work) ? null : "settle transaction differs",
      );
  });

  it("is at fault when settle enters other addresses than its transactions name, or more than a block may", () => {
    const many = Array.from({ length: LIMITS.seenAddresses + 1 }, (_, i) => toHex(toWord(BigInt(i)).subarray(12)));
    const [named] = namedAddresses(CHAIN, users);
    expect(faultOf(settled(first, { seen: [named!] }))).toBeNull();
    for (const seen of [[], [named!, named!], [many[0] as Address], [named!, many[0] as Address]])
      expect(faultOf(settled(first, { seen }))).toBe("settle transaction differs");
    expect(faultOf(settled(first, { seen: many as Address[] }))).toBe("does not end in settle");
  });

  it("has no fault for any block that openingTransactions and closingTransaction make", () => {
    const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => toHex(bytes) as Address);
    const word = fc.bigInt(0n, 2n ** 256n - 1n);
    const gas = fc.bigInt(0n, 2n ** 64n - 1n);
    const kind = fc.constantFrom("depositMT", "message", "forced", "exit");
    const data = fc.uint8Array({ maxLength: 100 });
    const parties = { from: address, to: address };
    const item = fc.record({ kind, ...parties, mint: word, value: word, gasLimit: gas, data });
    const due = fc.array(item, { maxLength: LIMITS.blockQueueItems });
    const userTransactions = fc.array(
      fc.uint8Array({ minLength: 1, maxLength: 300 }).filter((raw) => raw[0] !== 0x7e),
      { maxLength: 20 },
    );
    const uint64 = fc.bigInt(0n, 2n ** 64n - 1n);
    const spec = fc.record({
      number: fc.oneof(fc.constant(1n), fc.bigInt(2n, 2n ** 64n - 1n)),
      generation: uint64,
      context: fc.record({ slot: uint64, l1Block: uint64, l1BaseFee: uint64 }),
      founding: fc.record({ charter: fc.uint8Array({ maxLength: 2_000 }), metisDao: address, bridge: address }),
      due,
      transactions: userTransactions,
      paid: fc.tuple(address, fc.array(address, { minLength: LIMITS.seats, maxLength: LIMITS.seats })),
      passed: fc.subarray([0, 1, 2], { maxLength: LIMITS.standIns }),
      attempt: fc.nat(LIMITS.jobAttempts - 1),
      isIdle: fc.boolean(),
    });
    fc.assert(
      fc.property(
        spec,
        ({ number, generation, context, founding, due: items, transactions, paid: [head, served], ...made }) => {
          fc.pre(number === 1n || items.length + transactions.length > 0);
          const queued = items.map((queued, i) => ({ ...queued, queueIndex: BigInt(i) }));
          const hasJob = transactions.length > 0 || !made.isIdle;
          const rest = hasJob ? served : [];
          const seats = [0, 1, 2, 3].filter((seat) => !made.passed.includes(seat)).slice(0, rest.length);
          const line = Array.from({ length: (seats.at(-1) ?? -1) + 1 }, (_, seat) =>
            seats.includes(seat) ? seat : null,
          );
          const work = hasJob ? { attempt: made.attempt, seats: line } : NO_WORK;
          const paid = [head, ...rest] as const;
          const { l1BaseFee } = context;
          const place = { number, generation, context, founding, queueItems: queued };
          const count = openingTransactions({ ...place, transactionCount: 0 }).length + transactions.length + 1;
          const raws = [
            ...openingTransactions({ ...place, transactionCount: count }).map(encoded),
            ...transactions,
            encoded(closingTransaction(CHAIN, { number, l1BaseFee }, { paid, seated: seatedIn(work), transactions })),
          ];
          const block = {
            ...first,
            generation,
            header: { ...first.header, number },
            context: { ...first.context, ...context, work },
            transactions: raws,
          };
          expect(raws.length).toBe(count);
          expect(layoutFault(block, founding, { queueItems: queued, providers: rest })).toBeNull();
          expect(paidBy(block)).toEqual(paid);
        },
      ),
    );
  });
});

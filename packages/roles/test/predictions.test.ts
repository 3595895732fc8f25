import {
  type Address,
  bytesToBigInt,
  concatBytes,
  fromHex,
  type Hash,
  keccak,
  keccakHash,
  LIMITS,
  type StateKey,
  stateKeyId,
  toHex,
  toWord,
  toWordHex,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Call, PREDICTION_LIMITS, Predictions, type ReadingCall } from "../src/index.ts";

let drawn = 0;
/** An account that was never seen before. */
const anyone = (): Address => addressNamed(`account ${drawn++}`);
const addressNamed = (name: string): Address => toHex(keccak(new TextEncoder().encode(name)).subarray(12)) as Address;

const TOKEN = addressNamed("token");
const OTHER = addressNamed("other contract");
const word = (value: bigint | Address): Uint8Array => toWord(BigInt(value));

const call = (to: Address, selector: string, words: readonly (bigint | Address)[], from = anyone()): Call => ({
  from,
  to,
  data: concatBytes(fromHex(selector), ...words.map(word)),
});

/** Storage slot of a mapping's value, as Solidity lays it out. */
function mapped(base: number, keys: readonly (bigint | Address)[], field = 0n): Hash {
  const hash = keys.reduce((inner, key) => keccak(concatBytes(word(key), inner)), word(BigInt(base)));
  return toWordHex(bytesToBigInt(hash) + field);
}

const slot = (address: Address, at: Hash | bigint): StateKey => ({
  kind: "slot",
  address,
  slot: typeof at === "bigint" ? toWordHex(at) : at,
});
const account = (address: Address): StateKey => ({ kind: "account", address });
const NOTHING: ReadonlySet<string> = new Set();
const idsOf = (keys: readonly StateKey[]): readonly string[] => keys.map(stateKeyId).sort();

/** Token transfers among accounts of which most are new, with what they read. */
function transferring(to = anyone(), from = anyone()): ReadingCall {
  const reads = [slot(TOKEN, mapped(0, [from])), slot(TOKEN, mapped(0, [to])), slot(TOKEN, 5n)];
  return { call: call(TOKEN, "0xa9059cbb", [to, 7n], from), reads };
}

const times = <T>(count: number, make: (i: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));
/** Has two transactions of a kind learned. */
function taught(make: () => ReadingCall): Predictions {
  const predictions = new Predictions();
  predictions.learn(times(2, make), NOTHING);
  return predictions;
}

/** That what a transaction reads is predicted once two others of its kind have been seen. */
function expectForetold(make: () => ReadingCall): void {
  const predictions = taught(make);
  const { call: next, reads } = make();
  expect(idsOf(predictions.predict([next], NOTHING))).toEqual(idsOf(reads));
}

/** A contract whose transactions read what nobody can foretell: slots that are hashes of something else. */
const junk = (count: number, to = OTHER): ReadingCall => ({
  call: call(
    to,
    "0x00000001",
    times(16, () => anyone()),
  ),
  reads: times(count, () => slot(to, keccakHash(word(BigInt(drawn++))))),
});

describe("predictions of reads", () => {
  it("foretell balances of a token for senders and receivers that were never seen", () => {
    expectForetold(transferring);
  });

  it("foretell allowances, by sender and argument, by argument and sender, by sender and a contract that was touched", () => {
    expectForetold(() => {
      const [from, owner, to] = [anyone(), anyone(), anyone()];
      const reads = [
        slot(TOKEN, mapped(1, [owner, from])),
        slot(TOKEN, mapped(2, [from, owner])),
        account(OTHER),
        slot(TOKEN, mapped(3, [from, OTHER])),
        slot(TOKEN, mapped(3, [TOKEN, to])),
      ];
      return { call: call(TOKEN, "0x23b872dd", [owner, to, 9n], from), reads };
    });
  });

  it("foretell values by identifiers, and the words of structs in mappings", () => {
    let id = 1_000n;
    expectForetold(() => {
      const own = id++;
      return {
        call: call(TOKEN, "0x01020304", [own]),
        reads: times(3, (i) => slot(TOKEN, mapped(4, [own], BigInt(i)))),
      };
    });
  });

  it("foretell accounts that calldata names, and what is kept in them and by them", () => {
    expectForetold(() => {
      const [from, token] = [anyone(), anyone()];
      const reads = [account(token), slot(token, 8n), slot(token, mapped(0, [from])), slot(OTHER, mapped(6, [token]))];
      return { call: call(TOKEN, "0x0a0b0c0d", [5n, token], from), reads };
    });
  });

  it("foretell what is the same for all, contracts and slots, and nothing of another selector or contract", () => {
    const make = (): ReadingCall => ({
      call: call(TOKEN, "0x11111111", []),
      reads: [account(OTHER), slot(OTHER, 3n), slot(TOKEN, keccakHash(word(1n)))],
    });
    expectForetold(make);
    const predictions = taught(make);
    expect(predictions.predict([call(TOKEN, "0x11111112", []), call(OTHER, "0x11111111", [])], NOTHING)).toEqual([]);
    expect(predictions.predict([{ from: anyone(), to: null, data: make().call.data }], NOTHING)).toEqual([]);
  });

  it("never say what names the chain, nor code, which comes with its account", () => {
    const reads: StateKey[] = [
      { kind: "number" },
      { kind: "chainId" },
      { kind: "blockHash", number: 1n },
      { kind: "code", hash: keccakHash(word(1n)) },
    ];
    const predictions = taught(() => ({ call: call(TOKEN, "0x11111111", []), reads }));
    expect(predictions.size).toBe(0);
    expect(predictions.predict([call(TOKEN, "0x11111111", [])], NOTHING)).toEqual([]);
  });

  it("say each key once, and none that is there anyhow", () => {
    const predictions = taught(transferring);
    const { call: next, reads } = transferring();
    const given = new Set([stateKeyId(reads[0]!)]);
    expect(idsOf(predictions.predict([next, next], given))).toEqual(idsOf(reads.slice(1)));
  });

  it("do not say what one transaction alone has read", () => {
    const predictions = new Predictions();
    predictions.learn([junk(20)], NOTHING);
    predictions.learn([junk(20)], NOTHING);
    expect(predictions.predict([junk(0).call], NOTHING)).toEqual([]);
  });

  it("forget what is not read any more within a few jobs", () => {
    const predictions = taught(transferring);
    const silent = (): ReadingCall => ({ ...transferring(), reads: [] });
    for (let job = 0; job < 16; job++) predictions.learn([silent()], NOTHING);
    expect(predictions.size).toBe(0);
    expect(predictions.predict([transferring().call], NOTHING)).toEqual([]);
  });

  it("keep what some transactions of a kind read, such as one of several markets", () => {
    const markets = times(4, (i) => addressNamed(`market ${i}`));
    let turn = 0;
    const make = (): ReadingCall => ({
      call: call(TOKEN, "0x38ed1739", []),
      reads: [account(markets[turn % 4]!), slot(markets[turn++ % 4]!, 8n)],
    });
    const predictions = new Predictions();
    for (let job = 0; job < 100; job++) predictions.learn([make()], NOTHING);
    expect(predictions.predict([make().call], NOTHING).length).toBe(8);
  });

  it("are found for at least 95 of 100 reads of token transfers after 100 blocks amid others that cannot be foretold", () => {
    const predictions = new Predictions();
    const block = (): readonly ReadingCall[] => [...times(5, () => junk(10)), ...times(10, () => transferring())];
    for (let job = 0; job < 100; job++) predictions.learn(block(), NOTHING);
    const next = times(10, () => transferring());
    const predicted = new Set(
      idsOf(
        predictions.predict(
          next.map((each) => each.call),
          NOTHING,
        ),
      ),
    );
    const reads = new Set(next.flatMap((each) => idsOf(each.reads)));
    const hits = [...reads].filter((id) => predicted.has(id)).length;
    expect(hits / reads.size).toBeGreaterThanOrEqual(0.95);
  });
});

/** A transaction that reads a contract's first slots. */
const fixed = (count: number, to = OTHER): ReadingCall => ({
  call: call(to, "0x00000002", []),
  reads: times(count, (i) => slot(to, BigInt(i))),
});

/** Traffic drawn at random, of few contracts, in which reads follow from calldata or from nothing. */
const traffic = fc.array(
  fc.array(
    fc.record({
      to: fc.integer({ min: 0, max: 3 }),
      selector: fc.integer({ min: 0, max: 2 }),
      words: fc.array(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), { maxLength: 4 }),
      bases: fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 4 }),
      own: fc.array(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), { maxLength: 4 }),
      user: fc.integer({ min: 0, max: 5 }),
    }),
    { maxLength: 6 },
  ),
  { maxLength: 12 },
);

describe("predictions of reads, whatever the traffic,", () => {
  it("follow from what was learned alone, so that two that learned the same say the same", () => {
    fc.assert(
      fc.property(traffic, (jobs) => {
        const both = [new Predictions(), new Predictions()] as const;
        for (const job of jobs) {
          const done = job.map(({ to, selector, words, bases, own, user }): ReadingCall => {
            const contract = addressNamed(`contract ${to}`);
            const from = addressNamed(`user ${user}`);
            const reads = [
              ...bases.map((base) => slot(contract, mapped(base, [words[0] ?? from]))),
              ...own.map((each) => slot(contract, each)),
            ];
            return { call: call(contract, `0x0000000${selector}`, words, from), reads };
          });
          const calls = done.map((each) => each.call);
          const [first, second] = both.map((each) => each.predict(calls, NOTHING));
          expect(first).toEqual(second);
          expect(first!.length).toBe(new Set(idsOf(first!)).size);
          for (const each of both) each.learn(done, NOTHING);
          expect(both[0].size).toBe(both[1].size);
        }
      }),
    );
  });

  it("keep no more patterns than they may, of one pair and in all, and a job adds no more than it may", () => {
    const predictions = new Predictions();
    predictions.learn([junk(200), junk(200)], NOTHING);
    expect(predictions.size).toBeLessThanOrEqual(PREDICTION_LIMITS.pairPatterns);
    let last = predictions.size;
    for (let job = 0; job < 12; job++) {
      predictions.learn(
        times(40, () => fixed(100, anyone())),
        NOTHING,
      );
      expect(predictions.size - last).toBeLessThan(3_000);
      last = predictions.size;
      expect(last).toBeLessThanOrEqual(PREDICTION_LIMITS.patterns);
    }
    expect(last).toBeGreaterThan(PREDICTION_LIMITS.patterns - PREDICTION_LIMITS.pairPatterns);
  });

  it("still know what was used a few blocks ago when blocks full of others have come since", () => {
    const predictions = taught(transferring);
    for (let job = 0; job < 7; job++)
      predictions.learn(
        times(200, () => fixed(100, anyone())),
        NOTHING,
      );
    expect(predictions.predict([transferring().call], NOTHING).length).toBe(3);
  });

  it("never lose what each block uses to what others fill the blocks with", () => {
    const predictions = taught(transferring);
    const filling = (): readonly ReadingCall[] => times(30, () => fixed(100, anyone()));
    for (let job = 0; job < 16; job++) {
      expect(predictions.predict([transferring().call], NOTHING).length).toBe(3);
      predictions.learn([transferring(), ...filling()], NOTHING);
    }
    expect(predictions.size).toBeGreaterThan(PREDICTION_LIMITS.patterns - PREDICTION_LIMITS.pairPatterns);
  });

  it("forget what was read for a thousand jobs and is not any more", () => {
    const predictions = taught(transferring);
    for (let job = 0; job < 1_000; job++) predictions.learn([transferring()], NOTHING);
    for (let job = 0; job < 160; job++) predictions.learn([{ ...transferring(), reads: [] }], NOTHING);
    expect(predictions.size).toBe(0);
  });

  it("look at a few hundred reads of a transaction, at a few words of calldata, and at a few accounts that it touched", () => {
    const behind = (count: number): readonly StateKey[] => {
      const reading = (): ReadingCall => {
        const { call, reads } = transferring();
        return { call, reads: [...fixed(count).reads, ...reads] };
      };
      return taught(reading)
        .predict([transferring().call], NOTHING)
        .filter((key) => key.kind === "slot" && key.address === TOKEN);
    };
    expect(behind(50).length).toBe(3);
    expect(behind(300)).toEqual([]);
    const byWord = (index: number): Predictions =>
      taught(() => {
        const words = times(20, () => anyone());
        return { call: call(TOKEN, "0x00000003", words), reads: [slot(TOKEN, mapped(0, [words[index]!]))] };
      });
    const words = times(20, () => anyone());
    const saidBy = (index: number) => byWord(index).predict([call(TOKEN, "0x00000003", words)], NOTHING);
    expect(saidBy(15)).toEqual([slot(TOKEN, mapped(0, [words[15]!]))]);
    expect(saidBy(16)).toEqual([]);
    const spenders = times(12, (i) => addressNamed(`spender ${i}`));
    const bySpender = (at: number, from: Address): ReadingCall => ({
      call: call(TOKEN, "0x00000004", [], from),
      reads: [...spenders.map(account), slot(TOKEN, mapped(1, [from, spenders[at]!]))],
    });
    expect(taught(() => bySpender(6, anyone())).predict([bySpender(6, anyone()).call], NOTHING).length).toBe(13);
    expect(taught(() => bySpender(8, anyone())).predict([bySpender(8, anyone()).call], NOTHING).length).toBe(12);
  });

  it("keep a few of the ways in which one read may be told", () => {
    const predictions = taught(() => {
      const same = anyone();
      const words = times(16, () => same);
      return { call: call(TOKEN, "0x00000005", words, same), reads: [slot(TOKEN, mapped(0, [same, same]))] };
    });
    expect(predictions.size).toBeLessThan(8);
  });

  it("say no more keys for a transaction and for a job than they may", () => {
    const wide = taught(() => fixed(200));
    expect(wide.predict([fixed(0).call], NOTHING).length).toBe(PREDICTION_LIMITS.pairPatterns);
    const token = taught(transferring);
    const calls = times(3_000, () => transferring().call);
    expect(token.predict(calls, NOTHING).length).toBe(PREDICTION_LIMITS.jobKeys);
    expect(PREDICTION_LIMITS.jobKeys).toBeLessThan(LIMITS.jobReadKeys / 2);
  });

  it("take no more steps for a job than they may, however often its transactions repeat themselves", () => {
    const predictions = taught(transferring);
    const [repeated, last] = [transferring().call, transferring().call];
    const said = (count: number): number =>
      predictions.predict([...times(count, () => repeated), last], NOTHING).length;
    expect(said(100)).toBe(5);
    expect(said(PREDICTION_LIMITS.steps)).toBe(3);
  });

  it("compare no more with a job's reads than they may, and take nothing for new that was not compared", () => {
    const predictions = taught(transferring);
    const before = predictions.size;
    const repeated = transferring();
    predictions.learn([...times(PREDICTION_LIMITS.steps / 4, () => repeated), ...times(50, () => junk(1))], NOTHING);
    expect(predictions.size).toBe(before);
  });

  it("search no more of a job for what its reads follow from than they may", () => {
    const predictions = new Predictions();
    const searches = PREDICTION_LIMITS.jobSearch / PREDICTION_LIMITS.transactionSearch;
    const hostile = times(searches, () => junk(1, anyone()));
    predictions.learn([...hostile, transferring(), transferring()], NOTHING);
    expect(predictions.predict([transferring().call], NOTHING)).toEqual([slot(TOKEN, 5n)]);
    predictions.learn([...hostile.slice(1), transferring(), transferring()], NOTHING);
    expect(predictions.predict([transferring().call], NOTHING).length).toBe(3);
  });

  it("search what reads the unforetellable again and again only now and then, so that it leaves the rest of the searches to others", () => {
    const predictions = new Predictions();
    for (let job = 0; job < 8; job++)
      predictions.learn(
        times(4, () => junk(1)),
        NOTHING,
      );
    predictions.learn([...times(8, () => junk(1)), transferring(), transferring()], NOTHING);
    expect(predictions.predict([transferring().call], NOTHING).length).toBe(3);
  });

  it("learn what all of a kind read although its place was full of what single ones read", () => {
    const predictions = new Predictions();
    for (let job = 0; job < 3; job++)
      predictions.learn(
        times(4, () => junk(100)),
        NOTHING,
      );
    const steady = slot(OTHER, 1n);
    const both = (): ReadingCall => ({ ...junk(0), reads: [steady, ...junk(100).reads] });
    for (let job = 0; job < 3; job++) predictions.learn([both()], NOTHING);
    expect(predictions.predict([junk(0).call], NOTHING)).toEqual([steady]);
  });
});

import {
  accountWriteCodec,
  addressOf,
  batchHeaderCodec,
  blockContextCodec,
  blockEnvironmentCodec,
  blockOutcomeCodec,
  type Codec,
  CodecError,
  chainIdCodec,
  decode,
  decodeAnswer,
  decodeBlock,
  decodeRequest,
  decodeSystemTransaction,
  encode,
  encodeAnswer,
  encodeBlock,
  encodeRequest,
  encodeRlp,
  encodeRlpList,
  encodeSystemTransaction,
  equalBytes,
  headerCodec,
  jobCodec,
  jobIdCodec,
  jobResultCodec,
  logCodec,
  type NamedAnswer,
  type NamedRequest,
  networkIdentityCodec,
  outcomeCodec,
  REQUESTS,
  type RequestName,
  RlpCursor,
  type RlpInput,
  statedReadCodec,
  stateEntryCodec,
  stateKeyCodec,
  toChainId,
  transactionMessageCodec,
  workCodec,
  workEvidenceCodec,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as some from "./arbitraries.ts";

/** One format: how its values are made, written and read. */
type Format = {
  readonly name: string;
  readonly values: fc.Arbitrary<unknown>;
  readonly write: (value: never) => Uint8Array;
  readonly read: (data: Uint8Array) => unknown;
};

const LARGE = 1 << 24;
const CHAIN = toChainId(77n);

const ofCodec = <T>(name: string, codec: Codec<T>, values: fc.Arbitrary<T>): Format => ({
  name,
  values,
  write: (value: T) => encode(codec, value),
  read: (data) => decode(codec, data, LARGE),
});

const names = Object.keys(REQUESTS) as RequestName[];

const FORMATS: readonly Format[] = [
  ofCodec("chain ID", chainIdCodec, some.chainIds),
  ofCodec("job ID", jobIdCodec, some.jobIds),
  ofCodec("network identity", networkIdentityCodec, some.networks),
  ofCodec("state key", stateKeyCodec, some.stateKeys),
  ofCodec("state entry", stateEntryCodec, some.stateEntries),
  ofCodec("stated read", statedReadCodec, some.statedReads),
  ofCodec("log", logCodec, some.logs),
  ofCodec("account write", accountWriteCodec, some.accountWrites),
  ofCodec("block outcome", blockOutcomeCodec, some.blockOutcomes),
  ofCodec("outcome", outcomeCodec, some.outcomes),
  ofCodec("transaction message", transactionMessageCodec, some.messages),
  ofCodec("block environment", blockEnvironmentCodec, some.environments),
  ofCodec("header", headerCodec, some.headers),
  ofCodec("block context", blockContextCodec, some.contexts),
  ofCodec("work", workCodec, some.wireWorks),
  ofCodec("evidence", workEvidenceCodec, some.evidence),
  ofCodec("job", jobCodec, some.jobs),
  ofCodec("job result", jobResultCodec, some.jobResults),
  ofCodec("batch header", batchHeaderCodec, some.batchHeaders),
  { name: "sealed block", values: some.sealedBlocks, write: encodeBlock, read: decodeBlock },
  {
    name: "system transaction",
    values: some.systemTransactions,
    write: (value) => encodeSystemTransaction(CHAIN, value),
    read: (data) => decodeSystemTransaction(data, CHAIN),
  },
  ...names.flatMap((name): Format[] => [
    {
      name: `request ${name}`,
      values: some.requestBodies[name].request,
      write: (body) => encodeRequest({ name, body } as NamedRequest),
      read: (data) => decodeRequest(name, data).body,
    },
    {
      name: `answer ${name}`,
      values: some.requestBodies[name].answer,
      write: (body) => encodeAnswer({ name, body } as NamedAnswer),
      read: (data) => decodeAnswer(name, data).body,
    },
  ]),
];

/** Decodes, or null with a CodecError; any other exception, or a second encoding of one value, fails the test. */
function readOrRefuse(format: Format, data: Uint8Array): unknown {
  let value: unknown;
  try {
    value = format.read(data);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return null;
  }
  expect(equalBytes(format.write(value as never), data), "decoded, but encodes to other bytes").toBe(true);
  return value;
}

function toTree(cursor: RlpCursor): RlpInput {
  if (!cursor.nextIsList) return cursor.string(LARGE);
  const items = cursor.list();
  const tree: RlpInput[] = [];
  while (!items.done) tree.push(toTree(items));
  return tree;
}

/** Strings that are wrong in most places: integers with leading zeros, wrong lengths, marks, high bits. */
const wrongItems: readonly RlpInput[] = [
  new Uint8Array(0),
  Uint8Array.of(0),
  Uint8Array.of(0, 1),
  Uint8Array.of(255),
  new Uint8Array(9).fill(255),
  new Uint8Array(20),
  new Uint8Array(32).fill(255),
  new Uint8Array(33).fill(255),
  new Uint8Array(96),
  Uint8Array.of(0xef, 0xbb, 0xbf),
  Uint8Array.of(0xc3),
  [],
  [[]],
  [[], []],
];

/** Puts `item` in place of the node number `position` of the tree (walked depth first), or beside it. */
function graft(tree: RlpInput, position: number, item: RlpInput, how: "replace" | "add" | "drop"): RlpInput {
  let at = 0;
  const walk = (node: RlpInput): RlpInput[] => {
    if (at++ === position) return how === "replace" ? [item] : how === "drop" ? [] : [node, item];
    if (node instanceof Uint8Array) return [node];
    return [node.flatMap(walk)];
  };
  return walk(tree)[0] ?? [];
}

const nested = (depth: number): Uint8Array => {
  let data = encodeRlp([]);
  for (let i = 0; i < depth; i++) data = encodeRlpList([data]);
  return data;
};

const DEPTHS = [0, 1, 5, 100, 5_000].map(nested);

describe.each(FORMATS)("format: $name", (format) => {
  it("decode(encode(x)) is x", () => {
    fc.assert(
      fc.property(format.values, (value) => {
        expect(format.read(format.write(value as never))).toEqual(value);
      }),
      some.RUNS,
    );
  });

  it("truncated, extended and mutated bytes decode canonically or give a CodecError", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(format.values, edits, fc.nat(), fc.uint8Array({ minLength: 1 }), (value, changes, cut, tail) => {
        const data = format.write(value as never);
        const changed = data.slice();
        for (const [at, byte] of changes) changed[at % changed.length] = byte;
        readOrRefuse(format, changed);
        expect(readOrRefuse(format, data.subarray(0, cut % data.length))).toBe(null);
        const longer = new Uint8Array([...data, ...tail]);
        expect(readOrRefuse(format, longer)).toBe(null);
      }),
      some.RUNS,
    );
  });

  it("trees with a wrong, missing or additional item decode canonically or give a CodecError", () => {
    const edits = fc.tuple(
      fc.nat({ max: 60 }),
      fc.constantFrom(...wrongItems),
      fc.constantFrom("replace", "add", "drop"),
    );
    fc.assert(
      fc.property(format.values, edits, (value, [position, item, how]) => {
        const data = format.write(value as never);
        const head = format.name === "system transaction" ? data.subarray(0, 1) : new Uint8Array(0);
        const tree = toTree(new RlpCursor(data.subarray(head.length)));
        const changed = encodeRlp(graft(tree, position, item, how as "replace"));
        readOrRefuse(format, new Uint8Array([...head, ...changed]));
      }),
      some.RUNS,
    );
  });

  it("random bytes and deep nesting give a CodecError, or a canonical value", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        readOrRefuse(format, data);
      }),
      some.RUNS,
    );
    for (const depth of DEPTHS) readOrRefuse(format, depth);
    readOrRefuse(format, new Uint8Array(0));
  });
});

describe("closed sets of numbers", () => {
  const codeOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof CodecError) return error.code;
      throw error;
    }
    return "none";
  };

  it("transaction types and statuses that do not exist are neither written nor read", () => {
    const [message] = fc.sample(some.messages, { numRuns: 1, seed: 1 });
    const [outcome] = fc.sample(some.blockOutcomes, { numRuns: 1, seed: 1 });
    for (const type of [3, 5, 0x7e, 255]) {
      expect(codeOf(() => encode(transactionMessageCodec, { ...message!, type: type as 0 }))).toBe("out-of-range");
      const tree = toTree(new RlpCursor(encode(transactionMessageCodec, { ...message!, type: 1 }))) as RlpInput[];
      const changed = encodeRlp(tree.with(0, Uint8Array.of(type)));
      expect(codeOf(() => decode(transactionMessageCodec, changed, LARGE))).toBe("out-of-range");
    }
    expect(codeOf(() => encode(blockOutcomeCodec, { ...outcome!, status: 2 as 1 }))).toBe("out-of-range");
    const tree = toTree(new RlpCursor(encode(blockOutcomeCodec, { ...outcome!, status: 1 }))) as RlpInput[];
    expect(codeOf(() => decode(blockOutcomeCodec, encodeRlp(tree.with(0, Uint8Array.of(2))), LARGE))).toBe(
      "out-of-range",
    );
  });
});

describe("sizes", () => {
  it("bytes beyond a message's bound are refused before they are looked at", () => {
    for (const name of names) {
      const { maxRequestBytes, maxAnswerBytes } = REQUESTS[name];
      expect(() => decodeRequest(name, new Uint8Array(maxRequestBytes + 1))).toThrowError(
        expect.objectContaining({ name: "CodecError", code: "too-large" }),
      );
      expect(() => decodeAnswer(name, new Uint8Array(maxAnswerBytes + 1))).toThrowError(
        expect.objectContaining({ name: "CodecError", code: "too-large" }),
      );
    }
  });

  it("an address made from a key is one that the codecs take", () => {
    const from = addressOf(new Uint8Array(32).fill(1));
    expect(decode(logCodec, encode(logCodec, { address: from, topics: [], data: new Uint8Array(0) }), 64).address).toBe(
      from,
    );
  });
});

import {
  type AccountWrite,
  type Address,
  AddressTable,
  type BlockContext,
  bigIntToBytes,
  type ChainId,
  concatBytes,
  contextTransaction,
  decodeAnswer,
  decodeBatch,
  decodeBlock,
  decodeRequest,
  depositItem,
  encode,
  encodeAnswer,
  encodeBlock,
  encodeBlocks,
  encodeRequest,
  encodeRlp,
  encodeSystemTransaction,
  foundingTransaction,
  fromHex,
  type Hash,
  type Hex,
  type Job,
  type JobId,
  jobCodec,
  LIMITS,
  PARCEL_BYTES,
  postedTransactions,
  queueTransaction,
  REQUESTS,
  type RequestName,
  refused,
  type SealedBlock,
  type StateKey,
  type SystemTransaction,
  settleTransaction,
  toChainId,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUNS } from "./arbitraries.ts";

const hash = `0x${"ff".repeat(32)}` as Hash;
const jobId = hash as Hex as JobId;
const address = `0x${"ff".repeat(20)}` as Address;
const MAX_UINT64 = 2n ** 64n - 1n;
const chainId = toChainId(4503599627370475n);
const filled = (size: number): Uint8Array => new Uint8Array(size).fill(0xff);
const repeat = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
const largestKey: StateKey = { kind: "slot", address, slot: hash };
const names = Object.keys(REQUESTS) as RequestName[];

describe("table of requests", () => {
  it("one protocol name each, of one version, and bounds within those of a message", () => {
    expect(new Set(names.map((name) => REQUESTS[name].protocol)).size).toBe(names.length);
    for (const name of names) {
      const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS[name];
      expect(protocol).toMatch(/^\/mvm\/1\/[a-z]+$/);
      for (const bound of [maxRequestBytes, maxAnswerBytes]) {
        expect(bound).toBeGreaterThan(0);
        // what is sealed holds a message, padded
        expect(bound).toBeLessThanOrEqual(PARCEL_BYTES + 64 * 1024);
      }
    }
  });

  it("requests for the most keys fit their bounds", () => {
    const keys = repeat(LIMITS.readKeys, largestKey);
    const values = encodeRequest({ name: "values", body: { jobId, keys } });
    expect(decodeRequest("values", values).body.keys.length).toBe(LIMITS.readKeys);
    const reads = encodeRequest({ name: "reads", body: { chainId, stateRoot: hash, keys, forWrites: true } });
    expect(decodeRequest("reads", reads).body.keys.length).toBe(LIMITS.readKeys);
  });

  it("the largest requests of fixed form fit their bounds", () => {
    const head = encodeRequest({ name: "head", body: { chainId } });
    expect(decodeRequest("head", head).body.chainId).toBe(chainId);
    const blocks = { chainId, from: MAX_UINT64, count: LIMITS.blocksPerAnswer };
    expect(decodeRequest("blocks", encodeRequest({ name: "blocks", body: blocks })).body).toEqual(blocks);
  });

  it("a request for the most places of a state fits, and an answer of the most nodes or the longest codes", () => {
    const places = repeat(LIMITS.statePlaces, { kind: "accounts", hash } as const);
    const request = encodeRequest({ name: "state", body: { chainId, places } });
    expect(decodeRequest("state", request).body.places.length).toBe(LIMITS.statePlaces);
    for (const bytes of [32, 532, LIMITS.codeBytes]) {
      const blocks = repeat(Math.floor(LIMITS.statePartBytes / bytes), filled(bytes));
      const answer = encodeAnswer({ name: "state", body: { kind: "part", blocks } });
      const { body } = decodeAnswer("state", answer);
      expect(body.kind === "part" && body.blocks.length).toBe(blocks.length);
    }
  });

  it("a message of the largest transaction fits, and one of the most transactions of common size", () => {
    for (const transactions of [
      [filled(LIMITS.transactionBytes)],
      repeat(LIMITS.transactionsPerMessage, filled(2_048)),
    ]) {
      const sent = encodeRequest({ name: "offerTransactions", body: { chainId, transactions } });
      expect(decodeRequest("offerTransactions", sent).body.transactions).toEqual(transactions);
    }
  });

  it("an answer with a block of the largest size fits", () => {
    const sent = encodeAnswer({ name: "blocks", body: { kind: "blocks", blocks: [filled(LIMITS.blockBytes)] } });
    const { body } = decodeAnswer("blocks", sent);
    expect(body.kind === "blocks" && body.blocks[0]!.length).toBe(LIMITS.blockBytes);
  });

  it("answers for the most keys fit: values of accounts and slots, and proofs nine nodes deep", () => {
    const account = { nonce: MAX_UINT64, balance: 2n ** 256n - 1n, codeHash: hash };
    const entries = repeat(LIMITS.readKeys, { kind: "account", address, value: account } as const);
    const values = encodeAnswer({ name: "values", body: { kind: "values", entries } });
    expect(decodeAnswer("values", values).body.kind).toBe("values");
    const nodes = repeat(LIMITS.readKeys * 2 * 9, filled(532));
    const proof = encodeAnswer({ name: "reads", body: { kind: "proof", nodes, codes: [] } });
    expect(decodeAnswer("reads", proof).body.kind).toBe("proof");
  });

  it("codes of the largest size: two hundred fit one answer", () => {
    const codes = repeat(200, filled(LIMITS.codeBytes));
    const proof = encodeAnswer({ name: "reads", body: { kind: "proof", nodes: [], codes } });
    expect(decodeAnswer("reads", proof).body.kind).toBe("proof");
  });

  it("a job with the most predicted slots and a block's worth of data fits", () => {
    const entry = { kind: "slot", address, slot: hash, value: 2n ** 256n - 1n } as const;
    const environment = {
      timestamp: MAX_UINT64,
      baseFeePerGas: 2n ** 256n - 1n,
      gasLimit: MAX_UINT64,
      prevRandao: hash,
      feeRecipient: address,
    };
    const job: Job = { jobId, environment, messages: [], values: repeat(LIMITS.jobReadKeys, entry) };
    const size = encode(jobCodec, job).length + 2 * LIMITS.blockTransactionBytes;
    expect(size).toBeLessThan(REQUESTS.job.maxRequestBytes);
  });

  it("a result that states the reads of a whole block, and the logs of one transaction at the cap, fits", () => {
    const reads = repeat(LIMITS.jobReadKeys, { kind: "slot", address, slot: hash, value: 2n ** 256n - 1n } as const);
    const log = { address, topics: [], data: filled(Number(LIMITS.transactionGas) / 8) };
    const outcome = { kind: "included", status: 1, gasUsed: 1n, logs: [log], writes: [], reads } as const;
    const answer = { kind: "result", outcomes: [outcome], signature: `0x${"ff".repeat(96)}` } as const;
    const sent = encodeAnswer({ name: "job", body: answer });
    expect(decodeAnswer("job", sent).body.kind).toBe("result");
  });

  it("any refusal can be sent, its reason shortened", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 600 }),
      fc.constantFrom("€".repeat(300), "\u{1f600}".repeat(300)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), texts, fc.nat({ max: 3 }), (name, reason, skip) => {
        const body = refused(reason.slice(skip));
        expect(decodeAnswer(name, encodeAnswer({ name, body })).body).toEqual(body);
        expect(body.reason.length).toBeLessThanOrEqual(200);
      }),
      RUNS,
    );
  });
});

const context: BlockContext = {
  slot: MAX_UINT64,
  l1Block: MAX_UINT64,
  l1BaseFee: MAX_UINT64,
  queueEnd: MAX_UINT64,
  randomness: hash,
  work: { attempt: LIMITS.jobAttempts - 1, seats: [null, null, 2 ** 32 - 1, 2 ** 32 - 1] },
  evidence: hash,
};

/** The longest system transactions. */
const encoded = (transaction: SystemTransaction): Uint8Array => encodeSystemTransaction(chainId, transaction);
const opening = encoded(contextTransaction(MAX_UINT64, { ...context, generation: MAX_UINT64 }, 2 ** 32));
const deposit = encoded(
  queueTransaction(depositItem({ queueIndex: MAX_UINT64, from: address, to: address, mint: 2n ** 256n - 1n })),
);
const providers = repeat(LIMITS.seats, address);
const seen = repeat(LIMITS.seenAddresses, address);
const settlement = { sequencer: address, seated: LIMITS.seats, providers, l1Fees: 2n ** 256n - 1n, seen };
const settle = encoded(settleTransaction(MAX_UINT64, settlement));

/** Data of a batch of one block, by another poster than its sequencer, of which every number is as long as it can be. */
const postedAlone = (block: SealedBlock): Uint8Array =>
  encodeBlocks([block], {
    poster: `0x${"00".repeat(20)}` as Address,
    queueEnd: MAX_UINT64 - BigInt(LIMITS.blockQueueItems),
    table: new AddressTable(),
  });

function blockOf(transactions: readonly Uint8Array[], writes: readonly AccountWrite[] = []): SealedBlock {
  const header = {
    parentHash: hash,
    stateRoot: hash,
    transactionsRoot: hash,
    receiptsRoot: hash,
    logsBloom: filled(256),
    number: MAX_UINT64,
    gasUsed: MAX_UINT64,
    timestamp: MAX_UINT64,
    checkpointsRoot: hash,
    withdrawalsRoot: hash,
    prevRandao: hash,
    baseFeePerGas: 2n ** 256n - 1n,
  };
  const outcomes = transactions.map(() => ({ status: 1, gasUsed: MAX_UINT64, logs: [], writes }) as const);
  const point = `0x${"ff".repeat(96)}` as const;
  const evidence = { proof: point, result: hash, signatures: repeat(LIMITS.seats, point) };
  return {
    chainId: chainId as ChainId,
    generation: MAX_UINT64,
    header,
    context,
    transactions,
    outcomes,
    evidence,
    signature: `0x${"ff".repeat(65)}`,
  };
}

describe("blocks and batches", () => {
  it("a block with the most bytes of transactions fits a batch, however they are cut", () => {
    for (const count of [2, 100, LIMITS.blockTransactions - 2]) {
      const size = Math.floor(LIMITS.blockTransactionBytes / count);
      const transactions = repeat(count, filled(size));
      const block = blockOf([opening, ...transactions, settle]);
      const data = postedAlone(block);
      expect(data.length).toBeLessThanOrEqual(LIMITS.batchBytes);
      const decoded = decodeBatch(data, () => undefined);
      expect(decoded.ok && decoded.value.blocks[0]!.transactions).toEqual(transactions);
    }
  });

  it("a block full of transactions whose signatures have two bytes fits a batch", () => {
    const int = bigIntToBytes;
    const made = Array.from({ length: 2_000 }, (_, nonce) => {
      const fee = [int(1n), int(1n), int(21_000n)];
      const fields = [int(chainId), int(BigInt(nonce)), ...fee, fromHex(address), int(1n), int(0n), []];
      return concatBytes(Uint8Array.of(2), encodeRlp([...fields, int(0n), int(1n), int(1n)]));
    });
    const bytes = made.reduce((sum, { length }) => sum + length, 0);
    expect(bytes).toBeGreaterThan(LIMITS.blockTransactionBytes - 1_000);
    expect(bytes).toBeLessThanOrEqual(LIMITS.blockTransactionBytes);
    expect(postedAlone(blockOf([opening, ...made, settle])).length).toBeLessThanOrEqual(LIMITS.batchBytes);
  });

  it("a block with the most transactions and a write each fits the wire", () => {
    const account = { nonce: MAX_UINT64, balance: 2n ** 256n - 1n, codeHash: hash };
    const writes = repeat(3, { address, account, code: null, slots: [{ slot: hash, value: 2n ** 256n - 1n }] });
    const charter = filled(LIMITS.transactionBytes - 300);
    const system = [opening, encoded(foundingTransaction({ charter, metisDao: address, bridge: address }))];
    system.push(...repeat(LIMITS.blockQueueItems, deposit));
    const users = repeat(LIMITS.blockTransactions - system.length - 1, filled(43));
    const block = blockOf([...system, ...users, settle], writes);
    expect(decodeBlock(encodeBlock(block)).outcomes.length).toBe(LIMITS.blockTransactions);
  });

  it("only user transactions are posted: the system's follow from L1 and the block", () => {
    const user = Uint8Array.of(2, 1);
    const whole = blockOf([opening, deposit, user, settle]);
    expect(postedTransactions(whole)).toEqual([user]);
    expect(postedAlone(whole)).toEqual(postedAlone(blockOf([user, settle])));
  });
});

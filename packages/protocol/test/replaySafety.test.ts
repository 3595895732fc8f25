import {
  blockDigest,
  blockSigner,
  blocksTopic,
  blsKeyFromSeed,
  CHAIN_ID_BOUND,
  type ChainId,
  CodecError,
  decodeSystemTransaction,
  decodeTransaction,
  encodeSystemTransaction,
  evidenceHash,
  fromHex,
  type Hash,
  type Hex,
  jobIdOf,
  networkDomain,
  outcomesRoot,
  prevRandaoOf,
  resultDigest,
  resultHash,
  SYSTEM_SOURCES,
  signDigest,
  stateKeyId,
  systemTransactionHash,
  TransactionError,
  toHex,
  verifyBls,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as some from "./arbitraries.ts";

const RUNS = { numRuns: 50 };
const another = (hex: string, bit: number): Hex => {
  const bytes = fromHex(hex);
  bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
  return toHex(bytes);
};
/** A point of the signatures' group. */
const POINT = blsKeyFromSeed(new Uint8Array(32).fill(4)).sign(`0x${"04".repeat(32)}` as Hash);
const nextOf = (value: bigint): bigint => (value === 0n ? 1n : value - 1n);
const nextChain = (chainId: ChainId): ChainId =>
  (chainId === 1n ? CHAIN_ID_BOUND - 1n : chainId - 1n) as bigint as ChainId;

/** The same value with one field changed, for each field; `bit` picks what changes in byte strings. */
function variants<T extends object>(value: T, bit: number): { readonly field: string; readonly changed: T }[] {
  return Object.entries(value).flatMap(([field, old]) => {
    const changed =
      typeof old === "bigint"
        ? nextOf(old)
        : typeof old === "string" && old.startsWith("0x")
          ? another(old, bit)
          : old instanceof Uint8Array && old.length > 0
            ? fromHex(another(toHex(old), bit))
            : undefined;
    return changed === undefined ? [] : [{ field, changed: { ...value, [field]: changed } }];
  });
}

describe("nothing signed or committed for one place is valid for another (I11)", () => {
  it("network domain and topics: L1 chain and Comco", () => {
    fc.assert(
      fc.property(some.networks, some.chainIds, fc.nat(), (network, chainId, bit) => {
        for (const { field, changed } of variants(network, bit)) {
          expect(networkDomain(changed), field).not.toBe(networkDomain(network));
          expect(blocksTopic(changed, chainId), field).not.toBe(blocksTopic(network, chainId));
        }
        expect(blocksTopic(network, nextChain(chainId))).not.toBe(blocksTopic(network, chainId));
      }),
      RUNS,
    );
  });

  it("block digest: network, chain, generation, slot, height, every field of header and context, the body", () => {
    fc.assert(
      fc.property(some.networks, some.sealedBlocks, fc.nat(), (network, block, bit) => {
        const digest = blockDigest(network, block);
        for (const { field, changed } of variants(network, bit))
          expect(blockDigest(changed, block), field).not.toBe(digest);
        expect(blockDigest(network, { ...block, chainId: nextChain(block.chainId) })).not.toBe(digest);
        expect(blockDigest(network, { ...block, generation: nextOf(block.generation) })).not.toBe(digest);
        const headers = variants(block.header, bit);
        expect(headers.length).toBe(Object.keys(block.header).length);
        for (const { field, changed } of headers)
          expect(blockDigest(network, { ...block, header: changed }), field).not.toBe(digest);
        const { attempt, seats } = block.context.work;
        const works = [
          { attempt: attempt ^ 1, seats },
          { attempt, seats: seats.with(-1, seats.at(-1) === 0 ? 1 : seats.at(-1)! - 1) },
          { attempt, seats: seats.with(0, seats[0] === null ? 1 : null) },
          { attempt, seats: seats.map(() => null) },
        ];
        const contexts = [
          ...variants(block.context, bit),
          ...works.map((work) => ({ field: "work", changed: { ...block.context, work } })),
        ];
        expect(new Set(contexts.map(({ field }) => field))).toEqual(new Set(Object.keys(block.context)));
        for (const { field, changed } of contexts)
          expect(blockDigest(network, { ...block, context: changed }), field).not.toBe(digest);
        const transactions = [...block.transactions, Uint8Array.of(1)];
        expect(blockDigest(network, { ...block, transactions })).not.toBe(digest);
        const outcomes = [...block.outcomes, { status: 1 as const, gasUsed: 0n, logs: [], writes: [] }];
        expect(blockDigest(network, { ...block, outcomes })).not.toBe(digest);
        const { evidence } = block;
        if (evidence === null) return;
        const others = [
          null,
          ...variants(evidence, bit).map(({ changed }) => changed),
          { ...evidence, signatures: evidence.signatures.map((signature) => another(signature, bit)) },
          { ...evidence, signatures: evidence.signatures.slice(1) },
        ].slice(0, evidence.signatures.length === 0 ? 3 : 5);
        for (const other of others) expect(blockDigest(network, { ...block, evidence: other })).not.toBe(digest);
      }),
      RUNS,
    );
  });

  it("a block's signature names its signer in one network only", () => {
    const key = new Uint8Array(32).fill(9);
    fc.assert(
      fc.property(some.networks, some.sealedBlocks, fc.nat(), (network, unsigned, bit) => {
        const block = { ...unsigned, signature: signDigest(key, blockDigest(network, unsigned)) };
        const signer = blockSigner(network, block);
        expect(signer).not.toBe(null);
        for (const { changed } of variants(network, bit)) expect(blockSigner(changed, block)).not.toBe(signer);
        expect(blockSigner(network, { ...block, generation: nextOf(block.generation) })).not.toBe(signer);
      }),
      { numRuns: 20 },
    );
  });

  it("result digest: network, job, result", () => {
    fc.assert(
      fc.property(some.networks, some.jobIds, some.hashes, fc.nat(), (network, jobId, result, bit) => {
        const digest = resultDigest(network, jobId, result);
        for (const { field, changed } of variants(network, bit))
          expect(resultDigest(changed, jobId, result), field).not.toBe(digest);
        expect(resultDigest(network, another(jobId, bit) as Hex as typeof jobId, result)).not.toBe(digest);
        expect(resultDigest(network, jobId, another(result, bit) as typeof result)).not.toBe(digest);
      }),
      RUNS,
    );
  });

  it("a result's hash: environment, every message, every outcome, and neither the job's id nor its values", () => {
    fc.assert(
      fc.property(some.jobs, fc.array(some.outcomes, { maxLength: 3 }), fc.nat(), (job, outcomes, bit) => {
        const result = resultHash(job, outcomes);
        const environments = variants(job.environment, bit);
        expect(environments.length).toBe(Object.keys(job.environment).length);
        for (const { field, changed } of environments)
          expect(resultHash({ ...job, environment: changed }, outcomes), field).not.toBe(result);
        job.messages.forEach((message, at) => {
          for (const { field, changed } of variants(message, bit))
            expect(resultHash({ ...job, messages: job.messages.with(at, changed) }, outcomes), field).not.toBe(result);
        });
        const twice = [...job.messages, ...job.messages.slice(0, 1)];
        expect(resultHash({ ...job, messages: twice }, outcomes) === result).toBe(job.messages.length === 0);
        expect(resultHash(job, [...outcomes, { kind: "invalid", reason: "nonce-too-low", reads: [] }])).not.toBe(
          result,
        );
        const jobId = another(job.jobId, bit) as Hex as typeof job.jobId;
        expect(resultHash({ ...job, jobId, values: [] }, outcomes)).toBe(result);
      }),
      RUNS,
    );
  });

  it("outcomes' hash: every read, write, log, gas and status", () => {
    fc.assert(
      fc.property(some.outcomes, fc.nat(), (outcome, bit) => {
        fc.pre(outcome.kind === "included" && new Set(outcome.reads.map(stateKeyId)).size === outcome.reads.length);
        const hash = outcomesRoot([outcome]);
        const differ = (changed: typeof outcome): void => expect(outcomesRoot([changed])).not.toBe(hash);
        differ({ ...outcome, status: outcome.status === 0 ? 1 : 0 });
        differ({ ...outcome, gasUsed: nextOf(outcome.gasUsed) });
        outcome.logs.forEach((log, at) => {
          for (const { changed } of variants(log, bit)) differ({ ...outcome, logs: outcome.logs.with(at, changed) });
        });
        outcome.writes.forEach((write, at) => {
          differ({ ...outcome, writes: outcome.writes.toSpliced(at, 1) });
          differ({
            ...outcome,
            writes: outcome.writes.with(at, { ...write, address: another(write.address, bit) as typeof write.address }),
          });
        });
        outcome.reads.forEach((read, at) => {
          differ({ ...outcome, reads: outcome.reads.toSpliced(at, 1) });
          for (const { changed } of variants(read, bit)) differ({ ...outcome, reads: outcome.reads.with(at, changed) });
        });
      }),
      RUNS,
    );
  });

  it("a provider's signature holds in one network and for one job only", () => {
    const key = blsKeyFromSeed(new Uint8Array(32).fill(3));
    fc.assert(
      fc.property(some.networks, some.jobs, fc.nat(), (network, job, bit) => {
        const result = resultHash(job, []);
        const signature = key.sign(resultDigest(network, job.jobId, result));
        const holds = (digest: Hash): boolean => verifyBls(digest, key.publicKey, signature);
        expect(holds(resultDigest(network, job.jobId, result))).toBe(true);
        for (const { changed } of variants(network, bit))
          expect(holds(resultDigest(changed, job.jobId, result))).toBe(false);
        expect(holds(resultDigest(network, another(job.jobId, bit) as Hex as typeof job.jobId, result))).toBe(false);
      }),
      { numRuns: 10 },
    );
  });

  it("system transactions: chain, source, index and every other field; another chain refuses the bytes", () => {
    fc.assert(
      fc.property(some.chainIds, some.systemTransactions, fc.nat(), (chainId, transaction, bit) => {
        const hash = systemTransactionHash(chainId, transaction);
        const other = nextChain(chainId);
        expect(systemTransactionHash(other, transaction)).not.toBe(hash);
        expect(() => decodeSystemTransaction(encodeSystemTransaction(chainId, transaction), other)).toThrow(CodecError);
        for (const source of SYSTEM_SOURCES)
          expect(systemTransactionHash(chainId, { ...transaction, source }) === hash, source).toBe(
            source === transaction.source,
          );
        const data = new Uint8Array([...transaction.data, 0]);
        expect(systemTransactionHash(chainId, { ...transaction, data })).not.toBe(hash);
        for (const { field, changed } of variants(transaction, bit))
          expect(systemTransactionHash(chainId, changed), field).not.toBe(hash);
      }),
      RUNS,
    );
  });

  it("a system transaction's hash is of one chain, source and index: all their combinations differ", () => {
    fc.assert(
      fc.property(some.chainIds, some.systemTransactions, (chainId, transaction) => {
        const hashes = [chainId, nextChain(chainId)].flatMap((chain) =>
          SYSTEM_SOURCES.flatMap((source) =>
            [transaction.index, nextOf(transaction.index)].map((index) =>
              systemTransactionHash(chain, { ...transaction, source, index }),
            ),
          ),
        );
        expect(new Set(hashes).size).toBe(hashes.length);
      }),
      RUNS,
    );
  });

  it("no user's transaction passes for the system's: the type tells them apart", () => {
    fc.assert(
      fc.property(some.chainIds, some.systemTransactions, (chainId, transaction) => {
        const raw = encodeSystemTransaction(chainId, transaction);
        expect(() => decodeTransaction(raw, chainId)).toThrow(TransactionError);
        for (const type of [1, 2, 4])
          expect(() => decodeSystemTransaction(raw.with(0, type), chainId)).toThrow(CodecError);
      }),
      RUNS,
    );
  });

  it("one purpose's digest is none of another: randomness, jobs, evidence, blocks, results, networks", () => {
    fc.assert(
      fc.property(some.networks, some.jobs, some.sealedBlocks, (network, job, block) => {
        const { randomness } = block.context;
        const digests = [
          networkDomain(network),
          prevRandaoOf(randomness),
          jobIdOf(randomness, 0),
          evidenceHash({ proof: POINT, result: randomness, signatures: [] }),
          blockDigest(network, block),
          resultHash(job, []),
          resultDigest(network, job.jobId, randomness),
          outcomesRoot([]),
        ];
        expect(new Set(digests).size).toBe(digests.length);
      }),
      RUNS,
    );
  });

  it("state keys: equal keys have equal texts, others have others", () => {
    fc.assert(
      fc.property(some.stateKeys, some.stateKeys, (left, right) => {
        expect(stateKeyId({ ...left })).toBe(stateKeyId(left));
        if (left.kind !== right.kind) expect(stateKeyId(left)).not.toBe(stateKeyId(right));
        for (const { field, changed } of variants(left, 5))
          expect(stateKeyId(changed), field).not.toBe(stateKeyId(left));
      }),
      RUNS,
    );
  });
});

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
  fromHex,
  type Hex,
  networkDomain,
  outcomesHash,
  prevRandaoOf,
  resultDigest,
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
        const contexts = variants(block.context, bit);
        expect(contexts.length).toBe(Object.keys(block.context).length);
        for (const { field, changed } of contexts)
          expect(blockDigest(network, { ...block, context: changed }), field).not.toBe(digest);
        const transactions = [...block.transactions, Uint8Array.of(1)];
        expect(blockDigest(network, { ...block, transactions })).not.toBe(digest);
        const outcomes = [...block.outcomes, { status: 1 as const, gasUsed: 0n, logs: [], writes: [] }];
        expect(blockDigest(network, { ...block, outcomes })).not.toBe(digest);
        const seats = block.seats.map(({ provider, signature }) => ({ provider: provider ^ 1, signature }));
        if (seats.length > 0) expect(blockDigest(network, { ...block, seats })).not.toBe(digest);
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

  it("result digest: network, job, environment, every message, every outcome", () => {
    fc.assert(
      fc.property(
        some.networks,
        some.jobs,
        fc.array(some.outcomes, { maxLength: 3 }),
        fc.nat(),
        (network, job, outcomes, bit) => {
          const digest = resultDigest(network, job, outcomes);
          for (const { field, changed } of variants(network, bit))
            expect(resultDigest(changed, job, outcomes), field).not.toBe(digest);
          const jobId = another(job.jobId, bit) as Hex as typeof job.jobId;
          expect(resultDigest(network, { ...job, jobId }, outcomes)).not.toBe(digest);
          const environments = variants(job.environment, bit);
          expect(environments.length).toBe(Object.keys(job.environment).length);
          for (const { field, changed } of environments)
            expect(resultDigest(network, { ...job, environment: changed }, outcomes), field).not.toBe(digest);
          job.messages.forEach((message, at) => {
            for (const { field, changed } of variants(message, bit))
              expect(
                resultDigest(network, { ...job, messages: job.messages.with(at, changed) }, outcomes),
                field,
              ).not.toBe(digest);
          });
          expect(
            resultDigest(network, { ...job, messages: [...job.messages, ...job.messages.slice(0, 1)] }, outcomes) ===
              digest,
          ).toBe(job.messages.length === 0);
          expect(resultDigest(network, job, [...outcomes, { kind: "invalid", reason: "nonce-too-low" }])).not.toBe(
            digest,
          );
        },
      ),
      RUNS,
    );
  });

  it("outcomes' hash: every read, write, log, gas and status", () => {
    fc.assert(
      fc.property(some.outcomes, fc.nat(), (outcome, bit) => {
        fc.pre(outcome.kind === "included");
        const hash = outcomesHash([outcome]);
        const differ = (changed: typeof outcome): void => expect(outcomesHash([changed])).not.toBe(hash);
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
        const signature = key.sign(resultDigest(network, job, []));
        expect(verifyBls(resultDigest(network, job, []), key.publicKey, signature)).toBe(true);
        for (const { changed } of variants(network, bit))
          expect(verifyBls(resultDigest(changed, job, []), key.publicKey, signature)).toBe(false);
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

  it("one purpose's digest is none of another: randomness, blocks, results, networks", () => {
    fc.assert(
      fc.property(some.networks, some.jobs, some.sealedBlocks, (network, job, block) => {
        const digests = [
          networkDomain(network),
          prevRandaoOf(job.jobId),
          blockDigest(network, block),
          resultDigest(network, job, []),
          outcomesHash([]),
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

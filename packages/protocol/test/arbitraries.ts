/** Random values of every type of the protocol, for property tests. */
import {
  type Account,
  type AccountWrite,
  type Address,
  type BatchHeader,
  type BlockContext,
  type BlockEnvironment,
  type BlockOutcome,
  CHAIN_ID_BOUND,
  type ChainId,
  type Hash,
  type Header,
  type Hex,
  type InvalidReason,
  JOB_SEATS,
  type Job,
  type JobId,
  type JobResult,
  LIMITS,
  type Log,
  type NetworkIdentity,
  type Outcome,
  type RequestName,
  type SealedBlock,
  type StateEntry,
  type StateKey,
  SYSTEM_SOURCES,
  type SystemTransaction,
  type TransactionMessage,
  toHex,
  type Work,
  type WorkEvidence,
} from "@mvm/protocol";
import fc from "fast-check";

/** Runs of a property; small values, so that the whole folder stays within seconds. */
export const RUNS = { numRuns: 200 } as const;

export const hexOf = (size: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map(toHex);
export const uint = (bits: number): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt(0n, (1n << BigInt(bits)) - 1n), fc.bigInt(0n, 300n), fc.constant((1n << BigInt(bits)) - 1n));
const few = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { maxLength: 4 });

export const someBytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
export const hashes = hexOf(32) as fc.Arbitrary<Hash>;
export const addresses = hexOf(20) as fc.Arbitrary<Address>;
export const jobIds = hexOf(32) as fc.Arbitrary<Hex> as fc.Arbitrary<JobId>;
export const chainIds = fc.oneof(
  fc.bigInt(1n, CHAIN_ID_BOUND - 1n),
  fc.constantFrom(1n, CHAIN_ID_BOUND - 1n),
) as fc.Arbitrary<ChainId>;

export const networks: fc.Arbitrary<NetworkIdentity> = fc.record({ l1ChainId: uint(256), comco: addresses });

const accounts: fc.Arbitrary<Account> = fc.record({ nonce: uint(64), balance: uint(256), codeHash: hashes });
const codes = someBytes(80);
const variant = <K extends string, F extends object>(kind: K, fields: { [P in keyof F]: fc.Arbitrary<F[P]> }) =>
  fc.record({ kind: fc.constant(kind), ...fields }) as fc.Arbitrary<{ readonly kind: K } & F>;

export const stateKeys: fc.Arbitrary<StateKey> = fc.oneof(
  variant("account", { address: addresses }),
  variant("slot", { address: addresses, slot: hashes }),
  variant("code", { hash: hashes }),
  variant("number", {}),
  variant("chainId", {}),
  variant("blockHash", { number: uint(64) }),
);

/** With `code` empty: reads as a result states them. */
const entriesWith = (code: fc.Arbitrary<Uint8Array>): fc.Arbitrary<StateEntry> =>
  fc.oneof(
    variant("account", { address: addresses, value: fc.option(accounts) }),
    variant("slot", { address: addresses, slot: hashes, value: uint(256) }),
    variant("code", { hash: hashes, value: code }),
    variant("number", { value: uint(64) }),
    variant("chainId", { value: uint(64) }),
    variant("blockHash", { number: uint(64), value: hashes }),
  );
export const stateEntries = entriesWith(codes);
export const statedReads = entriesWith(fc.constant(new Uint8Array(0)));

export const logs: fc.Arbitrary<Log> = fc.record({
  address: addresses,
  topics: fc.array(hashes, { maxLength: 4 }),
  data: someBytes(70),
});

export const accountWrites: fc.Arbitrary<AccountWrite> = fc.record({
  address: addresses,
  account: fc.option(accounts),
  code: fc.option(codes),
  slots: few(fc.record({ slot: hashes, value: uint(256) })),
});

const blockOutcomeFields = {
  status: fc.constantFrom<0 | 1>(0, 1),
  gasUsed: uint(64),
  logs: few(logs),
  writes: few(accountWrites),
};
export const blockOutcomes: fc.Arbitrary<BlockOutcome> = fc.record(blockOutcomeFields);

/** Every reason: the type demands that none is left out. */
const REASONS: { readonly [R in InvalidReason]: true } = {
  "nonce-too-low": true,
  "nonce-too-high": true,
  "insufficient-funds": true,
  "fee-below-base-fee": true,
  "tip-above-fee": true,
  "intrinsic-gas": true,
  "gas-limit-above-block": true,
  "gas-limit-above-cap": true,
  "sender-has-code": true,
  "initcode-too-large": true,
  "nonce-overflow": true,
  "type-not-supported": true,
  "empty-authorizations": true,
  denied: true,
};
export const invalidReasons = fc.constantFrom(...(Object.keys(REASONS) as InvalidReason[]));

export const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  variant("included", { ...blockOutcomeFields, reads: few(statedReads) }),
  variant("invalid", { reason: invalidReasons, reads: few(statedReads) }),
);

export const messages: fc.Arbitrary<TransactionMessage> = fc.record({
  type: fc.constantFrom<0 | 1 | 2 | 4>(0, 1, 2, 4),
  from: addresses,
  to: fc.option(addresses),
  nonce: uint(64),
  gasLimit: uint(64),
  maxFeePerGas: uint(256),
  maxPriorityFeePerGas: uint(256),
  value: uint(256),
  data: someBytes(70),
  accessList: few(fc.record({ address: addresses, slots: few(hashes) })),
  authorizations: few(fc.record({ authority: fc.option(addresses), address: addresses, nonce: uint(64) })),
  l1Fee: uint(256),
});

export const environments: fc.Arbitrary<BlockEnvironment> = fc.record({
  timestamp: uint(64),
  baseFeePerGas: uint(256),
  gasLimit: uint(64),
  prevRandao: hashes,
  feeRecipient: addresses,
});

export const headers: fc.Arbitrary<Header> = fc.record({
  parentHash: hashes,
  stateRoot: hashes,
  transactionsRoot: hashes,
  receiptsRoot: hashes,
  logsBloom: fc.uint8Array({ minLength: 256, maxLength: 256 }),
  number: uint(64),
  gasUsed: uint(64),
  timestamp: uint(64),
  checkpointsRoot: hashes,
  withdrawalsRoot: hashes,
  prevRandao: hashes,
  baseFeePerGas: uint(256),
});

/** Registry numbers, those of a length of their own among them. */
export const providerNumbers = fc.oneof(fc.nat({ max: 2 ** 31 - 1 }), fc.constantFrom(0, 127, 128, 2 ** 32 - 1));

/** Work that a block with a job can have: as many seats served as a job needs. */
export const works: fc.Arbitrary<Work> = fc
  .record({
    attempt: fc.nat({ max: LIMITS.jobAttempts - 1 }),
    served: fc.subarray([...Array(JOB_SEATS).keys()], { minLength: LIMITS.seats, maxLength: LIMITS.seats }),
    holders: fc.array(providerNumbers, { minLength: JOB_SEATS, maxLength: JOB_SEATS }),
  })
  .map(({ attempt, served, holders }) => ({
    attempt,
    seats: holders.slice(0, served.at(-1)! + 1).map((holder, seat) => (served.includes(seat) ? holder : null)),
  }));

/** Work as the wire takes it, which may have no form that a block's can have. */
export const wireWorks: fc.Arbitrary<Work> = fc.oneof(
  works,
  fc.record({
    attempt: fc.nat({ max: LIMITS.jobAttempts - 1 }),
    seats: fc.array(fc.option(providerNumbers), { maxLength: JOB_SEATS }),
  }),
);

export const evidence: fc.Arbitrary<WorkEvidence> = fc.record({
  proof: hexOf(96),
  result: hashes,
  signatures: fc.array(hexOf(96), { maxLength: LIMITS.seats }),
});

export const contexts: fc.Arbitrary<BlockContext> = fc.record({
  slot: uint(64),
  l1Block: uint(64),
  l1BaseFee: uint(64),
  queueEnd: uint(64),
  randomness: hashes,
  work: works,
  evidence: hashes,
});

export const sealedBlocks: fc.Arbitrary<SealedBlock> = fc.record({
  chainId: chainIds,
  generation: uint(64),
  header: headers,
  context: contexts,
  transactions: few(someBytes(120)),
  outcomes: few(blockOutcomes),
  evidence: fc.option(evidence),
  signature: hexOf(65),
});

export const batchHeaders: fc.Arbitrary<BatchHeader> = fc.record({
  chainId: chainIds,
  generation: uint(64),
  index: uint(64),
  previousBatchHash: hashes,
  firstBlock: uint(64),
  lastBlock: uint(64),
  blobHash: hashes,
  dataHash: hashes,
  blocksRoot: hashes,
  transactionsRoot: hashes,
  queueEnd: uint(64),
  slot: uint(64),
  poster: addresses,
});

export const systemTransactions: fc.Arbitrary<SystemTransaction> = fc.record({
  source: fc.constantFrom(...SYSTEM_SOURCES),
  index: uint(64),
  from: addresses,
  to: addresses,
  mint: uint(256),
  value: uint(256),
  gasLimit: uint(64),
  data: someBytes(120),
});

export const jobs: fc.Arbitrary<Job> = fc.record({
  jobId: jobIds,
  environment: environments,
  messages: few(messages),
  values: few(stateEntries),
});

export const jobResults: fc.Arbitrary<JobResult> = fc.record({ outcomes: few(outcomes), signature: hexOf(96) });

const parcels = few(fc.integer({ min: 0, max: 255 })).map((bytes) => Uint8Array.from(bytes));
const registryIndices = fc.nat({ max: 2 ** 32 - 1 });
const fetchNumbers = fc.nat({ max: 65_535 });

const refusals = variant("refused", { reason: fc.string({ unit: "grapheme", maxLength: 20 }) });

/** Bodies of requests and answers by name. */
export const requestBodies: {
  readonly [N in RequestName]: { readonly request: fc.Arbitrary<unknown>; readonly answer: fc.Arbitrary<unknown> };
} = {
  offerTransactions: {
    request: fc.record({ chainId: chainIds, transactions: few(someBytes(120)) }),
    answer: fc.oneof(variant("taken", { known: fc.nat({ max: LIMITS.transactionsPerMessage }) }), refusals),
  },
  job: {
    request: jobs,
    answer: fc.oneof(
      jobResults.map((result) => ({ kind: "result", ...result })),
      refusals,
    ),
  },
  carry: {
    request: fc.record({ jobId: jobIds, provider: registryIndices, parcel: parcels }),
    answer: fc.oneof(variant("parcel", { parcel: parcels }), refusals),
  },
  deliver: {
    request: fc.record({ jobId: jobIds, parcel: parcels }),
    answer: fc.oneof(variant("parcel", { parcel: parcels }), refusals),
  },
  fetch: {
    request: fc.record({ jobId: jobIds, number: fetchNumbers, parcel: parcels }),
    answer: fc.oneof(variant("parcel", { parcel: parcels }), refusals),
  },
  supply: {
    request: fc.record({ jobId: jobIds, provider: registryIndices, number: fetchNumbers, parcel: parcels }),
    answer: fc.oneof(variant("parcel", { parcel: parcels }), refusals),
  },
  card: {
    request: fc.record({ provider: registryIndices }),
    answer: fc.oneof(
      variant("card", {
        card: fc.record({ provider: registryIndices, key: hexOf(32), slot: uint(64), signature: hexOf(96) }),
      }),
      refusals,
    ),
  },
  values: {
    request: fc.record({ jobId: jobIds, keys: few(stateKeys) }),
    answer: fc.oneof(variant("values", { entries: few(stateEntries) }), refusals),
  },
  head: {
    request: fc.record({ chainId: chainIds }),
    answer: fc.oneof(variant("head", { number: uint(64), hash: hashes, slot: uint(64) }), refusals),
  },
  blocks: {
    request: fc.record({ chainId: chainIds, from: uint(64), count: fc.nat({ max: LIMITS.blocksPerAnswer }) }),
    answer: fc.oneof(variant("blocks", { blocks: few(someBytes(200)) }), refusals),
  },
  reads: {
    request: fc.record({ chainId: chainIds, stateRoot: hashes, keys: few(stateKeys), forWrites: fc.boolean() }),
    answer: fc.oneof(variant("proof", { nodes: few(someBytes(100)), codes: few(codes) }), refusals),
  },
  state: {
    request: fc.record({
      chainId: chainIds,
      places: few(fc.record({ kind: fc.constantFrom("accounts", "storage", "code"), hash: hashes })),
    }),
    answer: fc.oneof(variant("part", { blocks: few(someBytes(200)) }), refusals),
  },
  blob: {
    request: fc.record({ blobHash: hashes }),
    answer: fc.oneof(variant("blob", { data: someBytes(200) }), refusals),
  },
};

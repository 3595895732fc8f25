/** Requests between nodes: one protocol id, one codec pair, one pair of bounds each. */

import { chainIdCodec, jobIdCodec } from "./blocks.ts";
import {
  bytes,
  type Codec,
  count,
  decode,
  encode,
  flag,
  hash,
  list,
  struct,
  text,
  uint,
  union,
  type ValueOf,
} from "./codec.ts";
import { BLOB_DATA_BYTES } from "./dataPath.ts";
import { keyCardCodec, PARCEL_BYTES } from "./envelopes.ts";
import { stateEntryCodec, stateKeyCodec } from "./executionCodecs.ts";
import { jobCodec, jobResultCodec } from "./jobs.ts";
import { LIMITS } from "./parameters.ts";

/** UTF-16 units of a refusal's reason; each takes at most three bytes of UTF-8. */
const REASON_UNITS = 200;
const refusal = struct({ reason: text(3 * REASON_UNITS) });

type RequestKind<Q, A> = {
  /** libp2p protocol name */
  readonly protocol: string;
  readonly request: Codec<Q>;
  readonly answer: Codec<A>;
  readonly maxRequestBytes: number;
  readonly maxAnswerBytes: number;
};

const kind = <Q, A>(value: RequestKind<Q, A>): RequestKind<Q, A> => value;

const MAX_NODE_BYTES = 1_024;
const SMALL = 64 * 1024;

/** No node that is asked for by its hash is shorter than this. */
const MIN_NODE_BYTES = 32;
const MAX_PART_BLOCKS = LIMITS.statePartBytes / MIN_NODE_BYTES;

const MAX_INDEX = 2 ** 32 - 1;
/** Values are asked for in one job as often as a chain of reads is deep. */
const MAX_FETCHES = 65_535;
/** Milliseconds for which who is busy may send others away: more than any job takes. */
const MAX_RETRY_MS = 65_535;
const parcel = bytes(PARCEL_BYTES);
const parcelAnswer = union({ parcel: struct({ parcel }), refused: refusal });

/** A request whose content, and whose answer's, couriers carry sealed. */
const sealed = <Q>(protocol: string, request: Codec<Q>): RequestKind<Q, ValueOf<typeof parcelAnswer>> => ({
  protocol,
  request,
  answer: parcelAnswer,
  maxRequestBytes: PARCEL_BYTES + SMALL,
  maxAnswerBytes: PARCEL_BYTES + SMALL,
});

export const REQUESTS = {
  /** Gateway to sequencer: transactions for a chain. The answer says how many are known afterwards; it confirms nothing. */
  offerTransactions: kind({
    protocol: "/mvm/1/transactions",
    request: struct({
      chainId: chainIdCodec,
      transactions: list(bytes(LIMITS.transactionBytes), LIMITS.transactionsPerMessage),
    }),
    answer: union({ taken: struct({ known: count(LIMITS.transactionsPerMessage) }), refused: refusal }),
    maxRequestBytes: 2 * 1024 * 1024,
    maxAnswerBytes: SMALL,
  }),
  /** Sequencer to courier: a sealed job for a seat's holder. The answer is what that answered, sealed. */
  carry: sealed("/mvm/1/carry", struct({ jobId: jobIdCodec, provider: count(MAX_INDEX), parcel })),
  /** Courier to a seat's holder: a sealed job. */
  deliver: sealed("/mvm/1/deliver", struct({ jobId: jobIdCodec, parcel })),
  /** A seat's holder to its courier: a sealed request for values, the talk's `number`-th. */
  fetch: sealed("/mvm/1/fetch", struct({ jobId: jobIdCodec, number: count(MAX_FETCHES), parcel })),
  /** Courier to sequencer: what a seat's holder asks for. */
  supply: sealed(
    "/mvm/1/supply",
    struct({ jobId: jobIdCodec, provider: count(MAX_INDEX), number: count(MAX_FETCHES), parcel }),
  ),
  /** Anyone to a provider, or to one that may know it: the provider's key card. */
  card: kind({
    protocol: "/mvm/1/card",
    request: struct({ provider: count(MAX_INDEX) }),
    answer: union({ card: struct({ card: keyCardCodec }), refused: refusal }),
    maxRequestBytes: SMALL,
    maxAnswerBytes: SMALL,
  }),
  /**
   * Sequencer to provider, sealed where there are couriers: a job. The answer is its result, or why there is none; busy: all places are taken, and
   * before `retryMs` milliseconds asking again is in vain.
   */
  job: kind({
    protocol: "/mvm/1/job",
    request: jobCodec,
    answer: union({ result: jobResultCodec, refused: refusal, busy: struct({ retryMs: count(MAX_RETRY_MS) }) }),
    maxRequestBytes: LIMITS.messageBytes,
    maxAnswerBytes: LIMITS.messageBytes,
  }),
  /** Provider to the job's sender, sealed as the job was: values that were not predicted. */
  values: kind({
    protocol: "/mvm/1/values",
    request: struct({ jobId: jobIdCodec, keys: list(stateKeyCodec, LIMITS.readKeys) }),
    answer: union({ values: struct({ entries: list(stateEntryCodec, LIMITS.readKeys) }), refused: refusal }),
    maxRequestBytes: SMALL,
    maxAnswerBytes: LIMITS.messageBytes,
  }),
  /** Anyone to a storage host or gateway: the newest block of a chain that it has. */
  head: kind({
    protocol: "/mvm/1/head",
    request: struct({ chainId: chainIdCodec }),
    answer: union({ head: struct({ number: uint(64), hash, slot: uint(64) }), refused: refusal }),
    maxRequestBytes: SMALL,
    maxAnswerBytes: SMALL,
  }),
  /** Anyone to a storage host or gateway: encoded sealed blocks from a number on, as many as fit. */
  blocks: kind({
    protocol: "/mvm/1/blocks",
    request: struct({ chainId: chainIdCodec, from: uint(64), count: count(LIMITS.blocksPerAnswer) }),
    answer: union({
      blocks: struct({ blocks: list(bytes(LIMITS.blockBytes), LIMITS.blocksPerAnswer) }),
      refused: refusal,
    }),
    maxRequestBytes: SMALL,
    maxAnswerBytes: LIMITS.messageBytes,
  }),
  /** Anyone to a storage host: values under a state root with their proof; with `forWrites`, also the siblings that deletions need. */
  reads: kind({
    protocol: "/mvm/1/reads",
    request: struct({
      chainId: chainIdCodec,
      stateRoot: hash,
      keys: list(stateKeyCodec, LIMITS.proofKeys),
      forWrites: flag,
    }),
    answer: union({
      proof: struct({
        nodes: list(bytes(MAX_NODE_BYTES), 65_536),
        codes: list(bytes(LIMITS.codeBytes), LIMITS.readKeys),
      }),
      refused: refusal,
    }),
    maxRequestBytes: 1024 * 1024,
    maxAnswerBytes: LIMITS.messageBytes,
  }),
  /**
   * Anyone to a storage host: nodes of its chain's tries and codes, by the places that name them, and what lies under them as far as it fits, each
   * after what names it; what is not there is left out. The asker checks each against its hash.
   */
  state: kind({
    protocol: "/mvm/1/state",
    request: struct({
      chainId: chainIdCodec,
      places: list(
        union({ accounts: struct({ hash }), storage: struct({ hash }), code: struct({ hash }) }),
        LIMITS.statePlaces,
      ),
    }),
    answer: union({ part: struct({ blocks: list(bytes(LIMITS.codeBytes), MAX_PART_BLOCKS) }), refused: refusal }),
    maxRequestBytes: SMALL,
    maxAnswerBytes: LIMITS.statePartBytes + 2 * SMALL,
  }),
  /** Anyone to a storage host: the data of a blob that batches of its DACs are in. The asker checks it against the hash. */
  blob: kind({
    protocol: "/mvm/1/blob",
    request: struct({ blobHash: hash }),
    answer: union({ blob: struct({ data: bytes(BLOB_DATA_BYTES) }), refused: refusal }),
    maxRequestBytes: SMALL,
    maxAnswerBytes: BLOB_DATA_BYTES + SMALL,
  }),
} as const;

export type RequestName = keyof typeof REQUESTS;
export type RequestOf<N extends RequestName> = ValueOf<(typeof REQUESTS)[N]["request"]>;
export type AnswerOf<N extends RequestName> = ValueOf<(typeof REQUESTS)[N]["answer"]>;

/** A request or answer with its name: what state machines exchange; the codec is applied at the network's edge. */
export type NamedRequest = { [N in RequestName]: { readonly name: N; readonly body: RequestOf<N> } }[RequestName];
export type NamedAnswer = { [N in RequestName]: { readonly name: N; readonly body: AnswerOf<N> } }[RequestName];

export const encodeRequest = (request: NamedRequest): Uint8Array =>
  encode(REQUESTS[request.name].request as Codec<unknown>, request.body);
export const encodeAnswer = (answer: NamedAnswer): Uint8Array =>
  encode(REQUESTS[answer.name].answer as Codec<unknown>, answer.body);

/** Decodes a request's body. Throws CodecError. */
export function decodeRequest<N extends RequestName>(name: N, data: Uint8Array): NamedRequest & { name: N } {
  const { request, maxRequestBytes } = REQUESTS[name];
  return { name, body: decode(request as Codec<unknown>, data, maxRequestBytes) } as NamedRequest & { name: N };
}

/** Decodes an answer's body. Throws CodecError. */
export function decodeAnswer<N extends RequestName>(name: N, data: Uint8Array): NamedAnswer & { name: N } {
  const { answer, maxAnswerBytes } = REQUESTS[name];
  return { name, body: decode(answer as Codec<unknown>, data, maxAnswerBytes) } as NamedAnswer & { name: N };
}

/** Why a request was not served, as the other side put it. */
export const refused = (reason: string): { kind: "refused"; reason: string } => ({
  kind: "refused",
  reason: reason.slice(0, REASON_UNITS).toWellFormed(),
});

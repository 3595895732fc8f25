/**
 * What a provider signs of a job (decision 054): one hash over environment, messages and outcomes, of which one message and its outcome can
 * be shown to L1 without the others. Everything is in words of 32 bytes in an order of its own, so that L1 makes the same of what it replays.
 */
import { encode } from "./codec.ts";
import type {
  Account,
  AccountWrite,
  BlockEnvironment,
  Log,
  Outcome,
  StateEntry,
  StateKey,
  TransactionMessage,
} from "./execution.ts";
import { INVALID_REASONS, stateKeyId, transactionMessageCodec } from "./executionCodecs.ts";
import { EMPTY_CODE_HASH, keccak, keccakHash, taggedHash } from "./hash.ts";
import { fromHex, joinBytes, toWord } from "./hex.ts";
import type { Job } from "./jobs.ts";
import { merkleRoot } from "./merkle.ts";
import type { Hash, Hex } from "./primitives.ts";
import { encodeLog } from "./receipts.ts";

const WORD = 32;

/** Words one behind the other; what is shorter stands at a word's end. */
function wordsOf(values: readonly (bigint | Hex)[]): Uint8Array {
  const bytes = new Uint8Array(WORD * values.length);
  values.forEach((value, i) => {
    if (value === 0n) return;
    const word = typeof value === "bigint" ? toWord(value) : fromHex(value);
    bytes.set(word, WORD * (i + 1) - word.length);
  });
  return bytes;
}

/** exists, nonce, balance, code hash; zeros where there is none. */
const accountWords = (account: Account | null): (bigint | Hex)[] =>
  account === null ? [0n, 0n, 0n, 0n] : [1n, account.nonce, account.balance, account.codeHash];

/** A read, and where its value is from: 0 the state before the job, n + 1 outcome n. */
export type SourcedRead = { readonly read: StateEntry; readonly origin: bigint };

const byKey = <K extends string | bigint>(left: K, right: K): number => (left < right ? -1 : left > right ? 1 : 0);
const ofKind = <K extends StateEntry["kind"]>(
  reads: readonly SourcedRead[],
  kind: K,
): (StateEntry & { kind: K; origin: bigint })[] =>
  reads.flatMap(({ read, origin }) => (read.kind === kind ? [{ ...(read as StateEntry & { kind: K }), origin }] : []));

/**
 * Reads as words, each kind in ascending order: numbers of accounts, slots, codes and hashes of blocks, then 1 + the block's number and 1 + the
 * chain's id, 0 where they were not read; of each account address, exists, nonce, balance, code hash, origin; of each slot account,
 * slot, value, origin; of each code its hash; of each block number and hash.
 */
function readWords(reads: readonly SourcedRead[]): Uint8Array {
  const accounts = ofKind(reads, "account").sort((a, b) => byKey(a.address, b.address));
  const slots = ofKind(reads, "slot").sort((a, b) => byKey(a.address, b.address) || byKey(a.slot, b.slot));
  const codes = ofKind(reads, "code").map(({ hash }) => hash);
  const hashes = ofKind(reads, "blockHash").sort((a, b) => byKey(a.number, b.number));
  const [number] = ofKind(reads, "number");
  const [chainId] = ofKind(reads, "chainId");
  const counts = [accounts, slots, codes, hashes].map(({ length }) => BigInt(length));
  return wordsOf([
    ...counts,
    number === undefined ? 0n : number.value + 1n,
    chainId === undefined ? 0n : chainId.value + 1n,
    ...accounts.flatMap(({ address, value, origin }) => [address, ...accountWords(value), origin]),
    ...slots.flatMap(({ address, slot, value, origin }) => [address, slot, value, origin]),
    ...codes.sort(byKey),
    ...hashes.flatMap(({ number: at, value }) => [at, value]),
  ]);
}

/**
 * Writes as words: their number; of each address, exists, nonce, balance, code hash, keccak of the code that was deployed (0: none), number
 * of slots, then slot and value of each.
 */
const writeWords = (writes: readonly AccountWrite[]): Uint8Array =>
  wordsOf([
    BigInt(writes.length),
    ...writes.flatMap(({ address, account, code, slots }) => [
      address,
      ...accountWords(account),
      code === null ? 0n : keccakHash(code),
      BigInt(slots.length),
      ...slots.flatMap(({ slot, value }) => [slot, value]),
    ]),
  ]);

/** What reads are sorted by: accounts, slots, codes, hashes of blocks, the block's number, the chain's id. */
const KIND_ORDER: readonly StateEntry["kind"][] = ["account", "slot", "code", "blockHash", "number", "chainId"];

/**
 * Number of a read in the words of all, as L1 counts them: the chain's id has one more than the block's number, whether or not that was
 * read. Throws RangeError where the key is not among them.
 */
export function readNumber(reads: readonly StateEntry[], key: StateKey): bigint {
  if (!reads.some((read) => stateKeyId(read) === stateKeyId(key))) throw new RangeError("no such read");
  const rank = ({ kind }: StateKey): number => KIND_ORDER.indexOf(kind);
  const place = (entry: StateKey): string =>
    entry.kind === "blockHash" ? entry.number.toString().padStart(20, "0") : stateKeyId(entry);
  const isBefore = (read: StateKey): boolean =>
    rank(read) < rank(key) || (rank(read) === rank(key) && place(read) < place(key));
  const isSkipped = key.kind === "chainId" && !reads.some(({ kind }) => kind === "number");
  return BigInt(reads.filter(isBefore).length + (isSkipped ? 1 : 0));
}

const logsHash = (logs: readonly Log[]): Hash => keccakHash(joinBytes(logs.map(encodeLog)));

/** An outcome as it is shown to L1. */
export type OpenedOutcome = {
  /** gas that the job's outcomes before have used */
  readonly gasBefore: bigint;
  /** 0 failed, 1 succeeded, else 2 + the place of the reason in INVALID_REASONS */
  readonly end: bigint;
  readonly gasUsed: bigint;
  /** keccak of the logs as they stand in a receipt, one behind the other */
  readonly logsHash: Hash;
  /** see writeWords */
  readonly writes: Uint8Array;
  /** see readWords */
  readonly reads: Uint8Array;
};

/** Who wrote a key last, by the outcomes so far: n + 1 is outcome n. */
class Origins {
  readonly #accounts = new Map<string, bigint>();
  /** accounts whose storage began anew: made, or gone */
  readonly #emptied = new Map<string, bigint>();
  readonly #slots = new Map<string, bigint>();

  of(read: StateEntry): bigint {
    if (read.kind === "account") return this.#accounts.get(read.address) ?? 0n;
    if (read.kind !== "slot") return 0n;
    const emptied = this.#emptied.get(read.address) ?? 0n;
    const written = this.#slots.get(stateKeyId(read)) ?? 0n;
    return written > emptied ? written : emptied;
  }

  add({ writes, reads }: Outcome & { kind: "included" }, origin: bigint): void {
    const absent = new Set(
      reads.flatMap((read) => (read.kind === "account" && read.value === null ? [read.address] : [])),
    );
    for (const { address, account, slots } of writes) {
      this.#accounts.set(address, origin);
      if (account === null || absent.has(address)) this.#emptied.set(address, origin);
      for (const { slot } of slots) this.#slots.set(stateKeyId({ kind: "slot", address, slot }), origin);
    }
  }
}

/** The reads of each of a job's outcomes, with where their values are from. */
export function sourcedReads(outcomes: readonly Outcome[]): readonly (readonly SourcedRead[])[] {
  const origins = new Origins();
  return outcomes.map((outcome, i) => {
    const reads = outcome.reads.map((read) => ({ read, origin: origins.of(read) }));
    if (outcome.kind === "included") origins.add(outcome, BigInt(i) + 1n);
    return reads;
  });
}

/** Outcomes of a job as L1 is shown them. */
export function openOutcomes(outcomes: readonly Outcome[]): readonly OpenedOutcome[] {
  const sourced = sourcedReads(outcomes);
  let gasBefore = 0n;
  return outcomes.map((outcome, i) => {
    const reads = readWords(sourced[i]!);
    if (outcome.kind === "invalid") {
      const end = 2n + BigInt(INVALID_REASONS.indexOf(outcome.reason));
      return { gasBefore, end, gasUsed: 0n, logsHash: NO_LOGS, writes: NO_WRITES, reads };
    }
    const { status, gasUsed, logs, writes } = outcome;
    const opened = {
      gasBefore,
      end: BigInt(status),
      gasUsed,
      logsHash: logsHash(logs),
      writes: writeWords(writes),
      reads,
    };
    gasBefore += gasUsed;
    return opened;
  });
}

const NO_LOGS: Hash = EMPTY_CODE_HASH;
const NO_WRITES = writeWords([]);

/** Leaf of an outcome: taggedHash("mvm/outcome/1", gasBefore, end, gasUsed, logsHash, keccak of writes, keccak of reads). */
export const outcomeLeaf = ({ gasBefore, end, gasUsed, logsHash, writes, reads }: OpenedOutcome): Hash =>
  taggedHash("mvm/outcome/1", wordsOf([gasBefore, end, gasUsed, logsHash]), keccak(writes), keccak(reads));

/** Leaf of a message: keccak of its encoding. */
export const messageLeaf = (message: TransactionMessage): Hash => keccakHash(encode(transactionMessageCodec, message));

/** Environment as words: timestamp, base fee, gas limit, prevRandao, fee recipient. */
export const environmentWords = (environment: BlockEnvironment): Uint8Array => {
  const { timestamp, baseFeePerGas, gasLimit, prevRandao, feeRecipient } = environment;
  return wordsOf([timestamp, baseFeePerGas, gasLimit, prevRandao, feeRecipient]);
};

/** What a result's hash is over. */
export type ResultRoots = {
  readonly environmentHash: Hash;
  readonly messagesRoot: Hash;
  readonly messageCount: number;
  readonly outcomesRoot: Hash;
  /** at most as many as messages */
  readonly outcomeCount: number;
};

/** A job's result in 32 bytes: taggedHash("mvm/job-result/2", keccak of environment, messages' root and number, outcomes' root and number). */
export const resultOfRoots = (roots: ResultRoots): Hash =>
  taggedHash(
    "mvm/job-result/2",
    roots.environmentHash,
    roots.messagesRoot,
    toWord(BigInt(roots.messageCount)),
    roots.outcomesRoot,
    toWord(BigInt(roots.outcomeCount)),
  );

/** Root over the outcomes of a job: equal results, equal roots. */
export const outcomesRoot = (outcomes: readonly Outcome[]): Hash => merkleRoot(openOutcomes(outcomes).map(outcomeLeaf));

/** What a job's result is over. */
export function resultRoots(
  { environment, messages }: Pick<Job, "environment" | "messages">,
  outcomes: readonly Outcome[],
): ResultRoots {
  return {
    environmentHash: keccakHash(environmentWords(environment)),
    messagesRoot: merkleRoot(messages.map(messageLeaf)),
    messageCount: messages.length,
    outcomesRoot: outcomesRoot(outcomes),
    outcomeCount: outcomes.length,
  };
}

/** A job's result in 32 bytes: what was to be done, and what came of it. */
export const resultHash = (job: Job, outcomes: readonly Outcome[]): Hash => resultOfRoots(resultRoots(job, outcomes));

const isAscending = (keys: readonly string[]): boolean => keys.every((key, i) => i === 0 || keys[i - 1]! < key);

/**
 * Whether an outcome has the one form that an honest one has: no read twice, writes in ascending order. One that has another form is not
 * looked at: L1 would not read it.
 */
export function isCanonical(outcome: Outcome): boolean {
  if (new Set(outcome.reads.map(stateKeyId)).size !== outcome.reads.length) return false;
  if (outcome.kind === "invalid") return true;
  const { writes } = outcome;
  return (
    isAscending(writes.map(({ address }) => address)) &&
    writes.every(({ slots }) => isAscending(slots.map(({ slot }) => slot)))
  );
}

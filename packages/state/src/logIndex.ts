/** Which transactions logged what: an index from addresses and topics to transactions, by block. */
import type { Address, Hash, Log } from "@mvm/protocol";
import { type KeyValueStore, keyAfter, type StoreOperation } from "./keyValueStore.ts";
import { StateError } from "./stateError.ts";
import { type LogTerm, logKey, readNumber } from "./storeKeys.ts";

/** Index entries (a term in a block) that one query may read; beyond it the caller must ask for a smaller range. */
export const MAX_LOG_ENTRIES_READ = 100_000;
/** Alternatives that one query may name, over address and topics together. */
export const MAX_LOG_TERMS = 1_000;
const PAGE_ENTRIES = 1_000;
const ANY_LOG: LogTerm = { kind: 0, value: null };

/** As eth_getLogs asks: each list holds alternatives, null stands for anything. Numbers are inclusive. */
export type LogQuery = {
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
  readonly addresses: readonly Address[] | null;
  /** by position, at most four */
  readonly topics: readonly (readonly Hash[] | null)[];
};

/** A transaction that may hold logs of the query: every term stands in one of its logs, though maybe not in the same. */
export type LogCandidate = { readonly number: bigint; readonly transactionIndex: number };

function termsOf(log: Log): LogTerm[] {
  const terms: LogTerm[] = [ANY_LOG, { kind: 1, value: log.address }];
  for (const [position, topic] of log.topics.slice(0, 4).entries()) {
    terms.push({ kind: (position + 2) as LogTerm["kind"], value: topic });
  }
  return terms;
}

/** The index entries of one block. */
export function logOperations(number: bigint, logsPerTransaction: readonly (readonly Log[])[]): StoreOperation[] {
  const entries = new Map<string, { term: LogTerm; indexes: number[] }>();
  for (const [index, logs] of logsPerTransaction.entries()) {
    for (const term of logs.flatMap(termsOf)) {
      const name = `${term.kind}${term.value}`;
      const entry = entries.get(name);
      if (entry === undefined) entries.set(name, { term, indexes: [index] });
      else if (entry.indexes.at(-1) !== index) entry.indexes.push(index);
    }
  }
  return [...entries.values()].map(({ term, indexes }) => ({ key: logKey(term, number), value: indexBytes(indexes) }));
}

function indexBytes(indexes: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 * indexes.length);
  const view = new DataView(bytes.buffer);
  for (const [i, index] of indexes.entries()) view.setUint16(2 * i, index);
  return bytes;
}

function termGroups(query: LogQuery): LogTerm[][] {
  if (query.topics.length > 4) throw new StateError("out-of-range", { topics: query.topics.length });
  const groups: LogTerm[][] = [];
  if (query.addresses !== null) groups.push(query.addresses.map((value) => ({ kind: 1, value })));
  for (const [position, topics] of query.topics.entries()) {
    if (topics !== null) groups.push(topics.map((value) => ({ kind: (position + 2) as LogTerm["kind"], value })));
  }
  const terms = groups.reduce((sum, group) => sum + group.length, 0);
  if (terms > MAX_LOG_TERMS) throw new StateError("too-many", { bound: MAX_LOG_TERMS });
  return groups.length === 0 ? [[ANY_LOG]] : groups;
}

/**
 * Transactions that may hold logs of the query, in the chain's order; the caller looks into their receipts. Throws
 * StateError "too-many" above MAX_LOG_ENTRIES_READ or MAX_LOG_TERMS, "out-of-range" for more than four topics.
 */
export async function findLogCandidates(store: KeyValueStore, query: LogQuery): Promise<LogCandidate[]> {
  if (query.fromBlock < 0n || query.fromBlock > query.toBlock) return [];
  let matches: bigint[] | null = null;
  const budget = { left: MAX_LOG_ENTRIES_READ };
  for (const group of termGroups(query)) {
    const found = new Set<bigint>();
    for (const term of group) await readTerm(store, { term, query, budget }, found);
    matches = matches === null ? [...found] : matches.filter((place) => found.has(place));
    if (matches.length === 0) return [];
  }
  const sorted = (matches ?? []).sort((left, right) => (left < right ? -1 : 1));
  return sorted.map((place) => ({ number: place >> 16n, transactionIndex: Number(place & 0xffffn) }));
}

type TermScan = { readonly term: LogTerm; readonly query: LogQuery; readonly budget: { left: number } };

/** Adds number * 65,536 + index for every transaction with the term. */
async function readTerm(store: KeyValueStore, scan: TermScan, found: Set<bigint>): Promise<void> {
  let from = logKey(scan.term, scan.query.fromBlock);
  const to = keyAfter(logKey(scan.term, scan.query.toBlock));
  for (;;) {
    const page = await store.page({ from, to }, PAGE_ENTRIES);
    scan.budget.left -= page.length;
    if (scan.budget.left < 0) throw new StateError("too-many", { bound: MAX_LOG_ENTRIES_READ });
    for (const [key, value] of page) {
      const base = readNumber(key, key.length - 8) << 16n;
      for (let i = 0; i < value.length; i += 2) found.add(base + BigInt(value[i]! * 256 + value[i + 1]!));
    }
    if (page.length < PAGE_ENTRIES) return;
    from = keyAfter(page.at(-1)![0]);
  }
}

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

/** What is left of the entries that a query may read. */
type Budget = { left: number };

function spend(budget: Budget, entries: number): void {
  budget.left -= entries;
  if (budget.left < 0) throw new StateError("too-many", { bound: MAX_LOG_ENTRIES_READ });
}

/** A block's number and a transaction's place in it, as one number. */
const placeOf = (number: bigint, index: number): bigint => (number << 16n) + BigInt(index);

function* indexesIn(value: Uint8Array): Generator<number> {
  for (let i = 0; i < value.length; i += 2) yield value[i]! * 256 + value[i + 1]!;
}

/** Reads all entries of alternatives, a page at a time. */
class TermsScan {
  readonly #store: KeyValueStore;
  readonly #ranges: { from: Uint8Array; readonly to: Uint8Array }[];
  readonly found = new Set<bigint>();

  constructor(store: KeyValueStore, terms: readonly LogTerm[], { fromBlock, toBlock }: LogQuery) {
    this.#store = store;
    this.#ranges = terms.map((term) => ({ from: logKey(term, fromBlock), to: keyAfter(logKey(term, toBlock)) }));
  }

  /** Reads on; true once all is read. */
  async step(budget: Budget): Promise<boolean> {
    const range = this.#ranges.at(-1);
    if (range === undefined) return true;
    const page = await this.#store.page(range, PAGE_ENTRIES);
    spend(budget, page.length);
    for (const [key, value] of page) {
      const number = readNumber(key, key.length - 8);
      for (const index of indexesIn(value)) this.found.add(placeOf(number, index));
    }
    if (page.length < PAGE_ENTRIES) this.#ranges.pop();
    else range.from = keyAfter(page.at(-1)![0]);
    return this.#ranges.length === 0;
  }
}

/** Those of the places, in ascending order, that have one of the terms. */
function havingOneOf(
  store: KeyValueStore,
  terms: readonly LogTerm[],
  places: readonly bigint[],
  budget: Budget,
): readonly bigint[] {
  let number = -1n;
  let indexes = new Set<number>();
  return places.filter((place) => {
    if (place >> 16n !== number) {
      number = place >> 16n;
      spend(budget, terms.length);
      const values = terms.flatMap((term) => store.get(logKey(term, number)) ?? []);
      indexes = new Set(values.flatMap((value) => [...indexesIn(value)]));
    }
    return indexes.has(Number(place & 0xffffn));
  });
}

/**
 * Transactions that may hold logs of the query, in the chain's order; the caller looks into their receipts. What the query asks for is read side by
 * side until the rarest of it is read; the rest is looked up where that is. Throws StateError "too-many" above MAX_LOG_ENTRIES_READ or
 * MAX_LOG_TERMS, "out-of-range" for more than four topics.
 */
export async function findLogCandidates(store: KeyValueStore, query: LogQuery): Promise<LogCandidate[]> {
  if (query.fromBlock < 0n || query.fromBlock > query.toBlock) return [];
  const groups = termGroups(query).map((terms) => ({ terms, scan: new TermsScan(store, terms, query) }));
  const budget = { left: MAX_LOG_ENTRIES_READ };
  for (let i = 0; ; i = (i + 1) % groups.length) {
    const { scan } = groups[i]!;
    if (!(await scan.step(budget))) continue;
    let places: readonly bigint[] = [...scan.found].sort((left, right) => (left < right ? -1 : 1));
    for (const [other, { terms }] of groups.entries())
      if (other !== i) places = havingOneOf(store, terms, places, budget);
    return places.map((place) => ({ number: place >> 16n, transactionIndex: Number(place & 0xffffn) }));
  }
}

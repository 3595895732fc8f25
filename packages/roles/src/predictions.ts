/**
 * Which values the transactions of a block will read, by what others of the same contract and selector have read. What it says is a guess: one that
 * is not read costs the bytes of a value, one that is missing a round trip of the provider; what is executed never depends on it.
 */
import { type StateKey, stateKeyId } from "@mvm/protocol";
import {
  type Call,
  constantKeyOf,
  isHashed,
  keyOf,
  type Pattern,
  pairOf,
  patternId,
  patternsOf,
  type StepBudget,
} from "./readPatterns.ts";

export const PREDICTION_LIMITS = {
  /** patterns in all: some megabytes; those of the pair that was used the longest time ago go first */
  patterns: 16_384,
  /** patterns of a pair of contract and selector, and so predicted keys of a transaction */
  pairPatterns: 128,
  /** patterns that one job adds: whoever fills all of a block for some blocks displaces what was learned, not by one block */
  newPatterns: 2_048,
  /** predicted keys of a job */
  jobKeys: 4_096,
  /** reads of one transaction that are learned from */
  reads: 256,
  /** steps for the predictions of a job, and again for comparing them with its reads: a key, or a hash for one, about a microsecond each */
  steps: 16_384,
  /** hashes for finding out what a transaction's reads follow from, and for all of a job */
  transactionSearch: 4_096,
  jobSearch: 16_384,
} as const;

/** Transactions that have to have read what a pattern says before it is predicted. */
const PROOF = 2;
/** Trials after which a pattern is judged, and those after which older ones count half. */
const PATIENCE = 8;
const MEMORY = 64;
/** Trials for each hit, at the most: a pattern that differs by transaction is tried by each transaction, another by each job. */
const TRIALS_FOR_EACH_HIT = { different: 2, same: 8 } as const;
/** Searches in vain after which only every sixteenth transaction of a pair is searched. */
const VAIN_SEARCHES = 16;

type Learned = {
  readonly pattern: Pattern;
  /** the key, where it is the same for every transaction */
  readonly constant: { readonly id: string; readonly key: StateKey } | null;
  /** transactions that read what it says, up to PROOF */
  sightings: number;
  trials: number;
  hits: number;
  /** number of the last job in which it was read */
  readIn: number;
};

type Pair = { readonly learned: Map<string, Learned>; vainSearches: number };

/** A transaction that was executed, and what it read. */
export type ReadingCall = { readonly call: Call; readonly reads: readonly StateKey[] };

/** Reads of a transaction that are to be learned, by their ids. */
type Reads = Map<string, StateKey>;

export class Predictions {
  /** by contract and selector, those used last at the end; none without patterns */
  readonly #pairs = new Map<string, Pair>();
  #size = 0;
  #jobs = 0;
  /** what the job that is learned from may still add and search */
  #newLeft = 0;
  #search: StepBudget = { left: 0 };

  /** Patterns that are kept. */
  get size(): number {
    return this.#size;
  }

  /**
   * Keys that the transactions will read, as far as it is known, each once, in the order of the transactions.
   * @param given ids of keys whose values are there without a prediction
   */
  predict(calls: readonly Call[], given: ReadonlySet<string>): readonly StateKey[] {
    const budget: StepBudget = { left: PREDICTION_LIMITS.steps };
    const keys: Reads = new Map();
    for (const call of calls) {
      for (const { sightings, constant, pattern } of this.#pairOf(call)?.learned.values() ?? []) {
        if (sightings < PROOF) continue;
        const key = constant === null ? keyOf(pattern, call, budget) : constant.key;
        const id = constant?.id ?? (key && stateKeyId(key));
        if (id === null || given.has(id) || keys.has(id)) continue;
        keys.set(id, key!);
        if (keys.size === PREDICTION_LIMITS.jobKeys) return [...keys.values()];
      }
    }
    return [...keys.values()];
  }

  #pairOf(call: Call): Pair | undefined {
    const name = pairOf(call);
    return name === null ? undefined : this.#pairs.get(name);
  }

  /**
   * Learns from a job that was done.
   * @param given ids of keys whose values the job had without a prediction
   */
  learn(done: readonly ReadingCall[], given: ReadonlySet<string>): void {
    this.#jobs += 1;
    this.#newLeft = PREDICTION_LIMITS.newPatterns;
    this.#search = { left: PREDICTION_LIMITS.jobSearch };
    const budget: StepBudget = { left: PREDICTION_LIMITS.steps };
    const used = new Map<string, Pair>();
    for (const { call, reads } of done) {
      const name = pairOf(call);
      if (name === null) continue;
      const pair = used.get(name) ?? this.#pairs.get(name) ?? { learned: new Map(), vainSearches: 0 };
      used.set(name, pair);
      const unexplained = this.#compare(pair, call, learnable(reads, given), { given, budget });
      // what could not be compared would be taken for new
      if (budget.left === 0) break;
      this.#admit(pair, call, unexplained);
    }
    for (const [name, pair] of used) {
      this.#judge(pair);
      this.#pairs.delete(name);
      if (pair.learned.size > 0) this.#pairs.set(name, pair);
    }
    this.#displace();
  }

  /** Counts for each pattern whether it was right; gives back what none explains. */
  #compare(
    { learned }: Pair,
    call: Call,
    reads: Reads,
    { given, budget }: { readonly given: ReadonlySet<string>; readonly budget: StepBudget },
  ): Reads {
    const unexplained = new Map(reads);
    for (const each of learned.values()) {
      const key = each.constant === null ? keyOf(each.pattern, call, budget) : each.constant.key;
      if (key === null) continue;
      const id = each.constant?.id ?? stateKeyId(key);
      if (given.has(id)) continue;
      const isHit = reads.has(id);
      if (isHit) {
        unexplained.delete(id);
        each.sightings = Math.min(each.sightings + 1, PROOF);
        each.readIn = this.#jobs;
      }
      if (each.constant === null) count(each, isHit);
    }
    return unexplained;
  }

  /** Takes what explains these reads up as new patterns. */
  #admit(pair: Pair, call: Call, unexplained: Reads): void {
    const all = [...unexplained.values()];
    const hashed = all.filter(isHashed);
    const isSearched = hashed.length > 0 && this.#mayWin(pair);
    const budget: StepBudget = { left: Math.min(this.#search.left, PREDICTION_LIMITS.transactionSearch) };
    const before = budget.left;
    // one that was not searched for would be taken for one that is the same always
    const patterns = patternsOf(call, isSearched ? all : all.filter((key) => !isHashed(key)), budget);
    this.#search.left -= before - budget.left;
    if (isSearched && patterns.some(({ slot }) => slot?.kind === "mapping")) pair.vainSearches = 0;
    else if (hashed.length > 0) pair.vainSearches += 1;
    for (const pattern of patterns) {
      const id = patternId(pattern);
      if (pair.learned.has(id)) continue;
      if (this.#newLeft === 0 || !this.#makeRoom(pair)) return;
      const key = constantKeyOf(pattern);
      const constant = key && { id: stateKeyId(key), key };
      const first = constant === null ? 1 : 0;
      pair.learned.set(id, { pattern, constant, sightings: 1, trials: first, hits: first, readIn: this.#jobs });
      this.#size += 1;
      this.#newLeft -= 1;
    }
  }

  /** Whether a search for what a pair reads is worth its hashes. */
  #mayWin({ vainSearches }: Pair): boolean {
    return this.#search.left > 0 && (vainSearches < VAIN_SEARCHES || vainSearches % VAIN_SEARCHES === 0);
  }

  /** Makes room for a pattern of a pair: what was seen once only goes first, then what is wrong more often than right. */
  #makeRoom({ learned }: Pair): boolean {
    if (learned.size < PREDICTION_LIMITS.pairPatterns) return true;
    let worst: { readonly id: string; readonly share: number } | null = null;
    for (const [id, { sightings, hits, trials }] of learned) {
      const share = sightings < PROOF ? -1 : trials === 0 ? 1 : hits / trials;
      if (share < 0.5 && (worst === null || share < worst.share)) worst = { id, share };
    }
    if (worst === null) return false;
    learned.delete(worst.id);
    this.#size -= 1;
    return true;
  }

  /** Forgets what was wrong too often. */
  #judge({ learned }: Pair): void {
    for (const [id, each] of learned) {
      if (each.constant !== null) count(each, each.readIn === this.#jobs);
      const allowed = each.hits * (each.constant === null ? TRIALS_FOR_EACH_HIT.different : TRIALS_FOR_EACH_HIT.same);
      if (each.trials < PATIENCE || each.trials <= allowed) continue;
      learned.delete(id);
      this.#size -= 1;
    }
  }

  /** Forgets pairs that were not used for the longest time, where there are too many patterns. */
  #displace(): void {
    for (const [name, { learned }] of this.#pairs) {
      if (this.#size <= PREDICTION_LIMITS.patterns) return;
      this.#pairs.delete(name);
      this.#size -= learned.size;
    }
  }
}

function count(each: Learned, isHit: boolean): void {
  each.trials += 1;
  if (isHit) each.hits += 1;
  if (each.trials < MEMORY) return;
  each.trials /= 2;
  each.hits /= 2;
}

function learnable(reads: readonly StateKey[], given: ReadonlySet<string>): Reads {
  const learned: Reads = new Map();
  for (const read of reads) {
    if (learned.size === PREDICTION_LIMITS.reads) break;
    if (read.kind !== "account" && read.kind !== "slot") continue;
    const id = stateKeyId(read);
    if (!given.has(id)) learned.set(id, read);
  }
  return learned;
}

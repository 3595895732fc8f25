/**
 * What a state root after each transaction costs, over the blocks of the block benchmark (1,000 transactions, 100,000
 * accounts). The same block is executed with a root after each transaction, and with its writes merged and one root at
 * its end; and the nodes that both ways hash, as they are encoded, are hashed alone. All of it is interleaved.
 * Seconds are processor time of this process, all threads together; each figure is made of medians.
 *   ratioToOneRoot   a block (recovery, execution, roots) with a root after each transaction / with one
 *   extraToHashing   the extra time of those roots / the time of only hashing their dirty nodes
 *   extraToExtraHashing   the same, without the time of hashing the nodes that the one root hashes too
 */
import { createEngine, type Engine } from "@mvm/evm";
import {
  type AccountWrite,
  type Address,
  decodeTransaction,
  EMPTY_TRIE_ROOT,
  type Hash,
  keccak,
  type Outcome,
  toMessage,
} from "@mvm/protocol";
import { MemoryStore, NodeMap, StateStore, WorldState } from "@mvm/state";
import { type Benchmark, median, processorSeconds, type ResultLine, rounded } from "./benchmark.ts";
import { gasOf, initialWrites } from "./blocksOwn.ts";
import type { BenchState } from "./blocksState.ts";
import { CHAIN_ID, ENVIRONMENT, prepareBlocks, TRANSACTIONS, WORKLOADS } from "./blocksWorkloads.ts";

const ROUNDS = 15;
const WARM_UP_ROUNDS = 3;
/** trie nodes kept in memory: all of the state's */
const MAX_NODES = 10_000_000;

type BlockWrites = readonly (readonly AccountWrite[])[];
type Timed = { readonly whole: number; readonly roots: number; readonly root: Hash };

const perTransaction = (writes: BlockWrites): BlockWrites => writes;

/** The writes of a block as those of one transaction: of each account and slot the last. */
function mergedWrites(block: BlockWrites): AccountWrite[] {
  const merged = new Map<Address, { write: AccountWrite; slots: Map<Hash, bigint> }>();
  for (const write of block.flat()) {
    if (write.account === null) throw new Error("the workloads remove no account");
    const slots = merged.get(write.address)?.slots ?? new Map<Hash, bigint>();
    for (const { slot, value } of write.slots) slots.set(slot, value);
    merged.set(write.address, { write, slots });
  }
  return [...merged.values()].map(({ write, slots }) => ({
    ...write,
    slots: Array.from(slots, ([slot, value]) => ({ slot, value })),
  }));
}

/** The nodes that a root after each transaction hashes, encoded, from the first transaction to the last. */
function dirtyNodes(initial: readonly AccountWrite[], block: BlockWrites): Uint8Array[] {
  const source = new NodeMap();
  const state = new WorldState(source, EMPTY_TRIE_ROOT);
  const store = (): Uint8Array[] => {
    const encodings = state.unstoredNodes().map(({ encoded }) => encoded);
    for (const encoded of encodings) source.add(encoded);
    state.markStored(MAX_NODES);
    return encodings;
  };
  state.applyWrites(initial);
  store();
  return block.flatMap((writes) => {
    state.applyWrites(writes);
    return store();
  });
}

class RootsBench {
  readonly #engine: Engine;
  readonly #values: BenchState;
  readonly #store: StateStore;

  private constructor(engine: Engine, values: BenchState) {
    this.#engine = engine;
    this.#values = values;
    this.#store = new StateStore(new MemoryStore(), EMPTY_TRIE_ROOT, { maxNodesInMemory: MAX_NODES });
  }

  static async load(engine: Engine, values: BenchState, initial: readonly AccountWrite[]): Promise<RootsBench> {
    const bench = new RootsBench(engine, values);
    await bench.#store.commitBlock([initial]);
    return bench;
  }

  /** Executes the block and computes its roots; nothing is stored, so that every run starts from the same state. */
  async run(block: readonly Uint8Array[], arrange: (writes: BlockWrites) => BlockWrites): Promise<Timed> {
    const start = processorSeconds();
    const outcomes = await this.execute(block);
    const executed = processorSeconds();
    const { root } = this.#store.prepare(arrange(writesOf(outcomes)));
    const end = processorSeconds();
    return { whole: end - start, roots: end - executed, root };
  }

  execute(block: readonly Uint8Array[]): Promise<Outcome[]> {
    const messages = block.map((raw) => toMessage(decodeTransaction(raw, CHAIN_ID), 0n));
    return this.#engine.execute(ENVIRONMENT, messages, this.#values);
  }
}

function writesOf(outcomes: readonly Outcome[]): BlockWrites {
  return outcomes.map((outcome) => (outcome.kind === "included" ? outcome.writes : []));
}

function hashAll(encodings: readonly Uint8Array[]): number {
  const start = processorSeconds();
  for (const encoded of encodings) keccak(encoded);
  return processorSeconds() - start;
}

type Round = {
  readonly each: Timed;
  readonly one: Timed;
  readonly hashing: number;
  readonly hashingOne: number;
};

function resultOf(workload: string, rounds: readonly Round[], nodes: number): ResultLine {
  const of = (figure: (round: Round) => number): number => median(rounds.map(figure));
  const extra = of(({ each }) => each.roots) - of(({ one }) => one.roots);
  const hashing = of((round) => round.hashing);
  return {
    bench: "roots",
    workload,
    ratioToOneRoot: rounded(of(({ each }) => each.whole) / of(({ one }) => one.whole)),
    extraToHashing: rounded(extra / hashing),
    extraToExtraHashing: rounded(extra / (hashing - of((round) => round.hashingOne))),
    eachMs: rounded(of(({ each }) => each.roots) * 1_000),
    oneMs: rounded(of(({ one }) => one.roots) * 1_000),
    hashingMs: rounded(hashing * 1_000),
    blockMs: rounded(of(({ one }) => one.whole) * 1_000),
    nodesPerTransaction: rounded(nodes / TRANSACTIONS),
  };
}

async function run(report: (line: ResultLine) => void, note: (text: string) => void): Promise<void> {
  const engine = await createEngine();
  note("preparing the state");
  const { state, transactions } = await prepareBlocks(engine);
  const initial = initialWrites(state);
  const bench = await RootsBench.load(engine, state, initial);
  for (const workload of WORKLOADS) {
    const block = transactions[workload];
    const outcomes = await bench.execute(block);
    gasOf(outcomes);
    const nodes = dirtyNodes(initial, writesOf(outcomes));
    const nodesOfOne = dirtyNodes(initial, [mergedWrites(writesOf(outcomes))]);
    const rounds: Round[] = [];
    for (let round = 1 - WARM_UP_ROUNDS; round <= ROUNDS; round++) {
      note(`${workload}: ${round < 1 ? "warming up" : `round ${round} of ${ROUNDS}`}`);
      // Whoever comes first leaves its garbage to the other: they take turns.
      let each = round % 2 === 0 ? await bench.run(block, perTransaction) : null;
      const one = await bench.run(block, (writes) => [mergedWrites(writes)]);
      each ??= await bench.run(block, perTransaction);
      const hashing = hashAll(nodes);
      const hashingOne = hashAll(nodesOfOne);
      if (each.root !== one.root) throw new Error(`state root differs: ${each.root}, ${one.root}`);
      if (round >= 1) rounds.push({ each, one, hashing, hashingOne });
    }
    report(resultOf(workload, rounds, nodes.length));
  }
}

export const roots: Benchmark = {
  name: "roots",
  summary: "a state root after each of 1,000 transactions, beside one root at the end and beside bare hashing",
  run,
};

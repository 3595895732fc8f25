/** This engine, with and without what is around it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "@mvm/evm";
import {
  type AccountWrite,
  type Address,
  decodeTransaction,
  type Outcome,
  type StateReader,
  toMessage,
} from "@mvm/protocol";
import { LevelStore, StateStore } from "@mvm/state";
import { processorSeconds } from "./benchmark.ts";
import type { BlockResult } from "./blocks.ts";
import type { BenchState } from "./blocksState.ts";
import { CHAIN_ID, ENVIRONMENT } from "./blocksWorkloads.ts";

/** accounts stored at a time when the state is loaded */
const LOAD_CHUNK = 10_000;

/** What makes the whole state out of none, sorted as writes are. */
export function initialWrites(state: BenchState): AccountWrite[] {
  const byAddress = [...state.accounts].sort(([a], [b]) => (a < b ? -1 : 1));
  return byAddress.map(([address, account]) => {
    const slots = [...(state.storages.get(address) ?? [])].map(([slot, value]) => ({ slot, value }));
    slots.sort((a, b) => (a.slot < b.slot ? -1 : 1));
    return { address, account, code: state.codes.get(account.codeHash) ?? null, slots };
  });
}

/** Gas of all outcomes; throws unless every transaction succeeded. */
export function gasOf(outcomes: readonly Outcome[]): bigint {
  let gas = 0n;
  for (const outcome of outcomes) {
    if (outcome.kind === "invalid") throw new Error(`invalid: ${outcome.reason}`);
    if (outcome.status === 0) throw new Error("a transaction failed");
    gas += outcome.gasUsed;
  }
  return gas;
}

export class OwnContender {
  readonly #engine: Engine;
  readonly #values: BenchState;
  readonly #level: LevelStore;
  readonly #store: StateStore;
  readonly #directory: string;

  private constructor(engine: Engine, values: BenchState, level: LevelStore, directory: string) {
    this.#engine = engine;
    this.#values = values;
    this.#level = level;
    this.#store = new StateStore(level);
    this.#directory = directory;
  }

  static async open(engine: Engine, values: BenchState): Promise<OwnContender> {
    const directory = await mkdtemp(join(tmpdir(), "mvm-bench-"));
    const contender = new OwnContender(engine, values, await LevelStore.open(directory), directory);
    const writes = initialWrites(values);
    for (let from = 0; from < writes.length; from += LOAD_CHUNK) {
      await contender.#store.commitBlock([writes.slice(from, from + LOAD_CHUNK)]);
    }
    return contender;
  }

  /** Encoded transactions to a stored state with a root after each transaction; afterwards the state is put back. */
  async whole(block: readonly Uint8Array[]): Promise<BlockResult> {
    const before = this.#store.root();
    const start = processorSeconds();
    const messages = block.map((raw) => toMessage(decodeTransaction(raw, CHAIN_ID), 0n));
    const outcomes = await this.#engine.execute(ENVIRONMENT, messages, this.#storeReader());
    const prepared = this.#store.prepare(
      outcomes.map((outcome) => (outcome.kind === "included" ? outcome.writes : [])),
    );
    const { operations, undo } = await prepared.change();
    await this.#level.write(operations);
    prepared.settled();
    const seconds = processorSeconds() - start;
    if (prepared.rootsAfterEach.length !== block.length) throw new Error("a root is missing");
    const root = this.#store.root();
    await this.#level.write(undo);
    this.#store.resetTo(before);
    return { seconds, gasUsed: gasOf(outcomes), root };
  }

  /** Messages and values to outcomes. */
  async provider(block: readonly Uint8Array[]): Promise<BlockResult> {
    const messages = block.map((raw) => toMessage(decodeTransaction(raw, CHAIN_ID), 0n));
    const start = processorSeconds();
    const outcomes = await this.#engine.execute(ENVIRONMENT, messages, this.#values);
    return { seconds: processorSeconds() - start, gasUsed: gasOf(outcomes), root: null };
  }

  async close(): Promise<void> {
    await this.#level.close();
    await rm(this.#directory, { recursive: true });
  }

  #storeReader(): StateReader {
    const store = this.#store;
    const values = this.#values;
    return {
      account: (address: Address) => store.account(address),
      slot: (address, slot) => store.slot(address, slot),
      code: (hash) => store.code(hash),
      number: () => values.number(),
      chainId: () => values.chainId(),
      blockHash: (number) => values.blockHash(number),
    };
  }
}

import { createEngine, type Engine } from "@mvm/evm";
import {
  type Address,
  EMPTY_CODE_HASH,
  type Outcome,
  type StateEntry,
  type StateKey,
  type Transaction,
  toMessage,
} from "@mvm/protocol";
import { JobReads } from "@mvm/roles";
import { beforeAll, describe, expect, it } from "vitest";
import { BenchState } from "../src/bench/blocksState.ts";
import { CHAIN_ID, ENVIRONMENT } from "../src/bench/blocksWorkloads.ts";
import { JobsTraffic } from "../src/bench/jobsTraffic.ts";
import { SeededRandom } from "../src/seededRandom.ts";

const USERS = 20;
const BLOCK = 6;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

/** A chain of blocks without a network: the state, and what the jobs of its blocks read. */
class Blocks {
  readonly reads = new JobReads();
  readonly #state = new BenchState();

  constructor(funded: readonly Address[]) {
    for (const address of funded)
      this.#state.accounts.set(address, { nonce: 0n, balance: 10n ** 24n, codeHash: EMPTY_CODE_HASH });
  }

  async next(transactions: readonly Transaction[]): Promise<void> {
    const addresses = new Set(transactions.flatMap(({ from, to }) => (to === null ? [from] : [from, to])));
    const needed = [ENVIRONMENT.feeRecipient, ...addresses].map((address): StateKey => ({ kind: "account", address }));
    this.reads.opened(this.#entries([...needed, ...this.reads.foretell(transactions, needed)]));
    const messages = transactions.map((transaction) => toMessage(transaction, 0n));
    const outcomes = await engine.execute(ENVIRONMENT, messages, this.#state);
    for (const outcome of outcomes) this.#apply(outcome);
    this.reads.agreed(transactions, outcomes);
  }

  #apply(outcome: Outcome): void {
    expect(outcome).toMatchObject({ kind: "included", status: 1 });
    if (outcome.kind === "included") this.#state.apply(outcome.writes);
  }

  #entries(keys: readonly StateKey[]): readonly StateEntry[] {
    return keys.flatMap((key): readonly StateEntry[] => {
      if (key.kind === "slot") return [{ ...key, value: this.#state.slot(key.address, key.slot) }];
      if (key.kind !== "account") throw new Error(`a ${key.kind} was predicted`);
      const value = this.#state.account(key.address);
      const hash = value?.codeHash ?? EMPTY_CODE_HASH;
      const code = hash === EMPTY_CODE_HASH ? [] : [{ kind: "code" as const, hash, value: this.#state.code(hash) }];
      return [{ ...key, value }, ...code];
    });
  }
}

describe("reads of real contracts", () => {
  it.each(["erc20", "swap"] as const)(
    "are predicted for %s traffic after 100 blocks, with receivers that were never seen: 95 of 100, and no more than twice as many as are read",
    async (kind) => {
      const random = new SeededRandom("predicted reads");
      const traffic = new JobsTraffic({ kind, chainId: CHAIN_ID, random, users: USERS });
      const blocks = new Blocks(traffic.addresses);
      for (const group of traffic.setUp()) await blocks.next(group);
      const block = (): readonly Transaction[] => Array.from({ length: BLOCK }, () => traffic.next());
      for (let i = 0; i < 100; i++) await blocks.next(block());
      const before = blocks.reads.counts;
      for (let i = 0; i < 10; i++) await blocks.next(block());
      const { reads, predictedReads, predictions } = blocks.reads.counts;
      expect(reads - before.reads).toBeGreaterThan(100);
      expect((predictedReads - before.predictedReads) / (reads - before.reads)).toBeGreaterThanOrEqual(0.95);
      expect(predictions - before.predictions).toBeLessThan(2 * (reads - before.reads));
    },
  );
});

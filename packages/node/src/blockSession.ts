/** The working state of one block in the making: the parent's state with the block's deposits on it, every value proven. */
import { executeDeposit, OverlayReader } from "@mvm/evm";
import {
  type BlockOutcome,
  type Deposit,
  EMPTY_CODE_HASH,
  type Hash,
  type Header,
  PREDEPLOYS,
  type StateEntry,
  type StateKey,
  ZERO_HASH,
} from "@mvm/protocol";
import type { AssembleEffect, Parent } from "@mvm/roles";
import { type ProvenReader, SparseState } from "@mvm/state";
import { blockRoots } from "./blockRoots.ts";
import type { Chain } from "./chain.ts";
import type { HostClient } from "./hostClient.ts";

export class BlockSession {
  readonly #parent: Parent;
  readonly #proven: ProvenReader;
  readonly #values: OverlayReader;
  readonly #abort = new AbortController();

  constructor(options: { hosts: HostClient; chain: Chain; parent: Parent }) {
    const { hosts, chain, parent } = options;
    this.#parent = parent;
    this.#proven = hosts.readerAt(
      chain,
      { stateRoot: parent.header.stateRoot, number: parent.header.number + 1n },
      this.#abort.signal,
    );
    this.#values = new OverlayReader(this.#proven);
  }

  close(): void {
    this.#abort.abort();
  }

  /** Executes the deposits on the working state. What they read is fetched at once: one by one, each would cost a round trip. */
  async deposit(deposits: readonly Deposit[]): Promise<readonly BlockOutcome[]> {
    if (deposits.length > 0) {
      const { coinbase } = PREDEPLOYS;
      const addresses = new Set([coinbase, ...deposits.map(({ to }) => to)]);
      const accounts = [...addresses].map((address): StateKey => ({ kind: "account", address }));
      await this.read([...accounts, { kind: "slot", address: coinbase, slot: ZERO_HASH }]);
    }
    const outcomes: BlockOutcome[] = [];
    for (const deposit of deposits) {
      const outcome = await executeDeposit(deposit, this.#values, PREDEPLOYS.coinbase);
      this.#values.apply(outcome.writes);
      outcomes.push(outcome);
    }
    return outcomes;
  }

  /** Values of keys, in their order. */
  read(keys: readonly StateKey[]): Promise<StateEntry[]> {
    this.#abort.signal.throwIfAborted();
    return Promise.all(keys.map(async (key) => ({ ...key, value: await this.#value(key) }) as StateEntry));
  }

  /** Values of keys, and the code of the accounts among them. */
  async readWithCode(keys: readonly StateKey[]): Promise<readonly StateEntry[]> {
    const entries = await this.read(keys);
    const hashes = new Set<Hash>();
    for (const entry of entries) {
      if (entry.kind === "account" && entry.value !== null && entry.value.codeHash !== EMPTY_CODE_HASH)
        hashes.add(entry.value.codeHash);
    }
    return [...entries, ...(await this.read([...hashes].map((hash) => ({ kind: "code", hash }))))];
  }

  #value(key: StateKey): unknown {
    switch (key.kind) {
      case "account":
        return this.#values.account(key.address);
      case "slot":
        return this.#values.slot(key.address, key.slot);
      case "code":
        return this.#values.code(key.hash);
      case "number":
        return this.#values.number();
      case "chainId":
        return this.#values.chainId();
      case "blockHash":
        return this.#values.blockHash(key.number);
    }
  }

  /** The header that follows from the outcomes: checkpoints and roots by way of a witness from the hosts. */
  async assemble(
    fixed: AssembleEffect["header"],
    transactions: readonly Uint8Array[],
    outcomes: readonly BlockOutcome[],
  ): Promise<Header> {
    const written: StateKey[] = [];
    for (const { writes } of outcomes) {
      for (const { address, slots } of writes) {
        written.push({ kind: "account", address });
        for (const { slot } of slots) written.push({ kind: "slot", address, slot });
      }
    }
    const { stateRoot } = this.#parent.header;
    await this.#proven.fetchWitness(written);
    const state = SparseState.fromProof(stateRoot, this.#proven.collectedNodes());
    const stateRoots = outcomes.map(({ writes }) => state.applyWrites(writes));
    return { ...fixed, ...blockRoots(transactions, outcomes, stateRoots) };
  }
}

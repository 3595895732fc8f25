/** The working state of one block in the making: the parent's state with the block's transactions on it, every value proven. */
import { type Engine, OverlayReader } from "@mvm/evm";
import {
  type Account,
  type BlockEnvironment,
  type BlockOutcome,
  blockOutcomeCodec,
  CHARTER_SLOTS,
  charterKeys,
  EMPTY_CODE_HASH,
  encode,
  encodeSystemTransaction,
  genesisAccount,
  genesisCode,
  type Hash,
  type Header,
  hotSlot,
  type Outcome,
  PREDEPLOYS,
  type StateEntry,
  type StateKey,
  type StateReader,
  type SystemTransaction,
  stateKeyId,
  type TransactionMessage,
} from "@mvm/protocol";
import type { AssembleEffect, OpenSessionEffect, Parent } from "@mvm/roles";
import type { ProvenReader } from "@mvm/state";
import { rootsAndLeaves } from "./blockRoots.ts";
import type { Chain } from "./chain.ts";
import type { HostClient } from "./hostClient.ts";
import { rootsAfter } from "./witnessedRoots.ts";

/** Rounds in which the reads of system transactions are gathered before they are made one by one. */
const GATHERING_ROUNDS = 6;
/** Values that system transactions ask for in one of these rounds, and values fetched at once; below the reads that ProvenReader has under way at the most. */
const GATHERED_KEYS = 2_048;
/** Codes that a job has from the start: half of a message's bytes, if all are as long as code may be. Others are asked for. */
const JOB_CODES = 128;

/** Bytes that RLP puts before a string or a list, at the most. */
const LIST_HEADER_BYTES = 8;

/** wei; enough for every share of a settle to be more than nothing */
const SOME_FEES = 10n ** 18n;
const FLAGS = hotSlot(CHARTER_SLOTS.flags);

type Opening = Pick<OpenSessionEffect, "chainId" | "environment" | "opening" | "foreseen" | "keys">;

export class BlockSession {
  readonly #parent: Parent;
  readonly #engine: Engine;
  readonly #proven: ProvenReader;
  readonly #values: OverlayReader;
  readonly #abort = new AbortController();
  #opening: readonly BlockOutcome[] = [];

  constructor(options: { hosts: HostClient; chain: Chain; parent: Parent; engine: Engine }) {
    const { hosts, chain, parent, engine } = options;
    this.#parent = parent;
    this.#engine = engine;
    this.#proven = hosts.readerAt(
      chain,
      { stateRoot: parent.header.stateRoot, number: parent.header.number + 1n },
      this.#abort.signal,
    );
    this.#values = new OverlayReader(withGenesisCode(this.#proven));
  }

  close(): void {
    this.#abort.abort();
  }

  /**
   * Executes the block's opening on the working state; what settle and the job will read first comes with the same fetches.
   * @returns bytes that the opening and its outcomes take in the block
   */
  async open({ chainId, environment, opening, foreseen, keys }: Opening): Promise<number> {
    await this.#gather(environment, [...opening, foreseen], [...keys, FLAGS]);
    this.#opening = await this.#execute(environment, opening);
    const parts = [
      ...opening.map((transaction) => encodeSystemTransaction(chainId, transaction)),
      ...this.#opening.map((outcome) => encode(blockOutcomeCodec, outcome)),
    ];
    return parts.reduce((sum, { length }) => sum + length + LIST_HEADER_BYTES, 0);
  }

  async #execute(environment: BlockEnvironment, transactions: readonly SystemTransaction[]): Promise<BlockOutcome[]> {
    const outcomes: BlockOutcome[] = [];
    for (const transaction of transactions) {
      const outcome = await this.#engine.executeSystem(environment, transaction, this.#values);
      this.#values.apply(outcome.writes);
      outcomes.push(outcome);
    }
    return outcomes;
  }

  /**
   * Fetches keys and what transactions read in a few rounds: one by one, each read would cost a round trip. The
   * transactions are executed on guesses for what is not there yet; what they ask for on the way is fetched together.
   */
  async #gather(
    environment: BlockEnvironment,
    transactions: readonly SystemTransaction[],
    keys: readonly StateKey[],
  ): Promise<void> {
    const known = new Map<string, unknown>();
    let wanted = new Map(keys.map((key) => [stateKeyId(key), key]));
    for (let round = 0; round < GATHERING_ROUNDS; round++) {
      const guesses = guessing(this.#values, known, wanted);
      await Promise.all(
        transactions.map((transaction) =>
          this.#engine.executeSystem(
            environment,
            transaction,
            transaction.source === "settle" ? withFees(guesses) : guesses,
          ),
        ),
      );
      if (wanted.size === 0) return;
      for (const entry of await this.read([...wanted.values()])) known.set(stateKeyId(entry), entry.value);
      wanted = new Map();
    }
  }

  /** Executes users' messages in order on the working state, after all have been tried side by side to learn what they read. */
  async execute(environment: BlockEnvironment, messages: readonly TransactionMessage[]): Promise<readonly Outcome[]> {
    const { signal } = this.#abort;
    await this.#engine.discover(environment, messages, this.#values, { signal });
    const gasUsed = this.#opening.reduce((sum, outcome) => sum + outcome.gasUsed, 0n);
    return this.#engine.execute(environment, messages, this.#values, { signal, gasUsed });
  }

  /** Values of keys, in their order. */
  read(keys: readonly StateKey[]): Promise<StateEntry[]> {
    this.#abort.signal.throwIfAborted();
    return this.#readInParts(keys);
  }

  async #readInParts(keys: readonly StateKey[]): Promise<StateEntry[]> {
    const entries: StateEntry[] = [];
    for (let from = 0; from < keys.length; from += GATHERED_KEYS) {
      const part = keys.slice(from, from + GATHERED_KEYS);
      const values = await Promise.all(part.map(async (key) => this.#value(key)));
      for (const [i, key] of part.entries()) entries.push({ ...key, value: values[i] } as StateEntry);
    }
    return entries;
  }

  /** Values of keys, the code of the first accounts among them, and what the charter says of signers. */
  async readForJob({ keys, signers }: Pick<OpenSessionEffect, "keys" | "signers">): Promise<readonly StateEntry[]> {
    const entries = await this.read([...keys, FLAGS]);
    const hashes = new Set<Hash>();
    for (const entry of entries) {
      if (entry.kind === "account" && entry.value !== null && entry.value.codeHash !== EMPTY_CODE_HASH)
        hashes.add(entry.value.codeHash);
    }
    const codes = [...hashes].slice(0, JOB_CODES).map((hash): StateKey => ({ kind: "code", hash }));
    const flags = entries.at(-1)!.value as bigint;
    return [...entries, ...(await this.read([...codes, ...charterKeys(flags, signers)]))];
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

  /**
   * Executes settle on the users' outcomes; header and leaves of the checkpoints root follow from all outcomes by way of a witness
   * from the hosts.
   */
  async assemble(
    effect: AssembleEffect,
  ): Promise<{ header: Header; outcomes: readonly BlockOutcome[]; leaves: readonly Hash[] }> {
    const { header: fixed, environment, transactions, users, settle } = effect;
    for (const { writes } of users) this.#values.apply(writes);
    await this.#gather(environment, [settle], []);
    const outcomes = [...this.#opening, ...users, ...(await this.#execute(environment, [settle]))];
    const stateRoots = await rootsAfter(this.#proven, this.#parent.header.stateRoot, outcomes);
    const { roots, leaves } = rootsAndLeaves(transactions, outcomes, stateRoots);
    return { header: { ...fixed, ...roots }, outcomes, leaves };
  }
}

/** Reads through, with the code of every DAC's genesis at hand. */
function withGenesisCode(reader: StateReader): StateReader {
  return {
    account: (address) => reader.account(address),
    slot: (address, slot) => reader.slot(address, slot),
    code: (hash) => genesisCode(hash) ?? reader.code(hash),
    number: () => reader.number(),
    chainId: () => reader.chainId(),
    blockHash: (number) => reader.blockHash(number),
  };
}

/** As if fees had come in: what settle reads does not depend on how much, but on there being some. */
function withFees(reader: StateReader): StateReader {
  return {
    ...reader,
    account: async (address) => {
      const account = await reader.account(address);
      if (account === null || address !== PREDEPLOYS.executionManager) return account;
      return { ...account, balance: account.balance + SOME_FEES };
    },
  };
}

/**
 * Answers for accounts and slots that are not known yet as genesis had them, or as if they were absent, and notes them
 * as wanted.
 */
function guessing(
  reader: StateReader,
  known: ReadonlyMap<string, unknown>,
  wanted: Map<string, StateKey>,
): StateReader {
  const or = <T>(key: StateKey, guess: T): T => {
    const name = stateKeyId(key);
    if (known.has(name)) return known.get(name) as T;
    if (wanted.size < GATHERED_KEYS) wanted.set(name, key);
    return guess;
  };
  return {
    account: (address) => or<Account | null>({ kind: "account", address }, genesisAccount(address) ?? null),
    slot: (address, slot) => or({ kind: "slot", address, slot }, 0n),
    code: (hash) => reader.code(hash),
    number: () => reader.number(),
    chainId: () => reader.chainId(),
    blockHash: (number) => reader.blockHash(number),
  };
}

/** A block executed anew, one transaction after the other, with the evidence by which L1 replays any of them. */
import {
  type Engine,
  OverlayReader,
  type Sliceable,
  type Sliced,
  type SliceLimits,
  type Step,
  type TracedTransaction,
  type Tracer,
} from "@mvm/evm";
import type { Evidence } from "@mvm/l1";
import {
  type AccountWrite,
  type Address,
  type BlockEnvironment,
  type BlockOutcome,
  CHARTER_SLOTS,
  type ChainId,
  type Checkpoint,
  CodecError,
  decodeSystemTransaction,
  decodeTransaction,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  type Hash,
  hotSlot,
  type IncludedOutcome,
  isSystemTransaction,
  l1BaseFeeIn,
  PREDEPLOYS,
  type StateKey,
  type StateReader,
  stateKeyId,
  TransactionError,
  type TransactionMessage,
  toMessage,
  ZERO_HASH,
} from "@mvm/protocol";
import { deletionsLast, NodeMap, type NodeSource, WorldState, witnessOfWrites } from "@mvm/state";
import { CheckpointGrower } from "../checkpointGrower.ts";
import { historySlot } from "./historySlot.ts";
import type { SlicedCase } from "./transactionSlices.ts";

/** What a block's transactions see of it. */
export type BlockFacts = {
  readonly chainId: ChainId;
  readonly number: bigint;
  readonly parentHash: Hash;
  readonly environment: BlockEnvironment;
};

/** Where a block is replayed from. */
export type ReplaySource = {
  /** trie nodes of the parent's state */
  readonly nodes: NodeSource;
  /** throws where it is not there */
  readonly code: (hash: Hash) => Uint8Array;
  /** of the chain's blocks before */
  readonly blockHash: (number: bigint) => Hash;
};

/** What became of the next transaction of a block. */
export type ReplayStep = {
  readonly raw: Uint8Array;
  /** why it may not stand in the block; else what it did */
  readonly verdict: { readonly invalid: string } | { readonly outcome: BlockOutcome };
  /** all that was asked for */
  readonly keys: readonly StateKey[];
};

/** What L1 may need of a step: nodes for its reads, its writes, the tries that it is put into; see Evidence. */
export type ReplayWitness = Omit<Evidence, "nodes"> & {
  readonly read: readonly Uint8Array[];
  readonly written: readonly Uint8Array[];
  readonly transactions: readonly Uint8Array[];
  readonly receipts: readonly Uint8Array[];
};

/** Evidence for a replay up to the whole checkpoint. */
export const wholeEvidence = ({ read, written, transactions, receipts, ...rest }: ReplayWitness): Evidence => ({
  ...rest,
  nodes: [...new NodeMap([...read, ...written, ...transactions, ...receipts]).values()],
});

/**
 * Evidence for CheckpointReplay.differs: as far as it has to go to see that a claimed checkpoint is not the one after the step.
 * @param after the right one; null where the step may not stand in the block
 * @param claimed or its leaf: then the replay goes to its end
 */
export function evidenceAgainst(
  witness: ReplayWitness,
  after: Checkpoint | null,
  claimed: Checkpoint | Hash,
): Evidence {
  if (after === null || typeof claimed === "string") return wholeEvidence(witness);
  const isEarly = (["cumulativeGasUsed", "receiptHash", "bloomHash"] as const).some(
    (field) => after[field] !== claimed[field],
  );
  if (isEarly) return wholeEvidence({ ...witness, written: [], transactions: [], receipts: [] });
  if (after.stateRoot !== claimed.stateRoot) return wholeEvidence({ ...witness, transactions: [], receipts: [] });
  return wholeEvidence(after.transactionsRoot === claimed.transactionsRoot ? witness : { ...witness, receipts: [] });
}

const NO_BLOOM = new Uint8Array(0);

/** A block's transaction as the engine cuts it. Throws CodecError, TransactionError. */
export async function sliceable(
  raw: Uint8Array,
  { chainId }: Pick<BlockFacts, "chainId">,
  reader: StateReader,
): Promise<Sliceable> {
  if (isSystemTransaction(raw)) return { kind: "system", transaction: decodeSystemTransaction(raw, chainId) };
  return { kind: "message", message: await messageOf(raw, chainId, reader) };
}

async function messageOf(raw: Uint8Array, chainId: ChainId, reader: StateReader): Promise<TransactionMessage> {
  const transaction = decodeTransaction(raw, chainId);
  const { slot, address } = hotSlot(CHARTER_SLOTS.l1Values);
  return toMessage(transaction, l1BaseFeeIn(await reader.slot(address, slot)));
}

/** Counts steps, and nothing else. */
class StepCounter implements Tracer {
  readonly stepDetail = { stack: false, memory: false, returnData: false };
  readonly followsMessages = false;
  steps = 0;
  onStep(): void {
    this.steps += 1;
  }
  onEnter(): void {}
  onExit(): void {}
  onLog(): void {}
}

export class BlockReplay {
  readonly #engine: Engine;
  readonly facts: BlockFacts;
  readonly #source: ReplaySource;
  /** nodes and codes that the block's transactions have made */
  readonly #made = new NodeMap();
  readonly #codes = new Map<Hash, Uint8Array>();
  readonly #grower = new CheckpointGrower();
  #stateRoot: Hash;

  /** @param stateRoot of the parent */
  constructor(engine: Engine, facts: BlockFacts, source: ReplaySource, stateRoot: Hash) {
    this.#engine = engine;
    this.facts = facts;
    this.#source = source;
    this.#stateRoot = stateRoot;
  }

  /** How many transactions have been applied. */
  get index(): number {
    return this.#grower.size;
  }

  /** What stands before the next transaction, without index and receipt. */
  get before(): Omit<Checkpoint, "index" | "receiptHash"> {
    return this.#grower.before(this.#stateRoot);
  }

  /** Trie nodes of the state before the next transaction. */
  readonly nodes: NodeSource = { get: (hash) => this.#made.get(hash) ?? this.#source.nodes.get(hash) };

  /** Executes what is the block's next transaction; nothing changes by it. Throws ExecutionError where a value is not there. */
  async execute(raw: Uint8Array): Promise<ReplayStep> {
    const asked = new Map<string, StateKey>();
    const reader = this.#reader((key) => asked.set(stateKeyId(key), key));
    try {
      const verdict = isSystemTransaction(raw)
        ? { outcome: await this.#executeSystem(raw, reader) }
        : await this.#executeUser(raw, reader);
      return { raw, verdict, keys: [...asked.values()] };
    } catch (error) {
      if (error instanceof CodecError || error instanceof TransactionError)
        return { raw, verdict: { invalid: error.code }, keys: [] };
      throw error;
    }
  }

  /** Steps of the interpreter that the block's next transaction takes. Throws as execute, and CodecError, TransactionError. */
  async steps(raw: Uint8Array): Promise<number> {
    const reader = this.#reader(() => undefined);
    const counter = new StepCounter();
    const own = await sliceable(raw, this.facts, reader);
    const traced: TracedTransaction = own.kind === "system" ? own : { ...own, mode: "block" };
    await this.#engine.trace(this.facts.environment, traced, new OverlayReader(reader), counter);
    return counter.steps;
  }

  #executeSystem(raw: Uint8Array, reader: StateReader): Promise<IncludedOutcome> {
    const transaction = decodeSystemTransaction(raw, this.facts.chainId);
    return this.#engine.executeSystem(this.facts.environment, transaction, new OverlayReader(reader));
  }

  async #executeUser(raw: Uint8Array, reader: StateReader): Promise<ReplayStep["verdict"]> {
    const message = await messageOf(raw, this.facts.chainId, reader);
    const { gasUsed } = this.#grower;
    const [outcome] = await this.#engine.execute(this.facts.environment, [message], reader, { gasUsed });
    return outcome!.kind === "invalid" ? { invalid: outcome!.reason } : { outcome: outcome! };
  }

  /**
   * Cuts a step into parts, before it is applied: for a transaction that one L1 transaction cannot replay.
   * @param limits where slices end; others than the protocol's are for tests
   */
  async cut({ raw, verdict, keys }: ReplayStep, limits?: SliceLimits): Promise<SlicedCase> {
    if ("invalid" in verdict) return { ...this.caseOf(raw, null), refusal: this.#refusal(keys) };
    const reader = this.#reader(() => undefined);
    const transaction = await sliceable(raw, this.facts, reader);
    const options = { bytes: raw.length, gasUsed: this.#grower.gasUsed, ...(limits === undefined ? {} : { limits }) };
    return this.caseOf(raw, await this.#engine.slice(this.facts.environment, transaction, reader, options));
  }

  /** What is the block's next transaction, in parts into which it was cut before; null: it may not stand there. */
  caseOf(raw: Uint8Array, sliced: Sliced | null): SlicedCase {
    return {
      ...{ facts: this.facts, index: this.index, before: this.before, bloom: this.#grower.logsBloom, raw },
      ...{ nodes: this.nodes, code: (hash: Hash) => this.#code(hash), ...this.#grower.proofsOfNext() },
      ...{ sliced, refusal: null },
    };
  }

  /** What L1 looks at to see that a transaction may not stand in the block. */
  #refusal(keys: readonly StateKey[]): Step {
    const world = new WorldState(this.nodes, this.#stateRoot);
    const hashes = new Set(keys.flatMap((key) => (key.kind === "code" ? [key.hash] : [])));
    const named = keys.flatMap((key) => (key.kind === "account" ? [key.address] : []));
    const hot = PREDEPLOYS.executionManager;
    const accounts = [hot, ...named.filter((address) => address !== hot)];
    return {
      accounts: accounts.map((address) => ({ address, isWarm: false, after: null })),
      slots: keys.flatMap((key) =>
        key.kind === "slot" ? [{ key: BigInt(key.slot), isWarm: false, current: null }] : [],
      ),
      coded: accounts.filter((address) => hashes.has(world.account(address)?.codeHash ?? ZERO_HASH)),
      ...{ restored: null, cleared: [] },
    };
  }

  /** Applies what a step did. Gives the checkpoint after it. Throws RangeError for one that may not stand in the block. */
  apply({ raw, verdict }: ReplayStep): Checkpoint {
    if ("invalid" in verdict) throw new RangeError(`an invalid transaction leads nowhere: ${verdict.invalid}`);
    const { outcome } = verdict;
    const world = new WorldState(this.nodes, this.#stateRoot);
    this.#stateRoot = world.applyWrites(outcome.writes);
    for (const { encoded } of world.unstoredNodes()) this.#made.add(encoded);
    for (const { account, code } of outcome.writes)
      if (account !== null && code !== null) this.#codes.set(account.codeHash, code);
    return this.#grower.append(raw, outcome, this.#stateRoot);
  }

  /** What L1 needs to come to a step's verdict, before it is applied. */
  witness({ verdict, keys }: ReplayStep): ReplayWitness {
    const hashes = keys.flatMap((key) => (key.kind === "blockHash" ? [key.number] : []));
    const inState = keys.filter(({ kind }) => kind === "account" || kind === "slot");
    const recorded = hashes.filter((number) => number + 1n !== this.facts.number);
    const read = new WorldState(this.nodes, this.#stateRoot).proveReads([...inState, ...recorded.map(historySlot)]);
    const base = { read, keys: grouped(inState), codes: this.#codesOf(keys), hashes };
    if ("invalid" in verdict) return { ...base, written: [], transactions: [], receipts: [], bloom: NO_BLOOM };
    const { writes, logs } = verdict.outcome;
    const { logsBloom } = this.#grower;
    return {
      ...base,
      written: this.#nodesOfWrites(writes),
      ...this.#grower.proofsOfNext(),
      bloom: logs.length > 0 && logsBloom.some((byte) => byte !== 0) ? logsBloom : NO_BLOOM,
    };
  }

  #nodesOfWrites(writes: readonly AccountWrite[]): readonly Uint8Array[] {
    return witnessOfWrites(this.nodes, this.#stateRoot, [deletionsLast(writes)]);
  }

  #codesOf(keys: readonly StateKey[]): Evidence["codes"] {
    return keys.flatMap((key) => (key.kind === "code" ? [{ hash: key.hash, code: this.#code(key.hash) }] : []));
  }

  #code(hash: Hash): Uint8Array {
    return this.#codes.get(hash) ?? this.#source.code(hash);
  }

  #reader(note: (key: StateKey) => void): StateReader {
    const world = new WorldState(this.nodes, this.#stateRoot);
    const { number, chainId, parentHash } = this.facts;
    const noted = <K extends StateKey, T>(key: K, value: T): T => {
      note(key);
      return value;
    };
    return {
      account: (address) => {
        const record = world.account(address);
        if (record === null) return noted({ kind: "account", address }, null);
        const { storageRoot, ...account } = record;
        // As L1 sees it, wherever the state comes from (EIP-7610).
        const isStored =
          storageRoot !== EMPTY_TRIE_ROOT && account.nonce === 0n && account.codeHash === EMPTY_CODE_HASH;
        return noted({ kind: "account", address }, isStored ? { ...account, hasStorage: true } : account);
      },
      slot: (address, slot) => noted({ kind: "slot", address, slot }, world.slot(address, slot)),
      code: (hash) => noted({ kind: "code", hash }, this.#code(hash)),
      number: () => number,
      chainId: () => chainId,
      blockHash: (asked) =>
        noted({ kind: "blockHash", number: asked }, asked + 1n === number ? parentHash : this.#source.blockHash(asked)),
    };
  }
}

/** Accounts with their slots, in order: each once, also those of which slots alone are named. */
function grouped(keys: readonly StateKey[]): Evidence["keys"] {
  const slotsOf = new Map<Address, bigint[]>();
  for (const key of keys) {
    if (key.kind !== "account" && key.kind !== "slot") continue;
    const slots = slotsOf.get(key.address) ?? [];
    slotsOf.set(key.address, slots);
    if (key.kind === "slot") slots.push(BigInt(key.slot));
  }
  return [...slotsOf]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([account, slots]) => ({ account, slots: slots.sort((left, right) => (left < right ? -1 : 1)) }));
}

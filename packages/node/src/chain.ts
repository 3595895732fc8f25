/** One DAC's chain at this node: its database, the follower that keeps it in step, and what others may ask of it. */
import {
  type ChainId,
  decodeBlock,
  encodeBlock,
  genesisWrites,
  type Hash,
  hashHeader,
  LIMITS,
  type NamedAnswer,
  PREDEPLOYS,
  type SealedBlock,
  type StateKey,
  ZERO_HASH,
} from "@mvm/protocol";
import {
  ChainFollower,
  type Dac,
  type FollowerEffect,
  type FollowerEvent,
  type L1View,
  type Parent,
  parentOf,
  type RollbackEffect,
} from "@mvm/roles";
import { type ChainValues, type DacDatabase, StateError } from "@mvm/state";
import { recordOf } from "./blockRecord.ts";
import { blockRoots, rootsFault, statelessFault } from "./blockRoots.ts";
import { genesisBlock } from "./genesis.ts";
import { MachineDriver } from "./machineDriver.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";
import { StateComing } from "./stateComing.ts";
import { UndoneBlocks } from "./undoneBlocks.ts";

/** Decoded blocks kept at hand. */
const RECENT_BLOCKS = 256;
/** States of the last blocks that are kept, where it is not said how many. */
const KEPT_STATES = 1_024;
/** States that are let go of after one block: more than it adds, so that they become fewer. */
const PRUNED_AT_ONCE = 16n;
/** Blocks whose hashes BLOCKHASH gives. */
const BLOCK_HASHES = 256n;

type HeadListener = (head: Parent, block: SealedBlock | null) => void;

export type ChainOptions = {
  readonly ports: Ports;
  readonly settings: NetworkSettings;
  readonly view: L1View;
  readonly desk: RequestDesk;
  readonly dac: Dac;
  /** whether state is kept, or blocks alone */
  readonly withState: boolean;
  /** last blocks whose states are kept, beside those since the last final one; 1,024 where it is not said */
  readonly keptStates?: number | undefined;
  /** L1 has been read up to its head: before, a new host does not know which block's state it needs; at once where it is not said */
  readonly l1Read?: Promise<void> | undefined;
  /** ends what is being opened */
  readonly signal?: AbortSignal | undefined;
};

export class Chain {
  readonly chainId: ChainId;
  readonly withState: boolean;
  /** what fell with its generation, as long as it is needed */
  readonly undone: UndoneBlocks;
  readonly #ports: Ports;
  readonly #database: DacDatabase;
  readonly #follower: ChainFollower;
  readonly #driver: MachineDriver<FollowerEvent, FollowerEffect>;
  readonly #startingBlock: bigint;
  readonly #keptStates: bigint;
  readonly #listeners = new Set<HeadListener>();
  readonly #recent = new Map<bigint, SealedBlock>();
  /** applies and rollbacks follow each other */
  #work: Promise<void> = Promise.resolve();

  private constructor(options: ChainOptions, database: DacDatabase) {
    const { ports, settings, view, desk, dac, withState } = options;
    this.chainId = dac.chainId;
    this.withState = withState;
    this.#keptStates = BigInt(options.keptStates ?? KEPT_STATES);
    this.#ports = ports;
    this.#database = database;
    this.undone = new UndoneBlocks({ database, view });
    const tail = this.#tail();
    this.#follower = new ChainFollower({ ...settings, chainId: dac.chainId, view, tail, self: ports.network.peerId });
    this.#startingBlock = this.#follower.head.header.number;
    this.#driver = new MachineDriver<FollowerEvent, FollowerEffect>({
      machine: this.#follower,
      ports,
      desk,
      perform: (effect) => this.#perform(effect),
    });
  }

  /** Opens the chain's database. A new one with state comes to the last final block by what other hosts have, where they have it; else it begins with the genesis. */
  static async open(options: ChainOptions): Promise<Chain> {
    const { ports, dac, withState, l1Read, signal = new AbortController().signal } = options;
    const database = await ports.openDatabase(dac.chainId, withState ? "state" : "blocks");
    try {
      if (withState && database.head === null && database.keeps === "recent") {
        await l1Read;
        signal.throwIfAborted();
        await new StateComing({ ...options, database, signal }).run();
      }
      const genesis = genesisBlock(dac);
      const stored = { hash: hashHeader(genesis.header), encodedBlock: encodeBlock(genesis) };
      await database.initialise({ ...stored, alloc: withState ? genesisWrites() : [] });
      return new Chain(options, database);
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** The last block that cannot be rolled back, and every block after it. */
  #tail(): readonly Parent[] {
    const head = this.#database.head!.number;
    const tail: Parent[] = [];
    for (let number = this.#database.final; number <= head; number++) tail.push(parentOf(this.block(number)!));
    return tail;
  }

  start(): void {
    this.#driver.run(this.#follower.start(this.#driver.moment()));
  }

  async stop(): Promise<void> {
    this.#driver.stop();
    await this.#work;
    await this.#database.close();
  }

  get head(): Parent {
    return this.#follower.head;
  }

  get safeNumber(): bigint {
    return this.#follower.safeNumber;
  }

  /** Whether the chain's blocks rest on L1 as it is: false while a reorganisation or another's batch takes some back. */
  get agreesWithL1(): boolean {
    return this.#follower.agreesWithL1;
  }

  /** Last block whose batch L1 takes back no more. */
  get settledNumber(): bigint {
    return this.#follower.settledNumber;
  }

  get finalNumber(): bigint {
    return this.#follower.finalNumber;
  }

  /** How far the chain has caught up since the node's start. */
  get progress(): { readonly startingBlock: bigint; readonly currentBlock: bigint; readonly highestBlock: bigint } {
    return {
      startingBlock: this.#startingBlock,
      currentBlock: this.head.header.number,
      highestBlock: this.#follower.target,
    };
  }

  get database(): DacDatabase {
    return this.#database;
  }

  /** Called after each change of the head; returns the function that ends it. */
  onHead(listener: HeadListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  receive(block: SealedBlock): void {
    this.#driver.dispatch({ kind: "block", block });
  }

  /** L1 took back the blocks after this one. */
  l1Reorg(toBlock: bigint): void {
    this.#driver.dispatch({ kind: "l1Reorg", toBlock });
  }

  l1Changed(): void {
    this.#driver.dispatch({ kind: "l1Changed" });
    if (this.undone.isPruningDue) this.#queue(() => this.undone.prune());
  }

  /** L1 has been read up to its head. */
  live(): void {
    this.#driver.dispatch({ kind: "live" });
  }

  syncTo(number: bigint): void {
    this.#driver.dispatch({ kind: "syncTo", number });
  }

  /** The own node has executed a block, and something else came of it: it is not followed any longer, unless L1 has it. */
  foundWrong(hash: Hash): void {
    this.#driver.dispatch({ kind: "foundWrong", hash });
  }

  /** Canonical block of a number, or null. */
  block(number: bigint): SealedBlock | null {
    const recent = this.#recent.get(number);
    if (recent !== undefined) return recent;
    const stored = this.#database.blockByNumber(number);
    if (stored === null) return null;
    const block = decodeBlock(stored.encodedBlock);
    this.#remember(block);
    return block;
  }

  #remember(block: SealedBlock): void {
    this.#recent.delete(block.header.number);
    this.#recent.set(block.header.number, block);
    if (this.#recent.size > RECENT_BLOCKS) this.#recent.delete(this.#recent.keys().next().value!);
  }

  /** What a block of a number reads beside the state: its number, the chain, the hashes of the 256 blocks before it. */
  valuesAt(number: bigint): ChainValues {
    const isVisible = (asked: bigint): boolean => asked < number && asked + BLOCK_HASHES >= number;
    return {
      number: () => number,
      chainId: () => this.chainId,
      blockHash: (asked) => (isVisible(asked) ? (this.#database.hashOf(asked) ?? ZERO_HASH) : ZERO_HASH),
    };
  }

  /** Answers a request for the head or for blocks. */
  answerHead(): NamedAnswer {
    const { hash, header, context } = this.head;
    return { name: "head", body: { kind: "head", number: header.number, hash, slot: context.slot } };
  }

  answerBlocks(from: bigint, count: number): NamedAnswer {
    const blocks: Uint8Array[] = [];
    let bytes = 64 * 1024;
    // what is above the head is being undone
    for (let number = from; number < from + BigInt(count) && number <= this.head.header.number; number++) {
      const stored = this.#database.blockByNumber(number);
      if (stored === null) break;
      bytes += stored.encodedBlock.length;
      if (bytes > LIMITS.messageBytes && blocks.length > 0) break;
      blocks.push(stored.encodedBlock);
    }
    return { name: "blocks", body: { kind: "blocks", blocks } };
  }

  /** Proof of values, or witness for writes, under a root that is stored. Throws StateError. */
  prove(
    stateRoot: Hash,
    keys: readonly StateKey[],
    forWrites: boolean,
  ): { nodes: readonly Uint8Array[]; codes: readonly Uint8Array[] } {
    const state = this.#database.stateAt(stateRoot, this.valuesAt(0n));
    return forWrites ? { nodes: state.witnessFor(keys), codes: [] } : state.proveReads(keys);
  }

  #perform(effect: Exclude<FollowerEffect, { kind: "request" | "timer" | "note" | "report" }>): void {
    if (effect.kind === "apply") this.#queue(() => this.#apply(effect.block));
    else if (effect.kind === "rollback") this.#queue(() => this.#rollBack(effect));
    else if (effect.kind === "recall") this.#queue(() => this.#recall(effect.from));
    else for (const listener of [...this.#listeners]) listener(effect.head, effect.block);
  }

  #queue(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch((error) => {
      this.#ports.log("error", "database-failed", {
        chainId: this.chainId,
        reason: reasonOf(error),
      });
    });
  }

  async #apply(block: SealedBlock): Promise<void> {
    const hash = hashHeader(block.header);
    this.#driver.dispatch({ kind: "applied", hash, fault: await this.#store(block, hash) });
  }

  /** Checks the roots and stores the block whole, or gives the reason why not. */
  async #store(block: SealedBlock, hash: Hash): Promise<string | null> {
    const { header, transactions, outcomes } = block;
    try {
      const prepared = this.#database.prepare(this.withState ? outcomes.map((outcome) => outcome.writes) : null);
      const withdrawalsRoot = prepared.storageRootOf(PREDEPLOYS.l2ToL1) ?? header.withdrawalsRoot;
      const stateRoots = prepared.rootsAfterEach;
      const fault = this.withState
        ? rootsFault(header, blockRoots(transactions, outcomes, { stateRoots, withdrawalsRoot }))
        : statelessFault(block);
      if (fault !== null) return fault;
      await prepared.commit(recordOf(block, hash));
      await this.#finalise();
      this.#remember(block);
      return null;
    } catch (error) {
      if (error instanceof StateError) return `${error.code}: ${error.message}`;
      throw error;
    }
  }

  /** Lets go of what undoing final blocks would need, and of states that nobody asks for any more. */
  async #finalise(): Promise<void> {
    const final = this.#follower.finalNumber;
    if (final > this.#database.final) await this.#database.finalise(final);
    const { oldestState, head } = this.#database;
    const kept = head!.number - this.#keptStates;
    const unneeded = kept < this.#database.final ? kept : this.#database.final;
    const next = oldestState + PRUNED_AT_ONCE;
    if (unneeded > oldestState) await this.#database.prune(unneeded < next ? unneeded : next);
  }

  async #recall(from: bigint): Promise<void> {
    this.#driver.dispatch({ kind: "recalled", blocks: await this.undone.from(from) });
  }

  async #rollBack({ to, setAside }: RollbackEffect): Promise<void> {
    if (setAside) await this.undone.undo(to);
    else await this.#database.rollbackTo(to);
    for (const number of this.#recent.keys()) if (number > to) this.#recent.delete(number);
    this.#driver.dispatch({ kind: "rolledBack" });
  }
}

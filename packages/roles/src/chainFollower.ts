/**
 * Follows one DAC's chain: takes blocks from gossip and from hosts, checks them, has them applied one after the other,
 * settles forks. What is on L1 wins; else, at the first height where two branches differ, the later slot.
 */
import {
  blockSigner,
  type ChainId,
  CodecError,
  decodeBlock,
  drawBlockOf,
  firstBlockOf,
  type Hash,
  hashHeader,
  LIMITS,
  merkleRoot,
  type NamedAnswer,
  type NetworkIdentity,
  type Parameters,
  type PeerId,
  type SealedBlock,
} from "@mvm/protocol";
import { paidBy } from "./blockLayout.ts";
import { blockFault, type Parent, parentOf } from "./blockRules.ts";
import type { L1View } from "./l1View.ts";
import type {
  AnsweredEvent,
  Moment,
  NoteEffect,
  ReportEffect,
  RequestEffect,
  RequestFailedEvent,
  TimerEffect,
  TimerEvent,
} from "./machine.ts";

/** Have a block applied on top of the head: roots checked, stored whole or not at all. Ends in an Applied event. */
export type ApplyEffect = { readonly kind: "apply"; readonly block: SealedBlock };
/** Undo all blocks above `to`. Ends in a RolledBack event. */
export type RollbackEffect = { readonly kind: "rollback"; readonly chainId: ChainId; readonly to: bigint };
/** The chain has a new head. */
export type HeadEffect = { readonly kind: "head"; readonly head: Parent; readonly block: SealedBlock | null };

export type FollowerEffect =
  | RequestEffect
  | TimerEffect
  | NoteEffect
  | ReportEffect
  | ApplyEffect
  | RollbackEffect
  | HeadEffect;

export type FollowerEvent =
  | { readonly kind: "block"; readonly block: SealedBlock }
  | { readonly kind: "applied"; readonly hash: Hash; readonly fault: string | null }
  | { readonly kind: "rolledBack" }
  | { readonly kind: "l1Changed" }
  /** L1 took back the blocks after this one; the view has already gone back with it */
  | { readonly kind: "l1Reorg"; readonly toBlock: bigint }
  | { readonly kind: "syncTo"; readonly number: bigint }
  | AnsweredEvent
  | RequestFailedEvent
  | TimerEvent;

export type FollowerOptions = {
  readonly chainId: ChainId;
  readonly view: L1View;
  readonly parameters: Parameters;
  readonly network: NetworkIdentity;
  /** the last block that cannot be rolled back (genesis, or the end of a final batch), then all blocks after it in order */
  readonly tail: readonly Parent[];
  /** the own peer: never asked */
  readonly self: PeerId;
};

/** Blocks that wait to be applied. */
const MAX_WAITING = 256;
/** L1 blocks that a block's slot may be ahead of the own view of L1: it waits for them. */
const MAX_L1_LEAD = 8n;
/** Milliseconds between two looks for what was missed. */
const SYNC_INTERVAL_MS = 3_000;

export class ChainFollower {
  readonly #options: FollowerOptions;
  /** genesis or the last final block, then every block up to the head */
  readonly #tail: Parent[];
  /** blocks that stand in line, in the order of their numbers */
  #waiting: SealedBlock[] = [];
  /** of those, what hosts gave: L1 has a batch over some of it, which decides where branches of one slot differ */
  readonly #fetched = new WeakSet<SealedBlock>();
  #busy: "apply" | "rollback" | null = null;
  #applying: SealedBlock | null = null;
  #syncing = false;
  #target = 0n;
  #checkedBatches = 0;
  /** what L1 took back, until the blocks that rest on it are gone */
  #reorgTo: bigint | null = null;
  #nextHost = 0;
  #tickets = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#tail = [...options.tail];
    if (this.#tail.length === 0) throw new RangeError("a chain has at least its genesis block");
  }

  get head(): Parent {
    return this.#tail.at(-1)!;
  }

  /** The highest block that the node has heard of. */
  get target(): bigint {
    const own = this.head.header.number;
    return this.#target > own ? this.#target : own;
  }

  /** Last block that is both posted on L1 and the same here. */
  get safeNumber(): bigint {
    const batch = this.#options.view.batches(this.#options.chainId)[this.#checkedBatches - 1];
    return batch?.header.lastBlock ?? 0n;
  }

  /** Whether the blocks up to the head rest on L1 as it is: what L1 took back is gone, and all batches are the chain's. */
  get agreesWithL1(): boolean {
    const batches = this.#options.view.batches(this.#options.chainId).length;
    return this.#reorgTo === null && this.#busy !== "rollback" && this.#checkedBatches === batches;
  }

  /** Last own block whose batch L1 takes back no more. */
  get settledNumber(): bigint {
    const settled = this.#options.view.settledHead(this.#options.chainId);
    return settled < this.safeNumber ? settled : this.safeNumber;
  }

  /** Last own block whose batch has outlived its window. */
  get finalNumber(): bigint {
    const final = this.#options.view.finalHead(this.#options.chainId);
    return final < this.safeNumber ? final : this.safeNumber;
  }

  /** Blocks above the posted ones: hash, header, context. */
  get unposted(): readonly Parent[] {
    return this.#tail.filter((parent) => parent.header.number > this.safeNumber);
  }

  handle(event: FollowerEvent, moment: Moment): readonly FollowerEffect[] {
    switch (event.kind) {
      case "block":
        return this.#receive(event.block, moment);
      case "applied":
        return this.#applied(event.hash, event.fault, moment);
      case "rolledBack":
        return this.#rolledBack(moment);
      case "l1Changed":
        return [...this.#checkBatches(), ...this.#proceed(moment)];
      case "l1Reorg":
        // batches that come now are others: none of them is compared
        this.#checkedBatches = 0;
        this.#reorgTo = this.#reorgTo === null || event.toBlock < this.#reorgTo ? event.toBlock : this.#reorgTo;
        return this.#proceed(moment);
      case "syncTo":
        this.#target = event.number > this.#target ? event.number : this.#target;
        return this.#sync();
      case "timer":
        this.#syncing = false;
        return [...this.#sync(), { kind: "timer", name: "sync", atMs: moment.nowMs + SYNC_INTERVAL_MS }];
      case "answered":
        return this.#answered(event.answer, moment);
      case "requestFailed":
        this.#syncing = false;
        this.#nextHost += 1;
        return [];
    }
  }

  start(moment: Moment): readonly FollowerEffect[] {
    return [
      ...this.#checkBatches(),
      { kind: "timer", name: "sync", atMs: moment.nowMs + SYNC_INTERVAL_MS },
      ...this.#sync(),
    ];
  }

  #entry(number: bigint): Parent | undefined {
    const first = this.#tail[0]!.header.number;
    return number < first ? undefined : this.#tail[Number(number - first)];
  }

  #receive(block: SealedBlock, moment: Moment): readonly FollowerEffect[] {
    if (block.header.number > this.#target) this.#target = block.header.number;
    const known = this.#waiting.some((other) => other.signature === block.signature);
    if (known || !this.#makeRoom(block)) return [];
    this.#waiting.push(block);
    this.#waiting.sort((a, b) => (a.header.number < b.header.number ? -1 : 1));
    return this.#proceed(moment);
  }

  /** When the line is full, the highest block makes room: what comes next is never kept out by what comes later. */
  #makeRoom(block: SealedBlock): boolean {
    if (this.#waiting.length < MAX_WAITING) return true;
    if (this.#waiting.at(-1)!.header.number <= block.header.number) return false;
    this.#waiting.pop();
    return true;
  }

  /** Takes the next waiting block that can be taken; asks for what is missing before the others. */
  #proceed(moment: Moment): readonly FollowerEffect[] {
    const fallen = this.#takeBack();
    if (fallen.length > 0) return fallen;
    const { view, parameters } = this.#options;
    const { epochBlocks } = parameters;
    while (this.#busy === null) {
      const block = this.#waiting[0];
      if (block === undefined) return [];
      if (block.header.number > this.head.header.number + 1n) return this.#sync();
      const l1Lead = firstBlockOf(block.context.slot, epochBlocks) - view.block.number;
      if (l1Lead > 0n && l1Lead <= MAX_L1_LEAD) return [];
      this.#waiting.shift();
      const effects = this.#consider(block, moment);
      if (effects.length > 0) return effects;
    }
    return [];
  }

  /** Blocks that rest on L1 blocks which L1 took back fall: their slot's draw block is the latest that they rest on. */
  #takeBack(): readonly FollowerEffect[] {
    const to = this.#reorgTo;
    if (to === null || this.#busy !== null) return [];
    this.#reorgTo = null;
    this.#checkedBatches = 0;
    const { epochBlocks } = this.#options.parameters;
    const fallen = this.#tail.slice(1).find(({ context }) => drawBlockOf(context.slot, epochBlocks) > to);
    if (fallen === undefined) return this.#checkBatches();
    this.#waiting = [];
    return this.#rollBackTo(fallen.header.number - 1n);
  }

  #consider(block: SealedBlock, moment: Moment): readonly FollowerEffect[] {
    const own = this.#entry(block.header.number);
    const parent = this.#entry(block.header.number - 1n);
    if (parent === undefined) return [];
    if (parent.hash !== block.header.parentHash) return this.#askFork(block);
    if (own !== undefined) {
      const isPosted = this.#fetched.has(block) && this.#isCovered(block.header.number);
      const better = block.header.number > this.safeNumber && (isPosted || block.context.slot > own.context.slot);
      if (own.hash === hashHeader(block.header) || !better) return [];
    }
    const fault = blockFault(this.#options, parent, block, moment.nowMs);
    if (fault !== null) return [this.#note("warn", "block-refused", { number: block.header.number, fault })];
    if (own !== undefined) {
      this.#waiting.unshift(block);
      return this.#rollBackTo(block.header.number - 1n);
    }
    this.#busy = "apply";
    this.#applying = block;
    return [{ kind: "apply", block }];
  }

  /** Whether L1 has a batch over a block of this number. */
  #isCovered(number: bigint): boolean {
    return number <= this.#options.view.postedHead(this.#options.chainId);
  }

  /** The block's parent is not ours: the branches differ further down, from the last posted block on at the most. */
  #askFork(block: SealedBlock): readonly FollowerEffect[] {
    const own = this.#entry(block.header.number - 1n);
    if (own === undefined) return [];
    if (block.context.slot <= own.context.slot && !this.#isCovered(block.header.number)) return [];
    return this.#ask(this.safeNumber + 1n);
  }

  #rollBackTo(to: bigint): readonly FollowerEffect[] {
    this.#busy = "rollback";
    while (this.head.header.number > to) this.#tail.pop();
    return [this.#note("warn", "rolled-back", { to }), { kind: "rollback", chainId: this.#options.chainId, to }];
  }

  #rolledBack(moment: Moment): readonly FollowerEffect[] {
    this.#busy = null;
    return [{ kind: "head", head: this.head, block: null }, ...this.#checkBatches(), ...this.#proceed(moment)];
  }

  #applied(hash: Hash, fault: string | null, moment: Moment): readonly FollowerEffect[] {
    this.#busy = null;
    const block = this.#applying;
    this.#applying = null;
    if (fault !== null) return [this.#note("warn", "block-not-applied", { hash, fault }), ...this.#proceed(moment)];
    if (block === null) throw new RangeError("applied without a block under way");
    this.#tail.push(parentOf(block));
    const effects = [{ kind: "head", head: this.head, block } as const, ...this.#checkBatches()];
    while (this.#tail.length > 1 && this.#tail[1]!.header.number <= this.finalNumber) this.#tail.shift();
    const next = this.#proceed(moment);
    return [...effects, ...next, ...(this.#busy === null ? this.#sync() : [])];
  }

  /** Compares newly posted batches with the own chain; a difference rolls the chain back to where L1 still agrees. */
  #checkBatches(): readonly FollowerEffect[] {
    const batches = this.#options.view.batches(this.#options.chainId);
    for (let next = batches[this.#checkedBatches]; next !== undefined; next = batches[this.#checkedBatches]) {
      const { firstBlock, lastBlock, blocksRoot } = next.header;
      if (lastBlock > this.#target) this.#target = lastBlock;
      if (lastBlock > this.head.header.number || this.#busy === "rollback") return [];
      if (firstBlock <= this.#tail[0]!.header.number) {
        // From before the tail, which starts at a block that became final: compared before that, and settled since.
        this.#checkedBatches += 1;
        continue;
      }
      const hashes: Hash[] = [];
      for (let number = firstBlock; number <= lastBlock; number++) hashes.push(this.#entry(number)!.hash);
      if (merkleRoot(hashes) !== blocksRoot) {
        if (this.#busy !== null) return [];
        this.#waiting = [];
        return this.#rollBackTo(firstBlock - 1n);
      }
      this.#checkedBatches += 1;
    }
    return [];
  }

  #sync(): readonly FollowerEffect[] {
    if (this.#syncing || this.head.header.number >= this.#target) return [];
    return this.#ask(this.head.header.number + 1n);
  }

  #ask(from: bigint): readonly FollowerEffect[] {
    const { view, self } = this.#options;
    const keepers = [...view.hosts(this.#options.chainId), ...view.members("sequencer")].filter(
      (member) => member.peerId !== self,
    );
    const host = keepers[this.#nextHost % Math.max(keepers.length, 1)];
    if (host === undefined || this.#syncing) return [];
    this.#syncing = true;
    const { chainId, parameters } = this.#options;
    const body = { chainId, from, count: LIMITS.blocksPerAnswer };
    const ticket = `blocks:${this.#tickets++}`;
    return [
      {
        kind: "request",
        ticket,
        to: host.peerId,
        request: { name: "blocks", body },
        timeoutMs: 4 * parameters.readTimeoutMs,
      },
    ];
  }

  #answered(answer: NamedAnswer, moment: Moment): readonly FollowerEffect[] {
    this.#syncing = false;
    this.#nextHost += 1;
    if (answer.name !== "blocks" || answer.body.kind !== "blocks") return [];
    const effects: FollowerEffect[] = [];
    for (const bytes of answer.body.blocks) {
      const block = decoded(bytes);
      if (block === null || block.chainId !== this.#options.chainId || !this.#signedOrPosted(block)) break;
      this.#fetched.add(block);
      effects.push(...this.#receive(block, moment));
    }
    return effects;
  }

  #signedOrPosted(block: SealedBlock): boolean {
    const { view, network, chainId } = this.#options;
    if (block.header.number <= view.postedHead(chainId)) return true;
    const signer = blockSigner(network, block);
    return signer !== null && paidBy(block)?.[0] === signer && view.maySign(chainId, block.context.slot, signer);
  }

  #note(level: "info" | "warn", code: string, data: NoteEffect["data"]): NoteEffect {
    return { kind: "note", level, code, data: { chainId: this.#options.chainId, ...data } };
  }
}

function decoded(bytes: Uint8Array): SealedBlock | null {
  try {
    return decodeBlock(bytes);
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

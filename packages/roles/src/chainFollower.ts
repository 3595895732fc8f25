/**
 * Follows one DAC's chain: takes blocks from gossip and from hosts, checks them, has them applied one after the other,
 * settles forks. What is on L1 wins; else, at the first height where two branches differ, the later slot. Where L1 takes a
 * batch back that was wrong, its blocks and all after them fall, and only blocks of the next generation follow.
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
import { blockFault, latestTimestamp, type Parent, parentOf } from "./blockRules.ts";
import type { Member } from "./l1Event.ts";
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
import { unpostedWorkFault } from "./workRules.ts";

/** Have a block applied on top of the head: roots checked, stored whole or not at all. Ends in an Applied event. */
export type ApplyEffect = { readonly kind: "apply"; readonly block: SealedBlock };
/**
 * Undo all blocks above `to`. Ends in a RolledBack event. Those that fall with their generation are set aside: their
 * transactions go into other blocks, and where L1 takes the conviction back they are blocks of the chain again.
 */
export type RollbackEffect = {
  readonly kind: "rollback";
  readonly chainId: ChainId;
  readonly to: bigint;
  readonly setAside: boolean;
};
/** Give the blocks that were set aside, from a number on, as many as fit an answer. Ends in a Recalled event. */
export type RecallEffect = { readonly kind: "recall"; readonly chainId: ChainId; readonly from: bigint };
/** The chain has a new head. */
export type HeadEffect = { readonly kind: "head"; readonly head: Parent; readonly block: SealedBlock | null };

export type FollowerEffect =
  | RequestEffect
  | TimerEffect
  | NoteEffect
  | ReportEffect
  | ApplyEffect
  | RollbackEffect
  | RecallEffect
  | HeadEffect;

export type FollowerEvent =
  | { readonly kind: "block"; readonly block: SealedBlock }
  | { readonly kind: "applied"; readonly hash: Hash; readonly fault: string | null }
  | { readonly kind: "rolledBack" }
  /** in the order of their numbers; several of one number where several generations fell */
  | { readonly kind: "recalled"; readonly blocks: readonly SealedBlock[] }
  /** a block does not follow from its transactions, as the own node has found by executing it */
  | { readonly kind: "foundWrong"; readonly hash: Hash }
  /** L1 has been read up to its head: what the view does not know does not exist */
  | { readonly kind: "live" }
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
/** Blocks that wait for the own view of L1 to show the rollback that they follow. */
const MAX_EARLY = 64;
/** Blocks found wrong that are remembered. */
const MAX_WRONG = 64;
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
  /** blocks of a generation that the own view of L1 does not know yet */
  #early: SealedBlock[] = [];
  /** blocks that were found wrong, oldest first: not followed unless L1 has them, and then as long as it does */
  readonly #wrong = new Set<Hash>();
  #busy: "apply" | "rollback" | null = null;
  #applying: SealedBlock | null = null;
  #syncing = false;
  #target = 0n;
  /** batches that were found to be the own chain's, by index */
  readonly #checked: { readonly batchHash: Hash; readonly lastBlock: bigint }[] = [];
  /** what L1 took back, until the blocks that rest on it are gone */
  #reorgTo: bigint | null = null;
  /** the generation that all blocks were last held against; null: they have to be again */
  #generation: bigint | null;
  #isLive = false;
  /** from this number on, blocks that were set aside may have become the chain's again; null: none has */
  #recallFrom: bigint | null = null;
  /** answers in a row that had no block above the head */
  #emptyAnswers = 0;
  #nextHost = 0;
  #tickets = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#tail = [...options.tail];
    this.#generation = options.view.generation(options.chainId);
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
    return this.#checked[this.#agreed - 1]?.lastBlock ?? 0n;
  }

  /** Number of the batches that were found to be the own chain's and that still stand. */
  get #agreed(): number {
    const batches = this.#options.view.batches(this.#options.chainId);
    let count = Math.min(this.#checked.length, batches.length);
    while (count > 0 && this.#checked[count - 1]!.batchHash !== batches[count - 1]!.batchHash) count -= 1;
    return count;
  }

  /** Whether L1 took back, or a conviction made fall, what blocks here may rest on. */
  get #isShaken(): boolean {
    return this.#reorgTo !== null || this.#generation !== this.#options.view.generation(this.#options.chainId);
  }

  /** Whether the blocks up to the head rest on L1 as it is: what L1 took back is gone, and all batches are the chain's. */
  get agreesWithL1(): boolean {
    const batches = this.#options.view.batches(this.#options.chainId).length;
    return !this.#isShaken && this.#busy !== "rollback" && this.#agreed === batches;
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
      case "recalled":
        return this.#recalled(event.blocks, moment);
      case "foundWrong":
        this.#wrong.add(event.hash);
        if (this.#wrong.size > MAX_WRONG) this.#wrong.delete(this.#wrong.keys().next().value!);
        return this.#proceed(moment);
      case "live":
        this.#isLive = true;
        this.#generation = null;
        this.#recallFrom = 0n;
        return this.#proceedOrSync(moment);
      case "l1Changed":
        return [...this.#checkBatches(), ...this.#proceed(moment)];
      case "l1Reorg":
        this.#reorgTo = this.#reorgTo === null || event.toBlock < this.#reorgTo ? event.toBlock : this.#reorgTo;
        return this.#proceedOrSync(moment);
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
        this.#emptyAnswers = 0;
        this.#nextHost += 1;
        return [];
    }
  }

  start(moment: Moment): readonly FollowerEffect[] {
    this.#generation = null;
    return [
      ...this.#proceed(moment),
      { kind: "timer", name: "sync", atMs: moment.nowMs + SYNC_INTERVAL_MS },
      ...this.#sync(),
    ];
  }

  #proceedOrSync(moment: Moment): readonly FollowerEffect[] {
    const next = this.#proceed(moment);
    return [...next, ...(this.#busy === null ? this.#sync() : [])];
  }

  #entry(number: bigint): Parent | undefined {
    const first = this.#tail[0]!.header.number;
    return number < first ? undefined : this.#tail[Number(number - first)];
  }

  #receive(block: SealedBlock, moment: Moment): readonly FollowerEffect[] {
    const { view, chainId } = this.#options;
    if (block.generation > view.generation(chainId)) return this.#keepEarly(block);
    if (block.generation !== view.generationAt(chainId, block.header.number)) return [];
    if (block.header.number > this.#target) this.#target = block.header.number;
    const known = this.#waiting.some((other) => other.signature === block.signature);
    if (known || !this.#makeRoom(block)) return [];
    this.#waiting.push(block);
    this.#waiting.sort(byNumber);
    return this.#proceed(moment);
  }

  /** A rollback that others have seen on L1 is about to be seen here; if it is not, newer ones displace the block. */
  #keepEarly(block: SealedBlock): readonly FollowerEffect[] {
    this.#early.push(block);
    if (this.#early.length > MAX_EARLY) this.#early.shift();
    return [];
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

  /**
   * Blocks that rest on L1 blocks which L1 took back fall: their slot's draw block is the latest that they rest on. So do
   * blocks of a generation that ended below them.
   */
  #takeBack(): readonly FollowerEffect[] {
    if (this.#busy !== null) return [];
    const wrong = this.#tail.find(({ hash, header }) => this.#isWrong(hash, header.number));
    if (wrong !== undefined && !this.#isShaken) {
      this.#waiting = this.#waiting.filter(({ header }) => header.number < wrong.header.number);
      return this.#rollBackTo(wrong.header.number - 1n, false);
    }
    if (!this.#isShaken) return [];
    const to = this.#reorgTo;
    this.#reorgTo = null;
    if (to !== null) this.#recallFrom = 0n;
    this.#regroup(to !== null);
    const { epochBlocks } = this.#options.parameters;
    const isLost = ({ context }: Parent): boolean => to !== null && drawBlockOf(context.slot, epochBlocks) > to;
    const fallen = this.#tail.slice(1).find((parent) => isLost(parent) || this.#fell(parent));
    if (fallen === undefined) return this.#checkBatches();
    const setAside = this.#fell(this.head);
    if (!setAside) this.#waiting = [];
    return this.#rollBackTo(fallen.header.number - 1n, setAside);
  }

  /**
   * In another generation other blocks wait, and nothing of what was heard of the one before is to be looked for.
   * @param wentBack whether L1 took blocks back: the same generation may have begun elsewhere
   */
  #regroup(wentBack: boolean): void {
    const { view, chainId } = this.#options;
    const generation = view.generation(chainId);
    if (this.#generation === generation && !wentBack) return;
    this.#generation = generation;
    const ready = this.#early.filter((block) => block.generation <= generation && this.#signedOrPosted(block));
    this.#early = this.#early.filter((block) => block.generation > generation);
    const isRight = ({ generation, header }: SealedBlock): boolean =>
      generation === view.generationAt(chainId, header.number);
    this.#waiting = [...this.#waiting, ...ready].filter(isRight).sort(byNumber);
    this.#target = this.#waiting.at(-1)?.header.number ?? 0n;
  }

  /**
   * Whether a block is of another generation than L1 says. While L1 is still being read, a block may know of a rollback
   * that is yet to come.
   */
  #fell({ generation, header }: Parent): boolean {
    const right = this.#options.view.generationAt(this.#options.chainId, header.number);
    return generation < right || (this.#isLive && generation > right);
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
    const { view, network } = this.#options;
    if (this.#isWrong(hashHeader(block.header), block.header.number)) return [];
    const latest = latestTimestamp(view, block, moment.nowMs);
    const fault = blockFault(this.#options, parent, block, latest) ?? unpostedWorkFault(view, network, block);
    if (fault !== null) return [this.#note("warn", "block-refused", { number: block.header.number, fault })];
    if (own !== undefined) {
      this.#waiting.unshift(block);
      return this.#rollBackTo(block.header.number - 1n, false);
    }
    this.#busy = "apply";
    this.#applying = block;
    return [{ kind: "apply", block }];
  }

  /** Whether a block was found wrong; what L1 has stands all the same until it is proven to L1. */
  #isWrong(hash: Hash, number: bigint): boolean {
    return this.#wrong.has(hash) && !this.#isCovered(number);
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

  #rollBackTo(to: bigint, setAside: boolean): readonly FollowerEffect[] {
    const { chainId } = this.#options;
    this.#busy = "rollback";
    while (this.head.header.number > to) this.#tail.pop();
    while ((this.#checked.at(-1)?.lastBlock ?? 0n) > to) this.#checked.pop();
    return [this.#note("warn", "rolled-back", { to }), { kind: "rollback", chainId, to, setAside }];
  }

  #rolledBack(moment: Moment): readonly FollowerEffect[] {
    this.#busy = null;
    const effects = [{ kind: "head", head: this.head, block: null } as const, ...this.#checkBatches()];
    return [...effects, ...this.#proceedOrSync(moment)];
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
    return [...effects, ...this.#proceedOrSync(moment)];
  }

  /** Compares newly posted batches with the own chain; a difference rolls the chain back to where L1 still agrees. */
  #checkBatches(): readonly FollowerEffect[] {
    const batches = this.#options.view.batches(this.#options.chainId);
    this.#checked.length = this.#agreed;
    for (let next = batches[this.#checked.length]; next !== undefined; next = batches[this.#checked.length]) {
      const { batchHash } = next;
      const { firstBlock, lastBlock, blocksRoot, generation } = next.header;
      if (lastBlock > this.#target) this.#target = lastBlock;
      if (lastBlock > this.head.header.number || this.#busy === "rollback" || this.#isShaken) return [];
      if (firstBlock <= this.#tail[0]!.header.number) {
        // From before the tail, which starts at a block that became final: compared before that, and settled since.
        this.#checked.push({ batchHash, lastBlock });
        continue;
      }
      // the own blocks know of a rollback that the view has yet to hear of: the batch will fall
      if (this.#entry(lastBlock)!.generation > generation) return [];
      const hashes: Hash[] = [];
      for (let number = firstBlock; number <= lastBlock; number++) hashes.push(this.#entry(number)!.hash);
      if (merkleRoot(hashes) !== blocksRoot) {
        if (this.#busy !== null) return [];
        this.#waiting = [];
        return this.#rollBackTo(firstBlock - 1n, false);
      }
      this.#checked.push({ batchHash, lastBlock });
    }
    return [];
  }

  #sync(): readonly FollowerEffect[] {
    if (this.head.header.number >= this.#target) return [];
    const from = this.head.header.number + 1n;
    if (this.#recallFrom === null || from < this.#recallFrom) return this.#syncing ? [] : this.#ask(from);
    this.#recallFrom = null;
    return [{ kind: "recall", chainId: this.#options.chainId, from }];
  }

  #recalled(blocks: readonly SealedBlock[], moment: Moment): readonly FollowerEffect[] {
    const { view, chainId } = this.#options;
    const again = blocks.filter(({ generation, header }) => generation === view.generationAt(chainId, header.number));
    const last = again.at(-1);
    if (last !== undefined) this.#recallFrom = last.header.number + 1n;
    for (const block of again) this.#fetched.add(block);
    const effects = again.flatMap((block) => this.#receive(block, moment));
    return [...effects, ...(this.#busy === null ? this.#sync() : [])];
  }

  /** Whoever may have blocks, but the own node. */
  get #keepers(): readonly Member[] {
    const { view, self, chainId } = this.#options;
    return view.keepers(chainId).filter((member) => member.peerId !== self);
  }

  #ask(from: bigint): readonly FollowerEffect[] {
    const keepers = this.#keepers;
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
    if (answer.body.blocks.length === 0) this.#heardOfNone();
    else this.#emptyAnswers = 0;
    const effects: FollowerEffect[] = [];
    for (const bytes of answer.body.blocks) {
      const block = decoded(bytes);
      if (block === null || block.chainId !== this.#options.chainId || !this.#signedOrPosted(block)) break;
      this.#fetched.add(block);
      effects.push(...this.#receive(block, moment));
    }
    return effects;
  }

  /** What nobody has any more is not looked for any longer, unless L1 or a block that waits says that it exists. */
  #heardOfNone(): void {
    this.#emptyAnswers += 1;
    if (this.#emptyAnswers < this.#keepers.length) return;
    this.#emptyAnswers = 0;
    const posted = this.#options.view.postedHead(this.#options.chainId);
    const waiting = this.#waiting.at(-1)?.header.number ?? 0n;
    this.#target = waiting > posted ? waiting : posted;
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

const byNumber = (a: SealedBlock, b: SealedBlock): number => (a.header.number < b.header.number ? -1 : 1);

function decoded(bytes: Uint8Array): SealedBlock | null {
  try {
    return decodeBlock(bytes);
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

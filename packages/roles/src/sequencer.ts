/**
 * A sequencer on one DAC: while it is its turn, orders transactions, hands each block's work to providers as a blind
 * job, compares their results, has the block assembled, sealed, published, and posts batches to L1.
 */
import {
  type Address,
  type BlockContext,
  type BlockEnvironment,
  type BlockOutcome,
  type ChainId,
  encodeSystemTransaction,
  environmentOf,
  evidenceHash,
  firstBlockOf,
  type Hash,
  type Hex,
  type JobId,
  jobIdOf,
  LIMITS,
  type NetworkIdentity,
  NO_WORK,
  nextBaseFee,
  type Parameters,
  type PeerId,
  prevRandaoOf,
  type QueueItem,
  queueItemGas,
  refused,
  type SealedBlock,
  type StateEntry,
  type StateKey,
  type SystemTransaction,
  seatedIn,
  type Transaction,
  taggedHash,
  toMessage,
  type UnsignedBlock,
  vrfOutput,
  type Work,
  type WorkEvidence,
  ZERO_HASH,
} from "@mvm/protocol";
import { fitting, isHopeless, takeFitting } from "./blockFilling.ts";
import { BlockJobs, type JobsEnd, type JobsStep } from "./blockJobs.ts";
import { closingTransaction, openingTransactions } from "./blockLayout.ts";
import type { Parent } from "./blockRules.ts";
import { BlockSize } from "./blockSize.ts";
import { JobReads, type ReadCounts } from "./jobReads.ts";
import type { Member } from "./l1Event.ts";
import type { L1View } from "./l1View.ts";
import type {
  AnswerEffect,
  AnsweredEvent,
  Couriers,
  Moment,
  NoteEffect,
  RequestedEvent,
  RequestFailedEvent,
  TimerEffect,
} from "./machine.ts";
import { Posting } from "./posting.ts";
import type { SequencerEffect, SequencerEvent } from "./sequencerEffects.ts";
import { SequencerPool } from "./sequencerPool.ts";
import { randomnessMessage } from "./workRules.ts";

export type SequencerOptions = {
  readonly chainId: ChainId;
  readonly operator: Address;
  readonly view: L1View;
  readonly network: NetworkIdentity;
  readonly parameters: Parameters;
  readonly head: Parent;
  /** VRF proof of the own BLS key, 96 bytes compressed: there is one for each message, so that it depends on nothing else */
  readonly prove: (message: Hash) => Hex;
  /** whether anything may be signed in the present slot: not where another node may do so with the same key */
  readonly maySign: () => boolean;
};

/** What the sequencer drew for a place of its chain, and how many of the jobs there have failed. */
type Place = {
  /** that its proof is for: another one where L1 drew the slot anew */
  readonly message: Hash;
  readonly slot: bigint;
  readonly generation: bigint;
  readonly number: bigint;
  readonly proof: Hex;
  readonly randomness: Hash;
  attempt: number;
};

/** A slot in which it is the own turn; predecessors' blocks have been asked for, and own production waits for them. */
type OwnTurn = {
  readonly slot: bigint;
  readonly open: Set<string>;
  highest: bigint;
  ready: boolean;
  /** whether what others signed and nobody posted has been executed, before anything is built on it */
  check: "due" | "running" | "over";
  readonly giveUpMs: number;
};

/** A block on its way. */
type Build = {
  readonly session: Hash;
  readonly place: Place;
  readonly beganMs: number;
  readonly slot: bigint;
  readonly generation: bigint;
  readonly parent: Parent;
  readonly environment: BlockEnvironment;
  readonly context: BlockContext;
  readonly queueItems: readonly QueueItem[];
  /** bytes of the opening and its outcomes, once it is executed */
  openingBytes: number;
  /** transactions that it takes at the most */
  readonly limit: number;
  candidates: readonly Transaction[];
  /** holders of the seats of its first job */
  readonly seats: readonly Member[];
  jobs: BlockJobs | null;
  /** it may be signed already: nothing else may be begun at its place before that has ended */
  isSealing: boolean;
  unsigned: Omit<UnsignedBlock, "header" | "outcomes"> | null;
};

/** System transactions of a block beside queue items, at the most: context, founding, settle. */
const MAX_SYSTEM_CALLS = 3;
/** Transactions whose signers' accounts are looked at for a block, however few it may take. */
const LOOKED_AT = 64;
/** Milliseconds after a failed attempt before the next. */
const RETRY_MS = 250;
/** Milliseconds that a published block has to become the own head before the sequencer goes on without it. */
const PUBLISH_PATIENCE_MS = 3_000;
/** L1 blocks beyond those that L1 demands before a silent slot is claimed: a leader's first batch takes a moment. */
const CLAIM_PATIENCE_BLOCKS = 1n;

export class Sequencer {
  readonly #options: SequencerOptions;
  readonly #pool: SequencerPool;
  readonly #posting: Posting;
  readonly #reads = new JobReads();
  #head: Parent;
  #build: Build | null = null;
  #place: Place | null = null;
  #turn: OwnTurn | null = null;
  /** where another block was signed in this slot: nothing can be made there before the next one */
  #taken: { readonly slot: bigint; readonly generation: bigint; readonly number: bigint } | null = null;
  #publishedUntilMs: number | null = null;
  /**
   * when the next block begins: on a tick, as the blocks of all chains do, so that the moment of a job does not tell how busy its chain is; null
   * while there is no work
   */
  #beginsMs: number | null = null;
  #lastTurn = -1n;
  /** L1 block since which there is work of which nothing was posted, and the last block that was; null where there is no work */
  #silence: { readonly posted: bigint; readonly since: bigint } | null = null;
  /** a claim of the slot is on its way */
  #claiming = false;
  /** nothing in the pool can run before something changes */
  #exhausted = false;
  #counter = 0;
  readonly #size: BlockSize;
  /** whether providers of the last block took long */
  #isSlow = false;

  constructor(options: SequencerOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#pool = new SequencerPool(options.chainId);
    this.#posting = new Posting(options);
    this.#size = new BlockSize(options.parameters.tickSeconds * 1_000);
  }

  /** Whether a job is one of the block on its way. */
  runs(jobId: JobId): boolean {
    return this.#build?.jobs?.runs(jobId) ?? false;
  }

  /** What its jobs read, and how much of it they had from the start. */
  get readCounts(): ReadCounts {
    return this.#reads.counts;
  }

  get poolSize(): number {
    return this.#pool.size;
  }

  handle(event: SequencerEvent, moment: Moment): readonly SequencerEffect[] {
    switch (event.kind) {
      case "requested":
        return this.#requested(event, moment);
      case "answered":
      case "requestFailed":
        return this.#turn?.open.has(event.ticket)
          ? this.#headAnswered(event, moment)
          : this.#jobAnswered(event, moment);
      case "timer":
        if (event.name === "jobs") return this.#jobsTimer(moment);
        return event.name === "post" ? this.#postTimer(moment) : this.#advance(moment);
      case "l1Changed":
        return this.#l1Changed(moment);
      case "headChanged":
        return this.#headChanged(event, moment);
      case "sessionOpened":
        return this.#sessionOpened(event, moment);
      case "sessionRead":
        return this.#sessionRead(event);
      case "jobExecuted":
        return this.#jobExecuted(event, moment);
      case "sessionFailed":
        return event.session === this.#build?.session ? this.#unmade(event.reason, moment) : [];
      case "assembled":
        return this.#assembled(event, moment);
      case "sealed":
        return this.#sealed(event.block, moment);
      case "sealRefused":
        if (!event.isTaken) return this.#unmade(event.reason, moment);
        if (this.#build !== null) this.#taken = { ...this.#build.place };
        return this.#giveUp(event.reason, moment);
      case "checked":
        if (this.#turn?.slot === event.slot) this.#turn.check = "over";
        return this.#advance(moment);
      case "posted":
        this.#posting.posted(event, moment);
        return [];
      case "postFailed":
        return this.#postFailed(event);
      case "claimEnded":
        return this.#claimEnded(event.reason);
    }
  }

  start(moment: Moment): readonly SequencerEffect[] {
    return [...this.#l1Changed(moment), this.#timer("post", this.#posting.nextMs(moment))];
  }

  #timer(name: string, atMs: number): TimerEffect {
    return { kind: "timer", name, atMs };
  }

  /**
   * Whether the slot is this sequencer's, and its stake free to answer for it. Where the queue is overdue for too long, the slot
   * is every sequencer's: those whose it is not leave it to the one whose it is, as long as something comes of that.
   */
  get #isMyTurn(): boolean {
    const { view, chainId, operator, maySign } = this.#options;
    if (!maySign() || view.isExiting(chainId) || !view.canCover(chainId, operator)) return false;
    if (view.turn(chainId)?.member.operator === operator) return true;
    return view.mayPostOpenly(chainId, operator) && this.#isSilent;
  }

  /** Whether there has been work for a slot's length of which nothing was posted. */
  get #isSilent(): boolean {
    const { view, parameters } = this.#options;
    return this.#silence !== null && view.block.number >= this.#silence.since + BigInt(parameters.epochBlocks);
  }

  // The turn: learn what the predecessors signed, then begin.

  #l1Changed(moment: Moment): readonly SequencerEffect[] {
    const { view } = this.#options;
    this.#exhausted = false;
    this.#watchWork();
    const late = this.#endLate(moment);
    if (!this.#isMyTurn) {
      this.#turn = null;
      this.#beginsMs = null;
      return [...late, ...this.#claim()];
    }
    if (this.#turn?.slot === view.slot) return [...late, ...this.#advance(moment), ...this.#postIfMuch(moment)];
    const continues = this.#lastTurn === view.slot - 1n;
    this.#lastTurn = view.slot;
    return [...late, ...this.#beginTurn(continues, moment)];
  }

  /** Ends a block whose slot was over before it was done: nobody would take it, and its seats have other work. */
  #endLate(moment: Moment): readonly SequencerEffect[] {
    const build = this.#build;
    const isLate = build !== null && !build.isSealing && (build.slot !== this.#options.view.slot || !this.#isMyTurn);
    if (!isLate) return [];
    this.#size.late(build.candidates.length);
    return this.#giveUp("the turn was over first", moment);
  }

  /** Takes the slot over where those before were silent while there was work, and enough of it is left to do some. */
  #claim(): readonly SequencerEffect[] {
    const { view, chainId, operator, parameters, maySign } = this.#options;
    if (!maySign()) return [];
    const { number } = view.block;
    const end = firstBlockOf(view.slot + 1n, parameters.epochBlocks);
    if (this.#claiming || view.isExiting(chainId) || number + BigInt(parameters.rankDelayBlocks) + 1n >= end) return [];
    if (!view.canCover(chainId, operator)) return [];
    const rank = view.rankOf(chainId, view.slot, operator);
    if (rank === undefined || rank <= view.activeRank(chainId)) return [];
    if (this.#silence === null) return [];
    // a leader that had nothing to do was not silent, though L1 cannot tell
    const patientUntil = this.#silence.since + BigInt(parameters.rankDelayBlocks);
    const claimable = view.claimableFrom(chainId, rank);
    if (number < (claimable > patientUntil ? claimable : patientUntil) + CLAIM_PATIENCE_BLOCKS) return [];
    this.#claiming = true;
    return [{ kind: "claim", chainId, slot: view.slot, rank }];
  }

  /** Notes since when there is work of which nothing comes to L1. */
  #watchWork(): void {
    const { view, chainId } = this.#options;
    const posted = view.postedHead(chainId);
    const { number } = this.#head.header;
    const hasWork = number > posted || number === 0n || this.#pool.size > 0 || this.#dueItems().length > 0;
    if (!hasWork) this.#silence = null;
    else if (this.#silence?.posted !== posted) this.#silence = { posted, since: view.block.number };
  }

  #claimEnded(reason: string | null): readonly SequencerEffect[] {
    this.#claiming = false;
    if (reason === null) return [];
    return [
      { kind: "note", level: "warn", code: "slot-not-claimed", data: { chainId: this.#options.chainId, reason } },
    ];
  }

  #beginTurn(continues: boolean, moment: Moment): readonly SequencerEffect[] {
    const { view, chainId, parameters } = this.#options;
    const open = new Set<string>();
    const effects: SequencerEffect[] = [];
    for (const host of continues ? [] : view.hosts(chainId)) {
      const ticket = `head:${this.#counter++}`;
      open.add(ticket);
      effects.push({
        kind: "request",
        ticket,
        to: host.peerId,
        request: { name: "head", body: { chainId } },
        timeoutMs: parameters.readTimeoutMs,
      });
    }
    this.#turn = {
      slot: view.slot,
      open,
      highest: 0n,
      ready: open.size === 0,
      check: continues ? "over" : "due",
      giveUpMs: moment.nowMs + 2 * parameters.readTimeoutMs,
    };
    return [...effects, this.#timer("advance", this.#turn.giveUpMs), ...this.#advance(moment)];
  }

  #headAnswered(event: AnsweredEvent | RequestFailedEvent, moment: Moment): readonly SequencerEffect[] {
    const turn = this.#turn!;
    turn.open.delete(event.ticket);
    const body = event.kind === "answered" && event.answer.name === "head" ? event.answer.body : null;
    if (body?.kind === "head" && body.number > turn.highest) turn.highest = body.number;
    if (turn.open.size > 0) return [];
    const behind = turn.highest > this.#head.header.number;
    const sync: SequencerEffect[] = behind
      ? [{ kind: "syncTo", chainId: this.#options.chainId, number: turn.highest }]
      : [];
    return [...sync, ...this.#advance(moment)];
  }

  // Building a block.

  #advance(moment: Moment): readonly SequencerEffect[] {
    const { view, parameters } = this.#options;
    const turn = this.#turn;
    if (turn === null || this.#build !== null || view.slotEnds || turn.slot !== view.slot || !this.#isMyTurn) return [];
    // before hosts are drawn nobody has the state that a block is built on
    if (view.valuesOf(view.slot) === undefined || view.hosts(this.#options.chainId).length === 0) return [];
    // blocks that are on L1 and not here come first: what is built beside them falls at once
    if (this.#head.header.number < view.postedHead(this.#options.chainId) || !this.#headStands) return [];
    const known = turn.open.size === 0 && this.#head.header.number >= turn.highest;
    if (!turn.ready && !known && moment.nowMs < turn.giveUpMs) return [];
    turn.ready = true;
    const unchecked = this.#checkTurn(turn, moment);
    if (unchecked !== null) return unchecked;
    if (this.#publishedUntilMs !== null && moment.nowMs < this.#publishedUntilMs)
      return [this.#timer("advance", this.#publishedUntilMs)];
    this.#publishedUntilMs = null;
    const tickMs = parameters.tickSeconds * 1000;
    const earliestMs = Number(this.#head.header.timestamp) * 1000 + tickMs;
    const isFirst = this.#head.header.number === 0n;
    const hasWork = isFirst || (this.#pool.size > 0 && !this.#exhausted) || this.#dueItems().length > 0;
    if (!hasWork) {
      this.#beginsMs = null;
      return [];
    }
    this.#beginsMs = Math.max(earliestMs, this.#beginsMs ?? Math.ceil(moment.nowMs / tickMs) * tickMs);
    if (moment.nowMs < this.#beginsMs) return [this.#timer("advance", this.#beginsMs)];
    const { slot, generation, number } = this.#taken ?? { slot: -1n, generation: 0n, number: 0n };
    const isTaken = slot === view.slot && generation === view.generation(this.#options.chainId);
    if (isTaken && number === this.#head.header.number + 1n) return [];
    this.#beginsMs = null;
    return this.#open(BigInt(Math.floor(moment.nowMs / tickMs) * parameters.tickSeconds), moment);
  }

  /**
   * What is left to be done before a turn begins on what others signed and nobody posted: to execute it, for who builds on a block
   * that is wrong can post neither. Null where nothing is. Hosts that give no values hold the turn up no longer than those that give no head.
   */
  #checkTurn(turn: OwnTurn, { nowMs }: Moment): readonly SequencerEffect[] | null {
    const from = this.#options.view.postedHead(this.#options.chainId) + 1n;
    const to = this.#head.header.number;
    if (turn.check === "over" || to < from) return null;
    if (turn.check === "running") return nowMs < turn.giveUpMs ? [] : null;
    turn.check = "running";
    return [{ kind: "check", slot: turn.slot, from, to }];
  }

  /** False from a rollback on L1 until the own chain has gone back with it. */
  get #headStands(): boolean {
    const { view, chainId } = this.#options;
    return this.#head.generation === view.generationAt(chainId, this.#head.header.number);
  }

  #dueItems(): readonly QueueItem[] {
    const { view, chainId } = this.#options;
    return view.queueItems(chainId, this.#head.context.queueEnd, view.slot);
  }

  #open(timestamp: bigint, moment: Moment): readonly SequencerEffect[] {
    const { view, chainId } = this.#options;
    const parent = this.#head;
    const place = this.#placeAfter(parent);
    const { randomness, attempt } = place;
    const jobId = jobIdOf(randomness, attempt);
    const session = taggedHash("mvm/session/1", moment.entropy);
    const queueItems = this.#dueItems();
    const baseFeePerGas = nextBaseFee({ baseFeePerGas: parent.header.baseFeePerGas, gasUsed: parent.header.gasUsed });
    const most = LIMITS.blockTransactions - queueItems.length - MAX_SYSTEM_CALLS;
    const limit = Math.min(this.#size.limit, most);
    // some may turn out to be none for this block
    const count = Math.min(Math.max(limit, LOOKED_AT), most);
    const gas = queueItems.reduce<bigint>((left, item) => left - queueItemGas(item, chainId), LIMITS.blockGas);
    const candidates = takeFitting(this.#pool.inOrder(baseFeePerGas), { count, gas });
    const environment = environmentOf({ timestamp, baseFeePerGas, prevRandao: prevRandaoOf(randomness) });
    const { l1Block, l1BaseFee } = view.valuesOf(view.slot)!;
    const context = {
      slot: view.slot,
      l1Block,
      l1BaseFee,
      queueEnd: parent.context.queueEnd + BigInt(queueItems.length),
      randomness,
      work: NO_WORK,
      evidence: ZERO_HASH,
    };
    this.#build = {
      session,
      place,
      beganMs: moment.nowMs,
      slot: view.slot,
      generation: view.generation(chainId),
      parent,
      environment,
      context,
      queueItems,
      openingBytes: 0,
      limit,
      candidates,
      seats: view.seatsOf(view.slot, jobId),
      jobs: null,
      isSealing: false,
      unsigned: null,
    };
    const addresses = new Set<Address>([environment.feeRecipient]);
    for (const [i, { from, to }] of candidates.entries()) {
      addresses.add(from);
      if (to !== null && i < limit) addresses.add(to);
    }
    const needed = [...addresses].map((address): StateKey => ({ kind: "account", address }));
    const keys = [...needed, ...this.#reads.foretell(candidates.slice(0, limit), needed)];
    const opening = this.#openingOf(this.#build, 0);
    const raws = candidates.map(({ raw }) => raw);
    const foreseen = this.#closingOf(
      this.#build,
      { providers: this.#build.seats, seated: Math.min(1, this.#build.seats.length) },
      raws,
    );
    const signers = [...new Set(candidates.map(({ from }) => from))];
    const talks = candidates.length === 0 ? [] : this.#talksAbout(place);
    return [{ kind: "openSession", session, chainId, parent, environment, opening, foreseen, keys, signers, talks }];
  }

  /** Who holds seats of the jobs at a place that may be done, and who would carry them there. */
  #talksAbout({ randomness, attempt }: Place): readonly Couriers[] {
    const { view } = this.#options;
    return [attempt, attempt + 1]
      .map((each) => jobIdOf(randomness, Math.min(each, LIMITS.jobAttempts - 1)))
      .flatMap((jobId) =>
        view.seatsOf(view.slot, jobId).map(({ index }) => ({
          jobId,
          provider: index,
          peers: this.#couriersOf(view.slot, jobId, index),
        })),
      );
  }

  #couriersOf(slot: bigint, jobId: JobId, holder: number): readonly PeerId[] {
    return this.#options.view.couriersOf(slot, jobId, holder).map(({ peerId }) => peerId);
  }

  /** The own draw for the block after a parent, in a slot whose values are known; its jobs that failed count for as long as it is that block's turn. */
  #placeAfter({ header }: Parent): Place {
    const { view, network, chainId, prove } = this.#options;
    const at = { chainId, generation: view.generation(chainId), number: header.number + 1n, slot: view.slot };
    const { slot, generation, number } = at;
    const message = randomnessMessage(view, network, at)!;
    if (this.#place?.message === message) return this.#place;
    const proof = prove(message);
    this.#place = { message, slot, generation, number, proof, randomness: vrfOutput(proof), attempt: 0 };
    return this.#place;
  }

  /** Settle for a block that these providers did, with these encoded users' transactions. */
  #closingOf(
    { parent, context }: Build,
    { providers, seated }: { readonly providers: readonly Member[]; readonly seated: number },
    transactions: readonly Uint8Array[],
  ): SystemTransaction {
    const { chainId, operator } = this.#options;
    const paid = [operator, ...providers.map((provider) => provider.operator)] as const;
    const { l1BaseFee } = context;
    const number = parent.header.number + 1n;
    return closingTransaction(chainId, { number, l1BaseFee }, { paid, seated, transactions });
  }

  #openingOf(
    { generation, parent, context, queueItems }: Build,
    transactionCount: number,
  ): readonly SystemTransaction[] {
    const { view, chainId } = this.#options;
    const number = parent.header.number + 1n;
    const { founding } = view.dac(chainId)!;
    return openingTransactions({ number, generation, context, founding, queueItems, transactionCount });
  }

  #sessionOpened(event: SequencerEvent & { kind: "sessionOpened" }, moment: Moment): readonly SequencerEffect[] {
    const build = this.#build;
    if (build?.session !== event.session) return [{ kind: "closeSession", session: event.session }];
    build.openingBytes = event.openingBytes;
    const lookedAt = build.candidates;
    build.candidates = this.#pool.runnable(lookedAt, event.entries).slice(0, build.limit);
    if (build.candidates.length === 0) {
      if (this.#stands(build)) return this.#assemble(build, [], null);
      this.#exhausted = this.#pool.allWait;
      return [...this.#drop(), this.#timer("advance", moment.nowMs + RETRY_MS)];
    }
    const values = withoutSigners(event.entries, lookedAt, build);
    this.#reads.opened(values);
    const { network, parameters, view } = this.#options;
    const { session, environment, place, slot } = build;
    const messages = build.candidates.map((transaction) => toMessage(transaction, build.context.l1BaseFee));
    build.jobs = new BlockJobs({
      network,
      session,
      work: { environment, messages, values },
      randomness: place.randomness,
      attempt: place.attempt,
      seatsOf: (jobId) => view.seatsOf(slot, jobId),
      couriersOf: (jobId, { index }) => this.#couriersOf(slot, jobId, index),
      tickMs: parameters.tickSeconds * 1_000,
      isSlow: this.#isSlow,
      timeoutMs: parameters.jobTimeoutMs,
    });
    return this.#jobsStep(build, build.jobs.start(moment.nowMs), moment);
  }

  #jobAnswered(event: AnsweredEvent | RequestFailedEvent, moment: Moment): readonly SequencerEffect[] {
    const build = this.#build;
    return build?.jobs ? this.#jobsStep(build, build.jobs.handle(event, moment.nowMs), moment) : [];
  }

  #jobExecuted(event: SequencerEvent & { kind: "jobExecuted" }, moment: Moment): readonly SequencerEffect[] {
    const build = this.#build;
    if (build?.session !== event.session || build.jobs === null) return [];
    return this.#jobsStep(build, build.jobs.executed(event.jobId, event.result, moment.nowMs), moment);
  }

  #jobsTimer(moment: Moment): readonly SequencerEffect[] {
    const build = this.#build;
    return build?.jobs ? this.#jobsStep(build, build.jobs.timer(moment.nowMs), moment) : [];
  }

  #jobsStep(build: Build, step: JobsStep, moment: Moment): readonly SequencerEffect[] {
    return step.end === null ? step.effects : [...step.effects, ...this.#jobsEnded(build, step.end, moment)];
  }

  #jobsEnded(build: Build, end: JobsEnd, moment: Moment): readonly SequencerEffect[] {
    this.#isSlow = build.jobs!.isSlow;
    build.jobs = null;
    if (end.kind === "failed") {
      build.place.attempt = Math.min(end.attempt + 1, LIMITS.jobAttempts - 1);
      build.candidates = build.candidates.slice(0, end.count);
      return this.#abandon(end.reason, moment);
    }
    this.#reads.agreed(build.candidates, end.outcomes);
    end.outcomes.forEach((outcome, i) => {
      if (isHopeless(outcome)) this.#pool.remove(build.candidates[i]!.hash);
    });
    const included = end.outcomes.flatMap((outcome, i) =>
      outcome.kind === "included" ? [{ raw: build.candidates[i]!.raw, outcome }] : [],
    );
    if (included.length === 0 && !this.#stands(build)) {
      this.#exhausted = true;
      return this.#drop();
    }
    return this.#assemble(build, fitting(included, build.openingBytes), end);
  }

  /** Whether the block has a reason without any user's transaction. */
  #stands({ parent, queueItems }: Build): boolean {
    return parent.header.number === 0n || queueItems.length > 0;
  }

  #assemble(
    build: Build,
    included: readonly { raw: Uint8Array; outcome: BlockOutcome }[],
    agreed: (JobsEnd & { kind: "agreed" }) | null,
  ): readonly SequencerEffect[] {
    const { chainId } = this.#options;
    const { generation, environment, place } = build;
    const number = build.parent.header.number + 1n;
    const users = included.map(({ raw }) => raw);
    const work: Work = agreed ?? NO_WORK;
    const { result, signatures, holders } = agreed ?? { result: ZERO_HASH, signatures: [], holders: [] };
    const evidence: WorkEvidence = { proof: place.proof, result, signatures };
    const context = {
      ...build.context,
      work: { attempt: work.attempt, seats: work.seats },
      evidence: evidenceHash(evidence),
    };
    const providers = holders.filter((_, seat) => typeof work.seats[seat] === "number");
    const settle = this.#closingOf(build, { providers, seated: seatedIn(work) }, users);
    const encoded = (transaction: SystemTransaction): Uint8Array => encodeSystemTransaction(chainId, transaction);
    const opening = this.#openingOf(build, this.#openingOf(build, 0).length + users.length + 1);
    const transactions = [...opening.map(encoded), ...users, encoded(settle)];
    build.unsigned = { chainId, generation, context, transactions, evidence };
    const { timestamp, prevRandao, baseFeePerGas } = environment;
    const header = {
      parentHash: build.parent.hash,
      number,
      timestamp,
      prevRandao,
      baseFeePerGas,
    };
    const outcomes = included.map(({ outcome }) => outcome);
    return [{ kind: "assemble", session: build.session, header, environment, transactions, users: outcomes, settle }];
  }

  #assembled(event: SequencerEvent & { kind: "assembled" }, moment: Moment): readonly SequencerEffect[] {
    const build = this.#build;
    if (build?.session !== event.session || build.unsigned === null) return [];
    const { view, chainId } = this.#options;
    const isItsTurn = this.#turn?.slot === build.slot && build.slot === view.slot && this.#isMyTurn;
    const isDrawn = view.valuesOf(view.slot) !== undefined && this.#placeAfter(build.parent) === build.place;
    const isItsPlace = build.parent.hash === this.#head.hash && this.#headStands && isDrawn;
    const late = !isItsTurn || !isItsPlace || build.generation !== view.generation(chainId);
    if (late) return this.#giveUp("the turn or the head changed", moment);
    build.isSealing = true;
    return [
      { kind: "closeSession", session: build.session },
      { kind: "seal", block: { ...build.unsigned, header: event.header, outcomes: event.outcomes } },
    ];
  }

  #sealed(block: SealedBlock, moment: Moment): readonly SequencerEffect[] {
    if (this.#build !== null) this.#size.done(this.#build.candidates.length, moment.nowMs - this.#build.beganMs);
    this.#build = null;
    // it fell while it was signed: nobody would take it
    if (block.generation !== this.#options.view.generation(block.chainId)) return this.#advance(moment);
    this.#publishedUntilMs = moment.nowMs + PUBLISH_PATIENCE_MS;
    return [{ kind: "publish", block }, this.#timer("advance", this.#publishedUntilMs)];
  }

  #drop(): readonly SequencerEffect[] {
    const session = this.#build?.session;
    this.#build = null;
    return session === undefined ? [] : [{ kind: "closeSession", session }];
  }

  /**
   * Ends an attempt of which no block came. Where seats had agreed, what they agreed on may be such that no block can be made of it: it is the
   * next job's turn, for they would agree on the same again.
   */
  #unmade(reason: string, moment: Moment): readonly SequencerEffect[] {
    const work = this.#build?.unsigned?.context.work ?? NO_WORK;
    if (work.seats.length > 0) this.#build!.place.attempt = Math.min(work.attempt + 1, LIMITS.jobAttempts - 1);
    return this.#abandon(reason, moment);
  }

  /** Ends an attempt that its own transactions may have been too much for. */
  #abandon(reason: string, moment: Moment): readonly SequencerEffect[] {
    const candidates = this.#build?.candidates ?? [];
    if (this.#size.failed(candidates)) this.#pool.defer(candidates[0]!.hash);
    return this.#giveUp(reason, moment);
  }

  #giveUp(reason: string, moment: Moment): readonly SequencerEffect[] {
    const note: NoteEffect = {
      kind: "note",
      level: "warn",
      code: "block-abandoned",
      data: { chainId: this.#options.chainId, reason },
    };
    this.#beginsMs = moment.nowMs + RETRY_MS;
    return [...this.#drop(), note, this.#timer("advance", this.#beginsMs)];
  }

  #headChanged(
    { head, block, safeNumber }: SequencerEvent & { kind: "headChanged" },
    moment: Moment,
  ): readonly SequencerEffect[] {
    const { number } = head.header;
    this.#head = head;
    this.#exhausted = false;
    this.#publishedUntilMs = null;
    this.#posting.headChanged(number, block);
    this.#pool.headChanged({ number, block, safeNumber });
    this.#watchWork();
    // what is being made on a block that was taken back comes to nothing
    const isLost = block === null && this.#build?.isSealing === false;
    const dropped = isLost && this.#build?.parent.hash !== head.hash ? this.#drop() : [];
    return [...dropped, ...this.#advance(moment), ...this.#postIfMuch(moment)];
  }

  // What other nodes ask.

  #requested(event: RequestedEvent, moment: Moment): readonly SequencerEffect[] {
    const { request, ticket, from } = event;
    if (request.name === "offerTransactions") {
      const admitted = request.body.transactions.map((raw) => this.#pool.admit(raw));
      if (admitted.includes("taken")) this.#exhausted = false;
      const known = admitted.filter((how) => how !== "refused").length;
      this.#watchWork();
      const answer: AnswerEffect = {
        kind: "answer",
        ticket,
        answer: { name: "offerTransactions", body: { kind: "taken", known } },
      };
      return [answer, ...this.#advance(moment)];
    }
    if (request.name !== "values") return [];
    const build = this.#build;
    if (!build?.jobs?.serves(request.body.jobId, from)) {
      return [{ kind: "answer", ticket, answer: { name: "values", body: refused("no such job of yours") } }];
    }
    this.#reads.asked();
    return [{ kind: "readSession", session: build.session, ticket, keys: request.body.keys }];
  }

  #sessionRead(event: SequencerEvent & { kind: "sessionRead" }): readonly SequencerEffect[] {
    const body =
      event.entries === null ? refused("values not to be had") : { kind: "values" as const, entries: event.entries };
    return [{ kind: "answer", ticket: event.ticket, answer: { name: "values", body } }];
  }

  // Posting.

  #postTimer(moment: Moment): readonly SequencerEffect[] {
    return [...this.#post(moment), this.#timer("post", this.#posting.nextMs(moment))];
  }

  /** A batch's worth does not wait for its time. */
  #postIfMuch(moment: Moment): readonly SequencerEffect[] {
    return this.#posting.isFull ? this.#post(moment) : [];
  }

  #post(moment: Moment): readonly SequencerEffect[] {
    if (!this.#isMyTurn || !this.#turn?.ready || !this.#headStands) return [];
    const batch = this.#posting.next(this.#head.header.number, moment);
    return batch === null ? [] : [batch];
  }

  #postFailed(event: SequencerEvent & { kind: "postFailed" }): readonly SequencerEffect[] {
    this.#posting.failed(event.generation);
    const { reason } = event;
    return [
      { kind: "note", level: "warn", code: "batch-not-posted", data: { chainId: this.#options.chainId, reason } },
    ];
  }
}

/** Values without the accounts of signers who were looked at and have nothing in the block: providers get what its messages take, and no more. */
function withoutSigners(
  entries: readonly StateEntry[],
  lookedAt: readonly Transaction[],
  { candidates, environment }: Build,
): readonly StateEntry[] {
  const others = new Set(lookedAt.map(({ from }) => from));
  for (const address of [environment.feeRecipient, ...candidates.flatMap(({ from, to }) => [from, to])])
    if (address !== null) others.delete(address);
  return entries.filter((entry) => entry.kind !== "account" || !others.has(entry.address));
}

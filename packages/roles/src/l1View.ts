/**
 * What a node knows of L1: registries, DACs, queues, batches, turns. Fed with events in L1 order, asked by all roles. What
 * L1 takes back, it takes back.
 */
import {
  type Address,
  type ChainId,
  COURIER_DRAWS,
  COURIERS,
  courierDraw,
  drawBlockOf,
  epochOf,
  type Founding,
  firstBlockOf,
  type Hash,
  JOB_SEATS,
  type JobId,
  type KeyRecord,
  LIMITS,
  MAX_RANKS,
  type Parameters,
  type PeerId,
  queueItemGas,
  SeatTree,
  SNAPSHOT_DISTANCE,
  Snapshots,
} from "@mvm/protocol";
import { AskLedger, type Served } from "./askLedger.ts";
import { BatchLedger, type PostedBatch } from "./batchLedger.ts";
import { Bonds } from "./bonds.ts";
import { held, type Pause, ranSince, released } from "./chainClock.ts";
import { HostDraws } from "./hostDraws.ts";
import { KeyMessages } from "./keyMessages.ts";
import type { L1Event, Member, QueuedItem, RegistryName } from "./l1Event.ts";
import { L1Journal } from "./l1Journal.ts";
import { type EpochValues, KEPT_EPOCHS, SlotTurns } from "./slotTurns.ts";
import { pushed, put, together, type Undo } from "./undo.ts";

export type Dac = {
  readonly chainId: ChainId;
  readonly label: string;
  readonly genesisHash: Hash;
  /** seconds; the genesis block's timestamp */
  readonly timestamp: bigint;
  /** what block 1 writes and seals */
  readonly founding: Founding;
};

/** What is asked for of a batch and served, with the batch. */
export type OpenAsk = Served & { readonly batch: PostedBatch };

/** Where a sequencer was convicted for the first time. */
export type Conviction = {
  readonly chainId: ChainId;
  /** the slot in which it was */
  readonly slot: bigint;
  /** whether it is out of the draws */
  readonly isEjected: boolean;
};

/** Who may make blocks of a DAC now. */
export type Turn = { readonly member: Member; readonly rank: number };

/** Epochs after which what L1 shows counts as its last word: as long as L1's own finality takes. */
const SETTLED_EPOCHS = 2;
/** An item with its gas, which for a forced transaction takes its signer's recovery to know. */
type MeasuredItem = QueuedItem & { readonly gas: bigint };

/** Ranks that hear of transactions: whoever takes a silent slot over has to know that there is work. */
const INFORMED_RANKS = 3;

export class L1View {
  readonly #parameters: Parameters;
  readonly #journal = new L1Journal();
  readonly #turns: SlotTurns;
  readonly #bonds = new Bonds();
  readonly #members: Record<RegistryName, readonly Member[]> = { sequencer: [], provider: [], storage: [] };
  /** every provider by the number that L1 gave it, for ever */
  readonly #providers = new Map<number, Member>();
  readonly #seats: Snapshots<SeatTree>;
  readonly #dacs = new Map<ChainId, Dac>();
  readonly #hostDraws = new HostDraws();
  readonly #keyMessages: KeyMessages;
  readonly #queues = new Map<ChainId, MeasuredItem[]>();
  readonly #ledger = new BatchLedger();
  readonly #asks = new AskLedger();
  readonly #clocks = new Map<ChainId, Pause>();
  readonly #held = new Map<ChainId, Map<bigint, bigint>>();
  readonly #exiting = new Set<ChainId>();
  readonly #convicted = new Map<Address, Conviction>();
  #block = { number: 0n, timestamp: 0n };

  /** @param keptEpochs epochs whose L1 values are kept; who executes old blocks needs them all */
  constructor(parameters: Parameters, keptEpochs: bigint = KEPT_EPOCHS) {
    this.#parameters = parameters;
    this.#keyMessages = new KeyMessages(parameters.epochBlocks);
    this.#turns = new SlotTurns(parameters.epochBlocks, keptEpochs);
    this.#seats = new Snapshots(SeatTree.empty, keptEpochs);
  }

  get block(): { readonly number: bigint; readonly timestamp: bigint } {
    return this.#block;
  }

  /** The present slot. */
  get slot(): bigint {
    return epochOf(this.#block.number, this.#parameters.epochBlocks);
  }

  /** True in the last L1 block of a slot, when no new block should be begun. */
  get slotEnds(): boolean {
    return epochOf(this.#block.number + 1n, this.#parameters.epochBlocks) > this.slot;
  }

  /**
   * Takes an event.
   * @throws RangeError where L1 takes back more than is remembered
   */
  apply(event: L1Event): void {
    if (event.kind === "reorg") {
      this.#journal.revertTo(event.toBlock);
      return;
    }
    this.#journal.note(this.#change(event));
    if (event.kind === "l1Block") this.#journal.close(event.number);
  }

  /** Makes a change; gives back how it is undone. */
  #change(event: Exclude<L1Event, { kind: "reorg" }>): Undo {
    switch (event.kind) {
      case "l1Block": {
        const before = this.#block;
        this.#block = { number: event.number, timestamp: event.timestamp };
        const back = (): void => {
          this.#block = before;
        };
        return together(back, this.#turns.l1Block(event), this.#drawHosts(event.number));
      }
      case "registered":
        return this.#registered(event.registry, event.member);
      case "addressUpdated":
        return this.#addressUpdated(event);
      case "exited":
        return this.#exited(event.registry, event.operator);
      case "convicted": {
        const { sequencer, chainId } = event;
        return together(
          this.#exited("sequencer", sequencer),
          this.#convicted.has(sequencer)
            ? () => undefined
            : put(this.#convicted, sequencer, { chainId, slot: this.slot, isEjected: false }),
        );
      }
      case "stakeChanged": {
        const { index, grid, stakeWei, l1Block } = event;
        return together(this.#turns.stakeChanged(index, grid, l1Block), this.#bonds.stakeChanged(index, stakeWei));
      }
      case "seatTaken":
        return this.#seatTaken(event);
      case "lockChanged":
        return this.#bonds.lockChanged(event.sequencer, event.chainId, event.amountWei);
      case "thresholdChanged":
        return this.#turns.thresholdChanged(event.chainId, event.thresholdMT, event.l1Block);
      case "dacCreated":
        return this.#created(event);
      case "queueItemAdded": {
        const { kind: _kind, chainId, ...queued } = event;
        return pushed(this.#queues, chainId, { ...queued, gas: queueItemGas(queued.item, chainId) });
      }
      case "batchAppended": {
        const { header, batchHash, timestamp, l1Block } = event;
        return together(
          this.#ledger.posted({ header, batchHash, timestamp, l1Block }),
          this.#bonds.posted(header.poster, header.chainId, timestamp),
        );
      }
      case "rolledBack":
        return this.#ledger.rolledBack(event);
      case "withheld":
        return this.#ledger.withheld(event.chainId, event.poster);
      case "clockHeld":
      case "clockReleased":
        return this.#clockChanged(event);
      case "asked":
        return this.#asks.asked(event);
      case "askServed":
        return this.#asks.served(event);
      case "askAnswered":
        return this.#asks.answered(event);
      case "asksClosed":
        return this.#asks.closed(event.batchHash);
      case "slotClaimed":
        return this.#turns.claimed(event.chainId, event.slot, { rank: event.rank, l1Block: event.l1Block });
      case "ceremonyMessage": {
        const { kind: _kind, chainId, ...message } = event;
        return this.#keyMessages.said(chainId, this.#hostDraws.sets(chainId), message);
      }
      case "turnedToExit":
        this.#exiting.add(event.chainId);
        return () => void this.#exiting.delete(event.chainId);
      case "depositHeld":
        return this.#setHeld(event.chainId, event.id, event.amount);
      case "heldGone":
        return this.#setHeld(event.chainId, event.id, undefined);
    }
  }

  #registered(registry: RegistryName, member: Member): Undo {
    const back = this.#setMembers(registry, [...this.#members[registry], member]);
    if (registry === "sequencer") return together(back, this.#turns.registered(member));
    return together(back, registry === "storage" ? this.#hostsChanged() : put(this.#providers, member.index, member));
  }

  #hostsChanged(): Undo {
    return this.#hostDraws.membersChanged(this.#members.storage, this.#block.number + 1n);
  }

  /** Draws hosts where an L1 block brings an epoch's randomness. */
  #drawHosts(l1Block: bigint): Undo {
    const { epochBlocks } = this.#parameters;
    const epoch = epochOf(l1Block, epochBlocks) + 1n;
    if (drawBlockOf(epoch, epochBlocks) !== l1Block) return () => undefined;
    return this.#hostDraws.drawn(this.#turns.valuesOf(epoch)!.randomness, this.#members.storage, l1Block);
  }

  #seatTaken({ index, place, weightMT, l1Block }: L1Event & { kind: "seatTaken" }): Undo {
    const provider = this.#providers.get(index);
    if (provider === undefined) throw new RangeError(`a seat for provider ${index}, who did not register`);
    const epoch = epochOf(l1Block, this.#parameters.epochBlocks);
    return this.#seats.apply(epoch, (tree) => tree.put(place, provider, weightMT));
  }

  #addressUpdated({ registry, operator, peerId, multiaddr }: L1Event & { kind: "addressUpdated" }): Undo {
    const updated = this.#members[registry].map((member) =>
      member.operator === operator ? { ...member, peerId, multiaddr } : member,
    );
    const back = this.#setMembers(registry, updated);
    const member = updated.find((other) => other.operator === operator);
    if (member === undefined || registry === "storage") return back;
    // draws give members as they are now
    return together(
      back,
      registry === "sequencer" ? this.#turns.registered(member) : put(this.#providers, member.index, member),
    );
  }

  /** One who was convicted is ejected by this. */
  #exited(registry: RegistryName, operator: Address): Undo {
    const back = this.#setMembers(
      registry,
      this.#members[registry].filter((member) => member.operator !== operator),
    );
    if (registry === "storage") return together(back, this.#hostsChanged());
    const conviction = registry === "sequencer" ? this.#convicted.get(operator) : undefined;
    if (conviction === undefined) return back;
    return together(back, put(this.#convicted, operator, { ...conviction, isEjected: true }));
  }

  #setMembers(registry: RegistryName, members: readonly Member[]): Undo {
    const before = this.#members[registry];
    this.#members[registry] = members;
    return () => {
      this.#members[registry] = before;
    };
  }

  #setHeld(chainId: ChainId, id: bigint, amount: bigint | undefined): Undo {
    const held = this.#held.get(chainId) ?? new Map<bigint, bigint>();
    this.#held.set(chainId, held);
    const before = held.get(id);
    const put = (value: bigint | undefined): void => void (value === undefined ? held.delete(id) : held.set(id, value));
    put(amount);
    return () => put(before);
  }

  #clockChanged({ kind, chainId, timestamp }: L1Event & { kind: "clockHeld" | "clockReleased" }): Undo {
    const last = this.#clocks.get(chainId);
    if (kind === "clockHeld") return put(this.#clocks, chainId, held(last, timestamp));
    if (last === undefined || last.holds === 0) return () => undefined;
    return put(this.#clocks, chainId, released(last, timestamp, BigInt(this.#parameters.proofTimeSeconds)));
  }

  #created({ chainId, label, genesisHash, timestamp, founding }: L1Event & { kind: "dacCreated" }): Undo {
    this.#dacs.set(chainId, { chainId, label, genesisHash, timestamp, founding });
    return together(
      () => void this.#dacs.delete(chainId),
      this.#hostDraws.created(chainId, this.#members.storage, this.#block.number + 1n),
    );
  }

  /** Active members in registry order. */
  members(registry: RegistryName): readonly Member[] {
    return this.#members[registry];
  }

  member(registry: RegistryName, operator: Address): Member | undefined {
    return this.#members[registry].find((member) => member.operator === operator);
  }

  /** Who holds the seats of a job in a slot, in their order; none without providers, or where the slot's snapshot is not remembered. */
  seatsOf(slot: bigint, jobId: JobId): readonly Member[] {
    const holders = this.seatTreeOf(slot)?.seatsOf(jobId, JOB_SEATS) ?? [];
    return holders.map(({ index }) => this.#providers.get(index)!);
  }

  /** Providers by stake as jobs of a slot are drawn among them; undefined where the slot's snapshot is not remembered. */
  seatTreeOf(slot: bigint): SeatTree | undefined {
    const snapshot = slot - SNAPSHOT_DISTANCE;
    return snapshot < 0n || !this.#seats.remembers(snapshot) ? undefined : this.#seats.at(snapshot);
  }

  /**
   * Who carries a job to the holders of its seats, the first ones first: providers drawn by its id, those that hold no seat of it before those
   * that do, for a network may have few. Its addressee carries nothing to itself.
   */
  couriersOf(slot: bigint, jobId: JobId, addressee: number): readonly Member[] {
    const seats = this.seatTreeOf(slot);
    return seats === undefined ? [] : this.#couriersIn(seats, jobId, addressee);
  }

  #couriersIn(seats: SeatTree, jobId: JobId, addressee: number): readonly Member[] {
    const seated = new Set(seats.seatsOf(jobId, JOB_SEATS).map(({ index }) => index));
    const drawn = [...new Set(seats.seatsOf(courierDraw(jobId), COURIER_DRAWS).map(({ index }) => index))];
    const fitting = drawn.filter((index) => index !== addressee);
    const blind = fitting.filter((index) => !seated.has(index));
    return [...blind, ...fitting.filter((index) => seated.has(index))]
      .slice(0, COURIERS)
      .map((index) => this.#providers.get(index)!);
  }

  /** Whether a peer may carry a job to a provider, in the present slot or in one next to it. */
  isCourier(peer: PeerId, jobId: JobId, addressee: number): boolean {
    return this.#nearSeats.some((seats) =>
      this.#couriersIn(seats, jobId, addressee).some((courier) => courier.peerId === peer),
    );
  }

  /** Whether a job for a provider has couriers at all; else it comes from its sequencer itself. */
  hasCouriers(jobId: JobId, addressee: number): boolean {
    return this.#nearSeats.some((seats) => this.#couriersIn(seats, jobId, addressee).length > 0);
  }

  /** Providers by stake in the present slot and in those next to it, where they differ. */
  get #nearSeats(): readonly SeatTree[] {
    const trees = [this.slot - 1n, this.slot, this.slot + 1n].map((slot) => this.seatTreeOf(slot));
    return [...new Set(trees)].filter((tree) => tree !== undefined);
  }

  /** Whether a provider holds a seat of a job in the present slot, or in one next to it: its sender may see another one. */
  holdsSeat(operator: Address, jobId: JobId): boolean {
    return this.#nearSeats.some((seats) =>
      seats.seatsOf(jobId, JOB_SEATS).some(({ index }) => this.#providers.get(index)!.operator === operator),
    );
  }

  /** A provider, also one that has left, by its number. */
  provider(index: number): Member | undefined {
    return this.#providers.get(index);
  }

  /** A provider, also one that has left; the later one, where an account registered again. */
  providerOf(operator: Address): Member | undefined {
    return [...this.#providers.values()].findLast((member) => member.operator === operator);
  }

  /** Whether a peer belongs to an active member of the registry. */
  isPeerOf(registry: RegistryName, peer: PeerId): boolean {
    return this.memberAt(registry, peer) !== undefined;
  }

  /** The active member of the registry that a peer belongs to. */
  memberAt(registry: RegistryName, peer: PeerId): Member | undefined {
    return this.#members[registry].find((member) => member.peerId === peer);
  }

  /** Whether a peer belongs, or belonged, to a sequencer. */
  wasSequencer(peer: PeerId): boolean {
    return this.#turns.isKnown(peer);
  }

  /** A sequencer, also one that has left or was ejected. */
  anySequencer(operator: Address): Member | undefined {
    return this.#turns.sequencer(operator);
  }

  /** Sequencers that were ever convicted; they are drawn until somebody has them ejected. */
  convicted(): ReadonlyMap<Address, Conviction> {
    return this.#convicted;
  }

  dac(chainId: ChainId): Dac | undefined {
    return this.#dacs.get(chainId);
  }

  dacs(): readonly Dac[] {
    return [...this.#dacs.values()];
  }

  /** The DAC's hosts, in their order; none before they are drawn. */
  hosts(chainId: ChainId): readonly Member[] {
    return this.#hostDraws.hosts(chainId).flatMap((operator) => this.member("storage", operator) ?? []);
  }

  /** Of what the DAC's hosts make the key that they share. */
  keyRecord(chainId: ChainId): KeyRecord {
    return { sets: this.#hostDraws.sets(chainId), messages: this.#keyMessages.of(chainId) };
  }

  /** Who may have a DAC's blocks: its hosts, then sequencers. */
  keepers(chainId: ChainId): readonly Member[] {
    return [...this.hosts(chainId), ...this.members("sequencer")];
  }

  /** Grows with each change of any DAC's hosts. */
  get hostChanges(): number {
    return this.#hostDraws.changes;
  }

  /** Whether the chain turned to exit: it takes no batches any more. */
  isExiting(chainId: ChainId): boolean {
    return this.#exiting.has(chainId);
  }

  // Slots and turns.

  /** L1 values of a slot's blocks; undefined where they are not known yet, or no longer. */
  valuesOf(slot: bigint): EpochValues | undefined {
    return this.#turns.valuesOf(slot);
  }

  /** A sequencer's rank in a slot; undefined where it has none. */
  rankOf(chainId: ChainId, slot: bigint, operator: Address): number | undefined {
    return this.#turns.rankOf(chainId, slot, operator);
  }

  /** The rank that leads the present slot: 0, or who claimed it last. */
  activeRank(chainId: ChainId): number {
    return this.#turns.claimsOf(chainId, this.slot).at(-1)?.rank ?? 0;
  }

  /**
   * Whose turn the present slot is; undefined without sequencers, and for rankDelay after a claim, when the rank before
   * may still post what it signed.
   */
  turn(chainId: ChainId): Turn | undefined {
    const claim = this.#turns.claimsOf(chainId, this.slot).at(-1);
    const handedOver = claim === undefined || this.#block.number >= claim.l1Block + this.#rankDelay;
    const member = handedOver ? this.#turns.drawn(chainId, this.slot, claim?.rank ?? 0) : undefined;
    return member === undefined ? undefined : { member, rank: claim?.rank ?? 0 };
  }

  get #rankDelay(): bigint {
    return BigInt(this.#parameters.rankDelayBlocks);
  }

  /**
   * L1 block from which a rank may claim the present slot: each rank before it was silent for rankDelay. Who claimed before
   * is not silent as long as the slot is handed over to it.
   */
  claimableFrom(chainId: ChainId, rank: number): bigint {
    const claim = this.#turns.claimsOf(chainId, this.slot).at(-1);
    const begin = firstBlockOf(this.slot, this.#parameters.epochBlocks);
    const posted = this.#ledger.postedAt(chainId);
    const handedOver = claim === undefined ? 0n : claim.l1Block + this.#rankDelay;
    const since = [begin, posted, handedOver].reduce((latest, block) => (block > latest ? block : latest));
    return since + BigInt(rank - (claim?.rank ?? 0)) * this.#rankDelay;
  }

  /**
   * Whether a sequencer may have signed blocks of a slot that are not posted: its leader, who claimed it, anyone where the chain is
   * open; nobody whose batch of the chain fell for being wrong.
   */
  maySign(chainId: ChainId, slot: bigint, operator: Address): boolean {
    if (this.#ledger.convicted(chainId).includes(operator)) return false;
    const claimed = this.#turns.claimsOf(chainId, slot).map(({ rank }) => rank);
    const signers = this.#turns.ranks(chainId, slot, Math.max(0, ...claimed) + 1);
    if ([0, ...claimed].some((rank) => signers[rank]?.operator === operator)) return true;
    return this.isOpen(chainId) && this.member("sequencer", operator) !== undefined;
  }

  /** The sequencers that should hear of transactions in the present slot: the active rank and those after it. */
  informed(chainId: ChainId): readonly Member[] {
    const first = this.activeRank(chainId);
    return this.#turns.ranks(chainId, this.slot, Math.min(first + INFORMED_RANKS, MAX_RANKS)).slice(first);
  }

  // Queues.

  /**
   * Items from queue position `from` on that a sequencer has a block of a slot consume: as many of those that are due as
   * LIMITS' gas and bytes let be; the first is always among them.
   */
  queueItems(chainId: ChainId, from: bigint, slot: bigint): readonly QueuedItem["item"][] {
    let gas = 0n;
    let bytes = 0;
    const due = this.#due(chainId, from, slot);
    const end = due.findIndex(({ item, gas: itemGas }, i) => {
      gas += itemGas;
      bytes += item.data.length;
      return i > 0 && (gas > LIMITS.blockQueueGas || bytes > LIMITS.blockQueueBytes);
    });
    return due.slice(0, end < 0 ? due.length : end).map(({ item }) => item);
  }

  /**
   * Items from queue position `from` on that are due in blocks of a slot: at most as many as one block may consume. What their
   * gas is L1 does not judge, so that nobody refuses a block for it; for their bytes see blockFault.
   */
  dueItems(chainId: ChainId, from: bigint, slot: bigint): readonly QueuedItem["item"][] {
    return this.#due(chainId, from, slot).map(({ item }) => item);
  }

  #due(chainId: ChainId, from: bigint, slot: bigint): readonly (QueuedItem & { readonly gas: bigint })[] {
    const queue = this.#queues.get(chainId) ?? [];
    const next = queue.slice(Number(from), Number(from) + LIMITS.blockQueueItems);
    const { epochBlocks } = this.#parameters;
    const end = next.findIndex(({ l1Block }) => epochOf(l1Block, epochBlocks) > slot - SNAPSHOT_DISTANCE);
    return end < 0 ? next : next.slice(0, end);
  }

  /** An item of a queue, and when it came; undefined where there is none. */
  queuedItem(chainId: ChainId, index: bigint): QueuedItem | undefined {
    return this.#queues.get(chainId)?.[Number(index)];
  }

  /** Number of items that were in the queue at the close of the epoch that a slot's blocks look at. */
  consumable(chainId: ChainId, slot: bigint): bigint {
    const { epochBlocks } = this.#parameters;
    const queue = this.#queues.get(chainId) ?? [];
    return BigInt(queue.findLastIndex(({ l1Block }) => epochOf(l1Block, epochBlocks) <= slot - SNAPSHOT_DISTANCE) + 1);
  }

  /**
   * Whether the first unconsumed item is overdue for so long that any sequencer with a bond may post. A rollback gives the
   * sequencers the whole time anew.
   */
  isOpen(chainId: ChainId): boolean {
    const { forceDelaySeconds, openAfterSeconds } = this.#parameters;
    const item = this.queuedItem(chainId, this.postedQueueEnd(chainId));
    if (item === undefined) return false;
    const rolledBackAt = this.#ledger.rolledBackAt(chainId);
    const since = item.timestamp > rolledBackAt ? item.timestamp : rolledBackAt;
    return since + BigInt(forceDelaySeconds + openAfterSeconds) <= this.#block.timestamp;
  }

  /** Whether a sequencer may post in the present slot because the queue is open: its stake has to cover the chain. */
  mayPostOpenly(chainId: ChainId, operator: Address): boolean {
    return this.isOpen(chainId) && this.canCover(chainId, operator);
  }

  /**
   * Whether a batch of the chain in the present slot could be covered by a sequencer's stake, beside what is locked of it for
   * other chains: who signs without that signs what L1 refuses.
   */
  canCover(chainId: ChainId, operator: Address): boolean {
    if (this.#ledger.convicted(chainId).includes(operator)) return false;
    const member = this.member("sequencer", operator);
    const thresholdWei = this.#turns.thresholdWei(chainId, this.slot);
    return member !== undefined && thresholdWei !== undefined && this.#bonds.freeWei(member, chainId) >= thresholdWei;
  }

  /** Chains for which a sequencer's stake is still locked though the locks have run out: anyone may release them on L1. */
  idleLocks(operator: Address): readonly ChainId[] {
    const twoWindows = 2n * BigInt(this.#parameters.maxWindowSeconds);
    return this.#bonds.idleLocks(operator, this.#block.timestamp - twoWindows);
  }

  /** Deposits that wait outside a queue, by number, with their amounts in wei. */
  heldDeposits(chainId: ChainId): ReadonlyMap<bigint, bigint> {
    return this.#held.get(chainId) ?? new Map();
  }

  // Batches.

  /** Batches that stand, by index. */
  batches(chainId: ChainId): readonly PostedBatch[] {
    return this.#ledger.of(chainId);
  }

  /** How often batches of the chain fell for being wrong: its new blocks carry this number. */
  generation(chainId: ChainId): bigint {
    return this.#ledger.generation(chainId);
  }

  /** The only generation that a block of this number may have: its batch's, or the present one where it is not posted. */
  generationAt(chainId: ChainId, number: bigint): bigint {
    return this.#ledger.generationAt(chainId, number);
  }

  /** The standing batch that has a block; undefined where it is not posted. */
  batchOver(chainId: ChainId, number: bigint): PostedBatch | undefined {
    return this.#ledger.over(chainId, number);
  }

  /** Last block that is posted, 0 when none is. */
  postedHead(chainId: ChainId): bigint {
    return this.batches(chainId).at(-1)?.header.lastBlock ?? 0n;
  }

  /** Whether L1 takes an L1 block back no more. */
  isSettled(l1Block: bigint): boolean {
    return l1Block + BigInt(SETTLED_EPOCHS * this.#parameters.epochBlocks) <= this.#block.number;
  }

  /** Last block whose batch L1 has held for so long that it takes it back no more, 0 when none is. */
  settledHead(chainId: ChainId): bigint {
    return this.batches(chainId).findLast(({ l1Block }) => this.isSettled(l1Block))?.header.lastBlock ?? 0n;
  }

  /** Number of queue items that posted blocks have consumed. */
  postedQueueEnd(chainId: ChainId): bigint {
    return this.batches(chainId).at(-1)?.header.queueEnd ?? 0n;
  }

  /** Last block whose batch has outlived its window on the chain's clock, 0 when none has. */
  finalHead(chainId: ChainId): bigint {
    const window = BigInt(this.#parameters.maxWindowSeconds);
    const until = ranSince(this.#clocks.get(chainId), window, this.#block.timestamp);
    return this.batches(chainId).findLast(({ timestamp }) => timestamp <= until)?.header.lastBlock ?? 0n;
  }

  // Asks.

  /** What is asked for and served: of batches that stand, and of those that fell and hold their chain's clock still. */
  openAsks(): { readonly standing: readonly OpenAsk[]; readonly fallen: readonly OpenAsk[] } {
    const all = this.#asks.open().flatMap((ask) => {
      const batch = this.#ledger.byHash(ask.batchHash);
      return batch === undefined ? [] : [{ ...ask, batch }];
    });
    const stands = ({ batch }: OpenAsk): boolean => this.#ledger.stands(batch);
    return { standing: all.filter(stands), fallen: all.filter((ask) => !stands(ask)) };
  }
}

/** The sequencer role of a node on one DAC: the machine, its working states, seals and posts. */
import type { Engine } from "@mvm/evm";
import {
  type BatchClaims,
  type BatchHeader,
  batchDigest,
  blockDigest,
  blocksTopic,
  claimsOf,
  decodeBlock,
  encodeBlock,
  fittingOutcomes,
  type Hash,
  type Hex,
  hashHeader,
  type Job,
  type JobId,
  type NamedRequest,
  type Outcome,
  type PeerId,
  resultHash,
  type SealedBlock,
  type UnsignedBlock,
  vrfProve,
} from "@mvm/protocol";
import {
  type L1View,
  type Parent,
  parentOf,
  type ReadCounts,
  Sequencer,
  type SequencerEffect,
  type SequencerEvent,
  workFault,
} from "@mvm/roles";
import { makeBatch } from "./batchMaking.ts";
import { BlockSession } from "./blockSession.ts";
import type { Chain } from "./chain.ts";
import type { Convicting } from "./convicting.ts";
import type { SigningRight } from "./guarding.ts";
import type { HostClient } from "./hostClient.ts";
import { MachineDriver } from "./machineDriver.ts";
import type { DraftBatch, NetworkSettings, Ports } from "./ports.ts";
import type { Codes } from "./proving/resultFinding.ts";
import { reasonOf } from "./reason.ts";
import { reexecuted } from "./reexecution.ts";
import type { RequestDesk } from "./requestDesk.ts";

/** Jobs whose codes are kept for what may be proven of their results. */
const MAX_CODES = 4;
/** Blocks found right that are remembered: more than a batch has. */
const MAX_CHECKS = 4_096;

type Effect<Kind extends SequencerEffect["kind"]> = SequencerEffect & { kind: Kind };

export class Sequencing {
  readonly #ports: Ports;
  readonly #settings: NetworkSettings;
  readonly #view: L1View;
  readonly #chain: Chain;
  readonly #hosts: HostClient;
  readonly #engine: Engine;
  readonly #desk: RequestDesk;
  readonly #right: SigningRight;
  readonly #machine: Sequencer;
  readonly #driver: MachineDriver<SequencerEvent, SequencerEffect>;
  readonly #sessions = new Map<Hash, BlockSession>();
  /** blocks that are being executed anew, or were found right, oldest first */
  readonly #checks = new Map<Hash, Promise<void>>();
  /** codes that jobs read here, oldest first */
  readonly #codes = new Map<JobId, Codes>();
  readonly #convicting: Convicting;
  readonly #abort = new AbortController();
  #stopListening: () => void;

  constructor(options: {
    ports: Ports;
    settings: NetworkSettings;
    view: L1View;
    chain: Chain;
    hosts: HostClient;
    engine: Engine;
    desk: RequestDesk;
    right: SigningRight;
    convicting: Convicting;
  }) {
    const { ports, settings, view, chain, hosts, engine, desk, right } = options;
    this.#convicting = options.convicting;
    this.#ports = ports;
    this.#settings = settings;
    this.#view = view;
    this.#chain = chain;
    this.#hosts = hosts;
    this.#engine = engine;
    this.#desk = desk;
    this.#right = right;
    const { operator, bls } = ports.identity;
    const prove = (message: Hash): Hex => vrfProve(bls, message);
    const maySign = (): boolean => right.maySign;
    const { chainId, head } = chain;
    this.#machine = new Sequencer({ ...settings, chainId, operator, view, head, prove, maySign });
    this.#driver = new MachineDriver<SequencerEvent, SequencerEffect>({
      machine: this.#machine,
      ports,
      desk,
      perform: (effect) => this.#perform(effect),
    });
    this.#stopListening = chain.onHead((head, block) => this.#headChanged(head, block));
  }

  async start(): Promise<void> {
    const unpublished = await this.#ports.seals.find({
      chainId: this.#chain.chainId,
      generation: this.#view.generation(this.#chain.chainId),
      context: { ...this.#chain.head.context, slot: this.#view.slot },
      header: { ...this.#chain.head.header, number: this.#chain.head.header.number + 1n },
    });
    if (unpublished !== null && (await this.#right.claim(unpublished))) await this.#publish(unpublished);
    this.#driver.run(this.#machine.start(this.#driver.moment()));
  }

  stop(): void {
    this.#stopListening();
    this.#abort.abort();
    this.#driver.stop();
  }

  l1Changed(): void {
    this.#driver.dispatch({ kind: "l1Changed" });
  }

  /** Whether the job is one of this chain's. */
  runs(jobId: JobId): boolean {
    return this.#machine.runs(jobId);
  }

  /** What the jobs of the chain's blocks read, and how much of it was predicted. */
  get readCounts(): ReadCounts {
    return this.#machine.readCounts;
  }

  requested(ticket: string, from: PeerId, request: NamedRequest): void {
    this.#driver.dispatch({ kind: "requested", ticket, from, request });
  }

  #headChanged(head: Parent, block: SealedBlock | null): void {
    this.#driver.dispatch({ kind: "headChanged", head, block, safeNumber: this.#chain.safeNumber });
  }

  #perform(effect: SequencerEffect): void {
    switch (effect.kind) {
      case "openSession":
        return void this.#open(effect);
      case "readSession":
        return void this.#read(effect);
      case "executeJob":
        return void this.#executeJob(effect);
      case "accuse":
        return void this.#convicting.accuse(effect.lie, this.#codes.get(effect.lie.job.jobId) ?? new Map());
      case "assemble":
        return void this.#assemble(effect);
      case "closeSession":
        this.#ports.log("debug", "session-closed", { session: effect.session });
        this.#sessions.get(effect.session)?.close();
        return void this.#sessions.delete(effect.session);
      case "check":
        return void this.#check(effect);
      case "seal":
        return void this.#seal(effect.block);
      case "publish":
        return void this.#publish(effect.block);
      case "syncTo":
        return void this.#chain.syncTo(effect.number);
      case "post":
        return void this.#post(effect);
      case "claim":
        return void this.#claim(effect);
    }
  }

  async #open(effect: Effect<"openSession">): Promise<void> {
    const { session, parent, chainId, talks } = effect;
    const number = parent.header.number + 1n;
    this.#ports.log("debug", "session-opened", { session, chainId, number, slot: this.#view.slot });
    const { readTimeoutMs: timeoutMs } = this.#settings.parameters;
    this.#desk.prepare(talks, { timeoutMs, signal: this.#abort.signal });
    const working = new BlockSession({ hosts: this.#hosts, chain: this.#chain, parent, engine: this.#engine });
    this.#sessions.set(session, working);
    try {
      const openingBytes = await working.open(effect);
      const entries = await working.readForJob(effect);
      this.#driver.dispatch({ kind: "sessionOpened", session, entries, openingBytes });
    } catch (error) {
      this.#sessionFailed(session, error);
    }
  }

  #sessionFailed(session: Hash, error: unknown): void {
    const reason = reasonOf(error);
    this.#driver.dispatch({ kind: "sessionFailed", session, reason });
  }

  async #read({ session, ticket, keys }: Effect<"readSession">): Promise<void> {
    try {
      const entries = (await this.#sessions.get(session)?.read(keys)) ?? null;
      this.#driver.dispatch({ kind: "sessionRead", session, ticket, entries });
    } catch (error) {
      this.#ports.log("warn", "values-not-read", { reason: reasonOf(error) });
      this.#driver.dispatch({ kind: "sessionRead", session, ticket, entries: null });
    }
  }

  async #executeJob({ session, job }: Effect<"executeJob">): Promise<void> {
    try {
      const outcomes = (await this.#sessions.get(session)?.execute(job.environment, job.messages)) ?? null;
      if (outcomes !== null) this.#keepCodes(job, outcomes);
      const result = outcomes && resultHash(job, fittingOutcomes(outcomes));
      this.#driver.dispatch({ kind: "jobExecuted", session, jobId: job.jobId, result });
    } catch (error) {
      this.#ports.log("warn", "job-not-executed", { reason: reasonOf(error) });
      this.#driver.dispatch({ kind: "jobExecuted", session, jobId: job.jobId, result: null });
    }
  }

  /** Results state codes by their hashes alone: what a job's own execution read is what a lie about it may have to be shown with. */
  #keepCodes({ jobId, values }: Job, outcomes: readonly Outcome[]): void {
    const codes = new Map<Hash, Uint8Array>();
    for (const entry of [...values, ...outcomes.flatMap(({ reads }) => reads)])
      if (entry.kind === "code") codes.set(entry.hash, entry.value);
    this.#codes.set(jobId, codes);
    if (this.#codes.size > MAX_CODES) this.#codes.delete(this.#codes.keys().next().value!);
  }

  async #assemble(effect: Effect<"assemble">): Promise<void> {
    const { session } = effect;
    try {
      const working = this.#sessions.get(session);
      if (working === undefined) throw new Error("the session is closed");
      const { leaves, ...assembled } = await working.assemble(effect);
      // kept before the block is signed: who posts it has to show them when it is asked
      await this.#ports.leaves.put({ chainId: this.#chain.chainId, header: assembled.header }, leaves);
      this.#driver.dispatch({ kind: "assembled", session, ...assembled });
    } catch (error) {
      this.#sessionFailed(session, error);
    }
  }

  async #check({ slot, from, to }: Effect<"check">): Promise<void> {
    try {
      for (let number = from; number <= to; number++) await this.#requireRight(this.#chain.block(number)!);
    } catch (error) {
      this.#ports.log("warn", "blocks-not-checked", { chainId: this.#chain.chainId, reason: reasonOf(error) });
    }
    this.#driver.dispatch({ kind: "checked", slot });
  }

  /**
   * Executes a block anew, once, over values that hosts prove: nobody's word but that of who executed it stands for what came of its
   * transactions. One that is wrong is given up by the chain. Rejects where it is, and where there are no values: then it is tried again.
   */
  #requireRight(block: SealedBlock): Promise<void> {
    const hash = hashHeader(block.header);
    const known = this.#checks.get(hash);
    if (known !== undefined) return known;
    const check = this.#executeAnew(block, hash);
    this.#checks.set(hash, check);
    check.catch(() => this.#checks.delete(hash));
    if (this.#checks.size > MAX_CHECKS) this.#checks.delete(this.#checks.keys().next().value!);
    return check;
  }

  async #executeAnew(block: SealedBlock, hash: Hash): Promise<void> {
    const { number } = block.header;
    const parent = parentOf(this.#chain.block(number - 1n)!);
    const around = { hosts: this.#hosts, chain: this.#chain, engine: this.#engine, signal: this.#abort.signal };
    if ((await reexecuted(around, parent, block)) === hash) return;
    this.#ports.log("error", "block-wrong", { chainId: this.#chain.chainId, number, hash });
    this.#chain.foundWrong(hash);
    throw new Error(`block ${number} does not follow from its transactions`);
  }

  /** Who posts a block answers for who did its job, and shows that to L1: so it has to have it, however the block came here. */
  #requireWork(block: SealedBlock): void {
    const fault = workFault(this.#view, this.#settings.network, block);
    if (fault === null) return;
    const { number } = block.header;
    const hash = hashHeader(block.header);
    this.#ports.log("error", "work-wrong", { chainId: this.#chain.chainId, number, hash, fault });
    this.#chain.foundWrong(hash);
    throw new Error(`block ${number} ${fault}`);
  }

  async #seal(block: UnsignedBlock): Promise<void> {
    const taken = "another block was signed at this place before";
    try {
      const earlier = await this.#ports.seals.find(block);
      if (earlier !== null) {
        if (await this.#right.claim(earlier)) await this.#publish(earlier);
        return this.#driver.dispatch({ kind: "sealRefused", reason: taken, isTaken: true });
      }
      // both are on the disk before the signature leaves: a crash in between loses the place
      if (!(await this.#right.claim(block)))
        return this.#driver.dispatch({ kind: "sealRefused", reason: taken, isTaken: true });
      const signature = this.#ports.identity.signDigest(blockDigest(this.#settings.network, block));
      const sealed = decodeBlock(encodeBlock({ ...block, signature }));
      await this.#ports.seals.put(sealed);
      this.#driver.dispatch({ kind: "sealed", block: sealed });
      // while the hosts are there; if it fails, whoever posts the block tries again
      this.#requireRight(sealed).catch((error: unknown) =>
        this.#ports.log("warn", "block-not-checked", { number: block.header.number, reason: reasonOf(error) }),
      );
    } catch (error) {
      this.#driver.dispatch({ kind: "sealRefused", reason: reasonOf(error), isTaken: false });
    }
  }

  async #publish(block: SealedBlock): Promise<void> {
    this.#chain.receive(block);
    try {
      await this.#ports.network.publish(blocksTopic(this.#settings.network, block.chainId), encodeBlock(block));
    } catch (error) {
      this.#ports.log("warn", "block-not-published", {
        number: block.header.number,
        reason: reasonOf(error),
      });
    }
  }

  async #post({ chainId, generation, from, to, slot, latest }: Effect<"post">): Promise<void> {
    const { operator } = this.#ports.identity;
    const sources = {
      chain: this.#chain,
      hosts: this.#hosts,
      view: this.#view,
      poster: operator,
      signal: this.#abort.signal,
      log: this.#ports.log,
    };
    try {
      const { blocks, data, randomness } = await makeBatch(sources, { from, to, slot, latest });
      for (const block of blocks) this.#requireWork(block);
      for (const block of blocks) await this.#requireRight(block);
      const last = this.#view.batches(chainId).at(-1);
      const claims = claimsOf(blocks, {
        index: (last?.header.index ?? -1n) + 1n,
        previousBatchHash: last?.batchHash ?? this.#view.dac(chainId)!.genesisHash,
        slot,
        poster: operator,
      });
      const sign = (header: BatchHeader): Hex =>
        this.#ports.identity.signDigest(batchDigest(this.#settings.network, randomness, header));
      await this.#ports.poster.appendBatch({ claims, data, sign, ...this.#shownItems(claims) });
      this.#driver.dispatch({ kind: "posted", generation, lastBlock: claims.lastBlock });
    } catch (error) {
      this.#driver.dispatch({ kind: "postFailed", generation, reason: reasonOf(error) });
    }
  }

  /** Queue items that L1 has to be shown with a batch. */
  #shownItems({ chainId, slot, queueEnd, poster }: BatchClaims): Pick<DraftBatch, "nextItem" | "firstItem"> {
    const leavesItems = queueEnd < this.#view.consumable(chainId, slot);
    const nextItem = leavesItems ? this.#view.queuedItem(chainId, queueEnd) : undefined;
    const isElected = this.#view.turn(chainId)?.member.operator === poster;
    const firstItem = isElected ? undefined : this.#view.queuedItem(chainId, this.#view.postedQueueEnd(chainId));
    return { ...(nextItem && { nextItem }), ...(firstItem && { firstItem }) };
  }

  async #claim({ chainId, slot, rank }: Effect<"claim">): Promise<void> {
    try {
      await this.#ports.poster.claimSlot({ chainId, slot, rank });
      this.#driver.dispatch({ kind: "claimEnded", reason: null });
    } catch (error) {
      this.#driver.dispatch({ kind: "claimEnded", reason: reasonOf(error) });
    }
  }
}

/** A sequencer's machine with its pool, hosts, providers and L1 in the hands of a test. */
import {
  type Account,
  EMPTY_CODE_HASH,
  type Header,
  type JobId,
  type NamedAnswer,
  type Outcome,
  type Parameters,
  resultDigest,
  resultHash,
  type StateEntry,
  type Transaction,
  type UnsignedBlock,
  vrfProve,
} from "@mvm/protocol";
import {
  blockFault,
  type L1View,
  latestTimestamp,
  parentOf,
  Sequencer,
  type SequencerEffect,
  type SequencerEvent,
  workFault,
} from "../src/index.ts";
import {
  at,
  blockOn,
  CHAIN,
  FIRST_BLOCK,
  FIRST_SLOT,
  GENESIS,
  mine,
  NETWORK,
  outcome,
  PARAMETERS,
  PROVIDERS,
  startView,
  turnOf,
} from "./world.ts";

type Kind = SequencerEffect["kind"];

/** Block 1 of the DAC, which stands in most tests. */
export const FIRST_SEALED = blockOn({ view: startView(), parent: GENESIS });
export const FIRST = parentOf(FIRST_SEALED);

/** The sequencer whose turn slot 2 is, in its first L1 block, ten seconds after the genesis block, on block 1. */
export class Driven {
  readonly view: L1View;
  readonly self;
  readonly machine: Sequencer;
  readonly effects: SequencerEffect[] = [];
  seconds = 10;
  /** whether blocks are found right as soon as they are to be checked */
  checks = true;
  maySign = true;

  constructor(
    l1Block = FIRST_BLOCK,
    head = FIRST,
    view = startView(l1Block),
    self = turnOf(view, FIRST_SLOT),
    parameters = PARAMETERS as Parameters,
  ) {
    this.view = view;
    this.self = self;
    const { operator } = this.self;
    this.machine = new Sequencer({
      chainId: CHAIN,
      operator,
      view: this.view,
      network: NETWORK,
      parameters,
      head,
      prove: (message) => vrfProve(self.bls, message),
      maySign: () => this.maySign,
    });
  }

  note(effects: readonly SequencerEffect[]): readonly SequencerEffect[] {
    this.effects.push(...effects);
    const checks = effects.filter((effect) => effect.kind === "check");
    const next = this.checks ? checks.flatMap(({ slot }) => this.handle({ kind: "checked", slot })) : [];
    return [...effects, ...next];
  }

  start(): this {
    this.note(this.machine.start(at(this.seconds)));
    return this;
  }

  handle(event: SequencerEvent): readonly SequencerEffect[] {
    return this.note(this.machine.handle(event, at(this.seconds)));
  }

  all<K extends Kind>(kind: K): (SequencerEffect & { kind: K })[] {
    return this.effects.filter((effect): effect is SequencerEffect & { kind: K } => effect.kind === kind);
  }

  asked(name: "head" | "job") {
    return this.all("request").filter(({ request }) => request.name === name);
  }

  /** Registry numbers of the holders of the last job's seats. */
  get seats(): readonly number[] {
    const { request } = this.asked("job").at(-1)!;
    if (request.name !== "job") throw new TypeError("no job");
    return this.view.seatsOf(this.view.slot, request.body.jobId).map(({ index }) => index);
  }

  /** All hosts say that a block is the newest. */
  hostsSay(number: bigint, hosts = this.asked("head").length): this {
    const body = { kind: "head", number, hash: FIRST.hash, slot: 0n } as const;
    for (const { ticket } of this.asked("head").slice(0, hosts))
      this.handle({ kind: "answered", ticket, answer: { name: "head", body } });
    return this;
  }

  offer(...transactions: readonly Transaction[]): this {
    const body = { chainId: CHAIN, transactions: transactions.map(({ raw }) => raw) };
    this.handle({
      kind: "requested",
      ticket: "in",
      from: this.self.peerId,
      request: { name: "offerTransactions", body },
    });
    return this;
  }

  mine(number: bigint): this {
    mine(this.view, number);
    this.seconds = Number(number) + 2;
    this.handle({ kind: "l1Changed" });
    return this;
  }

  /** @param others that come without a key, as what the charter says does */
  open(nonce = 0n, openingBytes = 0, others: readonly StateEntry[] = []): this {
    const { session, keys } = this.all("openSession").at(-1)!;
    const account: Account = { nonce, balance: 10n ** 21n, codeHash: EMPTY_CODE_HASH };
    const entries = keys.map((key) => ({ ...key, value: account }) as StateEntry);
    this.handle({ kind: "sessionOpened", session, entries: [...entries, ...others], openingBytes });
    return this;
  }

  /** Who was asked in the last session, or for one of its jobs, answers with the same outcomes; so does the own execution. */
  agree(outcomes: (count: number) => readonly Outcome[], only?: JobId): this {
    const jobs = this.asked("job");
    const last = jobs.at(-1)?.ticket.split(":")[1];
    for (const { ticket, to, request } of jobs.filter((job) => job.ticket.split(":")[1] === last)) {
      if (request.name !== "job") continue;
      const result = outcomes(request.body.messages.length);
      const signer = PROVIDERS.find(({ peerId }) => peerId === to)!;
      const { jobId } = request.body;
      if (jobId !== (only ?? jobId)) continue;
      const signature = signer.bls.sign(resultDigest(NETWORK, jobId, resultHash(request.body, result)));
      const answer: NamedAnswer = { name: "job", body: { kind: "result", outcomes: result, signature } };
      const executions = this.all("executeJob").length;
      this.handle({ kind: "answered", ticket, answer });
      for (const { session, job } of this.all("executeJob").slice(executions)) {
        const own = resultHash(job, outcomes(job.messages.length));
        this.handle({ kind: "jobExecuted", session, jobId: job.jobId, result: own });
      }
    }
    return this;
  }

  /** What the rules have against a block. */
  faultOf(block: UnsignedBlock, parent = FIRST): string | null {
    const latest = latestTimestamp(this.view, block, at(this.seconds).nowMs);
    const fault = blockFault({ view: this.view, parameters: PARAMETERS }, parent, block, latest);
    return fault ?? workFault(this.view, NETWORK, block);
  }

  assemble(): this {
    const { session, header, transactions, users } = this.all("assemble").at(-1)!;
    const opening = Array.from({ length: transactions.length - users.length - 1 }, () => outcome(0n));
    const outcomes = [...opening, ...users, outcome(0n)];
    const gasUsed = outcomes.reduce((sum, each) => sum + each.gasUsed, 0n);
    const whole: Header = { ...GENESIS.header, ...header, gasUsed };
    this.handle({ kind: "assembled", session, header: whole, outcomes });
    return this;
  }
}

/** Outcomes of as many transactions that all succeed. */
export const included = (count: number): readonly Outcome[] =>
  Array.from({ length: count }, () => ({ kind: "included", ...outcome(), reads: [] }));

/** A sequencer whose hosts have told it that it misses nothing. */
export const ready = (): Driven => new Driven().start().hostsSay(0n);

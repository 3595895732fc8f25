import {
  decodeSystemTransaction,
  depositItem,
  drawBlockOf,
  foundingTransaction,
  type Hash,
  type Job,
  jobIdOf,
  LIMITS,
  l1FeeOf,
  NO_WORK,
  type Outcome,
  prevRandaoOf,
  queueTransaction,
  servedBy,
  settleTransaction,
  taggedHash,
  toWord,
  toWordHex,
  type UnsignedBlock,
  ZERO_HASH,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { paidBy, parentOf, type SequencerEvent } from "../src/index.ts";
import { Driven, FIRST, FIRST_SEALED, included, ready } from "./sequencerWorld.ts";
import {
  at,
  blankView,
  blockOn,
  CHAIN,
  depositTo,
  drawOf,
  FIRST_BLOCK,
  FIRST_SLOT,
  FOUNDING,
  GENESIS,
  GENESIS_SECONDS,
  HOSTS,
  mineOnly,
  outcome,
  PARAMETERS,
  PROVIDERS,
  post,
  queue,
  SEQUENCERS,
  sign,
  startView,
  transfer,
  turnOf,
  USERS,
} from "./world.ts";

const systemOf = (raw: Uint8Array) => decodeSystemTransaction(raw, CHAIN);
const settleIn = (block: UnsignedBlock) => systemOf(block.transactions.at(-1)!);
/** The number of transactions that the block's context says. */
const countIn = (block: UnsignedBlock): number => Buffer.from(systemOf(block.transactions[0]!).data).readUInt32BE(160);

describe("a sequencer's turn", () => {
  it("begins with asking the hosts for their heads, and makes no block before all have answered", () => {
    const driven = new Driven().start().offer(transfer());
    expect(driven.asked("head").map(({ to }) => to)).toEqual(driven.view.hosts(CHAIN).map(({ peerId }) => peerId));
    driven.hostsSay(0n, 2);
    expect(driven.all("openSession")).toEqual([]);
    driven.hostsSay(0n);
    expect(driven.all("openSession").length).toBe(1);
  });

  it("makes no block while a host knows of a later one, but does once that is here", () => {
    const driven = new Driven().start().offer(transfer()).hostsSay(2n);
    expect(driven.all("syncTo")).toMatchObject([{ number: 2n }]);
    expect(driven.all("openSession")).toEqual([]);
    const block = blockOn({ view: driven.view, parent: FIRST });
    driven.handle({ kind: "headChanged", head: parentOf(block), block, safeNumber: 0n });
    expect(driven.all("openSession")).toMatchObject([{ parent: { hash: parentOf(block).hash } }]);
  });

  it("is not stalled by a claim of a head that nobody has, beyond the time to give up", () => {
    const driven = new Driven()
      .start()
      .offer(transfer())
      .hostsSay(10n ** 9n);
    const giveUpSeconds = (2 * PARAMETERS.readTimeoutMs) / 1_000;
    driven.seconds += giveUpSeconds - 1;
    driven.handle({ kind: "timer", name: "advance" });
    expect(driven.all("openSession")).toEqual([]);
    driven.seconds += 1;
    driven.handle({ kind: "timer", name: "advance" });
    expect(driven.all("openSession").length).toBe(1);
  });

  it("makes nothing in another's slot, nor in the last L1 block of its own", () => {
    const last = new Driven(23n).start().hostsSay(0n).offer(transfer());
    expect(last.all("openSession")).toEqual([]);
    last.mine(24n);
    expect(last.all("openSession")).toEqual([]);
    const mid = new Driven(22n).start().hostsSay(0n).offer(transfer());
    expect(mid.all("openSession").length).toBe(1);
  });
});

describe("a chain without hosts", () => {
  it("gets no block before some are drawn, for nobody has the state that it is built on", () => {
    const driven = new Driven(22n).start();
    for (const { operator } of HOSTS) driven.view.apply({ kind: "exited", registry: "storage", operator });
    driven.hostsSay(0n).offer(transfer());
    driven.handle({ kind: "timer", name: "advance" });
    expect(driven.all("openSession")).toEqual([]);
    driven.view.apply({ kind: "registered", registry: "storage", member: HOSTS[0]! });
    driven.handle({ kind: "l1Changed" });
    expect(driven.all("openSession")).toEqual([]);
    const { epochBlocks } = PARAMETERS;
    for (let slot = driven.view.slot + 1n; driven.all("openSession").length === 0; slot++) {
      expect(slot).toBeLessThan(driven.view.slot + 4n);
      driven.mine(slot * BigInt(epochBlocks)).hostsSay(0n);
      driven.handle({ kind: "timer", name: "advance" });
    }
    expect(driven.view.hosts(CHAIN).length).toBe(1);
  });
});

describe("the moment of a block", () => {
  const timers = (driven: Driven): readonly number[] =>
    driven.all("timer").flatMap(({ name, atMs }) => (name === "advance" ? [atMs] : []));

  it("is a tick, however long before it the work was there: it tells nothing of how busy the chain is", () => {
    const driven = new Driven().start().hostsSay(0n);
    const tick = driven.seconds + PARAMETERS.tickSeconds;
    driven.seconds += PARAMETERS.tickSeconds / 4;
    driven.offer(transfer());
    expect(driven.all("openSession")).toEqual([]);
    expect(timers(driven).at(-1)).toBe(at(tick).nowMs);
    driven.seconds += PARAMETERS.tickSeconds / 4;
    driven.offer(transfer({ nonce: 1n }));
    expect(driven.all("openSession")).toEqual([]);
    driven.seconds = tick;
    driven.handle({ kind: "timer", name: "advance" });
    expect(driven.all("openSession")).toMatchObject([{ environment: { timestamp: BigInt(at(tick).nowMs / 1_000) } }]);
  });

  it("comes at once where the clock is late for its tick, and after a failure: no further tick is waited for", () => {
    const driven = new Driven().start().hostsSay(0n);
    driven.seconds += PARAMETERS.tickSeconds / 4;
    driven.offer(transfer());
    driven.seconds += PARAMETERS.tickSeconds;
    driven.handle({ kind: "timer", name: "advance" });
    const { session } = driven.all("openSession")[0]!;
    driven.handle({ kind: "sessionFailed", session, reason: "no values" });
    driven.seconds += PARAMETERS.tickSeconds / 4;
    driven.handle({ kind: "timer", name: "advance" });
    expect(driven.all("openSession").length).toBe(2);
  });

  it("is waited for anew by work that comes after other work was gone", () => {
    const driven = new Driven().start().hostsSay(0n);
    driven.seconds += PARAMETERS.tickSeconds / 4;
    driven.offer(transfer());
    const block = blockOn({ view: driven.view, parent: FIRST, transactions: [transfer().raw] });
    driven.handle({ kind: "headChanged", head: parentOf(block), block, safeNumber: 0n });
    driven.seconds += 3 * PARAMETERS.tickSeconds;
    driven.offer(transfer({ nonce: 1n }));
    expect(driven.all("openSession")).toEqual([]);
    expect(timers(driven).at(-1)! % (PARAMETERS.tickSeconds * 1_000)).toBe(0);
    driven.seconds += (3 * PARAMETERS.tickSeconds) / 4;
    driven.handle({ kind: "timer", name: "advance" });
    expect(driven.all("openSession").length).toBe(1);
  });
});

describe("a sequencer's block", () => {
  it("goes from the pool through job, results and assembly to the seal, then out", () => {
    const driven = ready()
      .offer(transfer(), transfer({ nonce: 1n }))
      .open();
    expect(driven.asked("job").length).toBe(new Set(driven.seats.slice(0, LIMITS.seats)).size);
    driven.agree(included).assemble();
    const { block } = driven.all("seal")[0]!;
    const [context, ...rest] = block.transactions;
    expect(rest.slice(0, -1)).toEqual([transfer().raw, transfer({ nonce: 1n }).raw]);
    expect(systemOf(context!)).toMatchObject({ source: "context", index: 2n });
    expect(driven.faultOf(block)).toBeNull();
    expect(block.context.work).toEqual({ attempt: 0, seats: driven.seats.slice(0, LIMITS.seats) });
    const sealed = sign({ ...(block as UnsignedBlock), signature: "0x" }, driven.self);
    expect(driven.handle({ kind: "sealed", block: sealed })).toContainEqual({ kind: "publish", block: sealed });
    driven.handle({ kind: "headChanged", head: parentOf(sealed), block: sealed, safeNumber: 0n });
    expect(driven.machine.poolSize).toBe(0);
  });

  it("has the values from the start that transactions of the same kind read in an earlier one", () => {
    const call = { data: Uint8Array.of(1, 2, 3, 4), gas: 50_000n };
    const key = { kind: "slot", address: USERS[1]!.operator, slot: toWordHex(7n) } as const;
    const charter = { ...key, slot: toWordHex(8n), value: 2n };
    const reads = [{ ...key, value: 1n }, charter];
    const reading = (count: number): readonly Outcome[] =>
      Array.from({ length: count }, () => ({ kind: "included", ...outcome(), reads }));
    const driven = ready().offer(transfer(call), transfer({ ...call, nonce: 1n }));
    const { session, keys } = driven.all("openSession")[0]!;
    expect(keys).not.toContainEqual(key);
    driven.open(0n, 0, [charter]).agree(reading);
    expect(driven.machine.readCounts).toMatchObject({ jobs: 1, reads: 1, predictedReads: 0 });
    driven.handle({ kind: "sessionFailed", session, reason: "hosts silent" });
    driven.seconds += 1;
    driven.handle({ kind: "timer", name: "advance" });
    expect(driven.all("openSession")[1]!.keys).toContainEqual(key);
    driven.open(0n, 0, [charter]).agree(reading);
    expect(driven.machine.readCounts).toMatchObject({ jobs: 2, reads: 2, predictedReads: 1, predictions: 1 });
  });

  it("needs no job for deposits alone, and pays its sequencer nothing for data", () => {
    const driven = new Driven();
    const deposit = depositTo(driven.view, 0n, 7n);
    driven.start().hostsSay(0n);
    expect(driven.all("openSession")[0]!.opening.slice(1)).toEqual([queueTransaction(deposit)]);
    driven.open().assemble();
    expect(driven.asked("job")).toEqual([]);
    const { block } = driven.all("seal")[0]!;
    expect(block.context).toMatchObject({ work: NO_WORK, queueEnd: 1n });
    expect(block.evidence).toMatchObject({ result: ZERO_HASH, signatures: [] });
    expect(block.transactions.map((raw) => systemOf(raw).source)).toEqual(["context", "deposit", "settle"]);
    expect(countIn(block)).toBe(3);
    expect(settleIn(block)).toEqual(
      settleTransaction(2n, { sequencer: driven.self.operator, providers: [], seated: 0, l1Fees: 0n, seen: [] }),
    );
    expect(driven.faultOf(block)).toBeNull();
  });

  it("leaves to users' transactions what the items of L1's queue leave of a block's gas", () => {
    const gas = LIMITS.transactionGas;
    const plain = depositItem({ queueIndex: 0n, from: USERS[0]!.operator, to: USERS[0]!.operator, mint: 1n });
    const transactions = [0n, 1n, 2n, 3n].map((nonce) => transfer({ nonce, gas }));
    for (const [gasLimit, count] of [
      [LIMITS.blockGas - 3n * gas, 3],
      [LIMITS.blockGas - 3n * gas + 1n, 2],
    ] as const) {
      const driven = new Driven();
      queue(driven.view, { ...plain, kind: "message", gasLimit }, 1n);
      driven
        .start()
        .offer(...transactions)
        .hostsSay(0n)
        .open();
      const { request } = driven.asked("job")[0]!;
      expect(request.name === "job" && request.body.messages.length).toBe(count);
    }
  });

  it("leaves out the last of its users' transactions where the opening's outcomes leave no room for them", () => {
    const wide = (count: number): readonly Outcome[] =>
      Array.from({ length: count }, () => {
        const data = new Uint8Array(50_000);
        const logs = [{ address: USERS[0]!.operator, topics: [], data }];
        return { kind: "included", status: 1, gasUsed: 500_000n, logs, writes: [], reads: [] };
      });
    const sizes = [0, LIMITS.blockBytes - 200_000, LIMITS.blockBytes].map((openingBytes) => {
      const driven = new Driven();
      depositTo(driven.view, 0n, 1n);
      const transactions = [0n, 1n, 2n].map((nonce) => transfer({ nonce, gas: 500_000n }));
      driven
        .start()
        .offer(...transactions)
        .hostsSay(0n)
        .open(0n, openingBytes);
      driven.agree(wide).assemble();
      return driven.all("seal")[0]!.block.transactions.length - 3;
    });
    expect(sizes).toEqual([3, 2, 0]);
  });

  it("comes by itself on a new DAC, without a job: it founds the DAC", () => {
    const driven = new Driven(FIRST_BLOCK, GENESIS).start().hostsSay(0n);
    const { opening, keys, signers } = driven.all("openSession")[0]!;
    expect(opening.slice(1)).toEqual([foundingTransaction(FOUNDING)]);
    expect([keys.length, signers]).toEqual([1, []]);
    driven.open().assemble();
    expect(driven.asked("job")).toEqual([]);
    const { block } = driven.all("seal")[0]!;
    expect(block.transactions.map((raw) => systemOf(raw).source)).toEqual(["context", "founding", "settle"]);
    expect(countIn(block)).toBe(3);
    expect(block.context.work).toEqual(NO_WORK);
    expect(driven.faultOf(block, GENESIS)).toBeNull();
  });

  it("founds a new DAC also when no transaction of its job turns out valid", () => {
    const driven = new Driven(FIRST_BLOCK, GENESIS).start().offer(transfer()).hostsSay(0n).open();
    driven.agree(() => [{ kind: "invalid", reason: "insufficient-funds", reads: [] }]).assemble();
    const { block } = driven.all("seal")[0]!;
    expect(block.transactions.map((raw) => systemOf(raw).source)).toEqual(["context", "founding", "settle"]);
    expect(servedBy(block.context.work).length).toBe(LIMITS.seats);
    expect(driven.faultOf(block, GENESIS)).toBeNull();
  });

  it("does not begin where the L1 values of its slot are not known", () => {
    const view = blankView();
    const self = turnOf(startView(), FIRST_SLOT);
    const driven = new Driven(FIRST_BLOCK, GENESIS, view, self).start();
    expect(driven.all("openSession")).toEqual([]);
    mineOnly(view, FIRST_BLOCK);
    driven.hostsSay(0n).handle({ kind: "l1Changed" });
    expect(driven.all("openSession")).toEqual([]);
    const whole = new Driven(FIRST_BLOCK, GENESIS).start().hostsSay(0n);
    expect(whole.all("openSession")).toMatchObject([{ opening: [{ source: "context" }, { source: "founding" }] }]);
  });

  it("says at its beginning how many transactions it has, and at its end whom it pays for which of them", () => {
    const transactions = [0n, 1n, 2n].map((nonce) => transfer({ nonce, data: new Uint8Array(Number(nonce) * 9) }));
    const driven = new Driven();
    depositTo(driven.view, 0n, 7n);
    driven
      .start()
      .offer(...transactions)
      .hostsSay(0n)
      .open();
    driven
      .agree((count) => [...included(count - 1), { kind: "invalid", reason: "insufficient-funds", reads: [] }])
      .assemble();
    const { block } = driven.all("seal")[0]!;
    const taken = transactions.slice(0, 2);
    expect(block.transactions.slice(2, -1)).toEqual(taken.map(({ raw }) => raw));
    expect(countIn(block)).toBe(block.transactions.length);
    const l1BaseFee = driven.view.valuesOf(FIRST_SLOT)!.l1BaseFee;
    expect(block.context).toMatchObject({ l1Block: 14n, l1BaseFee });
    const l1Fees = taken.reduce((sum, { raw }) => sum + l1FeeOf(raw, l1BaseFee), 0n);
    const providers = servedBy(block.context.work).map((index) => PROVIDERS[index]!.operator);
    const seen = taken.flatMap(({ to }) => to ?? []).slice(0, 1);
    expect(settleIn(block)).toEqual(
      settleTransaction(2n, { sequencer: driven.self.operator, providers, seated: LIMITS.seats, l1Fees, seen }),
    );
    expect(driven.faultOf(block)).toBeNull();
  });

  it("tells providers what each transaction pays for its data, and the session which signers it is about", () => {
    const others = [transfer(), transfer({ nonce: 1n, data: Uint8Array.of(0, 1) }), transfer({ from: USERS[1]! })];
    const driven = new Driven()
      .start()
      .offer(...others)
      .hostsSay(0n);
    const { signers } = driven.all("openSession").at(-1)!;
    expect(new Set(signers)).toEqual(new Set(others.map(({ from }) => from)));
    expect(signers.length).toBe(2);
    driven.open();
    const { request } = driven.asked("job")[0]!;
    const messages = request.name === "job" ? request.body.messages : [];
    expect(messages.length).toBeGreaterThan(0);
    const l1BaseFee = driven.view.valuesOf(FIRST_SLOT)!.l1BaseFee;
    for (const { from, nonce, l1Fee } of messages) {
      const { raw } = others.find((transaction) => transaction.from === from && transaction.nonce === nonce)!;
      expect(l1Fee).toBe(l1FeeOf(raw, l1BaseFee));
      expect(l1Fee).toBeGreaterThan(0n);
    }
  });

  it("leaves invalid transactions out, drops the hopeless and keeps those that may run later", () => {
    const spent = transfer({ from: USERS[1]!, nonce: 0n });
    const early = transfer({ from: USERS[2]!, nonce: 9n });
    const poor = transfer({ nonce: 5n });
    const driven = ready().offer(spent).open(0n);
    driven.agree(() => [{ kind: "invalid", reason: "insufficient-funds", reads: [] }]);
    expect([driven.all("assemble"), driven.machine.poolSize]).toEqual([[], 0]);
    driven.mine(17n);
    driven.offer(spent, early, poor).open(5n);
    expect(driven.machine.poolSize).toBe(2);
    driven.agree((count) => [{ kind: "invalid", reason: "nonce-too-high", reads: [] } as const].slice(0, count));
    expect(driven.machine.poolSize).toBe(2);
  });

  it("does not offer providers what does not decode or is of another chain", () => {
    const driven = ready();
    const raws = [Uint8Array.of(1, 2, 3), new Uint8Array(0)];
    const request = { name: "offerTransactions", body: { chainId: CHAIN, transactions: raws } } as const;
    const effects = driven.handle({ kind: "requested", ticket: "in", from: driven.self.peerId, request });
    expect(effects).toEqual([
      { kind: "answer", ticket: "in", answer: { name: "offerTransactions", body: { kind: "taken", known: 0 } } },
    ]);
  });

  it("is given up when its turn or its parent is gone by the time it is assembled", () => {
    const driven = ready().offer(transfer()).open().agree(included);
    const other = blockOn({ view: driven.view, parent: FIRST });
    driven.handle({ kind: "headChanged", head: parentOf(other), block: null, safeNumber: 0n });
    driven.assemble();
    expect(driven.all("seal")).toEqual([]);
    expect(driven.all("closeSession").length).toBe(1);
  });

  it("closes a session that opens when its block is long given up", () => {
    const driven = ready().offer(transfer());
    const { session } = driven.all("openSession")[0]!;
    driven.handle({ kind: "sessionFailed", session, reason: "hosts silent" });
    const before = driven.all("closeSession").length;
    driven.handle({ kind: "sessionOpened", session, entries: [], openingBytes: 0 });
    expect(driven.all("closeSession").slice(before)).toEqual([{ kind: "closeSession", session }]);
  });

  it("gives values to the seats of the present job alone", () => {
    const driven = ready().offer(transfer()).open();
    const { to } = driven.asked("job")[0]!;
    const { session } = driven.all("openSession")[0]!;
    const [first] = driven.asked("job");
    const { jobId } = first!.request.body as Job;
    const request = { name: "values", body: { jobId, keys: [] } } as const;
    expect(driven.handle({ kind: "requested", ticket: "v", from: to, request })).toMatchObject([
      { kind: "readSession", session },
    ]);
    const stranger = PROVIDERS.find(({ peerId }) => driven.asked("job").every((job) => job.to !== peerId))!.peerId;
    expect(driven.handle({ kind: "requested", ticket: "w", from: stranger, request })).toMatchObject([
      { kind: "answer", answer: { body: { kind: "refused" } } },
    ]);
    driven.agree(included);
    expect(driven.machine.readCounts).toMatchObject({ jobs: 1, valuesRequests: 1 });
  });
});

describe("what a sequencer builds on", () => {
  it("is executed first, where others signed it and nobody posted it, for as long as hosts may take", () => {
    const driven = new Driven().start().offer(transfer());
    driven.checks = false;
    driven.hostsSay(0n);
    expect(driven.all("check")).toMatchObject([{ slot: FIRST_SLOT, from: 1n, to: 1n }]);
    driven.handle({ kind: "l1Changed" });
    driven.handle({ kind: "checked", slot: FIRST_SLOT - 1n });
    expect([driven.all("check").length, driven.all("openSession").length]).toEqual([1, 0]);
    driven.handle({ kind: "checked", slot: FIRST_SLOT });
    expect(driven.all("openSession").length).toBe(1);
    const silent = new Driven().start().offer(transfer());
    silent.checks = false;
    silent.hostsSay(0n);
    silent.seconds += (2 * PARAMETERS.readTimeoutMs) / 1_000 + 1;
    silent.handle({ kind: "timer", name: "advance" });
    expect(silent.all("openSession").length).toBe(1);
  });

  it("is not executed again where L1 has it, nor where there is nothing but the genesis block", () => {
    const view = startView();
    post(view, [FIRST_SEALED]);
    const posted = new Driven(FIRST_BLOCK, FIRST, view).start().hostsSay(0n);
    const young = new Driven(FIRST_BLOCK, GENESIS).start().hostsSay(0n);
    expect([posted.all("check"), young.all("check")]).toEqual([[], []]);
  });

  it("is left alone in a slot in which another block was signed at the place, and taken up in the next", () => {
    const driven = ready().offer(transfer()).open();
    driven.agree(included).assemble();
    driven.handle({ kind: "sealRefused", reason: "signed before", isTaken: true });
    const opened = driven.all("openSession").length;
    driven.seconds += 2;
    driven.handle({ kind: "timer", name: "advance" });
    expect(driven.all("openSession").length).toBe(opened);
    const again = ready().offer(transfer()).open();
    again.agree(included).assemble();
    again.handle({ kind: "sealRefused", reason: "disk full", isTaken: false });
    again.seconds += 2;
    again.handle({ kind: "timer", name: "advance" });
    expect(again.all("openSession").length).toBe(2);
  });
});

describe("the draws of a sequencer", () => {
  const jobsOf = (driven: Driven) => [
    ...new Set(driven.asked("job").flatMap(({ request }) => (request.name === "job" ? request.body.jobId : []))),
  ];
  /** All whom the session's jobs ask fail, until the block is given up; then it is begun anew. */
  const failAll = (driven: Driven): void => {
    const closed = driven.all("closeSession").length;
    for (let asked = 0; driven.all("closeSession").length === closed; asked++) {
      const request = driven.asked("job")[asked];
      if (request !== undefined) driven.handle({ kind: "requestFailed", ticket: request.ticket, reason: "silent" });
      else {
        asked -= 1;
        driven.seconds += 1;
        driven.handle({ kind: "timer", name: "jobs" });
      }
    }
    driven.seconds += 1;
    driven.handle({ kind: "timer", name: "advance" });
  };

  it("give a block one randomness, and jobs of their own, one after the other; the last job is tried again and again", () => {
    const driven = ready().offer(transfer());
    for (let i = 0; i < 3; i++) {
      driven.open();
      failAll(driven);
    }
    driven.open();
    const { proof, randomness } = drawOf(driven.view, driven.self, { generation: 0n, number: 2n, slot: FIRST_SLOT });
    expect(jobsOf(driven)).toEqual(
      Array.from({ length: LIMITS.jobAttempts }, (_, attempt) => jobIdOf(randomness, attempt)),
    );
    driven.agree(included).assemble();
    const { block } = driven.all("seal")[0]!;
    expect(block.context).toMatchObject({ randomness, work: { attempt: LIMITS.jobAttempts - 1 } });
    expect([block.evidence?.proof, block.header.prevRandao]).toEqual([proof, prevRandaoOf(randomness)]);
    expect(driven.faultOf(block)).toBeNull();
  });

  it("give a block whose seats are silent to the next job's, in the same session; who did it is paid", () => {
    const driven = ready()
      .offer(transfer(), transfer({ nonce: 1n }))
      .open();
    const { randomness } = drawOf(driven.view, driven.self, { generation: 0n, number: 2n, slot: FIRST_SLOT });
    const next = jobIdOf(randomness, 1);
    const patienceMs = driven.all("timer").findLast(({ name }) => name === "jobs")!.atMs - at(driven.seconds).nowMs;
    for (let times = 1; !jobsOf(driven).includes(next); times++) {
      expect(times).toBeLessThanOrEqual(2);
      driven.seconds += patienceMs / 1_000;
      driven.handle({ kind: "timer", name: "jobs" });
    }
    const [first, later] = [driven.asked("job")[0]!, driven.asked("job").at(-1)!];
    for (const { to, request } of [first, later]) {
      const { jobId } = request.body as Job;
      const asking = { name: "values", body: { jobId, keys: [] } } as const;
      expect(driven.handle({ kind: "requested", ticket: "v", from: to, request: asking })).toMatchObject([
        { kind: "readSession" },
      ]);
    }
    driven.agree(included, next).assemble();
    expect(driven.all("openSession").length).toBe(1);
    const { block } = driven.all("seal")[0]!;
    const { work } = block.context;
    expect(work.attempt).toBe(1);
    expect(servedBy(work).length).toBe(LIMITS.seats);
    expect(paidBy(block)).toEqual(
      [driven.self, ...servedBy(work).map((index) => PROVIDERS[index]!)].map((who) => who.operator),
    );
    // half of the messages: the rest comes into the next block
    expect(countIn(block)).toBe(3);
    expect(driven.faultOf(block)).toBeNull();
    // what comes now is too late, and changes nothing
    driven.agree(included);
    expect(driven.all("seal").length).toBe(1);
  });

  it.each([
    [
      "cannot be assembled",
      (session: Hash): SequencerEvent => ({ kind: "sessionFailed", session, reason: "out-of-range" }),
    ],
    ["cannot be sealed", (): SequencerEvent => ({ kind: "sealRefused", reason: "out-of-range", isTaken: false })],
  ])("give a block that %s as two seats agreed on it to the next job's", (what, failed) => {
    const driven = ready().offer(transfer()).open();
    const { session } = driven.all("openSession").at(-1)!;
    driven.agree(included);
    if (what === "cannot be sealed") driven.assemble();
    driven.handle(failed(session));
    driven.seconds += 1;
    driven.handle({ kind: "timer", name: "advance" });
    driven.open().agree(included).assemble();
    const { block } = driven.all("seal").at(-1)!;
    expect(block.context.work.attempt).toBe(1);
    expect(driven.faultOf(block)).toBeNull();
  });

  it("are made anew where L1 draws the slot anew", () => {
    const driven = ready().offer(transfer()).open();
    const [before] = jobsOf(driven);
    const { view, self } = driven;
    const place = { generation: 0n, number: 2n, slot: FIRST_SLOT };
    const first = drawOf(view, self, place).randomness;
    const drawBlock = drawBlockOf(FIRST_SLOT, PARAMETERS.epochBlocks);
    const { number: top } = view.block;
    for (let salt = 0n; ; salt++) {
      view.apply({ kind: "reorg", toBlock: drawBlock - 1n });
      for (let number = drawBlock; number <= top; number++) {
        const prevRandao = taggedHash("test/randao", toWord(number), toWord(salt));
        view.apply({
          kind: "l1Block",
          number,
          timestamp: BigInt(GENESIS_SECONDS) + number,
          baseFeePerGas: 7n,
          prevRandao,
        });
      }
      if (turnOf(view, FIRST_SLOT).operator === self.operator) break;
    }
    driven.handle({ kind: "l1Changed" });
    driven.agree(included).assemble();
    expect(driven.all("seal")).toEqual([]);
    driven.seconds += 1;
    driven.handle({ kind: "timer", name: "advance" });
    driven.open();
    const { randomness } = drawOf(view, self, place);
    expect(randomness).not.toBe(first);
    expect([before, jobsOf(driven).at(-1)]).toEqual([jobIdOf(first, 0), jobIdOf(randomness, 0)]);
  });

  it("begin anew with the next block, and count no try in which no seat was asked", () => {
    const driven = ready().offer(transfer());
    const { session } = driven.all("openSession").at(-1)!;
    driven.handle({ kind: "sessionFailed", session, reason: "hosts silent" });
    driven.seconds += 1;
    driven.handle({ kind: "timer", name: "advance" });
    driven.open().agree(included).assemble();
    const { block } = driven.all("seal")[0]!;
    expect(block.context.work.attempt).toBe(0);
    const sealed = sign({ ...(block as UnsignedBlock), signature: "0x" }, driven.self);
    driven.handle({ kind: "sealed", block: sealed });
    driven.handle({ kind: "headChanged", head: parentOf(sealed), block: sealed, safeNumber: 0n });
    driven.seconds += 2;
    driven.offer(transfer({ nonce: 1n })).open(1n);
    const next = drawOf(driven.view, driven.self, { generation: 0n, number: 3n, slot: FIRST_SLOT });
    expect(jobsOf(driven).at(-1)).toBe(jobIdOf(next.randomness, 0));
    expect(next.randomness).not.toBe(block.context.randomness);
  });
});

describe("a sequencer's batches", () => {
  it("are posted in its own turn alone, one at a time, from the first block that is not on L1", () => {
    const driven = ready();
    const block = blockOn({ view: driven.view, parent: FIRST });
    driven.handle({ kind: "headChanged", head: parentOf(block), block, safeNumber: 0n });
    driven.handle({ kind: "timer", name: "post" });
    driven.handle({ kind: "timer", name: "post" });
    const latest = driven.view.block.timestamp + LIMITS.postedLeadSeconds;
    expect(driven.all("post")).toMatchObject([{ from: 1n, to: 2n, slot: FIRST_SLOT, latest }]);
    driven.handle({ kind: "postFailed", generation: 0n, reason: "reverted" });
    driven.handle({ kind: "timer", name: "post" });
    expect(driven.all("post").length).toBe(2);
    driven.handle({ kind: "postFailed", generation: 0n, reason: "reverted" });
    driven.mine(24n).handle({ kind: "timer", name: "post" });
    expect(driven.all("post").length).toBe(2);
  });

  it("have their times in common on one node, for whatever chain, and not with other nodes", () => {
    const { batchIntervalMs } = PARAMETERS;
    const times = (driven: Driven): number[] =>
      driven.all("timer").flatMap(({ name, atMs }) => (name === "post" ? [atMs] : []));
    const driven = new Driven().start();
    const [first] = times(driven);
    const nowMs = at(driven.seconds).nowMs;
    expect(first).toBeGreaterThan(nowMs);
    expect(first).toBeLessThanOrEqual(nowMs + batchIntervalMs);
    driven.seconds += 3.7;
    driven.handle({ kind: "timer", name: "post" });
    const [, second] = times(driven);
    expect((second! - first!) % batchIntervalMs).toBe(0);
    expect(second! - at(driven.seconds).nowMs).toBeLessThanOrEqual(batchIntervalMs);
    const phases = SEQUENCERS.map(({ operator }) => Number(BigInt(operator) % BigInt(batchIntervalMs)));
    expect(first! % batchIntervalMs).toBe(Number(BigInt(driven.self.operator) % BigInt(batchIntervalMs)));
    expect(new Set(phases).size).toBe(SEQUENCERS.length);
  });

  it("do not wait for their time once they are a batch's worth, and again once that is on L1 and as much is left", () => {
    const driven = ready();
    const heavy = (nonce: number): Uint8Array => transfer({ nonce: BigInt(nonce), data: new Uint8Array(50_000) }).raw;
    const blocks = [FIRST_SEALED];
    const next = (): void => {
      const parent = parentOf(blocks.at(-1)!);
      const block = blockOn({ view: driven.view, parent, transactions: [heavy(blocks.length)] });
      blocks.push(block);
      driven.handle({ kind: "headChanged", head: parentOf(block), block, safeNumber: 0n });
    };
    next();
    expect(driven.all("post")).toEqual([]);
    next();
    expect(driven.all("post")).toMatchObject([{ from: 1n, to: 3n }]);
    next();
    next();
    expect(driven.all("post").length).toBe(1);
    driven.handle({ kind: "posted", generation: 0n, lastBlock: 3n });
    post(driven.view, blocks.slice(0, 3));
    driven.mine(FIRST_BLOCK + 1n);
    expect(driven.all("post").slice(1)).toMatchObject([{ from: 4n, to: 5n }]);
    driven.handle({ kind: "posted", generation: 0n, lastBlock: 5n });
    // what a rollback took back waits no longer
    driven.handle({ kind: "headChanged", head: parentOf(blocks[3]!), block: null, safeNumber: 0n });
    post(driven.view, blocks.slice(3, 4));
    driven.mine(FIRST_BLOCK + 2n);
    expect(driven.all("post").length).toBe(2);
  });
});

import { createAddress, createEngine, ExecutionError } from "@mvm/evm";
import {
  allowSlotOf,
  type BlockOutcome,
  CHARTER_SLOTS,
  type Charter,
  denySlotOf,
  drawBlockOf,
  encodeBlock,
  type Hash,
  hotSlot,
  LIMITS,
  NO_WORK,
  PREDEPLOYS,
  refused,
  type StateEntry,
  type StateKey,
  type StateReader,
  type SystemTransaction,
  toMessage,
  toWordHex,
  ZERO_HASH,
} from "@mvm/protocol";
import type { AssembleEffect } from "@mvm/roles";
import { StateError } from "@mvm/state";
import { beforeEach, describe, expect, it } from "vitest";
import { BlockSession } from "../src/blockSession.ts";
import { HostClient, HostsSilent } from "../src/hostClient.ts";
import { Chain } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, type BlockPlan, TOKEN_INITCODE, tokenTransfer, transactionOf } from "./blockMaker.ts";
import { honestAnswer, type Reads, serveReads } from "./serving.ts";
import {
  CHAIN_ID,
  connect,
  deposit,
  FREE_CHARTER,
  hashOfText,
  identityOf,
  queueOthers,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

const user = identityOf("user").operator;
const late = identityOf("late").operator;
const MINT = 10n ** 18n;

/** A charter with a rule of either kind, and three tax brackets: two slots of them. */
const RULED: Charter = {
  ...FREE_CHARTER,
  mission: "a mission that is too long for one word of storage, as missions are",
  permissions: [
    { operation: "allow", opcode: "CREATE", addresses: [user] },
    { operation: "deny", opcode: "SELFDESTRUCT", addresses: [late, identityOf("somebody").operator] },
  ],
  taxRates: [0n, 10n ** 15n, 10n ** 17n].map((threshold, i) => ({ threshold, rate: 100 * (i + 1) })),
  managementContract: identityOf("management").operator,
};

let world: World;
let sequencer: Site;
let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let chain: Chain;
let hosts: HostClient;
let session: BlockSession;
/** what the host was asked */
let served: Reads[];
/** reads that the host refuses */
let isRefused: (reads: Reads) => boolean;

/** A session for the block after `blocks` blocks: the first one has a deposit and a token's deployment. */
async function begin(charter: Charter, blocks: 0 | 1): Promise<void> {
  world = new World();
  sequencer = world.site("sequencer");
  const host = world.site("host");
  const ports = await sequencer.start();
  await host.start();
  await connect(sequencer, host);
  view = viewOf(["host"], charter);
  for (let n = 0n; n < 4n; n++) deposit(view, n, n < 2n ? user : late, MINT);
  maker = await BlockMaker.start(view);
  isRefused = () => false;
  served = serveReads(host, (reads) =>
    isRefused(reads) ? { name: "reads", body: refused("not today") } : honestAnswer(maker, reads),
  );
  const desk = new RequestDesk(sequencer.network);
  chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: true });
  chain.start();
  if (blocks === 1) {
    const deploy = await transactionOf(maker.dac, "user", { nonce: 0, to: null, data: TOKEN_INITCODE });
    const queueItems = view.queueItems(CHAIN_ID, 0n, SLOT).slice(0, 1);
    chain.receive(await maker.next({ queueItems, transactions: [deploy] }));
    await world.clock.advance(10);
  }
  expect(chain.head.header.number).toBe(BigInt(blocks));
  hosts = new HostClient({ ports, settings: SETTINGS, view });
  session = new BlockSession({ hosts, chain, parent: chain.head, engine: await createEngine() });
}

beforeEach(() => begin(FREE_CHARTER, 1));

/** Lets time pass until the promise has ended. */
async function done<T>(promise: Promise<T>): Promise<T> {
  let isOpen = true;
  const close = (): void => {
    isOpen = false;
  };
  promise.then(close, close);
  for (let step = 0; step < 100 && isOpen; step++) await world.clock.advance(10);
  return promise;
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  done(
    promise.then(
      () => null,
      (error: unknown) => error,
    ),
  );

/** What a host that does not answer makes of a session: errors by their causes, outermost first. */
function expectHostsSilent(error: unknown): void {
  expect(error).toBeInstanceOf(ExecutionError);
  const { cause } = error as Error;
  expect(cause).toBeInstanceOf(StateError);
  expect(cause).toMatchObject({ code: "fetch-failed", cause: expect.any(HostsSilent) });
}

const due = () => view.queueItems(CHAIN_ID, chain.head.context.queueEnd, SLOT);

/** Opens the session for a plan, by default foreseeing its own settle. */
function openBy(plan: BlockPlan, foreseenPlan: BlockPlan = plan): Promise<number> {
  const { context, opening } = maker.draft(plan);
  const environment = maker.environment(context.randomness);
  const foreseen = maker.draft(foreseenPlan).settle;
  return session.open({ chainId: CHAIN_ID, environment, opening, foreseen, keys: [] });
}

/** What a provider reads from: the session's answers. */
const readerOf = (working: BlockSession): StateReader => {
  const read = async (key: Parameters<BlockSession["read"]>[0][number]): Promise<unknown> =>
    ((await working.read([key]))[0] as StateEntry).value;
  return {
    account: (address) => read({ kind: "account", address }) as never,
    slot: (address, slot) => read({ kind: "slot", address, slot }) as never,
    code: (hash) => read({ kind: "code", hash }) as never,
    number: () => read({ kind: "number" }) as never,
    chainId: () => read({ kind: "chainId" }) as never,
    blockHash: (number) => read({ kind: "blockHash", number }) as never,
  };
};

/** Executes a plan's users as a provider does, over the session. */
async function usersBy(plan: BlockPlan): Promise<BlockOutcome[]> {
  const { context, transactions } = maker.draft(plan);
  const messages = transactions.map((transaction) => toMessage(transaction, context.l1BaseFee));
  const environment = maker.environment(context.randomness);
  const executed = await done((await createEngine()).execute(environment, messages, readerOf(session)));
  return executed.map((outcome) => {
    if (outcome.kind === "invalid") throw new Error(`the test's transaction is invalid: ${outcome.reason}`);
    const { status, gasUsed, logs, writes } = outcome;
    return { status, gasUsed, logs, writes };
  });
}

function assemblyOf(plan: BlockPlan, users: readonly BlockOutcome[]): AssembleEffect {
  const { context, raws, settle } = maker.draft(plan);
  const [header, environment] = [maker.fixed(context.randomness), maker.environment(context.randomness)];
  const session = hashOfText("session");
  return { kind: "assemble", session, header, environment, transactions: raws, users, settle };
}

const plainOf = ({ status, gasUsed, logs, writes }: BlockOutcome): BlockOutcome => ({ status, gasUsed, logs, writes });

/** The session's block by a plan is the one that a chain with the whole state makes. */
async function expectEqualBlocks(plan: BlockPlan): Promise<void> {
  const { block } = await maker.sibling(plan);
  await done(openBy(plan));
  const { header, outcomes } = await done(session.assemble(assemblyOf(plan, await usersBy(plan))));
  expect(outcomes.map(plainOf)).toEqual(block.outcomes);
  expect(outcomes.every(({ status }) => status === 1)).toBe(true);
  expect(header).toEqual(block.header);
  chain.receive({ ...block, header });
  await world.clock.advance(10);
  expect(chain.database.head?.stateRoot).toBe(header.stateRoot);
}

/** bit 0: no rules and no tax; bit 16: no deny rule */
const FREE_FLAGS = 1n | (1n << 16n);

describe("a block's session", () => {
  it("makes the outcomes and the header that a chain with the whole state computes for the same block", async () => {
    const token = createAddress(user, 0n);
    const transactions = [
      await transactionOf(maker.dac, "user", { nonce: 1, to: token, data: tokenTransfer(user, 3n) }),
      await transactionOf(maker.dac, "late", { nonce: 0, value: 5n }),
      await transactionOf(maker.dac, "user", { nonce: 2, to: null, data: TOKEN_INITCODE }),
    ];
    await expectEqualBlocks({ queueItems: due(), transactions });
  });

  it.each([
    ["free", FREE_CHARTER],
    ["ruled", RULED],
  ])("makes them for block 1, with the founding of a %s DAC, alone or with users' transactions", async (_, charter) => {
    await begin(charter, 0);
    await expectEqualBlocks({});
    await begin(charter, 0);
    const transactions = [
      await transactionOf(maker.dac, "user", { nonce: 0, to: null, data: TOKEN_INITCODE }),
      await transactionOf(maker.dac, "user", { nonce: 1, value: 10n ** 16n }),
    ];
    await expectEqualBlocks({ queueItems: due(), transactions });
  });

  it("makes them for the block of a ruled DAC after its founding", async () => {
    await begin(RULED, 1);
    const transactions = [await transactionOf(maker.dac, "user", { nonce: 1, value: 10n ** 16n })];
    await expectEqualBlocks({ queueItems: due(), transactions });
  });

  it("makes them for a block with items of L1's queue of every kind, whose users' transactions come after", async () => {
    await begin(RULED, 1);
    const forced = await transactionOf(maker.dac, "user", { nonce: 1, value: 10n ** 16n });
    queueOthers(view, 4n, user, forced.raw);
    const transactions = [await transactionOf(maker.dac, "user", { nonce: 2, value: 5n })];
    await expectEqualBlocks({ queueItems: due(), transactions });
    expect(chain.database.transactionPlace(forced.hash)).toEqual({ number: 2n, index: 6 });
  });

  it("says how many bytes the opening and its outcomes take in the block", async () => {
    const plan = { queueItems: due() };
    const bytes = await done(openBy(plan));
    const { block } = await maker.sibling(plan);
    const whole = encodeBlock(block).length;
    const opening = block.transactions.slice(0, -1);
    const rest = encodeBlock({
      ...block,
      transactions: [block.transactions.at(-1)!],
      outcomes: [block.outcomes.at(-1)!],
    });
    expect(bytes).toBeGreaterThanOrEqual(whole - rest.length);
    expect(bytes).toBeLessThan(whole - rest.length + 20 * opening.length);
  });

  it("asks its hosts once or twice for what opening and a foreseen settle read, no more for many deposits than for one", async () => {
    const asked = async (blocks: 0 | 1, deposits: number) => {
      await begin(RULED, blocks);
      for (let n = 4n; n < LIMITS.blockQueueItems; n++) deposit(view, n, identityOf(`holder ${n}`).operator, MINT);
      const transactions = [await transactionOf(maker.dac, "user", { nonce: blocks, value: 5n })];
      const plan = { queueItems: due().slice(0, deposits), transactions };
      await done(openBy(plan));
      const opening = served.splice(0).length;
      const users = await usersBy(plan);
      served.length = 0;
      await done(session.assemble(assemblyOf(plan, users)));
      const witness = served.filter(({ forWrites }) => forWrites).length;
      return { opening, settle: served.length - witness, witness };
    };
    for (const blocks of [0, 1] as const) {
      const one = await asked(blocks, 1);
      expect(one.opening).toBeLessThanOrEqual(2);
      expect(one).toMatchObject({ settle: 0, witness: 1 });
      const many = await asked(blocks, 60);
      expect(many).toEqual(one);
    }
  });

  it("lays the deposits over what it reads: balances and supply grow, one after the other", async () => {
    const keys = [
      { kind: "account", address: user },
      { kind: "account", address: late },
      { kind: "slot", address: PREDEPLOYS.coinbase, slot: ZERO_HASH },
    ] as const;
    const before = await done(session.read(keys));
    expect(before[1]).toEqual({ ...keys[1], value: null });
    await done(openBy({ queueItems: due() }));
    const after = await done(session.read(keys));
    expect(after[1]).toMatchObject({ value: { balance: 2n * MINT } });
    expect(after[2]).toEqual({ ...keys[2], value: 4n * MINT });
    const balances = [before[0], after[0]].map((entry) => (entry!.value as { balance: bigint }).balance);
    expect(balances[1]! - balances[0]!).toBe(MINT);
  });

  it("lays the context over what it reads: slot, L1 block, its base fee", async () => {
    const { epochBlocks } = SETTINGS.parameters;
    await done(openBy({ slot: SLOT + 1n, queueItems: due() }));
    const [entry] = await done(session.read([hotSlot(CHARTER_SLOTS.l1Values)]));
    expect(entry!.value).toBe(
      (SLOT + 1n) | (drawBlockOf(SLOT + 1n, epochBlocks) << 64n) | (view.valuesOf(SLOT + 1n)!.l1BaseFee << 128n),
    );
  });

  it("reads the chain's own values for the block in the making", async () => {
    const entries = await done(
      session.read([
        { kind: "number" },
        { kind: "chainId" },
        { kind: "blockHash", number: 1n },
        { kind: "blockHash", number: 2n },
      ]),
    );
    expect(entries.map(({ value }) => value)).toEqual([2n, CHAIN_ID, chain.head.hash, ZERO_HASH]);
    expect(served).toEqual([]);
  });

  it("that is closed reads nothing more", async () => {
    session.close();
    expect(() => session.read([{ kind: "number" }])).toThrow();
    await expect(openBy({ queueItems: due() })).rejects.toThrow();
    await world.clock.advance(10);
    expect(served).toEqual([]);
  });
});

describe("a block's session whose hosts do not serve", () => {
  it("anything fails to open, with the hosts' error as the cause", async () => {
    isRefused = () => true;
    expectHostsSilent(await failureOf(openBy({ queueItems: due() })));
  });

  it("one value that the opening reads fails to open", async () => {
    isRefused = ({ keys }) => keys.some((key) => key.kind === "account" && key.address === late);
    expectHostsSilent(await failureOf(openBy({ queueItems: due() })));
  });

  it("values and code of a called contract fails to open, and leaves no failure unseen", async () => {
    const to = createAddress(user, 0n);
    const data = new Uint8Array(64);
    const message = { source: "message", from: user, to, mint: 0n, value: 0n, gasLimit: 100_000n, data } as const;
    const messages = [1n, 2n].map((index): SystemTransaction => ({ ...message, index }));
    await done(session.read([{ kind: "account", address: to }]));
    isRefused = () => true;
    const { context, settle: foreseen } = maker.draft({});
    const environment = maker.environment(context.randomness);
    expectHostsSilent(
      await failureOf(session.open({ chainId: CHAIN_ID, environment, opening: messages, foreseen, keys: [] })),
    );
  });

  it("what settle reads fails to assemble", async () => {
    const transactions = [await transactionOf(maker.dac, "user", { nonce: 1, value: 5n })];
    const plan = { queueItems: due(), transactions };
    await done(openBy(plan, { ...plan, work: NO_WORK }));
    const users = await usersBy(plan);
    isRefused = ({ keys }) => keys.some((key) => key.kind === "slot" && key.address === PREDEPLOYS.feeVault);
    expectHostsSilent(await failureOf(session.assemble(assemblyOf(plan, users))));
  });

  it("the witness fails to assemble", async () => {
    const plan = { queueItems: due() };
    await done(openBy(plan));
    isRefused = ({ forWrites }) => forWrites;
    const error = await failureOf(session.assemble(assemblyOf(plan, [])));
    expect(error).toMatchObject({ code: "fetch-failed", cause: expect.any(HostsSilent) });
  });
});

describe("what a session reads for a job", () => {
  const slotsIn = (entries: readonly StateEntry[]): readonly Hash[] =>
    entries.flatMap((entry) => (entry.kind === "slot" ? [entry.slot] : []));
  const slotsOf = (...slots: readonly bigint[]) => slots.map((slot) => hotSlot(slot).slot);

  it("has the code of contracts among the accounts, and of those alone", async () => {
    const token = createAddress(user, 0n);
    const keys = [user, token].map((address) => ({ kind: "account", address }) as const);
    const entries = await done(session.readForJob({ keys, signers: [user] }));
    expect(entries.map(({ kind }) => kind)).toEqual(["account", "account", "slot", "code"]);
    expect((entries[3]!.value as Uint8Array).length).toBe((TOKEN_INITCODE.length - 2) / 2 - 12);
  });

  it("has any number of values, and no more code than half a message holds", async () => {
    const nonces = Array.from({ length: 140 }, (_, i) => BigInt(i + 1));
    // each leaves one byte of its own as code
    const initcode = (n: bigint) => `0x60${n.toString(16).padStart(2, "0")}60005360016000f3` as const;
    const transactions = await Promise.all(
      nonces.map((n) => transactionOf(maker.dac, "user", { nonce: Number(n), to: null, data: initcode(n) })),
    );
    chain.receive(await maker.next({ transactions }));
    await world.clock.advance(10);
    session = new BlockSession({ hosts, chain, parent: chain.head, engine: await createEngine() });
    const token = createAddress(user, 0n);
    const accounts = nonces.map((n): StateKey => ({ kind: "account", address: createAddress(user, n) }));
    const slots = Array.from(
      { length: 6_000 },
      (_, i): StateKey => ({ kind: "slot", address: token, slot: toWordHex(BigInt(i)) }),
    );
    const entries = await done(session.readForJob({ keys: [...accounts, ...slots], signers: [] }));
    expect(entries.length).toBe(accounts.length + slots.length + 1 + 128);
    expect(entries.at(-1)).toMatchObject({ kind: "code", value: Uint8Array.of(128) });
  });

  it("has the flag word alone where the DAC is free, also of signers", async () => {
    for (const signers of [[], [user, late]]) {
      const entries = await done(session.readForJob({ keys: [], signers }));
      expect(entries).toEqual([{ ...hotSlot(CHARTER_SLOTS.flags), value: FREE_FLAGS }]);
    }
  });

  it("has the flag word, rules, tax brackets and each signer's words where the DAC has rules", async () => {
    await begin(RULED, 1);
    const signers = [user, late];
    const entries = await done(session.readForJob({ keys: [], signers }));
    const { flags, restricted, brackets } = CHARTER_SLOTS;
    const own = signers.flatMap((signer) => [allowSlotOf(signer), denySlotOf(signer)]);
    expect(slotsIn(entries)).toEqual(slotsOf(flags, restricted, brackets, brackets + 1n, ...own));
    const words = entries.map(({ value }) => value);
    const [create, selfDestruct] = [1n << 0xf0n, 1n << 0xffn];
    expect(words.slice(0, 2)).toEqual([3n << 8n, create]);
    expect(words.slice(4)).toEqual([create, 0n, 0n, selfDestruct]);
    expect(slotsIn(await done(session.readForJob({ keys: [], signers: [] })))).toEqual(
      slotsOf(flags, restricted, brackets, brackets + 1n),
    );
  });

  it("sees in block 1 the charter that the block itself founds", async () => {
    await begin(RULED, 0);
    await done(openBy({}));
    const entries = await done(session.readForJob({ keys: [], signers: [user] }));
    expect(entries.map(({ value }) => value).slice(0, 2)).toEqual([3n << 8n, 1n << 0xf0n]);
    expect(entries.at(-2)!.value).toBe(1n << 0xf0n);
  });
});

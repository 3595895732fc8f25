import { createAddress, createEngine } from "@mvm/evm";
import {
  type BlockOutcome,
  HEADER_CONSTANTS,
  LIMITS,
  PREDEPLOYS,
  type StateEntry,
  type StateReader,
  toMessage,
  ZERO_HASH,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { BlockSession } from "../src/blockSession.ts";
import { HostClient } from "../src/hostClient.ts";
import { Chain } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, TOKEN_INITCODE, tokenTransfer, transactionOf } from "./blockMaker.ts";
import { honestAnswer, serveReads } from "./serving.ts";
import { CHAIN_ID, connect, deposit, identityOf, SETTINGS, type Site, viewOf, World } from "./world.ts";

const user = identityOf("user").operator;
const MINT = 10n ** 18n;

let world: World;
let sequencer: Site;
let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let chain: Chain;
let session: BlockSession;
let served: unknown[];

/** A chain with one block (a deposit, and a token's deployment), and a session for the next. */
beforeEach(async () => {
  world = new World();
  sequencer = world.site("sequencer");
  const host = world.site("host");
  const ports = await sequencer.start();
  await host.start();
  await connect(sequencer, host);
  view = viewOf(["host"]);
  for (let n = 0n; n < 4n; n++) deposit(view, n, n < 2n ? user : identityOf("late").operator, MINT);
  maker = await BlockMaker.start(view);
  const deploy = await transactionOf(maker.dac, "user", { nonce: 0, to: null, data: TOKEN_INITCODE });
  const first = await maker.next({ deposits: view.deposits(CHAIN_ID, 0n, 1n).slice(0, 1), transactions: [deploy] });
  served = serveReads(host, (reads) => honestAnswer(maker, reads));
  const desk = new RequestDesk(sequencer.network);
  chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: true });
  chain.start();
  chain.receive(first);
  await world.clock.advance(10);
  const hosts = new HostClient({ ports, settings: SETTINGS, view });
  session = new BlockSession({ hosts, chain, parent: chain.head });
});

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

const next = () => view.deposits(CHAIN_ID, 1n, 1n);

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

describe("a block's session", () => {
  it("assembles the header that a chain with the whole state computes for the same block", async () => {
    const token = createAddress(user, 0n);
    const deposits = next();
    const transactions = [
      await transactionOf(maker.dac, "user", { nonce: 1, to: token, data: tokenTransfer(user, 3n) }),
      await transactionOf(maker.dac, "late", { nonce: 0, value: 5n }),
      await transactionOf(maker.dac, "user", { nonce: 2, to: null, data: TOKEN_INITCODE }),
    ];
    const { block } = await maker.sibling({ deposits, transactions });
    const jobId = maker.jobId();
    const { timestamp, baseFeePerGas, prevRandao, ...place } = maker.fixed(jobId);
    const environment = {
      timestamp,
      baseFeePerGas,
      prevRandao,
      gasLimit: LIMITS.blockGas,
      feeRecipient: HEADER_CONSTANTS.beneficiary,
    };
    const outcomes: BlockOutcome[] = [...(await done(session.deposit(deposits)))];
    const engine = await createEngine();
    const executed = await done(engine.execute(environment, transactions.map(toMessage), readerOf(session)));
    for (const outcome of executed) if (outcome.kind === "included") outcomes.push(outcome);
    expect(outcomes).toHaveLength(block.transactions.length);
    const fixed = { ...place, timestamp, baseFeePerGas, prevRandao };
    const header = await done(session.assemble(fixed, block.transactions, outcomes));
    expect(header).toEqual(block.header);
    chain.receive({ ...block, header });
    await world.clock.advance(10);
    expect(chain.database.head?.stateRoot).toBe(header.stateRoot);
  });

  it("lays the deposits over what it reads: balances and supply grow, one after the other", async () => {
    const late = identityOf("late").operator;
    const keys = [
      { kind: "account", address: user },
      { kind: "account", address: late },
      { kind: "slot", address: PREDEPLOYS.coinbase, slot: ZERO_HASH },
    ] as const;
    const before = await done(session.read(keys));
    expect(before[1]).toEqual({ ...keys[1], value: null });
    const outcomes = await done(session.deposit(next()));
    expect(outcomes.map(({ status, gasUsed }) => [status, gasUsed])).toEqual(next().map(() => [1, 0n]));
    const after = await done(session.read(keys));
    expect(after[1]).toMatchObject({ value: { balance: 2n * MINT } });
    expect(after[2]).toEqual({ ...keys[2], value: 4n * MINT });
    const balances = [before[0], after[0]].map((entry) => (entry!.value as { balance: bigint }).balance);
    expect(balances[1]! - balances[0]!).toBe(MINT);
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

  it("gives the code of contracts among the accounts, and of those alone", async () => {
    const token = createAddress(user, 0n);
    const keys = [user, token].map((address) => ({ kind: "account", address }) as const);
    const entries = await done(session.readWithCode(keys));
    expect(entries.map(({ kind }) => kind)).toEqual(["account", "account", "code"]);
    expect((entries[2]!.value as Uint8Array).length).toBe((TOKEN_INITCODE.length - 2) / 2 - 12);
  });

  it("that is closed reads nothing more", async () => {
    session.close();
    expect(() => session.read([{ kind: "number" }])).toThrow();
    await expect(session.deposit(next())).rejects.toThrow();
    await world.clock.advance(10);
    expect(served).toEqual([]);
  });
});

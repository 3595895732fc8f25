import { createAddress } from "@mvm/evm";
import {
  CHARTER_SLOTS,
  hotSlot,
  type Job,
  jobIdOf,
  LIMITS,
  type Outcome,
  outcomesRoot,
  type StateEntry,
  type StateKey,
  type StateReader,
  toMessage,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { JobExecution, JobFailed } from "../src/jobExecution.ts";
import { BlockMaker, TOKEN_INITCODE, tokenTransfer, transactionOf } from "./blockMaker.ts";
import { settle } from "./virtualClock.ts";
import { deposit, hashOfText, identityOf, SLOT, viewOf } from "./world.ts";

const USERS = 24;
const userOf = (n: number): string => `user ${n}`;

let maker: BlockMaker;
let token: string;
let full: StateReader;

beforeAll(async () => {
  const view = viewOf([]);
  for (let n = 0; n < USERS; n++) deposit(view, BigInt(n), identityOf(userOf(n)).operator, 10n ** 18n);
  maker = await BlockMaker.start(view);
  await maker.next({ queueItems: view.queueItems(maker.dac.chainId, 0n, SLOT) });
  const deploy = await transactionOf(maker.dac, userOf(0), { nonce: 0, to: null, data: TOKEN_INITCODE });
  await maker.next({ transactions: [deploy] });
  token = createAddress(identityOf(userOf(0)).operator, 0n);
  const { header } = maker.parent;
  full = maker.database.stateAt(header.stateRoot, maker.values(header.number + 1n));
});

async function jobOf(users: readonly number[], values: readonly StateEntry[] = []): Promise<Job> {
  const { randomness } = maker.draw({});
  const jobId = jobIdOf(randomness, 0);
  const environment = maker.environment(randomness);
  const messages = await Promise.all(
    users.map(async (n) => {
      const data = tokenTransfer(identityOf(userOf(n + 100)).operator, 5n);
      const nonce = n === 0 ? 1 : 0;
      return toMessage(await transactionOf(maker.dac, userOf(n), { nonce, to: token, data }), 1n);
    }),
  );
  return { jobId, environment, messages, values };
}

async function entryOf(key: StateKey): Promise<StateEntry> {
  if (key.kind === "account") return { ...key, value: await full.account(key.address) };
  if (key.kind === "slot") return { ...key, value: await full.slot(key.address, key.slot) };
  if (key.kind === "code") return { ...key, value: await full.code(key.hash) };
  throw new Error(`the test's code reads no ${key.kind}`);
}

/** Runs a job whose sender answers every ask some turns later; gives the asks too. */
async function run(job: Job): Promise<{ outcomes: readonly Outcome[]; asks: (readonly StateKey[])[] }> {
  const asks: (readonly StateKey[])[] = [];
  const execution = new JobExecution(maker.engine, job, (keys) => {
    asks.push(keys);
    void settle().then(async () => execution.supply(await Promise.all(keys.map(entryOf))));
  });
  return { outcomes: (await execution.run()).outcomes, asks };
}

/** Starts a job nobody answers. */
async function stuck(job: Job): Promise<{ execution: JobExecution; ended: Promise<unknown>; asked: StateKey[] }> {
  const asked: StateKey[] = [];
  const execution = new JobExecution(maker.engine, job, (keys) => asked.push(...keys));
  const ended = execution.run().then(
    () => "done",
    (error: unknown) => error,
  );
  await settle();
  return { execution, ended, asked };
}

const all = Array.from({ length: USERS }, (_, n) => n);

describe("a job's execution", () => {
  it("gives the outcomes that execution over the whole state gives", async () => {
    const job = await jobOf(all);
    const { outcomes } = await run(job);
    const expected = await maker.engine.execute(job.environment, job.messages, full);
    expect(outcomes).toEqual(expected);
    expect(outcomesRoot(outcomes)).toBe(outcomesRoot(expected));
    expect(outcomes.every((outcome) => outcome.kind === "included" && outcome.status === 1)).toBe(true);
  });

  it("asks as often for many transactions as for one: by the depth of dependent reads", async () => {
    // a sequencer's job has it
    const flags = [await entryOf(hotSlot(CHARTER_SLOTS.flags))];
    const one = await run(await jobOf([1], flags));
    const many = await run(await jobOf(all, flags));
    expect(many.asks.length).toBeLessThanOrEqual(one.asks.length);
    // sender, receiver, code, the two slots, the fees' receiver
    expect(one.asks.length).toBeLessThanOrEqual(6);
  });

  it("asks for each value once, in asks that fit a request", async () => {
    const { asks } = await run(await jobOf(all));
    const keys = asks.flat().map((key) => JSON.stringify(key));
    expect(new Set(keys).size).toBe(keys.length);
    for (const ask of asks) expect(ask.length).toBeLessThanOrEqual(LIMITS.readKeys);
  });

  it("asks for nothing that came with the job", async () => {
    const first = await run(await jobOf(all));
    const values = await Promise.all(first.asks.flat().map(entryOf));
    const second = await run(await jobOf(all, values));
    expect(second.asks).toEqual([]);
    expect(second.outcomes).toEqual(first.outcomes);
  });

  it("ends when it is aborted, with the reason, and an answer afterwards changes nothing", async () => {
    const { execution, ended, asked } = await stuck(await jobOf([1, 2]));
    expect(asked.length).toBeGreaterThan(0);
    execution.abort("the sender is gone");
    const error = await ended;
    expect(error).toMatchObject({ name: "JobFailed", code: "given-up" });
    expect((error as Error).message).toBe("the sender is gone");
    execution.supply(await Promise.all(asked.map(entryOf)));
    execution.abort("again");
  });

  it("that is aborted before it runs rejects without an ask", async () => {
    const asked: StateKey[] = [];
    const execution = new JobExecution(maker.engine, await jobOf([1]), (keys) => asked.push(...keys));
    execution.abort("the node stops");
    await expect(execution.run()).rejects.toThrow("the node stops");
    expect(asked).toEqual([]);
  });

  it("aborts when it is given code that is not of its hash", async () => {
    const { execution, ended } = await stuck(await jobOf([1]));
    execution.supply([{ kind: "code", hash: hashOfText("code"), value: Uint8Array.of(0x5b) }]);
    expect(await ended).toMatchObject({ code: "malformed", message: "code that is not of its hash" });
  });

  it("does not begin with code that is not of its hash", async () => {
    const job = await jobOf([1], [{ kind: "code", hash: hashOfText("code"), value: Uint8Array.of(0x5b) }]);
    expect(() => new JobExecution(maker.engine, job, () => undefined)).toThrow(JobFailed);
  });
});

import type { Worker } from "node:worker_threads";
import { createEngine } from "@mvm/evm";
import {
  EMPTY_CODE_HASH,
  fromHex,
  type Hex,
  type Job,
  keccakHash,
  LIMITS,
  type StateEntry,
  type StateKey,
  toAddress,
} from "@mvm/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JobFailed, jobsHere, type RunningJob } from "../src/jobExecution.ts";
import { JobPool } from "../src/jobPool.ts";
import { selfTestJob } from "../src/selfTest.ts";
import { hashOfText } from "./world.ts";

const HOSTILE = toAddress(`0x${"ee".repeat(20)}`);

let pool: JobPool;
/** threads that were started */
let threads: Worker[];
const onWorker = (worker: Worker): void => void threads.push(worker);
beforeEach(() => {
  threads = [];
  process.on("worker", onWorker);
  pool = new JobPool({ threads: 1 });
});
afterEach(async () => {
  process.off("worker", onWorker);
  await pool.stop();
});

const nothing = (key: StateKey): StateEntry =>
  key.kind === "account" ? { ...key, value: null } : ({ ...key, value: 0n } as StateEntry);

/** Executes a job whose missing values are none. */
function run(job: Job, on: Pick<JobPool, "begin"> = pool): RunningJob["executed"] {
  const running = on.begin(job, (keys) => void Promise.resolve().then(() => running.supply(keys.map(nothing))));
  return running.executed;
}

/** The self-test's job, with messages to a contract of other code, each of so much gas. */
function hostileJob(code: Hex, messages: number, gasLimit = LIMITS.transactionGas): Job {
  const job = selfTestJob();
  const bytes = fromHex(code);
  const codeHash = keccakHash(bytes);
  const [sender] = job.values;
  const values: StateEntry[] = [
    { ...sender, value: { nonce: 0n, balance: 10n ** 30n, codeHash: EMPTY_CODE_HASH } } as StateEntry,
    { kind: "account", address: HOSTILE, value: { nonce: 1n, balance: 0n, codeHash } },
    { kind: "code", hash: codeHash, value: bytes },
  ];
  const all = Array.from({ length: messages }, (_, i) => ({
    ...job.messages[0]!,
    nonce: BigInt(i),
    gasLimit,
    to: HOSTILE,
  }));
  return { ...job, messages: all, values };
}

/** JUMPDEST PUSH0 JUMP: until the gas is gone. */
const FOREVER = "0x5b5f56";
/** JUMPDEST GAS GAS TSTORE PUSH0 JUMP: keeps a word for every 100 gas. */
const HOARDING = "0x5b5a5a5d5f56";

const failure = (executed: Promise<unknown>): Promise<JobFailed> =>
  executed.then(
    () => Promise.reject(new Error("it was executed")),
    (error: unknown) => {
      expect(error).toBeInstanceOf(JobFailed);
      return error as JobFailed;
    },
  );

/** A job that waits for values which never come. */
async function waiting(): Promise<RunningJob> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = pool.begin({ ...selfTestJob(), values: [] }, () => resolve());
  running.executed.catch(() => undefined);
  await promise;
  return running;
}

describe("a thread for jobs", () => {
  it("comes to what the node itself comes to, with values that it asked for, one job after the other", async () => {
    const engine = await createEngine();
    const expected = await run(selfTestJob(), jobsHere(engine, { parallelJobs: 1, gasPerSecond: 1 }));
    expect(await run(selfTestJob())).toEqual(expected);
    expect(await run(selfTestJob())).toEqual(expected);
    expect(threads.length).toBe(1);
  });

  it("lets go of a job that waits for values when that is given up, and takes the next", async () => {
    const running = await waiting();
    running.abort("nobody supplies it");
    expect(await failure(running.executed)).toMatchObject({ code: "given-up", message: "nobody supplies it" });
    await run(selfTestJob());
    expect(threads.length).toBe(1);
  });

  it("that is at a message of all the gas there is ends with the job that is given up, and the next has another", async () => {
    const running = pool.begin(hostileJob(FOREVER, 3), () => undefined);
    running.executed.catch(() => undefined);
    running.abort("took longer than a job may");
    expect(await failure(running.executed)).toMatchObject({ code: "given-up", message: "took longer than a job may" });
    const { outcomes } = await run(selfTestJob());
    expect(outcomes.every((outcome) => outcome.kind === "included" && outcome.status === 1)).toBe(true);
    expect(pool.size).toBe(1);
  });

  it("that is killed in the midst of a job fails it with a reason, and the next job has another", async () => {
    const running = await waiting();
    await threads[0]!.terminate();
    expect(await failure(running.executed)).toMatchObject({ code: "thread-ended" });
    await run(selfTestJob());
    expect(threads.length).toBe(2);
  });

  it("that a job has hoard more than its memory ends alone: the node, and the next job, go on", async () => {
    await pool.stop();
    pool = new JobPool({ threads: 1, heapMib: 36 });
    await run(selfTestJob());
    expect(await failure(run(hostileJob(HOARDING, 3)))).toMatchObject({ code: "out-of-memory" });
    await run(selfTestJob());
  });

  it("does not begin with code that is not of its hash, nor go on with it", async () => {
    const wrong: StateEntry = { kind: "code", hash: hashOfText("code"), value: Uint8Array.of(0x5b) };
    expect(await failure(run({ ...selfTestJob(), values: [wrong] }))).toMatchObject({ code: "malformed" });
    const running = await waiting();
    running.supply([wrong]);
    expect(await failure(running.executed)).toMatchObject({ code: "malformed" });
    expect(threads.length).toBe(1);
  });

  it("never is one too many: what is begun beyond them is refused", async () => {
    await waiting();
    expect(() => pool.begin(selfTestJob(), () => undefined)).toThrow(RangeError);
  });

  it("ends with the node, and its job with it", async () => {
    const running = await waiting();
    await pool.stop();
    expect((await failure(running.executed)).code).toBe("thread-ended");
    expect(() => pool.begin(selfTestJob(), () => undefined)).toThrow(JobFailed);
  });
});

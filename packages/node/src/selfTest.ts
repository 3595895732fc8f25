/**
 * What a provider's machine can do: at the start it executes a job whose result follows from arithmetic alone, by which it is checked, and is timed
 * at it. Who gets it wrong would sign wrong results.
 */
import {
  EMPTY_CODE_HASH,
  environmentOf,
  fromHex,
  type Job,
  keccakHash,
  type Outcome,
  type StateEntry,
  type StateKey,
  type TransactionMessage,
  toAddress,
  toJobId,
  toWord,
  toWordHex,
} from "@mvm/protocol";
import type { JobPool } from "./jobPool.ts";
import type { Capacity } from "./ports.ts";
import { reasonOf } from "./reason.ts";

class SelfTestFailed extends Error {
  readonly code: /** the engine computes what is not so: the machine, or what is installed on it, is damaged */
    | "wrong-result"
    /** the machine does not get through it in time */
    | "too-slow"
    /** it does not execute at all */
    | "not-executed"
    /** the node was told to stop meanwhile */
    | "stopped";
  constructor(code: SelfTestFailed["code"], message: string) {
    super(message);
    this.name = "SelfTestFailed";
    this.code = code;
  }
}

/**
 * Messages of the job, each with so many rounds of its code, and the gas of all of them together. A message uses about as much gas as a transfer of a
 * token, and for the same: half for being there, half for what it stores, some thousand for computing.
 */
const MESSAGES = 64;
const ROUNDS = 64;
export const SELF_TEST_GAS = 3_258_296n;
/** Gas that each may use. */
const GAS_LIMIT = 100_000n;
/** Milliseconds of measuring, and jobs, at the most. */
const MEASURE_MS = 250;
const MAX_JOBS = 64;
/** No clock measures less. */
const LEAST_MS = 0.01;
/** Milliseconds for all of it, from the start of the thread on: many times what a machine needs that could be a provider. */
export const SELF_TEST_LIMIT_MS = 60_000;

const WORD = 1n << 256n;
const PRIME = (1n << 255n) - 19n;
const SENDER = toAddress("0x00000000000000000000000000000000000c0de5");
const CONTRACT = toAddress("0x00000000000000000000000000000000000c0de6");

/** Takes a word through so many rounds of `nextWord`, from the last to the first, and stores it at the word. */
const CODE = fromHex(
  [
    "0x61",
    ROUNDS.toString(16).padStart(4, "0"), // PUSH2 rounds
    "5f35", // the word: PUSH0 CALLDATALOAD
    "5b", // JUMPDEST at 5
    "81603f16601557", // DUP2 PUSH1 63 AND PUSH1 21 JUMPI: every 64th round
    "805f5260205f2018", // its hash into it: DUP1 PUSH0 MSTORE PUSH1 32 PUSH0 KECCAK256 XOR
    "5b", // JUMPDEST at 21
    `7f${PRIME.toString(16).padStart(64, "0")}`, // PUSH32 prime
    "818009", // DUP2 DUP1 MULMOD
    "80600d1b18", // DUP1 PUSH1 13 SHL XOR
    "8060079005", // DUP1 PUSH1 7 SWAP1 SDIV
    "01", // ADD
    "90600b1d01", // SWAP1 PUSH1 11 SAR ADD
    "9060019003", // SWAP1 PUSH1 1 SWAP1 SUB
    "9081600557", // SWAP1 DUP2 PUSH1 5 JUMPI
    "5f355500", // PUSH0 CALLDATALOAD SSTORE STOP
  ].join(""),
);

const signed = (word: bigint): bigint => BigInt.asIntN(256, word);

/** What a round makes of a word. As often as in contracts, one in some thousand gas, it is hashed. */
function nextWord(before: bigint, round: number): bigint {
  const word = round % 64 === 0 ? before ^ BigInt(keccakHash(toWord(before))) : before;
  const square = (word * word) % PRIME;
  const mixed = square ^ ((square << 13n) % WORD);
  return BigInt.asUintN(256, mixed + signed(mixed) / 7n + (signed(word) >> 11n));
}

const wordOf = (message: number): bigint => BigInt(keccakHash(Uint8Array.of(message)));

/** The job, which never leaves the node, with all values that it reads but the chain's own. */
export function selfTestJob(): Job {
  const price = { maxFeePerGas: 10n ** 12n, maxPriorityFeePerGas: 0n };
  const messages = Array.from(
    { length: MESSAGES },
    (_, i): TransactionMessage => ({
      type: 2,
      from: SENDER,
      nonce: BigInt(i),
      gasLimit: GAS_LIMIT,
      ...price,
      to: CONTRACT,
      value: 0n,
      data: toWord(wordOf(i)),
      accessList: [],
      authorizations: [],
      l1Fee: 0n,
    }),
  );
  const prevRandao = keccakHash(CODE);
  const environment = environmentOf({ timestamp: 1n, baseFeePerGas: 10n ** 9n, prevRandao });
  const codeHash = keccakHash(CODE);
  const values: readonly StateEntry[] = [
    { kind: "account", address: SENDER, value: { nonce: 0n, balance: 10n ** 30n, codeHash: EMPTY_CODE_HASH } },
    { kind: "account", address: CONTRACT, value: { nonce: 1n, balance: 0n, codeHash } },
    { kind: "code", hash: codeHash, value: CODE },
  ];
  return { jobId: toJobId(prevRandao), environment, messages, values };
}

/** What lies where the job has no value: nothing. */
function emptyEntry(key: StateKey): StateEntry {
  if (key.kind === "account") return { ...key, value: null };
  if (key.kind === "slot") return { ...key, value: 0n };
  throw new SelfTestFailed("wrong-result", `the self-test read a value of kind ${key.kind}, which it does not have`);
}

/** Word that a message stores, by arithmetic. */
function expectedWord(message: number): bigint {
  let word = wordOf(message);
  for (let round = ROUNDS; round > 0; round--) word = nextWord(word, round);
  return word;
}

/** What a message stored at its word. */
function storedBy(outcome: Outcome, message: number): bigint | undefined {
  if (outcome.kind !== "included") return undefined;
  const at = toWordHex(wordOf(message));
  return outcome.writes.find(({ address }) => address === CONTRACT)?.slots.find(({ slot }) => slot === at)?.value;
}

function requireRight(outcomes: readonly Outcome[], expected: readonly bigint[]): void {
  const stored = outcomes.map(storedBy);
  const gas = outcomes.reduce((sum, outcome) => sum + (outcome.kind === "included" ? outcome.gasUsed : 0n), 0n);
  const isRight = stored.length === expected.length && stored.every((word, i) => word === expected[i]);
  if (isRight && gas === SELF_TEST_GAS) return;
  throw new SelfTestFailed(
    "wrong-result",
    "the self-test came to a wrong result, and so would jobs: install the program anew and have the machine's memory checked, or start it without the role provider",
  );
}

type SelfTestOptions = {
  readonly pool: Pick<JobPool, "begin" | "parallelJobs">;
  /** milliseconds that only grow */
  readonly nowMs: () => number;
  /** ends it: after SELF_TEST_LIMIT_MS, or when the node stops */
  readonly signal: AbortSignal;
};

/** Executes the job once; gives the milliseconds that it took. */
async function executeOnce({ pool, nowMs, signal }: SelfTestOptions, expected: readonly bigint[]): Promise<number> {
  const startMs = nowMs();
  const running = pool.begin(selfTestJob(), (keys) => running.supply(keys.map(emptyEntry)));
  const onAbort = (): void => running.abort("the self-test is given up");
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const { outcomes } = await running.executed;
    const tookMs = nowMs() - startMs;
    requireRight(outcomes, expected);
    return tookMs;
  } catch (error) {
    if (error instanceof SelfTestFailed) throw error;
    if (!signal.aborted) throw new SelfTestFailed("not-executed", `the self-test has no result: ${reasonOf(error)}`);
    if ((signal.reason as Error).name !== "TimeoutError")
      throw new SelfTestFailed("stopped", "the self-test was given up: the node was told to stop");
    throw new SelfTestFailed(
      "too-slow",
      `the self-test did not end within ${SELF_TEST_LIMIT_MS / 1_000} s: give the machine less to do, or start it without the role provider`,
    );
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Executes the self-test's job on one thread, again and again, for MEASURE_MS; the first time, which warms the thread up, is not counted. The
 * median counts. Rejects with SelfTestFailed.
 */
export async function measureCapacity(options: SelfTestOptions): Promise<Capacity> {
  const expected = Array.from({ length: MESSAGES }, (_, message) => expectedWord(message));
  await executeOnce(options, expected);
  const times: number[] = [];
  const untilMs = options.nowMs() + MEASURE_MS;
  do times.push(await executeOnce(options, expected));
  while (options.nowMs() < untilMs && times.length < MAX_JOBS);
  const medianMs = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
  const gasPerSecond = Math.floor((1_000 * Number(SELF_TEST_GAS)) / Math.max(medianMs, LEAST_MS));
  return { parallelJobs: options.pool.parallelJobs, gasPerSecond };
}

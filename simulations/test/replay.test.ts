/** Interpreter.sol against the engine: the same end, gas, return data, logs and writes of whatever runs; its L1 gas. */
import { createAddress, createEngine, type Engine } from "@mvm/evm";
import {
  type Address,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  fromHex,
  GENESIS_BASE_FEE,
  type Hash,
  HEADER_CONSTANTS,
  keccakHash,
  LIMITS,
  type StateEntry,
  type TransactionMessage,
  toAddress,
  toHash,
  toWordHex,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import {
  compileToken,
  factoryCode,
  routerCall,
  routerCode,
  tokenCall,
  withArguments,
} from "../src/bench/blocksContracts.ts";
import { SIGNERS } from "../src/fuzz/evmCase.ts";
import { MemoryState } from "../src/memoryState.ts";
import { eachRandom } from "./randomTransactions.ts";
import { type Compared, compare, ReplayLab, type Verdict } from "./replayLab.ts";
import type { Replayed } from "./replaySummary.ts";

const SEED = "replay";
const RUNS = 100;
/** L1 gas of an interpreted step at most, calls and storage of the message included. */
const STEP_GAS = 260;
/** EIP-7825 */
const L1_GAS_CAP = LIMITS.transactionGas;

let lab: ReplayLab;
let engine: Engine;
beforeAll(async () => {
  [lab, engine] = await Promise.all([ReplayLab.open(), createEngine()]);
});

/** All transactions of a random case, each on the state that those before it left. */
async function eachCompared(
  run: number,
  seed: string,
  denies: boolean,
  check: (compared: Compared) => Promise<void>,
): Promise<void> {
  await eachRandom(engine, { run, seed, denies }, async (transaction) => {
    const compared = await compare(lab, engine, transaction);
    if (compared !== null) await check(compared);
  });
}

describe("random programs over random states", () => {
  it(`do the same in engine and contract, under charters and without (seed ${SEED}, ${RUNS} runs)`, async () => {
    const ends = new Map<string, number>();
    for (let run = 0; run < RUNS; run++) {
      await eachCompared(run, SEED, true, async ({ engine: truth, replay, verdict }) => {
        expect(verdict.refused, `run ${run}`).toBeNull();
        expect(replay, `run ${run}`).toEqual(truth);
        ends.set(truth.end, (ends.get(truth.end) ?? 0) + 1);
      });
    }
    for (const end of ["success", "revert", "halt"]) expect(ends.get(end)).toBeGreaterThan(10);
  });

  it(`with a value kept back end in MissingValue or as before, whatever the code catches (seed ${SEED}-missing)`, async () => {
    let refusals = 0;
    for (let run = 0; run < RUNS / 4; run++) {
      await eachCompared(run, `${SEED}-missing`, false, async ({ work, verdict }) => {
        const kept = work.reads.filter(({ kind }) => kind !== "number" && kind !== "chainId");
        const left = kept[run % kept.length]!;
        const reads = work.reads.filter((read): read is StateEntry => read !== left);
        const { outcome, refused } = await lab.replay({ ...work, reads });
        if (outcome === null) {
          expect(refused, `run ${run}`).toMatch(/^MissingValue\([0-3],/);
          refusals++;
          return;
        }
        const told = ({ status, gasLeft, output, logs, refund }: typeof outcome) =>
          [status, gasLeft, output, logs, refund].map(String);
        expect(told(outcome), `run ${run}`).toEqual(told(verdict.outcome!));
      });
    }
    expect(refusals).toBeGreaterThan(20);
  });
});

const ENVIRONMENT: BlockEnvironment = {
  timestamp: 1_800_000_000n,
  baseFeePerGas: GENESIS_BASE_FEE,
  gasLimit: LIMITS.blockGas,
  prevRandao: toHash(`0x${"11".repeat(32)}`),
  feeRecipient: HEADER_CONSTANTS.beneficiary,
};
const [USER] = SIGNERS as [Address];
const FRIEND = toAddress("0x00000000000000000000000000000000000f41e4");

/** A chain on which one account does everything, its contracts' code standing on L1 too. */
class Chain {
  readonly state = new MemoryState({ number: 7n, chainId: 1_337n, blockHash: toWordHex });
  readonly #sources = new Map<Hash, Address | null>();
  #nonce = 0n;

  constructor() {
    this.state.accounts.set(USER, { nonce: 0n, balance: 10n ** 24n, codeHash: EMPTY_CODE_HASH });
  }

  message(to: Address | null, data: Uint8Array, gasLimit = 12_000_000n): TransactionMessage {
    const fees = { maxFeePerGas: GENESIS_BASE_FEE, maxPriorityFeePerGas: 0n, l1Fee: 0n, value: 0n };
    const lists = { accessList: [], authorizations: [] };
    return { type: 2, from: USER, to, nonce: this.#nonce, gasLimit, data, ...fees, ...lists };
  }

  /** Runs a transaction through the engine alone. */
  async run(to: Address | null, data: Uint8Array): Promise<Address> {
    const [outcome] = await engine.execute(ENVIRONMENT, [this.message(to, data)], this.state);
    if (outcome?.kind !== "included" || outcome.status !== 1) throw new Error("a transaction of the set-up failed");
    this.state.apply(outcome.writes);
    return createAddress(USER, this.#nonce++);
  }

  /** Puts all code of the chain on L1. */
  async register(): Promise<void> {
    for (const [hash, code] of this.state.codes) this.#sources.set(hash, await lab.register(code));
  }

  readonly #codeSource = (hash: Hash): Address | null => this.#sources.get(hash) ?? null;

  replayWithoutGas(work: Replayed): Promise<Verdict> {
    return lab.replay({ ...work, gas: 0n }, this.#codeSource);
  }

  async compare(to: Address, data: Uint8Array): Promise<Compared & { readonly steps: number }> {
    const message = this.message(to, data);
    const given = { state: this.state, environment: ENVIRONMENT, message, codeSource: this.#codeSource };
    const compared = await compare(lab, engine, given);
    if (compared === null) throw new Error("the transaction is invalid");
    let steps = 0;
    const tracer = {
      stepDetail: { stack: false, memory: false, returnData: false },
      followsMessages: false,
      onStep: () => void steps++,
      onEnter: () => {},
      onExit: () => {},
      onLog: () => {},
    };
    await engine.trace(ENVIRONMENT, { kind: "message", message, mode: "call" }, this.state, tracer);
    return { ...compared, steps };
  }
}

/** Counts down to 0 from a number, with a store to memory in each of its rounds of ten steps. */
const ROUND_STEPS = 10n;
const loopFrom = (rounds: number): Uint8Array =>
  fromHex(`0x62${rounds.toString(16).padStart(6, "0")}5b60019003806080528060045700`);

describe("what compiled contracts do", () => {
  it("a token's transfer and Uniswap's swap come out the same, within one transaction on L1", async ({ annotate }) => {
    const chain = new Chain();
    const token = compileToken();
    const [first, second, factory, router] = [0n, 1n, 2n, 3n].map((at) => createAddress(USER, at)) as [
      Address,
      Address,
      Address,
      Address,
    ];
    await chain.run(null, withArguments(token, ["string", "address"], ["A", USER]));
    await chain.run(null, withArguments(token, ["string", "address"], ["B", USER]));
    await chain.run(null, withArguments(factoryCode(), ["address"], [USER]));
    await chain.run(null, withArguments(routerCode(), ["address", "address"], [factory, FRIEND]));
    for (const address of [first, second]) await chain.run(address, tokenCall("approve", [router, 2n ** 255n]));
    const liquidity = [first, second, 10n ** 26n, 10n ** 26n, 0n, 0n, USER, 2n ** 40n];
    await chain.run(router, routerCall("addLiquidity", liquidity));
    await chain.register();

    const swap = routerCall("swapExactTokensForTokens", [10n ** 20n, 1n, [first, second], USER, 2n ** 40n]);
    const works = [
      ["transfer", first, tokenCall("transfer", [FRIEND, 5n])],
      ["swap", router, swap],
    ] as const;
    for (const [name, to, data] of works) {
      const { engine: truth, replay, verdict, steps, work } = await chain.compare(to, data);
      expect(verdict.refused).toBeNull();
      expect(truth.end).toBe("success");
      expect(replay).toEqual(truth);
      // Without gas the message ends at once: what is left is the same state taken in and told of.
      const { l1Gas: bare } = await chain.replayWithoutGas(work);
      const step = Number(verdict.l1Gas - bare) / steps;
      await annotate(`${name}: ${verdict.l1Gas} L1 gas, ${bare} of it without a step; ${steps} steps of ${step}`);
      expect(verdict.l1Gas).toBeLessThan(L1_GAS_CAP / 8n);
      if (name === "transfer") expect(step).toBeLessThanOrEqual(STEP_GAS);
    }
  });
});

describe("L1 gas of a step", () => {
  it(`in a loop is at most ${STEP_GAS}`, async ({ annotate }) => {
    const chain = new Chain();
    const l1Gas = async (rounds: number): Promise<bigint> => {
      const code = loopFrom(rounds);
      const codeHash = keccakHash(code);
      chain.state.apply([{ address: FRIEND, account: { nonce: 1n, balance: 0n, codeHash }, code, slots: [] }]);
      const { engine: truth, replay, verdict } = await chain.compare(FRIEND, new Uint8Array(0));
      expect(replay).toEqual(truth);
      return verdict.l1Gas;
    };
    const [few, many] = [await l1Gas(100), await l1Gas(1_100)];
    const step = Number(many - few) / Number(1_000n * ROUND_STEPS);
    await annotate(`${step} L1 gas for a step, ${few - 1_000n * BigInt(Math.round(step))} before the first`);
    expect(step).toBeLessThanOrEqual(STEP_GAS);
  });
});

describe("the contract", () => {
  it("fits, and says itself that its dispatch works", async () => {
    expect(lab.codeBytes).toBeLessThan(LIMITS.codeBytes);
    expect(await lab.ask("selfTest", [])).toBe(true);
  });
});

/**
 * What a whole proof of a wrong transaction takes of L1, over a state of 100,000 accounts: a block is posted in which the sender
 * of the twentieth transaction is left a wei more than it has, and proven wrong, on anvil with the cap of EIP-7825.
 *   totalGas       of both transactions of the prover: the commitment, and the proof that convicts
 *   executionGas   of the proof's transaction, without what its data cost
 *   calldataGas    4 for each token of the proof's data (EIP-7623: 10, where that is more than all of it together)
 *   gasPerStep     L1 gas of the interpreter for each opcode that it executes, calls and storage of the message with it: the
 *                  same call without L2 gas is taken off
 * Codes of the DAC's contracts stand on L1 beforehand, where anyone may put them.
 * Then what one transaction of L1 cannot replay: replayWorst.ts.
 */
import { createEngine, type Engine } from "@mvm/evm";
import { type BlockFacts, checkpointsFinding, type ReplaySource } from "@mvm/node";
import {
  addressOf,
  type BlockOutcome,
  contextTransaction,
  decodeTransaction,
  EMPTY_CODE_HASH,
  encodeSystemTransaction,
  environmentOf,
  fromHex,
  genesisWrites,
  type Header,
  keccakHash,
  LIMITS,
  toAddress,
  toMessage,
  toWord,
  ZERO_HASH,
} from "@mvm/protocol";
import type { MemoryState } from "../memoryState.ts";
import { claimedBlock, richer } from "../replay/claimedBlock.ts";
import { FREE_CHARTER, replaySource, type StoredState, storedState } from "../replay/storedState.ts";
import { signedTransaction } from "../signedTransaction.ts";
import type { Benchmark, ResultLine } from "./benchmark.ts";
import { initialWrites } from "./blocksOwn.ts";
import { ENVIRONMENT, prepareBlocks, WORKLOADS } from "./blocksWorkloads.ts";
import { calldataGasOf, TRANSACTION_GAS } from "./callGas.ts";
import { type PostedBlock, ReplayNetwork } from "./replayNetwork.ts";
import { worstTransactions } from "./replayWorst.ts";

/** of the transaction in its block that is lied about, and transactions of the block beside context */
const [LIE, TRANSACTIONS] = [20, 24];
/** blocks of the batch, and which one it is */
const [BLOCKS, POSITION] = [8, 5];
/** Counts down from the number that it is called with, ten steps to a round, one of them a store to memory. */
const LOOP_CODE = fromHex("0x5f355b600190038060805280600257");
const LOOP = toAddress("0x0000000000000000000000000000000000100b00");
const LOOPER = new Uint8Array(32).fill(9);
const [SHORT_LOOP, LONG_LOOP, LOOP_PROOFS] = [1_000, 3_000, 3];
/** of a transaction's gas that the longest loop may use by the guess: each of four calls within each other keeps a 64th back */
const USED_SHARE = 0.93;

/** Opcodes that a transaction executes. */
async function stepsOf(
  engine: Engine,
  facts: BlockFacts,
  raw: Uint8Array,
  reader: Parameters<Engine["trace"]>[2],
): Promise<number> {
  let steps = 0;
  const message = toMessage(decodeTransaction(raw, facts.chainId), 0n);
  const nothing = (): void => undefined;
  const tracer = {
    stepDetail: { stack: false, memory: false, returnData: false },
    followsMessages: false,
    onStep: () => void steps++,
    onEnter: nothing,
    onExit: nothing,
    onLog: nothing,
  };
  await engine.trace(facts.environment, { kind: "message", message, mode: "call" }, reader, tracer);
  return steps;
}

/** A proof that has convicted, with what it was about. */
type Proven = {
  readonly proof: Awaited<ReturnType<ReplayNetwork["prove"]>>;
  readonly witnessBytes: number;
  readonly steps: number;
};

class ReplayBench {
  readonly #network: ReplayNetwork;
  readonly #engine: Engine;
  readonly #values: MemoryState;
  readonly #state: StoredState;
  readonly #source: ReplaySource;

  constructor(network: ReplayNetwork, engine: Engine, values: MemoryState, state: StoredState) {
    this.#network = network;
    this.#engine = engine;
    this.#values = values;
    this.#state = state;
    this.#source = replaySource(state);
  }

  /** Posts a block with these transactions, in which a lie is told about one of them, and proves it. */
  async prove(users: readonly Uint8Array[], lieAt: number): Promise<Proven> {
    const { chainId } = this.#network;
    const first = await this.#network.nextBlock();
    const number = first + BigInt(POSITION);
    const { timestamp, baseFeePerGas, prevRandao } = ENVIRONMENT;
    const environment = environmentOf({ timestamp, baseFeePerGas, prevRandao });
    const facts = { chainId, number, parentHash: ZERO_HASH, environment };
    const values = { slot: 5n, l1Block: 44n, l1BaseFee: 7n, generation: 0n };
    const context = contextTransaction(number, values, users.length + 1);
    const raws = [encodeSystemTransaction(chainId, context), ...users];
    const lie = (index: number, outcome: BlockOutcome): BlockOutcome =>
      index === lieAt ? richer(outcome, decodeTransaction(raws[index]!, chainId).from) : outcome;
    const stateRoot = this.#state.root;
    const claimed = await claimedBlock(this.#engine, facts, this.#source, { stateRoot, raws, lie });
    const blocks = Array.from({ length: BLOCKS }, (_, i): PostedBlock => {
      return { ...claimed, header: { ...claimed.header, number: first + BigInt(i) } };
    });
    const posted = await this.#network.post(blocks);
    const parent = { stateRoot } as Header;
    const finding = await checkpointsFinding(this.#engine, this.#source, parent, claimed);
    if (finding.kind !== "wrong-checkpoint") throw new Error("no lie was found");
    const { evidence } = finding.wrong;
    await this.#network.hold(evidence.codes);
    const proof = await this.#network.prove(posted, POSITION, finding.wrong, parent);
    if (proof.end !== "proven") throw new Error(`the proof ended otherwise: ${proof.end}`);
    return {
      proof,
      witnessBytes: evidence.nodes.reduce((sum, { length }) => sum + length, 0),
      steps: await stepsOf(this.#engine, facts, raws[lieAt]!, this.#values),
    };
  }
}

function lineOf(workload: string, { proof, witnessBytes, steps }: Proven): ResultLine {
  const calldataGas = calldataGasOf(proof.data, proof.prove);
  return {
    bench: "replay",
    workload,
    totalGas: proof.commit + proof.prove,
    commitGas: proof.commit,
    executionGas: proof.prove - TRANSACTION_GAS - calldataGas,
    calldataGas,
    witnessBytes,
    steps,
    gasPerStep: steps === 0 ? 0 : Math.round(proof.steps / steps),
    slices: 1,
    dearestSliceGas: proof.prove,
  };
}

/** Proves a loop as long as one transaction of L1 can replay: guessed from two short ones, and then done. */
async function largestOneShot(bench: ReplayBench, loopOf: (rounds: number) => Uint8Array): Promise<number> {
  const [short, long] = [await bench.prove([loopOf(SHORT_LOOP)], 1), await bench.prove([loopOf(LONG_LOOP)], 1)];
  const gasPerRound = (long.proof.prove - short.proof.prove) / (LONG_LOOP - SHORT_LOOP);
  const room = Number(LIMITS.transactionGas) * USED_SHARE - long.proof.prove;
  return (await bench.prove([loopOf(LONG_LOOP + Math.floor(room / gasPerRound))], 1)).steps;
}

async function run(report: (line: ResultLine) => void, note: (text: string) => void): Promise<void> {
  note("starting an L1");
  const network = await ReplayNetwork.start(WORKLOADS.length + LOOP_PROOFS + 1);
  try {
    const { chainId } = network;
    note("preparing the state");
    const { state: values, transactions } = await prepareBlocks(await createEngine({ chain: "ethereum" }), chainId);
    const looper = addressOf(LOOPER);
    values.apply([
      {
        address: looper,
        account: { nonce: 0n, balance: 10n ** 20n, codeHash: EMPTY_CODE_HASH },
        code: null,
        slots: [],
      },
      {
        address: LOOP,
        account: { nonce: 1n, balance: 0n, codeHash: keccakHash(LOOP_CODE) },
        code: LOOP_CODE,
        slots: [],
      },
    ]);
    const bench = new ReplayBench(
      network,
      await createEngine(),
      values,
      storedState([genesisWrites(), [FREE_CHARTER], initialWrites(values)]),
    );
    for (const workload of WORKLOADS) {
      note(`${workload}: posting a lie and proving it`);
      report(lineOf(workload, await bench.prove(transactions[workload].slice(0, TRANSACTIONS), LIE)));
    }
    note("the longest loop");
    const { baseFeePerGas: maxFeePerGas } = ENVIRONMENT;
    const call = { type: 2, to: LOOP, nonce: 0n, gasLimit: LIMITS.transactionGas, maxFeePerGas, value: 0n } as const;
    const rest = { maxPriorityFeePerGas: 0n, accessList: [], authorizations: [] };
    const loopOf = (rounds: number): Uint8Array =>
      signedTransaction(LOOPER, { ...call, ...rest, data: toWord(BigInt(rounds)) }, chainId);
    report({ bench: "replay", largestOneShotSteps: await largestOneShot(bench, loopOf) });
  } finally {
    await network.stop();
  }
  await worstTransactions(report, note);
}

export const replay: Benchmark = {
  name: "replay",
  summary:
    "L1 gas of whole proofs that a transfer, a token's transfer and a router's swap did not do what was posted of them; of slices of the dearest transactions",
  run,
};

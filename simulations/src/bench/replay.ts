/**
 * What a whole proof of a wrong transaction takes of L1, over a state of 100,000 accounts: a block is posted in which the sender
 * of the twentieth transaction is left a wei more than it has, and proven wrong, on anvil with the cap of EIP-7825.
 *   totalGas       of both transactions of the prover: the commitment, and the proof that convicts
 *   executionGas   of the proof's transaction, without what its data cost
 *   calldataGas    4 for each token of the proof's data (EIP-7623: 10, where that is more than all of it together)
 *   gasPerStep     L1 gas of the interpreter for each opcode that it executes
 * Codes of the DAC's contracts stand on L1 beforehand, where anyone may put them.
 */
import { createEngine, type Engine } from "@mvm/evm";
import { type BlockFacts, checkpointsFinding, type ReplaySource } from "@mvm/node";
import {
  type AccountWrite,
  type BlockOutcome,
  CHARTER_SLOTS,
  contextTransaction,
  decodeTransaction,
  encodeSystemTransaction,
  environmentOf,
  genesisAccount,
  genesisWrites,
  type Header,
  PREDEPLOYS,
  toMessage,
  toWordHex,
  ZERO_HASH,
} from "@mvm/protocol";

import { claimedBlock, richer } from "../replay/claimedBlock.ts";
import { storedState } from "../replay/storedState.ts";
import type { Benchmark, ResultLine } from "./benchmark.ts";
import { initialWrites } from "./blocksOwn.ts";
import { ENVIRONMENT, prepareBlocks, WORKLOADS } from "./blocksWorkloads.ts";
import { type PostedBlock, ReplayNetwork } from "./replayNetwork.ts";

/** of the transaction in its block that is lied about, and transactions of the block beside context */
const [LIE, TRANSACTIONS] = [20, 24];
/** blocks of the batch, and which one it is */
const [BLOCKS, POSITION] = [8, 5];
const GAS_PER_TOKEN = 4;

const tokensIn = (data: Uint8Array): number => data.reduce((sum, byte) => sum + (byte === 0 ? 1 : 4), 0);

/** A free charter, and the state of the block benchmarks upon it. */
function stateOf(initial: readonly AccountWrite[]) {
  const address = PREDEPLOYS.executionManager;
  const flags = { slot: toWordHex(CHARTER_SLOTS.flags), value: 1n | (1n << 16n) };
  const free = { address, account: genesisAccount(address)!, code: null, slots: [flags] };
  return storedState([genesisWrites(), [free], initial]);
}

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

async function run(report: (line: ResultLine) => void, note: (text: string) => void): Promise<void> {
  note("starting an L1");
  const network = await ReplayNetwork.start(WORKLOADS.length + 1);
  try {
    const { chainId } = network;
    note("preparing the state");
    const { state: values, transactions } = await prepareBlocks(await createEngine({ chain: "ethereum" }), chainId);
    const engine = await createEngine();
    const state = stateOf(initialWrites(values));
    const source: ReplaySource = {
      nodes: state.nodes,
      code: (hash) => state.codes.get(hash)!,
      blockHash: () => ZERO_HASH,
    };
    const parent = { stateRoot: state.root } as Header;
    for (const workload of WORKLOADS) {
      note(`${workload}: posting a lie`);
      const first = await network.nextBlock();
      const number = first + BigInt(POSITION);
      const { timestamp, baseFeePerGas, prevRandao } = ENVIRONMENT;
      const environment = environmentOf({ timestamp, baseFeePerGas, prevRandao });
      const facts = { chainId, number, parentHash: ZERO_HASH, environment };
      const context = contextTransaction(
        number,
        { slot: 5n, l1Block: 44n, l1BaseFee: 7n, generation: 0n },
        TRANSACTIONS + 1,
      );
      const raws = [encodeSystemTransaction(chainId, context), ...transactions[workload].slice(0, TRANSACTIONS)];
      const lie = (index: number, outcome: BlockOutcome): BlockOutcome =>
        index === LIE ? richer(outcome, decodeTransaction(raws[index]!, chainId).from) : outcome;
      const claimed = await claimedBlock(engine, facts, source, { stateRoot: state.root, raws, lie });
      const { header } = claimed;
      const blocks = Array.from({ length: BLOCKS }, (_, i): PostedBlock => {
        return { chainId, header: { ...header, number: first + BigInt(i) }, transactions: raws };
      });
      const posted = await network.post(blocks);
      const finding = await checkpointsFinding(engine, source, parent, claimed);
      if (finding.kind !== "wrong-checkpoint") throw new Error("no lie was found");
      await network.hold(finding.wrong.evidence.codes);
      note(`${workload}: proving it`);
      const proof = await network.prove(posted, POSITION, finding.wrong, parent);
      if (proof.end !== "proven") throw new Error(`the proof ended otherwise: ${proof.end}`);
      const steps = workload === "plain" ? 0 : await stepsOf(engine, facts, raws[LIE]!, values);
      const calldataGas = GAS_PER_TOKEN * tokensIn(proof.data);
      report({
        bench: "replay",
        workload,
        totalGas: proof.commit + proof.prove,
        commitGas: proof.commit,
        executionGas: proof.prove - 21_000 - calldataGas,
        calldataGas,
        witnessBytes: finding.wrong.evidence.nodes.reduce((sum, { length }) => sum + length, 0),
        steps,
        gasPerStep: steps === 0 ? 0 : Math.round(proof.interpreter / steps),
        slices: 1,
        dearestSliceGas: proof.prove,
      });
    }
  } finally {
    await network.stop();
  }
}

export const replay: Benchmark = {
  name: "replay",
  summary:
    "L1 gas of whole proofs that a transfer, a token's transfer and a router's swap did not do what was posted of them",
  run,
};

/**
 * What the charter's layer costs: blocks of 1,000 transactions executed from messages and values (a provider's part,
 * where the layer weighs most) by the engine of a DAC's chain, beside the same engine without charters. `unrestricted`:
 * a DAC without rules and tax; `restricted`: every signer is denied an opcode that the blocks do not use, so that each
 * transaction runs under a restriction. In a pair both
 * take turns, block by block; it gives one ratio of processor time.
 */
import { createEngine, type Engine } from "@mvm/evm";
import {
  CHARTER_SLOTS,
  decodeTransaction,
  hotSlot,
  OPCODES,
  PREDEPLOYS,
  type StateReader,
  type TransactionMessage,
  toMessage,
} from "@mvm/protocol";
import { type Benchmark, processorSeconds, rounded } from "./benchmark.ts";
import { gasOf } from "./blocksOwn.ts";
import { CHAIN_ID, ENVIRONMENT, prepareBlocks } from "./blocksWorkloads.ts";

const WORKLOADS = ["erc20", "swap"] as const;
const PAIRS = 30;
/** Processor seconds that one side of a pair takes at least: long enough to outweigh the clock and most pauses. */
const SAMPLE_SECONDS = 0.3;
const WARM_UP_ROUNDS = 10;

/** The flag word of a charter of allow rules alone. */
const WITHOUT_DENIALS = 1n << 16n;

type Side = { readonly engine: Engine; readonly reader: StateReader };

/** The state with the hot account's slots in it; all sides read through one, so that it is no part of the difference. */
function withHotAccount(state: StateReader, slots: ReadonlyMap<bigint, bigint>): StateReader {
  const words = new Map([...slots].map(([slot, word]) => [hotSlot(slot).slot, word]));
  return {
    account: (address) => state.account(address),
    slot: (address, slot) =>
      address === PREDEPLOYS.executionManager ? (words.get(slot) ?? 0n) : state.slot(address, slot),
    code: (hash) => state.code(hash),
    number: () => state.number(),
    chainId: () => state.chainId(),
    blockHash: (number) => state.blockHash(number),
  };
}

async function executionSeconds({ engine, reader }: Side, messages: readonly TransactionMessage[]): Promise<number> {
  const start = processorSeconds();
  gasOf(await engine.execute(ENVIRONMENT, messages, reader));
  return processorSeconds() - start;
}

/** Median with its distribution-free 95 % interval: order statistics by the normal approximation of the binomial. */
function medianInterval(values: readonly number[]): { median: number; low: number; high: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const { length } = sorted;
  const margin = 0.98 * Math.sqrt(length);
  const at = (position: number): number => sorted[Math.min(length - 1, Math.max(0, Math.round(position)))]!;
  return {
    median: rounded(at((length - 1) / 2)),
    low: rounded(at(length / 2 - margin - 1)),
    high: rounded(at(length / 2 + margin)),
  };
}

/** Ratios of pairs: for each other side its seconds by the baseline's, both taken in turns, block by block. */
async function overheads(
  [baseline, ...others]: readonly [Side, ...Side[]],
  messages: readonly TransactionMessage[],
): Promise<readonly (readonly number[])[]> {
  const once = await executionSeconds(baseline, messages);
  const rounds = 2 * Math.max(1, Math.ceil(SAMPLE_SECONDS / once / 2));
  const pair = async (side: Side): Promise<number> => {
    const seconds = new Map([baseline, side].map((each) => [each, 0]));
    for (let round = 0; round < rounds; round++) {
      for (const each of round % 2 === 0 ? [baseline, side] : [side, baseline])
        seconds.set(each, seconds.get(each)! + (await executionSeconds(each, messages)));
    }
    return seconds.get(side)! / seconds.get(baseline)!;
  };
  const ratios = others.map((): number[] => []);
  for (let count = 0; count < PAIRS; count++) {
    for (const [i, side] of others.entries()) ratios[i]!.push(await pair(side));
  }
  return ratios;
}

export const permissions: Benchmark = {
  name: "permissions",
  summary: "execution with the charter's layer, unrestricted and restricted, beside the same engine without it",
  run: async (report, note) => {
    const plain = await createEngine({ chain: "ethereum" });
    const layered = await createEngine();
    note("preparing the state");
    const { state, transactions } = await prepareBlocks(plain);
    const denied = 1n << BigInt(OPCODES.get("SELFDESTRUCT")!);
    const sides: readonly [Side, ...Side[]] = [
      { engine: plain, reader: withHotAccount(state, new Map()) },
      { engine: layered, reader: withHotAccount(state, new Map([[CHARTER_SLOTS.flags, 1n]])) },
      {
        engine: layered,
        reader: withHotAccount(
          state,
          new Map([
            [CHARTER_SLOTS.flags, WITHOUT_DENIALS],
            [CHARTER_SLOTS.restricted, denied],
          ]),
        ),
      },
    ];
    for (const workload of WORKLOADS) {
      note(`${workload}: ${PAIRS} pairs each`);
      const messages = transactions[workload].map((raw) => toMessage(decodeTransaction(raw, CHAIN_ID), 0n));
      for (let round = 0; round < WARM_UP_ROUNDS; round++)
        for (const side of sides) await executionSeconds(side, messages);
      const [unrestricted, restricted] = await overheads(sides, messages);
      report({
        bench: "permissions",
        workload,
        pairs: PAIRS,
        overheadUnrestricted: medianInterval(unrestricted!),
        overheadRestricted: medianInterval(restricted!),
      });
    }
  },
};

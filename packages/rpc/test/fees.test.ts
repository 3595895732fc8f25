import { LIMITS, nextBaseFee, type SealedBlock } from "@mvm/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Gateway, startGateway } from "./gateway.ts";
import { MemoryChain } from "./memoryChain.ts";
import { MAX_FEE, type Story, TIP, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
});
afterAll(() => gateway.stop());

const hex = (value: bigint | number) => `0x${value.toString(16)}`;
const MINIMUM_TIP = 1_000_000n;

type History = {
  oldestBlock: string;
  baseFeePerGas: string[];
  gasUsedRatio: number[];
  reward?: string[][];
};
const history = async (...params: unknown[]) => (await gateway.result("eth_feeHistory", ...params)) as History;

test("where blocks are not full the price is the next base fee and the least tip", async () => {
  expect(await gateway.result("eth_maxPriorityFeePerGas")).toBe(hex(MINIMUM_TIP));
  expect(await gateway.result("eth_gasPrice")).toBe(hex(nextBaseFee(story.empty.header) + MINIMUM_TIP));
});

/** A chain of which block n is `blocks[n]`. */
class GivenChain extends MemoryChain {
  readonly #given: readonly SealedBlock[];

  constructor(given: readonly SealedBlock[]) {
    super();
    this.#given = given;
  }

  override head(): bigint {
    return BigInt(this.#given.length - 1);
  }

  override blockByNumber(number: bigint): SealedBlock | null {
    return this.#given[Number(number)] ?? null;
  }
}

const filled = (block: SealedBlock, part: Partial<SealedBlock> = {}): SealedBlock => ({
  ...block,
  ...part,
  header: { ...block.header, gasUsed: LIMITS.blockGas },
});

test("where blocks are full the suggested tip is what most of the cheapest have paid", async () => {
  const { logs, types } = story;
  const cheap = filled(logs);
  // Legacy transactions pay all they offer.
  const dear = filled(types, { transactions: types.transactions.slice(0, 2), outcomes: types.outcomes.slice(0, 2) });
  const suggestion = async (blocks: readonly SealedBlock[]) => {
    const busy = await startGateway(new GivenChain(blocks));
    const tip = await busy.result("eth_maxPriorityFeePerGas");
    await busy.stop();
    return tip;
  };
  expect(await suggestion([cheap, cheap, cheap, dear])).toBe(hex(TIP));
  expect(await suggestion([cheap, dear, dear, dear])).toBe(hex(MAX_FEE - types.header.baseFeePerGas));
});

test("a fee history with rewards is cut short where blocks are full of transactions, the newest one stays", async () => {
  const { logs } = story;
  const [transaction, outcome] = [logs.transactions[1]!, logs.outcomes[1]!];
  const crowded: SealedBlock = {
    ...logs,
    transactions: Array.from({ length: 1_500 }, () => transaction),
    outcomes: Array.from({ length: 1_500 }, () => outcome),
  };
  const busy = await startGateway(new GivenChain(Array.from({ length: 6 }, () => crowded)));
  const lengthOf = async (percentiles: number[]) =>
    ((await busy.result("eth_feeHistory", "0x6", "latest", percentiles)) as History).gasUsedRatio.length;
  expect(await lengthOf([50])).toBe(2);
  expect(await lengthOf([])).toBe(6);
  await busy.stop();
});

test("a fee history has the base fees of its blocks and of the next one", async () => {
  const { chain } = story;
  const result = await history("0x3", "latest", []);
  expect(result.oldestBlock).toBe("0x2");
  const fees = [2, 3, 4].map((number) => chain.blocks[number]!.header.baseFeePerGas);
  expect(result.baseFeePerGas).toEqual([...fees, nextBaseFee(chain.latest.header)].map(hex));
  const ratio = Number(story.types.header.gasUsed) / Number(LIMITS.blockGas);
  expect(result.gasUsedRatio[0]).toBe(ratio);
  expect(result).not.toHaveProperty("reward");
});

test("a fee history reaches back to genesis at most, and takes a plain number too", async () => {
  const result = await history(1024, "0x2", [50]);
  expect(result.oldestBlock).toBe("0x0");
  expect(result.gasUsedRatio).toHaveLength(3);
  expect(result.reward).toHaveLength(3);
  expect(await history("0x0", "latest", [])).toEqual({ oldestBlock: "0x0", gasUsedRatio: [] });
});

test("rewards are the tips at which that part of a block's gas was used, zero where there are none", async () => {
  const result = await history("0x4", "latest", [0, 50, 100]);
  // Block 1 has deposits only, which pay nothing; types 0 and 1 of block 2 pay all they offer beyond the base fee.
  const { baseFeePerGas } = story.types.header;
  expect(result.reward).toEqual([
    ["0x0", "0x0", "0x0"],
    [hex(TIP), hex(TIP), hex(MAX_FEE - baseFeePerGas)],
    [hex(TIP), hex(TIP), hex(TIP)],
    ["0x0", "0x0", "0x0"],
  ]);
});

test.each([
  [["0x1", "latest", [50, 20]], -32602],
  [["0x1", "latest", [101]], -32602],
  [["0x1", "latest", ["5"]], -32602],
  [["0x1", "latest", Array.from({ length: 101 }, (_, i) => i / 2)], -32602],
  [["-1", "latest", []], -32602],
  [[-1, "latest", []], -32602],
  [["0x1"], -32602],
  [["0x1", "0x99", []], -32000],
])("the fee history %j is refused with %i", async (params, code) => {
  expect((await gateway.ask("eth_feeHistory", ...params)).error).toMatchObject({ code });
});

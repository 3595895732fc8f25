import { hashHeader, type SealedBlock, type StateReader } from "@mvm/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LogQuery, MAX_LOG_RANGE, MAX_LOGS } from "../src/index.ts";
import { CONTRACTS } from "./contracts.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { MemoryChain } from "./memoryChain.ts";
import { OTHER_TOPIC, type Story, TOPIC, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
});
afterAll(() => gateway.stop());

type LogFields = { blockNumber: string; logIndex: string; topics: string[] };
const logs = async (filter: object, from = gateway) =>
  ((await from.result("eth_getLogs", filter)) as LogFields[]).map(({ blockNumber, logIndex }) => [
    Number(blockNumber),
    Number(logIndex),
  ]);
const all = { fromBlock: "earliest", toBlock: "latest" };
const logger = CONTRACTS.logger.address;
const nobody = CONTRACTS.echo.address;

test("logs come in the order of blocks and of their index", async () => {
  expect(await logs(all)).toEqual([
    [2, 0],
    [3, 0],
    [3, 1],
  ]);
});

test("a range holds both its ends and nothing beyond; without one it is the latest block", async () => {
  expect(await logs({ fromBlock: "0x2", toBlock: "0x2" })).toEqual([[2, 0]]);
  expect(await logs({ fromBlock: "0x3", toBlock: "0x4" })).toHaveLength(2);
  expect(await logs({})).toEqual([]);
  expect(await logs({ fromBlock: "0x3" })).toHaveLength(2);
  expect(await logs({ blockHash: hashHeader(story.types.header) })).toEqual([[2, 0]]);
});

test("addresses and topics filter: one, a choice, any, and none beyond what a log has", async () => {
  expect(await logs({ ...all, address: logger })).toHaveLength(3);
  expect(await logs({ ...all, address: [nobody, logger.toUpperCase().replace("0X", "0x")] })).toHaveLength(3);
  expect(await logs({ ...all, address: nobody })).toEqual([]);
  expect(await logs({ ...all, topics: [TOPIC] })).toHaveLength(2);
  expect(await logs({ ...all, topics: [[TOPIC, OTHER_TOPIC]] })).toHaveLength(3);
  expect(await logs({ ...all, topics: [OTHER_TOPIC] })).toEqual([[3, 1]]);
  expect(await logs({ ...all, topics: [null] })).toHaveLength(3);
  expect(await logs({ ...all, topics: [[]] })).toHaveLength(3);
  expect(await logs({ ...all, topics: [null, null] })).toEqual([]);
  expect(await logs({ ...all, topics: [] })).toHaveLength(3);
});

test.each([
  [{ fromBlock: "0x3", toBlock: "0x2" }, -32602],
  [{ fromBlock: "0x4", toBlock: "0x5" }, -32602],
  [{ fromBlock: "0x5", toBlock: "latest" }, -32602],
  [{ blockHash: `0x${"00".repeat(32)}` }, -32000],
  [{ blockHash: `0x${"00".repeat(32)}`, fromBlock: "0x1" }, -32602],
  [{ topics: [TOPIC, TOPIC, TOPIC, TOPIC, TOPIC] }, -32602],
  [{ topics: ["0x12"] }, -32602],
  [{ address: "0x12" }, -32602],
  [{ address: Array.from({ length: 1001 }, () => logger) }, -32602],
  [[], -32602],
])("the filter %j is refused with %i", async (filter, code) => {
  expect((await gateway.ask("eth_getLogs", filter)).error).toMatchObject({ code });
});

/** A chain of any height, every block of which is a copy of one with two logs. */
class RepeatingChain extends MemoryChain {
  readonly #block: SealedBlock;
  readonly #height: bigint;
  queries: LogQuery[] = [];

  constructor(block: SealedBlock, height: bigint) {
    super();
    this.#block = block;
    this.#height = height;
  }

  override head(): bigint {
    return this.#height;
  }

  override blockByNumber(): SealedBlock {
    return this.#block;
  }

  override stateAt(): Promise<StateReader> {
    return super.stateAt(this.blocks[0]!);
  }

  override blocksWithLogs(query: LogQuery): readonly bigint[] {
    this.queries.push(query);
    const length = Math.min(Number(query.to - query.from) + 1, query.limit);
    return Array.from({ length }, (_, i) => query.from + BigInt(i));
  }
}

test("candidates are taken from the index page by page, each block once", async () => {
  const chain = new RepeatingChain(story.logs, 1_000n);
  const repeating = await startGateway(chain);
  expect(await logs({ fromBlock: "0x1", toBlock: "0x258" }, repeating)).toHaveLength(2 * 600);
  expect(chain.queries.map(({ from }) => from)).toEqual([1n, 257n, 513n]);
  await repeating.stop();
});

test("a range and an answer beyond their bounds are refused, those at the bound are not", async () => {
  const repeating = await startGateway(new RepeatingChain(story.logs, 200_000n));
  const atBound = `0x${(MAX_LOGS / 2 - 1).toString(16)}`;
  expect(await logs({ fromBlock: "0x0", toBlock: atBound }, repeating)).toHaveLength(MAX_LOGS);
  const beyond = `0x${(MAX_LOGS / 2).toString(16)}`;
  expect((await repeating.ask("eth_getLogs", { fromBlock: "0x0", toBlock: beyond })).error).toEqual({
    code: -32005,
    message: "query returned more than 10000 results",
  });
  const wide = { fromBlock: "0x0", toBlock: `0x${MAX_LOG_RANGE.toString(16)}` };
  expect((await repeating.ask("eth_getLogs", wide)).error).toEqual({
    code: -32005,
    message: "block range is more than 100000 blocks",
  });
  const widest = { ...wide, fromBlock: "0x1", address: nobody };
  expect(await logs(widest, repeating)).toEqual([]);
  await repeating.stop();
});

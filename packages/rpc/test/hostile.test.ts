import type { SealedBlock } from "@mvm/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RpcChain, STANDARD_METHODS } from "../src/index.ts";
import { type Gateway, type RpcAnswer, startGateway } from "./gateway.ts";
import { engine, MemoryChain } from "./memoryChain.ts";
import { aliceAddress, type Story, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
let chain: RpcChain;
const faults: unknown[] = [];
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
  chain = new RpcChain({
    backend: story.chain,
    simulator: engine,
    clientVersion: "mvm/test",
    onFault: (_method, error) => void faults.push(error),
  });
});
afterAll(() => gateway.stop());

const CODES = new Set([-32700, -32600, -32601, -32602, -32000, -32001, -32002, -32003, -32005, 3]);

/** Whether a text is an answer as JSON-RPC defines it, or a list of such, or nothing; internal errors are none. */
function expectWellFormed(body: string | null): void {
  if (body === null) return;
  const parsed = JSON.parse(body) as unknown;
  for (const answer of Array.isArray(parsed) ? parsed : [parsed]) {
    expect(answer).toMatchObject({ jsonrpc: "2.0" });
    expect(Object.keys(answer).sort()).toEqual(
      "error" in answer ? ["error", "id", "jsonrpc"] : ["id", "jsonrpc", "result"],
    );
    if ("error" in answer) expect([...CODES]).toContain(answer.error.code);
  }
}

const check = async (text: string): Promise<void> => {
  const { body } = await chain.answer(text, AbortSignal.timeout(10_000));
  expectWellFormed(body);
  expect(faults).toEqual([]);
};

const hex = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEFx"), maxLength }).map((text) => `0x${text}`);
const known = fc.constantFrom("latest", "pending", "earliest", "0x0", "0x1", "0x3", "0x9", aliceAddress, true, null);
const value: fc.Arbitrary<unknown> = fc.oneof(
  known,
  hex(70),
  fc.constantFrom(`0x${"00".repeat(32)}`, `0x${"ff".repeat(32)}`, "0xffffffffffffffff"),
  fc.jsonValue({ maxDepth: 3 }),
);
const FIELDS = [
  ["to", "from", "data", "input", "value", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "nonce"],
  ["accessList", "authorizationList", "fromBlock", "toBlock", "blockHash", "blockNumber", "address", "topics"],
  ["__proto__", "constructor", "toString", "hasOwnProperty", "length"],
].flat();
const object = fc.dictionary(fc.constantFrom(...FIELDS), fc.oneof(value, fc.array(value, { maxLength: 5 })), {
  noNullPrototype: false,
});
const parameter = fc.oneof(value, object, fc.array(value, { maxLength: 4 }));
const methodName = fc.oneof(fc.constantFrom(...STANDARD_METHODS.keys()), fc.constantFrom(...FIELDS), fc.string());
const call = fc.record(
  {
    jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant("2.0") }, fc.jsonValue()),
    id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
    method: fc.oneof({ weight: 9, arbitrary: methodName }, fc.jsonValue()),
    params: fc.oneof({ weight: 9, arbitrary: fc.array(parameter, { maxLength: 5 }) }, fc.jsonValue()),
  },
  { requiredKeys: [] },
);

test("any text gets a JSON-RPC answer", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ maxLength: 200 }), fc.json(), fc.string({ unit: "binary" })), check),
    { numRuns: 500 },
  );
});

test("any call, with any parameters, gets a JSON-RPC answer that is not an internal error", async () => {
  const calls = fc.record({
    jsonrpc: fc.constant("2.0"),
    id: fc.integer(),
    method: fc.constantFrom(...STANDARD_METHODS.keys()),
    params: fc.array(parameter, { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(calls, (request) => check(JSON.stringify(request))),
    { numRuns: 2_000 },
  );
});

test("anything like a call, alone or in a batch, gets a JSON-RPC answer", async () => {
  const requests = fc.oneof(call, fc.array(fc.oneof(call, fc.jsonValue()), { maxLength: 10 }));
  await fc.assert(
    fc.asyncProperty(requests, (request) => check(JSON.stringify(request))),
    { numRuns: 500 },
  );
});

test("any bytes in place of a transaction are refused", async () => {
  const start = fc.constantFrom(0x01, 0x02, 0x04, 0x7e, 0xc0, 0xf8, 0xff);
  const bytes = fc.tuple(start, fc.uint8Array({ maxLength: 300 })).map(([first, rest]) => [first, ...rest]);
  const mutated = fc
    .tuple(fc.constantFrom(...[0, 1, 2, 3]), fc.nat(), fc.integer({ min: 1, max: 255 }))
    .map(([index, position, change]) => {
      const raw = [...story.types.transactions[index]!];
      raw[position % raw.length]! ^= change;
      return raw;
    });
  await fc.assert(
    fc.asyncProperty(fc.oneof(bytes, mutated), async (raw) => {
      const params = [`0x${Buffer.from(raw).toString("hex")}`];
      const text = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_sendRawTransaction", params });
      const { body } = await chain.answer(text, AbortSignal.timeout(10_000));
      expect(JSON.parse(body!)).toMatchObject({ error: { code: -32000 } });
      expect(story.chain.pool.size).toBe(0);
    }),
    { numRuns: 500 },
  );
});

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

test.each([
  ["lists", nested("[", "]", 200_000)],
  ["objects", nested('{"a":', "}", 200_000).replace("}", "1}")],
  ["open lists", "[".repeat(1_000_000)],
  ["parameters", `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[${nested("[", "]", 200_000)}]}`],
  ["topics", `{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"topics":${nested("[", "]", 100_000)}}]}`],
  ["an id", `{"jsonrpc":"2.0","id":${nested("[", "]", 100_000)},"method":"eth_chainId"}`],
])("%s nested ever so deep get an error, and the server goes on", async (_what, body) => {
  const response = await gateway.post(body);
  expect(response.status).toBe(200);
  expectWellFormed(await response.text());
  expect(await gateway.result("eth_chainId")).toBe("0x67932");
  expect(gateway.faults).toEqual([]);
});

test("keys that mean something to JavaScript change nothing", async () => {
  const evil = '{"__proto__":{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}}';
  expect(await (await gateway.post(evil)).json()).toMatchObject({ id: null, error: { code: -32600 } });
  const to = `{"__proto__":{"to":"${aliceAddress}"},"constructor":{"prototype":{"polluted":true}}}`;
  await gateway.post(`{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[${to}]}`);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("a huge batch, a huge string and a huge list of addresses are refused by their bounds", async () => {
  const one = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
  const batch = await gateway.post(`[${Array.from({ length: 40_000 }, () => one).join(",")}]`);
  expect(await batch.json()).toMatchObject({ error: { code: -32600 } });
  const method = "x".repeat(1_500_000);
  const long = await (await gateway.post(JSON.stringify({ jsonrpc: "2.0", id: 1, method }))).text();
  expect(long.length).toBeLessThan(300);
  const address = Array.from({ length: 40_000 }, () => aliceAddress);
  expect((await gateway.ask("eth_getLogs", { address })).error).toMatchObject({ code: -32602 });
  const tooLarge = await gateway.post("x".repeat(2 * 1024 * 1024 + 1));
  expect(tooLarge.status).toBe(413);
  expect(await tooLarge.json()).toMatchObject({ error: { code: -32600 } });
});

test("an answer that grows too large is cut into errors, not into memory", async () => {
  const { logs } = story;
  const log = { ...logs.outcomes[1]!.logs[0]!, data: new Uint8Array(3 * 1024 * 1024) };
  const outcomes = logs.outcomes.map((outcome) => ({ ...outcome, logs: [log] }));
  class VerboseChain extends MemoryChain {
    override blockByNumber(): SealedBlock {
      return { ...logs, outcomes };
    }
  }
  const verbose = new RpcChain({ backend: new VerboseChain(), simulator: engine, clientVersion: "mvm/test" });
  const request = { jsonrpc: "2.0", id: 1, method: "eth_getBlockReceipts", params: ["0x1"] };
  const { body } = await verbose.answer(JSON.stringify([request, request, request]), AbortSignal.timeout(60_000));
  const answers = JSON.parse(body!) as RpcAnswer[];
  expect(answers.map(({ error }) => error?.code)).toEqual([undefined, -32003, -32003]);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { defineMethod, MAX_BATCH_CALLS, methodTable } from "../src/index.ts";
import { type Gateway, type RpcAnswer, startGateway } from "./gateway.ts";
import { MemoryChain } from "./memoryChain.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway(new MemoryChain());
});
afterAll(() => gateway.stop());

const post = async (body: unknown) => {
  const response = await gateway.post(typeof body === "string" ? body : JSON.stringify(body));
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : (JSON.parse(text) as RpcAnswer & RpcAnswer[]) };
};
const call = (fields: object = {}) => ({ jsonrpc: "2.0", id: 7, method: "eth_chainId", ...fields });
const address = `0x${"12".repeat(20)}`;

test.each(["", "{", "nonsense", '{"a":}', '{"id":1}}'])("what is not JSON is a parse error: %j", async (body) => {
  const answer = await post(body);
  expect(answer).toMatchObject({ status: 200, body: { jsonrpc: "2.0", id: null, error: { code: -32700 } } });
});

test("bytes that are not UTF-8 are a parse error", async () => {
  const response = await gateway.post(Uint8Array.of(0x22, 0xff, 0x22));
  expect(await response.json()).toMatchObject({ id: null, error: { code: -32700 } });
});

test.each([
  [1, null],
  ['"text"', null],
  [null, null],
  [{}, null],
  [call({ jsonrpc: "1.0" }), 7],
  [call({ jsonrpc: undefined }), 7],
  [call({ method: 5 }), 7],
  [call({ params: "0x1" }), 7],
  [call({ id: {} }), null],
  [call({ id: [1] }), null],
  [call({ id: true }), null],
  ['{"jsonrpc":"2.0","id":1e400,"method":"eth_chainId"}', null],
  ['{"jsonrpc":"2.0","id":9007199254740993,"method":"eth_chainId"}', null],
])("%j is an invalid request", async (request, id) => {
  expect((await post(request)).body).toMatchObject({ jsonrpc: "2.0", id, error: { code: -32600 } });
});

test.each([0, -1, 1.5, "", "a string", null, Number.MAX_SAFE_INTEGER])("the id %j comes back as it was", async (id) => {
  expect((await post(call({ id }))).body).toEqual({ jsonrpc: "2.0", id, result: "0x67932" });
});

test.each(["eth_nothing", "", "constructor", "__proto__", "toString", "eth_chainid"])(
  "the method %j does not exist",
  async (method) => {
    expect((await post(call({ method }))).body).toMatchObject({ id: 7, error: { code: -32601 } });
  },
);

test("parameters by name are refused in words, null and none are no parameters", async () => {
  expect((await post(call({ params: {} }))).body).toMatchObject({ id: 7, error: { code: -32602 } });
  expect((await post(call({ params: null }))).body).toMatchObject({ result: "0x67932" });
});

test.each([
  ["eth_getBalance", [], "missing value for required argument 0 (address)"],
  ["eth_getBalance", [null], "missing value for required argument 0 (address)"],
  ["eth_getBalance", ["0x12"], "invalid argument 0 (address): expected an address: 0x and 40 hexadecimal digits"],
  ["eth_getBalance", [12], "invalid argument 0 (address): expected an address: 0x and 40 hexadecimal digits"],
  ["eth_getBalance", [address, "newest"], "invalid argument 1 (block): expected a block number as a quantity"],
  ["eth_getBalance", [address, "0x01"], "invalid argument 1 (block)"],
  ["eth_getBalance", [address, "0x"], "invalid argument 1 (block)"],
  ["eth_getBalance", [address, "1"], "invalid argument 1 (block)"],
  ["eth_getBalance", [address, 1], "invalid argument 1 (block)"],
  ["eth_getBalance", [address, "0x10000000000000000"], "invalid argument 1 (block)"],
  ["eth_getBalance", [address, {}], "invalid argument 1 (block): expected blockHash or blockNumber"],
  ["eth_getBalance", [address, { blockHash: "0x12" }], "invalid argument 1 (block): blockHash: expected 32 bytes"],
  ["eth_getBalance", [address, { blockNumber: "0x1", extra: 1 }], "invalid argument 1 (block)"],
  [
    "eth_getBalance",
    [address, { blockNumber: "0x1", requireCanonical: 1 }],
    "requireCanonical: expected true or false",
  ],
  ["eth_getBalance", [address, "latest", "more"], "too many arguments: eth_getBalance takes at most 2"],
  ["eth_getBlockByNumber", [`0x${"00".repeat(32)}`], "invalid argument 0 (block)"],
  ["eth_getBlockByNumber", ["0x1", "yes"], "invalid argument 1 (fullTransactions): expected true or false"],
  ["eth_getBlockByHash", ["0x1"], "invalid argument 0 (hash): expected 32 bytes"],
  ["eth_getStorageAt", [address, "0xasdf"], "invalid argument 1 (slot): expected a storage slot"],
  ["eth_getStorageAt", [address, `0x${"00".repeat(33)}`], "invalid argument 1 (slot): expected a storage slot"],
  ["eth_call", [], "missing value for required argument 0 (call)"],
  ["eth_call", ["0x"], "invalid argument 0 (call): expected a call object"],
  ["eth_call", [{ to: "0x1" }], "invalid argument 0 (call.to): expected an address"],
  ["eth_call", [{ value: "0x0a" }], "invalid argument 0 (call.value): expected a quantity"],
  ["eth_call", [{ value: 10 }], "invalid argument 0 (call.value): expected a quantity"],
  ["eth_call", [{ data: "0x1" }], "invalid argument 0 (call.data): expected bytes"],
  ["eth_call", [{ accessList: [{ address, storageKeys: ["0x"] }] }], "(call.accessList[0].storageKeys[0])"],
  ["eth_sendRawTransaction", ["deadbeef"], "invalid argument 0 (transaction): expected bytes"],
])("%s with %j: %s", async (method, params, message) => {
  const answer = await gateway.ask(method, ...params);
  expect(answer.error).toEqual({ code: -32602, message: expect.stringContaining(message) });
});

test("a request without an id gets no answer, alone or in a batch", async () => {
  expect(await post({ jsonrpc: "2.0", method: "eth_chainId" })).toEqual({ status: 204, body: null });
  expect(await post({ jsonrpc: "2.0", method: "eth_nothing" })).toEqual({ status: 204, body: null });
  const silent = { jsonrpc: "2.0", method: "eth_chainId" };
  expect(await post([silent, silent])).toEqual({ status: 204, body: null });
  expect((await post([silent, call()])).body).toEqual([{ jsonrpc: "2.0", id: 7, result: "0x67932" }]);
});

test("a batch is answered call by call, the bad ones too", async () => {
  const { body } = await post([call({ id: "a" }), 5, call({ id: "b", method: "eth_nothing" }), call({ id: "c" })]);
  expect(body).toMatchObject([
    { id: "a", result: "0x67932" },
    { id: null, error: { code: -32600 } },
    { id: "b", error: { code: -32601 } },
    { id: "c", result: "0x67932" },
  ]);
});

test("a batch has at least one call and at most its bound", async () => {
  expect((await post([])).body).toMatchObject({ id: null, error: { code: -32600 } });
  const calls = Array.from({ length: MAX_BATCH_CALLS + 1 }, (_, id) => call({ id }));
  expect((await post(calls)).body).toMatchObject({ id: null, error: { code: -32600 } });
  expect((await post(calls.slice(1))).body).toHaveLength(MAX_BATCH_CALLS);
});

test("two methods of one name cannot stand in a table", () => {
  const method = defineMethod("eth_twice", {}, () => null);
  expect(() => methodTable([method], [method])).toThrow(RangeError);
});

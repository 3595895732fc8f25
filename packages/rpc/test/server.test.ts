import { Agent } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RpcServerError, startRpcServer } from "../src/index.ts";
import { type Gateway, type RpcAnswer, startGateway } from "./gateway.ts";
import { type HttpQuestion, httpRequest } from "./httpRequest.ts";
import { MemoryChain } from "./memoryChain.ts";

/** bound of waits on a condition */
const PATIENCE = { timeout: 30_000, interval: 10 };

const LIMITS = { bodyBytes: 4_096, heldBytes: 8_192, requests: 3, requestsPerConnection: 2 };
const CHAIN_ID_CALL = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId" });
const BALANCE_CALL = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "eth_getBalance",
  params: [`0x${"12".repeat(20)}`],
});

let chain: MemoryChain;
let gateway: Gateway;
/** Lets the requests for state go on that have been held up since `hold`. */
let release: () => void;
function hold(): void {
  const gate = Promise.withResolvers<void>();
  chain.stateGate = gate.promise;
  release = () => {
    chain.stateGate = null;
    gate.resolve();
  };
}

beforeEach(async () => {
  chain = new MemoryChain();
  gateway = await startGateway(chain, LIMITS);
  release = () => {};
});
afterEach(async () => {
  release();
  await gateway.stop();
});

const ask = (options: Partial<HttpQuestion> = {}) =>
  httpRequest({
    port: gateway.port,
    path: "/dac/demo",
    ...((options.method ?? "POST") === "POST" ? { body: CHAIN_ID_CALL } : {}),
    ...options,
  });
const errorOf = ({ text }: { text: string }) => (JSON.parse(text) as RpcAnswer).error;

test.each([
  ["/dac/demo", "localhost"],
  ["/dac/demo/", "localhost"],
  ["/dac/DEMO?x=1", ""],
  ["/", "demo.localhost"],
  ["/", "Demo.LocalHost:8545"],
  ["/", "demo.localhost."],
  ["/dac/demo", "other.localhost"],
])("the path %s on the host %j is the DAC demo", async (path, host) => {
  const answer = await ask({ path, headers: { Host: host } });
  expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
  expect(JSON.parse(answer.text)).toEqual({ jsonrpc: "2.0", id: 1, result: "0x67932" });
});

test.each([
  ["/", "localhost"],
  ["/", "127.0.0.1"],
  ["/", "other.localhost"],
  ["/", "a.demo.localhost"],
  ["/", "demolocalhost"],
  ["/dac/other", "demo.localhost"],
  ["/dac/", "demo.localhost"],
  ["/dac/de%6do", "demo.localhost"],
  ["/dac/../demo", "demo.localhost"],
  ["/elsewhere", "demo.localhost"],
])("the path %s on the host %j is no DAC: 404 with an error", async (path, host) => {
  const answer = await ask({ path, headers: { Host: host } });
  expect(answer.status).toBe(404);
  expect(errorOf(answer)).toMatchObject({ code: -32001 });
});

test("browsers of any origin may ask", async () => {
  const preflight = await ask({ method: "OPTIONS", headers: { Origin: "https://wallet.example" } });
  expect(preflight).toMatchObject({
    status: 204,
    text: "",
    headers: { "access-control-allow-origin": "*", "access-control-allow-methods": "POST, GET, OPTIONS" },
  });
  expect(preflight.headers["access-control-allow-headers"]).toContain("Content-Type");
  expect((await ask()).headers["access-control-allow-origin"]).toBe("*");
});

test("GET /health answers, other methods than POST do not", async () => {
  const health = await ask({ method: "GET", path: "/health" });
  expect(health.status).toBe(200);
  expect(JSON.parse(health.text)).toEqual({ status: "ok", dacs: 1 });
  for (const method of ["GET", "PUT", "DELETE"]) {
    const answer = await ask({ method });
    expect(answer.status).toBe(405);
    expect(errorOf(answer)).toMatchObject({ code: -32600 });
  }
});

test("a body at the bound is read, one beyond is refused", async () => {
  const padded = (size: number) => CHAIN_ID_CALL.padEnd(size, " ");
  expect((await ask({ body: padded(LIMITS.bodyBytes) })).status).toBe(200);
  const large = await ask({ body: padded(LIMITS.bodyBytes + 1) });
  expect(large.status).toBe(413);
  expect(errorOf(large)).toMatchObject({ code: -32600 });
  const huge = await ask({ body: padded(1_000_000) });
  expect(huge.status).toBe(413);
});

test("bodies that arrive slowly hold a bounded number of bytes", async () => {
  const half = CHAIN_ID_CALL.padEnd(LIMITS.bodyBytes, " ");
  const head = `POST /dac/demo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${half.length + 1}\r\n\r\n`;
  const slow = [1, 2].map(() => connect(gateway.port, "127.0.0.1"));
  for (const socket of slow) socket.write(head + half);
  // Once both halves have arrived nothing more fits.
  await vi.waitFor(async () => expect((await ask()).status).toBe(503), PATIENCE);
  for (const socket of slow) socket.destroy();
  await vi.waitFor(async () => expect((await ask()).status).toBe(200), PATIENCE);
  expect(gateway.faults).toEqual([]);
});

test("a client that goes on sending far beyond the bound is cut off, and nobody else notices", async () => {
  const endless = new Uint8Array(40 * 1024 * 1024);
  await expect(ask({ body: endless })).rejects.toMatchObject({ code: expect.stringMatching("ECONNRESET|EPIPE") });
  expect((await ask()).status).toBe(200);
  expect(gateway.faults).toEqual([]);
});

test("requests beyond the bound are refused at once, and taken again afterwards", async () => {
  hold();
  const held = Array.from({ length: LIMITS.requests }, () => ask({ body: BALANCE_CALL }));
  await vi.waitFor(async () => expect((await ask()).status).toBe(503), PATIENCE);
  const refused = await ask();
  expect(errorOf(refused)).toMatchObject({ code: -32005 });
  expect(refused.headers["retry-after"]).toBe("1");
  release();
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await ask()).status).toBe(200);
});

test("requests that one connection has pipelined are bounded on their own", async () => {
  hold();
  const socket = connect(gateway.port, "127.0.0.1");
  const text = `POST /dac/demo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${BALANCE_CALL.length}\r\n\r\n${BALANCE_CALL}`;
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  socket.write(text.repeat(LIMITS.requests));
  // The answers of one connection come in order, so the refusal is seen only behind the others; another connection gets in.
  await vi.waitFor(async () => expect((await ask()).status).toBe(200), PATIENCE);
  release();
  await vi.waitFor(() => expect(received.match(/HTTP\/1.1 \d+/g)).toHaveLength(3), PATIENCE);
  expect(received.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 503"]);
  socket.destroy();
});

test("at the deadline a request is answered with an error, and keeps its place until its work is done", async () => {
  const impatient = await startGateway(chain, { requests: 1, requestTimeoutMs: 20 });
  hold();
  const late = await impatient.post(BALANCE_CALL);
  expect(await late.json()).toMatchObject({ id: 1, error: { code: -32002, message: "request timed out" } });
  expect((await impatient.post(CHAIN_ID_CALL)).status).toBe(503);
  release();
  await vi.waitFor(async () => expect((await impatient.post(CHAIN_ID_CALL)).status).toBe(200), PATIENCE);
  await impatient.stop();
});

test("at the deadline the finished calls of a batch keep their answers", async () => {
  const impatient = await startGateway(chain, { requestTimeoutMs: 50 });
  hold();
  const answer = await impatient.post(`[${CHAIN_ID_CALL},${BALANCE_CALL},${CHAIN_ID_CALL}]`);
  expect(await answer.json()).toMatchObject([
    { result: "0x67932" },
    { error: { code: -32002 } },
    { error: { code: -32002 } },
  ]);
  release();
  await impatient.stop();
});

test("stopping answers what is in flight, takes nothing new, and closes every connection", async () => {
  hold();
  const reached = vi.spyOn(chain, "stateAt");
  const agent = new Agent({ keepAlive: true });
  const inFlight = [1, 2].map(() => ask({ body: BALANCE_CALL, agent }));
  await vi.waitFor(() => expect(reached).toHaveBeenCalledTimes(2), PATIENCE);
  const stopped = gateway.stop();
  await expect(ask()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  release();
  for (const answer of await Promise.all(inFlight)) {
    expect(answer).toMatchObject({ status: 200, headers: { connection: "close" } });
  }
  await stopped;
  agent.destroy();
});

test("a port that is taken is a typed error", async () => {
  const signal = new AbortController().signal;
  const options = { host: "127.0.0.1", port: gateway.port, domain: "localhost", find: () => null, health: () => ({}) };
  await expect(startRpcServer({ ...options, signal })).rejects.toThrow(RpcServerError);
});

test("a fault outside the methods is still a JSON-RPC error", async () => {
  const faults: unknown[] = [];
  const stopping = new AbortController();
  const server = await startRpcServer({
    host: "127.0.0.1",
    port: 0,
    domain: "localhost",
    find: () => {
      throw new Error("the directory is broken");
    },
    health: () => ({}),
    signal: stopping.signal,
    onFault: (error) => void faults.push(error),
  });
  const answer = await httpRequest({ port: server.port, path: "/dac/demo", body: CHAIN_ID_CALL });
  expect(answer.status).toBe(500);
  expect(errorOf(answer)).toEqual({ code: -32603, message: "internal error" });
  expect(faults).toHaveLength(1);
  stopping.abort();
  await server.closed;
});

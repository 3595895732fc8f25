/** A server over a chain, and a plain client for it. */
import { type ChainBackend, RpcChain, type RpcServerLimits, startRpcServer } from "../src/index.ts";
import { engine } from "./memoryChain.ts";

export type RpcAnswer = {
  readonly jsonrpc: string;
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: string };
};

export type Gateway = {
  readonly port: number;
  readonly url: string;
  readonly faults: unknown[];
  /** body as it is, answer as it is */
  post(body: string | Uint8Array, path?: string): Promise<Response>;
  /** one request */
  ask(method: string, ...params: readonly unknown[]): Promise<RpcAnswer>;
  /** one request that has to succeed */
  result(method: string, ...params: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
};

/** Starts a server with one DAC, "demo", under localhost. */
export async function startGateway(backend: ChainBackend, limits: Partial<RpcServerLimits> = {}): Promise<Gateway> {
  const faults: unknown[] = [];
  const stopping = new AbortController();
  const onFault = (_method: string, error: unknown) => void faults.push(error);
  const demo = new RpcChain({ backend, simulator: engine, clientVersion: "mvm/test", onFault });
  const server = await startRpcServer({
    host: "127.0.0.1",
    port: 0,
    domain: "localhost",
    find: (label) => (label === "demo" ? demo : null),
    health: () => ({ dacs: 1 }),
    signal: stopping.signal,
    onFault: (error) => void faults.push(error),
    limits,
  });
  const origin = `http://127.0.0.1:${server.port}`;
  const post = (body: string | Uint8Array, path = "/dac/demo") =>
    fetch(`${origin}${path}`, {
      method: "POST",
      body: typeof body === "string" ? body : Buffer.from(body),
      headers: { "Content-Type": "application/json" },
    });
  const ask = async (method: string, ...params: readonly unknown[]) => {
    const response = await post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
    return (await response.json()) as RpcAnswer;
  };
  return {
    port: server.port,
    url: `${origin}/dac/demo`,
    faults,
    post,
    ask,
    result: async (method, ...params) => {
      const answer = await ask(method, ...params);
      if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.code} ${answer.error.message}`);
      return answer.result;
    },
    stop: () => {
      stopping.abort();
      return server.closed;
    },
  };
}

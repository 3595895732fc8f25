/** JSON-RPC over HTTP: one server for all DACs that a gateway serves. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { MaybePromise } from "@mvm/protocol";
import { errorBody, type RpcChain } from "./dispatcher.ts";
import { routeOf } from "./httpRoute.ts";
import type { Json } from "./method.ts";
import { BodyBudget, readBody } from "./requestBody.ts";
import { limitExceeded, RPC_CODES, RpcError } from "./rpcError.ts";

export type RpcServerLimits = {
  /** bytes of one request's body */
  readonly bodyBytes: number;
  /** bytes of all bodies that are being received */
  readonly heldBytes: number;
  /** requests being answered, in all and of one connection */
  readonly requests: number;
  readonly requestsPerConnection: number;
  readonly connections: number;
  /** milliseconds until a request is answered with an error */
  readonly requestTimeoutMs: number;
  /** milliseconds that a client may take to send a request */
  readonly receiveTimeoutMs: number;
};

export const RPC_SERVER_LIMITS: RpcServerLimits = {
  bodyBytes: 2 * 1024 * 1024,
  heldBytes: 64 * 1024 * 1024,
  requests: 256,
  requestsPerConnection: 16,
  connections: 2_048,
  requestTimeoutMs: 30_000,
  receiveTimeoutMs: 15_000,
};

/** milliseconds that a connection stays open without a request */
const KEEP_ALIVE_MS = 30_000;
/** milliseconds between two looks for clients that take too long to send */
const CHECKING_INTERVAL_MS = 5_000;
const PREFLIGHT_SECONDS = 86_400;

export type RpcServerOptions = {
  readonly host: string;
  /** 0: any free one */
  readonly port: number;
  /** what follows a DAC's label in host names, such as "localhost" */
  readonly domain: string;
  /** The DAC of a label (lower case, a valid DNS label), or null where this gateway serves none such. */
  readonly find: (label: string) => MaybePromise<RpcChain | null>;
  /** shown at GET /health beside `status: "ok"` */
  readonly health: () => MaybePromise<{ readonly [key: string]: Json }>;
  /** Stops the server: no new requests, those in flight are answered. */
  readonly signal: AbortSignal;
  /** told of faults of the server itself */
  readonly onFault?: (error: unknown) => void;
  readonly limits?: Partial<RpcServerLimits>;
};

/** The server could not be started. */
export class RpcServerError extends Error {
  readonly code = "listen-failed";
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = "RpcServerError";
  }
}

export type RpcServer = {
  readonly port: number;
  /** resolves once the server has stopped and every connection is closed */
  readonly closed: Promise<void>;
};

type Reply = { readonly status: number; readonly body: string | null; readonly headers?: Record<string, string> };

const refusal = (status: number, error: RpcError, headers: Record<string, string> = {}): Reply => ({
  status,
  body: errorBody(error),
  headers,
});

const BUSY = refusal(503, limitExceeded("too many requests at the same time, try again"), { "Retry-After": "1" });
const NOT_FOUND = refusal(
  404,
  new RpcError(RPC_CODES.resourceNotFound, "no such DAC here: use /dac/<label> or the host <label>.<domain>"),
);
const WRONG_METHOD = refusal(405, new RpcError(RPC_CODES.invalidRequest, "use POST"), { Allow: "POST, OPTIONS" });
const PREFLIGHT: Reply = {
  status: 204,
  body: null,
  headers: {
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
    "Access-Control-Max-Age": String(PREFLIGHT_SECONDS),
  },
};

class HttpFrontend {
  readonly #options: RpcServerOptions;
  readonly #limits: RpcServerLimits;
  readonly #budget: BodyBudget;
  readonly #perConnection = new WeakMap<Socket, number>();
  #running = 0;

  constructor(options: RpcServerOptions, limits: RpcServerLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#budget = new BodyBudget(limits.heldBytes);
  }

  /** Handles a request from its head to its answer. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: Reply;
    try {
      reply = await this.#reply(request);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      this.#options.onFault?.(error);
      reply = refusal(500, new RpcError(RPC_CODES.internal, "internal error"));
    }
    this.#send(response, reply);
  }

  #send(response: ServerResponse, { status, body, headers }: Reply): void {
    if (response.destroyed) return;
    response.writeHead(status, {
      "Access-Control-Allow-Origin": "*",
      ...(this.#options.signal.aborted ? { Connection: "close" } : {}),
      ...headers,
      ...(body === null ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
    });
    response.end(body ?? undefined);
  }

  async #reply(request: IncomingMessage): Promise<Reply> {
    const { find, health, domain } = this.#options;
    const body = await readBody(request, this.#limits.bodyBytes, this.#budget);
    if (request.method === "OPTIONS") return PREFLIGHT;
    const route = routeOf(request.url ?? "/", request.headers.host ?? "", domain);
    if (route.kind === "health") {
      if (request.method !== "GET") return { ...WRONG_METHOD, headers: { Allow: "GET, OPTIONS" } };
      return { status: 200, body: JSON.stringify({ status: "ok", ...(await health()) }) };
    }
    if (route.kind === "unknown") return NOT_FOUND;
    if (request.method !== "POST") return WRONG_METHOD;
    if (body.kind === "too-large") {
      const message = `request body too large: at most ${this.#limits.bodyBytes} bytes`;
      return refusal(413, new RpcError(RPC_CODES.invalidRequest, message));
    }
    if (body.kind === "no-room") return BUSY;
    if (body.kind === "not-text")
      return { status: 200, body: errorBody(new RpcError(RPC_CODES.parse, "parse error: not UTF-8")) };
    const chain = await find(route.label);
    return chain === null ? NOT_FOUND : this.#answer(chain, body.text, request.socket);
  }

  async #answer(chain: RpcChain, text: string, socket: Socket): Promise<Reply> {
    const ofConnection = this.#perConnection.get(socket) ?? 0;
    if (this.#running >= this.#limits.requests || ofConnection >= this.#limits.requestsPerConnection) return BUSY;
    this.#count(socket, 1);
    const answer = await chain.answer(text, AbortSignal.timeout(this.#limits.requestTimeoutMs));
    // What outlives its deadline still works: it keeps its place until it is done.
    void answer.settled.then(() => this.#count(socket, -1));
    return { status: answer.body === null ? 204 : 200, body: answer.body };
  }

  #count(socket: Socket, change: 1 | -1): void {
    this.#running += change;
    this.#perConnection.set(socket, (this.#perConnection.get(socket) ?? 0) + change);
  }
}

function listen(server: Server, { host, port }: RpcServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => reject(new RpcServerError(`cannot listen on ${host}:${port}`, cause));
    server.once("error", onError);
    server.listen({ host, port }, () => {
      server.off("error", onError);
      resolve();
    });
  });
}

function closeOnAbort(server: Server, signal: AbortSignal, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      const forced = setTimeout(() => server.closeAllConnections(), graceMs);
      server.close(() => {
        clearTimeout(forced);
        resolve();
      });
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Starts the server: POST with a request or a batch, OPTIONS for browsers, GET /health.
 * @throws RpcServerError where it cannot listen
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const limits = { ...RPC_SERVER_LIMITS, ...options.limits };
  const frontend = new HttpFrontend(options, limits);
  const server = createServer(
    {
      requestTimeout: limits.receiveTimeoutMs,
      headersTimeout: limits.receiveTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
    },
    (request, response) => void frontend.handle(request, response),
  );
  server.maxConnections = limits.connections;
  await listen(server, options);
  server.on("error", (error) => options.onFault?.(error));
  const graceMs = limits.requestTimeoutMs + limits.receiveTimeoutMs;
  return { port: (server.address() as AddressInfo).port, closed: closeOnAbort(server, options.signal, graceMs) };
}

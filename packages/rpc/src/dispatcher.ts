/** JSON-RPC 2.0: from the text of a request to the text of its answer, for one chain. */
import { ExecutionError } from "@mvm/evm";
import { BackendError, type ChainBackend } from "./backend.ts";
import { BlockViews } from "./blockView.ts";
import type { Json, MethodContext, Simulator } from "./method.ts";
import { type MethodTable, STANDARD_METHODS } from "./methodTable.ts";
import { RPC_CODES, RpcError } from "./rpcError.ts";

/** calls of one batch */
export const MAX_BATCH_CALLS = 100;
/** UTF-16 units of the answer to one request or batch */
const MAX_ANSWER_LENGTH = 32 * 1024 * 1024;

type Id = string | number | null;

export type RpcChainOptions = {
  readonly backend: ChainBackend;
  readonly simulator: Simulator;
  /** for web3_clientVersion, such as "mvm/0.1.0" */
  readonly clientVersion: string;
  /** default: STANDARD_METHODS */
  readonly methods?: MethodTable;
  /** told of what a method throws beside RpcError: a fault of the node, of which the caller hears only that there is one */
  readonly onFault?: (method: string, error: unknown) => void;
};

export type Answer = {
  /** null: nothing is to be sent (notifications) */
  readonly body: string | null;
  /** resolves when nothing goes on in the background any more, as may be after a deadline; never rejects */
  readonly settled: Promise<void>;
};

/** The answer to what could not be dispatched at all. */
export function errorBody(error: RpcError, id: Id = null): string {
  const { code, message, data } = error;
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code, message, ...(data === undefined ? {} : { data }) } });
}

const isId = (value: unknown): value is Id =>
  value === null ||
  typeof value === "string" ||
  (typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER);

type Call = { readonly id: Id | undefined; readonly method: string; readonly params: readonly unknown[] };

/** A request's fields, or the error that answers it, under its id where that much is right. */
function readCall(request: unknown): Call | { readonly id: Id; readonly error: RpcError } {
  const refuse = (id: Id, message: string) => ({ id, error: new RpcError(RPC_CODES.invalidRequest, message) });
  if (typeof request !== "object" || request === null || Array.isArray(request))
    return refuse(null, "invalid request: expected an object");
  const { jsonrpc, method, params, id } = request as { [key: string]: unknown };
  const hasId = Object.hasOwn(request, "id");
  if (hasId && !isId(id)) return refuse(null, "invalid request: id has to be a string, a safe number or null");
  const knownId = hasId ? (id as Id) : null;
  if (jsonrpc !== "2.0") return refuse(knownId, 'invalid request: jsonrpc has to be "2.0"');
  if (typeof method !== "string") return refuse(knownId, "invalid request: method has to be a string");
  if (params !== undefined && params !== null && !Array.isArray(params)) {
    const isObject = typeof params === "object";
    const error = isObject
      ? new RpcError(RPC_CODES.invalidParams, "invalid params: expected a list (parameters by position)")
      : new RpcError(RPC_CODES.invalidRequest, "invalid request: params have to be a list");
    return { id: knownId, error };
  }
  return { id: hasId ? knownId : undefined, method, params: params ?? [] };
}

/** Rejects at the deadline, while the work may go on. */
function beforeDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new RpcError(RPC_CODES.resourceUnavailable, "request timed out"));
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Error that stands in the chain of causes, if one of the class does. */
function causeOf<T extends Error>(error: unknown, errorClass: new (...args: never[]) => T): T | null {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof errorClass) return at;
  return null;
}

/** The interface of one chain. Calls of a batch run one after the other, so that what they send keeps its order. */
export class RpcChain {
  readonly #options: RpcChainOptions;
  readonly #methods: MethodTable;
  readonly #views = new BlockViews();

  constructor(options: RpcChainOptions) {
    this.#options = options;
    this.#methods = options.methods ?? STANDARD_METHODS;
  }

  /**
   * Answers a request or a batch. Never throws: every failure is a JSON-RPC error.
   * @param signal the deadline: aborted, what is not answered yet is answered with an error
   */
  async answer(text: string, signal: AbortSignal): Promise<Answer> {
    let request: unknown;
    try {
      request = JSON.parse(text);
    } catch {
      return { body: errorBody(new RpcError(RPC_CODES.parse, "parse error: not JSON")), settled: Promise.resolve() };
    }
    const work: Promise<unknown>[] = [];
    const body = Array.isArray(request)
      ? await this.#answerBatch(request, signal, work)
      : await this.#answerCall(request, signal, work);
    return { body, settled: Promise.all(work).then(() => undefined) };
  }

  async #answerBatch(
    requests: readonly unknown[],
    signal: AbortSignal,
    work: Promise<unknown>[],
  ): Promise<string | null> {
    if (requests.length === 0) return errorBody(new RpcError(RPC_CODES.invalidRequest, "empty batch"));
    if (requests.length > MAX_BATCH_CALLS) {
      const message = `batch too large: ${requests.length} calls, at most ${MAX_BATCH_CALLS}`;
      return errorBody(new RpcError(RPC_CODES.invalidRequest, message));
    }
    const answers: string[] = [];
    let length = 0;
    for (const request of requests) {
      const answer = await this.#answerCall(request, signal, work, MAX_ANSWER_LENGTH - length);
      if (answer === null) continue;
      length += answer.length;
      answers.push(answer);
    }
    return answers.length === 0 ? null : `[${answers.join(",")}]`;
  }

  async #answerCall(
    request: unknown,
    signal: AbortSignal,
    work: Promise<unknown>[],
    maxLength = MAX_ANSWER_LENGTH,
  ): Promise<string | null> {
    const call = readCall(request);
    if ("error" in call) return errorBody(call.error, call.id);
    const { id, method, params } = call;
    try {
      const running = this.#run(method, params, signal);
      work.push(running.catch(() => undefined));
      const result = await beforeDeadline(running, signal);
      if (id === undefined) return null;
      const body = JSON.stringify({ jsonrpc: "2.0", id, result });
      if (body.length <= maxLength) return body;
      return errorBody(new RpcError(RPC_CODES.responseTooLarge, "response too large: ask for less at a time"), id);
    } catch (error) {
      return id === undefined ? null : errorBody(this.#toRpcError(method, error, signal), id);
    }
  }

  async #run(name: string, params: readonly unknown[], signal: AbortSignal): Promise<Json> {
    signal.throwIfAborted();
    const method = this.#methods.get(name);
    if (method === undefined) {
      throw new RpcError(RPC_CODES.methodNotFound, `the method ${name.slice(0, 100)} does not exist/is not available`);
    }
    const { backend, simulator, clientVersion } = this.#options;
    const context: MethodContext = { backend, simulator, clientVersion, signal, views: this.#views };
    return method.run(context, params);
  }

  #toRpcError(method: string, error: unknown, signal: AbortSignal): RpcError {
    if (error instanceof RpcError) return error;
    if (signal.aborted && error === signal.reason)
      return new RpcError(RPC_CODES.resourceUnavailable, "request timed out");
    const unavailable = causeOf(error, BackendError);
    if (unavailable !== null) {
      const code = unavailable.code === "unreachable" ? RPC_CODES.resourceUnavailable : RPC_CODES.server;
      return new RpcError(code, unavailable.message, { cause: error });
    }
    this.#options.onFault?.(method, error);
    const missing = causeOf(error, ExecutionError);
    if (missing !== null) return new RpcError(RPC_CODES.internal, missing.message, { cause: error });
    return new RpcError(RPC_CODES.internal, "internal error", { cause: error });
  }
}

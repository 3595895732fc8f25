/** Error codes of the JSON-RPC interface: JSON-RPC 2.0, EIP-1474, and what execution clients agree on (execution-apis). */
export const RPC_CODES = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** what a server refuses for a reason of the chain: nonce, funds, unknown block, failed execution */
  server: -32000,
  /** no such DAC */
  resourceNotFound: -32001,
  /** not now: timed out, or the data cannot be had at the moment */
  resourceUnavailable: -32002,
  responseTooLarge: -32003,
  limitExceeded: -32005,
  reverted: 3,
} as const;

export type RpcCode = (typeof RPC_CODES)[keyof typeof RPC_CODES];

/** An answer that is an error: everything a method wants the caller to see. */
export class RpcError extends Error {
  readonly code: RpcCode;
  /** hexadecimal return data of a reverted execution */
  readonly data: string | undefined;

  constructor(code: RpcCode, message: string, details: { readonly data?: string; readonly cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "RpcError";
    this.code = code;
    this.data = details.data;
  }
}

export const invalidParams = (message: string): RpcError => new RpcError(RPC_CODES.invalidParams, message);
export const serverError = (message: string): RpcError => new RpcError(RPC_CODES.server, message);
export const limitExceeded = (message: string): RpcError => new RpcError(RPC_CODES.limitExceeded, message);

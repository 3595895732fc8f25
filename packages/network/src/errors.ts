import type { PeerId } from "@mvm/protocol";
import { MAX_REFUSAL_BYTES } from "./limits.ts";

/**
 * - timeout: no answer in the given time
 * - unreachable: no connection to the peer, or it broke before the answer came
 * - busy: the peer, or our own queue to it, has as many requests in flight as it takes
 * - too-large: a message is above its bound
 * - remote-error: the peer's handler refused or failed; `data.reason` is what it said
 * - stopped: this node is not running
 * - protocol: the peer does not speak the protocol, or broke its rules
 * - aborted: the caller's signal
 */
export type NetworkErrorCode =
  | "timeout"
  | "unreachable"
  | "busy"
  | "too-large"
  | "remote-error"
  | "stopped"
  | "protocol"
  | "aborted";

/** What a NetworkError knows about its circumstances. */
export type NetworkErrorData = {
  readonly peer?: PeerId;
  readonly protocol?: string;
  readonly topic?: string;
  readonly address?: string;
  readonly sizeBytes?: number;
  readonly maxBytes?: number;
  /** text of the peer's refusal, at most MAX_REFUSAL_BYTES bytes of UTF-8; written by the peer, not to be trusted */
  readonly reason?: string;
};

/** The one error class of this package. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode;
  readonly data: NetworkErrorData;
  constructor(code: NetworkErrorCode, message: string, data: NetworkErrorData = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "NetworkError";
    this.code = code;
    this.data = data;
  }
}

/**
 * Thrown by a request handler to tell the requester why it gets no answer. Its text crosses the wire (cut to
 * MAX_REFUSAL_BYTES); the text of any other error stays here, since it could say more than the peer should know.
 */
export class RequestRefused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "RequestRefused";
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text to at most MAX_REFUSAL_BYTES bytes of UTF-8, never cutting a character in two. */
export function encodeReason(reason: string): Uint8Array {
  const bytes = new Uint8Array(MAX_REFUSAL_BYTES);
  return bytes.subarray(0, encoder.encodeInto(reason, bytes).written);
}

/** Bytes of a refusal to text; what is not UTF-8 becomes replacement characters. */
export function decodeReason(bytes: Uint8Array): string {
  return decoder.decode(bytes.subarray(0, MAX_REFUSAL_BYTES));
}

/**
 * - object-damaged: sealed bytes that are not what was sealed under this key: changed, reordered, repeated, of another object
 * - object-truncated: the sealed bytes end before the object does
 * - object-extended: sealed bytes go on after the object's end
 * - object-unknown-version: sealed by a newer version
 * - plaintext-length: the source to be sealed has not as many bytes as was said
 * - source-failed: a stream that was to be kept failed; `cause` is what it threw
 * - block-missing: a block is neither here nor came from a peer in time
 * - block-damaged: a block on this disk is not what its CID says
 * - dag-refused: a CID, block or tree of a form that this swarm does not keep
 * - too-large: an object or block above its bound
 * - unreachable: no connection to a peer
 * - stopped: this node is not running
 * - aborted: the caller's signal
 * - store-failed: the disk
 */
export type ConfidentialErrorCode =
  | "object-damaged"
  | "object-truncated"
  | "object-extended"
  | "object-unknown-version"
  | "plaintext-length"
  | "source-failed"
  | "block-missing"
  | "block-damaged"
  | "dag-refused"
  | "too-large"
  | "unreachable"
  | "stopped"
  | "aborted"
  | "store-failed";

/** What a ConfidentialError knows about its circumstances; never plaintext, never a key. */
export type ConfidentialErrorData = {
  readonly cid?: string;
  readonly address?: string;
  /** number of a sealed segment, from 0 */
  readonly segment?: number;
  readonly sizeBytes?: number;
  readonly maxBytes?: number;
};

/** The one error class of this package. */
export class ConfidentialError extends Error {
  readonly code: ConfidentialErrorCode;
  readonly data: ConfidentialErrorData;
  constructor(code: ConfidentialErrorCode, message: string, data: ConfidentialErrorData = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ConfidentialError";
    this.code = code;
    this.data = data;
  }
}

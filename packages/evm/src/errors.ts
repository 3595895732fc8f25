import type { StateKey } from "@mvm/protocol";

/** A key in one line, as logs and messages show it. */
export function describeKey(key: StateKey): string {
  switch (key.kind) {
    case "account":
      return `account ${key.address}`;
    case "slot":
      return `slot ${key.slot} of ${key.address}`;
    case "code":
      return `code ${key.hash}`;
    case "blockHash":
      return `blockHash ${key.number}`;
    default:
      return key.kind;
  }
}

/**
 * Execution could not be carried out: not a verdict on the transaction. `missing-value`: the reader could not answer
 * for `key`; `inconsistent-value`: it answered something that cannot be (code of another hash, an integer out of
 * range); `library-failure`: a precompile of the underlying library broke down.
 */
export class ExecutionError extends Error {
  readonly code: "missing-value" | "inconsistent-value" | "library-failure";
  readonly key: StateKey | null;

  constructor(code: ExecutionError["code"], key: StateKey | null, detail: string, cause?: unknown) {
    super(key === null ? detail : `${describeKey(key)}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = "ExecutionError";
    this.code = code;
    this.key = key;
  }
}

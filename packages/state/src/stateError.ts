/** What went wrong in the state package; `data` names the key, hash, path or number concerned. */
export type StateErrorCode =
  /** a trie node that the operation needs is not there: `hash`, `path` (nibbles walked to it) */
  | "missing-node"
  /** bytes that are no canonical trie node or account of a state trie: `hash` where known */
  | "bad-node"
  /** a proof carries a node or a code that proves nothing of what was asked: `hash` */
  | "unused-node"
  | "unused-code"
  /** code that no one has handed over or stored: `hash` */
  | "missing-code"
  /** bytes that nobody asked for: `hash` */
  | "not-wanted"
  /** the state of another root has begun to come, or there is one: `found`, `asked` */
  | "other-sync"
  /** a state that has not come as a whole */
  | "not-whole"
  /** a key that the state trie cannot prove (number, chainId, blockHash): `kind` */
  | "not-state"
  /** more keys, nodes or reads than a named bound allows: `bound` */
  | "too-many"
  /** the database under this one failed: `cause` */
  | "store-failed"
  | "closed"
  /** the database was written by a newer program: `found`, `supported` */
  | "schema-too-new"
  /** the directory holds something else than a database of this program */
  | "not-a-database"
  /** opened with another mode than it was made with: `found`, `asked` */
  | "mode-mismatch"
  | "not-initialised"
  /** another genesis than the one stored: `found`, `asked` */
  | "genesis-mismatch"
  /** a block that does not follow the head: `expected`, `got` */
  | "not-next"
  /** the head moved between prepare and commit, or a commit is under way */
  | "stale-prepare"
  | "commit-in-progress"
  /** block contents whose lists do not have the same length */
  | "bad-block"
  /** rollback of a block that is final or unknown: `number` */
  | "cannot-roll-back"
  /** state asked of a database that keeps none */
  | "no-state"
  /** a block number, range or filter outside of its bounds */
  | "out-of-range"
  /** a fetch of proven reads failed or was aborted: `cause` */
  | "fetch-failed";

/** The one error of this package. */
export class StateError extends Error {
  readonly code: StateErrorCode;
  readonly data: Readonly<Record<string, string | number>>;

  constructor(code: StateErrorCode, data: Readonly<Record<string, string | number>> = {}, cause?: unknown) {
    const detail = Object.entries(data).map(([name, value]) => ` ${name}=${value}`);
    super(`${code}${detail.join("")}`, cause === undefined ? undefined : { cause });
    this.name = "StateError";
    this.code = code;
    this.data = data;
  }

  /** The hash of the missing or refused node, where there is one. */
  get hash(): string | undefined {
    return this.data["hash"] as string | undefined;
  }

  /** The nibbles that lead to the node, where there are any. */
  get path(): string | undefined {
    return this.data["path"] as string | undefined;
  }
}

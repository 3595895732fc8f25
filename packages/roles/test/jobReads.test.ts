import {
  EMPTY_CODE_HASH,
  type Hash,
  keccakHash,
  type Outcome,
  type StateEntry,
  type StateKey,
  toWord,
  toWordHex,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { JobReads } from "../src/index.ts";
import { outcome, USERS } from "./world.ts";

const [caller, contract, other] = USERS.map(({ operator }) => operator);
const CALLS = [0, 1].map((last) => ({ from: caller!, to: contract!, data: Uint8Array.of(1, 2, 3, 4, last) }));

const code = (n: bigint): StateEntry & { kind: "code" } => ({
  kind: "code",
  hash: keccakHash(toWord(n)),
  value: toWord(n),
});
const accountOf = (address: typeof caller, codeHash: Hash): StateEntry => ({
  kind: "account",
  address: address!,
  value: { nonce: 0n, balance: 1n, codeHash },
});
const word = (n: bigint): StateEntry => ({ kind: "slot", address: contract!, slot: toWordHex(n), value: n });

const GIVEN = [accountOf(caller, EMPTY_CODE_HASH), accountOf(contract, code(1n).hash)];
/** what the charter says, that no key asked for */
const CHARTER = word(99n);
const PREDICTABLE = [accountOf(other, code(2n).hash), word(7n)];
const keysOf = (entries: readonly StateEntry[]): readonly StateKey[] =>
  entries.map(({ value: _value, ...key }) => key as StateKey);
const included = (reads: readonly StateEntry[]): Outcome => ({ kind: "included", ...outcome(), reads });

/** A job with these values, whose transactions all read some others as well. */
function job(reads: JobReads, entries: readonly StateEntry[], read: readonly StateEntry[], asked = 0): void {
  reads.opened(entries);
  for (let i = 0; i < asked; i++) reads.asked();
  reads.agreed(
    CALLS,
    CALLS.map(() => included([...GIVEN, code(1n), CHARTER, ...read])),
  );
}

describe("reads of jobs", () => {
  it("are counted once a job, but those that every job has; code counts as predicted where its account was", () => {
    const reads = new JobReads();
    const read = [...PREDICTABLE, code(2n), { kind: "number", value: 3n } as const];
    expect(reads.foretell(CALLS, keysOf(GIVEN))).toEqual([]);
    job(reads, [...GIVEN, CHARTER, code(1n)], read, 3);
    expect(reads.counts).toEqual({ jobs: 1, reads: 4, predictedReads: 0, predictions: 0, valuesRequests: 3 });
    expect(reads.foretell(CALLS, keysOf(GIVEN))).toEqual(keysOf(PREDICTABLE));
    job(reads, [...GIVEN, ...PREDICTABLE, CHARTER, code(1n), code(2n)], read, 1);
    expect(reads.counts).toEqual({ jobs: 2, reads: 8, predictedReads: 3, predictions: 3, valuesRequests: 4 });
  });

  it("count nothing of a job that came to nothing, nor of transactions that are not in the block", () => {
    const reads = new JobReads();
    reads.foretell(CALLS, keysOf(GIVEN));
    reads.opened([...GIVEN, CHARTER]);
    reads.asked();
    reads.foretell(CALLS, keysOf(GIVEN));
    reads.opened([...GIVEN, CHARTER]);
    reads.agreed(CALLS, [{ kind: "invalid", reason: "nonce-too-high", reads: [] }]);
    expect(reads.counts).toEqual({ jobs: 1, reads: 0, predictedReads: 0, predictions: 0, valuesRequests: 0 });
  });
});

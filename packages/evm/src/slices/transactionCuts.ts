/** A transaction cut from its first check to its last receipt: steps around its messages, slices within (decision 041). */
import { type Address, EMPTY_CODE_HASH, type Hash, ZERO_HASH } from "@mvm/protocol";
import type { AccountState } from "../transactionState.ts";
import { type CutRoots, commitAround, type MachineState, type Marks } from "./machineState.ts";
import type { AccountValues } from "./sliceMeter.ts";
import type { Slice } from "./slicingMachine.ts";

/** Kinds of states around messages; those within are 1 to 3. */
export const STEP_KINDS = {
  checking: 4,
  minting: 5,
  listing: 6,
  calling: 7,
  clearing: 8,
  receiving: 9,
  filingReceipt: 10,
  filingTransaction: 11,
} as const;

export type StepState = {
  readonly kind: keyof typeof STEP_KINDS;
  readonly marks: Marks;
  /** number of a list's next item; else 0 */
  readonly cursor: number;
};

/** What gas is for: the sender pays it, it counts in the block alone, nobody counts it. */
export const BILLING = { billed: 0, counted: 1, free: 2 } as const;

/** What start and end keep of a transaction. */
export type CaseTerms = {
  /** its type; 0x7e of a system transaction */
  readonly kind: number;
  readonly billing: keyof typeof BILLING;
  readonly gasLimit: bigint;
  /** of the message */
  readonly gas: bigint;
  readonly floor: bigint;
  /** wei */
  readonly l1Fee: bigint;
  /** wei */
  readonly tax: bigint;
  /** number of the cut whose roots a message that fails puts back; null: none has begun */
  readonly undo: number | null;
  /** that come after the present one */
  readonly calls: number;
  readonly status: 0 | 1;
  readonly gasUsed: bigint;
};

/** What the environment has of the transaction. */
export type CaseOrigin = { readonly gasPrice: bigint; readonly origin: bigint; readonly denied: bigint };

/** What stands between two parts. */
export type Cut = {
  readonly state: StepState | MachineState;
  readonly terms: CaseTerms;
  readonly origin: CaseOrigin;
};

/** An account that a step meets; `after` null: nothing but its warmth may be other than before. */
export type StepAccount = {
  readonly address: Address;
  /** whether it is warm after the step, where it was not before; `after` does not say */
  readonly isWarm: boolean;
  readonly after: AccountValues | null;
};

/** A slot of the first account; `current` null: as before. */
export type StepSlot = { readonly key: bigint; readonly isWarm: boolean; readonly current: bigint | null };

export type Step = {
  readonly accounts: readonly StepAccount[];
  readonly slots: readonly StepSlot[];
  /** whose code, as it is before the step, is looked at where there is one */
  readonly coded: readonly Address[];
  /** number of the cut whose roots the step starts from; null: those of the cut before it */
  readonly restored: number | null;
  /** accounts that go, the last of their chain */
  readonly cleared: readonly Address[];
};

export type Part = Step | Slice;

export const isSlice = (part: Part): part is Slice => "evidence" in part;

const NO_MARKS: Marks = { refund: 0, logs: ZERO_HASH, logBytes: 0, logCount: 0, destroyed: ZERO_HASH };

export const FIRST_CUT: Cut = {
  state: { kind: "checking", marks: NO_MARKS, cursor: 0 },
  terms: {
    ...{ kind: 0, billing: "billed", gasLimit: 0n, gas: 0n, floor: 0n, l1Fee: 0n, tax: 0n },
    ...{ undo: null, calls: 0, status: 0, gasUsed: 0n },
  },
  origin: { gasPrice: 0n, origin: 0n, denied: 0n },
};

/** An account as world and what is touched have it. */
export function accountValues(account: AccountState, isPrecompile: (address: Address) => boolean): AccountValues {
  const { original, nonce, balance, codeHash, isEmpty } = account;
  const stoodEmpty =
    original !== null &&
    original.nonce === 0n &&
    original.balance === 0n &&
    original.codeHash === EMPTY_CODE_HASH &&
    !account.touched;
  return {
    exists: !isEmpty || stoodEmpty,
    nonce,
    balance,
    codeHash,
    hasStorage: original?.hasStorage === true,
    isWarm: account.warm && !isPrecompile(account.address),
    isCreated: account.created,
    isDestroyed: account.destroyed,
    stoodEmpty,
  };
}

/** The commitment to a state around messages. */
export const commitStep = ({ kind, marks, cursor }: StepState, surroundings: Hash, roots: CutRoots): Hash =>
  commitAround({ kind: STEP_KINDS[kind], marks, cursor }, surroundings, roots);

/** What a machine may be told of a transaction around its messages. */
import type { TransactionMessage } from "@mvm/protocol";
import type { MessageResult } from "./calls.ts";
import type { Terms } from "./charter.ts";
import type { IntrinsicGas } from "./intrinsic.ts";
import type { AccountState, SlotState, TransactionState } from "./transactionState.ts";

/** A message about to begin: who takes part in it, warm from the start. */
export type Call = {
  readonly state: TransactionState;
  readonly sender: AccountState;
  readonly target: AccountState;
  readonly feeRecipient: AccountState;
  readonly tax: bigint;
};

/** Told after each thing, but for `calling` and `clearing`; decision 041 has the steps. */
export interface TransactionObserver {
  /** A user's transaction may stand in the block, and has paid beforehand. */
  charged(
    state: TransactionState,
    charged: {
      readonly message: TransactionMessage;
      readonly sender: AccountState;
      readonly intrinsic: IntrinsicGas;
      readonly terms: Terms;
      readonly gasPrice: bigint;
    },
  ): void;
  /** A system transaction is found to do something, or nothing. */
  arranged(
    state: TransactionState,
    arranged: {
      readonly next: "mint" | "call" | "nothing";
      readonly status: 0 | 1;
      readonly isCounted: boolean;
      readonly gasLimit: bigint;
      readonly originWord: bigint;
      readonly denied: bigint;
      /** that come after the first one */
      readonly calls: number;
    },
  ): void;
  minted(state: TransactionState, receiver: AccountState, supply: SlotState, next: "call" | "nothing"): void;
  /** An item of the access list, or an authorisation, of `account` if it has one. */
  listed(state: TransactionState, account: AccountState | null, slot: SlotState | "authorization" | null): void;
  calling(call: Call): void;
  ended(state: TransactionState, result: MessageResult): void;
  /** @param paid sender and fee recipient; empty where nobody pays */
  settled(state: TransactionState, gasUsed: bigint, paid: readonly AccountState[]): void;
  /** The accounts that go are about to. */
  clearing(state: TransactionState): void;
}

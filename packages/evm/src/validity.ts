/** Whether a message may stand in a block at all. */
import { type BlockEnvironment, EMPTY_CODE_HASH, type InvalidReason, type TransactionMessage } from "@mvm/protocol";
import { deniesTransactions, type Terms } from "./charter.ts";
import { MAX_INITCODE_BYTES } from "./instructions/calling.ts";
import type { IntrinsicGas } from "./intrinsic.ts";
import type { Rules } from "./rules.ts";
import type { AccountState, TransactionState } from "./transactionState.ts";

/** EIP-7825 */
const TRANSACTION_GAS_CAP = 16_777_216n;
/** EIP-2681: the last nonce that a transaction may not have */
const NONCE_BOUND = (1n << 64n) - 1n;

/** The faults of a message that show without any state; null: none. */
export function formFault(
  message: TransactionMessage,
  environment: BlockEnvironment,
  rules: Rules,
  intrinsic: IntrinsicGas,
  blockGasLeft: bigint,
): InvalidReason | null {
  const { type, gasLimit } = message;
  if (type === 4 && (!rules.delegation || message.to === null)) return "type-not-supported";
  if (type === 4 && message.authorizations.length === 0) return "empty-authorizations";
  if (rules.transactionGasCap && gasLimit > TRANSACTION_GAS_CAP) return "gas-limit-above-cap";
  if (gasLimit > blockGasLeft) return "gas-limit-above-block";
  if (gasLimit < BigInt(Math.max(intrinsic.charge, intrinsic.floor))) return "intrinsic-gas";
  if (message.to === null && rules.initcodeLimit && message.data.length > MAX_INITCODE_BYTES)
    return "initcode-too-large";
  if (message.maxPriorityFeePerGas > message.maxFeePerGas) return "tip-above-fee";
  if (message.maxFeePerGas < environment.baseFeePerGas) return "fee-below-base-fee";
  return null;
}

/** The faults of a message against its sender's loaded account, funds aside; null: none; undefined: wait for `pending`. */
export function senderFault(
  message: TransactionMessage,
  sender: AccountState,
  state: TransactionState,
  rules: Rules,
): InvalidReason | null | undefined {
  if (message.nonce >= NONCE_BOUND || sender.nonce >= NONCE_BOUND) return "nonce-overflow";
  if (message.nonce < sender.nonce) return "nonce-too-low";
  if (message.nonce > sender.nonce) return "nonce-too-high";
  if (sender.codeHash !== EMPTY_CODE_HASH) {
    const code = state.codeOf(sender);
    if (code === undefined) return undefined;
    if (code.delegate === null || !rules.delegation) return "sender-has-code";
  }
  return null;
}

/** The faults of a message against what the charter says of it, and whether its sender can pay for all; null: none. */
export function termsFault(message: TransactionMessage, sender: AccountState, terms: Terms): InvalidReason | null {
  if (deniesTransactions(terms)) return "denied";
  const { gasLimit, maxFeePerGas, value, l1Fee } = message;
  if (sender.balance < gasLimit * maxFeePerGas + value + terms.tax + l1Fee) return "insufficient-funds";
  return null;
}

/** Gas that a transaction costs before it runs (EIP-2028, 2930, 3860, 7623, 7702). */
import type { TransactionMessage } from "@mvm/protocol";
import { wordCount } from "./frame.ts";
import type { Rules } from "./rules.ts";

/** gas of a transaction that does nothing but move value to an account without code */
export const TRANSFER_GAS = 21_000;
const CREATE_GAS = 32_000;
const TOKEN_GAS = 4;
const TOKENS_PER_NONZERO_BYTE = 4;
const INITCODE_WORD_GAS = 2;
const ACCESS_ADDRESS_GAS = 2_400;
const ACCESS_SLOT_GAS = 1_900;
/** per authorisation; the part above AUTHORIZATION_BASE_GAS comes back where the authority exists */
const AUTHORIZATION_GAS = 25_000;
const AUTHORIZATION_BASE_GAS = 12_500;
const FLOOR_TOKEN_GAS = 10;

/** Given back for an authority that exists already (EIP-7702). */
export const AUTHORIZATION_REFUND = AUTHORIZATION_GAS - AUTHORIZATION_BASE_GAS;

export type IntrinsicGas = {
  /** charged before execution */
  readonly charge: number;
  /** the least that the transaction uses in the end (EIP-7623); 0 where the fork has none */
  readonly floor: number;
};

/** Intrinsic gas of a message under a fork's rules. */
export function intrinsicGas(message: TransactionMessage, rules: Rules): IntrinsicGas {
  let tokens = 0;
  for (const byte of message.data) tokens += byte === 0 ? 1 : TOKENS_PER_NONZERO_BYTE;
  let charge = TRANSFER_GAS + TOKEN_GAS * tokens + AUTHORIZATION_GAS * message.authorizations.length;
  if (message.to === null) {
    charge += CREATE_GAS;
    if (rules.initcodeLimit) charge += INITCODE_WORD_GAS * wordCount(message.data.length);
  }
  for (const { slots } of message.accessList) charge += ACCESS_ADDRESS_GAS + ACCESS_SLOT_GAS * slots.length;
  return { charge, floor: rules.calldataFloor ? TRANSFER_GAS + FLOOR_TOKEN_GAS * tokens : 0 };
}

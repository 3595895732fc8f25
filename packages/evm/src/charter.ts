/** What the DAC's charter says of a transaction: opcodes that its signer is denied, and the tax on its value. */
import {
  type Address,
  bracketCountOf,
  bracketSlots,
  bracketsOf,
  CHARTER_SLOTS,
  deniedWord,
  hasOpcode,
  isFree,
  PREDEPLOYS,
  PSEUDO_OPERATIONS,
  type SignerSlots,
  type StateReader,
  signerSlotsOf,
  taxOf,
} from "@mvm/protocol";
import type { AccountState, TransactionState } from "./transactionState.ts";
import { slotKeyOf } from "./words.ts";

/** Signers whose slots are kept: two keccaks saved for each transaction of theirs. */
const KEPT_SIGNERS = 65_536;
const slotsBySigner = new Map<Address, SignerSlots>();

function signerSlots(signer: Address): SignerSlots {
  const known = slotsBySigner.get(signer);
  if (known !== undefined) return known;
  if (slotsBySigner.size >= KEPT_SIGNERS) slotsBySigner.clear();
  const slots = signerSlotsOf(signer);
  slotsBySigner.set(signer, slots);
  return slots;
}

/** `tax` in wei, on top of the value; `denied`: bit n stands for opcode n. */
export type Terms = { readonly denied: bigint; readonly tax: bigint };

/** The terms of a DAC without rules and tax. */
export const FREE_TERMS: Terms = { denied: 0n, tax: 0n };

function taxBy(value: bigint, words: readonly bigint[], count: number): bigint {
  return count === 0 ? 0n : taxOf(value, bracketsOf(words, count));
}

/** A slot of the hot account; undefined: wait for `pending`. */
function word(state: TransactionState, account: AccountState, key: bigint): bigint | undefined {
  const slot = state.slotEntry(account, key);
  return state.loadSlot(account, slot) ? slot.current : undefined;
}

/**
 * The terms of a transaction in execution; undefined: wait for `pending`, then ask again. One slot is read after the
 * other, whether or not a value has to be waited for: the order of reads is part of what a provider signs.
 */
export function termsOf(state: TransactionState, signer: Address, value: bigint): Terms | undefined {
  const account = state.entry(PREDEPLOYS.executionManager);
  const flags = word(state, account, CHARTER_SLOTS.flags);
  if (flags === undefined) return undefined;
  if (isFree(flags)) return FREE_TERMS;
  const slots = signerSlots(signer);
  const restricted = word(state, account, CHARTER_SLOTS.restricted);
  if (restricted === undefined) return undefined;
  const allow = restricted === 0n ? 0n : word(state, account, slots.allow);
  if (allow === undefined) return undefined;
  const deny = word(state, account, slots.deny);
  if (deny === undefined) return undefined;
  const count = value === 0n ? 0 : bracketCountOf(flags);
  const brackets: bigint[] = [];
  for (const slot of bracketSlots(count)) {
    const packed = word(state, account, slot);
    if (packed === undefined) return undefined;
    brackets.push(packed);
  }
  return { denied: deniedWord(restricted, allow, deny), tax: taxBy(value, brackets, count) };
}

/** The terms that a state holds for a signer and a value, outside of any execution. The reader's errors are passed on. */
export async function readTerms(reader: StateReader, signer: Address, value: bigint): Promise<Terms> {
  const read = async (slot: bigint): Promise<bigint> => reader.slot(PREDEPLOYS.executionManager, slotKeyOf(slot));
  const flags = await read(CHARTER_SLOTS.flags);
  if (isFree(flags)) return FREE_TERMS;
  const slots = signerSlots(signer);
  const count = value === 0n ? 0 : bracketCountOf(flags);
  const wanted = [CHARTER_SLOTS.restricted, slots.allow, slots.deny, ...bracketSlots(count)];
  const [restricted, allow, deny, ...brackets] = await Promise.all(wanted.map(read));
  return { denied: deniedWord(restricted!, allow!, deny!), tax: taxBy(value, brackets, count) };
}

/** Whether the terms deny sending transactions. */
export const deniesTransactions = ({ denied }: Terms): boolean => hasOpcode(denied, PSEUDO_OPERATIONS.TX);

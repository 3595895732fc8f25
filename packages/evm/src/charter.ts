/** What the DAC's charter says of a transaction: opcodes that its signer is denied, and the tax on its value. */
import {
  type Address,
  allowSlotOf,
  bracketCountOf,
  bracketSlots,
  bracketsOf,
  CHARTER_SLOTS,
  deniedWord,
  denySlotOf,
  type Hash,
  hasDenials,
  hasOpcode,
  isFree,
  PREDEPLOYS,
  PSEUDO_OPERATIONS,
  type StateReader,
  taxOf,
  toWordHex,
} from "@mvm/protocol";
import type { TransactionState } from "./transactionState.ts";

/** Signers whose slots are kept: two keccaks saved for each transaction of theirs. */
const KEPT_SIGNERS = 65_536;
type SignerSlots = { readonly allow: Hash; readonly deny: Hash };
const slotsBySigner = new Map<Address, SignerSlots>();

const FLAGS = toWordHex(CHARTER_SLOTS.flags);
const RESTRICTED = toWordHex(CHARTER_SLOTS.restricted);

function signerSlots(signer: Address): SignerSlots {
  const known = slotsBySigner.get(signer);
  if (known !== undefined) return known;
  if (slotsBySigner.size >= KEPT_SIGNERS) slotsBySigner.clear();
  const slots = { allow: toWordHex(allowSlotOf(signer)), deny: toWordHex(denySlotOf(signer)) };
  slotsBySigner.set(signer, slots);
  return slots;
}

/** `tax` in wei, on top of the value; `denied`: bit n stands for opcode n. */
export type Terms = { readonly denied: bigint; readonly tax: bigint };

/** The terms of a DAC without rules and tax. */
export const FREE_TERMS: Terms = { denied: 0n, tax: 0n };

/**
 * The terms of a transaction in execution; undefined: wait for `pending`, then ask again. One slot is read after the
 * other, whether or not a value has to be waited for: the order of reads is part of what a provider signs.
 */
export function termsOf(state: TransactionState, signer: Address, value: bigint): Terms | undefined {
  const flags = state.hotWord(FLAGS);
  if (flags === undefined) return undefined;
  if (isFree(flags)) return FREE_TERMS;
  const slots = signerSlots(signer);
  const restricted = state.hotWord(RESTRICTED);
  if (restricted === undefined) return undefined;
  const allow = restricted === 0n ? 0n : state.hotWord(slots.allow);
  if (allow === undefined) return undefined;
  const deny = hasDenials(flags) ? state.hotWord(slots.deny) : 0n;
  if (deny === undefined) return undefined;
  const denied = deniedWord(restricted, allow, deny);
  const count = value === 0n ? 0 : bracketCountOf(flags);
  if (count === 0) return { denied, tax: 0n };
  const brackets: bigint[] = [];
  for (const slot of bracketSlots(count)) {
    const packed = state.hotWord(toWordHex(slot));
    if (packed === undefined) return undefined;
    brackets.push(packed);
  }
  return { denied, tax: taxOf(value, bracketsOf(brackets, count)) };
}

/** The terms that a state holds for a signer and a value, outside of any execution. The reader's errors are passed on. */
export async function readTerms(reader: StateReader, signer: Address, value: bigint): Promise<Terms> {
  const read = async (slot: Hash): Promise<bigint> => reader.slot(PREDEPLOYS.executionManager, slot);
  const flags = await read(FLAGS);
  if (isFree(flags)) return FREE_TERMS;
  const slots = signerSlots(signer);
  const count = value === 0n ? 0 : bracketCountOf(flags);
  const wanted = [RESTRICTED, slots.allow, slots.deny, ...bracketSlots(count).map(toWordHex)];
  const [restricted, allow, deny, ...brackets] = await Promise.all(wanted.map(read));
  return { denied: deniedWord(restricted!, allow!, deny!), tax: taxOf(value, bracketsOf(brackets, count)) };
}

/** Whether the terms deny sending transactions. */
export const deniesTransactions = ({ denied }: Terms): boolean =>
  denied !== 0n && hasOpcode(denied, PSEUDO_OPERATIONS.TX);

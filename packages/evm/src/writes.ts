/** What a transaction leaves behind: the values that really changed, in their canonical order. */
import { type Account, type AccountWrite, type Address, EMPTY_CODE_HASH, type Hash } from "@mvm/protocol";
import type { AccountState, TransactionState } from "./transactionState.ts";
import { slotKeyOf } from "./words.ts";

type SlotWrite = { readonly slot: Hash; readonly value: bigint };

function slotWrites(account: AccountState): SlotWrite[] {
  const writes: SlotWrite[] = [];
  if (account.slots === null) return writes;
  for (const slot of account.slots.values()) {
    if (slot.current !== slot.original) writes.push({ slot: slotKeyOf(slot.key), value: slot.current });
  }
  return writes.length < 2 ? writes : writes.sort((a, b) => (a.slot < b.slot ? -1 : 1));
}

/** The account after the transaction; null: absent (destroyed, or empty by EIP-161). */
function finalAccount(account: AccountState): Account | null {
  if (account.destroyed) return null;
  const { original, nonce, balance, codeHash } = account;
  if (account.isEmpty) {
    const stands =
      original !== null &&
      !account.touched &&
      original.nonce === 0n &&
      original.balance === 0n &&
      original.codeHash === EMPTY_CODE_HASH;
    return stands ? original : null;
  }
  if (original !== null && original.nonce === nonce && original.balance === balance && original.codeHash === codeHash)
    return original;
  return { nonce, balance, codeHash };
}

function accountWrite(state: AccountState): AccountWrite | null {
  const { address, original } = state;
  const account = finalAccount(state);
  if (account === null) return original === null ? null : { address, account: null, code: null, slots: [] };
  const slots = slotWrites(state);
  if (account === original && slots.length === 0) return null;
  const hasNewCode =
    account.codeHash !== (original?.codeHash ?? EMPTY_CODE_HASH) && account.codeHash !== EMPTY_CODE_HASH;
  return { address, account, code: hasNewCode ? state.code!.bytes : null, slots };
}

function byAddress(a: { readonly address: Address }, b: { readonly address: Address }): number {
  return a.address < b.address ? -1 : 1;
}

/** Writes of a transaction, sorted by address, slots by key. */
export function collectWrites(state: TransactionState): AccountWrite[] {
  const writes: AccountWrite[] = [];
  for (const account of state.changed) {
    const write = accountWrite(account);
    if (write !== null) writes.push(write);
  }
  return writes.sort(byAddress);
}

/** State of a chain after each block, in memory. */
import type { Account, AccountWrite, Address, ChainId, Hash, StateReader } from "@mvm/protocol";
import { BackendError } from "../src/index.ts";

export type Snapshot = {
  readonly accounts: ReadonlyMap<Address, Account>;
  readonly slots: ReadonlyMap<string, bigint>;
  readonly codes: ReadonlyMap<Hash, Uint8Array>;
};

export const EMPTY_SNAPSHOT: Snapshot = { accounts: new Map(), slots: new Map(), codes: new Map() };

/** The snapshot with writes applied; the given one stays as it is. */
export function withWrites(before: Snapshot, writes: readonly AccountWrite[]): Snapshot {
  const accounts = new Map(before.accounts);
  const slots = new Map(before.slots);
  const codes = new Map(before.codes);
  for (const { address, account, code, slots: written } of writes) {
    if (account === null) {
      accounts.delete(address);
      for (const key of slots.keys()) if (key.startsWith(address)) slots.delete(key);
      continue;
    }
    accounts.set(address, account);
    if (code !== null) codes.set(account.codeHash, code);
    for (const { slot, value } of written) slots.set(`${address}:${slot}`, value);
  }
  return { accounts, slots, codes };
}

export type ReaderPlace = {
  readonly number: bigint;
  readonly chainId: ChainId;
  readonly blockHash: (number: bigint) => Hash | undefined;
};

/** Reads a snapshot as the block at that place does. */
export function readerOf(snapshot: Snapshot, place: ReaderPlace): StateReader {
  return {
    account: (address) => snapshot.accounts.get(address) ?? null,
    slot: (address, slot) => snapshot.slots.get(`${address}:${slot}`) ?? 0n,
    code: (hash) => {
      const code = snapshot.codes.get(hash);
      if (code === undefined) throw new BackendError("state-unavailable", `no code ${hash}`);
      return code;
    },
    number: () => place.number,
    chainId: () => place.chainId,
    blockHash: (number) => {
      const hash = place.blockHash(number);
      if (hash === undefined) throw new BackendError("state-unavailable", `no block ${number}`);
      return hash;
    },
  };
}

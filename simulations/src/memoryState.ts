/** A whole state in memory as a reader: what benchmarks, fuzzers and public suites execute on. */
import type { Account, AccountWrite, Address, Hash, StateReader } from "@mvm/protocol";

/** What a chain answers beside its state. */
export type ChainValues = {
  readonly number: bigint;
  readonly chainId: bigint;
  readonly blockHash: (number: bigint) => Hash;
};

export class MemoryState implements StateReader {
  readonly accounts = new Map<Address, Account>();
  readonly codes = new Map<Hash, Uint8Array>();
  readonly storages = new Map<Address, Map<Hash, bigint>>();
  chain: ChainValues;

  constructor(chain: ChainValues) {
    this.chain = chain;
  }

  account(address: Address): Account | null {
    return this.accounts.get(address) ?? null;
  }

  slot(address: Address, slot: Hash): bigint {
    return this.storages.get(address)?.get(slot) ?? 0n;
  }

  code(hash: Hash): Uint8Array {
    const code = this.codes.get(hash);
    if (code === undefined) throw new Error(`no code ${hash}`);
    return code;
  }

  number(): bigint {
    return this.chain.number;
  }

  chainId(): bigint {
    return this.chain.chainId;
  }

  blockHash(number: bigint): Hash {
    return this.chain.blockHash(number);
  }

  apply(writes: readonly AccountWrite[]): void {
    for (const { address, account, code, slots } of writes) {
      if (account === null) {
        this.accounts.delete(address);
        this.storages.delete(address);
        continue;
      }
      this.accounts.set(address, account);
      if (code !== null) this.codes.set(account.codeHash, code);
      if (slots.length === 0) continue;
      const storage = this.storages.get(address) ?? new Map<Hash, bigint>();
      this.storages.set(address, storage);
      for (const { slot, value } of slots) {
        if (value === 0n) storage.delete(slot);
        else storage.set(slot, value);
      }
    }
  }
}

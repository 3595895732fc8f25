/** The whole pre-state of the block benchmarks in memory: what each contender is loaded with. */
import { type Account, type AccountWrite, type Address, type Hash, type StateReader, toWordHex } from "@mvm/protocol";

export class BenchState implements StateReader {
  readonly accounts = new Map<Address, Account>();
  readonly codes = new Map<Hash, Uint8Array>();
  readonly storages = new Map<Address, Map<Hash, bigint>>();

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
    return 1n;
  }

  chainId(): bigint {
    return 1n;
  }

  blockHash(number: bigint): Hash {
    return toWordHex(number);
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

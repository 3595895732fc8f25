/** World state by the reference trie library: what ours is compared with. */
import { createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import {
  type AccountWrite,
  type Address,
  bigIntToBytes,
  EMPTY_TRIE_ROOT,
  encodeRlp,
  fromHex,
  toHex,
} from "@mvm/protocol";

export class OracleState {
  readonly #accounts: MerklePatriciaTrie;
  readonly #storages = new Map<string, MerklePatriciaTrie>();

  private constructor(accounts: MerklePatriciaTrie) {
    this.#accounts = accounts;
  }

  static async make(): Promise<OracleState> {
    return new OracleState(await createMPT({ useKeyHashing: true }));
  }

  /** Root of an account's storage. */
  storageRootOf(address: Address): string {
    const storage = this.#storages.get(address);
    return storage === undefined ? EMPTY_TRIE_ROOT : toHex(storage.root());
  }

  async apply(writes: readonly AccountWrite[]): Promise<string> {
    for (const { address, account, slots } of writes) {
      const key = fromHex(address);
      if (account === null) {
        this.#storages.delete(address);
        await this.#accounts.del(key);
        continue;
      }
      const storage = this.#storages.get(address) ?? (await createMPT({ useKeyHashing: true }));
      this.#storages.set(address, storage);
      for (const { slot, value } of slots) {
        if (value === 0n) await storage.del(fromHex(slot));
        else await storage.put(fromHex(slot), encodeRlp(bigIntToBytes(value)));
      }
      const fields = [
        bigIntToBytes(account.nonce),
        bigIntToBytes(account.balance),
        storage.root(),
        fromHex(account.codeHash),
      ];
      await this.#accounts.put(key, encodeRlp(fields));
    }
    return toHex(this.#accounts.root());
  }
}

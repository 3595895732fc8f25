/** State of a chain after each block, in memory. */
import { createMerkleProof, createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import {
  type Account,
  type AccountWrite,
  type Address,
  type ChainId,
  encodeRlp,
  fromHex,
  type Hash,
  type StateReader,
  toHash,
  toHex,
} from "@mvm/protocol";
import { BackendError, type StateProof } from "../src/index.ts";

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

const minimal = (value: bigint): Uint8Array => {
  const hex = value === 0n ? "" : value.toString(16);
  return fromHex(`0x${hex.length % 2 === 0 ? "" : "0"}${hex}`);
};

async function storageTrie(snapshot: Snapshot, address: Address): Promise<MerklePatriciaTrie> {
  const trie = await createMPT({ useKeyHashing: true });
  for (const [key, value] of snapshot.slots) {
    const [owner, slot] = key.split(":");
    if (owner === address && value !== 0n) await trie.put(fromHex(slot!), encodeRlp(minimal(value)));
  }
  return trie;
}

/** Proof of an account and its slots in the snapshot's own tries, made by another library than the node's. */
export async function proofIn(snapshot: Snapshot, address: Address, slots: readonly Hash[]): Promise<StateProof> {
  const accounts = await createMPT({ useKeyHashing: true });
  const roots = new Map<Address, Hash>();
  for (const [owner, { nonce, balance, codeHash }] of snapshot.accounts) {
    const root = (await storageTrie(snapshot, owner)).root();
    roots.set(owner, toHash(toHex(root)));
    const record = [minimal(nonce), minimal(balance), root, fromHex(codeHash)];
    await accounts.put(fromHex(owner), encodeRlp(record));
  }
  const account = snapshot.accounts.get(address);
  const storage = await storageTrie(snapshot, address);
  return {
    account: {
      value: account === undefined ? null : { ...account, storageRoot: roots.get(address)! },
      nodes: await createMerkleProof(accounts, fromHex(address)),
    },
    slots: await Promise.all(
      slots.map(async (slot) => ({
        value: snapshot.slots.get(`${address}:${slot}`) ?? 0n,
        nodes: account === undefined ? [] : await createMerkleProof(storage, fromHex(slot)),
      })),
    ),
  };
}

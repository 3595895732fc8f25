/** Arbitrary accounts, slots and writes over few addresses, so that inserts, updates and deletions meet. */
import {
  type Account,
  type AccountWrite,
  type Address,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  type Hash,
  keccakHash,
  type StateKey,
  toHex,
  toWordHex,
} from "@mvm/protocol";
import fc from "fast-check";
import { NodeMap, WorldState } from "../src/index.ts";

export const addressOf = (n: number): Address => `0x${n.toString(16).padStart(40, "0")}` as Address;
export const slotOf = (n: number): Hash => toWordHex(BigInt(n));

const arbitraryAccount: fc.Arbitrary<Account> = fc.record({
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  balance: fc.bigInt({ min: 0n, max: 2n ** 200n }),
  codeHash: fc.constant(EMPTY_CODE_HASH),
});

const slotWrites = (slots: number) =>
  fc
    .uniqueArray(
      fc.record({
        slot: fc.nat(slots - 1).map(slotOf),
        value: fc.oneof(
          fc.constant(0n),
          fc.bigInt({ min: 1n, max: 300n }),
          fc.bigInt({ min: 1n, max: 2n ** 256n - 1n }),
        ),
      }),
      { selector: ({ slot }) => slot, maxLength: 6 },
    )
    .map((list) => list.toSorted((left, right) => (left.slot < right.slot ? -1 : 1)));

const arbitraryCode = fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }), { freq: 4 });

/** One transaction's writes: at most one for each address, sorted. */
export function arbitraryWrites(addresses: number, slots: number): fc.Arbitrary<AccountWrite[]> {
  const present = fc
    .record({ account: arbitraryAccount, code: arbitraryCode, slots: slotWrites(slots) })
    .map((write) =>
      write.code === null ? write : { ...write, account: { ...write.account, codeHash: keccakHash(write.code) } },
    );
  const gone = fc.constant({ account: null, code: null, slots: [] });
  return fc
    .uniqueArray(
      fc.tuple(fc.nat(addresses - 1), fc.oneof({ weight: 4, arbitrary: present }, { weight: 1, arbitrary: gone })),
      {
        selector: ([n]) => n,
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((list) =>
      list
        .toSorted((left, right) => left[0] - right[0])
        .map(([n, write]): AccountWrite => ({ address: addressOf(n), ...write })),
    );
}

/** The keys that writes touch. */
export function keysOf(writesPerTransaction: readonly (readonly AccountWrite[])[]): StateKey[] {
  const keys = new Map<string, StateKey>();
  for (const { address, slots } of writesPerTransaction.flat()) {
    keys.set(address, { kind: "account", address });
    for (const { slot } of slots) keys.set(address + slot, { kind: "slot", address, slot });
  }
  return [...keys.values()];
}

/** A state in a node map, as a host has it on disk: every read goes through encoded nodes. */
export function stored(base: readonly (readonly AccountWrite[])[]): { source: NodeMap; root: Hash } {
  const source = new NodeMap();
  const state = new WorldState(source, EMPTY_TRIE_ROOT);
  for (const writes of base) state.applyWrites(writes);
  for (const { encoded } of state.unstoredNodes()) source.add(encoded);
  return { source, root: state.root() };
}

export const hexList = (nodes: readonly Uint8Array[]): string[] => nodes.map((node) => toHex(node));

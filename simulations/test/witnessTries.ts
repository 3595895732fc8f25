/** Tries, states and their exact witnesses for tests of contracts/src/proofs. */
import { createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import { type BatchDBOp, type DB, MapDB } from "@ethereumjs/util";
import {
  type AccountWrite,
  type Address,
  concatBytes,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  fromHex,
  type Hash,
  keccak,
  toAddress,
  toHex,
  toWordHex,
} from "@mvm/protocol";
import { deletionsLast, NodeMap, SparseState, WorldState, witnessOfWrites } from "@mvm/state";
import fc from "fast-check";
import { key, value } from "./trieNodes.ts";

/** A change of a plain trie; without a value the key goes. */
export type Change = { readonly key: Uint8Array; readonly value: Uint8Array | null };

const isPut = ({ value }: Change): boolean => value !== null;

/** A database that remembers which nodes of another one were read. */
class Recording implements DB<string, string> {
  readonly read = new Set<string>();
  readonly #inner: DB<string, string>;
  readonly #own = new MapDB<string, string>();

  constructor(inner: DB<string, string>) {
    this.#inner = inner;
  }

  async get(key: string): Promise<string | undefined> {
    const own = await this.#own.get(key);
    if (own !== undefined) return own;
    const found = await this.#inner.get(key);
    if (found !== undefined) this.read.add(key);
    return found;
  }

  put(key: string, value: string): Promise<void> {
    return this.#own.put(key, value);
  }

  del(key: string): Promise<void> {
    return this.#own.del(key);
  }

  batch(operations: BatchDBOp<string, string>[]): Promise<void> {
    return this.#own.batch(operations);
  }

  shallowCopy(): DB<string, string> {
    return this;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }
}

/** A trie of the reference library with what it stored. */
export type Oracle = { readonly trie: MerklePatriciaTrie; readonly db: DB<string, string> };

export async function oracleOf(changes: readonly Change[]): Promise<Oracle> {
  const db = new MapDB<string, string>();
  const trie = await createMPT({ db, cacheSize: 0 });
  await applyTo(trie, changes);
  return { trie, db };
}

async function applyTo(trie: MerklePatriciaTrie, changes: readonly Change[]): Promise<void> {
  for (const { key, value } of changes) await (value === null ? trie.del(key) : trie.put(key, value));
}

/**
 * Root after changes by the reference library, and the nodes that it read on the way: puts first, so that no branch
 * collapses that another change would have kept.
 */
export async function changedOracle(
  { trie, db }: Oracle,
  changes: readonly Change[],
): Promise<{ root: string; nodes: Uint8Array[] }> {
  const recording = new Recording(db);
  const changed = await createMPT({ db: recording, root: trie.root(), cacheSize: 0 });
  recording.read.clear();
  await applyTo(changed, [...changes.filter(isPut), ...changes.filter((change) => !isPut(change))]);
  const nodes = [];
  for (const key of recording.read) nodes.push(fromHex(`0x${await db.get(key)}`));
  return { root: toHex(changed.root()), nodes };
}

const textOf = ({ key: bytes }: Change): string => toHex(bytes);
export const contents = fc.uniqueArray(fc.record({ key, value }), { selector: textOf, minLength: 1, maxLength: 60 });

/** Contents of a trie and changes of it, of which most concern keys that are there. */
export const trieAndChanges = fc
  .record({
    before: contents,
    others: fc.array(fc.record({ key, value: fc.option(value, { freq: 4 }) }), { maxLength: 6 }),
    picks: fc.array(fc.record({ pick: fc.nat(), value: fc.option(value, { freq: 1 }) }), { maxLength: 12 }),
    all: fc.nat(9),
  })
  .map(({ before, others, picks, all }) => {
    const known = picks.map(({ pick, value: to }): Change => ({ key: before[pick % before.length]!.key, value: to }));
    // Now and then all but a few keys go.
    const gone = all === 0 ? before.slice(all % 3).map((entry): Change => ({ key: entry.key, value: null })) : [];
    const changes = new Map([...gone, ...known, ...others].map((change) => [textOf(change), change]));
    return { before, changes: [...changes.values()] };
  })
  .filter(({ changes }) => changes.length > 0);

export const addressOf = (n: number): Address => toAddress(`0x${n.toString(16).padStart(40, "0")}`);
export const slotOf = (n: number): Hash => toWordHex(BigInt(n));

/** Numbers whose name's hash begins with the same nibbles, in groups of four; and a few others. */
function crowded(nameOf: (n: number) => string, groups: number): number[] {
  const byPrefix = new Map<string, number[]>();
  const chosen: number[] = [];
  for (let n = 0; chosen.length < groups * 4; n++) {
    const prefix = toHex(keccak(fromHex(nameOf(n)))).slice(2, 5);
    const group = byPrefix.get(prefix) ?? [];
    byPrefix.set(prefix, group);
    group.push(n);
    if (group.length === 4) chosen.push(...group);
  }
  return [...chosen, 1_000_001, 1_000_002, 1_000_003, 1_000_004];
}

export const ADDRESSES = crowded(addressOf, 3).map(addressOf);
export const SLOTS = crowded(slotOf, 3).map(slotOf);

const slotValue = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0n) },
  { weight: 2, arbitrary: fc.bigInt({ min: 1n, max: 300n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 2n ** 256n - 1n }) },
);
const slots = fc.uniqueArray(fc.record({ slot: fc.constantFrom(...SLOTS), value: slotValue }), {
  selector: ({ slot }) => slot,
  maxLength: 14,
});
const account = fc.record({
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  balance: fc.bigInt({ min: 0n, max: 2n ** 200n }),
  codeHash: fc.constantFrom(EMPTY_CODE_HASH, toWordHex(7n)),
});
const accountChange = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ account: null, code: null, slots: [] }) },
  { weight: 3, arbitrary: fc.record({ account, code: fc.constant(null), slots }) },
);

/** Writes of one transaction, at most one for each account. */
export const writesOf = (maxAccounts: number): fc.Arbitrary<AccountWrite[]> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...ADDRESSES), accountChange), {
      selector: ([address]) => address,
      minLength: 1,
      maxLength: maxAccounts,
    })
    .map((list) => list.map(([address, rest]): AccountWrite => ({ address, ...rest })));

/** A state in a node map: every read of it goes through encoded nodes. */
export function stored(base: readonly (readonly AccountWrite[])[]): { source: NodeMap; root: Hash } {
  const source = new NodeMap();
  const state = new WorldState(source, EMPTY_TRIE_ROOT);
  for (const writes of base) state.applyWrites(writes);
  for (const { encoded } of state.unstoredNodes()) source.add(encoded);
  return { source, root: state.root() };
}

/** Root after writes by packages/state from exactly the nodes that they need, and these. */
export function changedState(
  { source, root }: { source: NodeMap; root: Hash },
  writes: readonly AccountWrite[],
): { root: Hash; nodes: Uint8Array[] } {
  const ordered = deletionsLast(writes);
  const nodes = witnessOfWrites(source, root, [ordered]);
  return { root: SparseState.fromProof(root, nodes).applyWrites(ordered), nodes };
}

/** Writes as StateWitness.AccountChange. */
export const changesOf = (writes: readonly AccountWrite[]): unknown[] =>
  writes.map((write) => ({
    account: write.address,
    exists: write.account !== null,
    nonce: write.account?.nonce ?? 0n,
    balance: write.account?.balance ?? 0n,
    codeHash: write.account?.codeHash ?? toWordHex(0n),
    // Not known: it is looked up.
    storageRoot: toWordHex(0n),
    slots: write.slots,
  }));

/** A witness as the contracts take it. */
export const joined = (nodes: readonly Uint8Array[]): Uint8Array => concatBytes(...nodes);

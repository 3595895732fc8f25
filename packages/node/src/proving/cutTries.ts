/** The two tries along a transaction's cuts: the state with its changes so far, and what it has touched (decision 036). */
import { type AccountValues, type CutRoots, isSlice, type Part } from "@mvm/evm";
import {
  type Account,
  type AccountWrite,
  type Address,
  concatBytes,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  type Hash,
  keccakHash,
  type StateKey,
  toWord,
  toWordHex,
} from "@mvm/protocol";
import { deletionsLast, NodeMap, type NodeSource, WorldState, witnessOfWrites } from "@mvm/state";
import { historySlot } from "./historySlot.ts";

/** Where the second trie tells something of a slot: 0 its state, 1 its value before the transaction, 2 the transient value. */
const placeOf = (key: bigint, what: bigint): Hash => keccakHash(concatBytes(toWord(key), toWord(what)));
/** Bits of a slot's state. One that MT was minted into is written and not warm. */
const SLOT = { warm: 1n, written: 2n } as const;

/**
 * Flags of an account but for its warmth. That it stands empty is told only while it is not in the state as an empty one.
 */
function toldFlags({ exists, nonce, balance, codeHash, isCreated, isDestroyed, stoodEmpty }: AccountValues): bigint {
  const isShown = exists && nonce === 0n && balance === 0n && codeHash === EMPTY_CODE_HASH;
  return BigInt(2 * Number(isCreated) + 4 * Number(isDestroyed) + 8 * Number(stoodEmpty && !isShown));
}

const touchedAccount = (nonce: bigint): Account => ({ nonce, balance: 0n, codeHash: EMPTY_CODE_HASH });
const accountOf = ({ exists, nonce, balance, codeHash }: AccountValues): Account | null =>
  exists ? { nonce, balance, codeHash } : null;

const isSame = (a: Account | null, b: Account | null): boolean =>
  a === b || (a !== null && b !== null && a.nonce === b.nonce && a.balance === b.balance && a.codeHash === b.codeHash);

type SlotWrite = { readonly slot: Hash; readonly value: bigint };
type Writes = { readonly world: readonly AccountWrite[]; readonly touched: readonly AccountWrite[] };
/** What becomes of an account, a slot of the first one, and one of its transient slots; null: what it was. */
type Met = {
  readonly accounts: readonly {
    readonly address: Address;
    readonly isWarm: boolean;
    readonly after: AccountValues | null;
  }[];
  readonly slots: readonly { readonly key: bigint; readonly isWarm: boolean; readonly current: bigint | null }[];
  readonly transients: readonly { readonly key: bigint; readonly after: bigint }[];
};

function metBy(part: Part): Met {
  if (!isSlice(part)) return { ...part, transients: [] };
  const { accounts, slots, transients } = part.evidence;
  return {
    accounts: accounts.map(({ address, after }) => ({ address, isWarm: after.isWarm, after })),
    slots: slots.map(({ key, after: { current, isWarm } }) => ({ key, isWarm, current })),
    transients,
  };
}

export class CutTries {
  /** at each cut */
  readonly roots: CutRoots[] = [];
  readonly #made = new NodeMap();
  readonly #nodes: NodeSource;

  /**
   * @param source nodes of the state before the transaction
   * @param roots before the first part
   */
  constructor(source: NodeSource, roots: CutRoots, parts: readonly Part[]) {
    this.#nodes = { get: (hash) => this.#made.get(hash) ?? source.get(hash) };
    this.roots.push(roots);
    for (const part of parts) this.#advance(part);
  }

  static startingFrom(world: Hash): CutRoots {
    return { world, touched: EMPTY_TRIE_ROOT };
  }

  /** The roots from which a part starts. */
  #start(index: number, part: Part): CutRoots {
    return this.roots[isSlice(part) ? index : (part.restored ?? index)]!;
  }

  #advance(part: Part): void {
    const start = this.#start(this.roots.length - 1, part);
    if (isSlice(part) && part.restored !== null) {
      this.roots.push(this.roots[part.restored]!);
      return;
    }
    const { world, touched } = this.#writesOf(part, start);
    this.roots.push({ world: this.#applied(start.world, world), touched: this.#applied(start.touched, touched) });
  }

  #applied(root: Hash, writes: readonly AccountWrite[]): Hash {
    const state = new WorldState(this.#nodes, root);
    const after = state.applyWrites(writes);
    for (const { encoded } of state.unstoredNodes()) this.#made.add(encoded);
    return after;
  }

  /** An account of the state at a cut. */
  account(cut: number, address: Address): Account | null {
    const record = new WorldState(this.#nodes, this.roots[cut]!.world).account(address);
    return record === null ? null : { nonce: record.nonce, balance: record.balance, codeHash: record.codeHash };
  }

  /** What a part writes to both tries. */
  #writesOf(part: Part, start: CutRoots): Writes {
    const { accounts, slots, transients } = metBy(part);
    const world = new WorldState(this.#nodes, start.world);
    const touched = new WorldState(this.#nodes, start.touched);
    const writes: { world: AccountWrite[]; touched: AccountWrite[] } = { world: [], touched: [] };
    for (const [i, { address, isWarm, after }] of accounts.entries()) {
      const own = i === 0 ? slots : [];
      const changed = own.flatMap(({ key, current }): SlotWrite[] => {
        const slot = toWordHex(key);
        return current === null || current === world.slot(address, slot) ? [] : [{ slot, value: current }];
      });
      const before = world.account(address);
      const account = after === null ? before : accountOf(after);
      if (!isSame(before, account) || changed.length !== 0)
        writes.world.push({ address, account, code: null, slots: account === null ? [] : changed });
      const known = touched.account(address)?.nonce ?? 0n;
      // What was warm stays so.
      const flags = (after === null ? known : toldFlags(after)) | (known & 1n) | (isWarm ? 1n : 0n);
      const touches = [
        ...own.flatMap((slot) => slotTouches(world, touched, address, slot)),
        ...(i === 0 ? transients : []).flatMap(({ key, after: value }): SlotWrite[] => {
          const slot = placeOf(key, 2n);
          return touched.slot(address, slot) === value ? [] : [{ slot, value }];
        }),
      ];
      if (flags !== known || touches.length !== 0)
        writes.touched.push({ address, account: touchedAccount(flags), code: null, slots: touches });
    }
    return writes;
  }

  /** Nodes of both tries that a proof of a part needs, each once. */
  witness(index: number, part: Part): Uint8Array[] {
    const { accounts, slots, transients } = metBy(part);
    const start = this.#start(index, part);
    const own = accounts[0]!.address;
    const touchedState = new WorldState(this.#nodes, start.touched);
    const named = accounts.map(({ address }): StateKey => ({ kind: "account", address }));
    const slot = (at: Hash, address = own): StateKey => ({ kind: "slot", address, slot: at });
    const world = [...named, ...slots.map(({ key }) => slot(toWordHex(key)))];
    if (isSlice(part)) world.push(...[...part.evidence.blockHashes.keys()].map(historySlot));
    const touched = [
      ...named,
      ...slots.map(({ key }) => slot(placeOf(key, 0n))),
      ...slots
        .filter(({ key }) => (touchedState.slot(own, placeOf(key, 0n)) & SLOT.written) !== 0n)
        .map(({ key }) => slot(placeOf(key, 1n))),
      ...transients.map(({ key }) => slot(placeOf(key, 2n))),
    ];
    const isUndone = isSlice(part) && part.restored !== null;
    const changes = isUndone ? { world: [], touched: [] } : this.#writesOf(part, start);
    return [
      ...new NodeMap([
        ...this.#witness(start.world, world, changes.world),
        ...this.#witness(start.touched, touched, changes.touched),
      ]).values(),
    ];
  }

  #witness(root: Hash, keys: readonly StateKey[], writes: readonly AccountWrite[]): Uint8Array[] {
    const reads = new WorldState(this.#nodes, root).proveReads(keys);
    return [...reads, ...witnessOfWrites(this.#nodes, root, [deletionsLast(writes)])];
  }
}

/** What the second trie is told of a slot that is warm now, or has another value. */
function slotTouches(
  world: WorldState,
  touched: WorldState,
  address: Address,
  { key, isWarm, current }: Met["slots"][number],
): SlotWrite[] {
  const was = touched.slot(address, placeOf(key, 0n));
  const original = world.slot(address, toWordHex(key));
  const isChanged = current !== null && current !== original;
  const is = was | (isWarm ? SLOT.warm : 0n) | (isChanged ? SLOT.written : 0n);
  if (is === was) return [];
  const state = { slot: placeOf(key, 0n), value: is };
  const isFirst = (is & ~was & SLOT.written) !== 0n && original !== 0n;
  return isFirst ? [state, { slot: placeOf(key, 1n), value: original }] : [state];
}

/**
 * A state that comes from others, in parts: trie nodes and codes, each asked for by its hash, and nothing is taken that was not. A part is stored in one
 * batch with what it leaves to be asked for: after a crash it goes on where it was. Nodes are counted by places (nodeLedger.ts), and the flat view is made
 * on the way: in the end the store is as one that made every block itself and let go of all states before.
 */
import { concatBytes, EMPTY_CODE_HASH, fromHex, type Hash, keccak, toHex } from "@mvm/protocol";
import { decodeAccountRecord, decodeSlotValue } from "./accountRecord.ts";
import { shortPlace } from "./hashedKeys.ts";
import { type KeyValueStore, keyAfter, type StoreOperation } from "./keyValueStore.ts";
import { decodeNode } from "./nodeEncoding.ts";
import { countedNodes } from "./nodeLedger.ts";
import { byteKey } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";
import {
  accountKeyAt,
  codeKey,
  metaKey,
  nodeKey,
  PENDING_RANGE,
  pendingKey,
  readPending,
  slotKeyAt,
} from "./storeKeys.ts";
import { EMPTY_ROOT_BYTES } from "./trie.ts";
import { childHash, type LoadedNode, type TrieNode } from "./trieNode.ts";

/** Place at which something of the state is missing: a node of the accounts' trie or of one account's storage, or code. */
export type Place = {
  readonly kind: "accounts" | "storage" | "code";
  readonly hash: Uint8Array;
  /** of storage: where its account stands, in short */
  readonly owner: Uint8Array | null;
  /** nibbles that lead to the node in its trie */
  readonly path: Uint8Array;
};

const PATH_NIBBLES = 64;
const PAGE_ENTRIES = 256;
const NO_PATH = new Uint8Array(0);
const EMPTY_STORAGE = byteKey(EMPTY_ROOT_BYTES);
const PENDING = Uint8Array.of(1);

/** An entry of the flat view: path in its trie, and what stands there. */
type Value = { readonly path: Uint8Array; readonly value: Uint8Array };

/** What a node at a place names, and the values that it holds. Throws StateError "bad-node". */
function* contentOf(place: Place, node: TrieNode): Generator<Place | Value> {
  if (node.kind === "unloaded") yield { ...place, hash: node.ref };
  else if (node.kind === "extension")
    yield* contentOf({ ...place, path: concatBytes(place.path, node.path) }, node.child);
  else if (node.kind === "leaf") yield* leafContent(place.kind, concatBytes(place.path, node.path), node.value);
  else
    for (let nibble = 0; nibble < 16; nibble++) {
      if (((node.mask >> nibble) & 1) === 0) continue;
      const below = { ...place, path: concatBytes(place.path, Uint8Array.of(nibble)) };
      const child = node.children[nibble];
      if (child) yield* contentOf(below, child);
      else yield { ...below, hash: childHash(node, nibble) };
    }
}

function* leafContent(kind: Place["kind"], path: Uint8Array, value: Uint8Array): Generator<Place | Value> {
  yield { path, value };
  if (kind === "storage") return;
  const { storageRoot, codeHash } = decodeAccountRecord(value);
  const root = fromHex(storageRoot);
  if (byteKey(root) !== EMPTY_STORAGE) yield { kind: "storage", hash: root, owner: shortPlace(path), path: NO_PATH };
  if (codeHash !== EMPTY_CODE_HASH) yield { kind: "code", hash: fromHex(codeHash), owner: null, path: NO_PATH };
}

const storedAt = (store: Pick<KeyValueStore, "get">, { kind, hash }: Pick<Place, "kind" | "hash">) =>
  store.get(kind === "code" ? codeKey(toHex(hash) as Hash) : nodeKey(hash));

/** What comes of one answer, before it is stored. */
class Part {
  readonly #store: KeyValueStore;
  /** places that the answer may fill, by hash */
  readonly #open = new Map<string, Place[]>();
  readonly #nodes = new Map<string, { readonly hash: Uint8Array; readonly node: LoadedNode; places: number }>();
  readonly #operations: StoreOperation[] = [];

  constructor(store: KeyValueStore, asked: readonly Place[]) {
    this.#store = store;
    for (const place of asked) this.#await(place);
  }

  /** A place that what comes later may fill; what is stored already fills it when it is its turn to be asked for. */
  #await(place: Place): void {
    const key = byteKey(place.hash);
    const others = this.#open.get(key);
    if (others === undefined) this.#open.set(key, [place]);
    else others.push(place);
  }

  /** Takes a node or a code. Throws StateError "not-wanted", "bad-node". */
  take(bytes: Uint8Array): void {
    const hash = keccak(bytes);
    const places = this.#open.get(byteKey(hash));
    if (places === undefined) throw new StateError("not-wanted", { hash: toHex(hash) });
    this.#open.delete(byteKey(hash));
    for (const place of places) this.#fill(place, bytes);
  }

  #fill(place: Place, bytes: Uint8Array): void {
    const { kind, hash } = place;
    this.#operations.push({ key: pendingKey(place), value: null });
    if (kind === "code") {
      this.#operations.push({ key: codeKey(toHex(hash) as Hash), value: bytes });
      return;
    }
    const entry = this.#nodes.get(byteKey(hash)) ?? { hash, node: decodeNode(bytes.slice(), hash), places: 0 };
    entry.places += 1;
    this.#nodes.set(byteKey(hash), entry);
    for (const found of contentOf(place, entry.node)) {
      if ("hash" in found) this.#await(found);
      else this.#keep(place, found);
    }
  }

  #keep({ kind, hash, owner }: Place, { path, value }: Value): void {
    if (path.length !== PATH_NIBBLES) throw new StateError("bad-node", { hash: toHex(hash) });
    if (kind === "storage") decodeSlotValue(value);
    const key = kind === "storage" ? slotKeyAt(owner!, path) : accountKeyAt(path);
    this.#operations.push({ key, value });
  }

  /** All that it changes in the store. */
  get operations(): readonly StoreOperation[] {
    const left = [...this.#open.values()].flat().map((place) => ({ key: pendingKey(place), value: PENDING }));
    return [...this.#operations, ...countedNodes(this.#store, [...this.#nodes.values()]).operations, ...left];
  }
}

export class StateSync {
  readonly root: Hash;
  readonly #store: KeyValueStore;
  /** keys of the places that were given, and are not answered yet */
  readonly #underWay = new Set<string>();
  #work: Promise<unknown> = Promise.resolve();

  private constructor(store: KeyValueStore, root: Hash) {
    this.#store = store;
    this.root = root;
  }

  /** Begins, or goes on. Throws StateError "other-sync" where the state of another root has begun to come. */
  static async open(store: KeyValueStore, root: Hash): Promise<StateSync> {
    const begun = store.get(metaKey("sync"));
    if (begun !== undefined && toHex(begun) !== root)
      throw new StateError("other-sync", { found: toHex(begun), asked: root });
    if (begun === undefined) {
      const place: Place = { kind: "accounts", hash: fromHex(root), owner: null, path: NO_PATH };
      await store.write([
        { key: metaKey("sync"), value: fromHex(root) },
        ...(byteKey(place.hash) === EMPTY_STORAGE ? [] : [{ key: pendingKey(place), value: PENDING }]),
      ]);
    }
    return new StateSync(store, root);
  }

  /** Places to ask for next, the deepest first, each given once until it is answered; none: nothing more is to be asked for now. */
  async next(limit: number): Promise<readonly Place[]> {
    const places: Place[] = [];
    for (;;) {
      const here = await this.#pick(places, limit);
      if (here.places.length === 0) return places;
      await this.take(here.places, [...here.blocks.values()]);
    }
  }

  /** Adds places to those that are to be asked for; gives those that what is stored fills, and with what. */
  async #pick(places: Place[], limit: number) {
    const here = { places: [] as Place[], blocks: new Map<string, Uint8Array>() };
    let { from, to } = PENDING_RANGE;
    while (places.length < limit && here.places.length < PAGE_ENTRIES) {
      const page = await this.#store.page({ from, to }, PAGE_ENTRIES);
      for (const [key] of page) {
        if (places.length === limit || this.#underWay.has(byteKey(key))) continue;
        this.#underWay.add(byteKey(key));
        const place = readPending(key);
        const stored = storedAt(this.#store, place);
        if (stored === undefined) places.push(place);
        else {
          here.places.push(place);
          here.blocks.set(byteKey(place.hash), stored);
        }
      }
      if (page.length < PAGE_ENTRIES) break;
      from = keyAfter(page.at(-1)![0]);
    }
    return here;
  }

  /**
   * Takes the answer to what `next` gave: nodes and codes, those that were asked for and any that lie under them, each after what names it. What is missing
   * is asked for again. Rejects with StateError "not-wanted", "bad-node", and then stores nothing of it.
   */
  take(asked: readonly Place[], blocks: readonly Uint8Array[]): Promise<void> {
    const taken = this.#work.then(async () => {
      try {
        const part = new Part(this.#store, asked);
        for (const bytes of blocks) part.take(bytes);
        await this.#store.write(part.operations);
      } finally {
        for (const place of asked) this.#underWay.delete(byteKey(pendingKey(place)));
      }
    });
    this.#work = taken.catch(() => undefined);
    return taken;
  }

  /** Whether all of the state is there. */
  async isWhole(): Promise<boolean> {
    return (await this.#store.page(PENDING_RANGE, 1)).length === 0;
  }
}

/**
 * Answers what others ask for to have a state: the nodes and codes of places, and what lies under them as far as it fits, each once and after what names it. What is not there is left out.
 * @param maxBytes of all of them together; the first may be longer
 */
export function partOf(
  store: Pick<KeyValueStore, "get">,
  asked: readonly Pick<Place, "kind" | "hash">[],
  maxBytes: number,
): readonly Uint8Array[] {
  const blocks: Uint8Array[] = [];
  const given = new Set<string>();
  let left = maxBytes;
  const give = (kind: Place["kind"], hash: Uint8Array): void => {
    if (left <= 0 || given.has(byteKey(hash))) return;
    const bytes = storedAt(store, { kind, hash });
    if (bytes === undefined || (blocks.length > 0 && bytes.length > left)) return;
    left -= bytes.length;
    given.add(byteKey(hash));
    blocks.push(bytes);
    if (kind === "code") return;
    for (const found of contentOf({ kind, hash, owner: null, path: NO_PATH }, decodeNode(bytes.slice(), hash)))
      if ("hash" in found) give(found.kind, found.hash);
  };
  for (const { kind, hash } of asked) give(kind, hash);
  return blocks;
}

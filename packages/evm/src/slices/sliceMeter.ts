/** What one slice meets for the first time: its bytes, and the evidence that a proof of it needs. */
import type { Address, Hash } from "@mvm/protocol";
import type { AccountState, SlotState, TransactionState } from "../transactionState.ts";
import type { FrameState, View } from "./machineState.ts";
import type { PageTree } from "./pageTree.ts";
import { PAGE_BYTES, pageCount, pagesCharge, SLICE } from "./sliceRules.ts";
import { accountValues } from "./transactionCuts.ts";

/** An account as the world and what is touched have it at a cut. */
export type AccountValues = {
  /** in the state trie at this cut */
  readonly exists: boolean;
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly codeHash: Hash;
  readonly hasStorage: boolean;
  readonly isWarm: boolean;
  readonly isCreated: boolean;
  readonly isDestroyed: boolean;
  /** stood empty in the state before the transaction, and was not touched since */
  readonly stoodEmpty: boolean;
};

type SlotValues = { readonly original: bigint; readonly current: bigint; readonly isWarm: boolean };

/** What a slice met, with values before and after it; after one whose frame failed they are of no meaning. */
export type MetAccount = { readonly address: Address; readonly before: AccountValues; after: AccountValues };
export type MetSlot = {
  readonly address: Address;
  readonly key: bigint;
  readonly before: SlotValues;
  after: SlotValues;
};
export type MetTransient = { readonly address: Address; readonly key: bigint; readonly before: bigint; after: bigint };
/** A page below the memory's size at the slice's beginning; null: only its hash is needed. */
export type MetPage = { readonly index: number; readonly page: Uint8Array | null };

export type SliceEvidence = {
  /** of the frame that runs */
  readonly code: Uint8Array;
  /** words on top of its stack, at the slice's beginning, that the slice works on */
  readonly stackWords: number;
  /** the frame's own first */
  readonly accounts: readonly MetAccount[];
  /** codes of met accounts */
  readonly codes: ReadonlyMap<Address, Uint8Array>;
  readonly slots: readonly MetSlot[];
  readonly transients: readonly MetTransient[];
  readonly blockHashes: ReadonlyMap<bigint, Hash>;
  readonly memory: readonly MetPage[];
  readonly input: readonly MetPage[];
  readonly returned: readonly MetPage[];
};

/** `cut`: the slice has to end before this step; `pending`: a value is awaited. */
export type Meeting = "met" | "cut" | "pending";

/** Pages of one memory that a slice may meet. */
class Pages {
  readonly #tree: PageTree | null;
  readonly #count: number;
  /** by number; whether the content is needed */
  readonly #met = new Map<number, boolean>();

  constructor(tree: PageTree | null, bytes: number) {
    this.#tree = tree;
    this.#count = pageCount(bytes);
  }

  #range(offset: number, length: number): { first: number; end: number } {
    const first = Math.floor(offset / PAGE_BYTES);
    return { first, end: Math.min(this.#count, Math.floor((offset + length - 1) / PAGE_BYTES) + 1) };
  }

  charge(offset: number, length: number): number {
    const { first, end } = this.#range(offset, length);
    let count = 0;
    for (let page = first; page < end; page++) if (!this.#met.has(page)) count++;
    return pagesCharge(count, this.#count);
  }

  /** @param spares whether pages that lie wholly in the range are overwritten unread */
  meet(offset: number, length: number, spares: boolean): void {
    const { first, end } = this.#range(offset, length);
    for (let page = first; page < end; page++) {
      if (this.#met.has(page)) continue;
      const isWhole = page * PAGE_BYTES >= offset && (page + 1) * PAGE_BYTES <= offset + length;
      this.#met.set(page, !(spares && isWhole));
    }
  }

  evidence(): MetPage[] {
    return [...this.#met]
      .sort(([a], [b]) => a - b)
      .map(([index, isNeeded]) => ({ index, page: isNeeded ? this.#tree!.page(index) : null }));
  }
}

export type SliceStart = {
  readonly state: TransactionState;
  readonly frame: FrameState;
  /** what the frame's return data are; with an end to be told of, its output */
  readonly returned: View;
  readonly code: Uint8Array;
  readonly mostBytes: number;
  readonly isPrecompile: (address: Address) => boolean;
};

export class SliceMeter {
  readonly #state: TransactionState;
  readonly #isPrecompile: (address: Address) => boolean;
  readonly #code: Uint8Array;
  readonly #mostBytes: number;
  readonly #height: number;
  readonly #memory: Pages;
  readonly #input: Pages;
  readonly #returned: Pages;
  /** whether return data are what a step of this slice gave: no evidence is needed for them */
  #ownsReturned = false;
  readonly #accounts = new Map<AccountState, MetAccount>();
  readonly #codes = new Map<Address, Uint8Array>();
  readonly #slots = new Map<SlotState, MetSlot & { readonly owner: AccountState }>();
  readonly #transients = new Map<string, MetTransient & { readonly owner: AccountState }>();
  readonly #blockHashes = new Map<bigint, Hash>();
  #bytes: number;
  #lowest: number;
  /** steps that are done */
  steps = 0;

  constructor({ state, frame, returned, code, mostBytes, isPrecompile }: SliceStart) {
    this.#state = state;
    this.#isPrecompile = isPrecompile;
    this.#code = code;
    this.#mostBytes = mostBytes;
    this.#height = frame.stack.length;
    this.#lowest = this.#height;
    this.#memory = new Pages(frame.memory, frame.memoryBytes);
    this.#input = new Pages(frame.input.memory, frame.input.memoryBytes);
    this.#returned = new Pages(returned.memory, returned.memoryBytes);
    this.#bytes = code.length + SLICE.wordBytes * frame.stack.length;
  }

  /** Whether the next step has to go into another slice whatever it meets. */
  get isFull(): boolean {
    return this.steps !== 0 && this.#bytes > this.#mostBytes;
  }

  #afford(charge: number): boolean {
    if (this.steps !== 0 && this.#bytes + charge > this.#mostBytes) return false;
    this.#bytes += charge;
    return true;
  }

  #meetPages(pages: Pages, offset: number, length: number, spares: boolean): Meeting {
    if (length === 0 || !Number.isFinite(offset)) return "met";
    if (!this.#afford(pages.charge(offset, length))) return "cut";
    pages.meet(offset, length, spares);
    return "met";
  }

  /** @param spares whether what stands there is overwritten unread */
  memory(offset: number, length: number, spares = false): Meeting {
    return this.#meetPages(this.#memory, offset, length, spares);
  }

  input(offset: number, length: number): Meeting {
    return this.#meetPages(this.#input, offset, length, false);
  }

  returned(offset: number, length: number): Meeting {
    return this.#ownsReturned ? "met" : this.#meetPages(this.#returned, offset, length, false);
  }

  /** The next step works on the stack from this place on. */
  stack(lowest: number): void {
    this.#lowest = Math.min(this.#lowest, lowest);
  }

  /** From here on return data are what a step of this slice gave. */
  replaceReturned(): void {
    this.#ownsReturned = true;
  }

  account(account: AccountState): Meeting {
    if (!this.#state.load(account)) return "pending";
    if (this.#accounts.has(account)) return "met";
    if (!this.#afford(SLICE.itemBytes)) return "cut";
    const before = this.#accountValues(account);
    this.#accounts.set(account, { address: account.address, before, after: before });
    return "met";
  }

  /** A step that no other one shares its slice with. */
  whole(): Meeting {
    return this.#afford(SLICE.bytes) ? "met" : "cut";
  }

  /** The code of an account that is met. */
  code(account: AccountState): Meeting {
    const code = this.#state.codeOf(account);
    if (code === undefined) return "pending";
    if (code.bytes.length === 0 || this.#codes.has(account.address)) return "met";
    if (!this.#afford(SLICE.codeBytes)) return "cut";
    this.#codes.set(account.address, code.bytes);
    return "met";
  }

  slot(account: AccountState, key: bigint): Meeting {
    const slot = this.#state.slotEntry(account, key);
    if (!this.#state.loadSlot(account, slot)) return "pending";
    if (this.#slots.has(slot)) return "met";
    if (!this.#afford(SLICE.itemBytes)) return "cut";
    const { original, current, warm } = slot;
    const before = { original, current, isWarm: warm };
    this.#slots.set(slot, { owner: account, address: account.address, key, before, after: before });
    return "met";
  }

  transient(account: AccountState, key: bigint): Meeting {
    const name = `${account.address}${key}`;
    if (this.#transients.has(name)) return "met";
    if (!this.#afford(SLICE.itemBytes)) return "cut";
    const before = this.#state.transientValue(account, key);
    this.#transients.set(name, { owner: account, address: account.address, key, before, after: before });
    return "met";
  }

  blockHash(number: bigint): Meeting {
    const hash = this.#state.blockHash(number);
    if (hash === undefined) return "pending";
    if (!this.#afford(SLICE.itemBytes)) return "cut";
    this.#blockHashes.set(number, hash);
    return "met";
  }

  #accountValues(account: AccountState): AccountValues {
    return accountValues(account, this.#isPrecompile);
  }

  /** Everything met, with values after the slice. */
  evidence(): SliceEvidence {
    for (const [account, met] of this.#accounts) met.after = this.#accountValues(account);
    for (const met of this.#slots.values()) {
      // Marking an account as created gives it new slots.
      const { original, current, warm } = this.#state.slotEntry(met.owner, met.key);
      met.after = { original, current, isWarm: warm };
    }
    for (const met of this.#transients.values()) met.after = this.#state.transientValue(met.owner, met.key);
    return {
      code: this.#code,
      stackWords: this.#height - this.#lowest,
      accounts: [...this.#accounts.values()],
      codes: this.#codes,
      slots: [...this.#slots.values()],
      transients: [...this.#transients.values()],
      blockHashes: this.#blockHashes,
      memory: this.#memory.evidence(),
      input: this.#input.evidence(),
      returned: this.#returned.evidence(),
    };
  }
}

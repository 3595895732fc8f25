/** Notes the steps of a transaction around its messages, and what a proof of each needs. */
import {
  type Address,
  CHARTER_SLOTS,
  EMPTY_CODE_HASH,
  type Hash,
  PREDEPLOYS,
  type TransactionMessage,
} from "@mvm/protocol";
import type { MessageResult } from "../calls.ts";
import type { Terms } from "../charter.ts";
import type { IntrinsicGas } from "../intrinsic.ts";
import type { Call, TransactionObserver } from "../observer.ts";
import type { AccountState, SlotState, TransactionState } from "../transactionState.ts";
import type { FrameState, MachineState } from "./machineState.ts";
import { NO_VIEW } from "./machineState.ts";
import { MarkKeeper } from "./markKeeper.ts";
import { SLICE } from "./sliceRules.ts";
import type { Slice } from "./slicingMachine.ts";
import {
  accountValues,
  type CaseTerms,
  type Cut,
  FIRST_CUT,
  type Part,
  type Step,
  type StepAccount,
  type StepSlot,
  type StepState,
} from "./transactionCuts.ts";

const SYSTEM_KIND = 0x7e;
/** Bytes of evidence that an authorisation takes: its authority and the code that it may have. */
const AUTHORIZATION_BYTES = SLICE.itemBytes + SLICE.codeBytes;
/** Accounts that go in one step. */
const CLEARED_AT_ONCE = Math.floor(SLICE.bytes / SLICE.itemBytes) - 1;

/** The items of a list that stand in one step. */
type Listing = {
  readonly accounts: Map<Address, StepAccount>;
  readonly slots: Map<bigint, StepSlot>;
  readonly coded: Set<Address>;
  /** whose slots */
  owner: AccountState | null;
  bytesLeft: number;
  count: number;
};

export class StepRecorder implements TransactionObserver {
  readonly marks = new MarkKeeper();
  readonly parts: Part[] = [];
  readonly cuts: Cut[] = [FIRST_CUT];
  /** codes that the transaction's authorisations have set, by their hashes */
  readonly codes = new Map<Hash, Uint8Array>();
  readonly #isPrecompile: (address: Address) => boolean;
  readonly #bytes: number;
  readonly #isSystem: boolean;
  #listing: Listing | null = null;
  /** items of lists that are in steps, and in all */
  #listed = 0;
  #items = 0;
  #call: Call | null = null;

  /** @param bytes of the encoded transaction */
  constructor(isPrecompile: (address: Address) => boolean, bytes: number, isSystem: boolean) {
    this.#isPrecompile = isPrecompile;
    this.#bytes = bytes;
    this.#isSystem = isSystem;
  }

  #last(): Cut {
    return this.cuts.at(-1)!;
  }

  #push(part: Part, state: Cut["state"], terms: Partial<CaseTerms> = {}, origin = this.#last().origin): void {
    this.parts.push(part);
    this.cuts.push({ state, terms: { ...this.#last().terms, ...terms }, origin });
  }

  #state(state: TransactionState, kind: StepState["kind"], cursor = 0): StepState {
    return { kind, marks: this.marks.marks(state), cursor };
  }

  #account(account: AccountState): StepAccount {
    const isWarm = account.warm && !this.#isPrecompile(account.address);
    return {
      address: account.address,
      isWarm,
      after: account.loaded ? accountValues(account, this.#isPrecompile) : null,
    };
  }

  /** Each account once. */
  #accounts(accounts: readonly AccountState[]): StepAccount[] {
    return accounts.length === 0 ? [HOT] : [...new Set(accounts)].map((account) => this.#account(account));
  }

  /** A slice within a message. */
  slice(slice: Slice): void {
    this.#push(slice, slice.after);
  }

  /** What the checks have read: words of the hot account, and who sends. */
  #checked(state: TransactionState): Step {
    const readers = state.reads.flatMap((read) => (read.kind === "account" ? [state.entry(read.address)] : []));
    const hot = readers.find(({ address }) => address === HOT.address);
    const others = readers.filter((account) => account !== hot).map((account) => this.#account(account));
    const slots = state.hotSlots.map(BigInt);
    if (!this.#isSystem) slots.push(CHARTER_SLOTS.l1Values);
    return {
      ...NOTHING,
      accounts: [hot === undefined ? HOT : this.#account(hot), ...others],
      slots: slots.map((key) => ({ key, isWarm: false, current: null })),
      coded: readers.filter(({ code }) => code !== null && code.bytes.length !== 0).map(({ address }) => address),
    };
  }

  charged(
    state: TransactionState,
    {
      message,
      intrinsic,
      terms,
      gasPrice,
    }: {
      readonly message: TransactionMessage;
      readonly intrinsic: IntrinsicGas;
      readonly terms: Terms;
      readonly gasPrice: bigint;
    },
  ): void {
    const { accessList, authorizations, gasLimit, l1Fee, type, from } = message;
    this.#items = accessList.reduce((sum, { slots }) => sum + 1 + slots.length, authorizations.length);
    const kind = this.#isSystem ? SYSTEM_KIND : type;
    const gas = gasLimit - BigInt(intrinsic.charge);
    const own = { kind, gasLimit, gas, floor: BigInt(intrinsic.floor), l1Fee, tax: terms.tax };
    const origin = { gasPrice, origin: BigInt(from), denied: terms.denied };
    this.#push(this.#checked(state), this.#state(state, this.#items === 0 ? "calling" : "listing"), own, origin);
  }

  arranged(
    state: TransactionState,
    { next, status, isCounted, gasLimit, originWord, denied, calls }: Parameters<TransactionObserver["arranged"]>[1],
  ): void {
    const billing = isCounted ? "counted" : "free";
    const own: Partial<CaseTerms> = { kind: SYSTEM_KIND, billing, gasLimit, gas: gasLimit, status, calls };
    const kind = next === "mint" ? "minting" : next === "call" ? "calling" : "receiving";
    this.#push(this.#checked(state), this.#state(state, kind), own, { gasPrice: 0n, origin: originWord, denied });
  }

  minted(state: TransactionState, receiver: AccountState, supply: SlotState, next: "call" | "nothing"): void {
    const coinbase = state.entry(PREDEPLOYS.coinbase);
    const slots = [{ key: supply.key, isWarm: false, current: supply.current }];
    const step = { ...NOTHING, accounts: this.#accounts([coinbase, receiver]), slots };
    this.#push(step, this.#state(state, next === "call" ? "calling" : "receiving"));
  }

  listed(state: TransactionState, account: AccountState | null, slot: SlotState | "authorization" | null): void {
    const charge = slot === "authorization" ? AUTHORIZATION_BYTES : SLICE.itemBytes;
    const isSlot = slot !== null && slot !== "authorization";
    const current = this.#listing;
    const isOther = isSlot && current !== null && current.owner !== null && current.owner !== account;
    if (current !== null && (current.bytesLeft < charge || isOther)) this.#endListing(state);
    this.#listing ??= {
      ...{ accounts: new Map(), slots: new Map(), coded: new Set() },
      ...{ owner: null, bytesLeft: SLICE.bytes - this.#bytes, count: 0 },
    };
    const listing = this.#listing;
    listing.bytesLeft = Math.max(0, listing.bytesLeft - charge);
    listing.count++;
    if (account !== null) listing.accounts.set(account.address, this.#account(account));
    if (isSlot) {
      listing.owner = account;
      listing.slots.set(slot.key, { key: slot.key, isWarm: true, current: null });
    }
    if (slot === "authorization" && account !== null) {
      listing.coded.add(account.address);
      if (account.code !== null) this.codes.set(account.codeHash, account.code.bytes);
    }
    if (this.#listed + listing.count === this.#items) this.#endListing(state);
    else this.#marksListed = this.marks.marks(state);
  }

  /** after the last item */
  #marksListed = FIRST_CUT.state.marks;

  #endListing(state: TransactionState): void {
    const { accounts, slots, coded, owner, count } = this.#listing!;
    this.#listing = null;
    this.#listed += count;
    const isLast = this.#listed === this.#items;
    const own = owner === null ? undefined : accounts.get(owner.address)!;
    const others = [...accounts.values()].filter((account) => account !== own);
    const all = own === undefined ? others : [own, ...others];
    const step = {
      ...NOTHING,
      accounts: all.length === 0 ? [HOT] : all,
      slots: [...slots.values()],
      coded: [...coded],
    };
    const marks = isLast ? this.marks.marks(state) : this.#marksListed;
    this.#push(step, isLast ? { kind: "calling", marks, cursor: 0 } : { kind: "listing", marks, cursor: this.#listed });
  }

  calling(call: Call): void {
    this.#call = call;
  }

  /** The message runs: its first frame is about to begin. */
  began(frame: (before: number) => FrameState): MachineState {
    const number = this.parts.length + 1;
    const step = this.#calls();
    const start = frame(number);
    const state = { marks: start.marks, frames: [start], end: null };
    this.#push(step, state, { undo: number - 1 });
    return state;
  }

  #calls(): Step {
    const { state, sender, target, feeRecipient, tax } = this.#call!;
    this.#call = null;
    const accounts = [sender, target, feeRecipient];
    if (tax !== 0n && state.entry(PREDEPLOYS.taxVault).loaded) accounts.push(state.entry(PREDEPLOYS.taxVault));
    const runs = target.code !== null && !target.created;
    if (runs && target.code!.delegate !== null) accounts.push(state.entry(target.code!.delegate));
    return { ...NOTHING, accounts: this.#accounts(accounts), coded: runs ? [target.address] : [] };
  }

  ended(state: TransactionState, { status, gasLeft }: MessageResult): void {
    if (this.#call === null) return;
    const end = { status, gasLeft, output: NO_VIEW };
    const undo = this.parts.length;
    this.#push(this.#calls(), { marks: this.marks.marks(state), frames: [], end }, { undo });
  }

  settled(state: TransactionState, gasUsed: bigint, paid: readonly AccountState[]): void {
    const { terms, state: ended } = this.#last();
    const isDone = (ended as MachineState).end!.status === "success";
    // What a call that failed has warmed is not warm any more, and nobody asks.
    const accounts = this.#accounts(paid).map((account) => ({ ...account, isWarm: false }));
    const step = { ...NOTHING, accounts, restored: isDone ? null : terms.undo };
    const status = terms.billing === "billed" || !isDone ? (isDone ? 1 : 0) : terms.status;
    if (terms.calls !== 0) {
      this.#push(step, this.#state(state, "calling"), { status, calls: terms.calls - 1 });
      return;
    }
    const isLast = this.marks.destroyed.length === 0;
    const used = terms.billing === "free" ? 0n : gasUsed;
    this.#push(step, this.#state(state, isLast ? "receiving" : "clearing"), { status, gasUsed: used });
  }

  clearing(state: TransactionState): void {
    const { destroyed } = this.marks;
    const vault = state.entry(PREDEPLOYS.burnVault);
    let saved = vault.loaded ? this.#account(vault) : { address: vault.address, isWarm: vault.warm, after: null };
    for (let end = destroyed.length; end > 0; end -= CLEARED_AT_ONCE) {
      const first = Math.max(0, end - CLEARED_AT_ONCE);
      const cleared = destroyed.slice(first, end);
      const gone = cleared.map((address) => this.#account(state.entry(address)));
      const left = gone.reduce((sum, { after }) => sum + after!.balance, 0n);
      if (saved.after !== null)
        saved = { ...saved, after: { ...saved.after, exists: true, balance: saved.after.balance + left } };
      const absent = gone.map((account) => ({ ...account, after: { ...account.after!, ...ABSENT } }));
      const marks = { ...this.marks.marks(state), destroyed: this.marks.destroyedUpTo(first) };
      const kind = first === 0 ? "receiving" : "clearing";
      this.#push({ ...NOTHING, accounts: [saved, ...absent], cleared }, { kind, marks, cursor: 0 });
    }
  }
}

const NOTHING: Step = { accounts: [], slots: [], coded: [], restored: null, cleared: [] };
const HOT: StepAccount = { address: PREDEPLOYS.executionManager, isWarm: false, after: null };
const ABSENT = { exists: false, nonce: 0n, balance: 0n, codeHash: EMPTY_CODE_HASH, stoodEmpty: false } as const;

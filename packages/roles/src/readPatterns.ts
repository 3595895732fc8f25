/**
 * What the transactions of one contract and selector read, told by what differs between them: a key is the same for all, or follows
 * from the sender and the words of calldata, where Solidity keeps what a mapping has for them.
 */
import {
  type Address,
  bytesToBigInt,
  fromHex,
  type Hash,
  keccak,
  type StateKey,
  type TransactionMessage,
  toHex,
  toWord,
  toWordHex,
} from "@mvm/protocol";

/** What a pattern is told by, of a transaction. */
export type Call = Pick<TransactionMessage, "from" | "to" | "data">;

/** Words of calldata behind the selector that are looked at. */
const MAX_WORDS = 16;
/** Other accounts that a transaction touched which are tried as keys of mappings. */
const MAX_CONSTANTS = 8;
/** Storage slots of contracts at which mappings are looked for, from 0 on. */
const MAX_BASES = 16;
/** Words of a struct in a mapping. */
const MAX_FIELDS = 16;
/** Ways in which one key may be told that are kept. */
const MAX_EXPLANATIONS = 6;

const SELECTOR_BYTES = 4;
const WORD_BYTES = 32;
const ADDRESS_DIGITS = 40;
/** What no address of an account is below, but those of precompiles: counts, offsets and lengths are. */
const LEAST_ADDRESS = 2n ** 64n;
const LEAST_HASH = 2n ** 128n;
const WORD_BOUND = 2n ** 256n;

/** Where a word comes from: the sender, a word of calldata, or it is the same always. */
type Source =
  | { readonly kind: "from" }
  | { readonly kind: "word"; readonly index: number }
  | { readonly kind: "constant"; readonly word: Hash };

/**
 * A slot that is the same always, or one of a mapping: keccak(key . base), and for the second key of a mapping in a mapping
 * keccak(key . what came out for the first); then `field` words on.
 */
type SlotOf =
  | { readonly kind: "fixed"; readonly slot: Hash }
  | { readonly kind: "mapping"; readonly base: number; readonly keys: readonly Source[]; readonly field: number };

type Mapping = SlotOf & { readonly kind: "mapping" };

/** A key as it follows from a transaction: an account, or a slot of one. */
export type Pattern = { readonly account: Source; readonly slot: SlotOf | null };

/** Keys and hashes that may still be computed. */
export type StepBudget = { left: number };

const addressWord = (address: Address): Hash => `0x${address.slice(2).padStart(2 * WORD_BYTES, "0")}` as Hash;
const constant = (address: Address): Source => ({ kind: "constant", word: addressWord(address) });
/** The address that a word holds, or null where it holds more. */
function addressIn(word: Hash): Address | null {
  const digits = word.slice(2);
  return /^0{24}/.test(digits) ? (`0x${digits.slice(-ADDRESS_DIGITS)}` as Address) : null;
}

/** A word of calldata; null where it ends before. */
function wordAt(data: Uint8Array, index: number): Hash | null {
  const from = SELECTOR_BYTES + index * WORD_BYTES;
  return from + WORD_BYTES <= data.length ? (toHex(data.subarray(from, from + WORD_BYTES)) as Hash) : null;
}

function wordOf(source: Source, call: Call): Hash | null {
  switch (source.kind) {
    case "from":
      return addressWord(call.from);
    case "word":
      return wordAt(call.data, source.index);
    case "constant":
      return source.word;
  }
}

const textOf = (source: Source): string =>
  source.kind === "from" ? "from" : source.kind === "word" ? `word ${source.index}` : source.word;

/** One text for a pattern: equal patterns, equal texts. */
export function patternId({ account, slot }: Pattern): string {
  if (slot === null) return textOf(account);
  if (slot.kind === "fixed") return `${textOf(account)}/${slot.slot}`;
  return `${textOf(account)}/${slot.keys.map(textOf).join(",")}/${slot.base}+${slot.field}`;
}

const isConstant = ({ kind }: Source): boolean => kind === "constant";

/** The key that a pattern says for every transaction; null where it differs. */
export function constantKeyOf({ account, slot }: Pattern): StateKey | null {
  if (account.kind !== "constant" || slot?.kind === "mapping") return null;
  const address = addressIn(account.word)!;
  return slot === null ? { kind: "account", address } : { kind: "slot", address, slot: slot.slot };
}

/** The contract and the selector whose transactions are taken to read alike; null for a contract's creation. */
export const pairOf = ({ to, data }: Call): string | null =>
  to === null ? null : `${to}:${toHex(data.subarray(0, SELECTOR_BYTES))}`;

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(2 * WORD_BYTES);
  both.set(left);
  both.set(right, WORD_BYTES);
  return keccak(both);
}

const BASES: readonly Uint8Array[] = Array.from({ length: MAX_BASES }, (_, base) => toWord(BigInt(base)));

function mappedSlot({ base, keys, field }: Mapping, call: Call, budget: StepBudget): Hash | null {
  let inner = BASES[base]!;
  for (const key of keys) {
    const word = wordOf(key, call);
    if (word === null || budget.left === 0) return null;
    budget.left -= 1;
    inner = hashPair(fromHex(word), inner);
  }
  return field === 0 ? (toHex(inner) as Hash) : toWordHex((bytesToBigInt(inner) + BigInt(field)) % WORD_BOUND);
}

/** The key that a pattern says for a transaction; null where calldata has no such word, or the budget is used up. */
export function keyOf({ account, slot }: Pattern, call: Call, budget: StepBudget): StateKey | null {
  if (budget.left === 0) return null;
  budget.left -= 1;
  const word = wordOf(account, call);
  const address = word && addressIn(word);
  if (address === null) return null;
  if (slot === null) return { kind: "account", address };
  if (slot.kind === "fixed") return { kind: "slot", address, slot: slot.slot };
  const mapped = mappedSlot(slot, call, budget);
  return mapped && { kind: "slot", address, slot: mapped };
}

/** A word that may be a mapping's key, and all that it may have come from. */
type Candidate = { readonly word: Hash; readonly bytes: Uint8Array; readonly sources: readonly Source[] };

/** The sender, the words of calldata and other accounts, each word once; what looks like an address first, and the sender before all. */
function candidatesOf(call: Call, touched: Iterable<Address>): readonly Candidate[] {
  const found = new Map<Hash, Source[]>();
  const add = (source: Source): void => {
    const word = wordOf(source, call)!;
    found.set(word, [...(found.get(word) ?? []), source]);
  };
  add({ kind: "from" });
  for (let index = 0; index < MAX_WORDS && wordAt(call.data, index) !== null; index++) add({ kind: "word", index });
  let constants = 0;
  for (const address of touched) {
    if (constants === MAX_CONSTANTS) break;
    if (found.has(addressWord(address))) continue;
    add(constant(address));
    constants += 1;
  }
  const candidates = [...found].map(([word, sources]) => ({ word, bytes: fromHex(word), sources }));
  const isLikely = ({ word }: Candidate): boolean => addressIn(word) !== null && BigInt(word) >= LEAST_ADDRESS;
  return [...candidates.filter(isLikely), ...candidates.filter((candidate) => !isLikely(candidate))];
}

/** Slots by what they have in common with the first word of their struct. */
class WantedSlots {
  readonly #byStart = new Map<number, { readonly slot: Hash; readonly bytes: Uint8Array }[]>();
  readonly found = new Map<Hash, Mapping[]>();
  readonly #missing = new Set<Hash>();

  constructor(slots: Iterable<Hash>) {
    for (const slot of slots) {
      const bytes = fromHex(slot);
      const start = startOf(bytes);
      this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), { slot, bytes }]);
      this.#missing.add(slot);
    }
  }

  /** Whether some are not found yet. */
  get isOpen(): boolean {
    return this.#missing.size > 0;
  }

  /** Notes the mappings that a hash is a word of, where it, or a field after it, is wanted. */
  try(hash: Uint8Array, base: number, keys: readonly (readonly Source[])[]): void {
    for (const { slot, bytes } of this.#byStart.get(startOf(hash)) ?? []) {
      const field = bytes[WORD_BYTES - 1]! - hash[WORD_BYTES - 1]!;
      if (field < 0 || field >= MAX_FIELDS) continue;
      if (!hash.subarray(0, WORD_BYTES - 1).every((byte, i) => byte === bytes[i])) continue;
      this.#missing.delete(slot);
      const mappings = combinations(keys).map((sources): Mapping => ({ kind: "mapping", base, keys: sources, field }));
      this.found.set(slot, [...(this.found.get(slot) ?? []), ...mappings].slice(0, MAX_EXPLANATIONS));
    }
  }
}

const startOf = (bytes: Uint8Array): number => (bytes[0]! << 16) | (bytes[1]! << 8) | bytes[2]!;

/** One of each, in all ways, but those that say the same for all transactions. */
function combinations(keys: readonly (readonly Source[])[]): readonly (readonly Source[])[] {
  let all: readonly (readonly Source[])[] = [[]];
  for (const sources of keys) all = all.flatMap((start) => sources.map((source) => [...start, source]));
  return all.filter((each) => !each.every(isConstant));
}

/**
 * Which mappings slots belong to, by trying: first those of one key, then those of two.
 * @param touched accounts beside the sender that may be keys: the called one, and others that were read
 */
function findMappings(
  call: Call,
  touched: Iterable<Address>,
  slots: Iterable<Hash>,
  budget: StepBudget,
): ReadonlyMap<Hash, readonly Mapping[]> {
  const wanted = new WantedSlots(slots);
  const candidates = candidatesOf(call, touched);
  const isFixed = ({ sources }: Candidate): boolean => sources.every(isConstant);
  const firsts: { readonly hash: Uint8Array; readonly first: Candidate; readonly base: number }[] = [];
  for (const [base, start] of BASES.entries()) {
    for (const first of candidates) {
      if (budget.left === 0) return wanted.found;
      budget.left -= 1;
      const hash = hashPair(first.bytes, start);
      firsts.push({ hash, first, base });
      if (!isFixed(first)) wanted.try(hash, base, [first.sources]);
    }
  }
  for (const { hash, first, base } of firsts) {
    if (!wanted.isOpen) break;
    for (const second of candidates) {
      if (isFixed(first) && isFixed(second)) continue;
      if (budget.left === 0) return wanted.found;
      budget.left -= 1;
      wanted.try(hashPair(second.bytes, hash), base, [first.sources, second.sources]);
    }
  }
  return wanted.found;
}

/** Sources that an address may have come from; that it is the same always is one. */
function sourcesOf(address: Address, call: Call): readonly Source[] {
  const word = addressWord(address);
  const sources: Source[] = [constant(address)];
  if (address === call.to) return sources;
  if (address === call.from) sources.push({ kind: "from" });
  for (let index = 0; index < MAX_WORDS; index++)
    if (wordAt(call.data, index) === word) sources.push({ kind: "word", index });
  return sources;
}

/** Whether a key is a slot that is no variable of the contract's own, but was hashed from something. */
export const isHashed = (key: StateKey): boolean => key.kind === "slot" && BigInt(key.slot) >= LEAST_HASH;

/** All that a transaction's reads may have followed from, each read in a few ways at the most. Hashes are tried as far as the budget goes. */
export function patternsOf(call: Call, reads: readonly StateKey[], budget: StepBudget): readonly Pattern[] {
  const hashed = new Set<Hash>();
  const touched = new Set<Address>(call.to === null ? [] : [call.to]);
  for (const read of reads) {
    if (read.kind === "slot" && isHashed(read)) hashed.add(read.slot);
    if (read.kind === "account" || read.kind === "slot") touched.add(read.address);
  }
  touched.delete(call.from);
  const mappings = hashed.size === 0 ? null : findMappings(call, touched, hashed, budget);
  return reads.flatMap((read): readonly Pattern[] => {
    if (read.kind !== "account" && read.kind !== "slot") return [];
    const accounts = sourcesOf(read.address, call);
    if (read.kind === "account") return accounts.map((account) => ({ account, slot: null })).slice(0, MAX_EXPLANATIONS);
    const slots: readonly SlotOf[] = mappings?.get(read.slot) ?? [{ kind: "fixed", slot: read.slot }];
    return accounts.flatMap((account) => slots.map((slot) => ({ account, slot }))).slice(0, MAX_EXPLANATIONS);
  });
}

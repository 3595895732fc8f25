/** Proofs of slices as SliceReplay.sol takes them: tries at each cut, their witnesses, pages with their siblings. */
import {
  type AccountValues,
  type CutRoots,
  createAddress,
  END_STATUS,
  type FrameState,
  hashFrames,
  hashStack,
  type MetPage,
  type Slice,
  type View,
} from "@mvm/evm";
import {
  type Account,
  type AccountWrite,
  type Address,
  BLOCK_HASH_HISTORY,
  concatBytes,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  fromHex,
  type Hash,
  type Hex,
  joinBytes,
  keccakHash,
  type StateKey,
  type TransactionMessage,
  toWord,
  toWordHex,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { deletionsLast, NodeMap, WorldState, witnessOfWrites } from "@mvm/state";
import { type LocalContract, LocalL1 } from "../src/localL1.ts";
import type { MemoryState } from "../src/memoryState.ts";
import type { SlicedTransaction, SliceSurroundings } from "./sliceLab.ts";

const PAGE_BYTES = 128;
const HISTORY_SLOTS = 8_191n;
/** What start and end of a transaction would keep: nothing yet. */
export const REST = keccakHash(new TextEncoder().encode("rest"));

/** A trie with all nodes that it ever had. */
export class KeptTrie {
  readonly #source: NodeMap;
  root: Hash;

  constructor(source: NodeMap = new NodeMap(), root: Hash = EMPTY_TRIE_ROOT) {
    this.#source = source;
    this.root = root;
  }

  /** Another one that goes on from here; both keep their nodes together. */
  branch(): KeptTrie {
    return new KeptTrie(this.#source, this.root);
  }

  apply(writes: readonly AccountWrite[]): void {
    const state = new WorldState(this.#source, this.root);
    this.root = state.applyWrites(writes);
    for (const { encoded } of state.unstoredNodes()) this.#source.add(encoded);
  }

  /** Nodes that reads and writes at the present root need. */
  witness(keys: readonly StateKey[], writes: readonly AccountWrite[]): Uint8Array[] {
    const reads = new WorldState(this.#source, this.root).proveReads(keys);
    return [...reads, ...witnessOfWrites(this.#source, this.root, [deletionsLast(writes)])];
  }
}

/** Where the second trie tells something of a slot. */
const placeOf = (key: bigint, what: bigint): Hash => keccakHash(concatBytes(toWord(key), toWord(what)));

const flagsOf = ({ exists, isWarm, isCreated, isDestroyed, stoodEmpty, ...account }: AccountValues): bigint => {
  const isShown = exists && account.nonce === 0n && account.balance === 0n && account.codeHash === EMPTY_CODE_HASH;
  return BigInt(Number(isWarm) + 2 * Number(isCreated) + 4 * Number(isDestroyed) + 8 * Number(stoodEmpty && !isShown));
};

const touchedAccount = (nonce: bigint): Account => ({ nonce, balance: 0n, codeHash: EMPTY_CODE_HASH });
const accountOf = ({ exists, nonce, balance, codeHash }: AccountValues): Account | null =>
  exists ? { nonce, balance, codeHash } : null;

/** The trie of a whole state. */
export function trieOf(state: MemoryState): KeptTrie {
  const trie = new KeptTrie();
  trie.apply(
    [...state.accounts].map(([address, account]): AccountWrite => {
      const slots = [...(state.storages.get(address) ?? [])].map(([slot, value]) => ({ slot, value }));
      return { address, account, code: null, slots };
    }),
  );
  return trie;
}

/** Roots along the cuts of one message, and what proofs need of the tries. */
export class CutTries {
  readonly #world: KeptTrie;
  readonly #touched = new KeptTrie();
  readonly roots: CutRoots[] = [];
  /** places of slots that are written, by account and key: nothing else says so in a slice's values */
  #written: ReadonlySet<string> = new Set();
  readonly #writtenAt: ReadonlySet<string>[] = [];

  /** @param world the state before the transaction, on which this goes on */
  constructor(world: KeptTrie, { state, message, surroundings }: SlicedTransaction) {
    this.#world = world;
    const sender = state.account(message.from)!;
    const balance = sender.balance - message.gasLimit * surroundings.gasPrice;
    const paid = { nonce: sender.nonce + 1n, balance, codeHash: sender.codeHash };
    this.#world.apply([{ address: message.from, account: paid, code: null, slots: [] }]);
    this.#warm(message, surroundings);
    this.#note();
  }

  #warm({ from, to, nonce, accessList }: TransactionMessage, { environment, isPrecompile }: SliceSurroundings) {
    const target = to ?? createAddress(from, nonce);
    const slots = new Map<Address, Set<Hash>>();
    for (const address of [from, target, environment.feeRecipient]) slots.set(address, new Set());
    for (const { address, slots: keys } of accessList) {
      const known = slots.get(address) ?? new Set();
      for (const key of keys) known.add(placeOf(BigInt(key), 0n));
      slots.set(address, known);
    }
    const writes = [...slots].map(([address, keys]): AccountWrite => {
      const warm = [...keys].map((slot) => ({ slot, value: 1n }));
      return { address, account: touchedAccount(isPrecompile(address) ? 0n : 1n), code: null, slots: warm };
    });
    this.#touched.apply(writes.filter(({ account, slots: keys }) => account!.nonce !== 0n || keys.length !== 0));
  }

  #note(): void {
    this.roots.push({ world: this.#world.root, touched: this.#touched.root });
    this.#writtenAt.push(this.#written);
  }

  /** What a slice writes to both tries. */
  #writesOf({ evidence }: Slice): { world: AccountWrite[]; touched: AccountWrite[]; written: Set<string> } {
    const written = new Set(this.#written);
    const world: AccountWrite[] = [];
    const touched: AccountWrite[] = [];
    const own = evidence.accounts[0]!.address;
    for (const { address, before, after } of evidence.accounts) {
      const isOwn = address === own;
      const slots = isOwn
        ? evidence.slots
            .filter((slot) => slot.before.current !== slot.after.current)
            .map(({ key, after: { current } }) => ({ slot: toWordHex(key), value: current }))
        : [];
      const account = accountOf(after);
      const differs = JSON.stringify(accountOf(before), bigints) !== JSON.stringify(account, bigints);
      if (differs || slots.length !== 0) world.push({ address, account, code: null, slots });
      const touches = isOwn ? this.#slotTouches(evidence, written) : [];
      if (flagsOf(before) !== flagsOf(after) || touches.length !== 0)
        touched.push({ address, account: touchedAccount(flagsOf(after)), code: null, slots: touches });
    }
    return { world, touched, written };
  }

  #slotTouches({ slots, transients }: Slice["evidence"], written: Set<string>): { slot: Hash; value: bigint }[] {
    const touches: { slot: Hash; value: bigint }[] = [];
    for (const { address, key, before, after } of slots) {
      const name = `${address}/${key}`;
      const was = written.has(name) ? 2n : before.isWarm ? 1n : 0n;
      const is = was === 2n || before.current !== after.current ? 2n : after.isWarm ? 1n : 0n;
      if (is === was) continue;
      touches.push({ slot: placeOf(key, 0n), value: is });
      if (is !== 2n) continue;
      written.add(name);
      if (before.original !== 0n) touches.push({ slot: placeOf(key, 1n), value: before.original });
    }
    for (const { key, before, after } of transients)
      if (before !== after) touches.push({ slot: placeOf(key, 2n), value: after });
    return touches;
  }

  /** Nodes of both tries that a proof of the slice needs, each once. */
  witness(slice: Slice): Uint8Array[] {
    const { evidence } = slice;
    const own = evidence.accounts[0]!.address;
    const accounts = evidence.accounts.map(({ address }): StateKey => ({ kind: "account", address }));
    const slot = (at: Hash, address = own): StateKey => ({ kind: "slot", address, slot: at });
    const world = [...accounts, ...evidence.slots.map(({ key }) => slot(toWordHex(key)))];
    for (const block of evidence.blockHashes.keys())
      world.push(slot(toWordHex(block % HISTORY_SLOTS), BLOCK_HASH_HISTORY.address));
    const touched = [
      ...accounts,
      ...evidence.slots.map(({ key }) => slot(placeOf(key, 0n))),
      ...evidence.slots
        .filter(({ address, key }) => this.#written.has(`${address}/${key}`))
        .map(({ key }) => slot(placeOf(key, 1n))),
      ...evidence.transients.map(({ key }) => slot(placeOf(key, 2n))),
    ];
    const changes = slice.restored === null ? this.#writesOf(slice) : { world: [], touched: [] };
    const nodes = new Map<Hash, Uint8Array>();
    const all = [...this.#world.witness(world, changes.world), ...this.#touched.witness(touched, changes.touched)];
    for (const node of all) nodes.set(keccakHash(node), node);
    return [...nodes.values()];
  }

  /** Goes on to the cut after the slice. */
  advance(slice: Slice): void {
    if (slice.restored === null) {
      const { world, touched, written } = this.#writesOf(slice);
      this.#world.apply(world);
      this.#touched.apply(touched);
      this.#written = written;
    } else {
      ({ world: this.#world.root, touched: this.#touched.root } = this.roots[slice.restored]!);
      this.#written = this.#writtenAt[slice.restored]!;
    }
    this.#note();
  }
}

const bigints = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

/** Words of ReplayEnvironment by their names. */
export const environmentOf = ({ environment, number, chainId, gasPrice, origin, denied }: SliceSurroundings) => ({
  timestamp: environment.timestamp,
  number,
  baseFee: environment.baseFeePerGas,
  gasLimit: environment.gasLimit,
  prevRandao: environment.prevRandao,
  chainId,
  coinbase: environment.feeRecipient,
  gasPrice,
  origin: `0x${origin.toString(16).padStart(40, "0")}`,
  denied,
});

/** The commitment to what surrounds the message. */
export function surroundingsHash(surroundings: SliceSurroundings): Hash {
  const words = Object.values(environmentOf(surroundings)).map((word) => toWord(BigInt(word)));
  return keccakHash(joinBytes([...words, toWord(BigInt(REST))]));
}

const viewFields = ({ memory, memoryBytes, offset, length }: View) => ({
  root: memory?.root() ?? ZERO_HASH,
  memoryBytes,
  offset,
  length,
});

const marksOf = ({ refund, logs, logBytes, logCount }: FrameState["marks"]) => ({ refund, logs, logBytes, logCount });

function frameFields(frame: FrameState, below: Hash, before: CutRoots) {
  const { depth, caller, account, value, codeHash, gas, pc, stack, memory, memoryBytes, awaited } = frame;
  const { isStatic, isCreation, movesValue, isFresh } = frame;
  const flags = Number(isStatic) + 2 * Number(isCreation) + 4 * Number(movesValue) + 8 * Number(isFresh);
  return {
    ...{ below, depth, caller, account, value, codeHash, flags, gas, pc, stackHeight: stack.length },
    ...{ stack: hashStack(stack), memoryRoot: memory.root(), memoryBytes },
    input: viewFields(frame.input),
    returned: viewFields(frame.returned),
    outOffset: awaited?.outOffset ?? 0,
    outLength: awaited?.outLength ?? 0,
    made: awaited?.made ?? ZERO_ADDRESS,
    before,
    marks: marksOf(frame.marks),
  };
}

/** Pages of one memory; `more` are those that the slice fills behind its end. */
function pageProof(pages: readonly MetPage[], view: Pick<View, "memory" | "memoryBytes">, more: readonly number[]) {
  const numbers = pages.map(({ index, page }) => index | (page === null ? 0x8000 : 0));
  const contents = pages.map(({ index, page }) => page ?? view.memory!.leaf(index));
  const all = [...pages.map(({ index }) => index), ...more];
  const end = Math.ceil(view.memoryBytes / PAGE_BYTES);
  return {
    numbers: Uint8Array.from(numbers.flatMap((number) => [number >> 8, number & 0xff])),
    contents: joinBytes(contents),
    siblings: all.length === 0 ? [] : view.memory!.siblings(all, end),
  };
}

/** Pages that are not zeros behind a memory's end at the slice's beginning. */
function newPages({ before, memory }: Slice): number[] {
  const pages: number[] = [];
  if (memory === null) return pages;
  const first = Math.ceil(before.frames.at(-1)!.memoryBytes / PAGE_BYTES);
  for (let page = first; page < Math.ceil(memory.bytes / PAGE_BYTES); page++)
    if (memory.tree.page(page).some((byte) => byte !== 0)) pages.push(page);
  return pages;
}

/** The argument of SliceReplay.replay. */
export function proofOf(
  slice: Slice,
  index: number,
  tries: CutTries,
  { surroundings }: SlicedTransaction,
): Record<string, unknown> {
  const { before, evidence } = slice;
  const frame = before.frames.at(-1)!;
  const below = hashFrames(before.frames.slice(0, -1), (cut) => tries.roots[cut]!);
  const returned = before.end?.output ?? frame.returned;
  const opened = frame.stack.length - evidence.stackWords;
  const codes = new Map<Hash, Uint8Array>();
  let coded = 0n;
  for (const [i, { address }] of evidence.accounts.entries()) {
    const code = evidence.codes.get(address);
    if (code === undefined) continue;
    coded |= 1n << BigInt(i);
    codes.set(keccakHash(code), code);
  }
  const { end } = before;
  return {
    environment: environmentOf(surroundings),
    rest: REST,
    roots: tries.roots[index],
    marks: marksOf(before.marks),
    frame: frameFields(frame, below, tries.roots[frame.before]!),
    isReturning: end !== null,
    end: {
      status: end === null ? 0 : END_STATUS[end.status],
      gasLeft: end?.gasLeft ?? 0,
      output: viewFields(returned),
      awaiting: ZERO_HASH,
    },
    stackBelow: hashStack(frame.stack.slice(0, opened)),
    stack: frame.stack.slice(opened),
    memoryPages: pageProof(evidence.memory, frame, newPages(slice)),
    inputPages: pageProof(evidence.input, frame.input, []),
    returnPages: pageProof(evidence.returned, returned, []),
    code: evidence.code,
    holders: [],
    tries: {
      accounts: evidence.accounts.map(({ address }) => address),
      coded,
      slots: evidence.slots.map(({ key }) => toWordHex(key)),
      transients: evidence.transients.map(({ key }) => toWordHex(key)),
      blocks: [...evidence.blockHashes.keys()],
      witness: joinBytes(tries.witness(slice)),
      codes: [...codes.values()],
      holders: [],
    },
  };
}

/** What a proof comes to: the commitments before and after, or the error; the whole transaction's gas, its data's bytes. */
export type Replayed = { readonly told: readonly string[] | string; readonly gas: bigint; readonly bytes: number };

/** The three contracts on an L1 of their own. */
export class ReplayLab {
  readonly #l1: LocalL1;
  /** SliceReplay, SliceTries, SliceInterpreter */
  readonly #contracts: readonly [LocalContract, LocalContract, LocalContract];

  private constructor(l1: LocalL1, contracts: readonly [LocalContract, LocalContract, LocalContract]) {
    this.#l1 = l1;
    this.#contracts = contracts;
  }

  static async open(): Promise<ReplayLab> {
    const l1 = await LocalL1.open();
    const interpreter = await l1.deploy("src/execution/slices/SliceInterpreter.sol");
    const tries = await l1.deploy("src/execution/slices/SliceTries.sol", [interpreter.address]);
    const replay = await l1.deploy("src/execution/slices/SliceReplay.sol", [tries.address]);
    return new ReplayLab(l1, [replay, tries, interpreter]);
  }

  /** Bytes of code of each. */
  get codeBytes(): readonly number[] {
    return this.#contracts.map(({ codeBytes }) => codeBytes);
  }

  async replay(proof: unknown): Promise<Replayed> {
    const [{ abi }, tries, interpreter] = this.#contracts;
    let data: Uint8Array;
    try {
      data = fromHex(abi.encodeFunctionData("replay", [proof]) as Hex);
    } catch (error) {
      // What the ABI cannot say nobody can hand in.
      return { told: `not encoded: ${String(error).slice(0, 80)}`, gas: 0n, bytes: 0 };
    }
    const abis = [tries.abi, interpreter.abi];
    const { answer, transactionGas } = await this.#l1.send(this.#contracts[0], data, { abis });
    const shared = { gas: transactionGas, bytes: data.length };
    if (typeof answer === "string") return { told: answer, ...shared };
    const [before, afterwards] = abi.decodeFunctionResult("replay", answer);
    return { told: [before, afterwards], ...shared };
  }
}

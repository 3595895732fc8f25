/** SliceInterpreter.sol beside the slices of packages/evm: one slice handed in, and what comes back in words to compare. */
import {
  type AccountValues,
  END_STATUS,
  type Engine,
  type FrameState,
  isSlice,
  type MetPage,
  PageTree,
  type Slice,
  type Sliced,
  type SliceLimits,
  type View,
} from "@mvm/evm";
import {
  type BlockEnvironment,
  concatBytes,
  fromHex,
  type Hash,
  hasOpcode,
  type IncludedOutcome,
  joinBytes,
  keccak,
  toHex,
  toWord,
} from "@mvm/protocol";
import { type LocalContract, LocalL1 } from "../src/localL1.ts";
import type { RandomTransaction } from "./randomTransactions.ts";

/** Environment of a slice, as ReplayEnvironment has it. */
export type SliceSurroundings = {
  readonly environment: BlockEnvironment;
  readonly number: bigint;
  readonly chainId: bigint;
  readonly gasPrice: bigint;
  readonly origin: bigint;
  readonly denied: bigint;
  readonly isPrecompile: (address: string) => boolean;
};

const WARM = 1n << 161n;
const EXISTED = 1n << 162n;
const HAS_STORAGE = 1n << 163n;
const CREATED = 1n << 164n;
const DESTROYED = 1n << 165n;
const TOUCHED = 1n << 166n;
const TRANSIENT = 1n << 167n;
const PAGE_KNOWN = 1n << 24n;
const PAGE_BYTES = 128;
/** An odd number, any. */
const SALT = BigInt(`0x${"9e3779b97f4a7c15".repeat(4)}`) | 1n;

type Word = bigint | number | boolean | string;
const wordsOf = (words: readonly Word[]): Uint8Array =>
  joinBytes(words.map((word) => toWord(BigInt.asUintN(256, BigInt(word)))));

const flag = (isSet: boolean, bit: bigint): bigint => (isSet ? bit : 0n);

function accountFlags(values: AccountValues): bigint {
  return (
    flag(values.isWarm, WARM) |
    flag(values.stoodEmpty, EXISTED) |
    flag(values.hasStorage, HAS_STORAGE) |
    flag(values.isCreated, CREATED) |
    flag(values.isDestroyed, DESTROYED)
  );
}

const pageRows = (pages: readonly MetPage[], object: bigint): Uint8Array[] =>
  pages.map(({ index, page }) => {
    const word = BigInt(index) | (object << 16n) | (page === null ? 0n : PAGE_KNOWN);
    return concatBytes(toWord(word), page ?? new Uint8Array(PAGE_BYTES));
  });

const frameFlags = ({ isStatic, isCreation, movesValue, isFresh }: FrameState): number =>
  Number(isStatic) + 2 * Number(isCreation) + 4 * Number(movesValue) + 8 * Number(isFresh);

/** The header's words that say what there is of evidence. */
type Counts = { accounts: number; slots: number; hashes: number; pages: number; codeBytes: number };

function headerWords({ before, evidence }: Slice, limits: SliceLimits, counts: Counts): readonly Word[] {
  const frame = before.frames.at(-1)!;
  const { end, marks } = before;
  const returned: View = end?.output ?? frame.returned;
  const { awaited, input } = frame;
  return [
    ...[limits.gas, limits.bytes, end !== null, frame.depth, frame.caller, frame.value, frameFlags(frame)],
    ...[frame.gas, frame.pc, frame.stack.length, evidence.stackWords, frame.memoryBytes],
    ...[input.memoryBytes, input.offset, input.length],
    ...[returned.memoryBytes, returned.offset, returned.length],
    ...[awaited?.outOffset ?? 0, awaited?.outLength ?? 0, awaited?.made ?? 0],
    ...[end === null ? 0 : END_STATUS[end.status], end?.gasLeft ?? 0],
    ...[marks.refund, marks.logs, marks.logBytes, marks.logCount],
    ...[evidence.code.length, counts.accounts, counts.slots, counts.hashes, counts.pages, counts.codeBytes, SALT],
  ];
}

/** Calldata of `run`. */
export function encodeSlice(slice: Slice, surroundings: SliceSurroundings, limits: SliceLimits): Uint8Array {
  const { evidence, before } = slice;
  const { environment, number, chainId, gasPrice, origin, denied } = surroundings;
  const codes: Uint8Array[] = [];
  let codeBytes = 0;
  const accounts = evidence.accounts.map(({ address, before: values }) => {
    const code = evidence.codes.get(address);
    const place = code === undefined ? 0n : (BigInt(code.length) << 160n) | BigInt(codeBytes);
    if (code !== undefined) {
      const padded = new Uint8Array(Math.ceil(code.length / 32) * 32);
      padded.set(code);
      codes.push(padded);
      codeBytes += padded.length;
    }
    const { balance, nonce, codeHash } = values;
    return wordsOf([BigInt(address) | accountFlags(values), balance, nonce, codeHash, place]);
  });
  const slots = [
    ...evidence.slots.map(({ address, key, before: { original, current, isWarm } }) =>
      wordsOf([BigInt(address) | flag(isWarm, WARM), key, original, current]),
    ),
    ...evidence.transients.map(({ address, key, before: value }) =>
      wordsOf([BigInt(address) | TRANSIENT, key, 0n, value]),
    ),
  ];
  const hashes = [...evidence.blockHashes].map(([block, hash]) => wordsOf([block, hash]));
  const pages = [...pageRows(evidence.memory, 0n), ...pageRows(evidence.input, 1n), ...pageRows(evidence.returned, 2n)];
  const counts = {
    accounts: accounts.length,
    slots: slots.length,
    hashes: hashes.length,
    pages: pages.length,
    codeBytes,
  };
  const { stack } = before.frames.at(-1)!;
  return joinBytes([
    keccak(new TextEncoder().encode("run()")).subarray(0, 4),
    wordsOf([environment.timestamp, number, environment.baseFeePerGas, environment.gasLimit]),
    wordsOf([environment.prevRandao, chainId, environment.feeRecipient, gasPrice, origin, denied]),
    wordsOf(headerWords(slice, limits, counts)),
    ...[...accounts, ...slots, ...hashes, ...pages, ...codes],
    wordsOf(stack.slice(stack.length - evidence.stackWords)),
    new Uint8Array(32),
    evidence.code,
  ]);
}

const KINDS = ["revert", "success", "halt", "stopped", "called"] as const;

/** What a slice came to, in a form in which twin and contract are compared. */
export type SliceResult = { readonly kind: (typeof KINDS)[number]; readonly [field: string]: unknown };

const text = (words: readonly Word[]): string[] => words.map((word) => `0x${BigInt(word).toString(16)}`);

/** By what the twin says. */
export function expectedOf({ before, after, evidence, restored }: Slice): SliceResult {
  const { end, frames, marks } = after;
  if (end?.status === "halt") return { kind: "halt" };
  const world = restored !== null ? null : worldOf(evidence);
  const shared = { marks: restored !== null ? null : markText(marks), world };
  if (end !== null) {
    const { output, gasLeft, status } = end;
    const { length, offset } = output;
    const root = length === 0 ? null : output.memory!.root();
    return { kind: end.status, gas: gasLeft, output: [status, root, offset, length], ...shared };
  }
  const isCall = frames.length > before.frames.length;
  const frame = frames.at(isCall ? -2 : -1)!;
  const result = { ...frameText(frame), ...shared };
  if (!isCall) return { kind: "stopped", ...result };
  const child = frames.at(-1)!;
  const { account, caller, value, codeHash, gas, input } = child;
  const { outOffset, outLength, made } = frame.awaited!;
  const words = [account, caller, value, frameFlags(child), codeHash, gas];
  return {
    kind: "called",
    ...result,
    child: text([...words, input.offset, input.length, outOffset, outLength, made ?? 0n]),
  };
}

const markText = ({ refund, logs, logBytes, logCount }: Slice["before"]["marks"]): string[] =>
  text([BigInt.asUintN(256, BigInt(refund)), logs, logBytes, logCount]);

function frameText(frame: FrameState): object {
  const { gas, pc, stack, memoryBytes, memory, returned } = frame;
  return {
    gas,
    pc,
    stack: text(stack),
    memory: [memoryBytes, memory.root()],
    returned: [returned.length, returned.length === 0 ? null : returned.memory!.root(), returned.offset],
  };
}

function worldOf({ accounts, slots, transients }: Slice["evidence"]): object {
  return {
    accounts: accounts.map(({ after }) => ({ ...after })),
    slots: slots.map(({ after: { current, isWarm } }) => [current, isWarm]),
    transients: transients.map(({ after }) => after),
  };
}

/** Reads words one after the other. */
class Reader {
  readonly #bytes: Uint8Array;
  place = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bytes(length: number): Uint8Array {
    const bytes = this.#bytes.slice(this.place, this.place + length);
    if (bytes.length !== length) throw new Error("the answer is too short");
    this.place += length;
    return bytes;
  }

  word(): bigint {
    return BigInt(toHex(this.bytes(32)));
  }

  number(): number {
    return Number(this.word());
  }

  words(count: number): bigint[] {
    return Array.from({ length: count }, () => this.word());
  }

  get left(): number {
    return this.#bytes.length - this.place;
  }
}

function readAccount(
  reader: Reader,
  { address, before }: Slice["evidence"]["accounts"][number],
  isPrecompile: boolean,
) {
  const [word, balance, nonce, codeHash] = reader.words(5) as [bigint, bigint, bigint, bigint];
  if ((word & ((1n << 160n) - 1n)) !== BigInt(address)) throw new Error("another account");
  const has = (bit: bigint): boolean => (word & bit) !== 0n;
  const stoodEmpty = before.stoodEmpty && !has(TOUCHED);
  const isEmpty = balance === 0n && nonce === 0n && codeHash === EMPTY;
  const hash = toHex(toWord(codeHash)) as Hash;
  return {
    exists: !isEmpty || stoodEmpty,
    nonce,
    balance,
    codeHash: hash,
    hasStorage: before.hasStorage,
    isWarm: has(WARM) && !isPrecompile,
    isCreated: has(CREATED),
    isDestroyed: has(DESTROYED),
    stoodEmpty,
  };
}

const EMPTY = BigInt(toHex(keccak(new Uint8Array(0))));

/** By what the contract gave back. */
export function resultOf(slice: Slice, data: Uint8Array, surroundings: SliceSurroundings): SliceResult {
  const reader = new Reader(data);
  const head = reader.word();
  if (data.length === 64 && (head & 0xffn) === 2n) return { kind: "halt" };
  const kind = KINDS[Number(head)]!;
  const { evidence, before } = slice;
  const start = before.frames.at(-1)!;
  const gas = reader.number();
  const pc = reader.number();
  const [height, floor, memoryBytes, owns] = reader.words(4).map(Number) as [number, number, number, number];
  const [returnOffset, returnLength] = reader.words(2).map(Number) as [number, number];
  const marks = text(reader.words(4));
  const [outOffset, outLength, denied] = reader.words(3).map(Number) as [number, number, number];
  const child = text(reader.words(11));
  const newPages = reader.number();
  const stack = text([...start.stack.slice(0, floor), ...reader.words(height - floor)]);
  const accounts = evidence.accounts.map((met) => readAccount(reader, met, surroundings.isPrecompile(met.address)));
  const slots = evidence.slots.map(() => {
    const [word, , , current] = reader.words(4) as [bigint, bigint, bigint, bigint];
    return [current, (word & WARM) !== 0n];
  });
  const transients = evidence.transients.map(() => reader.words(4)[3]!);
  const { tree } = readPages(reader, slice, newPages);
  const ownReturned = owns === 0 ? null : PageTree.of(reader.bytes(returnLength));
  if (reader.left !== 0) throw new Error("more than an answer");

  const world = { accounts, slots, transients };
  if (kind === "revert" || kind === "success") {
    const denial = denied === 0 ? null : denialOf(denied - 1, surroundings);
    const root = denial !== null ? denial.root() : outLength === 0 ? null : tree.root();
    const output = [kind, root, outOffset, denial === null ? outLength : 68];
    return { kind, gas, output, marks: kind === "revert" ? null : marks, world: kind === "revert" ? null : world };
  }
  const view = before.end?.output ?? start.returned;
  const returnRoot = ownReturned ?? view.memory;
  const result = {
    gas,
    pc,
    stack,
    memory: [memoryBytes, tree.root()],
    returned: [returnLength, returnLength === 0 ? null : returnRoot!.root(), returnOffset],
    marks,
    world,
  };
  return kind === "called" ? { kind, ...result, child } : { kind, ...result };
}

/** The memory after a slice, from its pages. */
function readPages(reader: Reader, { evidence, before }: Slice, newPages: number): { readonly tree: PageTree } {
  let tree = before.frames.at(-1)!.memory;
  const given = evidence.memory.length + evidence.input.length + evidence.returned.length;
  for (let i = 0; i < given + newPages; i++) {
    const word = reader.word();
    const page = reader.bytes(PAGE_BYTES);
    const isKnown = (word & PAGE_KNOWN) !== 0n;
    if (((word >> 16n) & 3n) !== 0n || !isKnown) continue;
    const index = Number(word & 0xffffn);
    const memory = new Uint8Array((index + 1) * PAGE_BYTES);
    memory.set(page, index * PAGE_BYTES);
    tree = tree.with([index], memory);
  }
  return { tree };
}

/** PermissionDenied(bytes1 opcode, address signer). */
function denialOf(opcode: number, { denied, origin }: SliceSurroundings): PageTree {
  if (!hasOpcode(denied, opcode)) throw new Error("it is not denied");
  const code = new Uint8Array(32);
  code[0] = opcode;
  return PageTree.of(concatBytes(fromHex("0x2df25dee"), code, toWord(origin)));
}

/** A transaction with the slices of its message. */
export type SlicedTransaction = RandomTransaction & {
  readonly whole: Sliced;
  readonly slices: readonly Slice[];
  /** number of the first one among the parts */
  readonly first: number;
  readonly outcome: IncludedOutcome;
  readonly surroundings: SliceSurroundings;
  readonly limits: SliceLimits;
};

export async function sliced(
  engine: Engine,
  transaction: RandomTransaction,
  limits: SliceLimits,
): Promise<SlicedTransaction> {
  const { environment, message, state } = transaction;
  const whole = await engine.slice(environment, { kind: "message", message }, state, { limits });
  const { outcome, parts, cuts } = whole;
  if (outcome.kind !== "included") throw new Error("the transaction is invalid");
  const { gasPrice, origin, denied } = cuts.at(-1)!.origin;
  const slices = parts.filter(isSlice);
  const isPrecompile = (address: string): boolean => [...engine.rules.precompiles.keys()].some((at) => at === address);
  const { number, chainId } = state.chain;
  return {
    ...transaction,
    whole,
    slices,
    first: parts.findIndex(isSlice),
    outcome,
    limits,
    surroundings: { environment, number, chainId, gasPrice, origin, denied, isPrecompile },
  };
}

export type SliceVerdict = {
  readonly result: SliceResult | null;
  readonly refused: string | null;
  /** as the contract gives it */
  readonly answer: Uint8Array | null;
  /** of the whole transaction */
  readonly l1Gas: bigint;
  /** of what is handed in */
  readonly bytes: number;
};

export class SliceLab {
  readonly #l1: LocalL1;
  readonly #interpreter: LocalContract;

  private constructor(l1: LocalL1, interpreter: LocalContract) {
    this.#l1 = l1;
    this.#interpreter = interpreter;
  }

  static async open(): Promise<SliceLab> {
    const l1 = await LocalL1.open();
    return new SliceLab(l1, await l1.deploy("src/execution/slices/SliceInterpreter.sol"));
  }

  get codeBytes(): number {
    return this.#interpreter.codeBytes;
  }

  /** Replays a slice, from calldata that may be others than its own. */
  async run(
    slice: Slice,
    surroundings: SliceSurroundings,
    limits: SliceLimits,
    data = encodeSlice(slice, surroundings, limits),
  ): Promise<SliceVerdict> {
    const { answer, transactionGas } = await this.#l1.send(this.#interpreter, data);
    const shared = { l1Gas: transactionGas, bytes: data.length };
    if (typeof answer === "string") return { result: null, refused: answer, answer: null, ...shared };
    return { result: resultOf(slice, answer, surroundings), refused: null, answer, ...shared };
  }
}

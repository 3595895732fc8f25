/** The machine's state at a cut, and its commitment (decision 036). */
import { type Address, fromHex, type Hash, joinBytes, keccakHash, toWord, ZERO_HASH } from "@mvm/protocol";
import type { PageTree } from "./pageTree.ts";

/** A range of a memory that does not change any more; of no bytes it is NO_VIEW. */
export type View = {
  readonly memory: PageTree | null;
  /** of the whole memory */
  readonly memoryBytes: number;
  readonly offset: number;
  readonly length: number;
};

export const NO_VIEW: View = { memory: null, memoryBytes: 0, offset: 0, length: 0 };

/** What becomes of the end of a frame above: where its output goes, or the address of what it makes. */
export type Awaited = { readonly outOffset: number; readonly outLength: number; readonly made: Address | null };

/** What frames that fail put back, beside roots. */
export type Marks = {
  readonly refund: number;
  /** hash chain over the logs */
  readonly logs: Hash;
  readonly logBytes: number;
  readonly logCount: number;
  /** hash chain over the accounts that go with the transaction's end */
  readonly destroyed: Hash;
};

export type FrameState = {
  readonly depth: number;
  readonly caller: Address;
  /** whose storage and balance the code works on */
  readonly account: Address;
  readonly value: bigint;
  readonly codeHash: Hash;
  readonly isStatic: boolean;
  readonly isCreation: boolean;
  /** whether `value` goes from the caller to the account when the frame begins */
  readonly movesValue: boolean;
  /** it has not begun yet */
  readonly isFresh: boolean;
  readonly gas: number;
  /** of the next opcode; of a frame that awaits another, behind the one that made it */
  readonly pc: number;
  readonly stack: readonly bigint[];
  readonly memory: PageTree;
  readonly memoryBytes: number;
  readonly input: View;
  readonly returned: View;
  /** null: nothing is above it */
  readonly awaited: Awaited | null;
  /** number of the cut whose roots it puts back where it fails */
  readonly before: number;
  readonly marks: Marks;
};

export const END_STATUS = { revert: 0, success: 1, halt: 2 } as const;

/** The end of a frame that the one below has not been told of yet, or of the message. */
export type FrameEnd = {
  readonly status: keyof typeof END_STATUS;
  readonly gasLeft: number;
  readonly output: View;
};

export type MachineState = {
  readonly marks: Marks;
  /** the first one first; the last one runs, or awaits the end */
  readonly frames: readonly FrameState[];
  readonly end: FrameEnd | null;
};

/** Roots at a cut: of the state with its changes so far, and of what the transaction has touched. */
export type CutRoots = { readonly world: Hash; readonly touched: Hash };

const KINDS = { running: 1, returning: 2, ended: 3 } as const;

type Word = bigint | number | boolean | string;
const hashWords = (words: readonly Word[]): Hash =>
  keccakHash(
    joinBytes(words.map((word) => toWord(BigInt.asUintN(256, typeof word === "string" ? BigInt(word) : BigInt(word))))),
  );

const viewWords = ({ memory, memoryBytes, offset, length }: View): (number | string)[] => [
  memory?.root() ?? ZERO_HASH,
  memoryBytes,
  offset,
  length,
];

const markWords = ({ refund, logs, logBytes, logCount, destroyed }: Marks): (number | string)[] => [
  refund,
  logs,
  logBytes,
  logCount,
  destroyed,
];

/** Hash chain over a stack from its bottom. */
export const hashStack = (stack: readonly bigint[]): Hash =>
  stack.reduce((below, word) => keccakHash(joinBytes([fromHex(below), toWord(word)])), ZERO_HASH);

/** Hash chain over logs: what stood before, and the RLP of one more. */
export const hashLog = (before: Hash, encoded: Uint8Array): Hash => hashWords([before, keccakHash(encoded)]);

/** Hash of words by their names, and of those of words within them, as the ABI has them. */
export const hashSurroundings = (words: Readonly<Record<string, unknown>>): Hash =>
  hashWords(Object.values(words).flatMap((word) => (typeof word === "object" ? Object.values(word!) : [word as Word])));

/** Hash chain over accounts: what stood before, and one more. */
export const hashLink = (before: Hash, account: Address): Hash => hashWords([before, account]);

function hashFrame(frame: FrameState, below: Hash, rootsAt: (cut: number) => CutRoots): Hash {
  const { depth, caller, account, value, codeHash, gas, pc, stack, memory, memoryBytes, input, returned } = frame;
  const { isStatic, isCreation, movesValue, isFresh, awaited, before, marks } = frame;
  const roots = rootsAt(before);
  return hashWords([
    ...[below, depth, caller, account, value, codeHash],
    Number(isStatic) + 2 * Number(isCreation) + 4 * Number(movesValue) + 8 * Number(isFresh),
    ...[gas, pc, stack.length, hashStack(stack), memory.root(), memoryBytes],
    ...viewWords(input),
    ...viewWords(returned),
    ...[awaited?.outOffset ?? 0, awaited?.outLength ?? 0, awaited?.made ?? 0],
    ...[roots.world, roots.touched],
    ...markWords(marks),
  ]);
}

/** Hash of the last of frames, which names those below it; zero where there is none. */
export const hashFrames = (frames: readonly FrameState[], rootsAt: (cut: number) => CutRoots): Hash =>
  frames.reduce((below, frame) => hashFrame(frame, below, rootsAt), ZERO_HASH);

/**
 * The commitment to a state.
 * @param surroundings hash of the environment and of what a transaction's start and end keep
 * @param roots at this cut
 * @param rootsAt roots at an earlier cut, or this one, by its number
 */
export function commitState(
  { marks, frames, end }: MachineState,
  surroundings: Hash,
  roots: CutRoots,
  rootsAt: (cut: number) => CutRoots,
): Hash {
  const top = hashFrames(frames, rootsAt);
  const kind = end === null ? KINDS.running : frames.length === 0 ? KINDS.ended : KINDS.returning;
  const tail = end === null ? top : hashWords([END_STATUS[end.status], end.gasLeft, ...viewWords(end.output), top]);
  return hashWords([kind, surroundings, roots.world, roots.touched, ...markWords(marks), tail]);
}

/** The commitment to a state around messages: its kind by number, and where it stands in a list. */
export const commitAround = (
  { kind, marks, cursor }: { readonly kind: number; readonly marks: Marks; readonly cursor: number },
  surroundings: Hash,
  { world, touched }: CutRoots,
): Hash => hashWords([kind, surroundings, world, touched, ...markWords(marks), cursor]);

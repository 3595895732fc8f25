/** Proofs of slices as SliceReplay.sol takes them. */
import {
  type CutRoots,
  END_STATUS,
  type FrameState,
  hashFrames,
  hashStack,
  type MetPage,
  type Slice,
  type View,
} from "@mvm/evm";
import { type Hash, joinBytes, keccakHash, toWordHex, ZERO_ADDRESS, ZERO_HASH } from "@mvm/protocol";

const PAGE_BYTES = 128;

export const viewFields = ({ memory, memoryBytes, offset, length }: View) => ({
  root: memory?.root() ?? ZERO_HASH,
  memoryBytes,
  offset,
  length,
});

export const marksOf = ({ refund, logs, logBytes, logCount, destroyed }: FrameState["marks"]) => ({
  refund,
  logs,
  logBytes,
  logCount,
  destroyed,
});

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

/** What surrounds a slice: words of ReplayEnvironment by their names, and the hash of the rest. */
export type SliceSurroundings = { readonly environment: object; readonly rest: Hash };

/**
 * The argument of SliceReplay.replay.
 * @param roots at the cuts; witness: nodes that the slice needs
 */
export function sliceProof(
  slice: Slice,
  index: number,
  roots: readonly CutRoots[],
  witness: readonly Uint8Array[],
  surroundings: SliceSurroundings,
): Record<string, unknown> {
  const { before, evidence } = slice;
  const frame = before.frames.at(-1)!;
  const below = hashFrames(before.frames.slice(0, -1), (cut) => roots[cut]!);
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
    ...surroundings,
    roots: roots[index],
    marks: marksOf(before.marks),
    frame: frameFields(frame, below, roots[frame.before]!),
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
      witness: joinBytes(witness),
      codes: [...codes.values()],
      holders: [],
    },
  };
}

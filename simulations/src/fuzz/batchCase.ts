/** Cases of the fuzzer `batch`: a batch that is well-formed, changes to its bytes, and what is asked of it. */
import {
  type Address,
  BATCH_FORMAT,
  type BatchBlock,
  bigIntToBytes,
  bytesToBigInt,
  concatBytes,
  encodeBatch,
  encodeRlp,
  JOB_SEATS,
  LIMITS,
  NO_WORK,
  type RlpInput,
  toAddress,
  toChainId,
  toHash,
  toHex,
  toWord,
  type Work,
} from "@mvm/protocol";
import type { Draw } from "./draw.ts";
import { listsWithSmaller, shorterLists } from "./shrink.ts";

const CHAIN_ID = toChainId(1_088);
const GENESIS = 1_800_000_000n;
const KNOWN_ADDRESSES = 400;

/** One change to a batch's bytes; the place is taken modulo the length. */
type Change = {
  readonly kind: "set" | "flip" | "insert" | "remove" | "cut" | "append";
  readonly at: number;
  readonly byte: number;
};

export type BatchCase = {
  readonly blocks: readonly BatchBlock[];
  readonly changes: readonly Change[];
  /** bytes instead of a batch with changes */
  readonly noise: Uint8Array | null;
  /** block and position that are asked for */
  readonly asked: readonly { readonly block: number; readonly position: number }[];
};

/** Address at a place of the table. */
export const tableAddress = (index: bigint): Address =>
  toAddress(`0x${(index % 2n ** 64n).toString(16).padStart(16, "0").padStart(40, "ad")}`);
const places = new Map(Array.from({ length: KNOWN_ADDRESSES }, (_, i) => [tableAddress(BigInt(i)), i] as const));

/** An address of the table, a stranger's, or small. */
function target(draw: Draw): Uint8Array {
  if (draw.onceIn(20)) return toWord(BigInt(draw.below(300))).subarray(12);
  if (draw.onceIn(3)) return draw.bytes(20);
  return toWord(BigInt(tableAddress(BigInt(draw.below(KNOWN_ADDRESSES))))).subarray(12);
}

function amount(draw: Draw): bigint {
  if (draw.onceIn(3)) return draw.word();
  return BigInt(draw.below(10_000)) * 10n ** BigInt(draw.below(40));
}

function words(draw: Draw, timestamp: bigint): Uint8Array[] {
  return Array.from(
    {
      length: draw.weighted([
        [8, draw.below(9)],
        [1, draw.below(70)],
      ]),
    },
    () => {
      switch (draw.below(6)) {
        case 0:
          return concatBytes(new Uint8Array(12), target(draw));
        case 1:
          return toWord(timestamp + BigInt(draw.below(5_000)));
        case 2:
          return draw.bytes(32);
        case 3:
          return toWord(2n ** 256n - 1n - BigInt(draw.below(1_000)));
        default:
          return toWord(amount(draw) % 2n ** 256n);
      }
    },
  );
}

function callData(draw: Draw, timestamp: bigint): Uint8Array {
  const selectors = ["a9059cbb", "095ea7b3", "23b872dd", "38ed1739", "deadbeef"] as const;
  const selector = bigIntToBytes(BigInt(`0x${draw.pick(selectors)}`)).slice(-4);
  const four = concatBytes(new Uint8Array(4 - selector.length), selector);
  const address = (): Uint8Array => concatBytes(new Uint8Array(12), target(draw));
  switch (draw.below(6)) {
    case 0:
      return new Uint8Array(0);
    case 1:
      return draw.bytes(draw.below(200));
    case 2:
      return concatBytes(four, address(), toWord(amount(draw) % 2n ** 256n));
    case 3:
      return concatBytes(four, address(), address(), toWord(amount(draw) % 2n ** 256n));
    default:
      return concatBytes(four, ...words(draw, timestamp));
  }
}

/** An encoded transaction whose signature need not be one: the format does not look at it. */
function transaction(draw: Draw, timestamp: bigint): Uint8Array {
  if (draw.onceIn(25)) return draw.bytes(draw.below(120));
  if (draw.onceIn(400)) return new Uint8Array(draw.between(57_000, 57_344));
  const int = (value: bigint): Uint8Array => bigIntToBytes(value);
  const half = (): Uint8Array => int(bytesToBigInt(draw.bytes(draw.onceIn(10) ? 31 : 32)));
  const fee = draw.pick([2_100_000_000n, 3n * 10n ** 9n, amount(draw) % 2n ** 256n]);
  const tip = draw.pick([10n ** 8n, fee, amount(draw) % 2n ** 256n]);
  const gas = draw.pick([21_000n, 60_000n, 100_000n, BigInt(draw.below(2_000_000))]);
  const nonce = BigInt(draw.pick([draw.below(5), draw.below(100_000)]));
  const value = draw.onceIn(2) ? 0n : amount(draw) % 2n ** 256n;
  const data = draw.onceIn(300) ? draw.bytes(draw.between(57_000, 57_120)) : callData(draw, timestamp);
  const to = draw.onceIn(40) ? new Uint8Array(0) : target(draw);
  const parity = BigInt(draw.below(2));
  const call: RlpInput[] = [int(gas), to, int(value), data];
  if (draw.onceIn(4))
    return encodeRlp([int(nonce), int(fee), ...call, int(35n + 2n * CHAIN_ID + parity), half(), half()]);
  const fields = [int(CHAIN_ID), int(nonce), int(tip), int(fee), ...call, [], int(parity), half(), half()];
  return concatBytes(Uint8Array.of(2), encodeRlp(fields));
}

/** As many seats as a job needs, of those that it has. */
function randomWork(draw: Draw): Work {
  const last = draw.between(LIMITS.seats - 1, JOB_SEATS - 1);
  const first = draw.below(last);
  const seats = Array.from({ length: last + 1 }, (_, seat) =>
    seat === first || seat === last ? draw.below(5_000) : null,
  );
  return { attempt: draw.pick([0, 0, draw.below(LIMITS.jobAttempts)]), seats };
}

function randomBlocks(draw: Draw): BatchBlock[] {
  const count = draw.weighted([
    [6, draw.between(1, 4)],
    [3, draw.between(1, 20)],
    [1, draw.between(17, 50)],
  ]);
  let timestamp = GENESIS;
  let slot = BigInt(draw.below(1_000_000));
  return Array.from({ length: count }, () => {
    timestamp += BigInt(draw.below(300));
    slot += BigInt(draw.below(2));
    const work = draw.onceIn(6) ? NO_WORK : randomWork(draw);
    return {
      timestamp,
      slot,
      queueItems: draw.pick([0, 0, draw.below(300)]),
      randomness: toHash(toHex(draw.bytes(32))),
      evidence: toHash(toHex(draw.bytes(32))),
      sequencer: draw.onceIn(4) ? toAddress(toHex(draw.bytes(20))) : "poster",
      work,
      transactions: Array.from({ length: work === NO_WORK ? 0 : draw.below(draw.pick([3, 8, 40 / count + 1])) }, () =>
        transaction(draw, timestamp),
      ),
      indexOf: (address: Address) => places.get(address),
    };
  });
}

function randomChange(draw: Draw): Change {
  const kind = draw.weighted<Change["kind"]>([
    [5, "set"],
    [5, "flip"],
    [1, "insert"],
    [1, "remove"],
    [1, "cut"],
    [1, "append"],
  ]);
  // Half of all changes go to where the structure is: what stands before the rows.
  const at = draw.onceIn(2) ? draw.below(300) : draw.below(2 ** 20);
  return { kind, at, byte: draw.pick([0, 0x7f, 0x80, 0xff, 1 << draw.below(8), draw.below(256)]) };
}

/** A case, the same for the same draws. */
export function randomBatchCase(draw: Draw): BatchCase {
  const noise = draw.onceIn(20)
    ? concatBytes(Uint8Array.of(BATCH_FORMAT.version, 1, 0), draw.bytes(draw.below(300)))
    : null;
  const blocks = randomBlocks(draw);
  const changes = Array.from({ length: draw.pick([0, 1, 1, 1, 2, 3]) }, () => randomChange(draw));
  const asked = Array.from({ length: 3 }, () => ({
    block: draw.below(blocks.length + (draw.onceIn(10) ? 2 : 0)),
    position: draw.below(draw.pick([2, 6])),
  }));
  return { blocks, changes, noise, asked };
}

function changed(data: Uint8Array, { kind, at: anywhere, byte }: Change): Uint8Array {
  const at = anywhere % Math.max(1, data.length);
  const [before, after] = [data.subarray(0, at), data.subarray(at + 1)];
  switch (kind) {
    case "set":
      return concatBytes(before, Uint8Array.of(byte), after);
    case "flip":
      return concatBytes(before, Uint8Array.of((data[at] ?? 0) ^ byte), after);
    case "insert":
      return concatBytes(before, Uint8Array.of(byte), data.subarray(at));
    case "remove":
      return concatBytes(before, after);
    case "cut":
      return before;
    case "append":
      return concatBytes(data, Uint8Array.of(byte));
  }
}

/** Bytes of a case. */
export function batchData({ blocks, changes, noise }: BatchCase): Uint8Array {
  if (noise !== null) return noise;
  return changes.reduce(changed, encodeBatch({ chainId: CHAIN_ID, generation: 3n, blocks }));
}

/** Cases with less in them. */
export function* smallerBatchCases(batchCase: BatchCase): Generator<BatchCase> {
  for (const changes of shorterLists(batchCase.changes)) yield { ...batchCase, changes };
  for (const asked of shorterLists(batchCase.asked)) yield { ...batchCase, asked };
  for (const blocks of shorterLists(batchCase.blocks)) if (blocks.length > 0) yield { ...batchCase, blocks };
  const fewer = function* (block: BatchBlock): Generator<BatchBlock> {
    for (const transactions of shorterLists(block.transactions)) yield { ...block, transactions };
  };
  for (const blocks of listsWithSmaller(batchCase.blocks, fewer)) yield { ...batchCase, blocks };
}

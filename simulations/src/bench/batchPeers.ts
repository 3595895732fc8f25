/**
 * The formats of two running networks, written from their published specifications, for the batch benchmark to stand
 * beside: a span batch in a channel (OP stack, Delta and Fjord) and a batch of L2 messages (Nitro). Both compressed by
 * brotli at its best, quality 11, over a window of 16 MiB.
 */
import { brotliCompressSync, constants } from "node:zlib";
import {
  bigIntToBytes,
  concatBytes,
  decodeTransaction,
  encodeRlp,
  fromHex,
  joinBytes,
  type RlpInput,
  type Transaction,
  toWord,
} from "@mvm/protocol";
import { TRAFFIC_CHAIN_ID } from "./batchTraffic.ts";

/** A block as both are given it. */
export type PeerBlock = { readonly timestamp: bigint; readonly transactions: readonly Uint8Array[] };

const BROTLI_WINDOW_BITS = 24;
/** seconds of an L1 block: each peer notes where its origin moves on */
const L1_SECONDS = 12n;
const L1_BLOCK = 23_000_000n;

function brotli(data: Uint8Array): Uint8Array {
  return brotliCompressSync(data, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
    },
  });
}

/** Protocol Buffers' unsigned varint. */
function uvarint(value: bigint | number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...out, Number(rest));
}

/** Bits as one big-endian integer, the first the lowest. */
function bitlist(bits: readonly boolean[]): Uint8Array {
  const out = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) if (bit) out[out.length - 1 - (i >> 3)]! |= 1 << (i % 8);
  return out;
}

const int = bigIntToBytes;

/** What a span batch keeps of a transaction beside its other columns. */
function spanData({ type, value, maxFeePerGas, maxPriorityFeePerGas, data }: Transaction): Uint8Array {
  if (type === 0) return encodeRlp([int(value), int(maxFeePerGas), data]);
  const fields: RlpInput[] = [int(value), int(maxPriorityFeePerGas), int(maxFeePerGas), data, []];
  return concatBytes(Uint8Array.of(type), encodeRlp(fields));
}

const originOf = (timestamp: bigint, first: bigint): bigint => (timestamp - first) / L1_SECONDS;

/** A span batch (specs.optimism.io, "Span-batches") in one channel of one frame. */
export function spanBatchBytes(blocks: readonly PeerBlock[]): number {
  const transactions = blocks.flatMap((block) =>
    block.transactions.map((raw) => decodeTransaction(raw, TRAFFIC_CHAIN_ID)),
  );
  const start = blocks[0]!.timestamp;
  const origins = blocks.map(({ timestamp }) => originOf(timestamp, start));
  const prefix = joinBytes([
    uvarint(start - 1_700_000_000n),
    uvarint(L1_BLOCK + origins.at(-1)!),
    toWord(2n ** 255n + 1n).subarray(0, 20),
    toWord(2n ** 254n + 3n).subarray(0, 20),
  ]);
  const payload = joinBytes([
    uvarint(blocks.length),
    bitlist(origins.map((origin, i) => i > 0 && origin !== origins[i - 1])),
    ...blocks.map((block) => uvarint(block.transactions.length)),
    bitlist(transactions.map(({ to }) => to === null)),
    bitlist(transactions.map(({ yParity }) => yParity === 1)),
    ...transactions.map(({ r, s }) => concatBytes(toWord(r), toWord(s))),
    ...transactions.map(({ to }) => (to === null ? new Uint8Array(0) : fromHex(to))),
    ...transactions.map(spanData),
    ...transactions.map(({ nonce }) => uvarint(nonce)),
    ...transactions.map(({ gasLimit }) => uvarint(gasLimit)),
    bitlist(transactions.filter(({ type }) => type === 0).map(() => true)),
  ]);
  const SPAN_VERSION = Uint8Array.of(1);
  const channel = concatBytes(Uint8Array.of(1), brotli(encodeRlp(concatBytes(SPAN_VERSION, prefix, payload))));
  // Version of the data; of the frame: channel id, number, length, last.
  return 1 + 16 + 2 + 4 + channel.length + 1;
}

const SEGMENT_L2_MESSAGE = 0;
const SEGMENT_ADVANCE_TIMESTAMP = 3;
const SEGMENT_ADVANCE_L1_BLOCK = 4;
const MESSAGE_BATCH = 3;
const MESSAGE_SIGNED_TRANSACTION = 4;

const segment = (kind: number, body: Uint8Array): Uint8Array => encodeRlp(concatBytes(Uint8Array.of(kind), body));
const signedMessage = (raw: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(MESSAGE_SIGNED_TRANSACTION), raw);

/** An L2 message of a block: one signed transaction, or a batch of such, each behind its length of eight bytes. */
function l2Message(transactions: readonly Uint8Array[]): Uint8Array {
  if (transactions.length === 1) return signedMessage(transactions[0]!);
  const nested = transactions.map((raw) => {
    const message = signedMessage(raw);
    return concatBytes(toWord(BigInt(message.length)).subarray(24), message);
  });
  return concatBytes(Uint8Array.of(MESSAGE_BATCH), ...nested);
}

/** A Nitro batch: a header flag, then the segments under brotli; time and L1 block advance in segments of their own. */
export function nitroBatchBytes(blocks: readonly PeerBlock[]): number {
  const segments = blocks.flatMap(({ timestamp, transactions }, i) => {
    const before = blocks[i - 1]?.timestamp ?? timestamp;
    const moved = originOf(timestamp, blocks[0]!.timestamp) - originOf(before, blocks[0]!.timestamp);
    return [
      ...(timestamp === before ? [] : [segment(SEGMENT_ADVANCE_TIMESTAMP, encodeRlp(int(timestamp - before)))]),
      ...(moved === 0n ? [] : [segment(SEGMENT_ADVANCE_L1_BLOCK, encodeRlp(int(moved)))]),
      segment(SEGMENT_L2_MESSAGE, l2Message(transactions)),
    ];
  });
  return 1 + brotli(joinBytes(segments)).length;
}

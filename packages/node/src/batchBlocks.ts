/** The blocks of a batch from one peer, who is believed nothing: whether they are what the batch commits to is for who asked to say. */
import type { Network } from "@mvm/network";
import {
  type BatchHeader,
  blockCount,
  CodecError,
  decodeAnswer,
  decodeBlock,
  encodeRequest,
  LIMITS,
  type PeerId,
  REQUESTS,
  type SealedBlock,
} from "@mvm/protocol";

/** Bytes of blocks that are taken of one peer for one batch. */
const MAX_ANSWERED_BYTES = 256 * 1024 * 1024;
/** Timeouts of one request for which a peer is asked for one batch: who answers slowly does not keep others from being asked. */
const PATIENCE = 5;
/** Blocks are more than values: a request for them may take so many times as long. */
const TIMEOUTS_OF_A_READ = 4;

export type AskingForBlocks = {
  readonly network: Network;
  /** of a request for values, milliseconds */
  readonly readTimeoutMs: number;
  readonly signal: AbortSignal;
};

/** What a peer has from a batch's first block on, as many as the batch has; fewer where it stops answering. */
export async function batchBlocks(
  { network, readTimeoutMs, signal }: AskingForBlocks,
  peer: PeerId,
  batch: BatchHeader,
): Promise<readonly SealedBlock[]> {
  const { protocol, maxAnswerBytes } = REQUESTS.blocks;
  const wanted = blockCount(batch);
  const timeoutMs = TIMEOUTS_OF_A_READ * readTimeoutMs;
  const patience = AbortSignal.timeout(timeoutMs * PATIENCE);
  const blocks: SealedBlock[] = [];
  let bytes = 0;
  try {
    while (blocks.length < wanted && bytes <= MAX_ANSWERED_BYTES) {
      const from = batch.firstBlock + BigInt(blocks.length);
      const count = Math.min(wanted - blocks.length, LIMITS.blocksPerAnswer);
      const request = encodeRequest({ name: "blocks", body: { chainId: batch.chainId, from, count } });
      const answer = await network.request(peer, protocol, request, {
        timeoutMs,
        signal: AbortSignal.any([signal, patience]),
        maxResponseBytes: maxAnswerBytes,
      });
      const { body } = decodeAnswer("blocks", answer);
      if (body.kind !== "blocks" || body.blocks.length === 0) break;
      for (const encoded of body.blocks.slice(0, count)) {
        bytes += encoded.length;
        blocks.push(decodeBlock(encoded));
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CodecError) network.report(peer, "invalid-message", error.message);
  }
  return blocks;
}

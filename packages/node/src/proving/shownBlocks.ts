/** The blocks that a batch commits to, from whoever has them: what was gossiped, its poster, hosts, other sequencers. */
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
import type { L1View } from "@mvm/roles";
import type { ShownBlock } from "./claimedBlock.ts";
import { areCommitted, type SeenBlocks } from "./seenBlocks.ts";

/** Bytes of blocks that are taken of one peer for one batch. */
const MAX_ANSWERED_BYTES = 256 * 1024 * 1024;
/** Peers that are asked for one batch. */
const MAX_ASKED = 32;

/** Timeouts of one request for which a peer is asked for one batch: who answers slowly does not keep others from being asked. */
const PATIENCE = 5;

export type ShownBlocksOptions = {
  readonly network: Network;
  readonly view: L1View;
  readonly seen: SeenBlocks;
  /** of a request for values, milliseconds */
  readonly readTimeoutMs: number;
  readonly signal: AbortSignal;
};

/** Blocks are more than values: a request for them may take so many times as long. */
const TIMEOUTS_OF_A_READ = 4;

/**
 * Lists of blocks whose hashes are those that a batch commits to, from one after the other who may have them. Nobody is believed: who
 * shows the right headers may show other transactions and outcomes with them, so that there may be more than one list.
 */
export async function* shownBlocks(
  options: ShownBlocksOptions,
  batch: BatchHeader,
): AsyncGenerator<readonly ShownBlock[]> {
  const { network, view, seen, signal } = options;
  yield* seen.of(batch);
  // who was ejected for another lie has this one's blocks still
  const poster = view.anySequencer(batch.poster);
  const others = [...view.hosts(batch.chainId), ...view.members("sequencer")];
  const keepers = [...(poster === undefined ? [] : [poster]), ...others];
  const peers = [...new Set(keepers.map(({ peerId }) => peerId))]
    .filter((peer) => peer !== network.peerId)
    .slice(0, MAX_ASKED);
  for (const peer of peers) {
    signal.throwIfAborted();
    const blocks = await blocksOf(options, peer, batch);
    if (areCommitted(batch, blocks)) yield blocks;
  }
}

/** What a peer has from a batch's first block on, as many as the batch has; fewer where it stops answering. */
async function blocksOf(
  { network, readTimeoutMs, signal }: ShownBlocksOptions,
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

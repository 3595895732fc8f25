/** The blocks that a batch commits to, from whoever has them: what was gossiped, its poster, hosts, other sequencers. */
import type { Network } from "@mvm/network";
import {
  type BatchHeader,
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
import type { ClaimedBlock } from "./blockFinding.ts";
import { areCommitted, blockCount, type SeenBlocks } from "./seenBlocks.ts";

/** Bytes of blocks that are taken of one peer for one batch. */
const MAX_ANSWERED_BYTES = 256 * 1024 * 1024;
/** Peers that are asked for one batch. */
const MAX_ASKED = 32;

export type ShownBlocksOptions = {
  readonly network: Network;
  readonly view: L1View;
  readonly seen: SeenBlocks;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

/**
 * Asks for the blocks of a batch until somebody shows them. Nobody is believed: they are those that the batch's root is over. null:
 * nobody shows them.
 */
export async function shownBlocks(
  options: ShownBlocksOptions,
  batch: BatchHeader,
): Promise<readonly ClaimedBlock[] | null> {
  const { network, view, seen, signal } = options;
  const gossiped = seen.of(batch);
  if (gossiped !== null) return gossiped;
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
    if (areCommitted(batch, blocks)) return blocks;
  }
  return null;
}

/** What a peer has from a batch's first block on, as many as the batch has; fewer where it stops answering. */
async function blocksOf(
  { network, timeoutMs, signal }: ShownBlocksOptions,
  peer: PeerId,
  batch: BatchHeader,
): Promise<readonly SealedBlock[]> {
  const { protocol, maxAnswerBytes } = REQUESTS.blocks;
  const wanted = blockCount(batch);
  const blocks: SealedBlock[] = [];
  let bytes = 0;
  try {
    while (blocks.length < wanted && bytes <= MAX_ANSWERED_BYTES) {
      const from = batch.firstBlock + BigInt(blocks.length);
      const count = Math.min(wanted - blocks.length, LIMITS.blocksPerAnswer);
      const request = encodeRequest({ name: "blocks", body: { chainId: batch.chainId, from, count } });
      const answer = await network.request(peer, protocol, request, {
        timeoutMs,
        signal,
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

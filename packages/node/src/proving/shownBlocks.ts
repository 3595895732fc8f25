/** The blocks that a batch commits to, from whoever has them: what was gossiped, its poster, hosts, other sequencers. */
import type { BatchHeader } from "@mvm/protocol";
import type { L1View } from "@mvm/roles";
import { type AskingForBlocks, batchBlocks } from "../batchBlocks.ts";
import type { ShownBlock } from "./claimedBlock.ts";
import { areCommitted, type SeenBlocks } from "./seenBlocks.ts";

/** Peers that are asked for one batch. */
const MAX_ASKED = 32;

export type ShownBlocksOptions = AskingForBlocks & {
  readonly view: L1View;
  readonly seen: SeenBlocks;
};

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
  const keepers = [...(poster === undefined ? [] : [poster]), ...view.keepers(batch.chainId)];
  const peers = [...new Set(keepers.map(({ peerId }) => peerId))]
    .filter((peer) => peer !== network.peerId)
    .slice(0, MAX_ASKED);
  for (const peer of peers) {
    signal.throwIfAborted();
    const blocks = await batchBlocks(options, peer, batch);
    if (areCommitted(batch, blocks)) yield blocks;
  }
}

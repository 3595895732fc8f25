/** The queue item that tells L1 how much MT a batch had consumed. */
import { type QueueItemValues, queueItemAt, queueLength } from "@mvm/l1";
import type { BatchHeader } from "@mvm/protocol";
import type { BridgePlace } from "./finalBatch.ts";

/** First item that a batch did not consume; undefined where it consumed the whole queue. Throws L1Error. */
export async function nextItemOf(
  { l1, deployedAtBlock }: Omit<BridgePlace, "chainId">,
  { chainId, queueEnd }: BatchHeader,
): Promise<QueueItemValues | undefined> {
  if ((await queueLength(l1, chainId)) === queueEnd) return undefined;
  return queueItemAt(l1, { chainId, index: queueEnd, fromBlock: deployedAtBlock });
}

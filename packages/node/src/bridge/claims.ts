/** Bringing claims to L1. */
import {
  claimExit,
  claimWithdrawal,
  finalFrom,
  hasExited,
  headOf,
  isExiting,
  isRefunded,
  type L1Call,
  type L1Receipt,
  type L1Submitter,
  messageState,
  queueItemAt,
  queueLength,
  refundItem,
  relayMessage,
  replayMessage,
} from "@mvm/l1";
import { type Address, type ChainId, type Message, messageHash } from "@mvm/protocol";
import { BridgeError } from "./bridgeError.ts";
import { type ClaimDocument, claimFault } from "./claimDocument.ts";
import type { BridgePlace } from "./finalBatch.ts";
import { notFinal } from "./messages.ts";
import { nextItemOf } from "./nextItem.ts";

/** The network's L1, and the account that sends and pays the gas; anyone may bring any claim. */
export type ClaimSender = Omit<BridgePlace, "chainId"> & { readonly submitter: Pick<L1Submitter, "submit"> };

/** How a claim ended: `failed` is a message whose call failed on L1; it is proven now, and may be replayed. */
export type ClaimOutcome = { readonly outcome: "claimed" | "failed"; readonly receipt: L1Receipt };

async function requireOpen(sender: ClaimSender, { bridge, claim }: ClaimDocument): Promise<"unknown" | "proven"> {
  const { l1 } = sender;
  const fault = claimFault(claim);
  if (fault !== null) throw new BridgeError("bad-file", `the claim is wrong: ${fault}`);
  if (bridge !== l1.addresses.bridge)
    throw new BridgeError(
      "other-network",
      `the claim is for the bridge ${bridge}, the network's is ${l1.addresses.bridge}`,
    );
  if (claim.kind === "exit") {
    if (await hasExited(l1, claim.block.batch.chainId, claim.account))
      throw new BridgeError("already-claimed", `${claim.account} was paid out on L1 before`);
    return "unknown";
  }
  const hash = messageHash(claim.message);
  const state = await messageState(l1, hash);
  if (state === "done") throw new BridgeError("already-claimed", `${hash} was claimed on L1 before`);
  return state;
}

async function callOf(sender: ClaimSender, { claim }: ClaimDocument): Promise<L1Call> {
  const { l1 } = sender;
  const { batch, posting } = claim.block;
  const isWithdrawal = claim.kind === "message" && claim.message.kind === "withdrawal";
  const from = await finalFrom(l1, { header: batch, posting }, !isWithdrawal);
  if (from !== undefined) throw notFinal(from);
  if (claim.kind === "message" && !isWithdrawal) return relayMessage(l1.addresses, claim);
  const item = await nextItemOf(sender, batch);
  const next = item === undefined ? {} : { next: item };
  return claim.kind === "exit"
    ? claimExit(l1.addresses, { ...claim, ...next })
    : claimWithdrawal(l1.addresses, { ...claim, ...next });
}

/**
 * Brings a claim to L1: pays a withdrawal or an account, carries a message out, or again where it had failed. The queue
 * item that L1 asks for is taken anew, for the queue may have grown since the proof.
 * @throws BridgeError bad-file, other-network, already-claimed, not-final; L1Error
 */
export async function claim(sender: ClaimSender, document: ClaimDocument): Promise<ClaimOutcome> {
  const state = await requireOpen(sender, document);
  const { claim } = document;
  if (state === "proven" && claim.kind === "message") return replay(sender, claim.message);
  const receipt = await sender.submitter.submit(await callOf(sender, document));
  if (claim.kind === "exit" || claim.message.kind === "withdrawal") return { outcome: "claimed", receipt };
  return outcomeOf(sender, claim.message, receipt);
}

async function outcomeOf({ l1 }: ClaimSender, message: Message, receipt: L1Receipt): Promise<ClaimOutcome> {
  const state = await messageState(l1, messageHash(message));
  return { outcome: state === "done" ? "claimed" : "failed", receipt };
}

/** Carries a message out again that was proven and failed. Throws L1Error reverted (NotReplayable). */
export async function replay(sender: ClaimSender, message: Message): Promise<ClaimOutcome> {
  const receipt = await sender.submitter.submit(replayMessage(sender.l1.addresses, message));
  return outcomeOf(sender, message, receipt);
}

/** Most items of one queue that refundQueued looks at. */
const MAX_REFUND_ITEMS = 1_024n;

/**
 * Gives back what an account put into the queue of a chain that turned to exit, and the chain never consumed: one
 * transaction an item. Items that were refunded before are passed over.
 * @returns their indices in the queue
 * @throws BridgeError not-exiting; L1Error
 */
export async function refundQueued(
  sender: ClaimSender,
  { chainId, account }: { readonly chainId: ChainId; readonly account: Address },
): Promise<readonly bigint[]> {
  const { l1, submitter, deployedAtBlock } = sender;
  if (!(await isExiting(l1, chainId)))
    throw new BridgeError("not-exiting", `chain ${chainId} has not turned to exit: its queue is still consumed`);
  const { queueEnd } = await headOf(l1, chainId);
  const length = await queueLength(l1, chainId);
  const end = length < queueEnd + MAX_REFUND_ITEMS ? length : queueEnd + MAX_REFUND_ITEMS;
  const refunded: bigint[] = [];
  for (let index = queueEnd; index < end; index++) {
    const item = await queueItemAt(l1, { chainId, index, fromBlock: deployedAtBlock });
    if (item.from !== account || item.mint === 0n || (await isRefunded(l1, chainId, index))) continue;
    await submitter.submit(refundItem(l1.addresses, { chainId, index, item }));
    refunded.push(index);
  }
  return refunded;
}

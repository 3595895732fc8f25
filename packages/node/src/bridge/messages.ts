/** Messages and withdrawals of a DAC: what became of them, and their proof for L1 (design page 30, "Bridge and exits"). */
import { messageState } from "@mvm/l1";
import type { Hash } from "@mvm/protocol";
import { StateError } from "@mvm/state";
import { proveMessage, UnprovableError } from "../withdrawalProof.ts";
import { BridgeError } from "./bridgeError.ts";
import type { ClaimDocument } from "./claimDocument.ts";
import { type GatewayTransport, headersOf, messagesOf, nodesByRpc, type RecordedMessage } from "./dacGateway.ts";
import { type BridgePlace, finalBatchFor } from "./finalBatch.ts";
import { nextItemOf } from "./nextItem.ts";

/**
 * unposted: its block is on no batch on L1. posted: the window runs until `finalFrom`. claimable: it can be proven now.
 * failed: L1 carried it out, it failed, and anyone may have it carried out again. claimed: it is done.
 */
export type MessageStatus = "unposted" | "posted" | "claimable" | "failed" | "claimed";

/** A message or withdrawal of an L2 transaction. */
export type FoundMessage = RecordedMessage & {
  readonly status: MessageStatus;
  /** seconds since 1970, where the status is "posted" */
  readonly finalFrom?: bigint;
};

export type BridgeSource = BridgePlace & { readonly l2: GatewayTransport };

/** Calls and ERC-20 tokens wait the whole window, withdrawals of MT the one of their batch. */
const needsWholeWindow = ({ message }: RecordedMessage): boolean => message.kind === "call";

async function statusOf(
  place: BridgePlace,
  recorded: RecordedMessage,
): Promise<Pick<FoundMessage, "status" | "finalFrom">> {
  const state = await messageState(place.l1, recorded.messageHash);
  if (state === "done") return { status: "claimed" };
  if (state === "proven") return { status: "failed" };
  const search = await finalBatchFor(place, recorded.blockNumber, needsWholeWindow(recorded));
  if (search.kind === "final") return { status: "claimable" };
  return search.kind === "unposted" ? { status: "unposted" } : { status: "posted", finalFrom: search.finalFrom };
}

/**
 * Everything that an L2 transaction sent to L1, withdrawals and calls, in its order.
 * @throws BridgeError unknown-transaction, no-message, bad-answer, gateway-unreachable; L1Error
 */
export async function findWithdrawal(
  source: BridgeSource & { readonly transactionHash: Hash },
): Promise<readonly FoundMessage[]> {
  const { l2, chainId, transactionHash } = source;
  const recorded = await messagesOf(l2, chainId, transactionHash);
  if (recorded.length === 0)
    throw new BridgeError("no-message", `the transaction ${transactionHash} sent nothing to L1 (it may have failed)`);
  const found: FoundMessage[] = [];
  for (const message of recorded) found.push({ ...message, ...(await statusOf(source, message)) });
  return found;
}

/** What withdrawalProof refuses, as what the gateway got wrong. */
export function toBridgeError(error: unknown): unknown {
  if (!(error instanceof UnprovableError || error instanceof StateError)) return error;
  return new BridgeError("bad-answer", `the gateway's blocks or nodes do not prove it: ${error.message}`, {
    cause: error,
  });
}

/**
 * The claim of a message or withdrawal, proven with the earliest final batch at or after its block. What the gateway
 * says is checked against what L1 commits to before the claim is given out.
 * @throws BridgeError unposted, not-final, already-claimed, bad-answer, gateway-unreachable; L1Error
 */
export async function proveSentMessage(
  source: BridgeSource & { readonly recorded: RecordedMessage },
): Promise<ClaimDocument> {
  const { l1, l2, recorded } = source;
  const { message, messageHash } = recorded;
  if ((await messageState(l1, messageHash)) === "done")
    throw new BridgeError("already-claimed", `${messageHash} was claimed on L1 before`);
  const search = await finalBatchFor(source, recorded.blockNumber, needsWholeWindow(recorded));
  if (search.kind === "unposted")
    throw new BridgeError("unposted", `block ${recorded.blockNumber} is in no batch on L1 yet: try again later`);
  if (search.kind === "posted") throw notFinal(search.finalFrom);
  const { header: batch } = search.batch;
  const number = recorded.blockNumber > batch.firstBlock ? recorded.blockNumber : batch.firstBlock;
  const headerOf = await headersOf(l2, batch.firstBlock, batch.lastBlock);
  const request = { headerOf, batch, number, nodesUnder: nodesByRpc(l2, number), messageHash };
  const { block, nodes } = await proveMessage(request).catch((error: unknown) => {
    throw toBridgeError(error);
  });
  const { header, position, siblings } = block;
  return {
    bridge: l1.addresses.bridge,
    claim: {
      kind: "message",
      message,
      block: { batch, posting: search.posting, header, position, siblings },
      nodes,
    },
    next: await nextItemOf(source, batch),
  };
}

/** The error for what is not final before a time in seconds. */
export function notFinal(finalFrom: bigint): BridgeError {
  const when = new Date(Number(finalFrom) * 1_000).toISOString();
  return new BridgeError("not-final", `the batch is not final before ${when} (${finalFrom}): try again then`, {
    finalFrom,
  });
}

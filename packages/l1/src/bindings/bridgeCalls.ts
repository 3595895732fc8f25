/** Calls of L1Bridge: deposits, messages, claims with their proofs. */
import { type Address, type BatchHeader, type ChainId, type Hash, type Hex, type Message, toHex } from "@mvm/protocol";
import type { L1Addresses } from "../contracts.ts";
import { call, type L1Call } from "./l1Call.ts";
import { itemValues, type QueueItemValues } from "./queueItemValues.ts";
import { type BatchProof, batchProofValues, headerValues } from "./rollupCalls.ts";

/** Deposits MT, which were approved for the bridge, for an account on a DAC. */
export function depositMt(
  at: L1Addresses,
  deposit: { readonly chainId: ChainId; readonly to: Address; readonly amountWei: bigint },
): L1Call {
  return call(at, "bridge", "depositMT", [deposit.chainId, deposit.to, deposit.amountWei]);
}

/** Puts a held deposit into the queue, where enough sequencers qualify now. */
export function releaseHeld(at: L1Addresses, held: { readonly chainId: ChainId; readonly id: bigint }): L1Call {
  return call(at, "bridge", "releaseHeld", [held.chainId, held.id]);
}

/** Gives a held deposit back to the caller, who paid it. */
export function refundHeld(at: L1Addresses, held: { readonly chainId: ChainId; readonly id: bigint }): L1Call {
  return call(at, "bridge", "refundHeld", [held.chainId, held.id]);
}

/** A call on a DAC by the caller's aliased address. */
export type L1Message = {
  readonly chainId: ChainId;
  readonly to: Address;
  /** wei of MT, approved for the bridge, that the aliased address gets before the call */
  readonly mintWei: bigint;
  /** wei of MT that the call carries, of the aliased address's balance */
  readonly valueWei: bigint;
  /** 21,000 to 2,000,000 */
  readonly gasLimit: bigint;
  readonly data: Hex;
};

/** Sends a message to a DAC. */
export function sendMessage(at: L1Addresses, message: L1Message): L1Call {
  const { chainId, to, mintWei, valueWei, gasLimit, data } = message;
  return call(at, "bridge", "sendMessage", [chainId, to, mintWei, valueWei, gasLimit, data]);
}

/** Deposits an ERC-20 token, which the caller approved for the bridge; `to` gets its twin on the DAC. */
export function depositERC20(
  at: L1Addresses,
  deposit: { readonly chainId: ChainId; readonly token: Address; readonly to: Address; readonly amount: bigint },
): L1Call {
  return call(at, "bridge", "depositERC20", [deposit.chainId, deposit.token, deposit.to, deposit.amount]);
}

/** An item of a chain's queue. */
export type QueuedAt = { readonly chainId: ChainId; readonly index: bigint; readonly item: QueueItemValues };

/** Sends a deposit of an ERC-20 token again that failed on the DAC. */
export function resendTokenDeposit(at: L1Addresses, queued: QueuedAt & { readonly data: Uint8Array }): L1Call {
  const values = [queued.chainId, queued.index, itemValues(queued.item), toHex(queued.data)];
  return call(at, "bridge", "resendTokenDeposit", values);
}

/** Kinds of a DAC's messages in the order of MVM_L2ToL1.Kind. */
const MESSAGE_KINDS = ["call", "withdrawal"] as const satisfies readonly Message["kind"][];

const messageValues = ({ kind, nonce, sender, target, value, data }: Message): readonly unknown[] => [
  MESSAGE_KINDS.indexOf(kind),
  nonce,
  sender,
  target,
  value,
  toHex(data),
];

/** A block of a batch that L1 has. */
export type PostedBlockProof = {
  readonly batch: BatchHeader;
  readonly posting: BatchProof;
  /** RLP of the block's header */
  readonly header: Hex;
  /** of the block in the batch, from 0 */
  readonly position: bigint;
  /** Merkle proof of the block's hash in the batch's blocksRoot, from the leaf up */
  readonly siblings: readonly Hash[];
};

const blockValues = ({ batch, posting, header, position, siblings }: PostedBlockProof): readonly unknown[] => [
  headerValues(batch),
  batchProofValues(posting),
  header,
  position,
  siblings,
];

/** A message of a DAC, proven against a final block at or after its own. */
export type ProvenMessage = {
  readonly message: Message;
  readonly block: PostedBlockProof;
  /** from the block's withdrawalsRoot down */
  readonly nodes: readonly Hex[];
};

const nextValues = (next: QueueItemValues | undefined): readonly unknown[] =>
  next === undefined ? [] : [itemValues(next)];

/** Pays a withdrawal of MT to its receiver; `next` is the first queue item that the block's batch left, if any. */
export function claimWithdrawal(at: L1Addresses, claim: ProvenMessage & { readonly next?: QueueItemValues }): L1Call {
  const values = [messageValues(claim.message), blockValues(claim.block), claim.nodes, nextValues(claim.next)];
  return call(at, "bridge", "claimWithdrawal", values);
}

/** Carries out a DAC's message, after the whole window of its block's batch. */
export function relayMessage(at: L1Addresses, { message, block, nodes }: ProvenMessage): L1Call {
  return call(at, "bridge", "relayMessage", [messageValues(message), blockValues(block), nodes]);
}

/** Carries out a message again that was proven and failed. */
export function replayMessage(at: L1Addresses, message: Message): L1Call {
  return call(at, "bridge", "replayMessage", [message.chainId, messageValues(message)]);
}

/** Code of an account that exits: a delegation's 23 bytes, or a contract that declared who its MT belong to on L1. */
export type ExitCode = {
  /** the code where it is a delegation (EIP-7702); else empty */
  readonly code: Hex;
  /** proof of MVM_Coinbase under the stateRoot, and of exitOwner[account] under its storage root */
  readonly coinbaseNodes: readonly Hex[];
  readonly ownerNodes: readonly Hex[];
};

const NO_CODE: ExitCode = { code: "0x", coinbaseNodes: [], ownerNodes: [] };

/** Pays out an account of a chain that exits. */
export type ExitClaim = {
  readonly account: Address;
  /** last block of the chain's last batch */
  readonly block: PostedBlockProof;
  /** from the block's stateRoot down to the account */
  readonly accountNodes: readonly Hex[];
  /** for accounts with code */
  readonly code?: ExitCode;
  /** first queue item that the chain did not consume, if any */
  readonly next?: QueueItemValues;
};

/** Pays out an account's MT of a chain that turned to exit. */
export function claimExit(at: L1Addresses, { account, block, accountNodes, code = NO_CODE, next }: ExitClaim): L1Call {
  const codeProof = [code.code, code.coinbaseNodes, code.ownerNodes];
  return call(at, "bridge", "claimExit", [account, blockValues(block), accountNodes, codeProof, nextValues(next)]);
}

/** Gives back the MT of a queue item that a chain which turned to exit will never consume. */
export function refundItem(at: L1Addresses, queued: QueuedAt): L1Call {
  return call(at, "bridge", "refundItem", [queued.chainId, queued.index, itemValues(queued.item)]);
}

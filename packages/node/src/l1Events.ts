/** What the L1 follower reports, in the words of the roles. */
import type { BlockEvent, ContractEvent, QueueItemValues } from "@mvm/l1";
import { type Address, fromHex, keccakHash, type QueueItem, type QueueKind } from "@mvm/protocol";
import type { L1Event, Member, QueuedItem } from "@mvm/roles";

const utf8 = new TextDecoder();

/** An address as the nodes write it; what a registry was given instead is none that can be dialled. */
const textOf = (bytes: Uint8Array): string => utf8.decode(bytes);

/**
 * A contract's event as the roles take it; null for one that they do not need.
 * @param timestamp of the event's L1 block, seconds
 * @param bridge the network's L1Bridge
 */
export function toRoleEvent(event: ContractEvent, timestamp: bigint, bridge: Address): L1Event | null {
  switch (event.type) {
    case "dac-created": {
      const { chainId, label, genesisHash, charter, metisDao } = event;
      const founding = { charter: fromHex(charter), metisDao, bridge };
      return { kind: "dacCreated", chainId, label, genesisHash, timestamp, founding };
    }
    case "registered": {
      const member: Member = {
        index: Number(event.index),
        operator: event.operator,
        stakeWei: event.stakeWei,
        blsPublicKey: event.blsPublicKey,
        peerId: event.peerId,
        multiaddr: textOf(event.multiaddr),
      };
      return { kind: "registered", registry: event.role, member };
    }
    case "address-updated":
      return {
        kind: "addressUpdated",
        registry: event.role,
        operator: event.operator,
        peerId: event.peerId,
        multiaddr: textOf(event.multiaddr),
      };
    case "exited":
      return { kind: "exited", registry: event.role, operator: event.operator };
    case "queue-item-added": {
      const { chainId, index, item, data } = event;
      const { l1Block, timestamp, mintedBefore } = item;
      return {
        kind: "queueItemAdded",
        chainId,
        item: queueItemOf(index, item, data),
        l1Block,
        timestamp,
        mintedBefore,
      };
    }
    case "batch-appended": {
      const { header, batchHash, transactionHash, l1Block } = event;
      return { kind: "batchAppended", header, batchHash, transactionHash, timestamp, l1Block };
    }
    case "stake-changed":
      return {
        kind: "stakeChanged",
        index: Number(event.index),
        grid: event.grid,
        stakeWei: event.stakeWei,
        l1Block: event.l1Block,
      };
    case "seat-taken": {
      const { index, place, weightMT, l1Block } = event;
      return { kind: "seatTaken", index: Number(index), place, weightMT, l1Block };
    }
    case "lock-changed":
      return {
        kind: "lockChanged",
        sequencer: event.sequencer,
        chainId: event.chainId,
        amountWei: event.amountWei,
      };
    case "convicted":
      return { kind: "convicted", sequencer: event.sequencer, chainId: event.chainId };
    case "threshold-changed": {
      const { chainId, thresholdMT, l1Block } = event;
      return { kind: "thresholdChanged", chainId, thresholdMT, l1Block };
    }
    case "slot-claimed": {
      const { chainId, slot, rank, l1Block } = event;
      return { kind: "slotClaimed", chainId, slot, rank, l1Block };
    }
    case "rolled-back": {
      const { chainId, generation, fromIndex, lastBlock } = event;
      return { kind: "rolledBack", chainId, generation, fromIndex, lastBlock, timestamp };
    }
    case "withheld":
      return { kind: "withheld", chainId: event.chainId, poster: event.poster };
    case "clock-held":
      return { kind: "clockHeld", chainId: event.chainId, timestamp };
    case "clock-released":
      return { kind: "clockReleased", chainId: event.chainId, timestamp };
    case "asked":
      return { kind: "asked", batchHash: event.batchHash, number: event.number, item: event.item };
    case "ask-served":
      return { kind: "askServed", batchHash: event.batchHash, number: event.number, until: event.until };
    case "ask-answered":
      return { kind: "askAnswered", batchHash: event.batchHash, number: event.number, answerer: event.answerer };
    case "asks-closed":
      return { kind: "asksClosed", batchHash: event.batchHash };
    case "ceremony-message": {
      const { chainId, round, host, isComplaint, data, l1Block } = event;
      return { kind: "ceremonyMessage", chainId, round, host, isComplaint, data, l1Block };
    }
    case "turned-to-exit":
      return { kind: "turnedToExit", chainId: event.chainId };
    case "deposit-held":
      return { kind: "depositHeld", chainId: event.chainId, id: event.id, amount: event.amountWei };
    case "held-released":
    case "held-refunded":
      return { kind: "heldGone", chainId: event.chainId, id: event.id };
    case "stake-withdrawn":
      return null;
  }
}

/** The end of an L1 block as the roles take it. */
export function toL1Block({ number, timestamp, baseFeePerGas, prevRandao }: BlockEvent): L1Event {
  return { kind: "l1Block", number, timestamp, baseFeePerGas, prevRandao };
}

/** Kinds of queue items in the order of the contracts' enum. */
const QUEUE_KINDS = ["depositMT", "message", "forced", "exit"] as const satisfies readonly QueueKind[];

function queueItemOf(queueIndex: bigint, values: QueueItemValues, data: Uint8Array): QueueItem {
  const { from, to, mint, value, gasLimit } = values;
  return { kind: QUEUE_KINDS[values.kind]!, queueIndex, from, to, mint, value, gasLimit, data };
}

/** A queue item as the contracts take it. */
export function toItemValues({ item, l1Block, timestamp, mintedBefore }: QueuedItem): QueueItemValues {
  const { kind, from, to, mint, value, gasLimit, data } = item;
  return {
    kind: QUEUE_KINDS.indexOf(kind),
    from,
    to,
    mint,
    value,
    gasLimit,
    dataHash: keccakHash(data),
    l1Block,
    timestamp,
    mintedBefore,
  };
}

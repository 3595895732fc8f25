/** What the L1 follower reports, in the words of the roles. */
import type { ContractEvent } from "@mvm/l1";
import { fromHex, type PeerId } from "@mvm/protocol";
import type { L1Event, Member } from "@mvm/roles";

const utf8 = new TextDecoder();

/** Bounds as the registries have them; what is beyond is cut, and then no address that can be dialled. */
const textOf = (bytes: Uint8Array): string => utf8.decode(bytes);

/**
 * A contract's event as the roles take it; null for one that they do not need.
 * @param timestamp of the event's L1 block, seconds
 */
export function toRoleEvent(event: ContractEvent, timestamp: bigint): L1Event | null {
  switch (event.type) {
    case "dac-created": {
      const { chainId, label, genesisHash, charter, metisDao } = event;
      const founding = { charter: fromHex(charter), metisDao };
      return { kind: "dacCreated", chainId, label, genesisHash, timestamp, founding };
    }
    case "registered": {
      const member: Member = {
        index: Number(event.index),
        operator: event.operator,
        stakeWei: event.stakeWei,
        blsPublicKey: event.blsPublicKey,
        peerId: textOf(event.peerId) as PeerId,
        multiaddr: textOf(event.multiaddr),
      };
      return { kind: "registered", registry: event.role, member };
    }
    case "address-updated":
      return {
        kind: "addressUpdated",
        registry: event.role,
        operator: event.operator,
        peerId: textOf(event.peerId) as PeerId,
        multiaddr: textOf(event.multiaddr),
      };
    case "exited":
      return { kind: "exited", registry: event.role, operator: event.operator };
    case "queue-item-added": {
      const deposit = { queueIndex: event.index, from: event.from, to: event.to, mint: event.amountWei };
      return { kind: "deposited", chainId: event.chainId, l1Block: event.l1Block, deposit };
    }
    case "batch-appended":
      return { kind: "batchAppended", header: event.header, batchHash: event.batchHash, timestamp };
    case "stake-withdrawn":
      return null;
  }
}

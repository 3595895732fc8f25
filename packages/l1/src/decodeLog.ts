import { type BatchHeader, type Hash, type Hex, keccakHash, toAddress, toChainId, toHash } from "@mvm/protocol";
import { getBytes, type Result } from "ethers";
import type { QueueItemValues } from "./bindings/queueItemValues.ts";
import { INTERFACES, type L1Addresses, type L1ContractName, REGISTRY_OF_ROLE, type StakedRole } from "./contracts.ts";
import type { BatchAppendedEvent, ContractEvent, FollowErrorEvent, L1Origin } from "./events.ts";
import type { L1Log } from "./l1Rpc.ts";
import { toPeerId } from "./peerIds.ts";

/** Longest reason in an error event, in characters. */
const MAX_REASON_LENGTH = 200;

const ROLE_EVENTS = ["Registered", "AddressUpdated", "ExitRequested", "StakeWithdrawn"] as const;
const FOLLOWED = {
  comco: ["DacCreated"],
  inbox: ["QueueItemAdded"],
  bridge: ["DepositHeld", "HeldReleased", "HeldRefunded"],
  bondManager: ["ThresholdChanged", "LockChanged", "Slashed"],
  sequencerPool: ["Registered", "AddressUpdated", "ExitRequested", "Ejected", "StakeChanged"],
  providerRegistry: [...ROLE_EVENTS, "SeatTaken"],
  storageRegistry: [...ROLE_EVENTS, "CeremonyMessage"],
  rollupChain: ["BatchAppended", "RolledBack", "SlotClaimed", "TurnedToExit", "Withheld", "ClockHeld", "ClockReleased"],
  disclosures: ["Asked", "Served", "Answered", "Expired", "PaidBack"],
} as const satisfies Partial<Record<L1ContractName, readonly string[]>>;
type FollowedContract = keyof typeof FOLLOWED;

const ROLE_OF_REGISTRY = new Map<L1ContractName, StakedRole>(
  (Object.keys(REGISTRY_OF_ROLE) as StakedRole[]).map((role) => [REGISTRY_OF_ROLE[role], role]),
);

/** The first topics of all events that are followed. */
export const FOLLOWED_TOPICS: readonly Hash[] = [
  ...new Set(
    (Object.keys(FOLLOWED) as FollowedContract[]).flatMap((contract) =>
      FOLLOWED[contract].map((name) => toHash(INTERFACES[contract].getEvent(name)!.topicHash)),
    ),
  ),
];

/** The addresses whose events are followed. */
export function followedAddresses(addresses: L1Addresses): readonly L1Addresses[L1ContractName][] {
  return (Object.keys(FOLLOWED) as FollowedContract[]).map((contract) => addresses[contract]);
}

/** A batch's header from an event's fields. Throws FormatError. */
export function toBatchHeader(fields: Result): BatchHeader {
  const number = (name: string): bigint => BigInt(fields[name]);
  return {
    chainId: toChainId(number("chainId")),
    generation: number("generation"),
    index: number("index"),
    previousBatchHash: toHash(fields["previousBatchHash"]),
    firstBlock: number("firstBlock"),
    lastBlock: number("lastBlock"),
    blobHash: toHash(fields["blobHash"]),
    dataHash: toHash(fields["dataHash"]),
    blocksRoot: toHash(fields["blocksRoot"]),
    transactionsRoot: toHash(fields["transactionsRoot"]),
    queueEnd: number("queueEnd"),
    slot: number("slot"),
    poster: toAddress(fields["poster"]),
  };
}

/** A queue item from an event's fields. Throws FormatError. */
export function toItemValues(fields: Result): QueueItemValues {
  const number = (name: string): bigint => BigInt(fields[name]);
  return {
    kind: Number(fields["kind"]),
    from: toAddress(fields["from"]),
    to: toAddress(fields["to"]),
    mint: number("mint"),
    value: number("value"),
    gasLimit: number("gasLimit"),
    dataHash: toHash(fields["dataHash"]),
    l1Block: number("l1Block"),
    timestamp: number("timestamp"),
    mintedBefore: number("mintedBefore"),
  };
}

function decodeRoleEvent(role: StakedRole, name: string, fields: Result, origin: L1Origin): ContractEvent | undefined {
  if (!["Ejected", ...ROLE_EVENTS].includes(name)) return undefined; // those of one registry alone
  const common = { ...origin, role, index: BigInt(fields["index"]), operator: toAddress(fields["operator"]) };
  const network = () => ({ peerId: toPeerId(fields["peerId"]), multiaddr: getBytes(fields["multiaddr"]) });
  switch (name) {
    case "Registered": {
      const blsPublicKey = String(fields["blsPublicKey"]) as Hex;
      return { ...common, type: "registered", stakeWei: BigInt(fields["stake"]), blsPublicKey, ...network() };
    }
    case "AddressUpdated":
      return { ...common, type: "address-updated", ...network() };
    case "ExitRequested":
      return { ...common, type: "exited", unlocksAt: BigInt(fields["unlocksAt"]) };
    case "Ejected":
      return { ...common, type: "exited", unlocksAt: undefined };
    case "StakeWithdrawn":
      return { ...common, type: "stake-withdrawn", stakeWei: BigInt(fields["stake"]) };
    default:
      return undefined;
  }
}

function decodeAskEvent(name: string, fields: Result, origin: L1Origin): ContractEvent | undefined {
  const ask = () => ({ ...origin, batchHash: toHash(fields["batchHash"]), number: BigInt(fields["number"]) });
  switch (name) {
    case "Asked":
      return { ...ask(), type: "asked", item: BigInt(fields["item"]) };
    case "Served":
      return { ...ask(), type: "ask-served", until: BigInt(fields["until"]) };
    case "Answered":
      return { ...ask(), type: "ask-answered", answerer: toAddress(fields["answerer"]) };
    case "Expired":
    case "PaidBack":
      return { ...origin, type: "asks-closed", batchHash: toHash(fields["batchHash"]) };
    case "Withheld":
      return {
        ...origin,
        type: "withheld",
        chainId: toChainId(fields["chainId"]),
        poster: toAddress(fields["poster"]),
      };
    case "ClockHeld":
    case "ClockReleased": {
      const type = name === "ClockHeld" ? "clock-held" : "clock-released";
      return { ...origin, type, chainId: toChainId(fields["chainId"]) };
    }
    default:
      return undefined;
  }
}

function decodeChainEvent(name: string, fields: Result, origin: L1Origin): ContractEvent | undefined {
  switch (name) {
    case "DacCreated":
      return {
        ...origin,
        type: "dac-created",
        chainId: toChainId(fields["chainId"]),
        label: String(fields["label"]),
        management: toAddress(fields["management"]),
        genesisHash: toHash(fields["genesisHash"]),
        charter: String(fields["charter"]) as Hex,
        metisDao: toAddress(fields["metisDao"]),
        storageUnits: Number(fields["storageUnits"]),
      };
    case "QueueItemAdded":
      return {
        ...origin,
        type: "queue-item-added",
        chainId: toChainId(fields["chainId"]),
        index: BigInt(fields["index"]),
        item: toItemValues(fields["item"]),
        data: getBytes(fields["data"]),
        queueHash: toHash(fields["queueHash"]),
      };
    case "DepositHeld":
      return {
        ...origin,
        type: "deposit-held",
        chainId: toChainId(fields["chainId"]),
        id: BigInt(fields["id"]),
        from: toAddress(fields["from"]),
        to: toAddress(fields["to"]),
        amountWei: BigInt(fields["amount"]),
      };
    case "HeldReleased":
    case "HeldRefunded": {
      const type = name === "HeldReleased" ? "held-released" : "held-refunded";
      return { ...origin, type, chainId: toChainId(fields["chainId"]), id: BigInt(fields["id"]) };
    }
    case "StakeChanged":
      return {
        ...origin,
        type: "stake-changed",
        index: BigInt(fields["index"]),
        grid: Number(fields["grid"]),
        stakeWei: BigInt(fields["stakeWei"]),
      };
    case "SeatTaken":
      return {
        ...origin,
        type: "seat-taken",
        index: BigInt(fields["index"]),
        place: Number(fields["place"]),
        weightMT: Number(fields["weightMT"]),
      };
    case "CeremonyMessage":
      return {
        ...origin,
        type: "ceremony-message",
        chainId: toChainId(fields["chainId"]),
        round: BigInt(fields["round"]),
        host: toAddress(fields["host"]),
        isComplaint: Boolean(fields["isComplaint"]),
        data: getBytes(fields["data"]),
      };
    case "ThresholdChanged":
      return {
        ...origin,
        type: "threshold-changed",
        chainId: toChainId(fields["chainId"]),
        thresholdMT: Number(fields["thresholdMT"]),
      };
    case "LockChanged":
      return {
        ...origin,
        type: "lock-changed",
        sequencer: toAddress(fields["sequencer"]),
        chainId: toChainId(fields["chainId"]),
        amountWei: BigInt(fields["amount"]),
      };
    case "Slashed":
      return {
        ...origin,
        type: "convicted",
        sequencer: toAddress(fields["sequencer"]),
        chainId: toChainId(fields["chainId"]),
      };
    case "SlotClaimed":
      return {
        ...origin,
        type: "slot-claimed",
        chainId: toChainId(fields["chainId"]),
        slot: BigInt(fields["slot"]),
        rank: Number(fields["rank"]),
        sequencer: toAddress(fields["sequencer"]),
      };
    case "TurnedToExit":
      return { ...origin, type: "turned-to-exit", chainId: toChainId(fields["chainId"]) };
    case "RolledBack":
      return {
        ...origin,
        type: "rolled-back",
        chainId: toChainId(fields["chainId"]),
        generation: BigInt(fields["generation"]),
        fromIndex: BigInt(fields["fromIndex"]),
        lastBlock: BigInt(fields["lastBlock"]),
      };
    case "BatchAppended":
      return {
        ...origin,
        type: "batch-appended",
        chainId: toChainId(fields["chainId"]),
        index: BigInt(fields["index"]),
        batchHash: toHash(fields["batchHash"]),
        header: toBatchHeader(fields["header"]),
        data: undefined,
      };
    default:
      return undefined;
  }
}

/**
 * A log of one of the followed contracts as an event; a batch's data is not part of its log and left undefined.
 * Whatever can't be decoded becomes an error event: a log never throws.
 */
export function decodeLog(addresses: L1Addresses, log: L1Log): ContractEvent | FollowErrorEvent {
  const { blockNumber: l1Block, logIndex, transactionHash } = log;
  const origin: L1Origin = { l1Block, logIndex, transactionHash };
  try {
    const contract = (Object.keys(FOLLOWED) as FollowedContract[]).find((name) => addresses[name] === log.address);
    const parsed = contract && INTERFACES[contract].parseLog({ topics: log.topics, data: log.data });
    if (contract === undefined || !parsed) throw new RangeError("not an event of a followed contract");
    const role = ROLE_OF_REGISTRY.get(contract);
    const { name, args } = parsed;
    const ofRole = role && decodeRoleEvent(role, name, args, origin);
    const event = ofRole ?? decodeAskEvent(name, args, origin) ?? decodeChainEvent(name, args, origin);
    if (event === undefined) throw new RangeError(`${parsed.name} is not followed`);
    return event;
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).slice(0, MAX_REASON_LENGTH);
    return { ...origin, type: "error", code: "undecodable-log", address: log.address, topics: log.topics, reason };
  }
}

/**
 * The data of a batch from the input of a transaction that calls RollupChain.appendBatches directly; undefined if the
 * input is another call, or of other batches (no data with the header's hash).
 */
export function batchDataOf(event: BatchAppendedEvent, input: Hex): Uint8Array | undefined {
  const { chainId, index, header } = event;
  try {
    const [inputs, , encoded] = INTERFACES.rollupChain.decodeFunctionData("appendBatches", input);
    const all = getBytes(encoded);
    for (const batch of inputs as Result[]) {
      if (BigInt(batch["chainId"]) !== chainId || BigInt(batch["index"]) !== index) continue;
      const offset = Number(batch["offset"]);
      // by its getter: the property of this name is the number of fields
      const data = all.subarray(offset, offset + Number(batch.getValue("length")));
      if (keccakHash(data) === header.dataHash) return data;
    }
    return undefined;
  } catch {
    return undefined;
  }
}

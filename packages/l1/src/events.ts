import type { Address, BatchHeader, ChainId, Hash, Hex } from "@mvm/protocol";
import type { Registration } from "./bindings/calls.ts";
import type { QueueItemValues } from "./bindings/queueItemValues.ts";
import type { StakedRole } from "./contracts.ts";
import type { L1Error } from "./l1Error.ts";

/** Where an event is on L1. */
export type L1Origin = { readonly l1Block: bigint; readonly logIndex: number; readonly transactionHash: Hash };

/** A DAC was created. */
export type DacCreatedEvent = L1Origin & {
  readonly type: "dac-created";
  readonly chainId: ChainId;
  readonly label: string;
  readonly management: Address;
  readonly genesisHash: Hash;
  /** the charter as L1 committed to it: abi.encode(Charter), see decodeCharter */
  readonly charter: Hex;
  /** governance contract on L1 that sets the DAC's tax rates */
  readonly metisDao: Address;
  /** asked for */
  readonly storageUnits: number;
};

type OfOperator = L1Origin & { readonly role: StakedRole; readonly index: bigint; readonly operator: Address };

/** An operator registered. */
export type RegisteredEvent = OfOperator & Registration & { readonly type: "registered"; readonly stakeWei: bigint };
/** An operator changed its peer key or network address. */
export type AddressUpdatedEvent = OfOperator &
  Pick<Registration, "peerId" | "multiaddr"> & { readonly type: "address-updated" };
/** An operator left the list of active ones; unlocksAt in seconds, undefined where it was ejected. */
export type ExitedEvent = OfOperator & { readonly type: "exited"; readonly unlocksAt: bigint | undefined };
/** An operator got its stake back. */
export type StakeWithdrawnEvent = OfOperator & { readonly type: "stake-withdrawn"; readonly stakeWei: bigint };

/** An item was added to a DAC's queue. */
export type QueueItemAddedEvent = L1Origin & {
  readonly type: "queue-item-added";
  readonly chainId: ChainId;
  readonly index: bigint;
  readonly item: QueueItemValues;
  /** calldata, or a signed transaction; its hash is in the item */
  readonly data: Uint8Array;
  readonly queueHash: Hash;
};

/** A deposit waits outside its DAC's queue. */
export type DepositHeldEvent = L1Origin & {
  readonly type: "deposit-held";
  readonly chainId: ChainId;
  readonly id: bigint;
  readonly from: Address;
  readonly to: Address;
  readonly amountWei: bigint;
};

/** A held deposit went into the queue, or back to who paid it. */
export type HeldGoneEvent = L1Origin & {
  readonly type: "held-released" | "held-refunded";
  readonly chainId: ChainId;
  readonly id: bigint;
};

/** A sequencer's effective stake changed, from this block's epoch on. */
export type StakeChangedEvent = L1Origin & {
  readonly type: "stake-changed";
  readonly index: bigint;
  /** position on the grid of effective stakes; 0: not drawn */
  readonly grid: number;
  readonly stakeWei: bigint;
};

/** A provider took a place of the seat tree, or left it. */
export type SeatTakenEvent = L1Origin & {
  readonly type: "seat-taken";
  readonly index: bigint;
  readonly place: number;
  /** its stake in whole MT; 0: it left */
  readonly weightMT: number;
};

/** A DAC's Dynamic Bond Threshold changed. */
export type ThresholdChangedEvent = L1Origin & {
  readonly type: "threshold-changed";
  readonly chainId: ChainId;
  /** whole MT */
  readonly thresholdMT: number;
};

/** What is locked of a sequencer's stake for a DAC changed. A lock that runs out by itself has no event. */
export type LockChangedEvent = L1Origin & {
  readonly type: "lock-changed";
  readonly sequencer: Address;
  readonly chainId: ChainId;
  readonly amountWei: bigint;
};

/** A sequencer was convicted for what it signed for a DAC: it takes no lock any more, and is drawn until it is ejected. */
export type ConvictedEvent = L1Origin & {
  readonly type: "convicted";
  readonly sequencer: Address;
  readonly chainId: ChainId;
};

/** A rank took a slot over. */
export type SlotClaimedEvent = L1Origin & {
  readonly type: "slot-claimed";
  readonly chainId: ChainId;
  readonly slot: bigint;
  readonly rank: number;
  readonly sequencer: Address;
};

/** A chain turned to exit for good. */
export type TurnedToExitEvent = L1Origin & { readonly type: "turned-to-exit"; readonly chainId: ChainId };

/** A batch was proven wrong: it and all later ones of its chain fell; the chain's next batch is one generation later. */
export type RolledBackEvent = L1Origin & {
  readonly type: "rolled-back";
  readonly chainId: ChainId;
  /** that ended with it */
  readonly generation: bigint;
  /** index of the batch that was proven wrong */
  readonly fromIndex: bigint;
  /** of the chain, before that batch */
  readonly lastBlock: bigint;
};

/** The batch of the rollback before was dropped for what nobody showed of it: its poster was fined, not convicted. */
export type WithheldEvent = L1Origin & {
  readonly type: "withheld";
  readonly chainId: ChainId;
  readonly poster: Address;
};

/** A chain's clock stands, once more; or it was released once. */
export type ClockEvent = L1Origin & { readonly type: "clock-held" | "clock-released"; readonly chainId: ChainId };

type OfAsk = L1Origin & { readonly batchHash: Hash; readonly number: bigint };
/** An item of a batch was asked for: decodeAskItem. */
export type AskedEvent = OfAsk & { readonly type: "asked"; readonly item: bigint };
/** An ask has to be answered until a time, in seconds. */
export type AskServedEvent = OfAsk & { readonly type: "ask-served"; readonly until: bigint };
/** An ask was answered. */
export type AskAnsweredEvent = OfAsk & { readonly type: "ask-answered"; readonly answerer: Address };
/** A batch with open asks fell: nothing of it has to be shown any more. Told for each price that goes back. */
export type AsksClosedEvent = L1Origin & { readonly type: "asks-closed"; readonly batchHash: Hash };

/** A batch was appended. */
export type BatchAppendedEvent = L1Origin & {
  readonly type: "batch-appended";
  readonly chainId: ChainId;
  readonly index: bigint;
  readonly batchHash: Hash;
  readonly header: BatchHeader;
  /** the batch's data, its hash checked; undefined where nobody asked for it, and after an error event batch-data-unavailable */
  readonly data: Uint8Array | undefined;
};

/** A host, or one whose stake is still held, said something in a key ceremony of a DAC. */
export type CeremonyMessageEvent = L1Origin & {
  readonly type: "ceremony-message";
  readonly chainId: ChainId;
  /** L1 block that the round begins with, as the host says */
  readonly round: bigint;
  readonly host: Address;
  readonly isComplaint: boolean;
  /** 1 to 8,192 bytes, unchecked */
  readonly data: Uint8Array;
};

export type ContractEvent =
  | DacCreatedEvent
  | RegisteredEvent
  | AddressUpdatedEvent
  | ExitedEvent
  | StakeWithdrawnEvent
  | QueueItemAddedEvent
  | DepositHeldEvent
  | HeldGoneEvent
  | StakeChangedEvent
  | SeatTakenEvent
  | ThresholdChangedEvent
  | LockChangedEvent
  | ConvictedEvent
  | SlotClaimedEvent
  | TurnedToExitEvent
  | RolledBackEvent
  | WithheldEvent
  | ClockEvent
  | AskedEvent
  | AskServedEvent
  | AskAnsweredEvent
  | AsksClosedEvent
  | CeremonyMessageEvent
  | BatchAppendedEvent;

/** A new L1 block; the contract events of the block follow. */
export type BlockEvent = {
  readonly type: "block";
  readonly number: bigint;
  readonly hash: Hash;
  readonly parentHash: Hash;
  /** seconds */
  readonly timestamp: bigint;
  readonly baseFeePerGas: bigint;
  /** the header's mixHash: randomness of the beacon chain (EIP-4399) */
  readonly prevRandao: Hash;
};

/** All contract events of a block were told; timestamp in seconds. */
export type BlockEndEvent = { readonly type: "block-end"; readonly number: bigint; readonly timestamp: bigint };

/** L1 took blocks back: everything after toBlock did not happen; replacements follow. */
export type ReorgEvent = { readonly type: "reorg"; readonly toBlock: bigint };

/** Where a batch's data would be in a blob: enough to ask an archive for it. */
export type BlobFault = {
  /** blob-unavailable: whoever was asked does not have it; malformed-blob: an element is no 31 bytes, so that no batch in it has data */
  readonly reason: "blob-unavailable" | "malformed-blob";
  readonly blobHash: Hash;
  /** bytes, in the BLOB_DATA_BYTES of the blob */
  readonly offset: number;
  readonly length: number;
};

/** Why the data of a batch can't be read. */
export type BatchDataFault =
  | { readonly reason: "transaction-unknown" | "not-a-direct-call" | "wrong-input" }
  | BlobFault;

/** Something on L1 that can't be followed; the follower goes on. */
export type FollowErrorEvent =
  | (L1Origin & {
      readonly type: "error";
      readonly code: "undecodable-log";
      readonly address: Address;
      readonly topics: readonly Hex[];
      readonly reason: string;
    })
  | (L1Origin &
      BatchDataFault & {
        readonly type: "error";
        readonly code: "batch-data-unavailable";
        readonly chainId: ChainId;
        readonly index: bigint;
      });

/** L1 does not answer, once until it answers again. */
export type UnreachableEvent = { readonly type: "l1-unreachable"; readonly error: L1Error };
/** L1 answers again. */
export type ReachableEvent = { readonly type: "l1-reachable" };

export type L1Event =
  | BlockEvent
  | BlockEndEvent
  | ReorgEvent
  | ContractEvent
  | FollowErrorEvent
  | UnreachableEvent
  | ReachableEvent;

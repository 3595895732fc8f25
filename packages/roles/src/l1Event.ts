/** What L1 tells, in the words of the roles. Events of an L1 block come before its `l1Block`. */
import type {
  Address,
  BatchHeader,
  CeremonyMessage,
  ChainId,
  Founding,
  Hash,
  Hex,
  PeerId,
  QueueItem,
} from "@mvm/protocol";

export type RegistryName = "sequencer" | "provider" | "storage";

export type Member = {
  /** position in the registry, from 0; never reused */
  readonly index: number;
  readonly operator: Address;
  readonly stakeWei: bigint;
  /** 48 bytes */
  readonly blsPublicKey: Hex;
  readonly peerId: PeerId;
  readonly multiaddr: string;
};

/** An item of a DAC's queue, and when it came. */
export type QueuedItem = {
  readonly item: QueueItem;
  readonly l1Block: bigint;
  /** seconds */
  readonly timestamp: bigint;
  /** wei of MT that all items before it brought */
  readonly mintedBefore: bigint;
};

export type L1Event =
  /** the end of an L1 block */
  | {
      readonly kind: "l1Block";
      readonly number: bigint;
      readonly timestamp: bigint;
      /** wei per L1 gas */
      readonly baseFeePerGas: bigint;
      readonly prevRandao: Hash;
    }
  /** L1 took back the blocks after this one */
  | { readonly kind: "reorg"; readonly toBlock: bigint }
  | { readonly kind: "registered"; readonly registry: RegistryName; readonly member: Member }
  | {
      readonly kind: "addressUpdated";
      readonly registry: RegistryName;
      readonly operator: Address;
      readonly peerId: PeerId;
      readonly multiaddr: string;
    }
  | { readonly kind: "exited"; readonly registry: RegistryName; readonly operator: Address }
  /** stake of a sequencer, and its position on the grid by which it is drawn; 0: not drawn */
  | {
      readonly kind: "stakeChanged";
      readonly index: number;
      readonly grid: number;
      /** wei of MT */
      readonly stakeWei: bigint;
      readonly l1Block: bigint;
    }
  /** a provider's place in the seat tree, and its stake there in whole MT; 0: it left the place */
  | {
      readonly kind: "seatTaken";
      readonly index: number;
      readonly place: number;
      readonly weightMT: number;
      readonly l1Block: bigint;
    }
  /** what is locked of a sequencer's stake for a chain, wei of MT */
  | {
      readonly kind: "lockChanged";
      readonly sequencer: Address;
      readonly chainId: ChainId;
      readonly amountWei: bigint;
    }
  /** a sequencer was convicted for what it signed for a chain: it posts nothing more, and is drawn until its stake is told as 0 */
  | { readonly kind: "convicted"; readonly sequencer: Address; readonly chainId: ChainId }
  | {
      readonly kind: "thresholdChanged";
      readonly chainId: ChainId;
      /** whole MT */
      readonly thresholdMT: number;
      readonly l1Block: bigint;
    }
  | {
      readonly kind: "dacCreated";
      readonly chainId: ChainId;
      readonly label: string;
      readonly genesisHash: Hash;
      readonly timestamp: bigint;
      readonly founding: Founding;
    }
  | ({ readonly kind: "queueItemAdded"; readonly chainId: ChainId } & QueuedItem)
  | {
      readonly kind: "batchAppended";
      readonly header: BatchHeader;
      readonly batchHash: Hash;
      /** that carried it: where its data are found */
      readonly transactionHash: Hash;
      readonly timestamp: bigint;
      readonly l1Block: bigint;
    }
  | {
      readonly kind: "slotClaimed";
      readonly chainId: ChainId;
      readonly slot: bigint;
      readonly rank: number;
      readonly l1Block: bigint;
    }
  /** a batch was convicted, or, where "withheld" follows, dropped: it and all later ones of its chain fell, and the chain goes on after `lastBlock`, one generation later */
  | {
      readonly kind: "rolledBack";
      readonly chainId: ChainId;
      /** that ended with it */
      readonly generation: bigint;
      /** index of the convicted batch */
      readonly fromIndex: bigint;
      readonly lastBlock: bigint;
      /** seconds */
      readonly timestamp: bigint;
    }
  /** the batch that fell last was dropped for what nobody showed of it: its poster was fined, not convicted */
  | { readonly kind: "withheld"; readonly chainId: ChainId; readonly poster: Address }
  /** a chain's clock stands, once more; timestamp in seconds */
  | { readonly kind: "clockHeld" | "clockReleased"; readonly chainId: ChainId; readonly timestamp: bigint }
  /** an item of a batch was asked for: Asks.itemOf */
  | { readonly kind: "asked"; readonly batchHash: Hash; readonly number: bigint; readonly item: bigint }
  /** an ask has to be answered until a time, in seconds */
  | { readonly kind: "askServed"; readonly batchHash: Hash; readonly number: bigint; readonly until: bigint }
  | { readonly kind: "askAnswered"; readonly batchHash: Hash; readonly number: bigint; readonly answerer: Address }
  /** the batch fell, and nothing of it has to be shown any more */
  | { readonly kind: "asksClosed"; readonly batchHash: Hash }
  /** a host said something in a round of a DAC's key ceremony, which begins with an L1 block; unchecked */
  | ({ readonly kind: "ceremonyMessage"; readonly chainId: ChainId } & CeremonyMessage)
  | { readonly kind: "turnedToExit"; readonly chainId: ChainId }
  | { readonly kind: "depositHeld"; readonly chainId: ChainId; readonly id: bigint; readonly amount: bigint }
  /** released into the queue, or refunded */
  | { readonly kind: "heldGone"; readonly chainId: ChainId; readonly id: bigint };

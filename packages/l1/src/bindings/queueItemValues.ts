import type { Address, Hash } from "@mvm/protocol";

/** A queue item as the contracts take it. */
export type QueueItemValues = {
  readonly kind: number;
  readonly from: Address;
  readonly to: Address;
  readonly mint: bigint;
  readonly value: bigint;
  readonly gasLimit: bigint;
  readonly dataHash: Hash;
  readonly l1Block: bigint;
  readonly timestamp: bigint;
  readonly mintedBefore: bigint;
};

/** An item in the order of the contracts' fields. */
export const itemValues = (item: QueueItemValues): readonly unknown[] => [
  item.kind,
  item.from,
  item.to,
  item.mint,
  item.value,
  item.gasLimit,
  item.dataHash,
  item.l1Block,
  item.timestamp,
  item.mintedBefore,
];

/** Evidence for replays on L1, as CheckpointReplay.sol takes it. */
import { type Address, bigIntToBytes, concatBytes, fromHex, type Hash, type Hex } from "@mvm/protocol";
import { AbiCoder, concat, hexlify } from "ethers";

/** What L1 needs to replay a transaction. */
export type Evidence = {
  /** trie nodes of the state, its storages, the tries of transactions and receipts; each once */
  readonly nodes: readonly Uint8Array[];
  /** what is read: accounts with their slots */
  readonly keys: readonly { readonly account: Address; readonly slots: readonly bigint[] }[];
  readonly codes: readonly { readonly hash: Hash; readonly code: Uint8Array }[];
  /** numbers of blocks whose hashes are asked for */
  readonly hashes: readonly bigint[];
  /** bloom of the block's logs before, 256 bytes; empty where L1 does not need it */
  readonly bloom: Uint8Array;
};

/** Room for the interpreter's tables on L1 (ReplayTypes.sol): too little is an error, never a verdict. */
export type ReplayRoom = {
  /** the table of slots has 2^slotBits places */
  readonly slotBits: number;
  /** for logs, code of new contracts, slots of new contracts and transient ones */
  readonly heapBytes: number;
};

const EVIDENCE = "tuple(bytes,bytes,bytes[],address[],uint64[],bytes,uint8,uint256)";
const COUNT_BYTES = 2;
const HEAP_BYTES = [4_096, 65_536, 1_048_576] as const;

/** Rooms to try one after the other for an evidence: the first that is enough costs least. */
export function roomsFor({ keys }: Pick<Evidence, "keys">): readonly ReplayRoom[] {
  const slots = keys.reduce((sum, key) => sum + key.slots.length, 0);
  // Twice the room that the slots need, and some for those that the transaction makes.
  const least = Math.ceil(Math.log2(slots + 8)) + 1;
  return HEAP_BYTES.map((heapBytes, i) => ({ heapBytes, slotBits: least + 3 * i }));
}

/** Keys one after another: address, two bytes for the number of slots, each slot as its length and its bytes. */
function packedKeys(keys: Evidence["keys"]): Uint8Array {
  const parts = keys.flatMap(({ account, slots }) => {
    const count = Uint8Array.of(slots.length >> 8, slots.length & 0xff).subarray(0, COUNT_BYTES);
    const packed = slots.map(bigIntToBytes).map((bytes) => concatBytes(Uint8Array.of(bytes.length), bytes));
    return [fromHex(account), count, ...packed];
  });
  return concatBytes(...parts);
}

/**
 * abi.encode(Evidence).
 * @param holderOf contract of L1 that has a code; null where none is known: its bytes are handed in
 */
export function encodeEvidence(
  { nodes, keys, codes, hashes, bloom }: Evidence,
  { slotBits, heapBytes }: ReplayRoom,
  holderOf: (codeHash: Hash) => Address | null,
): Hex {
  const holders = codes.flatMap(({ hash }) => holderOf(hash) ?? []);
  const given = codes.filter(({ hash }) => holderOf(hash) === null).map(({ code }) => code);
  const values = [concat(nodes.map(hexlify)), packedKeys(keys), given, holders, hashes, bloom, slotBits, heapBytes];
  return AbiCoder.defaultAbiCoder().encode([EVIDENCE], [values]) as Hex;
}

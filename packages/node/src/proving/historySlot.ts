/** Where a state keeps the hashes of its chain's blocks (EIP-2935). */
import { BLOCK_HASH_HISTORY, type StateKey, toWordHex } from "@mvm/protocol";

/** Hashes that the contract keeps. */
const HISTORY_LENGTH = 8_191n;

/** The slot that has the hash of a block. */
export const historySlot = (number: bigint): StateKey => ({
  kind: "slot",
  address: BLOCK_HASH_HISTORY.address,
  slot: toWordHex(number % HISTORY_LENGTH),
});

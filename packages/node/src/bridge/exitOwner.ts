/** Where MVM_Coinbase keeps whom a contract's MT are paid to on L1. */
import { type Address, concatBytes, fromHex, type Hash, keccakHash, toWord } from "@mvm/protocol";

/** Slot of the mapping `exitOwner` of MVM_Coinbase. */
const EXIT_OWNER_SLOT = 2n;

/** Slot of MVM_Coinbase that holds whom an account's MT are paid to: `exitOwner[account]`. */
export const exitOwnerSlot = (account: Address): Hash =>
  keccakHash(concatBytes(new Uint8Array(12), fromHex(account), toWord(EXIT_OWNER_SLOT)));

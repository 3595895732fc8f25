/** What a block's settle hands to the address table: a rule over its transactions, whatever form they are posted in. */
import { toHex, toWord } from "../hex.ts";
import { LIMITS } from "../parameters.ts";
import type { Address, ChainId } from "../primitives.ts";
import { fieldsOf } from "./fields.ts";
import { addressWordsOf } from "./shapes.ts";

/**
 * Addresses that transactions name, each once, in order: of each that a row with fields can say (type 2 with an empty access list,
 * or a legacy one with EIP-155, to an account) the account, then of a call of whole words, at most 64, those from 2^96 to 2^160 - 1.
 * @param transactions signed user transactions of a block, in order
 * @param most how many; the first LIMITS.seenAddresses are what the block's settle takes into the table
 */
export function namedAddresses(
  chainId: ChainId,
  transactions: readonly Uint8Array[],
  most: number = LIMITS.seenAddresses,
): readonly Address[] {
  const found = new Set<Address>();
  for (const raw of transactions) {
    if (found.size >= most) break;
    const fields = fieldsOf(raw, chainId);
    if (fields === null) continue;
    found.add(toHex(fields.to) as Address);
    for (const word of addressWordsOf(fields.data)) found.add(toHex(toWord(word).subarray(12)) as Address);
  }
  return [...found].slice(0, most);
}

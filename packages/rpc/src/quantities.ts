/** Values as JSON-RPC writes them. */
import type { Hex } from "@mvm/protocol";

/** Unsigned integer as a quantity: hexadecimal without leading zeros. */
export const quantity = (value: bigint | number): Hex => `0x${value.toString(16)}`;

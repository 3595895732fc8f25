/** What calls of L1 cost before anything is executed. */

/** Of every transaction. */
export const TRANSACTION_GAS = 21_000;
const [GAS_PER_TOKEN, FLOOR_PER_TOKEN] = [4, 10];

const tokensIn = (data: Uint8Array): number => data.reduce((sum, byte) => sum + (byte === 0 ? 1 : 4), 0);

/**
 * What a transaction's data cost: 4 a token, or where that is all that it took the floor of EIP-7623, 10 a token.
 * @param gas that the transaction took
 */
export function calldataGasOf(data: Uint8Array, gas: number): number {
  const tokens = tokensIn(data);
  return TRANSACTION_GAS + FLOOR_PER_TOKEN * tokens === gas ? FLOOR_PER_TOKEN * tokens : GAS_PER_TOKEN * tokens;
}

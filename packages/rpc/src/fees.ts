/** Arithmetic of EIP-1559 fees; all values in wei per gas. */

/** What a transaction offers. */
export type FeeOffer = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint };

/** Price that a transaction pays in a block of that base fee; its offer covers the base fee. */
export function effectiveGasPrice(offer: FeeOffer, baseFeePerGas: bigint): bigint {
  const wanted = baseFeePerGas + offer.maxPriorityFeePerGas;
  return wanted < offer.maxFeePerGas ? wanted : offer.maxFeePerGas;
}

/** What goes beyond the base fee. */
export const effectiveTip = (offer: FeeOffer, baseFeePerGas: bigint): bigint =>
  effectiveGasPrice(offer, baseFeePerGas) - baseFeePerGas;

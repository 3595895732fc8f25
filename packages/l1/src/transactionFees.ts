/** Fees of an EIP-1559 transaction, wei a gas unit. */
export type TransactionFees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint };

/** What a proposer gets on top of the base fee, wei a gas unit. */
const PRIORITY_FEE_WEI = 1_000_000_000n;
/** A first version stays minable while the base fee doubles: six blocks of the steepest rise. */
const BASE_FEE_HEADROOM = 2n;

/** How much dearer a replacement is. Pools ask for a tenth at least, some for an eighth. */
export const FEE_RAISE = { numerator: 9n, denominator: 8n } as const;
/** The same, where what has to be outbid is unknown. */
export const FEE_LEAP = { numerator: 2n, denominator: 1n } as const;

const ceilRatio = (value: bigint, { numerator, denominator }: { numerator: bigint; denominator: bigint }): bigint =>
  (value * numerator + denominator - 1n) / denominator;

/** Fees of a transaction's first version; undefined where `limitWei` a gas unit does not even pay the present base fee. */
export function firstFees(baseFeePerGas: bigint, limitWei: bigint): TransactionFees | undefined {
  if (baseFeePerGas + PRIORITY_FEE_WEI > limitWei) return undefined;
  const wanted = baseFeePerGas * BASE_FEE_HEADROOM + PRIORITY_FEE_WEI;
  return { maxFeePerGas: wanted < limitWei ? wanted : limitWei, maxPriorityFeePerGas: PRIORITY_FEE_WEI };
}

/**
 * Fees of a version that replaces one: both raised by `raise`, and what the present base fee asks for. Undefined where
 * the limit leaves no room for a version that pools would take and that the base fee lets in.
 */
export function raisedFees(
  fees: TransactionFees,
  options: {
    readonly baseFeePerGas: bigint;
    readonly limitWei: bigint;
    readonly raise: typeof FEE_RAISE | typeof FEE_LEAP;
  },
): TransactionFees | undefined {
  const { baseFeePerGas, limitWei, raise } = options;
  const maxPriorityFeePerGas = ceilRatio(fees.maxPriorityFeePerGas, raise);
  const least = max(ceilRatio(fees.maxFeePerGas, FEE_RAISE), baseFeePerGas + maxPriorityFeePerGas);
  if (least > limitWei) return undefined;
  const wanted = max(ceilRatio(fees.maxFeePerGas, raise), baseFeePerGas * BASE_FEE_HEADROOM + maxPriorityFeePerGas);
  return { maxFeePerGas: wanted < limitWei ? wanted : limitWei, maxPriorityFeePerGas };
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

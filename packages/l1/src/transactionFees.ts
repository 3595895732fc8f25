/** Fees of an EIP-1559 transaction, wei a gas unit, and of an EIP-4844 one, wei a unit of blob gas too. */
export type TransactionFees = {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  /** of a transaction with blobs alone */
  readonly maxFeePerBlobGas?: bigint;
};

/** What L1 asks for at present. */
export type FeeMarket = {
  /** wei a gas unit */
  readonly baseFeePerGas: bigint;
  /** wei a unit of blob gas; undefined for a transaction without blobs, which does not pay it */
  readonly blobBaseFee: bigint | undefined;
};

/** Most that is paid, base fees included. */
export type FeeLimits = {
  /** wei a gas unit */
  readonly maxFeePerGas: bigint;
  /** wei a unit of blob gas */
  readonly maxFeePerBlobGas: bigint;
};

type Ratio = { readonly numerator: bigint; readonly denominator: bigint };

/** What a proposer gets on top of the base fee, wei a gas unit. */
const PRIORITY_FEE_WEI = 1_000_000_000n;
/** A first version stays minable while a base fee doubles: six blocks of the steepest rise, for both base fees. */
const BASE_FEE_HEADROOM = 2n;
/** Least price of blob gas (EIP-4844, MIN_BASE_FEE_PER_BLOB_GAS), wei. */
const MIN_BLOB_FEE_WEI = 1n;

/** How much dearer a replacement is. Pools ask for a tenth at least, some for an eighth. */
export const FEE_RAISE = { numerator: 9n, denominator: 8n } as const;
/** The same, where what has to be outbid is unknown, and for blobs: pools ask for all three fees of those to double. */
export const FEE_LEAP = { numerator: 2n, denominator: 1n } as const;

const ceilRatio = (value: bigint, { numerator, denominator }: Ratio): bigint =>
  (value * numerator + denominator - 1n) / denominator;

/** Fees of a transaction's first version; undefined where the limits do not even pay what L1 asks for at present. */
export function firstFees({ baseFeePerGas, blobBaseFee }: FeeMarket, limits: FeeLimits): TransactionFees | undefined {
  if (baseFeePerGas + PRIORITY_FEE_WEI > limits.maxFeePerGas) return undefined;
  const wanted = baseFeePerGas * BASE_FEE_HEADROOM + PRIORITY_FEE_WEI;
  const fees = { maxFeePerGas: min(wanted, limits.maxFeePerGas), maxPriorityFeePerGas: PRIORITY_FEE_WEI };
  if (blobBaseFee === undefined) return fees;
  const least = max(blobBaseFee, MIN_BLOB_FEE_WEI);
  if (least > limits.maxFeePerBlobGas) return undefined;
  return { ...fees, maxFeePerBlobGas: min(least * BASE_FEE_HEADROOM, limits.maxFeePerBlobGas) };
}

/**
 * Fees of a version that replaces one: all raised by `raise` (those of a transaction with blobs by FEE_LEAP), and what L1 asks
 * for at present. Undefined where the limits leave no room for a version that pools would take and that the base fees let in.
 */
export function raisedFees(
  fees: TransactionFees,
  options: {
    readonly market: FeeMarket;
    readonly limits: FeeLimits;
    readonly raise: typeof FEE_RAISE | typeof FEE_LEAP;
  },
): TransactionFees | undefined {
  const { market, limits } = options;
  const { baseFeePerGas, blobBaseFee = 0n } = market;
  const hasBlobs = fees.maxFeePerBlobGas !== undefined;
  const raise = hasBlobs ? FEE_LEAP : options.raise;
  const maxPriorityFeePerGas = ceilRatio(fees.maxPriorityFeePerGas, raise);
  const asked = hasBlobs ? FEE_LEAP : FEE_RAISE;
  const least = max(ceilRatio(fees.maxFeePerGas, asked), baseFeePerGas + maxPriorityFeePerGas);
  if (least > limits.maxFeePerGas) return undefined;
  const wanted = max(ceilRatio(fees.maxFeePerGas, raise), baseFeePerGas * BASE_FEE_HEADROOM + maxPriorityFeePerGas);
  const raised = { maxFeePerGas: min(wanted, limits.maxFeePerGas), maxPriorityFeePerGas };
  if (fees.maxFeePerBlobGas === undefined) return raised;
  const doubled = ceilRatio(fees.maxFeePerBlobGas, FEE_LEAP);
  if (max(doubled, blobBaseFee) > limits.maxFeePerBlobGas) return undefined;
  const maxFeePerBlobGas = min(max(doubled, blobBaseFee * BASE_FEE_HEADROOM), limits.maxFeePerBlobGas);
  return { ...raised, maxFeePerBlobGas };
}

/** Whether L1 asks for more than these fees pay, so that no block can take the version. */
export function arePricedOut(fees: TransactionFees, { baseFeePerGas, blobBaseFee = 0n }: FeeMarket): boolean {
  const { maxFeePerGas, maxFeePerBlobGas } = fees;
  return maxFeePerGas < baseFeePerGas || (maxFeePerBlobGas !== undefined && maxFeePerBlobGas < blobBaseFee);
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** eth_estimateGas: the least gas limit that lets a message succeed. */
import { type BlockEnvironment, EMPTY_CODE_HASH, type TransactionMessage } from "@mvm/protocol";
import type { CallResult } from "./engine.ts";
import { intrinsicGas, TRANSFER_GAS } from "./intrinsic.ts";
import type { OverlayReader } from "./overlay.ts";
import type { Rules } from "./rules.ts";
import { lesser } from "./words.ts";

/** EIP-7825 */
const TRANSACTION_GAS_CAP = 16_777_216n;

export type EstimateResult =
  | { readonly kind: "estimate"; readonly gas: bigint }
  /** it fails even with all the gas there may be, or that the sender can pay */
  | { readonly kind: "failed"; readonly gasLimit: bigint; readonly result: CallResult };

export type EstimateWork = {
  readonly message: TransactionMessage;
  readonly overlay: OverlayReader;
  readonly environment: BlockEnvironment;
  readonly rules: Rules;
  readonly call: (message: TransactionMessage) => Promise<CallResult>;
};

async function isPlainTransfer({ message, overlay, rules }: EstimateWork): Promise<boolean> {
  const { to, data, accessList, authorizations } = message;
  if (to === null || data.length !== 0 || accessList.length !== 0 || authorizations.length !== 0) return false;
  if (rules.precompiles.has(to)) return false;
  const account = await overlay.account(to);
  return account === null || account.codeHash === EMPTY_CODE_HASH;
}

/** The most gas that may be tried: block, cap, the message's own limit, and what the sender can pay for. */
async function ceiling({ message, overlay, environment, rules }: EstimateWork): Promise<bigint> {
  let most = lesser(message.gasLimit, environment.gasLimit);
  if (rules.transactionGasCap && most > TRANSACTION_GAS_CAP) most = TRANSACTION_GAS_CAP;
  if (message.maxFeePerGas === 0n) return most;
  const balance = (await overlay.account(message.from))?.balance ?? 0n;
  const spendable = balance > message.value ? balance - message.value : 0n;
  const affordable = spendable / message.maxFeePerGas;
  return lesser(affordable, most);
}

/** Bisects between what cannot do and what does. `message.gasLimit` is the most that is tried. */
export async function estimate(work: EstimateWork): Promise<EstimateResult> {
  const { message, call, rules } = work;
  const most = await ceiling(work);
  const first = await call({ ...message, gasLimit: most });
  if (first.status === 0) return { kind: "failed", gasLimit: most, result: first };
  if (await isPlainTransfer(work)) return { kind: "estimate", gas: BigInt(TRANSFER_GAS) };
  const succeeds = async (gasLimit: bigint): Promise<boolean> => (await call({ ...message, gasLimit })).status === 1;
  const { charge, floor } = intrinsicGas(message, rules);
  const least = BigInt(Math.max(charge, floor));
  // Refunds come after the fact, so what was used may be less than what was needed: it is only where the search starts.
  let low = least - 1n;
  let high = most;
  const guess = (first.gasUsed * 64n) / 63n;
  for (const attempt of [first.gasUsed < least ? least : first.gasUsed, guess]) {
    if (attempt <= low || attempt >= high) continue;
    if (await succeeds(attempt)) {
      high = attempt;
      break;
    }
    low = attempt;
  }
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (await succeeds(middle)) high = middle;
    else low = middle;
  }
  return { kind: "estimate", gas: high };
}

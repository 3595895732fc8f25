/** EIP-7702: sets the delegations that a transaction's authorisations ask for. Their signatures are checked already. */
import { type Address, EMPTY_CODE_HASH, keccakHash, type RecoveredAuthorization, ZERO_ADDRESS } from "@mvm/protocol";
import { delegationCode } from "./code.ts";
import { AUTHORIZATION_REFUND } from "./intrinsic.ts";
import type { TransactionObserver } from "./observer.ts";
import type { AccountState, TransactionState } from "./transactionState.ts";

const NONCE_BOUND = (1n << 64n) - 1n;
const EMPTY = new Uint8Array(0);

/** Loads what an authority's check needs; false: wait for `pending`. */
function isReadable(state: TransactionState, account: AccountState): boolean {
  return state.load(account) && state.codeOf(account) !== undefined;
}

function delegate(state: TransactionState, account: AccountState, target: Address): void {
  if (target === ZERO_ADDRESS) {
    state.setCode(account, EMPTY, EMPTY_CODE_HASH);
    return;
  }
  const code = delegationCode(target);
  state.setCode(account, code, keccakHash(code));
}

/** Applies an authorisation, if it fits, to its authority. */
async function authorize(
  state: TransactionState,
  account: AccountState,
  { address, nonce }: RecoveredAuthorization,
  wait: (pending: Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  state.warm(account);
  while (!isReadable(state, account)) await wait(state.pending!);
  const code = state.codeOf(account)!;
  if (code.bytes.length !== 0 && code.delegate === null) return;
  if (account.nonce !== nonce) return;
  if (account.original !== null || !account.isEmpty) state.refund += AUTHORIZATION_REFUND;
  delegate(state, account, address);
  state.setNonce(account, nonce + 1n);
}

/**
 * Applies authorisations in order; one that does not fit is passed over. What they give back is in the refund counter.
 * @param wait called where a value is pending
 */
export async function applyAuthorizations(
  state: TransactionState,
  authorizations: readonly RecoveredAuthorization[],
  observer: TransactionObserver | null,
  wait: (pending: Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  for (const authorization of authorizations) {
    const { authority, nonce } = authorization;
    const account = authority === null || nonce >= NONCE_BOUND ? null : state.entry(authority);
    if (account !== null) await authorize(state, account, authorization, wait);
    observer?.listed(state, account, "authorization");
  }
}

/** EIP-7702: sets the delegations that a transaction's authorisations ask for. Their signatures are checked already. */
import { type Address, EMPTY_CODE_HASH, keccakHash, type RecoveredAuthorization, ZERO_ADDRESS } from "@mvm/protocol";
import { delegationCode } from "./code.ts";
import { AUTHORIZATION_REFUND } from "./intrinsic.ts";
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

/**
 * Applies authorisations in order; one that does not fit is passed over.
 * @param wait called where a value is pending
 * @returns gas to add to the refund counter
 */
export async function applyAuthorizations(
  state: TransactionState,
  authorizations: readonly RecoveredAuthorization[],
  wait: (pending: Promise<unknown>) => Promise<unknown>,
): Promise<number> {
  let refund = 0;
  for (const { authority, address, nonce } of authorizations) {
    if (authority === null || nonce >= NONCE_BOUND) continue;
    const account = state.entry(authority);
    state.warm(account);
    while (!isReadable(state, account)) await wait(state.pending!);
    const code = state.codeOf(account)!;
    if (code.bytes.length !== 0 && code.delegate === null) continue;
    if (account.nonce !== nonce) continue;
    if (account.original !== null || !account.isEmpty) refund += AUTHORIZATION_REFUND;
    delegate(state, account, address);
    state.setNonce(account, nonce + 1n);
  }
  return refund;
}

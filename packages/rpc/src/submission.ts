/** What is checked before a transaction goes to the pool, and how refusals are worded: as clients and wallets know them. */
import { intrinsicGas, readTerms } from "@mvm/evm";
import {
  type Account,
  type Address,
  EMPTY_CODE_HASH,
  LIMITS,
  l1FeeOf,
  nextBaseFee,
  type StateReader,
  type Transaction,
  TransactionError,
  toMessage,
} from "@mvm/protocol";
import { SubmitError, type SubmitRefusal } from "./backend.ts";
import { requireBlock } from "./blockLookup.ts";
import { requirePermitted } from "./charterChecks.ts";
import type { MethodContext } from "./method.ts";
import { RPC_CODES, RpcError, serverError } from "./rpcError.ts";
import { LATEST } from "./schemas.ts";

const DECODING: Record<TransactionError["code"], string> = {
  malformed: "malformed transaction",
  "too-large": "oversized data",
  "type-not-supported": "transaction type not supported",
  "no-replay-protection": "only replay-protected (EIP-155) transactions allowed over RPC",
  "bad-signature": "invalid sender",
  "wrong-chain": "invalid chain id for signer",
  "out-of-range": "value out of range",
};

/** The answer to bytes that are no transaction of this chain; what is no TransactionError is thrown on. */
export function decodingRefusal(error: unknown): RpcError {
  if (!(error instanceof TransactionError)) throw error;
  return serverError(`${DECODING[error.code]}: ${error.message}`);
}

const SUBMISSION: Record<SubmitRefusal, string> = {
  "already-known": "already known",
  "nonce-too-low": "nonce too low",
  "nonce-too-high": "nonce too high",
  "replacement-underpriced": "replacement transaction underpriced",
  "insufficient-funds": "insufficient funds for gas * price + value",
  "fee-too-low": "transaction underpriced",
  "sender-limit": "too many transactions of this sender are waiting",
  "pool-full": "txpool is full",
  denied: "permission denied",
  unreachable: "no sequencer took the transaction, try again",
};

/** The answer to a refusal by the backend; what is no SubmitError is thrown on. */
export function submissionRefusal(error: unknown): RpcError {
  if (!(error instanceof SubmitError)) throw error;
  const text = SUBMISSION[error.code];
  const code = error.code === "unreachable" ? RPC_CODES.resourceUnavailable : RPC_CODES.server;
  return new RpcError(code, error.detail === undefined ? text : `${text}: ${error.detail}`);
}

function checkForm(context: MethodContext, transaction: Transaction): void {
  const { gasLimit, maxFeePerGas, maxPriorityFeePerGas, to, data } = transaction;
  if (gasLimit > LIMITS.transactionGas)
    throw serverError(
      `transaction gas limit too high: at most ${LIMITS.transactionGas}, the transaction has ${gasLimit}`,
    );
  if (to === null && data.length > LIMITS.initcodeBytes)
    throw serverError(`max initcode size exceeded: at most ${LIMITS.initcodeBytes} bytes, got ${data.length}`);
  const { charge, floor } = intrinsicGas(toMessage(transaction, 0n), context.simulator.rules);
  if (gasLimit < BigInt(charge)) throw serverError(`intrinsic gas too low: have ${gasLimit}, want ${charge}`);
  if (gasLimit < BigInt(floor))
    throw serverError(`insufficient gas for floor data gas cost: have ${gasLimit}, want ${floor}`);
  if (maxPriorityFeePerGas > maxFeePerGas) {
    throw serverError(
      `max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas ${maxPriorityFeePerGas}, maxFeePerGas ${maxFeePerGas}`,
    );
  }
}

const DELEGATION_BYTES = 23;

/** EIP-3607, with EIP-7702's exception: an account with code sends only where that code is a delegation. */
async function checkSenderCode(reader: StateReader, from: Address, account: Account): Promise<void> {
  if (account.codeHash === EMPTY_CODE_HASH) return;
  const code = await reader.code(account.codeHash);
  const delegates = code.length === DELEGATION_BYTES && code[0] === 0xef && code[1] === 0x01 && code[2] === 0x00;
  if (!delegates) throw serverError(`sender not an eoa: ${from} has code with hash ${account.codeHash}`);
}

/**
 * Refuses what can stand in no block on the head's state: form, fees, nonce, charter, balance. A nonce beyond the next one is
 * the pool's matter. Throws RpcError.
 */
export async function checkAdmission(context: MethodContext, transaction: Transaction): Promise<void> {
  checkForm(context, transaction);
  const { from, nonce, gasLimit, maxFeePerGas, value } = transaction;
  const { block } = await requireBlock(context, LATEST);
  const baseFeePerGas = nextBaseFee(block.header);
  if (maxFeePerGas < baseFeePerGas) {
    throw serverError(
      `max fee per gas less than block base fee: maxFeePerGas ${maxFeePerGas}, base fee ${baseFeePerGas}`,
    );
  }
  const reader = await context.backend.stateAt(block);
  const [account, terms] = await Promise.all([reader.account(from), readTerms(reader, from, value)]);
  const next = account?.nonce ?? 0n;
  if (nonce < next) throw serverError(`nonce too low: next nonce ${next}, tx nonce ${nonce}`);
  if (account !== null) await checkSenderCode(reader, from, account);
  const balance = account?.balance ?? 0n;
  requirePermitted(terms, "TX", from);
  const l1Fee = l1FeeOf(transaction.raw, block.context.l1BaseFee);
  const cost = gasLimit * maxFeePerGas + value + terms.tax + l1Fee;
  if (balance < cost) {
    throw serverError(
      `insufficient funds for gas * price + value: balance ${balance}, tx cost ${cost}, overshot ${cost - balance}${
        cost === gasLimit * maxFeePerGas + value ? "" : ` (tax ${terms.tax}, L1 data fee ${l1Fee})`
      }`,
    );
  }
}

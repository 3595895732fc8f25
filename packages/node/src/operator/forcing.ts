/** Into a DAC by way of L1 where its sequencers do not listen, and out of it where nobody serves it any more. */
import {
  forceExit,
  forceTransaction,
  headOf,
  isExiting,
  l1Now,
  queueItemAt,
  queueLength,
  receiptEvents,
  turnToExit,
} from "@mvm/l1";
import { decodeTransaction, fromHex, type Hex, TransactionError } from "@mvm/protocol";
import { BridgeError } from "../bridge/bridgeError.ts";
import { claim, refundQueued } from "../bridge/claims.ts";
import { proveExit } from "../bridge/exitProof.ts";
import { ConfigError } from "../config.ts";
import { withGateway } from "./gateway.ts";
import { type Transfer, withdrawalCall } from "./money.ts";
import { type Operator, requireDac, requireEther } from "./operator.ts";
import { exitTimeOf, type Report } from "./staking.ts";

/** Forces a signed transaction of anyone's into a DAC. Throws ConfigError for what the DAC could not execute; L1Error. */
export async function forceRaw(operator: Operator, label: string, raw: string): Promise<Report> {
  const { l1, submitter } = operator;
  const chainId = await requireDac(operator, label);
  let transaction: Uint8Array;
  try {
    transaction = fromHex(raw);
    decodeTransaction(transaction, chainId);
  } catch (cause) {
    const why = cause instanceof TransactionError ? cause.message : "it is not hexadecimal";
    throw new ConfigError("invalid", `this is no signed transaction for ${label} (chain ${chainId}): ${why}`, cause);
  }
  await requireEther(operator);
  operator.progress("forcing");
  const receipt = await submitter.submit(forceTransaction(l1.addresses, { chainId, transaction }));
  return queued(operator, label, receipt);
}

/** Forces a withdrawal of the operator's, which no charter can deny and which needs no gas on the DAC. */
export async function forceWithdrawal(operator: Operator, transfer: Transfer): Promise<Report> {
  const { l1, submitter } = operator;
  const call = await withdrawalCall(operator, transfer);
  const chainId = await requireDac(operator, transfer.label);
  await requireEther(operator);
  operator.progress("forcing");
  const { to, valueWei, data } = call;
  const receipt = await submitter.submit(forceExit(l1.addresses, { chainId, to, valueWei, data }));
  return queued(operator, transfer.label, receipt);
}

async function queued(
  { l1 }: Operator,
  label: string,
  receipt: { readonly blockNumber: bigint; readonly transactionHash: Hex },
): Promise<Report> {
  const found = await receiptEvents(l1, receipt as Parameters<typeof receiptEvents>[1], "inbox", "QueueItemAdded");
  const queueIndex = Number(found[0]?.["index"] ?? -1n);
  return { label, queueIndex, transactionHash: receipt.transactionHash };
}

/** Turns the chain to exit where its first unconsumed item is overdue for long enough. Throws ConfigError not-yet. */
async function turn(operator: Operator, chainId: Awaited<ReturnType<typeof requireDac>>): Promise<void> {
  const { l1, submitter, deployedAtBlock } = operator;
  const { queueEnd: index } = await headOf(l1, chainId);
  if (index === (await queueLength(l1, chainId)))
    throw new ConfigError("not-yet", "nothing in the DAC's queue is overdue: force a transaction first, and wait");
  const item = await queueItemAt(l1, { chainId, index, fromBlock: deployedAtBlock });
  const from = await exitTimeOf(operator, item.timestamp);
  const { timestamp } = await l1Now(l1);
  if (timestamp < from)
    throw new ConfigError("not-yet", `the DAC may turn to exit from ${from} on, in ${from - timestamp} seconds`);
  operator.progress("turning to exit");
  await submitter.submit(turnToExit(l1.addresses, { chainId, item }));
}

/**
 * Leaves a DAC for good: turns it to exit where that may be, gives back what the operator has in its queue, and claims
 * the operator's balance where a gateway shows it and the last batch is final; `waits` says what is still to come.
 * @throws ConfigError not-yet, BridgeError, L1Error
 */
export async function exitDac(operator: Operator, label: string, rpcUrl: string | undefined): Promise<Report> {
  const { l1, submitter, deployedAtBlock, account } = operator;
  const chainId = await requireDac(operator, label);
  await requireEther(operator);
  if (!(await isExiting(l1, chainId))) await turn(operator, chainId);
  const sender = { l1, submitter, deployedAtBlock };
  operator.progress("refunding what the queue holds");
  const refunded = (await refundQueued(sender, { chainId, account })).map(Number);
  const report = { label, exiting: true, refunded };
  if (rpcUrl === undefined) return { ...report, waits: "give --rpc URL to claim the balance" };
  try {
    const document = await withGateway(rpcUrl, chainId, (l2) =>
      proveExit({ l1, l2, chainId, deployedAtBlock, account }),
    );
    operator.progress("claiming the balance");
    const { receipt } = await claim(sender, document);
    return { ...report, claimed: true, transactionHash: receipt.transactionHash };
  } catch (error) {
    const isOpen =
      error instanceof BridgeError && ["not-final", "nothing-to-exit", "already-claimed"].includes(error.code);
    if (!isOpen) throw error;
    return { ...report, claimed: error.code === "already-claimed", waits: error.message };
  }
}

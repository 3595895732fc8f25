import type { Hash } from "@mvm/protocol";
import { L1Error } from "./l1Error.ts";
import { getReceipt, type L1Receipt, type L1Transport } from "./l1Rpc.ts";

/** Waits; returns early, without an error, when the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = (): void => resolve();
  signal.addEventListener("abort", stop, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
}

/** What a promise gives; undefined as soon as the signal is aborted. The work behind it is left to end by itself. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const stopped = Promise.withResolvers<undefined>();
  const stop = (): void => stopped.resolve(undefined);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** How long, and how often, to look for a receipt. */
export type ReceiptWait = {
  readonly timeoutMs: number;
  readonly pollMs: number;
  readonly signal: AbortSignal;
};

/**
 * Polls until a transaction is mined; an unreachable L1 is waited for. Throws L1Error: receipt-timeout, stopped, or
 * whatever else the node answers.
 */
export async function waitForReceipt(transport: L1Transport, hash: Hash, wait: ReceiptWait): Promise<L1Receipt> {
  const deadline = performance.now() + wait.timeoutMs;
  for (;;) {
    if (wait.signal.aborted)
      throw new L1Error("stopped", "stopped while waiting for a receipt", { transactionHash: hash });
    const receipt = await receiptOrUndefined(transport, hash);
    if (receipt !== undefined) return receipt;
    if (performance.now() >= deadline) {
      throw new L1Error("receipt-timeout", `not mined in ${wait.timeoutMs} ms: ${hash}`, { transactionHash: hash });
    }
    await pause(wait.pollMs, wait.signal);
  }
}

async function receiptOrUndefined(transport: L1Transport, hash: Hash): Promise<L1Receipt | undefined> {
  try {
    return await getReceipt(transport, hash);
  } catch (error) {
    if (error instanceof L1Error && error.code === "unreachable") return undefined;
    throw error;
  }
}

import type { Address, Hash, Hex } from "@mvm/protocol";
import type { L1Call } from "./bindings/l1Call.ts";
import { L1Error } from "./l1Error.ts";
import {
  getBlobBaseFee,
  getBlock,
  getHead,
  getQuantity,
  getReceipt,
  type L1Receipt,
  type L1Transport,
  request,
  toQuantity,
} from "./l1Rpc.ts";
import { maxTransactionBytes } from "./submissionJournal.ts";
import type {
  AttemptEffect,
  AttemptLook,
  AttemptNotice,
  AttemptOutcome,
  Refusal,
  TransactionAttempt,
} from "./transactionAttempt.ts";
import type { TransactionFees } from "./transactionFees.ts";
import { pause, unlessAborted } from "./waiting.ts";

/** The world of an attempt. */
export type AttemptWorld = {
  readonly transport: L1Transport;
  readonly address: Address;
  readonly signal: AbortSignal;
  readonly pollMs: number;
  readonly confirmations: bigint;
  /** bytes for L1 of the attempt's transaction with these fees, blobs included, and its hash, which leaves them out */
  readonly sign: (fees: TransactionFees) => Promise<{ readonly raw: Hex; readonly hash: Hash }>;
  /** keeps a version before it is sent */
  readonly keep: (raw: Hex, version: TransactionFees & { readonly hash: Hash }) => Promise<void>;
  readonly tell: (notice: AttemptNotice) => void;
  readonly call: L1Call;
};

const UNDERPRICED = /underpriced/i;
const LATE =
  /nonce (is )?too low|nonce has already been used|already known|already imported|known transaction|less than block (base|blob gas) fee|blob_gas_price. is greater|fee too low|pool is full|txpool is full|address already reserved|conflicts with existing transaction/i;

/**
 * Carries out what an attempt decides, until its end. Looks at L1 every `pollMs`; an L1 that does not answer, or answers
 * nonsense, is looked at again, as long as the attempt's bounds let it. Throws L1Error stopped, too-large, and what
 * `sign` and `keep` throw.
 */
export async function driveAttempt(attempt: TransactionAttempt, world: AttemptWorld): Promise<AttemptOutcome> {
  for (;;) {
    throwIfStopped(world);
    const pending = [...(await observe(attempt, world))];
    for (let effect = pending.shift(); effect !== undefined; effect = pending.shift()) {
      if (effect.kind === "end") return effect.outcome;
      pending.unshift(...(await perform(effect, attempt, world)));
    }
    await pause(world.pollMs, world.signal);
  }
}

async function observe(attempt: TransactionAttempt, world: AttemptWorld): Promise<readonly AttemptEffect[]> {
  try {
    const look = await unlessAborted(lookAt(attempt, world), world.signal);
    if (look === undefined) throw stopped(world);
    return attempt.handle({ kind: "looked", look, nowMs: performance.now() });
  } catch (error) {
    if (!(error instanceof L1Error) || error.code === "stopped") throw error;
    return attempt.handle({ kind: "unseen", error, nowMs: performance.now() });
  }
}

async function perform(
  effect: Exclude<AttemptEffect, { kind: "end" }>,
  attempt: TransactionAttempt,
  world: AttemptWorld,
): Promise<readonly AttemptEffect[]> {
  switch (effect.kind) {
    case "tell":
      world.tell(effect.notice);
      return [];
    case "sign": {
      const { raw, hash } = await world.sign(effect.fees);
      const { action, sidecars } = world.call;
      const sizeBytes = raw.length / 2 - 1;
      if (sizeBytes > maxTransactionBytes(sidecars?.length ?? 0)) {
        throw new L1Error("too-large", `${action} has ${sizeBytes} bytes`, { action });
      }
      const version = { ...effect.fees, hash };
      await world.keep(raw, version);
      return attempt.handle({ kind: "signed", version, raw });
    }
    case "send":
      throwIfStopped(world);
      return attempt.handle(await send(effect.raw, world));
  }
}

async function send(raw: Hex, { transport }: AttemptWorld) {
  try {
    await request(transport, "eth_sendRawTransaction", [raw]);
    return { kind: "sent" } as const;
  } catch (error) {
    if (!(error instanceof L1Error)) throw error;
    if (error.code === "unreachable") return { kind: "sent" } as const;
    return { kind: "refused", refusal: refusalOf(error) } as const;
  }
}

function refusalOf(error: L1Error): Refusal {
  const reason = error.data.rpcMessage ?? "";
  if (UNDERPRICED.test(reason)) return { kind: "underpriced", error };
  return { kind: LATE.test(reason) ? "late" : "never", error };
}

/** What L1 shows of an attempt; its parts are asked for in an order in which a reorg in between can't feign a lost nonce. */
async function lookAt(attempt: TransactionAttempt, world: AttemptWorld): Promise<AttemptLook> {
  const { transport, address, confirmations, call } = world;
  const head = await getHead(transport);
  const blobBaseFee = call.sidecars === undefined ? undefined : await getBlobBaseFee(transport);
  const pendingNonce = await getNonce(transport, address, "pending");
  const deepNumber = head.number >= confirmations ? head.number - confirmations + 1n : 0n;
  const deepNonce = await getNonce(transport, address, deepNumber);
  const receipt = await receiptOf(transport, attempt.versions);
  const isGone = deepNonce > attempt.nonce && receipt === undefined;
  const nonceTaken = isGone && (await getHead(transport)).hash === head.hash;
  return { head: { ...head, blobBaseFee }, pendingNonce, nonceTaken, receipt };
}

/** Number of an account's transactions up to a block, or with the pool's. */
export function getNonce(
  transport: L1Transport,
  address: Address,
  block: "latest" | "pending" | bigint,
): Promise<bigint> {
  const tag = typeof block === "bigint" ? toQuantity(block) : block;
  return getQuantity(transport, "eth_getTransactionCount", [address, tag]);
}

/** The receipt of whichever version is in a block that L1 has now. */
async function receiptOf(
  transport: L1Transport,
  versions: readonly { readonly hash: Hash }[],
): Promise<L1Receipt | undefined> {
  for (const { hash } of versions.toReversed()) {
    const receipt = await getReceipt(transport, hash);
    if (receipt === undefined) continue;
    const block = await getBlock(transport, receipt.blockNumber);
    if (block?.hash === receipt.blockHash) return receipt;
  }
  return undefined;
}

function throwIfStopped(world: AttemptWorld): void {
  if (world.signal.aborted) throw stopped(world);
}

function stopped({ call }: AttemptWorld): L1Error {
  return new L1Error("stopped", `stopped before ${call.action} was mined`, { action: call.action });
}

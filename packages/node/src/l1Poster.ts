/** What a node sends to L1 while it runs. */
import {
  answerAsk,
  appendBatches,
  claimSlot,
  commitmentOf,
  commitToResult,
  ejectSequencer,
  fitResultProof,
  getBaseFee,
  getBlobBaseFee,
  L1Error,
  type L1Reader,
  type L1Submitter,
  l1Now,
  missingRecord,
  payBackAsk,
  proveResult,
  releaseHeld,
  releaseLocks,
  resultCommittedAt,
  type SignedBatch as SignedBatchValues,
} from "@mvm/l1";
import { concatBytes, type DataPath, inBlob, inCalldata, type Parameters } from "@mvm/protocol";
import { BatchCarrier, MAX_CALLDATA_BYTES } from "./batchCarrier.ts";
import { signedAt } from "./batchMaking.ts";
import { type DataPlacement, pathOf } from "./dataPlacement.ts";
import { toItemValues } from "./l1Events.ts";
import type { Clock, DraftBatch, Kzg, L1Poster, Log, SignedBatch } from "./ports.ts";
import { reasonOf } from "./reason.ts";

export type L1PosterOptions = {
  readonly reader: L1Reader;
  readonly submitter: Pick<L1Submitter, "submit" | "address">;
  readonly parameters: Parameters;
  readonly kzg: Kzg;
  readonly placement: DataPlacement;
  readonly clock: Clock;
  readonly log: Log;
};

/** L1 blocks for which a commitment to a proof is good (Commitments.sol). */
const COMMITMENT_BLOCKS = 1_024n;
/** Between two looks at whether L1 has the block after a commitment's. */
const NEXT_BLOCK_MS = 500;
/** Parts of a batch interval; in the first of them batches of the node's chains gather. */
const GATHERING_PARTS = 10;

/** A batch with the queue items that L1 has to see, as the contracts take them. */
function shown({ nextItem, firstItem, ...batch }: SignedBatch): SignedBatchValues {
  return {
    ...batch,
    ...(nextItem && { nextItem: toItemValues(nextItem) }),
    ...(firstItem && { firstItem: toItemValues(firstItem) }),
  };
}

/** Batches under one key may be begun, forgotten by a crash, and found again: L1 passes over what it has. */
function keyOf([first, second]: readonly DraftBatch[]): { readonly key?: string } {
  if (first === undefined || second !== undefined) return {};
  const { chainId, generation, index } = first.claims;
  return { key: `batch:${chainId}:${generation}:${index}` };
}

/** Batches in groups whose data fit the calldata of a transaction, in their order. */
function callsOf(drafts: readonly DraftBatch[]): readonly (readonly DraftBatch[])[] {
  const groups: DraftBatch[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const draft of drafts) {
    bytes += draft.data.length;
    if (bytes > MAX_CALLDATA_BYTES) {
      groups.push([]);
      bytes = draft.data.length;
    }
    groups.at(-1)!.push(draft);
  }
  return groups;
}

/** Sends through a submitter; a slot's epoch is recorded before anything is sent that needs its randomness. */
export function l1Poster({ reader, submitter, parameters, kzg, placement, clock, log }: L1PosterOptions): L1Poster {
  const { addresses, transport } = reader;

  async function ensureRecorded(epoch: bigint): Promise<void> {
    const call = await missingRecord(reader, epoch, parameters.epochBlocks);
    if (call !== undefined) await submitter.submit(call, { key: `epoch:${epoch}` });
  }

  async function pathFor(drafts: readonly DraftBatch[]): Promise<DataPath> {
    if (placement !== "cheapest") return placement;
    try {
      const [baseFee, blobBaseFee] = await Promise.all([getBaseFee(transport), getBlobBaseFee(transport)]);
      const data = drafts.map((draft) => draft.data);
      return pathOf(data, { baseFee, blobBaseFee });
    } catch (error) {
      log("warn", "l1-prices-not-read", { reason: reasonOf(error) });
      return "calldata";
    }
  }

  async function sendInCalldata(drafts: readonly DraftBatch[]): Promise<void> {
    for (const group of callsOf(drafts)) {
      const batches = group.map((draft) => shown(signedAt(draft, inCalldata(draft.data))));
      await submitter.submit(appendBatches(addresses, batches), keyOf(group));
    }
  }

  async function sendInBlob(drafts: readonly DraftBatch[]): Promise<void> {
    const sidecar = await kzg.sidecar(concatBytes(...drafts.map(({ data }) => data)));
    let offset = 0;
    const batches = drafts.map((draft) => {
      const { length } = draft.data;
      const place = inBlob(sidecar.versionedHash, { offset, length });
      offset += length;
      return shown(signedAt(draft, place));
    });
    await submitter.submit({ ...appendBatches(addresses, batches), sidecars: [sidecar] }, keyOf(drafts));
  }

  /** What L1's contract refuses, it refuses in calldata too; where blobs themselves do not get through, calldata may. */
  async function send(drafts: readonly DraftBatch[]): Promise<void> {
    for (const slot of new Set(drafts.map(({ claims }) => claims.slot))) await ensureRecorded(slot);
    if ((await pathFor(drafts)) === "calldata") return sendInCalldata(drafts);
    try {
      await sendInBlob(drafts);
    } catch (error) {
      if (error instanceof L1Error && (error.code === "reverted" || error.code === "stopped")) throw error;
      log("warn", "blob-not-sent", { batches: drafts.length, reason: reasonOf(error) });
      await sendInCalldata(drafts);
    }
  }

  const gatherMs = parameters.batchIntervalMs / GATHERING_PARTS;
  const gathered = (): Promise<void> => new Promise((resolve) => void clock.at(clock.nowMs() + gatherMs, resolve));
  const carrier = new BatchCarrier(send, gathered);
  return {
    appendBatch: (batch) => carrier.carry(batch),
    async claimSlot({ chainId, slot, rank }): Promise<void> {
      await ensureRecorded(slot);
      await submitter.submit(claimSlot(addresses, { chainId, rank }));
    },
    async releaseHeld(held): Promise<void> {
      await submitter.submit(releaseHeld(addresses, held));
    },
    async releaseLocks(chainIds): Promise<void> {
      await submitter.submit(releaseLocks(addresses, { sequencer: submitter.address, chainIds }));
    },
    async eject(sequencer): Promise<void> {
      await submitter.submit(ejectSequencer(addresses, sequencer));
    },
    async answer({ header, answer, key }): Promise<void> {
      await submitter.submit(answerAsk(addresses, header, answer), { key });
    },
    async proveResult({ proof, key }): Promise<void> {
      const fitted = await fitResultProof(reader, proof);
      if (fitted === null) throw new L1Error("reverted", "L1 has no word on this result");
      const call = proveResult(addresses, fitted);
      const commitment = commitmentOf(submitter.address, call);
      const isGood = (block: bigint | undefined, now: bigint): block is bigint =>
        block !== undefined && now <= block + COMMITMENT_BLOCKS;
      let { number } = await l1Now(reader);
      let committed = await resultCommittedAt(reader, commitment);
      if (!isGood(committed, number)) {
        await submitter.submit(commitToResult(addresses, submitter.address, call), { key: `commit:${key}` });
        committed = await resultCommittedAt(reader, commitment);
      }
      for (; committed !== undefined && number <= committed; { number } = await l1Now(reader))
        await new Promise<void>((resolve) => void clock.at(clock.nowMs() + NEXT_BLOCK_MS, resolve));
      await submitter.submit(call, { key: `lie:${key}` });
    },
    async payBack({ header, number, key }): Promise<void> {
      await submitter.submit(payBackAsk(addresses, header, number), { key });
    },
  };
}

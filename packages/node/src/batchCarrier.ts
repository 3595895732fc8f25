/**
 * Carries batches to L1, those of several chains in one transaction: what comes while one is under way goes with
 * the next. The costs of a transaction are then shared by all its batches.
 */
import { BLOB_DATA_BYTES } from "@mvm/protocol";
import type { DraftBatch } from "./ports.ts";

/** Batches of one transaction: half of what RollupChain takes, so that their gas surely fits one, with new locks for each. */
export const MAX_CARRIED_BATCHES = 128;
/** Bytes of data that go together: what a blob holds. */
export const MAX_CARRIED_BYTES = BLOB_DATA_BYTES;
/** Bytes of data in the calldata of one transaction: nodes of L1 pass on transactions of 128 KiB. */
export const MAX_CALLDATA_BYTES = 100 * 1024;

type Passenger = {
  readonly batch: DraftBatch;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
};

/** Sends batches in one transaction and waits until it is mined. Rejects where L1 does not take them. */
export type SendBatches = (batches: readonly DraftBatch[]) => Promise<void>;

export class BatchCarrier {
  readonly #send: SendBatches;
  readonly #gathered: () => Promise<void>;
  readonly #waiting: Passenger[] = [];
  #isUnderWay = false;

  /** @param gathered how long the first batch waits for others of the node that are being made at the same moment */
  constructor(send: SendBatches, gathered: () => Promise<void>) {
    this.#send = send;
    this.#gathered = gathered;
  }

  /** Has a batch carried; resolves when it is on L1. Rejects with the reason where L1 does not take it. */
  carry(batch: DraftBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      if (!this.#isUnderWay) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isUnderWay = true;
    await this.#gathered();
    while (this.#waiting.length > 0) await this.#deliver(this.#take());
    this.#isUnderWay = false;
  }

  /** The first that wait, as many as fit one transaction; at most one of a chain, for a second one rests on the first. */
  #take(): readonly Passenger[] {
    const taken: Passenger[] = [];
    const chains = new Set<bigint>();
    let bytes = 0;
    for (const passenger of this.#waiting) {
      const { claims, data } = passenger.batch;
      bytes += data.length;
      const fits = taken.length === 0 || (taken.length < MAX_CARRIED_BATCHES && bytes <= MAX_CARRIED_BYTES);
      if (!fits || chains.has(claims.chainId)) break;
      chains.add(claims.chainId);
      taken.push(passenger);
    }
    this.#waiting.splice(0, taken.length);
    return taken;
  }

  /** One that L1 refuses must not keep the others from it: then each goes alone. */
  async #deliver(passengers: readonly Passenger[]): Promise<void> {
    try {
      await this.#send(passengers.map(({ batch }) => batch));
      for (const { resolve } of passengers) resolve();
    } catch (error) {
      const [only, another] = passengers;
      if (only !== undefined && another === undefined) only.reject(error);
      else for (const passenger of passengers) await this.#deliver([passenger]);
    }
  }
}

/**
 * What a node computes of blobs, off its event loop: a commitment takes a second of computing, a sidecar with the proofs of its
 * cells eight. One worker thread, which is started at the first call.
 */
import { Worker } from "node:worker_threads";
import type { Hash } from "@mvm/protocol";
import {
  type BlobSidecar,
  blobCommitment,
  makeSidecar,
  type SidecarProofs,
  toBlob,
  versionedHash,
} from "@mvm/protocol/blobs";
import type { Kzg } from "./ports.ts";

/** Computes where it is called. @param proofs which proofs L1's nodes take with a blob */
export const kzgOf = (proofs: SidecarProofs): Kzg => ({
  versionedHash: async (data) => versionedHash(await blobCommitment(toBlob(data))),
  sidecar: (data) => makeSidecar(toBlob(data), proofs),
});

/** A task for the worker, and its answer. */
export type KzgTask = {
  readonly id: number;
  readonly kind: keyof Kzg;
  readonly data: Uint8Array;
  readonly proofs: SidecarProofs;
};
export type KzgAnswer = { readonly id: number } & ({ readonly value: Hash | BlobSidecar } | { readonly error: string });

/** Tasks that wait or are under way: some minutes of computing. */
const MAX_TASKS = 64;

type Waiting = { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void };

export class KzgWorker implements Kzg {
  readonly #proofs: SidecarProofs;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #tasks = 0;

  /** @param proofs which proofs L1's nodes take with a blob */
  constructor(proofs: SidecarProofs) {
    this.#proofs = proofs;
  }

  versionedHash(data: Uint8Array): Promise<Hash> {
    return this.#do("versionedHash", data);
  }

  sidecar(data: Uint8Array): Promise<BlobSidecar> {
    return this.#do("sidecar", data);
  }

  /** Ends the worker; what is under way rejects. */
  async stop(): Promise<void> {
    this.#fail(new Error("stopped"));
    await this.#worker?.terminate();
  }

  #do<T>(kind: keyof Kzg, data: Uint8Array): Promise<T> {
    if (this.#waiting.size >= MAX_TASKS) return Promise.reject(new Error(`${MAX_TASKS} blobs are being worked on`));
    const task: KzgTask = { id: this.#tasks++, kind, data, proofs: this.#proofs };
    return new Promise((resolve, reject) => {
      this.#waiting.set(task.id, { resolve, reject });
      this.#running().postMessage(task);
    });
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./kzgWorker.ts", import.meta.url));
    worker.unref();
    worker.on("message", (answer: KzgAnswer) => this.#answered(answer));
    worker.on("error", (error) => {
      this.#worker = undefined;
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker = worker;
    return worker;
  }

  #answered(answer: KzgAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.value as never);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

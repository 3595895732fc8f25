/** The storage role of a node: the machine, the proofs that it serves from the databases, the blobs that it keeps. */
import { type ChainId, fromHex, LIMITS, type NamedRequest, type PeerId, refused } from "@mvm/protocol";
import { BlobError } from "@mvm/protocol/blobs";
import {
  type Dac,
  type L1Event,
  type L1View,
  type PostedBlob,
  type ServeBlobEffect,
  type ServeEffect,
  type ServeStateEffect,
  Storage,
  type StorageEffect,
  type StorageEvent,
} from "@mvm/roles";
import { StateError } from "@mvm/state";
import type { Chain } from "./chain.ts";
import { MachineDriver } from "./machineDriver.ts";
import type { Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";

export class Hosting {
  readonly #driver: MachineDriver<StorageEvent, StorageEffect>;
  readonly #ports: Ports;
  readonly #desk: RequestDesk;
  readonly #abort = new AbortController();
  #archived: Promise<void> = Promise.resolve();
  readonly #chains: ReadonlyMap<ChainId, Chain>;
  readonly #provision: (dac: Dac) => void;

  constructor(options: {
    ports: Ports;
    view: L1View;
    desk: RequestDesk;
    chains: ReadonlyMap<ChainId, Chain>;
    /** opens a DAC's database with state */
    provision: (dac: Dac) => void;
  }) {
    const { ports, view, desk, chains, provision } = options;
    this.#ports = ports;
    this.#desk = desk;
    this.#chains = chains;
    this.#provision = provision;
    const machine = new Storage({ view, operator: ports.identity.operator });
    this.#driver = new MachineDriver<StorageEvent, StorageEffect>({
      machine,
      ports,
      desk,
      perform: (effect) => this.#perform(effect),
    });
  }

  hostsChanged(): void {
    this.#driver.dispatch({ kind: "hostsChanged" });
  }

  requested(ticket: string, from: PeerId, request: NamedRequest): void {
    this.#driver.dispatch({ kind: "requested", ticket, from, request });
  }

  async stop(): Promise<void> {
    this.#driver.stop();
    this.#abort.abort();
    await this.#archived;
  }

  batchAppended(event: L1Event & { kind: "batchAppended" }): void {
    this.#driver.dispatch(event);
  }

  #perform(effect: StorageEffect): void {
    if (effect.kind === "provision") this.#provision(effect.dac);
    else if (effect.kind === "serve") this.#serve(effect);
    else if (effect.kind === "serveState") this.#serveState(effect);
    else if (effect.kind === "serveBlob") void this.#serveBlob(effect);
    // one after the other: each is a second of computing
    else if (effect.kind === "archive") this.#archived = this.#archived.then(() => this.#archive(effect.blob));
  }

  async #archive(blob: PostedBlob): Promise<void> {
    const { blobs, blobOnL1 } = this.#ports;
    const { blobHash } = blob;
    if (this.#abort.signal.aborted) return;
    try {
      if ((await blobs.get(blobHash)) === null) await blobs.put(blobHash, await blobOnL1(blob, this.#abort.signal));
      this.#driver.dispatch({ kind: "archived", blobHash });
    } catch (error) {
      if (error instanceof BlobError) {
        // nobody can read anything out of it: there is nothing to keep
        this.#ports.log("warn", "blob-malformed", { blobHash, reason: reasonOf(error) });
        this.#driver.dispatch({ kind: "archived", blobHash });
        return;
      }
      this.#driver.dispatch({ kind: "archiveFailed", blobHash, reason: reasonOf(error) });
    }
  }

  async #serveBlob({ ticket, blobHash }: ServeBlobEffect): Promise<void> {
    const data = await this.#ports.blobs.get(blobHash).catch((error: unknown) => {
      this.#ports.log("error", "blob-not-read", { blobHash, reason: reasonOf(error) });
      return null;
    });
    const body = data === null ? refused("not kept here") : { kind: "blob" as const, data };
    this.#desk.answer(ticket, { name: "blob", body });
    this.#driver.dispatch({ kind: "served", ticket });
  }

  #serveState({ ticket, chainId, places }: ServeStateEffect): void {
    const chain = this.#chains.get(chainId);
    const asked = places.map(({ kind, hash }) => ({ kind, hash: fromHex(hash) }));
    const body =
      chain === undefined || !chain.withState
        ? refused("not ready yet")
        : { kind: "part" as const, blocks: chain.database.partOf(asked, LIMITS.statePartBytes) };
    this.#desk.answer(ticket, { name: "state", body });
    this.#driver.dispatch({ kind: "served", ticket });
  }

  #serve({ ticket, chainId, stateRoot, keys, forWrites }: ServeEffect): void {
    let body:
      | ReturnType<typeof refused>
      | { kind: "proof"; nodes: readonly Uint8Array[]; codes: readonly Uint8Array[] };
    try {
      const chain = this.#chains.get(chainId);
      body =
        chain === undefined ? refused("not ready yet") : { kind: "proof", ...chain.prove(stateRoot, keys, forWrites) };
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      const isGone = error.code === "missing-node";
      body = refused(isGone ? "no such state is kept here: an archive may have it" : error.message);
    }
    this.#desk.answer(ticket, { name: "reads", body });
    this.#driver.dispatch({ kind: "served", ticket });
  }
}

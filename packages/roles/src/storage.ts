/**
 * A storage host: provisions itself for the DACs that it is drawn for, serves their values with proofs, and keeps the blobs
 * that their batches are in, which L1 drops after some weeks.
 */
import {
  type Address,
  type ChainId,
  type Hash,
  type PeerId,
  type RequestOf,
  refused,
  type StateKey,
  ZERO_HASH,
} from "@mvm/protocol";
import type { L1Event } from "./l1Event.ts";
import type { Dac, L1View } from "./l1View.ts";
import type { AnswerEffect, Moment, NoteEffect, RequestedEvent, TimerEffect, TimerEvent } from "./machine.ts";

/** A blob on L1, and where it came. */
export type PostedBlob = {
  readonly blobHash: Hash;
  readonly transactionHash: Hash;
  /** seconds; of its L1 block */
  readonly timestamp: bigint;
};

/** Create the DAC's database from its genesis, or open it, and follow its chain with state. */
export type ProvisionEffect = { readonly kind: "provision"; readonly dac: Dac };
/** Collect a proof and answer the request with it. Ends in a Served event. */
export type ServeEffect = {
  readonly kind: "serve";
  readonly ticket: string;
  readonly from: PeerId;
  readonly chainId: ChainId;
  readonly stateRoot: Hash;
  readonly keys: readonly StateKey[];
  readonly forWrites: boolean;
};
/** Answer the request with nodes and codes of states. Ends in a Served event. */
export type ServeStateEffect = {
  readonly kind: "serveState";
  readonly ticket: string;
  readonly chainId: ChainId;
  readonly places: RequestOf<"state">["places"];
};
/** Take a blob from L1, check it, and keep it durably, unless it is kept. Ends in an Archived or ArchiveFailed event. */
export type ArchiveEffect = { readonly kind: "archive"; readonly blob: PostedBlob };
/** Answer the request with a blob that is kept. Ends in a Served event. */
export type ServeBlobEffect = { readonly kind: "serveBlob"; readonly ticket: string; readonly blobHash: Hash };

export type StorageEffect =
  | AnswerEffect
  | TimerEffect
  | NoteEffect
  | ProvisionEffect
  | ServeEffect
  | ServeStateEffect
  | ArchiveEffect
  | ServeBlobEffect;

export type StorageEvent =
  | RequestedEvent
  | TimerEvent
  | { readonly kind: "hostsChanged" }
  | (L1Event & { readonly kind: "batchAppended" })
  | { readonly kind: "archived"; readonly blobHash: Hash }
  | { readonly kind: "archiveFailed"; readonly blobHash: Hash; readonly reason: string }
  | { readonly kind: "served"; readonly ticket: string };

/** Proofs, parts of states and blobs under way at once, in all and for one peer: what is beyond is refused, not queued. */
const MAX_SERVED = 64;
const MAX_SERVED_PER_PEER = 16;
/** Milliseconds until a blob that L1 did not show is asked for again: L1 shows it for weeks. */
const ARCHIVE_RETRY_MS = 10_000;

export class Storage {
  readonly #view: L1View;
  readonly #operator: Address;
  readonly #provisioned = new Set<ChainId>();
  readonly #serving = new Map<string, PeerId>();
  /** blobs that are not kept yet */
  readonly #wanted = new Map<Hash, PostedBlob>();
  readonly #failed = new Set<Hash>();

  constructor(options: { readonly view: L1View; readonly operator: Address }) {
    this.#view = options.view;
    this.#operator = options.operator;
  }

  get chains(): readonly ChainId[] {
    return [...this.#provisioned];
  }

  handle(event: StorageEvent, moment: Moment): readonly StorageEffect[] {
    switch (event.kind) {
      case "hostsChanged":
        return this.#provision();
      case "served":
        this.#serving.delete(event.ticket);
        return [];
      case "batchAppended":
        return this.#posted(event);
      case "archived":
        this.#wanted.delete(event.blobHash);
        return [];
      case "archiveFailed":
        return this.#archiveFailed(event.blobHash, event.reason, moment);
      case "timer":
        return this.#archiveAgain();
      case "requested":
        if (event.request.name === "reads") return this.#reads(event);
        if (event.request.name === "state") return this.#state(event);
        return event.request.name === "blob" ? this.#blob(event) : [];
    }
  }

  #provision(): readonly StorageEffect[] {
    const isHost = ({ chainId }: Dac): boolean =>
      this.#view.hosts(chainId).some(({ operator }) => operator === this.#operator);
    const fresh = this.#view.dacs().filter((dac) => !this.#provisioned.has(dac.chainId) && isHost(dac));
    return fresh.map((dac) => {
      this.#provisioned.add(dac.chainId);
      return { kind: "provision", dac };
    });
  }

  // Blobs.

  #posted({ header, transactionHash, timestamp }: L1Event & { kind: "batchAppended" }): readonly StorageEffect[] {
    const { chainId, blobHash } = header;
    if (blobHash === ZERO_HASH || !this.#provisioned.has(chainId) || this.#wanted.has(blobHash)) return [];
    const blob = { blobHash, transactionHash, timestamp };
    this.#wanted.set(blobHash, blob);
    return [{ kind: "archive", blob }];
  }

  #archiveFailed(blobHash: Hash, reason: string, { nowMs }: Moment): readonly StorageEffect[] {
    this.#failed.add(blobHash);
    return [
      { kind: "note", level: "warn", code: "blob-not-archived", data: { blobHash, reason } },
      { kind: "timer", name: "archive", atMs: nowMs + ARCHIVE_RETRY_MS },
    ];
  }

  #archiveAgain(): readonly StorageEffect[] {
    const again = [...this.#failed].flatMap((blobHash) => this.#wanted.get(blobHash) ?? []);
    this.#failed.clear();
    return again.map((blob) => ({ kind: "archive", blob }));
  }

  // What others ask.

  #reads({ ticket, from, request }: RequestedEvent): readonly StorageEffect[] {
    if (request.name !== "reads") return [];
    const { chainId, stateRoot, keys, forWrites } = request.body;
    const no = this.#refusal(chainId, ticket, from);
    if (no !== null) return [{ kind: "answer", ticket, answer: { name: "reads", body: refused(no) } }];
    return [{ kind: "serve", ticket, from, chainId, stateRoot, keys, forWrites }];
  }

  #state({ ticket, from, request }: RequestedEvent): readonly StorageEffect[] {
    if (request.name !== "state") return [];
    const { chainId, places } = request.body;
    const no = this.#refusal(chainId, ticket, from);
    if (no !== null) return [{ kind: "answer", ticket, answer: { name: "state", body: refused(no) } }];
    return [{ kind: "serveState", ticket, chainId, places }];
  }

  /** Why a request about a chain's state is not served; null where it is begun. */
  #refusal(chainId: ChainId, ticket: string, from: PeerId): string | null {
    if (!this.#provisioned.has(chainId)) return "not a host of this chain";
    return this.#begins(ticket, from) ? null : "busy";
  }

  #blob({ ticket, from, request }: RequestedEvent): readonly StorageEffect[] {
    if (request.name !== "blob") return [];
    if (this.#begins(ticket, from)) return [{ kind: "serveBlob", ticket, blobHash: request.body.blobHash }];
    return [{ kind: "answer", ticket, answer: { name: "blob", body: refused("busy") } }];
  }

  /** Notes that a request is being served; false where too many are. */
  #begins(ticket: string, from: PeerId): boolean {
    const ofPeer = [...this.#serving.values()].filter((peer) => peer === from).length;
    if (this.#serving.size >= MAX_SERVED || ofPeer >= MAX_SERVED_PER_PEER) return false;
    this.#serving.set(ticket, from);
    return true;
  }
}

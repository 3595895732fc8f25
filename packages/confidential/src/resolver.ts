/**
 * What a storage host does for users of a DAC's confidential data (page 50): checks who asks, for what, and whether it was asked so before; has the
 * charter asked; then gives its part of the object's key, sealed for the user. Every host decides for itself: it takes as many of them as
 * shares make a key. A request is used up on the host's disk before anything is answered.
 */

import {
  type Address,
  type ChainId,
  type Hash,
  type IpfsOperation,
  ipfsRequestSigner,
  ipfsRequestTimeFault,
  type NetworkIdentity,
  type SignedIpfsRequest,
  taggedHash,
} from "@mvm/protocol";
import type { PrfPurpose } from "@mvm/protocol/threshold";

/** An object that a host keeps. */
export type KeptObject = {
  /** 32 bytes that stand for it in contracts */
  readonly handle: Hash;
  /** random, by who put it: what its key is made of */
  readonly objectId: Hash;
  /** of the sealed bytes: text form */
  readonly cid: string;
  /** bytes, sealed */
  readonly sizeBytes: number;
  /** who put it, and may have it removed */
  readonly owner: Address;
  /** seconds of L1's time */
  readonly since: bigint;
};

/** Why a host does not do what it is asked for. */
export type ResolverFault =
  /** for another DAC's resolver */
  | "other-chain"
  /** its time is over: to be signed anew */
  | "expired"
  /** its end is further away than a request may last */
  | "too-long"
  /** the signature is none */
  | "bad-signature"
  /** the signer has used its nonce: to be signed anew with another */
  | "replayed"
  /** the charter does not let the signer do it */
  | "denied"
  /** the charter could not be asked: the host has no state of the DAC yet */
  | "not-ready"
  /** nothing has this handle in this DAC */
  | "unknown-handle"
  /** only who put an object has it removed */
  | "not-owner"
  /** an object with this id is there */
  | "object-taken"
  /** the DAC's hosts have no key yet: it is being made */
  | "no-key"
  /** the host has as much to do as it takes on, of this signer or of all */
  | "busy";

/** What a host answers. */
export type ResolverAnswer =
  | { readonly kind: "refused"; readonly fault: ResolverFault }
  | { readonly kind: "removed" }
  | { readonly kind: "stat"; readonly object: KeptObject };

export type ResolverEffect =
  | { readonly kind: "answer"; readonly ticket: string; readonly answer: ResolverAnswer }
  /** to be asked of the charter, by the state that the host has: comes back as `permission` */
  | {
      readonly kind: "askCharter";
      readonly ticket: string;
      readonly signer: Address;
      readonly operation: "IPFS_PUT" | "IPFS_GET";
    }
  /** comes back as `found` */
  | {
      readonly kind: "find";
      readonly ticket: string;
      readonly by: { readonly handle: Hash } | { readonly objectId: Hash };
    }
  /** to be on the disk until its end: comes back as `noted` */
  | { readonly kind: "note"; readonly ticket: string; readonly use: UsedNonce }
  /** these need not be on the disk any more */
  | { readonly kind: "forget"; readonly uses: readonly UsedNonce[] }
  /** the own part of the key of an object, sealed for who asked, is the answer */
  | {
      readonly kind: "evaluate";
      readonly ticket: string;
      readonly purpose: PrfPurpose;
      readonly input: Hash;
      readonly readerKey: Hash;
      /** that the answer tells of */
      readonly object: KeptObject | null;
    }
  /** the object is let go of, on the disk and in the swarm; then the answer */
  | { readonly kind: "remove"; readonly ticket: string; readonly object: KeptObject };

export type ResolverEvent =
  | { readonly kind: "asked"; readonly ticket: string; readonly request: SignedIpfsRequest }
  /** null: the charter could not be asked */
  | { readonly kind: "permission"; readonly ticket: string; readonly isGiven: boolean | null }
  | { readonly kind: "found"; readonly ticket: string; readonly object: KeptObject | null }
  | { readonly kind: "noted"; readonly ticket: string }
  /** what was asked for came to nothing, for whatever reason */
  | { readonly kind: "gaveUp"; readonly ticket: string };

/** A nonce that a signer has used, until its request would have ended anyway. */
export type UsedNonce = {
  readonly id: Hash;
  readonly signer: Address;
  readonly expiry: bigint;
  readonly isRemoval: boolean;
};

/** What a request waits for. */
type Asked = { readonly request: SignedIpfsRequest; readonly use: UsedNonce; object: KeptObject | null };

/** Requests that are looked at at once. */
export const MAX_RESOLVING = 256;
/** Requests of one signer within the time that one is good for. */
export const MAX_USES_OF_SIGNER = 1_024;
/** Of all signers; beyond that the oldest ones are forgotten, for signers cost nothing. Not removals: used again, nothing else does harm. */
export const MAX_USES = 65_536;

const CHARTER_OPERATION = {
  put: "IPFS_PUT",
  remove: "IPFS_PUT",
  get: "IPFS_GET",
  stat: "IPFS_GET",
} as const satisfies Record<IpfsOperation, "IPFS_PUT" | "IPFS_GET">;

const refusal = (ticket: string, fault: ResolverFault): ResolverEffect => ({
  kind: "answer",
  ticket,
  answer: { kind: "refused", fault },
});

export type ResolverOptions = {
  readonly network: NetworkIdentity;
  readonly chainId: ChainId;
  /** uses that the disk has, from before the start */
  readonly uses: readonly UsedNonce[];
  /** whether the host has a share of the present key */
  readonly hasShare: () => boolean;
};

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #asked = new Map<string, Asked>();
  readonly #uses = new Map<Hash, UsedNonce>();
  readonly #usesOf = new Map<Address, number>();
  #forgotAt = -1n;

  constructor(options: ResolverOptions) {
    this.#options = options;
    for (const use of options.uses) this.#addUse(use);
  }

  /** @param now seconds of L1's time */
  handle(event: ResolverEvent, now: bigint): readonly ResolverEffect[] {
    if (event.kind === "asked") return [...this.#forget(now), ...this.#take(event, now)];
    const asked = this.#asked.get(event.ticket);
    if (asked === undefined) return [];
    switch (event.kind) {
      case "permission":
        return this.#permitted(event.ticket, asked, event.isGiven);
      case "found":
        return this.#found(event.ticket, asked, event.object);
      case "noted":
        return this.#perform(event.ticket, asked);
      case "gaveUp":
        this.#asked.delete(event.ticket);
        return [];
    }
  }

  #take({ ticket, request }: ResolverEvent & { kind: "asked" }, now: bigint): readonly ResolverEffect[] {
    const { network, chainId, hasShare } = this.#options;
    const refused = (fault: ResolverFault) => [refusal(ticket, fault)];
    if (request.chainId !== chainId) return refused("other-chain");
    const late = ipfsRequestTimeFault(request, now);
    if (late !== null) return refused(late);
    if (this.#asked.size >= MAX_RESOLVING || this.#asked.has(ticket)) return refused("busy");
    const signer = ipfsRequestSigner(network, request);
    if (signer === null) return refused("bad-signature");
    const { nonce, expiry, operation } = request;
    const id = taggedHash("mvm/ipfs-nonce/1", signer, nonce);
    const use: UsedNonce = { id, signer, expiry, isRemoval: operation === "remove" };
    if (this.#uses.has(use.id)) return refused("replayed");
    if ((this.#usesOf.get(signer) ?? 0) >= MAX_USES_OF_SIGNER) return refused("busy");
    const needsKey = operation === "put" || operation === "get";
    if (needsKey && !hasShare()) return refused("no-key");
    const makesRoom = this.#makeRoom();
    // from here on a second one with this nonce is refused, also while the first one waits
    this.#addUse(use);
    this.#asked.set(ticket, { request, use, object: null });
    return [...makesRoom, { kind: "askCharter", ticket, signer, operation: CHARTER_OPERATION[operation] }];
  }

  #permitted(ticket: string, { request }: Asked, isGiven: boolean | null): readonly ResolverEffect[] {
    if (isGiven === null) return this.#refuse(ticket, "not-ready");
    if (!isGiven) return this.#refuse(ticket, "denied");
    const { operation, subject } = request;
    return [{ kind: "find", ticket, by: operation === "put" ? { objectId: subject } : { handle: subject } }];
  }

  #found(ticket: string, asked: Asked, object: KeptObject | null): readonly ResolverEffect[] {
    const { operation } = asked.request;
    if (operation === "put" && object !== null) return this.#refuse(ticket, "object-taken");
    if (operation !== "put" && object === null) return this.#refuse(ticket, "unknown-handle");
    if (operation === "remove" && object!.owner !== asked.use.signer) return this.#refuse(ticket, "not-owner");
    asked.object = object;
    return [{ kind: "note", ticket, use: asked.use }];
  }

  #perform(ticket: string, { request, object }: Asked): readonly ResolverEffect[] {
    this.#asked.delete(ticket);
    const { operation, subject, readerKey } = request;
    switch (operation) {
      case "put":
        return [{ kind: "evaluate", ticket, purpose: "object", input: subject, readerKey, object: null }];
      case "get":
        return [{ kind: "evaluate", ticket, purpose: "object", input: object!.objectId, readerKey, object }];
      case "stat":
        return [{ kind: "answer", ticket, answer: { kind: "stat", object: object! } }];
      case "remove":
        return [{ kind: "remove", ticket, object: object! }];
    }
  }

  /** Refuses one whose nonce is not on the disk yet: it may be used again. */
  #refuse(ticket: string, fault: ResolverFault): readonly ResolverEffect[] {
    this.#dropUse(this.#asked.get(ticket)!.use);
    this.#asked.delete(ticket);
    return [refusal(ticket, fault)];
  }

  #addUse(use: UsedNonce): void {
    this.#uses.set(use.id, use);
    this.#usesOf.set(use.signer, (this.#usesOf.get(use.signer) ?? 0) + 1);
  }

  #dropUse({ id, signer }: UsedNonce): void {
    this.#uses.delete(id);
    const left = (this.#usesOf.get(signer) ?? 0) - 1;
    if (left > 0) this.#usesOf.set(signer, left);
    else this.#usesOf.delete(signer);
  }

  #makeRoom(): readonly ResolverEffect[] {
    if (this.#uses.size < MAX_USES) return [];
    for (const use of this.#uses.values()) {
      if (use.isRemoval) continue;
      this.#dropUse(use);
      return [{ kind: "forget", uses: [use] }];
    }
    return [];
  }

  /** Lets go of uses whose requests are over, once for each moment of L1. */
  #forget(now: bigint): readonly ResolverEffect[] {
    if (now === this.#forgotAt) return [];
    this.#forgotAt = now;
    const over = [...this.#uses.values()].filter(({ expiry }) => expiry <= now);
    for (const use of over) this.#dropUse(use);
    return over.length === 0 ? [] : [{ kind: "forget", uses: over }];
  }
}

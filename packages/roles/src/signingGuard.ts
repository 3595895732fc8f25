/**
 * Whether a sequencer may sign: two nodes with one key would sign two blocks at one place, and lose its bond. A node that starts listens for one whole
 * slot for another that tells that it is there, or whose blocks it sees, before it signs; it tells the same itself. One that ran here last, and
 * was not gone for longer than the rest of a slot, need not: whoever else began meanwhile hears it in the slot that it listens to.
 */
import {
  type Address,
  type ChainId,
  type Hash,
  type NetworkIdentity,
  PRESENCE_PARTS,
  type Presence,
  presenceSigner,
} from "@mvm/protocol";
import type { Verdict } from "./blockRules.ts";
import type { L1View } from "./l1View.ts";
import type { NoteEffect } from "./machine.ts";

/** Slots from that of a start to the first in which is signed: the one that it starts in has begun without it, the next it hears whole. */
const LISTENING_SLOTS = 2n;

/** Sign and publish that the node is there. Its slot is to be stored durably before. */
export type AnnounceEffect = { readonly kind: "announce" } & Omit<Presence, "signature">;
export type SigningGuardEffect = AnnounceEffect | NoteEffect;

export type SigningGuardEvent =
  /** L1 was read up to its head */
  | { readonly kind: "live" }
  | { readonly kind: "l1Changed" }
  /** somebody with the own key tells that it is there */
  | { readonly kind: "heard"; readonly presence: Presence }
  /** a block that the own key signed; whether it was signed here */
  | {
      readonly kind: "ownBlock";
      readonly chainId: ChainId;
      readonly slot: bigint;
      readonly number: bigint;
      readonly isOurs: boolean;
    };

export type SigningGuardOptions = {
  readonly view: L1View;
  readonly operator: Address;
  /** L1 blocks of a slot */
  readonly epochBlocks: number;
  /** random, another one at each start */
  readonly instance: Hash;
  /** last slot in which a node with this key told on this machine that it is there and signs, and nothing is lost of what it signed; null: none */
  readonly lastSlot: bigint | null;
};

export class SigningGuard {
  readonly #options: SigningGuardOptions;
  /** slot in which it started, and the first in which it signs; null before L1 was read */
  #since: { readonly start: bigint; readonly from: bigint } | null = null;
  /** part of the slot that was told last */
  #told: string | null = null;
  #stopped: string | null = null;

  constructor(options: SigningGuardOptions) {
    this.#options = options;
  }

  /** Whether a block may be signed in the present slot. */
  get maySign(): boolean {
    return this.#stopped === null && this.#since !== null && this.#options.view.slot >= this.#since.from;
  }

  /** Why nothing is signed any more until the node is started anew; null where that is not so. */
  get stopped(): string | null {
    return this.#stopped;
  }

  handle(event: SigningGuardEvent): readonly SigningGuardEffect[] {
    switch (event.kind) {
      case "live":
        return this.#live();
      case "l1Changed":
        return this.#announce();
      case "heard":
        return this.#heard(event.presence);
      case "ownBlock":
        return this.#ownBlock(event);
    }
  }

  #live(): readonly SigningGuardEffect[] {
    const { view, lastSlot } = this.#options;
    const start = view.slot;
    // in the second half of the next slot another that listens to it may not hear this one any more
    const isSoon = start === lastSlot || (start - 1n === lastSlot && this.#part < PRESENCE_PARTS / 2);
    const goesOn = lastSlot !== null && isSoon;
    this.#since = { start, from: goesOn ? start : start + LISTENING_SLOTS };
    return [note("info", "signs-from", { slot: this.#since.from }), ...this.#announce()];
  }

  /** Part of the slot in which L1 stands. */
  get #part(): number {
    const { view, epochBlocks } = this.#options;
    return Number(((view.block.number % BigInt(epochBlocks)) * BigInt(PRESENCE_PARTS)) / BigInt(epochBlocks));
  }

  #announce(): readonly SigningGuardEffect[] {
    const { view, instance, operator } = this.#options;
    if (this.#since === null || this.#stopped !== null || view.anySequencer(operator) === undefined) return [];
    const { slot } = view;
    const part = this.#part;
    const signs = this.maySign;
    const name = `${slot} ${part} ${signs}`;
    if (this.#told === name) return [];
    this.#told = name;
    return [{ kind: "announce", slot, part, instance, signs }];
  }

  /** Whoever listens stops where it hears another; of two that sign, both do. */
  #heard({ slot, instance, signs }: Presence): readonly SigningGuardEffect[] {
    // up to the slot of the start it may have been who ran here before
    if (this.#since === null || instance === this.#options.instance || slot <= this.#since.start) return [];
    if (this.maySign && !signs) return [note("warn", "key-used-elsewhere", { slot, instance })];
    return this.#stop(`another node signs up for slot ${slot} with this node's key`);
  }

  #ownBlock({
    chainId,
    slot,
    number,
    isOurs,
  }: SigningGuardEvent & { kind: "ownBlock" }): readonly SigningGuardEffect[] {
    if (isOurs || this.#since === null || slot < this.#since.start) return [];
    if (slot > this.#since.start)
      return this.#stop(`block ${number} of chain ${chainId} was signed with this node's key, and not by this node`);
    // signed before the start, and not remembered: nothing is known of what else was
    const from = slot + LISTENING_SLOTS;
    if (this.#since.from >= from) return [];
    this.#since = { start: slot, from };
    return [note("warn", "guard-incomplete", { chainId, slot, number }), note("info", "signs-from", { slot: from })];
  }

  #stop(reason: string): readonly SigningGuardEffect[] {
    if (this.#stopped !== null) return [];
    this.#stopped = reason;
    const advice = "signs nothing any more: stop the other node, or give this one keys of its own, then start it anew";
    return [note("error", "signing-stopped", { reason: `${reason}: ${advice}` })];
  }
}

const note = (level: NoteEffect["level"], code: string, data: NoteEffect["data"]): NoteEffect => ({
  kind: "note",
  level,
  code,
  data,
});

/** Instances of one operator that are passed on in a slot: the second one is what has to be known. */
const MAX_INSTANCES = 2;

/** Which announcements of sequencers are passed on: present ones, of who is registered, each once, of few instances. */
export class PresenceRules {
  readonly #view: L1View;
  readonly #network: NetworkIdentity;
  #slot = -1n;
  /** by operator and slot */
  readonly #instances = new Map<string, Set<Hash>>();

  constructor(view: L1View, network: NetworkIdentity) {
    this.#view = view;
    this.#network = network;
  }

  /** The verdict on an announcement, and who signed it where it is accepted. */
  judge(presence: Presence): { readonly verdict: Verdict; readonly operator: Address | null } {
    const { slot, instance } = presence;
    const ignored = (reason: string) => ({ verdict: { verdict: "ignore", reason } as const, operator: null });
    if (slot > this.#view.slot + 1n || slot + 1n < this.#view.slot) return ignored("of another slot");
    const operator = presenceSigner(this.#network, presence);
    if (operator === null) return { verdict: { verdict: "reject", reason: "signed by nobody" }, operator };
    if (this.#view.anySequencer(operator) === undefined) return ignored("of no sequencer");
    if (this.#slot !== this.#view.slot) {
      this.#slot = this.#view.slot;
      this.#instances.clear();
    }
    const key = `${operator} ${slot}`;
    const instances = this.#instances.get(key) ?? new Set();
    this.#instances.set(key, instances.add(instance));
    if (instances.size <= MAX_INSTANCES) return { verdict: { verdict: "accept" }, operator };
    instances.delete(instance);
    return ignored("too many instances");
  }
}

/**
 * What sequencers do for deposits that are held on L1 (design page 30, "DBT"): whoever leads a chain's slot asks L1 to
 * release them, in their order, once an epoch at the most; after every refusal of the first it waits twice as many epochs,
 * and starts anew when a stake or a threshold changed, which is what a refusal hangs on. And for their own stake: locks that have
 * run out are released where they keep the sequencer from a chain that it is drawn for, once an epoch at the most. And for the draws:
 * who was convicted is ejected from them by whoever leads a slot of the chain that it was convicted for, from the next slot on by
 * whoever leads a slot of any, each once an epoch at the most.
 */
import type { Address, ChainId } from "@mvm/protocol";
import type { L1View } from "./l1View.ts";
import type { Moment, NoteEffect } from "./machine.ts";

/** What the machine asks of the node's view of L1. */
export type CaretakerView = Pick<
  L1View,
  "slot" | "dacs" | "convicted" | "heldDeposits" | "isExiting" | "turn" | "rankOf" | "canCover" | "idleLocks"
>;

export type CaretakerEvent =
  /** there is a new L1 block */
  | { readonly kind: "l1Changed" }
  /** a stake or a threshold is another: what L1 refused before it may take now */
  | { readonly kind: "bondsChanged" }
  /** L1 took a release, or the reason why not */
  | { readonly kind: "releaseEnded"; readonly chainId: ChainId; readonly id: bigint; readonly reason: string | null }
  /** L1 dropped locks that had run out, or the reason why not */
  | { readonly kind: "locksReleased"; readonly reason: string | null }
  /** L1 took a convicted sequencer out of the draws, or the reason why not */
  | { readonly kind: "ejectEnded"; readonly sequencer: Address; readonly reason: string | null };

export type CaretakerEffect =
  | NoteEffect
  /** Ask L1 to put a held deposit into its queue. Ends in ReleaseEnded. */
  | { readonly kind: "releaseHeld"; readonly chainId: ChainId; readonly id: bigint }
  /** Ask L1 to drop the own locks for chains. Ends in LocksReleased. */
  | { readonly kind: "releaseLocks"; readonly chainIds: readonly ChainId[] }
  /** Ask L1 to take a convicted sequencer out of the draws. Ends in EjectEnded. */
  | { readonly kind: "eject"; readonly sequencer: Address };

/** Releases that are under way at once: L1 takes a node's transactions one after the other. */
const MAX_UNDER_WAY = 8;
/** Locks that are dropped at once; BondManager takes 64. */
const MAX_LOCKS = 32;
/** Epochs between two attempts after many refusals, at the most. */
const MAX_PAUSE_EPOCHS = 64n;

type Attempt = {
  /** epoch of the last attempt */
  epoch: bigint;
  /** epochs from it to the next */
  pause: bigint;
  underWay: boolean;
};

export class Caretaker {
  readonly #view: CaretakerView;
  readonly #operator: Address;
  readonly #attempts = new Map<ChainId, Map<bigint, Attempt>>();
  #underWay = 0;
  /** epoch of the last attempt to drop locks */
  #locksEpoch = -1n;
  #locksUnderWay = false;
  /** epoch of the last attempt to eject each of those who were convicted */
  readonly #ejections = new Map<Address, bigint>();

  constructor(options: { readonly view: CaretakerView; readonly operator: Address }) {
    this.#view = options.view;
    this.#operator = options.operator;
  }

  handle(event: CaretakerEvent, _moment: Moment): readonly CaretakerEffect[] {
    switch (event.kind) {
      case "l1Changed":
        return [...this.#release(), ...this.#releaseLocks(), ...this.#eject()];
      case "bondsChanged":
        for (const attempts of this.#attempts.values()) for (const attempt of attempts.values()) attempt.pause = 1n;
        return [];
      case "releaseEnded":
        return this.#ended(event);
      case "locksReleased":
        this.#locksUnderWay = false;
        return event.reason === null ? [{ kind: "note", level: "info", code: "locks-released", data: {} }] : [];
      case "ejectEnded": {
        const { sequencer, reason } = event;
        return reason === null ? [{ kind: "note", level: "info", code: "ejected", data: { sequencer } }] : [];
      }
    }
  }

  #release(): readonly CaretakerEffect[] {
    return this.#view.dacs().flatMap(({ chainId }) => {
      const held = this.#view.heldDeposits(chainId);
      this.#forget(chainId, held);
      if (held.size === 0 || !this.#leads(chainId) || this.#view.isExiting(chainId)) return [];
      return [...held.keys()].filter((id) => this.#begin(chainId, id)).map((id) => this.#releaseOf(chainId, id));
    });
  }

  #releaseLocks(): readonly CaretakerEffect[] {
    const { slot } = this.#view;
    if (this.#locksUnderWay || slot <= this.#locksEpoch) return [];
    const chainIds = this.#view.idleLocks(this.#operator).slice(0, MAX_LOCKS);
    const isHindered = ({ chainId }: { readonly chainId: ChainId }): boolean =>
      !this.#view.canCover(chainId, this.#operator) && this.#view.rankOf(chainId, slot, this.#operator) !== undefined;
    if (chainIds.length === 0 || !this.#view.dacs().some(isHindered)) return [];
    this.#locksEpoch = slot;
    this.#locksUnderWay = true;
    return [{ kind: "releaseLocks", chainIds }];
  }

  #eject(): readonly CaretakerEffect[] {
    const { slot } = this.#view;
    return [...this.#view.convicted()].flatMap(([sequencer, conviction]): readonly CaretakerEffect[] => {
      if (conviction.isEjected || slot <= (this.#ejections.get(sequencer) ?? -1n)) return [];
      const leads =
        this.#leads(conviction.chainId) ||
        (slot > conviction.slot && this.#view.dacs().some(({ chainId }) => this.#leads(chainId)));
      if (!leads) return [];
      this.#ejections.set(sequencer, slot);
      return [{ kind: "eject", sequencer }];
    });
  }

  #leads(chainId: ChainId): boolean {
    return this.#view.turn(chainId)?.member.operator === this.#operator;
  }

  #releaseOf(chainId: ChainId, id: bigint): CaretakerEffect {
    return { kind: "releaseHeld", chainId, id };
  }

  /** Attempts at what is held no longer. */
  #forget(chainId: ChainId, held: ReadonlyMap<bigint, bigint>): void {
    const attempts = this.#attempts.get(chainId);
    for (const [id, { underWay }] of attempts ?? []) if (!held.has(id) && !underWay) attempts!.delete(id);
    if (attempts?.size === 0) this.#attempts.delete(chainId);
  }

  /** Whether an attempt is due; notes it. */
  #begin(chainId: ChainId, id: bigint): boolean {
    if (this.#underWay >= MAX_UNDER_WAY) return false;
    const attempts = this.#attempts.get(chainId) ?? new Map<bigint, Attempt>();
    this.#attempts.set(chainId, attempts);
    const last = attempts.get(id);
    if (last !== undefined && (last.underWay || this.#view.slot < last.epoch + last.pause)) return false;
    attempts.set(id, { epoch: this.#view.slot, pause: last?.pause ?? 1n, underWay: true });
    this.#underWay += 1;
    return true;
  }

  #ended({ chainId, id, reason }: CaretakerEvent & { kind: "releaseEnded" }): readonly CaretakerEffect[] {
    const attempt = this.#attempts.get(chainId)?.get(id);
    if (attempt?.underWay !== true) return [];
    attempt.underWay = false;
    this.#underWay -= 1;
    if (reason === null) return [{ kind: "note", level: "info", code: "deposit-released", data: { chainId, id } }];
    attempt.pause = attempt.pause * 2n > MAX_PAUSE_EPOCHS ? MAX_PAUSE_EPOCHS : attempt.pause * 2n;
    return [];
  }
}

/**
 * Providers by the numbers that L1 gave them, for ever. One counts for a slot if it was registered by the close of the epoch that the slot
 * looks at: what is posted names providers by number, and L1 cannot give these numbers to others without drawing the slot anew.
 * Every change gives back how it is undone.
 */
import { type Address, SNAPSHOT_DISTANCE } from "@mvm/protocol";
import type { Member } from "./l1Event.ts";

export class ProviderRoll {
  readonly #operators = new Map<number, Address>();
  readonly #entries = new Map<Address, { readonly index: number; readonly epoch: bigint }>();

  registered({ index, operator }: Member, epoch: bigint): () => void {
    if (this.#entries.has(operator)) return () => undefined;
    this.#operators.set(index, operator);
    this.#entries.set(operator, { index, epoch });
    return () => {
      this.#operators.delete(index);
      this.#entries.delete(operator);
    };
  }

  /** Number of a provider, also of one that has left; undefined for who does not count for a slot. */
  indexOf(operator: Address, slot: bigint): number | undefined {
    const entry = this.#entries.get(operator);
    return entry !== undefined && entry.epoch <= slot - SNAPSHOT_DISTANCE ? entry.index : undefined;
  }

  operatorOf(index: number): Address | undefined {
    return this.#operators.get(index);
  }
}

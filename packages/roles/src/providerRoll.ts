/**
 * Providers by the numbers that L1 gave them, for ever. One counts for a slot if it was registered by the close of the epoch that the slot
 * looks at: what is posted names providers by number, and L1 cannot give these numbers to others without drawing the slot anew.
 * Every change gives back how it is undone.
 */
import { type Address, SNAPSHOT_DISTANCE } from "@mvm/protocol";
import type { Member } from "./l1Event.ts";
import { put, together, type Undo } from "./undo.ts";

export class ProviderRoll {
  readonly #operators = new Map<number, Address>();
  readonly #entries = new Map<Address, { readonly index: number; readonly epoch: bigint }>();

  /** @param epoch of the L1 block. Who comes again goes on counting by the first number. */
  registered({ index, operator }: Member, epoch: bigint): Undo {
    const numbered = put(this.#operators, index, operator);
    return this.#entries.has(operator) ? numbered : together(numbered, put(this.#entries, operator, { index, epoch }));
  }

  /** First number of a provider, also of one that has left; undefined for who does not count for a slot. */
  indexOf(operator: Address, slot: bigint): number | undefined {
    const entry = this.#entries.get(operator);
    return entry !== undefined && entry.epoch <= slot - SNAPSHOT_DISTANCE ? entry.index : undefined;
  }

  /** Who has, or had, a number. */
  operatorOf(index: number): Address | undefined {
    return this.#operators.get(index);
  }
}

/** MVM_AddressTable of a DAC, as posted data are read and written with it: numbers for addresses. */
import { keccakHash } from "../hash.ts";
import { concatBytes, toHex, toWord } from "../hex.ts";
import type { Address, Hash } from "../primitives.ts";

/** Slot of MVM_AddressTable that holds an address's number plus one, or zero: `indexPlusOne[address]`. */
export const tableSlot = (address: Address): Hash => keccakHash(concatBytes(toWord(BigInt(address)), toWord(0n)));
/** Slot of MVM_AddressTable that holds how many addresses it has: `count`. */
export const TABLE_SIZE_SLOT = toHex(toWord(1n)) as Hash;

/** A DAC's table, or as much of it as is asked for. Addresses get the next numbers and are never taken out. */
export class AddressTable {
  readonly #places = new Map<Address, number>();
  readonly #addresses = new Map<number, Address>();
  #size: number;

  /**
   * @param size number of addresses in it
   * @param known of them, those that will be asked for
   */
  constructor(size = 0, known: Iterable<readonly [Address, number]> = []) {
    this.#size = size;
    for (const [address, place] of known) this.#put(address, place);
  }

  get size(): number {
    return this.#size;
  }

  #put(address: Address, place: number): void {
    this.#places.set(address, place);
    this.#addresses.set(place, address);
  }

  /** Takes in what a block names, as its settle does: those that are there keep their numbers. */
  enter(named: Iterable<Address>): void {
    for (const address of named) if (!this.#places.has(address)) this.#put(address, this.#size++);
  }

  /** Lets go of what entered after the table had this size: the blocks that named it were taken back. */
  cut(size: number): void {
    for (; this.#size > size; this.#size--) {
      const address = this.#addresses.get(this.#size - 1);
      this.#addresses.delete(this.#size - 1);
      if (address !== undefined) this.#places.delete(address);
    }
  }

  /** The address with a number; undefined where there is none. */
  at(index: bigint): Address | undefined {
    return this.#addresses.get(Number(index));
  }

  /** Looks numbers up in the table as it is now, whatever enters it later. */
  lookUp(): (address: Address) => number | undefined {
    const size = this.#size;
    return (address) => {
      const place = this.#places.get(address);
      return place !== undefined && place < size ? place : undefined;
    };
  }
}

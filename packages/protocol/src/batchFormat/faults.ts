/** What can be wrong with a batch's data: closed, each with the number that BatchDecoder.sol gives for the same bytes. */

/** Code of each fault; those of 240 and more are the asker's, not the batch's. */
export const BATCH_FAULTS = {
  /** the data ends within an item */
  overrun: 1,
  /** a number in a form that is not its only one */
  "not-canonical": 2,
  /** a number beyond its field's bound */
  "out-of-range": 3,
  /** not a format that is known */
  "unknown-version": 4,
  /** data longer than a blob holds, or a transaction of more than 56 KiB */
  "too-large": 5,
  /** a count beyond its bound */
  "too-many": 6,
  /** an offset table that does not say where things are */
  "bad-offset": 7,
  /** an index beyond its dictionary */
  "unknown-entry": 8,
  /** a reserved bit, kind or flag */
  reserved: 9,
  /** bytes after the last row */
  leftover: 10,
  /** a legacy transaction whose fee pair has two prices */
  "two-prices": 11,
  /** there is no such block, transaction or group */
  absent: 240,
  /** a table index for which no address was given: the fault of the batch if the table has none */
  unresolved: 241,
} as const;

export type BatchFault = keyof typeof BATCH_FAULTS;

/** What decoding gives: a value, or the first fault on the way to it. */
export type BatchResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: BatchFault };

class FaultFound extends Error {
  readonly fault: BatchFault;
  constructor(fault: BatchFault) {
    super(fault);
    this.name = "FaultFound";
    this.fault = fault;
  }
}

/** Ends a decoding that `faultless` runs. */
export function fail(fault: BatchFault): never {
  throw new FaultFound(fault);
}

/** Runs a decoding; the fault that ends it is its result. */
export function faultless<T>(decode: () => T): BatchResult<T> {
  try {
    return { ok: true, value: decode() };
  } catch (error) {
    if (error instanceof FaultFound) return { ok: false, fault: error.fault };
    throw error;
  }
}

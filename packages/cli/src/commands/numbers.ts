/** Numbers as options have them. */
import { InvalidArgumentError } from "commander";

/** Number of a block that may be posted. Throws InvalidArgumentError. */
export function blockNumber(text: string): bigint {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new InvalidArgumentError("It is the number of a block, from 1 on.");
  return BigInt(text);
}

/** Place in a short list. Throws InvalidArgumentError. */
export function countFrom0(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text)) throw new InvalidArgumentError("It is a number from 0 to 9999.");
  return Number(text);
}

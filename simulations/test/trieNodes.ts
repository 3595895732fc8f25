/** Keys and values of tries, and nodes on the way to one key, for tests of the contracts that read tries. */
import { concatBytes, keccak, type RlpInput } from "@mvm/protocol";
import fc from "fast-check";

/** Keys of 32 bytes that share beginnings of any length, down to the last nibble: extensions, nodes within nodes. */
export const key = fc
  .record({ seed: fc.nat(2), shared: fc.constantFrom(0, 1, 2, 5, 30, 31, 32), tail: fc.nat(0xffff), low: fc.nat(40) })
  .map(({ seed, shared, tail, low }) => {
    const bytes = new Uint8Array(32).fill(seed * 17);
    for (let i = shared; i < 30; i++) bytes[i] = (tail * (i + 7)) & 255;
    bytes[30] = shared === 32 ? 0 : tail & 3;
    bytes[31] = low;
    return bytes;
  });
export const value = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 2 }),
  fc.uint8Array({ minLength: 25, maxLength: 33 }),
  fc.uint8Array({ minLength: 55, maxLength: 120 }),
);

export const NOTHING = new Uint8Array(0);
/** The key that is asked for: all its nibbles are 1. */
export const ASKED = new Uint8Array(32).fill(0x11);
export const hashOf = (n: number): Uint8Array => keccak(Uint8Array.of(n));

export const leafPath = (nibbles: number): Uint8Array =>
  nibbles % 2 === 1
    ? concatBytes(Uint8Array.of(0x31), new Uint8Array((nibbles - 1) / 2).fill(0x11))
    : concatBytes(Uint8Array.of(0x20), new Uint8Array(nibbles / 2).fill(0x11));
export const extensionPath = (nibbles: number): Uint8Array => {
  const bytes = leafPath(nibbles);
  bytes[0]! &= 0x1f;
  return bytes;
};
export const branchOf = (children: Readonly<Record<number, RlpInput>>, last: RlpInput = NOTHING): RlpInput => [
  ...Array.from({ length: 16 }, (_, i) => children[i] ?? NOTHING),
  last,
];

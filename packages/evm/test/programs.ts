/** Random contract code that mostly gets somewhere: operands before operations, small offsets, calls among neighbours. */
import fc from "fast-check";
import { addressOfNumber } from "./world.ts";

/** Contracts that random code lives at and calls. */
export const CONTRACTS = [0xc0de01, 0xc0de02, 0xc0de03].map(addressOfNumber);
const TARGETS = [0xc0de01, 0xc0de02, 0xc0de03, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x9, 0xdead, 0xfee, 0x5e11];

function push(value: bigint): number[] {
  if (value === 0n) return [0x60, 0];
  const digits = value.toString(16);
  const text = digits.length % 2 === 1 ? `0${digits}` : digits;
  const bytes = text.match(/../g)!.map((byte) => Number.parseInt(byte, 16));
  return [0x5f + bytes.length, ...bytes];
}

const word = fc.oneof(
  { weight: 4, arbitrary: fc.bigInt(0n, 300n) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(0n, 1n, (1n << 255n) - 1n, 1n << 255n, (1n << 256n) - 1n, 1n << 64n, 1n << 128n),
  },
  { weight: 2, arbitrary: fc.bigInt(0n, (1n << 256n) - 1n) },
);
const offset = fc.oneof({ weight: 9, arbitrary: fc.bigInt(0n, 200n) }, { weight: 1, arbitrary: word });
const length = fc.oneof(
  { weight: 9, arbitrary: fc.bigInt(0n, 100n) },
  { weight: 1, arbitrary: fc.bigInt(0n, 100_000n) },
);
const slot = fc.bigInt(0n, 3n);
const small = fc.bigInt(0n, 2n);
const target = fc.constantFrom(...TARGETS.map(BigInt));
const gas = fc.oneof(fc.constant((1n << 64n) - 1n), fc.bigInt(0n, 60_000n));

const with_ = (operands: readonly fc.Arbitrary<bigint>[], ...opcodes: number[]): fc.Arbitrary<number[]> =>
  fc.tuple(...operands).map((values) => [...values.reverse().flatMap((value) => push(value as bigint)), ...opcodes]);

const arithmeticOpcode = fc.constantFrom(
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  0xa,
  0xb,
  0x10,
  0x11,
  0x12,
  0x13,
  0x14,
  0x16,
  0x17,
  0x18,
  0x1a,
  0x1b,
  0x1c,
  0x1d,
);

const statement: fc.Arbitrary<readonly number[]> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(word, word, arithmeticOpcode).map(([a, b, opcode]) => [...push(a), ...push(b), opcode]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(word, word, word, fc.constantFrom(8, 9))
      .map(([a, b, c, op]) => [...push(a), ...push(b), ...push(c), op]),
  },
  { weight: 1, arbitrary: with_([word], 0x15) },
  { weight: 1, arbitrary: with_([word], 0x19) },
  { weight: 1, arbitrary: with_([word], 0x1e) },
  { weight: 2, arbitrary: with_([offset, length], 0x20) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        0x30,
        0x32,
        0x33,
        0x34,
        0x36,
        0x38,
        0x3a,
        0x3d,
        0x41,
        0x42,
        0x43,
        0x44,
        0x45,
        0x46,
        0x47,
        0x48,
        0x58,
        0x59,
        0x5a,
        0x5b,
        0x5f,
      )
      .map((op) => [op]),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(target, fc.constantFrom(0x31, 0x3b, 0x3f)).map(([address, op]) => [...push(address), op]),
  },
  { weight: 1, arbitrary: with_([target, offset, offset, length], 0x3c) },
  { weight: 1, arbitrary: with_([offset], 0x35) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(offset, offset, length, fc.constantFrom(0x37, 0x39, 0x3e, 0x5e))
      .map(([a, b, c, op]) => [...push(c), ...push(b), ...push(a), op]),
  },
  { weight: 1, arbitrary: fc.bigInt(740n, 1_010n).map((number) => [...push(number), 0x40]) },
  { weight: 2, arbitrary: with_([offset], 0x51) },
  { weight: 3, arbitrary: with_([offset, word], 0x52) },
  { weight: 1, arbitrary: with_([offset, word], 0x53) },
  { weight: 4, arbitrary: with_([slot], 0x54) },
  { weight: 5, arbitrary: with_([slot, small], 0x55) },
  { weight: 1, arbitrary: with_([slot], 0x5c) },
  { weight: 1, arbitrary: with_([slot, word], 0x5d) },
  { weight: 2, arbitrary: fc.integer({ min: 0x80, max: 0x9f }).map((op) => [op]) },
  { weight: 1, arbitrary: fc.constant([0x50]) },
  {
    weight: 2,
    arbitrary: fc
      .integer({ min: 0, max: 4 })
      .chain((count) => with_([offset, length, ...new Array<typeof word>(count).fill(word)], 0xa0 + count)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(with_([gas, target, small, offset, length, offset, length]), fc.constantFrom(0xf1, 0xf2))
      .map(([code, op]) => [...code, op]),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(with_([gas, target, offset, length, offset, length]), fc.constantFrom(0xf4, 0xfa))
      .map(([code, op]) => [...code, op]),
  },
  { weight: 1, arbitrary: with_([small, fc.constant(0n), fc.bigInt(0n, 40n)], 0xf0) },
  { weight: 1, arbitrary: with_([small, fc.constant(0n), fc.bigInt(0n, 40n), small], 0xf5) },
  { weight: 2, arbitrary: creation() },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.bigInt(0n, 120n), small)
      .map(([dest, condition]) => [...push(condition), ...push(dest), 0x57]),
  },
  { weight: 1, arbitrary: small.map((condition) => jumpOver(condition)) },
);

/** Jumps over an INVALID if the condition holds: position-independent by PC. */
function jumpOver(condition: bigint): number[] {
  const head = push(condition);
  return [...head, 0x58, 0x60, 0x07, 0x01, 0x57, 0x60, 0x00, 0x50, 0x5b];
}

/** Writes a small initcode into memory and creates from it: it stores, and deploys code of its own or destroys itself. */
function creation(): fc.Arbitrary<number[]> {
  const initcodes = [
    [0x60, 0x01, 0x60, 0x00, 0x55, 0x60, 0x00, 0x60, 0x00, 0xf3],
    [0x60, 0x20, 0x60, 0x00, 0xf3],
    [0x60, 0xde, 0xff],
    [0x30, 0xff],
    [0x60, 0xef, 0x60, 0x00, 0x53, 0x60, 0x01, 0x60, 0x00, 0xf3],
    [0x60, 0x0a, 0x60, 0x00, 0xfd],
    [0x61, 0x60, 0x01, 0x60, 0x00, 0x52, 0x60, 0x02, 0x60, 0x1e, 0xf3],
    [0x61, 0x61, 0xa8, 0x60, 0x00, 0xf3],
  ];
  return fc.tuple(fc.constantFrom(...initcodes), small, small, fc.boolean()).map(([initcode, value, salt, salted]) => {
    const padded = [...initcode, ...new Array<number>(32 - initcode.length).fill(0)];
    const store = [0x7f, ...padded, 0x60, 0x00, 0x52];
    const operands = [...push(BigInt(initcode.length)), ...push(0n), ...push(value)];
    return salted ? [...store, ...push(salt), ...operands, 0xf5] : [...store, ...operands, 0xf0];
  });
}

const ending: fc.Arbitrary<readonly number[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([0x00]) },
  { weight: 4, arbitrary: with_([offset, length], 0xf3) },
  { weight: 1, arbitrary: with_([offset, length], 0xfd) },
  { weight: 1, arbitrary: fc.constant([0xfe]) },
  { weight: 1, arbitrary: with_([target], 0xff) },
);

/** Code of a random contract. */
export const program: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.array(statement, { minLength: 1, maxLength: 24 }), ending)
  .map(([statements, end]) => Uint8Array.from([...statements.flat(), ...end]));

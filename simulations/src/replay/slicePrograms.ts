/** Programs whose slices are the dearest that are known. */
import { type Address, joinBytes, LIMITS, toAddress } from "@mvm/protocol";
import { push } from "../fuzz/evmPrograms.ts";

export const CALLER = toAddress("0x00000000000000000000000000000000000a11ce");
export const CALLED = toAddress("0x0000000000000000000000000000000000000b0b");
/** Accounts and slots that some programs go over, of those that a large state has. */
const ACCOUNTS_MET = 100;
export const accountAt = (n: number): Address => toAddress(`0x${(0x1000000 + n * 977).toString(16).padStart(40, "0")}`);

const op = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const code = (...parts: (Uint8Array | number | bigint)[]): Uint8Array =>
  joinBytes(
    parts.map((part) => (part instanceof Uint8Array ? part : typeof part === "bigint" ? push(part) : op(part))),
  );
const times = (count: number, part: Uint8Array): Uint8Array => joinBytes(new Array<Uint8Array>(count).fill(part));

/** As long as a contract may be, bytes that are not zero behind the program. */
export const padded = (program: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(LIMITS.codeBytes).fill(0x5b);
  whole.set(program);
  return whole;
};

/** Round and round over as many copies of a body as a contract holds. */
function loop(body: Uint8Array, head: Uint8Array = new Uint8Array(0)): Uint8Array {
  const copies = Math.floor((LIMITS.codeBytes - head.length - 10) / body.length);
  return padded(code(head, 0x5b, times(copies, body), BigInt(head.length), 0x56));
}

/** 72 KiB of memory that are not zeros, from a place on. */
const filled = (start = 0n): Uint8Array =>
  code(...[0n, 1n, 2n].map((part) => code(24_576n, 0n, start + part * 24_576n, 0x39)));

/** A call with all gas: operands from the last to the first. */
const call = (address: bigint, input: readonly [bigint, bigint], output: readonly [bigint, bigint], opcode = 0xfa) =>
  code(output[1], output[0], input[1], input[0], ...(opcode === 0xf1 ? [0n] : []), address, 0x5a, opcode, 0x50);

const RANGE = 65_536n;

/** Code of a contract, and of one that it calls. */
export type Program = readonly [name: string, program: Uint8Array, called?: Uint8Array];

/** What goes round and round: a little of it says all. */
export const LOOPS: readonly Program[] = [
  ["JUMPDEST", loop(op(0x5b))],
  ["PC, POP", loop(op(0x58, 0x50))],
  ["MLOAD of an MLOAD", loop(op(0x51), op(0x5f))],
  ["MLOAD over the end of a page", loop(code(0x70n, 0x51, 0x50))],
  ["MSTORE8", loop(op(0x5f, 0x5f, 0x53))],
  ["MCOPY of a byte", loop(code(1n, 0x5f, 0x5f, 0x5e))],
  ["CALLDATALOAD", loop(op(0x35), op(0x5f))],
  ["RETURNDATACOPY of nothing", loop(op(0x5f, 0x5f, 0x5f, 0x3e))],
  ["EXP", loop(op(0x5f, 0x19, 0x80, 0x0a, 0x50))],
  ["SLOAD of cold slots", loop(code(...Array.from({ length: 64 }, (_, i) => code(BigInt(i), 0x54, 0x50))))],
  ["SSTORE of new slots", loop(op(0x5a, 0x5a, 0x55))],
  ["TSTORE", loop(op(0x5a, 0x5a, 0x5d))],
  ["BALANCE of new accounts", loop(op(0x5a, 0x31, 0x50))],
  [
    "BALANCE of a large state's accounts",
    loop(code(...Array.from({ length: ACCOUNTS_MET }, (_, n) => code(BigInt(accountAt(n * 50)), 0x31, 0x50)))),
  ],
  [
    "SSTORE of a large contract's slots",
    loop(code(...Array.from({ length: ACCOUNTS_MET }, (_, n) => code(0x5a, BigInt(n * 50 + 1), 0x55)))),
  ],
  ["EXTCODESIZE", loop(code(BigInt(CALLED), 0x3b, 0x50))],
  ["CALL of 24 KiB with 64 KiB", loop(call(BigInt(CALLED), [0n, RANGE], [0n, 0n], 0xf1)), padded(op(0x00))],
  ["recursion", padded(code(0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x30, 0x5a, 0xf1, 0x00))],
  ["LOG4 of a word", loop(op(0x5f, 0x5f, 0x5f, 0x5f, 0x60, 32, 0x5f, 0xa4))],
  // A word of memory says where the next one is, a page further on each time.
  [
    "MLOADs all over 200 KB",
    padded(
      code(0x5f, 0x5b, 0x80, 200_000n, 0x52, 13_441n, 0x01, 0x80, 200_000n, 0x90, 0x06, 0x51, 0x50, 0x60, 1, 0x56),
    ),
  ],
];

/** lengths 1024, 31, 1024; an exponent of 245 bits; a modulus of ones: 8M gas */
const MODEXP = code(
  ...[1_024n, 31n, 1_024n].map((length, i) => code(length, BigInt(32 * i), 0x52)),
  (1n << 244n) << 8n,
  1_120n,
  0x52,
  call(5n, [0n, 2_175n], [0n, 1_024n]),
);

/** Steps that take as much as one may. */
export const STEPS: readonly Program[] = [
  ["KECCAK256 of 64 KiB", padded(code(filled(), RANGE, 0x11n, 0x20, 0x00))],
  ["KECCAK256 with a full stack", padded(code(times(1_020, op(0x5f)), filled(), RANGE, 0x11n, 0x20, 0x00))],
  ["MCOPY of 32 KiB", padded(code(filled(), 32_768n, 0x11n, 0x8011n, 0x5e, 0x00))],
  ["CODECOPY of 64 KiB", padded(code(filled(), RANGE, 0n, 3n, 0x39, 0x00))],
  ["EXTCODECOPY of 64 KiB", padded(code(filled(), RANGE, 0n, 3n, BigInt(CALLED), 0x3c, 0x00)), padded(op(0x00))],
  ["LOG0 of the largest receipt", padded(code(filled(), 57_024n, 0x11n, 0xa0, 0x00))],
  ["CREATE of 48 KiB", padded(code(filled(), 49_152n, 0x11n, 0x5f, 0xf0, 0x00))],
  ["CREATE2 of 48 KiB", padded(code(filled(), 0n, 49_152n, 0x11n, 0x5f, 0xf5, 0x00))],
  [
    "CALLDATACOPY of 64 KiB",
    padded(code(filled(), call(BigInt(CALLED), [3n, RANGE], [0n, 0n]), 0x00)),
    padded(code(filled(), RANGE, 0n, 5n, 0x37, 0x00)),
  ],
  [
    "64 KiB of output, copied twice",
    padded(code(filled(), call(BigInt(CALLED), [0n, 0n], [3n, RANGE]), RANGE, 0n, 5n, 0x3e, 0x00)),
    padded(code(filled(), RANGE, 7n, 0xf3)),
  ],
  ["64 KiB through SHA-256", padded(code(filled(), call(2n, [3n, RANGE - 32n], [0n, 32n]), 0x00))],
  ["64 KiB through the identity", padded(code(filled(), call(4n, [3n, RANGE / 2n], [7n, RANGE / 2n]), 0x00))],
  ["233 pairings", padded(code(call(8n, [0n, 233n * 192n], [0n, 32n]), 0x00))],
  [
    "233 pairings of bytes that are no points, after a loop",
    padded(
      code(
        ...[filled(), 120n, 0x5b, 0x60, 1, 0x90, 0x03, 0x80, 0x70n, 0x51, 0x50],
        ...[BigInt(filled().length + 2), 0x57, call(8n, [3n, 233n * 192n], [0n, 32n]), 0x00],
      ),
    ),
  ],
  ["169 pairings of BLS12-381", padded(code(call(0xfn, [0n, 169n * 384n], [0n, 32n]), 0x00))],
  ["modexp of 8M gas", padded(code(filled(), MODEXP, 0x00))],
  ["BLAKE2f of 8M rounds", padded(code(8_000_000n, 0x5f, 0x52, call(9n, [28n, 213n], [0n, 64n]), 0x00))],
  [
    "MCOPY at the end of 2.7 MiB",
    padded(
      code(filled(), filled(2_752_512n), 32_768n, 2_752_523n, 2_800_011n, 0x5e, 32_768n, 0x11n, 2_752_523n, 0x5e, 0x00),
    ),
  ],
];

/** What goes on until all gas of a transaction is used, as dear on L1 as is known of its kind. */
export const WORST: readonly Program[] = [
  ["jumpdest", loop(op(0x5b))],
  ["mcopy", loop(code(32_768n, 0x11n, 0x8011n, 0x5e), filled())],
  ["sstore", loop(op(0x5a, 0x5a, 0x55))],
  ["modexp", loop(MODEXP, filled())],
  ["keccak", loop(code(RANGE, 0x11n, 0x20, 0x50), filled())],
  ["pairing", loop(call(8n, [0n, 233n * 192n], [0n, 32n]))],
];

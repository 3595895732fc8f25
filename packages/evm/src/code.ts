/** Contract code made ready for the machine: jump destinations and push operands decoded once per code hash. */
import { type Address, EMPTY_CODE_HASH, equalBytes, type Hash, keccakHash, toHex } from "@mvm/protocol";

/** EIP-7702: code of an account that delegates is this prefix and an address. */
const DELEGATION_PREFIX = "0xef0100";
const DELEGATION_BYTES = 23;
/** Zero bytes behind the code: where a cut-off PUSH32 leaves the program counter, the machine still reads STOP. */
const PADDING_BYTES = 33;

export type Code = {
  readonly hash: Hash;
  /** as deployed */
  readonly bytes: Uint8Array;
  /** with padding behind, for execution */
  readonly padded: Uint8Array;
  /** 1 where a JUMPDEST stands that is no push operand */
  readonly jumps: Uint8Array;
  /** operand of the PUSH at an offset, once it was executed */
  readonly pushes: (bigint | undefined)[];
  /** target of an EIP-7702 delegation designator, else null */
  readonly delegate: Address | null;
};

/** Operand of the PUSH of so many bytes at an offset; zeros stand beyond the code's end. */
export function pushOperand({ padded, pushes }: Code, at: number, size: number): bigint {
  const known = pushes[at];
  if (known !== undefined) return known;
  const operand = BigInt(toHex(padded.subarray(at + 1, at + 1 + size)));
  pushes[at] = operand;
  return operand;
}

/** Analyses code. The caller vouches that `hash` is its hash. */
export function analyseCode(bytes: Uint8Array, hash: Hash): Code {
  const jumps = new Uint8Array(bytes.length + PADDING_BYTES);
  const pushes = new Array<bigint | undefined>(bytes.length).fill(undefined);
  for (let at = 0; at < bytes.length; at++) {
    const opcode = bytes[at]!;
    if (opcode === 0x5b) jumps[at] = 1;
    else if (opcode >= 0x60 && opcode <= 0x7f) at += opcode - 0x5f;
  }
  const padded = new Uint8Array(bytes.length + PADDING_BYTES);
  padded.set(bytes);
  const designator = bytes.length === DELEGATION_BYTES ? toHex(bytes) : "";
  const delegate = designator.startsWith(DELEGATION_PREFIX) ? (`0x${designator.slice(8)}` as Address) : null;
  return { hash, bytes, padded, jumps, pushes, delegate };
}

export const EMPTY_CODE: Code = analyseCode(new Uint8Array(0), EMPTY_CODE_HASH);

/** Analysed codes by hash, the least recently used dropped first; bounded by the sum of their bytes. */
export class CodeCache {
  readonly #codes = new Map<Hash, { readonly code: Code; seen: Uint8Array }>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The analysis of `bytes`, or null where they do not hash to `hash`. */
  analyse(hash: Hash, bytes: Uint8Array): Code | null {
    const known = this.#codes.get(hash);
    if (known !== undefined && (known.seen === bytes || equalBytes(known.seen, bytes))) {
      known.seen = bytes;
      this.#codes.delete(hash);
      this.#codes.set(hash, known);
      return known.code;
    }
    if (keccakHash(bytes) !== hash) return null;
    const code = analyseCode(bytes, hash);
    this.#codes.set(hash, { code, seen: bytes });
    this.#bytes += bytes.length;
    for (const [oldest, entry] of this.#codes) {
      if (this.#bytes <= this.#maxBytes || oldest === hash) break;
      this.#codes.delete(oldest);
      this.#bytes -= entry.code.bytes.length;
    }
    return code;
  }
}

/** Designator code of a delegation to `target` (EIP-7702). */
export function delegationCode(target: Address): Uint8Array {
  const bytes = new Uint8Array(DELEGATION_BYTES);
  bytes.set([0xef, 0x01, 0x00]);
  for (let i = 0; i < 20; i++) bytes[3 + i] = Number.parseInt(target.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

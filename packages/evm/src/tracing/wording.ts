/** Opcodes and failures in the words that geth has for them. */
import { opcodeNameOf, PSEUDO_OPERATIONS } from "@mvm/protocol";
import type { HaltReason } from "../frame.ts";

const PSEUDO: ReadonlySet<number> = new Set(Object.values(PSEUDO_OPERATIONS));
/** geth has kept the old name */
const PREVRANDAO = 0x44;
const INVALID = 0xfe;

function nameOf(opcode: number): string {
  if (opcode === PREVRANDAO) return "DIFFICULTY";
  if (opcode === INVALID) return "INVALID";
  const name = PSEUDO.has(opcode) ? undefined : opcodeNameOf(opcode);
  return name ?? `opcode 0x${opcode.toString(16)} not defined`;
}

const NAMES: readonly string[] = Array.from({ length: 256 }, (_, opcode) => nameOf(opcode));

/** Mnemonic of an opcode. */
export const mnemonicOf = (opcode: number): string => NAMES[opcode]!;

export const REVERTED = "execution reverted";
export const DENIED = "permission denied";

const HALTS: Readonly<Record<HaltReason, string>> = {
  "out-of-gas": "out of gas",
  "stack-underflow": "stack underflow",
  "stack-overflow": "stack limit reached",
  "invalid-jump": "invalid jump destination",
  "invalid-opcode": "invalid opcode",
  "static-violation": "write protection",
  "return-data-bounds": "return data out of bounds",
  "invalid-code": "invalid code: must not begin with 0xef",
  "code-too-large": "max code size exceeded",
  "initcode-too-large": "max initcode size exceeded",
  "address-collision": "contract address collision",
  "precompile-failure": "precompile failed",
  "insufficient-balance": "insufficient balance for transfer",
};

/** Why a frame ended exceptionally. */
export const haltText = (reason: HaltReason): string => HALTS[reason];

/** Why a message reverted, in words: as Solidity and the charter encode it. */
import { bytesToBigInt, opcodeNameOf, toHex } from "@mvm/protocol";
import { isPermissionDenied } from "./permissionDenied.ts";

const ERROR_SELECTOR = "0x08c379a0";
const PANIC_SELECTOR = "0x4e487b71";
const PANIC_BYTES = 36;

/** Solidity's panic codes (documentation, "Panic via assert and Error via require"). */
const PANICS: ReadonlyMap<bigint, string> = new Map([
  [0x00n, "generic panic"],
  [0x01n, "assert(false)"],
  [0x11n, "arithmetic underflow or overflow"],
  [0x12n, "division or modulo by zero"],
  [0x21n, "enum overflow"],
  [0x22n, "invalid encoded storage byte array accessed"],
  [0x31n, "pop on an empty array"],
  [0x32n, "array index out of bounds"],
  [0x41n, "out of memory"],
  [0x51n, "call of an uninitialized function"],
]);

/** The text of a revert made by `revert("...")` or `require(..., "...")`; null where the data are something else. */
export function revertReason(returnData: Uint8Array): string | null {
  if (toHex(returnData.subarray(0, 4)) !== ERROR_SELECTOR || returnData.length < 68) return null;
  const view = new DataView(returnData.buffer, returnData.byteOffset, returnData.byteLength);
  const length = view.getUint32(64);
  if (68 + length > returnData.length) return null;
  return new TextDecoder().decode(returnData.subarray(68, 68 + length));
}

/** What a failed assertion, overflow and the like of Solidity says in words; null where the data are something else. */
export function panicReason(returnData: Uint8Array): string | null {
  if (returnData.length !== PANIC_BYTES || toHex(returnData.subarray(0, 4)) !== PANIC_SELECTOR) return null;
  const code = bytesToBigInt(returnData.subarray(4));
  return PANICS.get(code) ?? `unknown panic code 0x${code.toString(16)}`;
}

/** What the charter denied and to whom; null where the data are something else. */
export function denialReason(returnData: Uint8Array): string | null {
  if (!isPermissionDenied(returnData)) return null;
  const opcode = returnData[4]!;
  const name = opcodeNameOf(opcode) ?? `opcode 0x${opcode.toString(16)}`;
  return `the charter denies ${name} to ${toHex(returnData.subarray(48, 68))}`;
}

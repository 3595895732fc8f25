/** The ABI error by which a charter ends a call frame: PermissionDenied(bytes1 opcode, address signer). */
import { concatBytes, equalBytes, keccak, toWord } from "@mvm/protocol";

const SELECTOR = keccak(new TextEncoder().encode("PermissionDenied(bytes1,address)")).subarray(0, 4);

/** Return data of a frame that ends at a denied opcode. */
export function permissionDenied(opcode: number, signerWord: bigint): Uint8Array {
  return concatBytes(SELECTOR, toWord(BigInt(opcode) << 248n), toWord(signerWord));
}

/** Whether return data are this error's. */
export function isPermissionDenied(returnData: Uint8Array): boolean {
  return returnData.length === SELECTOR.length + 64 && equalBytes(returnData.subarray(0, SELECTOR.length), SELECTOR);
}

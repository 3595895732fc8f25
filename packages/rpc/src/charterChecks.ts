/** What a DAC's charter lets a signer do by way of a gateway (design page 10, "Permissions"). */
import { permissionDenied, readTerms, type Terms } from "@mvm/evm";
import { type Address, hasOpcode, PSEUDO_OPERATIONS, type StateReader, toHex } from "@mvm/protocol";
import { RPC_CODES, RpcError } from "./rpcError.ts";

type Operation = keyof typeof PSEUDO_OPERATIONS;

/** With the error that contracts of the DAC revert with, so that clients decode both alike. */
function deniedError(operation: Operation, signer: Address): RpcError {
  const data = toHex(permissionDenied(PSEUDO_OPERATIONS[operation], BigInt(signer)));
  const text = `permission denied: the DAC's charter does not let ${signer} use ${operation}`;
  return new RpcError(RPC_CODES.server, text, { data });
}

/** Refuses where the terms deny the signer an operation. Throws RpcError. */
export function requirePermitted({ denied }: Terms, operation: Operation, signer: Address): void {
  if (hasOpcode(denied, PSEUDO_OPERATIONS[operation])) throw deniedError(operation, signer);
}

/**
 * Refuses to read for a signer whom the charter denies READ; who does not say who it is, is the zero address. An honest
 * gateway keeps this rule; the state itself is public to hosts. Throws RpcError.
 */
export async function requireReadable(reader: StateReader, signer: Address): Promise<void> {
  requirePermitted(await readTerms(reader, signer, 0n), "READ", signer);
}

/** What a DAC's charter lets a signer do by way of a gateway (design page 10, "Permissions"). */
import { readTerms, type Terms } from "@mvm/evm";
import { type Address, hasOpcode, PSEUDO_OPERATIONS, type StateReader } from "@mvm/protocol";
import { type RpcError, serverError } from "./rpcError.ts";

type Operation = keyof typeof PSEUDO_OPERATIONS;

function deniedError(operation: Operation, signer: Address): RpcError {
  return serverError(`permission denied: the DAC's charter does not let ${signer} use ${operation}`);
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

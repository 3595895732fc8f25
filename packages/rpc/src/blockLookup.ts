/** From what a caller names to blocks and states. */
import type { StateReader } from "@mvm/protocol";
import type { BlockView } from "./blockView.ts";
import type { MethodContext } from "./method.ts";
import { serverError } from "./rpcError.ts";
import type { BlockReference } from "./schemas.ts";

/** Number that a reference by tag or number stands for. */
export async function numberOf(
  context: MethodContext,
  reference: Exclude<BlockReference, { kind: "hash" }>,
): Promise<bigint> {
  return reference.kind === "number" ? reference.number : context.backend.head(reference.tag);
}

/** The block that is meant, or null where the chain has none such. */
export async function findBlock(context: MethodContext, reference: BlockReference): Promise<BlockView | null> {
  const { backend, views } = context;
  const block =
    reference.kind === "hash"
      ? await backend.blockByHash(reference.hash)
      : await backend.blockByNumber(await numberOf(context, reference));
  return block === null ? null : views.of(block);
}

/** The block that is meant. Throws RpcError where the chain has none such. */
export async function requireBlock(context: MethodContext, reference: BlockReference): Promise<BlockView> {
  const view = await findBlock(context, reference);
  if (view === null) throw serverError(reference.kind === "hash" ? "header for hash not found" : "header not found");
  return view;
}

/** State after the block that is meant. */
export async function stateOf(context: MethodContext, reference: BlockReference): Promise<StateReader> {
  return context.backend.stateAt((await requireBlock(context, reference)).block);
}

/** The block at a number that an index has named. Throws RpcError where a rollback has removed it meanwhile. */
export async function indexedBlock(context: MethodContext, number: bigint): Promise<BlockView> {
  const block = await context.backend.blockByNumber(number);
  if (block === null) throw serverError(`block ${number} not found`);
  return context.views.of(block);
}

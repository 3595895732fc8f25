/** mvm_ methods: what a DAC's chain has beside Ethereum's. */
import { encodeBlock, jobIdOf, servedBy, toHex } from "@mvm/protocol";
import { requireBlock } from "./blockLookup.ts";
import { defineMethod, type Method } from "./method.ts";
import { quantity } from "./quantities.ts";
import { hashParam, stateBlockParam } from "./schemas.ts";

export const mvmMethods: readonly Method[] = [
  // A block's context as posted on L1, its job, null where it had none, and the registry indices of the seats' holders who did it.
  defineMethod("mvm_getBlockContext", { block: stateBlockParam }, async (context, { block }) => {
    const { block: sealed } = await requireBlock(context, block);
    const { slot, l1Block, queueEnd, randomness, work } = sealed.context;
    return {
      generation: quantity(sealed.generation),
      slot: quantity(slot),
      l1Block: quantity(l1Block),
      queueEnd: quantity(queueEnd),
      jobId: work.seats.length === 0 ? null : jobIdOf(randomness, work.attempt),
      providers: servedBy(work).map(quantity),
    };
  }),
  // A block as its sequencer signed it, in the encoding that nodes gossip it in: what a proof against it begins with.
  defineMethod("mvm_getSealedBlock", { block: stateBlockParam }, async (context, { block }) => {
    const { block: sealed } = await requireBlock(context, block);
    return toHex(encodeBlock(sealed));
  }),
  // Data of a blob that batches of the DAC are in, also after L1 has dropped it; null where no host keeps it.
  defineMethod("mvm_getBlob", { versionedHash: hashParam }, async ({ backend }, { versionedHash }) => {
    const data = await backend.blob(versionedHash);
    return data === null ? null : toHex(data);
  }),
];

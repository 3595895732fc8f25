/** mvm_ methods: what a DAC's chain has beside Ethereum's. */
import { requireBlock } from "./blockLookup.ts";
import { defineMethod, type Method } from "./method.ts";
import { quantity } from "./quantities.ts";
import { stateBlockParam } from "./schemas.ts";

export const mvmMethods: readonly Method[] = [
  // A block's context as posted on L1, and the registry indices of the providers whose equal results it took.
  defineMethod("mvm_getBlockContext", { block: stateBlockParam }, async (context, { block }) => {
    const { block: sealed } = await requireBlock(context, block);
    const { slot, l1Block, queueEnd, jobId } = sealed.context;
    return {
      generation: quantity(sealed.generation),
      slot: quantity(slot),
      l1Block: quantity(l1Block),
      queueEnd: quantity(queueEnd),
      jobId,
      providers: sealed.seats.map(({ provider }) => quantity(provider)),
    };
  }),
];

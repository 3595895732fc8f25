/** eth_ methods on the node and its chain as a whole. */
import { defineMethod, type Method } from "./method.ts";
import { quantity } from "./quantities.ts";

export const ethNetworkMethods: readonly Method[] = [
  defineMethod("eth_chainId", {}, ({ backend }) => quantity(backend.chainId)),
  // The node holds no user's key.
  defineMethod("eth_accounts", {}, () => []),
  defineMethod("eth_syncing", {}, async ({ backend }) => {
    const progress = await backend.syncing();
    if (progress === false) return false;
    return {
      startingBlock: quantity(progress.startingBlock),
      currentBlock: quantity(progress.currentBlock),
      highestBlock: quantity(progress.highestBlock),
    };
  }),
];

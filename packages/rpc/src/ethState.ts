/** eth_ methods on accounts and their storage. */
import { EMPTY_CODE_HASH, toHex, toWordHex, ZERO_ADDRESS } from "@mvm/protocol";
import { stateOf } from "./blockLookup.ts";
import { requireReadable } from "./charterChecks.ts";
import { defineMethod, type Method } from "./method.ts";
import { quantity } from "./quantities.ts";
import { addressParam, slotParam, stateBlockParam } from "./schemas.ts";

export const ethStateMethods: readonly Method[] = [
  defineMethod(
    "eth_getBalance",
    { address: addressParam, block: stateBlockParam },
    async (context, { address, block }) => {
      const account = await (await stateOf(context, block)).account(address);
      return quantity(account?.balance ?? 0n);
    },
  ),
  defineMethod(
    "eth_getTransactionCount",
    { address: addressParam, block: stateBlockParam },
    async (context, { address, block }) => {
      const account = await (await stateOf(context, block)).account(address);
      const nonce = account?.nonce ?? 0n;
      if (block.kind !== "head" || !block.pooled) return quantity(nonce);
      const pooled = (await context.backend.pendingNonce(address)) ?? 0n;
      return quantity(pooled > nonce ? pooled : nonce);
    },
  ),
  defineMethod(
    "eth_getCode",
    { address: addressParam, block: stateBlockParam },
    async (context, { address, block }) => {
      const reader = await stateOf(context, block);
      const account = await reader.account(address);
      return account === null || account.codeHash === EMPTY_CODE_HASH
        ? "0x"
        : toHex(await reader.code(account.codeHash));
    },
  ),
  defineMethod(
    "eth_getStorageAt",
    { address: addressParam, slot: slotParam, block: stateBlockParam },
    async (context, { address, slot, block }) => {
      const reader = await stateOf(context, block);
      await requireReadable(reader, ZERO_ADDRESS);
      return toWordHex(await reader.slot(address, slot));
    },
  ),
];

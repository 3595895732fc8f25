/** eth_getProof (EIP-1186): what anyone checks against a block's header without asking the gateway again. */
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT, PREDEPLOYS, toHex, ZERO_ADDRESS } from "@mvm/protocol";
import { z } from "zod";
import type { ProvenPath } from "./backend.ts";
import { requireBlock } from "./blockLookup.ts";
import { requireReadable } from "./charterChecks.ts";
import { defineMethod, type Json, type Method } from "./method.ts";
import { quantity } from "./quantities.ts";
import { addressParam, slotParam, stateBlockParam } from "./schemas.ts";

/** Most storage keys of one request. */
const MAX_STORAGE_KEYS = 64;

const storageKeysParam = z
  .array(slotParam, { error: "expected an array of storage keys" })
  .max(MAX_STORAGE_KEYS, { error: `expected at most ${MAX_STORAGE_KEYS} storage keys` });

/** What L1 is shown of a DAC that turned to exit or of a message to L1: no charter hides it from who claims it. */
const SHOWN_TO_L1: readonly string[] = [PREDEPLOYS.l2ToL1, PREDEPLOYS.coinbase];

const nodesOf = ({ nodes }: ProvenPath<unknown>): Json => nodes.map(toHex);

export const ethProofMethods: readonly Method[] = [
  defineMethod(
    "eth_getProof",
    { address: addressParam, storageKeys: storageKeysParam, block: stateBlockParam },
    async (context, { address, storageKeys, block }) => {
      const { block: sealed } = await requireBlock(context, block);
      if (storageKeys.length > 0 && !SHOWN_TO_L1.includes(address))
        await requireReadable(await context.backend.stateAt(sealed), ZERO_ADDRESS);
      const { account, slots } = await context.backend.proofAt(sealed, { address, slots: storageKeys });
      return {
        address,
        accountProof: nodesOf(account),
        balance: quantity(account.value?.balance ?? 0n),
        codeHash: account.value?.codeHash ?? EMPTY_CODE_HASH,
        nonce: quantity(account.value?.nonce ?? 0n),
        storageHash: account.value?.storageRoot ?? EMPTY_TRIE_ROOT,
        storageProof: storageKeys.map((slot, i) => ({
          key: slot,
          value: quantity(slots[i]!.value),
          proof: nodesOf(slots[i]!),
        })),
      };
    },
  ),
];

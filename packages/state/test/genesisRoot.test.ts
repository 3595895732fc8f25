import { EMPTY_TRIE_ROOT, GENESIS_STATE_ROOT, genesisWrites } from "@mvm/protocol";
import { expect, test } from "vitest";
import { applyWrites } from "../src/index.ts";

test("the root that stands for every DAC's block 0 is that of the contracts of genesis", () => {
  expect(applyWrites(EMPTY_TRIE_ROOT, [], genesisWrites())).toBe(GENESIS_STATE_ROOT);
});

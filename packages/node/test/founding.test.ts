import { CHARTER_LIMITS, charterFault, encodeBlock, LIMITS, OPCODES } from "@mvm/protocol";
import { BLOCK_OVERHEAD_BYTES } from "@mvm/roles";
import { describe, expect, it } from "vitest";
import { BlockMaker } from "./blockMaker.ts";
import { CHAIN_ID, deposit, FREE_CHARTER, identityOf, SLOT, viewOf } from "./world.ts";

const MANY_WEI = 10n ** 24n;

describe("the largest founding", () => {
  it("succeeds, and with a block's deposits leaves room for the longest result; the rest of the block is what a sequencer keeps for it", async () => {
    const { rules, foundingAddresses, statementBytes, taxBrackets } = CHARTER_LIMITS;
    const opcodes = [...OPCODES.keys()];
    const charter = {
      ...FREE_CHARTER,
      vision: "v".repeat(statementBytes),
      mission: "m".repeat(statementBytes),
      permissions: Array.from({ length: rules }, (_, rule) => ({
        operation: "deny" as const,
        opcode: opcodes[rule]!,
        addresses: Array.from(
          { length: foundingAddresses / rules },
          (_, i) => identityOf(`denied ${rule} ${i}`).operator,
        ),
      })),
      taxRates: Array.from({ length: taxBrackets }, (_, i) => ({ threshold: BigInt(i), rate: i + 1 })),
      managementContract: identityOf("management").operator,
    };
    expect(charterFault(charter)).toBeNull();
    const view = viewOf([], charter);
    for (let n = 0n; n < LIMITS.blockQueueItems; n++)
      deposit(view, n, identityOf(`holder ${n}`).operator, MANY_WEI + n);
    const maker = await BlockMaker.start(view);
    const { block } = await maker.sibling({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) });
    expect(block.outcomes.map(({ status }) => status)).toEqual(block.transactions.map(() => 1));
    const last = { transactions: block.transactions.slice(-1), outcomes: block.outcomes.slice(-1) };
    expect(encodeBlock({ ...block, ...last }).length).toBeLessThanOrEqual(BLOCK_OVERHEAD_BYTES);
    const room = LIMITS.blockBytes - encodeBlock(block).length - BLOCK_OVERHEAD_BYTES;
    expect(room).toBeGreaterThan(LIMITS.resultBytes);
  });
});

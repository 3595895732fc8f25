/** What a block's transactions do, executed as a sequencer executes them; whether they may stand there is not asked. */
import { createEngine, OverlayReader } from "@mvm/evm";
import {
  type BlockOutcome,
  decodeSystemTransaction,
  decodeTransaction,
  environmentOf,
  genesisCode,
  isSystemTransaction,
  type SealedBlock,
  type StateReader,
  toMessage,
} from "@mvm/protocol";

/**
 * Outcomes of a block's transactions, those of the system among them, upon the state before it.
 * @param reader of that state
 * @throws Error where one of them is invalid
 */
export async function executed(
  { chainId, header, transactions }: Pick<SealedBlock, "chainId" | "header" | "transactions">,
  reader: StateReader,
  l1BaseFee: bigint,
): Promise<readonly BlockOutcome[]> {
  const engine = await createEngine();
  const environment = environmentOf(header);
  const overlay = new OverlayReader({
    account: (address) => reader.account(address),
    slot: (address, slot) => reader.slot(address, slot),
    code: (hash) => genesisCode(hash) ?? reader.code(hash),
    number: () => reader.number(),
    chainId: () => reader.chainId(),
    blockHash: (number) => reader.blockHash(number),
  });
  const outcomes: BlockOutcome[] = [];
  for (const raw of transactions) {
    const gasUsed = outcomes.reduce((sum, outcome) => sum + outcome.gasUsed, 0n);
    const [outcome] = isSystemTransaction(raw)
      ? [await engine.executeSystem(environment, decodeSystemTransaction(raw, chainId), overlay)]
      : await engine.execute(environment, [toMessage(decodeTransaction(raw, chainId), l1BaseFee)], overlay, {
          gasUsed,
        });
    if (outcome === undefined || ("kind" in outcome && outcome.kind === "invalid"))
      throw new Error("a transaction that may not stand in the block");
    const { status, logs, writes } = outcome;
    overlay.apply(writes);
    outcomes.push({ status, gasUsed: outcome.gasUsed, logs, writes });
  }
  return outcomes;
}

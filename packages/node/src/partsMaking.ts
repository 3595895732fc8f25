/** The parts of a transaction of a node's own block, executed anew over values that a host proves. */
import { type Engine, isSlice, OverlayReader, type Part } from "@mvm/evm";
import { type Checkpoint, environmentOf, type SealedBlock, type StateKey, stateKeyId, toWordHex } from "@mvm/protocol";
import { NodeMap, type ProvenReader } from "@mvm/state";
import { BlockReplay, sliceable } from "./proving/blockReplay.ts";
import { TransactionSlices } from "./proving/transactionSlices.ts";
import { keysWritten } from "./witnessedRoots.ts";

/** A transaction's commitments, and the checkpoint before it; null for a block's first. */
export type MadeParts = {
  readonly slices: Pick<TransactionSlices, "length" | "commitment">;
  readonly before: Checkpoint | null;
};

/**
 * Cuts a block's transaction into its parts.
 * @param block whose outcomes lead to its checkpoints
 * @param reader of values under the parent's state root
 * @throws ExecutionError, StateError where the reader fails
 */
export async function partsOf(
  engine: Engine,
  block: SealedBlock,
  index: number,
  reader: ProvenReader,
): Promise<MadeParts> {
  const { chainId, header, transactions, outcomes } = block;
  const { number, parentHash } = header;
  const facts = { chainId, number, parentHash, environment: environmentOf(header) };
  const raw = transactions[index]!;
  const earlier = outcomes.slice(0, index);
  const overlay = new OverlayReader(reader);
  for (const { writes } of earlier) overlay.apply(writes);
  const transaction = await sliceable(raw, facts, overlay);
  const gasUsed = earlier.reduce((sum, outcome) => sum + outcome.gasUsed, 0n);
  const sliced = await engine.slice(facts.environment, transaction, overlay, { bytes: raw.length, gasUsed });
  // between its parts values are deleted that the whole transaction leaves as they were
  const keys = [...sliced.parts.flatMap(keysOf), ...earlier.flatMap(keysWritten)];
  await reader.fetchWitness([...new Map(keys.map((key) => [stateKeyId(key), key])).values()]);
  const replay = new BlockReplay(
    engine,
    facts,
    { ...NOTHING_RUNS, nodes: new NodeMap(reader.collectedNodes()) },
    reader.root,
  );
  const steps = transactions.map((own, i) => ({ raw: own, verdict: { outcome: outcomes[i]! }, keys: [] }));
  let before: Checkpoint | null = null;
  for (const step of steps.slice(0, index)) before = replay.apply(step);
  const cut = replay.caseOf(raw, sliced);
  return { slices: new TransactionSlices(cut, replay.apply(steps[index]!)), before };
}

const notHere = (): never => {
  throw new RangeError("outcomes are applied, and nothing is executed or proven");
};
/** Commitments take neither codes nor hashes of blocks. */
const NOTHING_RUNS = { code: notHere, blockHash: notHere };

/** Accounts and slots that a part meets. */
function keysOf(part: Part): StateKey[] {
  const { accounts, slots } = isSlice(part) ? part.evidence : part;
  const own = accounts[0]?.address;
  return [
    ...accounts.map(({ address }): StateKey => ({ kind: "account", address })),
    ...slots.map(({ key }): StateKey => ({ kind: "slot", address: own!, slot: toWordHex(key) })),
  ];
}

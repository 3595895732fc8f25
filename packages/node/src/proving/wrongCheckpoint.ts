/** What of a claimed block does not follow from its parent's state, and what L1 needs to see it. */
import type { Engine } from "@mvm/evm";
import type { Evidence } from "@mvm/l1";
import { type Checkpoint, checkpointLeaf, environmentOf, type Hash, type Header, merkleRoot } from "@mvm/protocol";
import { type NodeSource, StateError, WorldState } from "@mvm/state";
import { CheckpointGrower } from "../checkpointGrower.ts";
import { type BlockFacts, BlockReplay, evidenceAgainst, type ReplaySource, type ReplayStep } from "./blockReplay.ts";
import type { ClaimedBlock } from "./claimedBlock.ts";
import { TransactionSlices } from "./transactionSlices.ts";

/** A transaction of a block that does not lead to the checkpoint that the block claims after it, or may not stand in it. */
export type WrongCheckpoint = {
  readonly facts: BlockFacts;
  /** place of the transaction in the block */
  readonly index: number;
  readonly raw: Uint8Array;
  /** what stands before it */
  readonly before: Omit<Checkpoint, "index" | "receiptHash">;
  /** the same as the whole checkpoint of the transaction before; null for a block's first */
  readonly previous: Checkpoint | null;
  /** or its leaf, where that alone is known */
  readonly claimed: Checkpoint | Hash;
  /** leaves of the block's checkpoints root */
  readonly leaves: readonly Hash[];
  /** why it may not stand in the block; null: it may */
  readonly invalid: string | null;
  /** of the interpreter, in the right execution; 0 where it may not stand in the block */
  readonly steps: number;
  /** for CheckpointReplay.differs; codes by their bytes */
  readonly evidence: Evidence;
  /** the transaction in parts, for where one transaction of L1 cannot replay it; cut once */
  readonly parts: () => Promise<TransactionSlices>;
};

export type BlockFinding =
  /** with the checkpoints, and the trie nodes of the state after the block */
  | { readonly kind: "right"; readonly checkpoints: readonly Checkpoint[]; readonly nodes: NodeSource }
  | { readonly kind: "wrong-checkpoint"; readonly wrong: WrongCheckpoint }
  /** what came with the block does not lead to its checkpoints root: what it commits to is not known */
  | { readonly kind: "leaves-unknown" }
  /** a transaction is known by its hash alone, and nothing before it is wrong */
  | { readonly kind: "transactions-unknown" };

/**
 * The checkpoints that a block's outcomes lead to upon the parent's state, or their leaves where there is no more; null where they lead
 * nowhere, for no state is left by such writes.
 */
function claimedCheckpoints(
  block: ClaimedBlock,
  source: ReplaySource,
  stateRoot: Hash,
): readonly (Checkpoint | Hash)[] | null {
  if ("leaves" in block) return block.transactions.length === block.leaves.length ? block.leaves : null;
  const { transactions, outcomes } = block;
  if (transactions.length !== outcomes.length) return null;
  const world = new WorldState(source.nodes, stateRoot);
  const grower = new CheckpointGrower();
  try {
    return outcomes.map((outcome, i) => grower.append(transactions[i]!, outcome, world.applyWrites(outcome.writes)));
  } catch (error) {
    if (error instanceof StateError) return null;
    throw error;
  }
}

/**
 * Executes a claimed block anew and compares checkpoints. That its header follows from its parent in number, time, fee and
 * randomness is not looked at.
 * @param parent header of the block before, which is right
 * @throws ExecutionError, StateError where the source lacks a value of the parent's state
 */
export async function checkpointsFinding(
  engine: Engine,
  source: ReplaySource,
  parent: Pick<Header, "stateRoot">,
  block: ClaimedBlock,
): Promise<BlockFinding> {
  const { chainId, header, transactions } = block;
  const claimed = claimedCheckpoints(block, source, parent.stateRoot);
  const leaves = claimed?.map((one) => (typeof one === "string" ? one : checkpointLeaf(one))) ?? [];
  if (claimed === null || merkleRoot(leaves) !== header.checkpointsRoot) return { kind: "leaves-unknown" };
  const { number, parentHash } = header;
  const facts = { chainId, number, parentHash, environment: environmentOf(header) };
  const fromParent = (): BlockReplay => new BlockReplay(engine, facts, source, parent.stateRoot);
  const replay = fromParent();
  const checkpoints: Checkpoint[] = [];
  const steps: ReplayStep[] = [];
  for (const [i, raw] of transactions.entries()) {
    if (raw === undefined) return { kind: "transactions-unknown" };
    const step = await replay.execute(raw);
    const invalid = "invalid" in step.verdict ? step.verdict.invalid : null;
    const after = invalid === null ? replay.apply(step) : null;
    if (after !== null && checkpointLeaf(after) === leaves[i]) {
      steps.push(step);
      checkpoints.push(after);
      continue;
    }
    // Evidence is of the state before, which is made again for this one transaction alone.
    const upTo = fromParent();
    for (const right of steps) upTo.apply(right);
    const evidence = evidenceAgainst(upTo.witness(step), after, claimed[i]!);
    let parts: Promise<TransactionSlices> | undefined;
    const wrong: WrongCheckpoint = {
      facts,
      index: i,
      raw,
      before: upTo.before,
      previous: checkpoints[i - 1] ?? null,
      claimed: claimed[i]!,
      leaves,
      invalid,
      steps: invalid === null ? await upTo.steps(raw) : 0,
      evidence,
      parts: () => {
        parts ??= upTo.cut(step).then((cut) => new TransactionSlices(cut, after));
        return parts;
      },
    };
    return { kind: "wrong-checkpoint", wrong };
  }
  return { kind: "right", checkpoints, nodes: replay.nodes };
}

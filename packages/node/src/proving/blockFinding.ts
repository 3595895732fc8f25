/** What a block claims that it may not, of all that L1 can be shown today: execution (F1) and its header (F3). */
import type { Engine } from "@mvm/evm";
import {
  type Checkpoint,
  checkpointLeaf,
  type Hash,
  type Header,
  type Hex,
  hashHeader,
  keccakHash,
  LIMITS,
  nextBaseFee,
  PREDEPLOYS,
  toHex,
} from "@mvm/protocol";
import { accountPath, type NodeSource } from "@mvm/state";
import type { ReplaySource } from "./blockReplay.ts";
import type { ClaimedBlock } from "./claimedBlock.ts";
import { checkpointsFinding, type WrongCheckpoint } from "./wrongCheckpoint.ts";

/** What is wrong with a block, by the proof that L1 takes. */
export type BlockFault =
  /** a transaction does not lead to the checkpoint after it, or may not stand there */
  | { readonly proof: "execution"; readonly wrong: WrongCheckpoint }
  /** the header has another number than its place gives it */
  | { readonly proof: "form"; readonly field: "number" }
  /** the header does not follow from the one before it */
  | { readonly proof: "parent"; readonly field: keyof Header }
  /** the header is not that of the last checkpoint */
  | {
      readonly proof: "checkpoint";
      readonly field: keyof Header;
      readonly last: Checkpoint;
      readonly leaves: readonly Hash[];
    }
  /** withdrawalsRoot is not the storage root of MVM_L2ToL1: nodes from the state root down to that account */
  | { readonly proof: "withdrawals"; readonly field: "withdrawalsRoot"; readonly nodes: readonly Hex[] };

export type BlockVerdict =
  | { readonly kind: "right" }
  | { readonly kind: "wrong"; readonly fault: BlockFault }
  /** what is at hand are not the checkpoints that the block commits to, and nothing else is wrong with it */
  | { readonly kind: "leaves-unknown" }
  /** one of its transactions is known by its hash alone, and nothing before that is wrong */
  | { readonly kind: "transactions-unknown" };

/** Where a block stands, by the blocks before it, which are right. */
export type BlockPlace = {
  readonly parent: Header;
  /** what timestamps are multiples of, in seconds */
  readonly tickSeconds: number;
};

/** The first field that does not follow from the parent; HeaderRules.parentFault is its twin. */
function parentField({ parent, tickSeconds }: BlockPlace, header: Header): keyof Header | null {
  if (header.parentHash !== hashHeader(parent)) return "parentHash";
  if (header.timestamp <= parent.timestamp || header.timestamp % BigInt(tickSeconds) !== 0n) return "timestamp";
  return header.baseFeePerGas === nextBaseFee(parent) ? null : "baseFeePerGas";
}

/** The first field that is not the last checkpoint's; HeaderRules.checkpointFault is its twin. */
function checkpointField(header: Header, last: Checkpoint): keyof Header | null {
  if (header.stateRoot !== last.stateRoot) return "stateRoot";
  if (header.transactionsRoot !== last.transactionsRoot) return "transactionsRoot";
  if (header.receiptsRoot !== last.receiptsRoot) return "receiptsRoot";
  if (header.gasUsed !== last.cumulativeGasUsed || header.gasUsed > LIMITS.blockGas) return "gasUsed";
  return keccakHash(header.logsBloom) === last.bloomHash ? null : "logsBloom";
}

/** Path of MVM_L2ToL1 under a state root where a header states another withdrawals root than the state has; else null. */
function wrongWithdrawals(nodes: NodeSource, { stateRoot, withdrawalsRoot }: Header): readonly Hex[] | null {
  const { value, nodes: path } = accountPath(nodes, stateRoot, PREDEPLOYS.l2ToL1);
  return value?.storageRoot === withdrawalsRoot ? null : path.map(toHex);
}

/**
 * Judges a block upon blocks that are right; cheap proofs are looked for before dear ones. What does not follow from the posted
 * data (transactions, context, randomness) is not looked at here.
 * @param source of the parent's state
 * @throws ExecutionError, StateError where the source lacks a value of the parent's state
 */
export async function blockVerdict(
  engine: Engine,
  source: ReplaySource,
  place: BlockPlace,
  block: ClaimedBlock,
): Promise<BlockVerdict> {
  const { header } = block;
  if (header.number !== place.parent.number + 1n) return wrong({ proof: "form", field: "number" });
  const field = parentField(place, header);
  if (field !== null) return wrong({ proof: "parent", field });
  const finding = await checkpointsFinding(engine, source, place.parent, block);
  if (finding.kind === "leaves-unknown" || finding.kind === "transactions-unknown") return finding;
  if (finding.kind === "wrong-checkpoint") return wrong({ proof: "execution", wrong: finding.wrong });
  const { checkpoints, nodes } = finding;
  const last = checkpoints.at(-1)!;
  const unlike = checkpointField(header, last);
  if (unlike !== null)
    return wrong({ proof: "checkpoint", field: unlike, last, leaves: checkpoints.map(checkpointLeaf) });
  const path = wrongWithdrawals(nodes, header);
  return path === null ? { kind: "right" } : wrong({ proof: "withdrawals", field: "withdrawalsRoot", nodes: path });
}

const wrong = (fault: BlockFault): BlockVerdict => ({ kind: "wrong", fault });

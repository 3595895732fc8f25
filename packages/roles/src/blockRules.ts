/** The rules by which a block is judged: what needs no state. The roots are checked where the block is applied. */
import {
  type BlockContext,
  blockSigner,
  type Hash,
  type Header,
  hashHeader,
  LIMITS,
  type NetworkIdentity,
  NO_WORK,
  nextBaseFee,
  type Parameters,
  prevRandaoOf,
  type SealedBlock,
  servedBy,
  type UnsignedBlock,
  ZERO_HASH,
} from "@mvm/protocol";
import { layoutFault, paidBy } from "./blockLayout.ts";
import type { L1View } from "./l1View.ts";

/** What the rules need of a parent. */
export type Parent = {
  readonly generation: bigint;
  readonly header: Header;
  readonly hash: Hash;
  readonly context: BlockContext;
};

export const GENESIS_CONTEXT: BlockContext = {
  slot: 0n,
  l1Block: 0n,
  l1BaseFee: 0n,
  queueEnd: 0n,
  randomness: ZERO_HASH,
  work: NO_WORK,
  evidence: ZERO_HASH,
};

export const parentOf = (block: UnsignedBlock): Parent => ({
  generation: block.generation,
  header: block.header,
  hash: hashHeader(block.header),
  context: block.context,
});

/** Seconds that the timestamp of a block that is not posted may be ahead of the own clock. */
const MAX_DRIFT_SECONDS = 10n;
/** Slots that an own L1 view may lag behind a sender's. */
const MAX_SLOT_LEAD = 1n;

/** Slots that a gossiped block may be old: signed at the end of one, it arrives in the next. Older ones come from hosts. */
const MAX_SLOT_LAG = 1n;

export type Verdict =
  | { readonly verdict: "accept" }
  | { readonly verdict: "ignore" | "reject"; readonly reason: string };

/** Generations that an own L1 view may lag behind a sender's. */
const MAX_GENERATION_LEAD = 1n;

const ACCEPT: Verdict = { verdict: "accept" };
const ignore = (reason: string): Verdict => ({ verdict: "ignore", reason });
const reject = (reason: string): Verdict => ({ verdict: "reject", reason });

/** Whether a gossiped block is worth passing on: a known chain, a possible slot, signed by that slot's sequencer. */
export function judgeGossip(view: L1View, network: NetworkIdentity, block: SealedBlock): Verdict {
  const dac = view.dac(block.chainId);
  if (dac === undefined) return ignore("unknown chain");
  if (block.context.slot > view.slot + MAX_SLOT_LEAD) return ignore("slot in the future");
  if (block.context.slot + MAX_SLOT_LAG < view.slot) return ignore("slot is over");
  const { chainId, context } = block;
  const lead = block.generation - view.generation(chainId);
  if (lead < 0n || lead > MAX_GENERATION_LEAD) return ignore("of another generation");
  if (view.valuesOf(context.slot) === undefined) return ignore("slot cannot be drawn yet");
  const signer = blockSigner(network, block);
  if (signer === null || paidBy(block)?.[0] !== signer) return reject("not signed by whom it pays");
  if (view.maySign(chainId, context.slot, signer)) return ACCEPT;
  // its claim of the slot may not be in the own view of L1 yet
  const isRanked = view.rankOf(chainId, context.slot, signer) !== undefined;
  return isRanked ? ignore("not its turn yet") : reject("not signed by a sequencer of the slot");
}

function systemFault(view: L1View, parent: Parent, block: UnsignedBlock): string | null {
  const { context, transactions } = block;
  const dac = view.dac(block.chainId);
  if (dac === undefined) return "unknown chain";
  const taken = context.queueEnd - parent.context.queueEnd;
  if (taken < 0n || taken > BigInt(Math.min(LIMITS.blockQueueItems, transactions.length)))
    return "queue range out of bounds";
  const due = view.dueItems(block.chainId, parent.context.queueEnd, context.slot).slice(0, Number(taken));
  if (BigInt(due.length) < taken) return "consumes queue items that are not due";
  if (due.reduce((sum, { data }) => sum + data.length, 0) > LIMITS.blockQueueBytes)
    return "consumes queue items of too many bytes";
  const providers = servedBy(context.work).map((index) => view.provider(index)?.operator);
  if (!providers.every((operator) => operator !== undefined)) return "names a provider that there is none of";
  return layoutFault(block, dac.founding, { queueItems: due, providers });
}

/**
 * Latest timestamp, in seconds, that a block of a batch may have, by the timestamp of the L1 block that the batch was posted in
 * (IBlockProofs.ahead judges it so).
 */
export const latestPosted = (postedAt: bigint): bigint => postedAt + LIMITS.timestampLeadSeconds;

/**
 * Latest timestamp, in seconds, that a block of a number may have for a follower: L1's word where a batch over it stands, whatever the own
 * clock says, else a little more than the own clock.
 */
export function latestTimestamp(view: L1View, { chainId, header }: UnsignedBlock, nowMs: number): bigint {
  const postedAt = view.batchOver(chainId, header.number)?.timestamp;
  return postedAt === undefined ? BigInt(Math.floor(nowMs / 1000)) + MAX_DRIFT_SECONDS : latestPosted(postedAt);
}

/**
 * The first rule that a block breaks as a child of `parent`, or null.
 * @param latest timestamp that it may have, seconds: latestTimestamp, or latestPosted of its batch
 */
export function blockFault(
  rules: { view: L1View; parameters: Parameters },
  parent: Parent,
  block: UnsignedBlock,
  latest: bigint,
): string | null {
  const { view, parameters } = rules;
  const { header, context, transactions, outcomes } = block;
  if (block.generation !== view.generationAt(block.chainId, header.number)) return "generation";
  if (header.number !== parent.header.number + 1n) return "number does not follow the parent";
  if (header.parentHash !== parent.hash) return "parent hash differs";
  if (transactions.length === 0 || transactions.length !== outcomes.length)
    return "one outcome for each of at least one transaction";
  if (header.timestamp <= parent.header.timestamp) return "timestamp does not follow the parent";
  if (header.timestamp % BigInt(parameters.tickSeconds) !== 0n) return "timestamp is off the ticks";
  if (header.timestamp > latest) return "timestamp is in the future";
  if (
    header.baseFeePerGas !== nextBaseFee({ baseFeePerGas: parent.header.baseFeePerGas, gasUsed: parent.header.gasUsed })
  )
    return "base fee";
  if (header.prevRandao !== prevRandaoOf(context.randomness))
    return "prevRandao does not follow from the sequencer's randomness";
  const gasUsed = outcomes.reduce((sum, outcome) => sum + outcome.gasUsed, 0n);
  if (header.gasUsed !== gasUsed || gasUsed > LIMITS.blockGas) return "gas used";
  if (context.slot < parent.context.slot) return "slot goes back";
  if (context.l1Block < parent.context.l1Block) return "L1 block goes back";
  const values = view.valuesOf(context.slot);
  // what is posted was checked by its batch's commitment; users pay by the base fee of what is not
  const isPosted = header.number <= view.postedHead(block.chainId);
  if (values === undefined ? !isPosted : values.l1Block !== context.l1Block || values.l1BaseFee !== context.l1BaseFee)
    return "L1 values are not those of the slot";
  return systemFault(view, parent, block);
}

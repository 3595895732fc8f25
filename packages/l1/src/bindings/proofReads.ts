/** What Disputes and CheckpointReplay answer to a prover before it risks anything. */
import {
  type Address,
  type BlockEnvironment,
  type ChainId,
  type Checkpoint,
  checkpointLeaf,
  type Hash,
  type Hex,
  toHash,
  toHex,
  ZERO_HASH,
} from "@mvm/protocol";
import type { Result } from "ethers";
import { type L1Reader, read } from "./readView.ts";
import { type Evidence, encodeEvidence, roomsFor } from "./replayCalls.ts";
import { type NoVerdict, verdictOf } from "./verifierReads.ts";

/** L1 blocks for which a commitment is good. */
export const commitmentBlocks = (reader: L1Reader): Promise<bigint> =>
  read(reader, { contract: "disputes", method: "COMMITMENT_BLOCKS", values: [] }, ([blocks]) => BigInt(blocks));

/** Wei of MT that a wrong proof costs, and what an account has paid in. */
export async function accuserBonds(
  reader: L1Reader,
  accuser: Address,
): Promise<{ readonly neededWei: bigint; readonly paidWei: bigint; readonly strikes: bigint }> {
  const ask = (method: string, values: readonly unknown[]): Promise<bigint> =>
    read(reader, { contract: "disputes", method, values }, ([value]) => BigInt(value));
  const [neededWei, paidWei, strikes] = await Promise.all([
    ask("accuserBond", []),
    ask("bondOf", [accuser]),
    ask("strikesOf", [accuser]),
  ]);
  return { neededWei, paidWei, strikes };
}

/** L1 block of a commitment; undefined where there is none, or it was used. */
export const committedAt = (reader: L1Reader, commitment: Hash): Promise<bigint | undefined> =>
  read(reader, { contract: "disputes", method: "committedAt", values: [commitment] }, ([block]) =>
    block === 0n ? undefined : BigInt(block),
  );

/** Whether a sequencer was slashed for two blocks at one place of a chain. */
export const hasEquivocated = (reader: L1Reader, chainId: ChainId, sequencer: Address): Promise<boolean> =>
  read(reader, { contract: "disputes", method: "hasEquivocated", values: [chainId, sequencer] }, ([has]) =>
    Boolean(has),
  );

/** A step of a block that L1 is asked to replay. */
export type ReplayQuestion = {
  readonly facts: {
    readonly chainId: ChainId;
    readonly number: bigint;
    readonly parentHash: Hash;
    readonly environment: Pick<BlockEnvironment, "timestamp" | "baseFeePerGas" | "prevRandao">;
  };
  /** checkpoint before it; index and receipt are not looked at */
  readonly before: Omit<Checkpoint, "index" | "receiptHash">;
  readonly raw: Uint8Array;
  /** place of the transaction in its block */
  readonly index: number;
  /** the checkpoint that it is said to lead to, or its leaf where that alone is known */
  readonly claimed: Checkpoint | Hash;
  readonly evidence: Evidence;
};

/** What L1 says of it. */
export type ReplayAnswer =
  /** evidence: as encodeEvidence gives it, in the least room that was enough; gas of a transaction that only replays */
  | { readonly kind: "verdict"; readonly differs: boolean; readonly evidence: Hex; readonly gas: bigint }
  /** no room, or no amount of gas that a transaction may have, was enough; or the evidence is not: the last reason */
  | NoVerdict;

const toCheckpoint = (fields: Result): Checkpoint => ({
  index: Number(fields["index"]),
  stateRoot: toHash(fields["stateRoot"]),
  cumulativeGasUsed: BigInt(fields["cumulativeGasUsed"]),
  receiptHash: toHash(fields["receiptHash"]),
  transactionsRoot: toHash(fields["transactionsRoot"]),
  receiptsRoot: toHash(fields["receiptsRoot"]),
  bloomHash: toHash(fields["bloomHash"]),
});

/**
 * Has L1 replay a transaction without sending one: whether it leads to another checkpoint than the claimed one.
 * @param holderOf as encodeEvidence takes it
 * @throws L1Error where L1 cannot be asked
 */
export async function askReplay(
  reader: L1Reader,
  { facts, before, raw, index, claimed, evidence }: ReplayQuestion,
  holderOf: (codeHash: Hash) => Address | null = () => null,
): Promise<ReplayAnswer> {
  const { timestamp, baseFeePerGas, prevRandao } = facts.environment;
  const place = [facts.chainId, facts.number, timestamp, baseFeePerGas, prevRandao, facts.parentHash];
  const start = { ...before, index: 0, receiptHash: ZERO_HASH };
  const method = typeof claimed === "string" ? "replay" : "differs";
  let reason = "";
  for (const room of roomsFor(evidence)) {
    const encoded = encodeEvidence(evidence, room, holderOf);
    const values =
      typeof claimed === "string"
        ? [place, index, start, toHex(raw), encoded]
        : [place, start, toHex(raw), encoded, claimed];
    const view = { contract: "checkpointReplay", method, values } as const;
    const answer = await verdictOf(reader, view, ([is, afterwards]) =>
      typeof claimed === "string" ? !is || checkpointLeaf(toCheckpoint(afterwards)) !== claimed : Boolean(is),
    );
    if (answer.kind === "verdict")
      return { kind: "verdict", differs: answer.value, evidence: encoded, gas: answer.gas };
    reason = answer.reason;
    // more room takes more of it
    if (answer.gas !== undefined) break;
  }
  return { kind: "no-verdict", reason };
}

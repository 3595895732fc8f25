/** Who did the jobs of a batch's blocks (F4): what is wrong with it, with the proof of it, by the evidence that somebody shows. */
import type { WorkProof } from "@mvm/l1";
import {
  blockCount,
  FormatError,
  type Hash,
  JOB_SEATS,
  jobIdOf,
  type NetworkIdentity,
  type ShownEvidence,
  servedBy,
  shownEvidence,
  shownEvidenceHash,
} from "@mvm/protocol";
import { type L1View, type WorkClaim, type WorkFinding, workFinding } from "@mvm/roles";
import type { Batch } from "../rebuild.ts";
import type { ShownBlock } from "./claimedBlock.ts";
import { soundContext } from "./derivationFinding.ts";
import type { Answers, Need } from "./disclosedBlock.ts";

type PostedWork = WorkClaim & { readonly evidence: Hash };
/** Evidence of a batch's blocks, by their places; null where nobody shows it. */
type Evidence = readonly (ShownEvidence | null)[];

export type WorkSource = {
  readonly view: L1View;
  readonly network: NetworkIdentity;
  /** lists of the batch's blocks, as somebody shows them */
  readonly shown: () => AsyncIterable<readonly ShownBlock[]>;
  readonly answers: Answers;
};

export type WorkVerdict = {
  /** the first thing that is wrong in each block where something is */
  readonly wrong: readonly WorkProof[];
  /** what would have to be shown next to know of all blocks; null: nothing */
  readonly needed: Need | null;
};

/** Judges who did the jobs of a batch that follows from its data. */
export async function workVerdict(batch: Batch, { view, network, ...showing }: WorkSource): Promise<WorkVerdict> {
  const posted = postedWork(batch);
  const evidence = await evidenceOf(posted, showing);
  const wrong = posted.flatMap((claim, position) => {
    const shown = evidence[position]!;
    const finding = workFinding(view, network, claim, shown);
    return finding === null ? [] : [workProof(view, { claim, shown, position, data: batch.data }, finding)];
  });
  const position = evidence.indexOf(null);
  if (position < 0) return { wrong, needed: null };
  const evidenceHash = posted[position]!.evidence;
  return { wrong, needed: { item: { kind: "evidence", position }, data: batch.data, evidenceHash } };
}

/** What a batch says of its blocks' work. */
function postedWork({ header, data }: Pick<Batch, "header" | "data">): readonly PostedWork[] {
  const { chainId, generation, firstBlock, poster } = header;
  return Array.from({ length: blockCount(header) }, (_, position) => {
    const { slot, randomness, work, evidence, sequencer } = soundContext(data, position);
    const number = firstBlock + BigInt(position);
    const maker = sequencer === "poster" ? poster : sequencer;
    return { chainId, generation, number, slot, randomness, work, evidence, sequencer: maker };
  });
}

/** Nobody is believed: evidence is what has the posted hash. What peers do not show may have been shown on L1. */
async function evidenceOf(
  posted: readonly PostedWork[],
  { shown, answers }: Pick<WorkSource, "shown" | "answers">,
): Promise<Evidence> {
  const found: (ShownEvidence | null)[] = posted.map(() => null);
  for await (const blocks of shown()) {
    for (const [position, { evidence: hash }] of posted.entries()) found[position] ??= fitting(blocks[position], hash);
    if (!found.includes(null)) return found;
  }
  for (const [position, { evidence: evidenceHash }] of posted.entries()) {
    if (found[position] !== null) continue;
    const answer = await answers({ kind: "evidence", position }, { evidenceHash });
    if (answer?.kind === "evidence") found[position] = answer.evidence;
  }
  return found;
}

function fitting({ evidence }: Pick<ShownBlock, "evidence"> = {}, hash: Hash): ShownEvidence | null {
  if (!evidence) return null;
  try {
    const shown = shownEvidence(evidence);
    return shownEvidenceHash(shown) === hash ? shown : null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** A block's work, the evidence of it, and where it is posted. */
type Judged = {
  readonly claim: WorkClaim;
  readonly shown: ShownEvidence | null;
  readonly position: number;
  readonly data: Uint8Array;
};

/** The proof that L1 takes of a finding. Throws RangeError for one that takes evidence, where nobody shows it. */
export function workProof(
  view: L1View,
  { claim, shown, position, data }: Judged,
  finding: Pick<WorkFinding, "kind"> & { readonly served?: number },
): WorkProof {
  const { slot, randomness, work, sequencer } = claim;
  const at = { position, data };
  if (finding.kind === "seat") {
    const { served = 0 } = finding;
    const tree = view.seatTreeOf(slot);
    const seat = work.seats.flatMap((index, own) => (index === null ? [] : [own]))[served]!;
    const holder = tree?.seatsOf(jobIdOf(randomness, work.attempt), JOB_SEATS)[seat];
    return { kind: "seat", ...at, served, holder, siblings: holder ? tree!.siblingsOf(holder.place) : [] };
  }
  if (shown === null) throw new RangeError("what nobody shows is not wrong");
  if (finding.kind === "randomness")
    return { kind: "randomness", ...at, evidence: shown, publicKey: view.anySequencer(sequencer)?.blsPublicKey };
  const { served = 0 } = finding;
  const index = servedBy(work)[served];
  const publicKey = index === undefined ? undefined : view.provider(index)?.blsPublicKey;
  return { kind: "signature", ...at, served, evidence: shown, publicKey };
}

/**
 * Writes the vectors beside this file: `node packages/protocol/vectors/generate.ts`. They are the protocol's formats
 * stated a second time, by other libraries; implementations of any language may test against them. A test holds that
 * the files are what this gives.
 */
import { writeFileSync } from "node:fs";
import { batchVectors } from "./batches.ts";
import { batchFormatVectors } from "./batchFormat.ts";
import { checkpointVectors, headerVectors, merkleVectors, receiptVectors } from "./chain.ts";
import { electionVectors } from "./election.ts";
import { toJsonText } from "./format.ts";
import { blockVectors, blsVectors, jobVectors, requestVectors } from "./messages.ts";
import { networkVectors, presenceVectors, prevRandaoVectors, rotationVectors } from "./network.ts";
import { hashToG2Vectors, outsideVectors, peerPossessionVectors, possessionVectors, vrfVectors } from "./points.ts";
import { seatVectors } from "./seats.ts";
import { systemTransactionVectors } from "./system.ts";
import { thresholdVectors } from "./threshold.ts";
import { transactionVectors } from "./transactions.ts";
import { workVectors } from "./work.ts";

/** Text of every vector file by its name. */
export async function vectorFiles(): Promise<{ readonly [name: string]: string }> {
  const contents = {
    batchFormat: await batchFormatVectors(),
    batches: batchVectors(),
    blocks: blockVectors(),
    bls: blsVectors(),
    checkpoints: checkpointVectors(),
    election: electionVectors(),
    hashToG2: hashToG2Vectors(),
    headers: headerVectors(),
    jobs: jobVectors(),
    merkle: merkleVectors(),
    networks: networkVectors(),
    outside: outsideVectors(),
    peerPossession: peerPossessionVectors(),
    possession: possessionVectors(),
    presences: presenceVectors(),
    prevRandao: prevRandaoVectors(),
    receipts: receiptVectors(),
    requests: requestVectors(),
    rotation: rotationVectors(),
    seats: seatVectors(),
    systemTransactions: systemTransactionVectors(),
    threshold: thresholdVectors(),
    transactions: await transactionVectors(),
    vrf: vrfVectors(),
    work: workVectors(),
  };
  return Object.fromEntries(Object.entries(contents).map(([name, content]) => [`${name}.json`, toJsonText(content)]));
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(await vectorFiles())) writeFileSync(new URL(name, import.meta.url), text);
}

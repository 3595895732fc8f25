/** From a fault that was found to the call that proves it: what L1 itself says of it is asked before anything is risked. */
import { askReplay, type L1Call, postingOf, standingBatches } from "@mvm/l1";
import { type BatchHeader, hashBatchHeader } from "@mvm/protocol";
import { ConfigError } from "../config.ts";
import type { Operator } from "../operator/operator.ts";
import type { FoundFault } from "./batchAudit.ts";
import { faultProof } from "./faultProof.ts";

export type Accusation =
  /** gas: what L1 estimates for the replay alone; undefined where nothing is replayed */
  | { readonly kind: "ready"; readonly call: L1Call; readonly gas: bigint | undefined }
  /** one transaction of L1 cannot replay it, or L1 does not see the difference: then nothing is risked */
  | { readonly kind: "no-verdict"; readonly reason: string };

/**
 * Puts the call together that proves a fault.
 * @throws ConfigError not-yet where the batch does not stand on L1 (any more); L1Error
 */
export async function accusationOf(
  { l1, deployedAtBlock }: Pick<Operator, "l1" | "deployedAtBlock">,
  { header, previous }: { readonly header: BatchHeader; readonly previous: BatchHeader | undefined },
  { fault, ...place }: FoundFault,
): Promise<Accusation> {
  const { chainId, firstBlock } = header;
  const standing = await standingBatches(l1, { chainId, downTo: firstBlock, fromBlock: deployedAtBlock });
  const batch = standing.find(({ batchHash }) => batchHash === hashBatchHeader(header));
  if (batch === undefined) throw new ConfigError("not-yet", `batch ${header.index} does not stand on L1 any more`);
  const accused = { header, posting: await postingOf(l1, batch), previous };
  if (fault.proof !== "execution")
    return { kind: "ready", call: faultProof(l1.addresses, fault, { batch: accused, ...place }), gas: undefined };
  const { facts, before, raw, claimed, evidence } = fault.wrong;
  const answer = await askReplay(l1, { facts, before, raw, claimed, evidence });
  if (answer.kind === "no-verdict") return answer;
  if (!answer.differs) return { kind: "no-verdict", reason: "L1's replay comes to the claimed checkpoint" };
  const call = faultProof(l1.addresses, fault, { batch: accused, ...place }, answer.evidence);
  return { kind: "ready", call, gas: answer.gas };
}

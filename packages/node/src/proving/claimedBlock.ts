/** A block as somebody claims it: what its hash in a batch stands for. */
import type { Hash, SealedBlock } from "@mvm/protocol";

/** With the outcomes that lead to its checkpoints, or with the hashes of these alone. */
export type ClaimedBlock = Pick<SealedBlock, "chainId" | "header" | "transactions"> &
  (Pick<SealedBlock, "outcomes"> | { readonly leaves: readonly Hash[] });

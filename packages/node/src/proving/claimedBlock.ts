/** A block as somebody claims it: what its hash in a batch stands for. */
import type { Hash, SealedBlock } from "@mvm/protocol";

/** As a peer shows it, with the outcomes that lead to its checkpoints, and, if it has it, what shows who did its job. */
export type ShownBlock = Pick<SealedBlock, "chainId" | "header" | "transactions" | "outcomes"> &
  Partial<Pick<SealedBlock, "evidence">>;

/** As a peer shows it; or as L1 is shown it, with the hashes of its checkpoints, and transactions that may be known by their hashes alone. */
export type ClaimedBlock =
  | ShownBlock
  | (Pick<SealedBlock, "chainId" | "header"> & {
      readonly transactions: readonly (Uint8Array | undefined)[];
      readonly leaves: readonly Hash[];
    });

import { type Address, type BatchClaims, type ChainId, ZERO_HASH } from "@mvm/protocol";

/** Claims of a batch of a chain that say nothing. */
export const draftClaims = (chainId: number, index: bigint, poster: Address): BatchClaims => ({
  chainId: BigInt(chainId) as ChainId,
  generation: 0n,
  index,
  previousBatchHash: ZERO_HASH,
  firstBlock: 1n,
  lastBlock: 1n,
  blocksRoot: ZERO_HASH,
  transactionsRoot: ZERO_HASH,
  queueEnd: 0n,
  slot: 2n,
  poster,
});

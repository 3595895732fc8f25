/** Block 0 of a DAC's chain: follows from its registration on L1 alone. */
import {
  EMPTY_TRIE_ROOT,
  GENESIS_BASE_FEE,
  GENESIS_STATE_ROOT,
  type Hex,
  type SealedBlock,
  ZERO_HASH,
} from "@mvm/protocol";
import { type Dac, GENESIS_CONTEXT } from "@mvm/roles";

/** The genesis block: its parent hash is the registration's genesis hash, so that no two DACs share a block. */
export function genesisBlock(dac: Pick<Dac, "chainId" | "genesisHash" | "timestamp">): SealedBlock {
  return {
    chainId: dac.chainId,
    generation: 0n,
    header: {
      parentHash: dac.genesisHash,
      stateRoot: GENESIS_STATE_ROOT,
      transactionsRoot: EMPTY_TRIE_ROOT,
      receiptsRoot: EMPTY_TRIE_ROOT,
      logsBloom: new Uint8Array(256),
      number: 0n,
      gasUsed: 0n,
      timestamp: dac.timestamp,
      checkpointsRoot: ZERO_HASH,
      withdrawalsRoot: EMPTY_TRIE_ROOT,
      prevRandao: ZERO_HASH,
      baseFeePerGas: GENESIS_BASE_FEE,
    },
    context: GENESIS_CONTEXT,
    transactions: [],
    outcomes: [],
    evidence: null,
    signature: `0x${"00".repeat(65)}` as Hex,
  };
}

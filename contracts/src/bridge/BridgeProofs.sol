// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {BatchHeader, BatchProof, IRollupChain} from "../interfaces/IRollupChain.sol";
import {BlockHeader} from "../proofs/BlockHeader.sol";
import {MerkleTree} from "../proofs/MerkleTree.sol";

/// @notice A block of a batch.
/// @param batch The batch.
/// @param posting Where L1 recorded it.
/// @param header RLP of the block's header.
/// @param position Place of the block in the batch, from 0.
/// @param siblings Merkle proof of the block's hash in the batch's blocksRoot.
struct BlockProof {
    BatchHeader batch;
    BatchProof posting;
    bytes header;
    uint256 position;
    bytes32[] siblings;
}

/// @title Blocks that are final on L1
library BridgeProofs {
    /// @notice The block is not in the batch.
    error BlockNotInBatch(bytes32 blockHash);

    /// @notice The header of a final block; reverts where it is not one.
    /// @param proof The block.
    /// @param rollup Tells which batches are final.
    /// @param whole True: the batch's whole window has to be over, whoever vouched for it.
    /// @return header The decoded header.
    function finalBlock(BlockProof calldata proof, IRollupChain rollup, bool whole)
        internal
        view
        returns (BlockHeader.Fields memory header)
    {
        rollup.requireFinal(proof.batch, proof.posting, whole);
        bytes32 blockHash = keccak256(proof.header);
        bool contained = MerkleTree.verify(
            proof.batch.blocksRoot, blockHash, proof.position, BatchHeaders.blockCount(proof.batch), proof.siblings
        );
        if (!contained) revert BlockNotInBatch(blockHash);
        return BlockHeader.decode(proof.header);
    }
}

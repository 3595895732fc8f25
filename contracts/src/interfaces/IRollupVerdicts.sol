// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader, BatchProof} from "./IRollupChain.sol";

/// @title What the fraud proofs and the disclosures may do to batches
interface IRollupVerdicts {
    /// @notice Reverts unless the batch was posted, stands, and may still be convicted.
    /// @param header The batch.
    /// @param proof Where it was recorded.
    /// @return batchHash The batch's hash.
    function requireConvictable(BatchHeader calldata header, BatchProof calldata proof)
        external
        view
        returns (bytes32 batchHash);

    /// @notice Whether batches of a generation fell from this index or an earlier one on.
    /// @param chainId Identifier of the DAC's chain.
    /// @param generation The batch's generation.
    /// @param index The batch's index.
    /// @return True if they did.
    function hasFallen(uint256 chainId, uint64 generation, uint64 index) external view returns (bool);

    /// @notice Takes a batch that was proven wrong back, with all later ones of its chain, and slashes its poster. A final
    /// batch stands; its poster is slashed until maxWindow has passed on the chain's clock since it was posted. Only the contract
    /// of the fraud proofs may call.
    /// @param header The batch.
    /// @param proof Where it was recorded.
    /// @param previous The batch before it; ignored for the first, and for one that is final.
    /// @param prover Who proved it, and gets a share.
    function convict(
        BatchHeader calldata header,
        BatchProof calldata proof,
        BatchHeader calldata previous,
        address prover
    ) external;

    /// @notice Slashes a sequencer for what it signed for a chain, by its lock there, at the least by the chain's threshold as it
    /// stands now; no batch falls. Only the contract of the fraud proofs may call.
    /// @param chainId A registered chain.
    /// @param sequencer The sequencer.
    /// @param prover Who proved it, and gets a share.
    /// @return slashed Wei of MT taken.
    function slash(uint256 chainId, address sequencer, address prover) external returns (uint256 slashed);

    /// @notice Stops the clock of a batch's chain, once more: it runs on when it was released as often. Neither this batch nor a
    /// later one becomes final meanwhile. Renews its poster's lock. Reverts where the batch is final or not standing. Only the
    /// contract of the disclosures may call.
    /// @param header The batch.
    /// @param proof Where it was recorded.
    /// @return batchHash The batch's hash.
    function holdClock(BatchHeader calldata header, BatchProof calldata proof) external returns (bytes32 batchHash);

    /// @notice Releases a chain's clock once. Only the contract of the disclosures may call.
    /// @param chainId Identifier of the DAC's chain.
    function releaseClock(uint256 chainId) external;

    /// @notice Locks what is locked of a sequencer's stake for a chain for another maxWindow. Only the contract of the
    /// disclosures may call.
    /// @param chainId Identifier of the DAC's chain.
    /// @param sequencer The sequencer.
    function renewLock(uint256 chainId, address sequencer) external;

    /// @notice Takes back a batch of which something was withheld, with all later ones of its chain, and fines its poster. Only
    /// the contract of the disclosures may call.
    /// @param header The batch, whose chain's clock is held for it.
    /// @param proof Where it was recorded.
    /// @param previous The batch before it; ignored for the first.
    /// @param penalty Most that the poster loses, wei of MT.
    /// @param asker Who asked for it, and gets a share.
    function dropWithheld(
        BatchHeader calldata header,
        BatchProof calldata proof,
        BatchHeader calldata previous,
        uint256 penalty,
        address asker
    ) external;
}

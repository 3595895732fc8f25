// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchContext} from "../../BatchLayout.sol";
import {IBlockProofs} from "../../interfaces/IBlockProofs.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {IRollupVerdicts} from "../../interfaces/IRollupVerdicts.sol";
import {PostedData} from "./PostedData.sol";

/// @title F2: a block is of a time that L1 was far from when its batch was posted
/// @notice Times are those of the data; that headers have them is {IBlockProofs-time}'s.
abstract contract AheadProofs is PostedData {
    /// @notice What a block's time is measured by.
    /// @param rollup Tells when a batch was posted.
    /// @param lead Seconds that a block may be ahead of that (LIMITS.timestampLeadSeconds of packages/protocol).
    struct L1Clock {
        IRollupVerdicts rollup;
        uint64 lead;
    }

    /// @notice Tells when a batch was posted.
    IRollupVerdicts public immutable rollup;
    /// @notice Seconds that a block may be ahead of the L1 block that its batch was posted in.
    uint64 public immutable timestampLead;

    /// @param clock What a block's time is measured by.
    constructor(L1Clock memory clock) {
        rollup = clock.rollup;
        timestampLead = clock.lead;
    }

    /// @dev A batch has one time at which it was posted: its hash names its generation, and L1 takes no index of one twice.
    function _judgeAhead(BatchHeader calldata batch, IBlockProofs.AheadProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        _requireData(batch, proof.data);
        rollup.requireConvictable(batch, proof.posting);
        place = _numberAt(batch, proof.position) << 16;
        (bool isUndecodable, BatchContext memory context) = _contextAt(proof.data, proof.position);
        isFraud = isUndecodable || context.timestamp > uint256(proof.posting.postedAt) + timestampLead;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "../../src/execution/codec/Checkpoints.sol";
import {BlockFacts, ICheckpointReplay} from "../../src/interfaces/ICheckpointReplay.sol";
import {Manner, Misbehaviour} from "./Misbehaviour.sol";

/// @notice A replay that answers what its evidence says, if it is asked what its evidence says; or misbehaves.
contract TestReplay is ICheckpointReplay {
    /// @param manner What to do.
    /// @param asked keccak256 of all that has to be handed in beside the evidence.
    /// @param isValid The answer.
    /// @param afterwards The answer.
    /// @param steps Hashes to make before answering: what a replay costs.
    struct Evidence {
        Manner manner;
        bytes32 asked;
        bool isValid;
        Checkpoint afterwards;
        uint256 steps;
    }

    error AskedForAnotherThing(bytes32 asked);

    function replay(
        BlockFacts calldata facts,
        uint256 index,
        Checkpoint calldata before,
        bytes calldata transaction,
        bytes calldata evidence
    ) public pure returns (bool isValid, Checkpoint memory afterwards) {
        Evidence memory own = abi.decode(evidence, (Evidence));
        Misbehaviour.misbehave(own.manner, 256);
        bytes32 asked = keccak256(abi.encode(facts, index, before, transaction));
        if (asked != own.asked) revert AskedForAnotherThing(asked);
        uint256 steps = own.steps;
        assembly ("memory-safe") {
            for {} steps { steps := sub(steps, 1) } { mstore(0, keccak256(0, 32)) }
        }
        return (own.isValid, own.afterwards);
    }

    function differs(
        BlockFacts calldata facts,
        Checkpoint calldata before,
        bytes calldata transaction,
        bytes calldata evidence,
        Checkpoint calldata claimed
    ) external pure returns (bool) {
        (bool isValid, Checkpoint memory afterwards) = replay(facts, claimed.index, before, transaction, evidence);
        return !isValid || keccak256(abi.encode(afterwards)) != keccak256(abi.encode(claimed));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../../BlsSignatures.sol";
import {Evidence} from "../../interfaces/IWorkProofs.sol";

/// @title WorkEvidence: what a block commits to of who did its job
/// @notice The rules of `evidenceHash` of packages/protocol. Whether points are any is for who verifies signatures by them.
library WorkEvidence {
    /// @dev Seats that a job needs (LIMITS.seats of packages/protocol).
    uint256 private constant SEATS = 2;
    bytes32 private constant TAG = keccak256("mvm/evidence/1");

    /// @notice The lengths are none that evidence has.
    error MalformedEvidence(uint256 proof, uint256 signatures);

    /// @notice Hash of evidence. Reverts for lengths that it cannot have.
    /// @param evidence The evidence.
    /// @return keccak256(tag || proof || result || signatures).
    function hashOf(Evidence calldata evidence) internal pure returns (bytes32) {
        (uint256 proof, uint256 signatures) = (evidence.proof.length, evidence.signatures.length);
        bool isOne = proof == BlsSignatures.SIGNATURE_LENGTH && signatures % BlsSignatures.SIGNATURE_LENGTH == 0
            && signatures <= SEATS * BlsSignatures.SIGNATURE_LENGTH;
        if (!isOne) revert MalformedEvidence(proof, signatures);
        return keccak256(abi.encodePacked(TAG, evidence.proof, evidence.result, evidence.signatures));
    }
}

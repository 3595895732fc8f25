// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ProofKinds: what a proof that a verifier is put is of
library ProofKinds {
    /// @notice The proof is too short to be one.
    error MalformedProof(uint256 length);
    /// @notice There is no such kind of proof.
    error UnknownKind(bytes4 kind);

    /// @notice What a proof is of, by its function, and where its struct begins: behind the word that says where it does.
    /// @param proof Calldata of a function of one struct, which has parts of no fixed length.
    /// @return kind The function.
    /// @return fields Place of the struct in calldata.
    function open(bytes calldata proof) internal pure returns (bytes4 kind, uint256 fields) {
        if (proof.length < 4) revert MalformedProof(proof.length);
        kind = bytes4(proof);
        assembly ("memory-safe") {
            fields := add(proof.offset, 36)
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IFraudVerifier} from "../interfaces/IFraudVerifier.sol";
import {Accusations, AccusedBatch, Fraud} from "./Accusations.sol";
import {Verdicts} from "./Verdicts.sol";

/// @title Proofs that contracts of their own judge
/// @notice One entry for every kind of fraud whose rules do not fit beside those of the others.
abstract contract VerifiedProofs is Accusations {
    /// @notice Who judges what; fixed at construction.
    /// @param fraud The kind of fraud.
    /// @param verifier Who judges proofs of it.
    struct Verifier {
        Fraud fraud;
        IFraudVerifier verifier;
    }

    /// @notice Who judges proofs of a kind; zero: they are not put this way.
    mapping(Fraud fraud => IFraudVerifier) public verifierOf;

    /// @notice Proofs of this kind are not put this way.
    error NoVerifier(Fraud fraud);

    /// @param verifiers Who judges what.
    constructor(Verifier[] memory verifiers) {
        for (uint256 i = 0; i < verifiers.length; i++) {
            verifierOf[verifiers[i].fraud] = verifiers[i].verifier;
        }
    }

    /// @notice Proves a fraud by the contract that judges its kind. The caller has committed to this call, and has a bond, which
    /// goes to the poster if it is none.
    /// @param batch The batch.
    /// @param fraud The kind of fraud.
    /// @param proof See the verifier.
    function proveBy(AccusedBatch calldata batch, Fraud fraud, bytes calldata proof) external accusing {
        address verifier = address(verifierOf[fraud]);
        if (verifier == address(0)) revert NoVerifier(fraud);
        bool isFraud = Verdicts.ask(verifier, abi.encodeCall(IFraudVerifier.judge, (batch.header, proof)), 64);
        uint256 place;
        assembly ("memory-safe") {
            returndatacopy(0, 32, 32)
            place := mload(0)
        }
        _end(batch, fraud, place, isFraud);
    }
}

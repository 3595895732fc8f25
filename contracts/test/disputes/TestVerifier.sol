// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IFraudVerifier} from "../../src/interfaces/IFraudVerifier.sol";
import {BatchHeader} from "../../src/interfaces/IRollupChain.sol";
import {Manner, Misbehaviour} from "./Misbehaviour.sol";

/// @notice A verifier that judges as its proof says, if it is asked about the batch that its proof says; or misbehaves.
contract TestVerifier is IFraudVerifier {
    /// @param manner What to do.
    /// @param batchHash The batch.
    /// @param isFraud The answer.
    /// @param place The answer.
    struct Proof {
        Manner manner;
        bytes32 batchHash;
        bool isFraud;
        uint256 place;
    }

    error AskedForAnotherBatch(bytes32 batchHash);

    function judge(BatchHeader calldata batch, bytes calldata proof)
        external
        pure
        returns (bool isFraud, uint256 place)
    {
        Proof memory own = abi.decode(proof, (Proof));
        Misbehaviour.misbehave(own.manner, 64);
        bytes32 batchHash = keccak256(abi.encode(batch));
        if (batchHash != own.batchHash) revert AskedForAnotherBatch(batchHash);
        return (own.isFraud, own.place);
    }
}

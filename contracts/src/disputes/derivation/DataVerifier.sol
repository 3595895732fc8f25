// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobOpenings} from "../../BlobOpenings.sol";
import {IDataProofs} from "../../interfaces/IDataProofs.sol";
import {IFraudVerifier} from "../../interfaces/IFraudVerifier.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {FormProofs} from "./FormProofs.sol";
import {ProofKinds} from "../ProofKinds.sol";
import {PostedData} from "./PostedData.sol";
import {RowProofs} from "./RowProofs.sol";

/// @title Judge of posted data: their form, and the users' transactions in them
/// @notice Proofs are those of {IDataProofs}.
contract DataVerifier is IFraudVerifier, FormProofs, RowProofs {
    /// @param openings_ What blobs hold.
    constructor(BlobOpenings openings_) PostedData(openings_) {}

    /// @inheritdoc IFraudVerifier
    function judge(BatchHeader calldata batch, bytes calldata proof)
        external
        view
        returns (bool isFraud, uint256 place)
    {
        (bytes4 kind, uint256 fields) = ProofKinds.open(proof);
        IDataProofs.FormProof calldata form;
        IDataProofs.RowProof calldata row;
        assembly ("memory-safe") {
            form := fields
            row := fields
        }
        if (kind == IDataProofs.row.selector) return _judgeRow(batch, row);
        if (kind == IDataProofs.form.selector) return _judgeForm(batch, form);
        if (kind == IDataProofs.blob.selector) return _judgeBlob(batch);
        revert ProofKinds.UnknownKind(kind);
    }
}

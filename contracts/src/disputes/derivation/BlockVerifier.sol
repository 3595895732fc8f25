// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobOpenings} from "../../BlobOpenings.sol";
import {IBlockProofs} from "../../interfaces/IBlockProofs.sol";
import {IFraudVerifier} from "../../interfaces/IFraudVerifier.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {ProofKinds} from "../ProofKinds.sol";
import {AheadProofs} from "./AheadProofs.sol";
import {ItemBytesProofs} from "./ItemBytesProofs.sol";
import {PostedData} from "./PostedData.sol";
import {SettleProofs} from "./SettleProofs.sol";
import {SystemProofs} from "./SystemProofs.sol";

/// @title Judge of what follows of a block from its posted context and from L1's records
/// @notice Proofs are those of {IBlockProofs}.
contract BlockVerifier is IFraudVerifier, SettleProofs, ItemBytesProofs, AheadProofs {
    /// @param openings_ What blobs hold.
    /// @param records What the rules read on L1.
    /// @param clock What blocks' times are measured by.
    constructor(BlobOpenings openings_, Records memory records, L1Clock memory clock)
        PostedData(openings_)
        SystemProofs(records)
        AheadProofs(clock)
    {}

    /// @inheritdoc IFraudVerifier
    function judge(BatchHeader calldata batch, bytes calldata proof)
        external
        view
        returns (bool isFraud, uint256 place)
    {
        (bytes4 kind, uint256 fields) = ProofKinds.open(proof);
        IBlockProofs.CountProof calldata count;
        IBlockProofs.TimeProof calldata time;
        IBlockProofs.QueueEndProof calldata queueEnd;
        IBlockProofs.AheadProof calldata ahead;
        assembly ("memory-safe") {
            count := fields
            time := fields
            queueEnd := fields
            ahead := fields
        }
        if (kind == IBlockProofs.count.selector) return _judgeCount(batch, count);
        if (kind == IBlockProofs.time.selector) return _judgeTime(batch, time);
        if (kind == IBlockProofs.queueEnd.selector) return _judgeQueueEnd(batch, queueEnd);
        if (kind == IBlockProofs.ahead.selector) return _judgeAhead(batch, ahead);
        return _judgeTransaction(batch, kind, fields);
    }

    function _judgeTransaction(BatchHeader calldata batch, bytes4 kind, uint256 fields)
        private
        view
        returns (bool isFraud, uint256 place)
    {
        IBlockProofs.ContextProof calldata context;
        IBlockProofs.ItemProof calldata item;
        IBlockProofs.FoundingProof calldata founding;
        IBlockProofs.SettleProof calldata settle;
        IBlockProofs.SlotsProof calldata slots;
        IBlockProofs.ItemBytesProof calldata itemBytes;
        assembly ("memory-safe") {
            context := fields
            item := fields
            founding := fields
            settle := fields
            slots := fields
            itemBytes := fields
        }
        if (kind == IBlockProofs.context.selector) return _judgeContext(batch, context);
        if (kind == IBlockProofs.item.selector) return _judgeItem(batch, item);
        if (kind == IBlockProofs.founding.selector) return _judgeFounding(batch, founding);
        if (kind == IBlockProofs.settle.selector) return _judgeSettle(batch, settle);
        if (kind == IBlockProofs.slots.selector) return _judgeSlots(batch, slots);
        if (kind == IBlockProofs.itemBytes.selector) return _judgeItemBytes(batch, itemBytes);
        revert ProofKinds.UnknownKind(kind);
    }
}

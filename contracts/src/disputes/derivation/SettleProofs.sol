// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchContext} from "../../BatchLayout.sol";
import {
    SystemSource,
    SystemTransaction,
    SystemTransactionCodec
} from "../../execution/codec/SystemTransactionCodec.sol";
import {TransactionFault} from "../../execution/codec/TransactionFields.sol";
import {IBlockProofs} from "../../interfaces/IBlockProofs.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {MVM_ExecutionManager} from "../../l2/MVM_ExecutionManager.sol";
import {Predeploys} from "../../l2/Predeploys.sol";
import {SystemCalls} from "./SystemCalls.sol";
import {SystemProofs} from "./SystemProofs.sol";

/// @title F2, F3: a block does not end in a settle that pays who made it; or its slot is before that of the block before
/// @notice Of settle its form, its sequencer, and its providers by their numbers. The sum of L1 fees and the list for the address
/// table follow from all transactions of a block: {ClosingVerifier} judges them.
abstract contract SettleProofs is SystemProofs {
    /// @dev Words of the arguments of settle before its lists, and addresses that it may enter into the table.
    uint256 private constant HEAD_WORDS = 5;
    uint256 private constant MAX_SEEN = 256;

    /// @notice The bytes are not the committed transaction.
    error WrongTransaction(bytes32 committed);
    /// @notice The transaction is no context; {IBlockProofs-context} is for that.
    error NoContext(bytes32 committed);
    /// @notice The block has none before it, or another one.
    error WrongBlockBefore(uint256 position);

    function _judgeSettle(BatchHeader calldata batch, IBlockProofs.SettleProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        _requireData(batch, proof.data);
        uint256 number = _numberAt(batch, proof.leaf.position);
        place = number << 16 | (proof.leaf.count - 1);
        _requireBytes(batch, proof.leaf, proof.leaf.count - 1, proof.transaction);
        (bool isUndecodable, BatchContext memory context) = _contextAt(proof.data, proof.leaf.position);
        if (isUndecodable) return (true, place);
        if (context.byPoster) context.sequencer = batch.poster;
        isFraud = !_isSettle(batch.chainId, number, context, proof.transaction);
    }

    function _judgeSlots(BatchHeader calldata batch, IBlockProofs.SlotsProof calldata proof)
        internal
        pure
        returns (bool isFraud, uint256 place)
    {
        uint256 position = proof.leaf.position;
        place = _numberAt(batch, position) << 16;
        uint256 slot = _slotOf(batch, proof.leaf, proof.context);
        uint256 before;
        if (position != 0) {
            if (proof.leafBefore.position != position - 1) revert WrongBlockBefore(proof.leafBefore.position);
            before = _slotOf(batch, proof.leafBefore, proof.contextBefore);
        } else {
            BatchHeader calldata previous = _before(batch, proof.previous);
            if (proof.leafBefore.position != uint256(previous.lastBlock) - previous.firstBlock) {
                revert WrongBlockBefore(proof.leafBefore.position);
            }
            before = _slotOf(previous, proof.leafBefore, proof.contextBefore);
        }
        isFraud = slot < before;
    }

    function _requireBytes(
        BatchHeader calldata batch,
        IBlockProofs.Committed calldata leaf,
        uint256 index,
        bytes calldata transaction
    ) private pure {
        _requireCommitted(batch, leaf, index);
        if (keccak256(transaction) != leaf.committed) revert WrongTransaction(leaf.committed);
    }

    /// @dev Slot of a block by its context.
    function _slotOf(BatchHeader calldata batch, IBlockProofs.Committed calldata leaf, bytes calldata transaction)
        private
        pure
        returns (uint256)
    {
        _requireBytes(batch, leaf, 0, transaction);
        (TransactionFault fault, SystemTransaction memory own) =
            SystemTransactionCodec.decode(transaction, batch.chainId);
        bytes calldata data = fault == TransactionFault.None ? SystemTransactionCodec.dataOf(own) : transaction[:0];
        if (own.source != SystemSource.Context || data.length < 36) revert NoContext(leaf.committed);
        return uint256(bytes32(data[4:36]));
    }

    /// @dev Whether a transaction is the settle of a block, but for what its transactions alone tell.
    function _isSettle(uint256 chainId, uint256 number, BatchContext memory context, bytes calldata transaction)
        private
        view
        returns (bool)
    {
        (TransactionFault fault, SystemTransaction memory own) = SystemTransactionCodec.decode(transaction, chainId);
        if (fault != TransactionFault.None || own.source != SystemSource.Settle || own.index != number) return false;
        if (own.from != Predeploys.SYSTEM || own.to != Predeploys.EXECUTION_MANAGER) return false;
        if (own.mint != 0 || own.value != 0 || own.gasLimit != SystemCalls.GAS) return false;
        bytes calldata data = SystemTransactionCodec.dataOf(own);
        if (data.length < 4 || bytes4(data) != MVM_ExecutionManager.settle.selector) return false;
        return _areArguments(data[4:], context);
    }

    /// @dev Arguments in the one form that packages/protocol gives them: sequencer, number of seated providers, providers, fees,
    /// addresses seen.
    function _areArguments(bytes calldata words, BatchContext memory context) private view returns (bool) {
        uint256 paid = context.providers.length;
        uint256 seenAt = HEAD_WORDS + 1 + paid;
        if (words.length % 32 != 0 || words.length < 32 * (seenAt + 1)) return false;
        uint256 seen = _word(words, seenAt);
        if (seen > MAX_SEEN || words.length != 32 * (seenAt + 1 + seen)) return false;
        bool isForm = _word(words, 0) == uint160(context.sequencer) && _word(words, 1) == context.seated
            && _word(words, 2) == 32 * HEAD_WORDS && _word(words, 4) == 32 * seenAt && _word(words, HEAD_WORDS) == paid;
        for (uint256 i = seenAt + 1; i < seenAt + 1 + seen; i++) {
            if (_word(words, i) >> 160 != 0) return false;
        }
        for (uint256 i = 0; i < paid; i++) {
            uint256 index = context.providers[i];
            if (index >= providers.count()) return false;
            if (_word(words, HEAD_WORDS + 1 + i) != uint160(providers.operatorAt(index).account)) return false;
        }
        return isForm;
    }

    function _word(bytes calldata words, uint256 place) private pure returns (uint256) {
        return uint256(bytes32(words[32 * place:32 * place + 32]));
    }
}

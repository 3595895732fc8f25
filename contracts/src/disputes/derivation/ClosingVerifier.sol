// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    SystemSource,
    SystemTransaction,
    SystemTransactionCodec
} from "../../execution/codec/SystemTransactionCodec.sol";
import {TransactionFault} from "../../execution/codec/TransactionFields.sol";
import {TransactionGas} from "../../execution/codec/TransactionGas.sol";
import {IClosingProofs} from "../../interfaces/IClosingProofs.sol";
import {IFraudVerifier} from "../../interfaces/IFraudVerifier.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {MVM_ExecutionManager} from "../../l2/MVM_ExecutionManager.sol";
import {ProofKinds} from "../ProofKinds.sol";
import {ProvenBlocks} from "../ProvenBlocks.sol";
import {BlockTallies, Tally} from "./BlockTallies.sol";

/// @title Judge of what a block's settle takes from all transactions of the block: L1 fees, addresses for the address table
/// @notice Proofs are those of {IClosingProofs}. They take the transactions that the batch commits to: that these are the posted ones
/// is {IDataProofs}', who is paid is {IBlockProofs-settle}'s. A block of more bytes than one transaction of L1 has is counted in
/// several before it is judged.
/// @dev A tally only says what transactions come to, never that they are of a block: whoever reads one compares its root with a
/// batch's. Tallies are true for ever, so nothing is ever removed, and counting twice changes nothing. Nobody has any power over
/// this contract.
contract ClosingVerifier is IFraudVerifier {
    using BlockTallies for Tally;

    /// @dev Words of the arguments of settle before its lists; of them L1 fees, and where the addresses begin.
    uint256 private constant HEAD_WORDS = 5;
    uint256 private constant FEES_WORD = 3;
    uint256 private constant SEEN_WORD = 4;

    /// @notice Whether a tally was counted here, by its hash ({hashOf}).
    mapping(bytes32 tallyHash => bool) public isCounted;

    /// @notice Nobody has counted this.
    error NotCounted(bytes32 tallyHash);
    /// @notice The block's last transaction is no settle; {IBlockProofs-settle} is for that.
    error NoSettle(bytes32 transaction);

    /// @notice Counts transactions of a block, for a proof that does not have room for all of them.
    /// @param chainId Identifier of the DAC's chain.
    /// @param before What was counted here of those before them; of no transactions where they are the block's first.
    /// @param transactions At least one: of each its length in two bytes, then its encoding.
    /// @return after_ Hash of what was counted.
    function tally(uint256 chainId, Tally calldata before, bytes calldata transactions)
        external
        returns (bytes32 after_)
    {
        Tally memory own = _counted(chainId, before);
        own.add(chainId, transactions);
        after_ = hashOf(chainId, own);
        isCounted[after_] = true;
    }

    /// @inheritdoc IFraudVerifier
    function judge(BatchHeader calldata batch, bytes calldata proof)
        external
        view
        returns (bool isFraud, uint256 place)
    {
        (bytes4 kind, uint256 fields) = ProofKinds.open(proof);
        if (kind != IClosingProofs.closing.selector) revert ProofKinds.UnknownKind(kind);
        IClosingProofs.ClosingProof calldata closing;
        assembly ("memory-safe") {
            closing := fields
        }
        return _judgeClosing(batch, closing);
    }

    /// @notice What a tally is known by.
    /// @param chainId Identifier of the DAC's chain.
    /// @param own The tally.
    /// @return keccak256(abi.encode(chainId, own)).
    function hashOf(uint256 chainId, Tally memory own) public pure returns (bytes32) {
        return keccak256(abi.encode(chainId, own));
    }

    function _judgeClosing(BatchHeader calldata batch, IClosingProofs.ClosingProof calldata proof)
        private
        view
        returns (bool isFraud, uint256 place)
    {
        Tally memory own = _counted(batch.chainId, proof.before);
        bytes calldata settle = own.add(batch.chainId, proof.transactions);
        uint256 used =
            ProvenBlocks.requireTransactions(batch, proof.position, own.count, own.rootOf(), proof.siblings, 0);
        ProvenBlocks.requireAllUsed(proof.siblings, used);
        place = (batch.firstBlock + proof.position) << 16 | (own.count - 1);
        (uint256 l1Fees, bytes calldata seen) = _settled(settle, batch.chainId);
        isFraud = l1Fees != TransactionGas.l1FeeOf(own.tokens, own.l1BaseFee) || _differ(seen, own.named);
    }

    /// @dev What was counted before; reverts where it was not.
    function _counted(uint256 chainId, Tally calldata before) private view returns (Tally memory own) {
        if (before.count == 0) return own;
        own = before;
        bytes32 known = hashOf(chainId, own);
        if (!isCounted[known]) revert NotCounted(known);
    }

    /// @dev L1 fees of a settle, and the words of its addresses.
    function _settled(bytes calldata transaction, uint256 chainId)
        private
        pure
        returns (uint256 l1Fees, bytes calldata seen)
    {
        (TransactionFault fault, SystemTransaction memory own) = SystemTransactionCodec.decode(transaction, chainId);
        bool isSettle = fault == TransactionFault.None && own.source == SystemSource.Settle;
        bytes calldata data = isSettle ? SystemTransactionCodec.dataOf(own) : transaction[:0];
        isSettle = data.length > 4 && bytes4(data) == MVM_ExecutionManager.settle.selector;
        bytes calldata words = isSettle ? data[4:] : data[:0];
        uint256 paid = _word(words, HEAD_WORDS);
        uint256 count = words.length / 32;
        // providers, then addresses, each list with its length, and nothing else
        isSettle = isSettle && words.length % 32 == 0 && paid < count && HEAD_WORDS + 1 + paid < count
            && _word(words, SEEN_WORD) == 32 * (HEAD_WORDS + 1 + paid)
            && _word(words, HEAD_WORDS + 1 + paid) == count - HEAD_WORDS - 2 - paid;
        if (!isSettle) revert NoSettle(keccak256(transaction));
        return (_word(words, FEES_WORD), words[32 * (HEAD_WORDS + 2 + paid):]);
    }

    function _differ(bytes calldata seen, address[] memory named) private pure returns (bool) {
        if (seen.length != 32 * named.length) return true;
        for (uint256 i = 0; i < named.length; i++) {
            if (_word(seen, i) != uint160(named[i])) return true;
        }
        return false;
    }

    /// @dev A word; zero where there is none.
    function _word(bytes calldata words, uint256 place) private pure returns (uint256) {
        return words.length < 32 * (place + 1) ? 0 : uint256(bytes32(words[32 * place:32 * place + 32]));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    SystemSource,
    SystemTransaction,
    SystemTransactionCodec
} from "../../execution/codec/SystemTransactionCodec.sol";
import {TransactionFault, TransactionFields} from "../../execution/codec/TransactionFields.sol";
import {TransactionGas} from "../../execution/codec/TransactionGas.sol";
import {MerkleTree} from "../../proofs/MerkleTree.sol";
import {Rlp} from "../../proofs/Rlp.sol";
import {NamedAddresses, Names} from "./NamedAddresses.sol";

/// @notice What the first transactions of a block come to.
/// @param count How many they are.
/// @param l1BaseFee Of the context, which is the first of them, wei of MT per L1 gas.
/// @param tokens Tokens (EIP-7623) of the users' among them, for which they pay L1 fees.
/// @param roots Where bit i of `count` is set, at place i the Merkle root of 2^i of their hashes; those of the higher bits stand
/// before those of the lower ones. Zero elsewhere.
/// @param named Addresses that the users' among them name, each once, in order: the first 256.
struct Tally {
    uint256 count;
    uint64 l1BaseFee;
    uint256 tokens;
    bytes32[16] roots;
    address[] named;
}

/// @title BlockTallies: transactions of a block, counted one after the other
/// @notice The rules of `l1FeeOf` and `namedAddresses` of packages/protocol. Transactions of the system are hashed alone: users have
/// none of their type, and a block in which one stands among the users' is wrong by another proof.
library BlockTallies {
    uint256 private constant SYSTEM_KIND = 0x7e;
    uint256 private constant MAX_COUNT = type(uint16).max;
    /// @dev Bytes of a context's data up to the end of its third word, the L1 base fee.
    uint256 private constant BASE_FEE_END = 100;

    /// @notice The bytes are not transactions with their lengths, or are none.
    error MalformedTransactions();
    /// @notice A block has fewer transactions.
    error TooManyTransactions(uint256 count);
    /// @notice The block begins with no context; {IBlockProofs-context} is for that.
    error NoContext(bytes32 transaction);

    /// @notice Goes on counting.
    /// @param tally What was counted before; changed.
    /// @param chainId Identifier of the DAC's chain.
    /// @param transactions Those that follow, at least one: of each its length in two bytes, then its encoding.
    /// @return last The last of them.
    function add(Tally memory tally, uint256 chainId, bytes calldata transactions)
        internal
        view
        returns (bytes calldata last)
    {
        Names memory names = NamedAddresses.open(tally.named, chainId);
        (uint256 place, uint256 end) = Rlp.range(transactions);
        uint256 start = place;
        while (place < end) {
            unchecked {
                start = place + 2;
                place = start + (Rlp.load(place) >> 240);
            }
            if (place > end || place == start) revert MalformedTransactions();
            if (tally.count == 0) tally.l1BaseFee = _baseFeeOf(TransactionFields.slice(start, place), chainId);
            if (Rlp.load(start) >> 248 != SYSTEM_KIND) {
                tally.tokens += TransactionGas.tokensIn(start, place);
                NamedAddresses.add(names, start, place);
            }
            _append(tally, keccak256(TransactionFields.slice(start, place)));
        }
        if (place == start) revert MalformedTransactions();
        tally.named = NamedAddresses.close(names);
        last = TransactionFields.slice(start, place);
    }

    /// @notice Merkle root of the hashes of all counted transactions ({MerkleTree}).
    /// @param tally Of at least one.
    /// @return root The root.
    function rootOf(Tally memory tally) internal pure returns (bytes32 root) {
        uint256 count = tally.count;
        uint256 height = MerkleTree.heightOf(count);
        if (count == 1 << height) return tally.roots[height];
        bytes32 padding = 0;
        for (uint256 level = 0; level < height; level++) {
            bool isSet = count >> level & 1 == 1;
            root = isSet ? _parentOf(tally.roots[level], root) : _parentOf(root, padding);
            padding = _parentOf(padding, padding);
        }
    }

    function _append(Tally memory tally, bytes32 hash) private pure {
        uint256 count = tally.count;
        if (count == MAX_COUNT) revert TooManyTransactions(count);
        unchecked {
            uint256 level = 0;
            for (; count >> level & 1 == 1; level++) {
                hash = _parentOf(tally.roots[level], hash);
                tally.roots[level] = 0;
            }
            tally.roots[level] = hash;
            tally.count = count + 1;
        }
    }

    /// @dev Whether it is the one of this block is {IBlockProofs-context}'s.
    function _baseFeeOf(bytes calldata transaction, uint256 chainId) private pure returns (uint64) {
        (TransactionFault fault, SystemTransaction memory own) = SystemTransactionCodec.decode(transaction, chainId);
        if (fault != TransactionFault.None || own.source != SystemSource.Context) {
            revert NoContext(keccak256(transaction));
        }
        bytes calldata data = SystemTransactionCodec.dataOf(own);
        if (data.length < BASE_FEE_END) revert NoContext(own.hash);
        return uint64(uint256(bytes32(data[BASE_FEE_END - 32:BASE_FEE_END])));
    }

    function _parentOf(bytes32 left, bytes32 right) private pure returns (bytes32 parent) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            parent := keccak256(0x00, 64)
        }
    }
}

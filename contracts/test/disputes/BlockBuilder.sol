// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "../../src/execution/codec/Checkpoints.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";
import {ProofPaths} from "../proofs/ProofPaths.sol";

/// @notice Fields of a header that are not constants.
struct HeaderValues {
    bytes32 parentHash;
    bytes32 stateRoot;
    bytes32 transactionsRoot;
    bytes32 receiptsRoot;
    bytes bloom;
    uint256 number;
    uint256 gasUsed;
    uint256 timestamp;
    bytes32 checkpointsRoot;
    bytes32 prevRandao;
    uint256 baseFee;
    bytes32 withdrawalsRoot;
}

/// @notice A block, sound but for what a test spoils.
struct MadeBlock {
    HeaderValues values;
    bytes header;
    bytes[] transactions;
    Checkpoint[] checkpoints;
    bytes32 storageRoot;
}

/// @notice Headers by the plain way of RLP, and blocks whose fields fit together.
library BlockBuilder {
    bytes32 internal constant EMPTY_ROOT = keccak256(hex"80");
    uint256 internal constant BASE_FEE = 10_000_000;

    function encode(HeaderValues memory h) internal pure returns (bytes memory) {
        bytes memory items = bytes.concat(word(h.parentHash), word(keccak256(hex"c0")));
        items = bytes.concat(items, ProofPaths.text(abi.encodePacked(Predeploys.EXECUTION_MANAGER)));
        items = bytes.concat(items, word(h.stateRoot), word(h.transactionsRoot), word(h.receiptsRoot));
        items = bytes.concat(items, ProofPaths.text(h.bloom), TrieBuilder.number(0), TrieBuilder.number(h.number));
        items = bytes.concat(items, TrieBuilder.number(60_000_000), TrieBuilder.number(h.gasUsed));
        items = bytes.concat(items, TrieBuilder.number(h.timestamp), word(h.checkpointsRoot), word(h.prevRandao));
        items = bytes.concat(items, ProofPaths.text(new bytes(8)), TrieBuilder.number(h.baseFee));
        items = bytes.concat(items, word(h.withdrawalsRoot), TrieBuilder.number(0), TrieBuilder.number(0));
        return ProofPaths.list(bytes.concat(items, word(0), word(sha256(""))));
    }

    function word(bytes32 value) internal pure returns (bytes memory) {
        return ProofPaths.text(abi.encode(value));
    }

    /// @notice A state of two accounts, one of them MVM_L2ToL1.
    function state(bytes32 storageRoot) internal pure returns (TrieBuilder.Entry[] memory entries) {
        entries = new TrieBuilder.Entry[](2);
        entries[0] = TrieBuilder.account(Predeploys.L2_TO_L1, 0, storageRoot, keccak256("code"));
        entries[1] = TrieBuilder.account(address(0xACC), 3 ether, EMPTY_ROOT, keccak256(""));
    }

    /// @notice A block with so many transactions; its checkpoints root is the caller's to fill in.
    function make(bytes32 seed, uint256 number, uint256 timestamp, uint256 count)
        internal
        pure
        returns (MadeBlock memory made)
    {
        made.storageRoot = keccak256(abi.encode(seed, number, "storage"));
        made.transactions = new bytes[](count);
        made.checkpoints = new Checkpoint[](count);
        for (uint256 i = 0; i < count; i++) {
            bytes32 one = keccak256(abi.encode(seed, number, i));
            made.transactions[i] = abi.encodePacked("transaction", one, one, one);
            Checkpoint memory checkpoint = made.checkpoints[i];
            checkpoint.index = i;
            checkpoint.stateRoot = keccak256(abi.encode(one, "state"));
            checkpoint.cumulativeGasUsed = 21_000 * (i + 1);
            checkpoint.receiptHash = keccak256(abi.encode(one, "receipt"));
            checkpoint.transactionsRoot = keccak256(abi.encode(one, "transactions"));
            checkpoint.receiptsRoot = keccak256(abi.encode(one, "receipts"));
            checkpoint.bloomHash = keccak256(new bytes(256));
        }
        Checkpoint memory last = made.checkpoints[count - 1];
        last.stateRoot = TrieBuilder.root(state(made.storageRoot));
        HeaderValues memory values = made.values;
        values.stateRoot = last.stateRoot;
        values.transactionsRoot = last.transactionsRoot;
        values.receiptsRoot = last.receiptsRoot;
        values.bloom = new bytes(256);
        values.number = number;
        values.gasUsed = last.cumulativeGasUsed;
        values.timestamp = timestamp;
        values.prevRandao = keccak256(abi.encode(seed, number, "randao"));
        values.baseFee = BASE_FEE;
        values.withdrawalsRoot = made.storageRoot;
    }
}

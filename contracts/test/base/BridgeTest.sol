// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BridgeClaims} from "../../src/bridge/BridgeClaims.sol";
import {BlockProof} from "../../src/bridge/BridgeProofs.sol";
import {QueueItem} from "../../src/interfaces/IInbox.sol";
import {MVM_L2ToL1} from "../../src/l2/MVM_L2ToL1.sol";
import {ProofPaths} from "../proofs/ProofPaths.sol";
import {RollupTest} from "./RollupTest.sol";
import {TrieBuilder} from "./TrieBuilder.sol";

/// @notice A network whose DACs say what a test likes: headers with any roots, posted and proven as real ones.
abstract contract BridgeTest is RollupTest {
    bytes32 internal constant NO_CODE = keccak256("");
    bytes32 internal constant EMPTY_ROOT = keccak256(hex"80");

    function word(bytes32 value) private pure returns (bytes memory) {
        return ProofPaths.text(abi.encode(value));
    }

    /// @dev A header of a DAC.
    function blockHeader(bytes32 stateRoot, bytes32 withdrawalsRoot, uint256 number)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory items = bytes.concat(word(keccak256("parent")), word(keccak256("ommers")));
        items = bytes.concat(items, ProofPaths.text(abi.encodePacked(address(0xBEEF))), word(stateRoot));
        items = bytes.concat(items, word(EMPTY_ROOT), word(EMPTY_ROOT), ProofPaths.text(new bytes(256)));
        items = bytes.concat(items, TrieBuilder.number(0), TrieBuilder.number(number), TrieBuilder.number(30_000_000));
        items = bytes.concat(items, TrieBuilder.number(0), TrieBuilder.number(1_800_000_000), word("checkpoints"));
        items = bytes.concat(items, word("randao"), ProofPaths.text(new bytes(8)), TrieBuilder.number(1));
        items = bytes.concat(items, word(withdrawalsRoot), TrieBuilder.number(0), TrieBuilder.number(0));
        return ProofPaths.list(bytes.concat(items, word(0), word(0)));
    }

    /// @dev Posts a batch of two blocks, which consumes what it may; gives the proof of the second.
    function postRoots(uint256 chainId, bytes32 stateRoot, bytes32 withdrawalsRoot)
        internal
        returns (BlockProof memory proof)
    {
        proof.header = blockHeader(stateRoot, withdrawalsRoot, 7);
        proof.position = 1;
        bytes32[] memory leaves = new bytes32[](2);
        leaves[0] = keccak256("first block");
        leaves[1] = keccak256(proof.header);
        bytes32 root;
        (root, proof.siblings) = merkle(leaves, 1);
        Posted memory posted = postAll(chainId, root, 2);
        proof.batch = posted.header;
        proof.posting = posted.proof;
    }

    function withdrawal(uint256 nonce, address target, uint256 value)
        internal
        pure
        returns (BridgeClaims.L2Message memory)
    {
        return BridgeClaims.L2Message(MVM_L2ToL1.Kind.Withdrawal, nonce, target, target, value, "");
    }

    function call(uint256 nonce, address sender, address target, bytes memory data)
        internal
        pure
        returns (BridgeClaims.L2Message memory)
    {
        return BridgeClaims.L2Message(MVM_L2ToL1.Kind.Call, nonce, sender, target, 0, data);
    }

    /// @dev Storage of MVM_L2ToL1 that holds a counter and that messages were sent.
    function sentEntries(uint256 chainId, BridgeClaims.L2Message[] memory messages)
        internal
        view
        returns (TrieBuilder.Entry[] memory entries)
    {
        entries = new TrieBuilder.Entry[](messages.length + 1);
        entries[0] = TrieBuilder.slot(0, messages.length);
        for (uint256 i = 0; i < messages.length; i++) {
            entries[i + 1] = TrieBuilder.slot(sentSlot(chainId, messages[i]), 1);
        }
    }

    function sentSlot(uint256 chainId, BridgeClaims.L2Message memory message) internal view returns (bytes32) {
        return keccak256(abi.encode(bridge.hashOf(chainId, message), 1));
    }

    /// @dev Posts a block after which one message was sent; gives its proofs.
    function postMessage(uint256 chainId, BridgeClaims.L2Message memory message)
        internal
        returns (BlockProof memory proof, bytes[] memory nodes)
    {
        TrieBuilder.Entry[] memory entries = sentEntries(chainId, listOf(message));
        nodes = TrieBuilder.proof(entries, entries[1].keyHash);
        proof = postRoots(chainId, keccak256("state"), TrieBuilder.root(entries));
    }

    function listOf(BridgeClaims.L2Message memory message)
        internal
        pure
        returns (BridgeClaims.L2Message[] memory messages)
    {
        messages = new BridgeClaims.L2Message[](1);
        messages[0] = message;
    }

    /// @dev The item that tells what a batch consumed, as claims take it.
    function nextOf(BlockProof memory proof) internal returns (QueueItem[] memory) {
        return itemsFrom(proof.batch.chainId, proof.batch.queueEnd);
    }
}

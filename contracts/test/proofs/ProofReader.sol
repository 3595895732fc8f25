// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockHeader} from "../../src/proofs/BlockHeader.sol";
import {L1Header} from "../../src/proofs/L1Header.sol";
import {MerkleTree} from "../../src/proofs/MerkleTree.sol";
import {MerkleTrie} from "../../src/proofs/MerkleTrie.sol";

/// @notice The libraries of src/proofs as calls, for tests of Solidity and of TypeScript.
contract ProofReader {
    function get(bytes32 root, bytes32 keyHash, bytes[] calldata nodes)
        external
        pure
        returns (bool exists, bytes memory value)
    {
        return MerkleTrie.get(root, keyHash, nodes);
    }

    function accountOf(bytes32 root, address account, bytes[] calldata nodes)
        external
        pure
        returns (bool exists, uint64 nonce, uint256 balance, bytes32 storageRoot, bytes32 codeHash)
    {
        return MerkleTrie.accountOf(root, account, nodes);
    }

    function slotOf(bytes32 storageRoot, bytes32 slot, bytes[] calldata nodes) external pure returns (uint256) {
        return MerkleTrie.slotOf(storageRoot, slot, nodes);
    }

    function treeRoot(bytes32[] calldata leaves) external pure returns (bytes32) {
        return MerkleTree.root(leaves);
    }

    function verifyLeaf(bytes32 root, bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata siblings)
        external
        pure
        returns (bool)
    {
        return MerkleTree.verify(root, leaf, index, count, siblings);
    }

    function blockHeader(bytes calldata header) external pure returns (BlockHeader.Fields memory) {
        return BlockHeader.decode(header);
    }

    function l1Header(bytes calldata header) external pure returns (L1Header.Fields memory) {
        return L1Header.decode(header);
    }

    /// @notice Gas that `get` takes, the call around it left out.
    function gasOfGet(bytes32 root, bytes32 keyHash, bytes[] calldata nodes) external view returns (uint256 gas) {
        gas = gasleft();
        MerkleTrie.get(root, keyHash, nodes);
        return gas - gasleft();
    }

    /// @notice Gas that `slotOf` takes.
    function gasOfSlotOf(bytes32 root, bytes32 slot, bytes[] calldata nodes) external view returns (uint256 gas) {
        gas = gasleft();
        MerkleTrie.slotOf(root, slot, nodes);
        return gas - gasleft();
    }

    /// @notice Gas that `accountOf` takes.
    function gasOfAccountOf(bytes32 root, address account, bytes[] calldata nodes) external view returns (uint256 gas) {
        gas = gasleft();
        MerkleTrie.accountOf(root, account, nodes);
        return gas - gasleft();
    }

    /// @notice Gas that a proof of a leaf takes.
    function gasOfVerifyLeaf(bytes32 root, bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata siblings)
        external
        view
        returns (uint256 gas)
    {
        gas = gasleft();
        MerkleTree.verify(root, leaf, index, count, siblings);
        return gas - gasleft();
    }

    /// @notice Gas that decoding a header of a DAC takes.
    function gasOfBlockHeader(bytes calldata header) external view returns (uint256 gas) {
        gas = gasleft();
        BlockHeader.decode(header);
        return gas - gasleft();
    }

    /// @notice Gas that decoding a header of L1 takes.
    function gasOfL1Header(bytes calldata header) external view returns (uint256 gas) {
        gas = gasleft();
        L1Header.decode(header);
        return gas - gasleft();
    }
}

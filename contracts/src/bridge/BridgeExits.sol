// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {QueueItem} from "../interfaces/IInbox.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {BlockHeader} from "../proofs/BlockHeader.sol";
import {MerkleTrie} from "../proofs/MerkleTrie.sol";
import {BridgeAccounts} from "./BridgeAccounts.sol";
import {BlockProof, BridgeProofs} from "./BridgeProofs.sol";

/// @title Exits from a DAC that nobody serves any more
/// @notice Once a chain turned to exit and its last batch is final, every account is paid out on L1 by proof against the
/// last block, once; what the queue still holds goes back to who sent it. (Invariant I10.)
abstract contract BridgeExits is BridgeAccounts {
    /// @notice Who an account's balance is paid to where the account has code.
    /// @param code The account's code, where it is a delegation by EIP-7702: paid to the account itself. Else empty.
    /// @param coinbaseNodes Proof of MVM_Coinbase's account, for the owner that a contract declared there.
    /// @param ownerNodes Proof of the declaration in MVM_Coinbase's storage.
    struct CodeProof {
        bytes code;
        bytes[] coinbaseNodes;
        bytes[] ownerNodes;
    }

    /// @dev Slot of MVM_Coinbase's mapping `exitOwner`.
    uint256 private constant EXIT_OWNER_SLOT = 2;
    uint256 private constant DELEGATION_LENGTH = 23;
    bytes3 private constant DELEGATION_PREFIX = 0xef0100;
    bytes32 private constant EMPTY_CODE_HASH = keccak256("");

    /// @notice Whether an account of a DAC was paid out.
    mapping(uint256 chainId => mapping(address account => bool)) public exited;
    /// @notice Whether an item of a DAC's queue was refunded.
    mapping(uint256 chainId => mapping(uint256 index => bool)) public refunded;

    /// @notice An account was paid out.
    event Exited(uint256 indexed chainId, address indexed account, address indexed to, uint256 amount);
    /// @notice An unconsumed item of the queue was refunded.
    event ItemRefunded(uint256 indexed chainId, uint256 indexed index, address indexed to, uint256 amount);

    /// @notice The chain did not turn to exit.
    error NotExiting(uint256 chainId);
    /// @notice The proof is not of the last block of the chain's last batch.
    error NotLastBlock(uint256 chainId);
    /// @notice The account was paid out before.
    error AlreadyExited(uint256 chainId, address account);
    /// @notice The account has nothing.
    error NothingToExit(uint256 chainId, address account);
    /// @notice The account is a contract that declared no owner on L1.
    error NoExitOwner(uint256 chainId, address account);
    /// @notice The item was consumed, refunded before, or brought no MT.
    error NotRefundable(uint256 chainId, uint256 index);

    /// @notice Pays out an account's MT. Open to everyone; paid to the account, or to the owner that a contract declared.
    /// @param account Account of the DAC.
    /// @param proof Last block of the chain's last batch, which has to be final.
    /// @param accountNodes Proof of the account in the block's stateRoot.
    /// @param codeProof Only looked at where the account has code.
    /// @param next First queue item that the chain did not consume; none where it consumed the whole queue.
    function claimExit(
        address account,
        BlockProof calldata proof,
        bytes[] calldata accountNodes,
        CodeProof calldata codeProof,
        QueueItem[] calldata next
    ) external nonReentrant {
        uint256 chainId = proof.batch.chainId;
        if (!rollup.isExiting(chainId)) revert NotExiting(chainId);
        if (exited[chainId][account]) revert AlreadyExited(chainId, account);
        bytes32 stateRoot = _lastStateRoot(chainId, proof);
        (,, uint256 balance,, bytes32 codeHash) = MerkleTrie.accountOf(stateRoot, account, accountNodes);
        if (balance == 0) revert NothingToExit(chainId, account);
        address to = account;
        if (codeHash != EMPTY_CODE_HASH && !_isDelegation(codeProof.code, codeHash)) {
            to = _ownerOf(stateRoot, account, codeProof);
            if (to == address(0)) revert NoExitOwner(chainId, account);
        }
        exited[chainId][account] = true;
        emit Exited(chainId, account, to, balance);
        _payClaim(proof.batch, next, balance, to);
    }

    /// @notice Gives back the MT of an item that the chain, which turned to exit, will never consume. Open to everyone.
    /// @param chainId Identifier of the DAC's chain.
    /// @param index Place in the queue.
    /// @param item The item.
    function refundItem(uint256 chainId, uint256 index, QueueItem calldata item) external nonReentrant {
        if (!rollup.isExiting(chainId)) revert NotExiting(chainId);
        (,,, uint64 consumed,) = rollup.headOf(chainId);
        if (index < consumed || refunded[chainId][index] || item.mint == 0) revert NotRefundable(chainId, index);
        inbox.requireItem(chainId, index, item);
        refunded[chainId][index] = true;
        emit ItemRefunded(chainId, index, item.from, item.mint);
        _unlockMT(chainId, item.mint, item.from);
    }

    function _lastStateRoot(uint256 chainId, BlockProof calldata proof) private view returns (bytes32) {
        (bytes32 lastBatchHash,,,,) = rollup.headOf(chainId);
        bool isLast = BatchHeaders.hashOf(proof.batch) == lastBatchHash
            && proof.position == BatchHeaders.blockCount(proof.batch) - 1;
        if (!isLast) revert NotLastBlock(chainId);
        BlockHeader.Fields memory header = BridgeProofs.finalBlock(proof, rollup, true);
        return header.stateRoot;
    }

    function _isDelegation(bytes calldata code, bytes32 codeHash) private pure returns (bool) {
        return code.length == DELEGATION_LENGTH && bytes3(code) == DELEGATION_PREFIX && keccak256(code) == codeHash;
    }

    function _ownerOf(bytes32 stateRoot, address account, CodeProof calldata proof) private pure returns (address) {
        (,,, bytes32 storageRoot,) = MerkleTrie.accountOf(stateRoot, Predeploys.COINBASE, proof.coinbaseNodes);
        bytes32 slot = keccak256(abi.encode(account, EXIT_OWNER_SLOT));
        return address(uint160(MerkleTrie.slotOf(storageRoot, slot, proof.ownerNodes)));
    }
}

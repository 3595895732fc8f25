// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {QueueItem} from "../interfaces/IInbox.sol";
import {MVM_L2ToL1} from "../l2/MVM_L2ToL1.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {BlockHeader} from "../proofs/BlockHeader.sol";
import {MerkleTrie} from "../proofs/MerkleTrie.sol";
import {BridgeAccounts} from "./BridgeAccounts.sol";
import {BlockProof, BridgeProofs} from "./BridgeProofs.sol";
import {MessageExecutor} from "./MessageExecutor.sol";

/// @title The bridge from the DACs: withdrawals and messages
/// @notice A message counts once it is proven against the withdrawalsRoot of a final block of the DAC that its hash binds.
abstract contract BridgeClaims is BridgeAccounts {
    /// @notice A message of a DAC, as MVM_L2ToL1 has it.
    /// @param kind What it is.
    /// @param nonce Number of messages that the DAC sent before it.
    /// @param sender Account of the DAC that sent it.
    /// @param target Receiver on L1.
    /// @param value Wei of MT of a withdrawal.
    /// @param data Calldata of a call.
    struct L2Message {
        MVM_L2ToL1.Kind kind;
        uint256 nonce;
        address sender;
        address target;
        uint256 value;
        bytes data;
    }

    /// @notice Life of a message on L1: `Proven` ones failed and may be replayed.
    enum MessageStatus {
        Unknown,
        Proven,
        Done
    }

    /// @dev Slot of MVM_L2ToL1's mapping `sent`.
    uint256 private constant SENT_SLOT = 1;
    /// @notice Gas that stays with the bridge when it carries a message out: enough to note that it failed.
    uint256 public constant RESERVED_GAS = 60_000;

    /// @notice Makes the calls of messages.
    MessageExecutor public immutable executor;

    /// @notice Life of a message, by its hash.
    mapping(bytes32 messageHash => MessageStatus) public statusOf;

    /// @notice A withdrawal was paid.
    event WithdrawalClaimed(uint256 indexed chainId, bytes32 indexed messageHash, address indexed to, uint256 amount);
    /// @notice A message was carried out, or failed and may be replayed.
    event MessageRelayed(uint256 indexed chainId, bytes32 indexed messageHash, bool succeeded);

    /// @notice The message has another kind.
    error WrongKind(MVM_L2ToL1.Kind kind);
    /// @notice The message was carried out before.
    error AlreadyDone(bytes32 messageHash);
    /// @notice The message was not proven before, or was carried out.
    error NotReplayable(bytes32 messageHash);
    /// @notice The DAC did not send the message.
    error NotSent(bytes32 messageHash);
    /// @notice Only this contract may call.
    error OnlyItself(address caller);
    /// @notice Only a DAC's MVM_TokenBridge may speak to this contract.
    error OnlyTokenBridge(address sender);

    constructor() {
        executor = new MessageExecutor(address(this));
    }

    /// @notice Pays a withdrawal of MT, proven against a final block of the DAC, to its receiver. Open to everyone.
    /// @param message The withdrawal.
    /// @param proof A final block at or after that of the withdrawal.
    /// @param nodes Proof of the message in the block's withdrawalsRoot.
    /// @param next First queue item that the proof's batch did not consume; none where it consumed the whole queue.
    function claimWithdrawal(
        L2Message calldata message,
        BlockProof calldata proof,
        bytes[] calldata nodes,
        QueueItem[] calldata next
    ) external nonReentrant {
        if (message.kind != MVM_L2ToL1.Kind.Withdrawal) revert WrongKind(message.kind);
        bytes32 messageHash = _prove(message, proof, nodes, false);
        statusOf[messageHash] = MessageStatus.Done;
        emit WithdrawalClaimed(proof.batch.chainId, messageHash, message.target, message.value);
        _payClaim(proof.batch, next, message.value, message.target);
    }

    /// @notice Carries out a message of a DAC, proven against a block whose batch's whole window is over. Open to everyone. One
    /// that fails may be replayed.
    /// @param message The message.
    /// @param proof A final block at or after that of the message.
    /// @param nodes Proof of the message in the block's withdrawalsRoot.
    /// @return succeeded Whether its call succeeded.
    function relayMessage(L2Message calldata message, BlockProof calldata proof, bytes[] calldata nodes)
        external
        nonReentrant
        returns (bool succeeded)
    {
        if (message.kind != MVM_L2ToL1.Kind.Call) revert WrongKind(message.kind);
        return _carryOut(proof.batch.chainId, _prove(message, proof, nodes, true), message);
    }

    /// @notice Carries out a proven message again that failed before. Open to everyone.
    /// @param chainId DAC that sent it.
    /// @param message The message.
    /// @return succeeded Whether its call succeeded.
    function replayMessage(uint256 chainId, L2Message calldata message) external nonReentrant returns (bool succeeded) {
        bytes32 messageHash = hashOf(chainId, message);
        if (statusOf[messageHash] != MessageStatus.Proven) revert NotReplayable(messageHash);
        return _carryOut(chainId, messageHash, message);
    }

    /// @notice Pays an ERC-20 token out of a DAC's account. Only this contract may call, for a message of the DAC's
    /// MVM_TokenBridge.
    /// @param chainId The DAC.
    /// @param erc20 The token.
    /// @param to Receiver.
    /// @param amount Units of the token.
    function payERC20(uint256 chainId, address erc20, address to, uint256 amount) external {
        if (msg.sender != address(this)) revert OnlyItself(msg.sender);
        _payERC20(chainId, erc20, amount, to);
    }

    /// @notice Hash of a DAC's message: binds kind, DAC, nonce, sender, target, value, data.
    /// @param chainId The DAC.
    /// @param message The message.
    /// @return The hash, as MVM_L2ToL1 computes it.
    function hashOf(uint256 chainId, L2Message calldata message) public pure virtual returns (bytes32) {
        return keccak256(
            abi.encode(
                message.kind,
                chainId,
                message.nonce,
                message.sender,
                message.target,
                message.value,
                keccak256(message.data)
            )
        );
    }

    function _prove(L2Message calldata message, BlockProof calldata proof, bytes[] calldata nodes, bool whole)
        private
        view
        returns (bytes32 messageHash)
    {
        messageHash = hashOf(proof.batch.chainId, message);
        _requireNew(messageHash);
        BlockHeader.Fields memory header = BridgeProofs.finalBlock(proof, rollup, whole);
        bytes32 slot = keccak256(abi.encode(messageHash, SENT_SLOT));
        if (MerkleTrie.slotOf(header.withdrawalsRoot, slot, nodes) != 1) revert NotSent(messageHash);
    }

    /// @dev A message is proven once.
    function _requireNew(bytes32 messageHash) internal view virtual {
        if (statusOf[messageHash] != MessageStatus.Unknown) revert AlreadyDone(messageHash);
    }

    function _carryOut(uint256 chainId, bytes32 messageHash, L2Message calldata message)
        private
        returns (bool succeeded)
    {
        statusOf[messageHash] = MessageStatus.Done;
        if (message.target == address(this)) {
            succeeded = _finalizeToken(chainId, message);
        } else {
            uint256 gas = gasleft() > RESERVED_GAS ? gasleft() - RESERVED_GAS : 0;
            succeeded = executor.execute{gas: gas}(chainId, message.sender, message.target, message.data);
        }
        if (!succeeded) statusOf[messageHash] = MessageStatus.Proven;
        emit MessageRelayed(chainId, messageHash, succeeded);
    }

    /// @dev The only call that DACs may make of this contract: finalizeERC20(address,address,address,uint256).
    function _finalizeToken(uint256 chainId, L2Message calldata message) private returns (bool) {
        if (message.sender != Predeploys.TOKEN_BRIDGE) revert OnlyTokenBridge(message.sender);
        (address erc20,, address to, uint256 amount) =
            abi.decode(message.data[4:], (address, address, address, uint256));
        try this.payERC20(chainId, erc20, to, amount) {
            return true;
        } catch {
            return false;
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "./Predeploys.sol";

/// @title MVM_L2ToL1: what a DAC says to L1
/// @notice Predeployed on every DAC. Its storage root is the `withdrawalsRoot` of the DAC's headers: L1 takes a message
/// that is proven against the header of a final block.
contract MVM_L2ToL1 {
    /// @notice What a message is: `Call` calls its target on L1, `Withdrawal` pays MT out.
    enum Kind {
        Call,
        Withdrawal
    }

    /// @notice Longest data of a message, in bytes.
    uint256 public constant MAX_DATA_LENGTH = 8192;

    /// @notice Slot 0: number of messages ever sent.
    uint256 public nonce;
    /// @notice Slot 1: whether a message was sent, by its hash.
    mapping(bytes32 messageHash => bool) public sent;

    /// @notice A message was sent.
    event MessageSent(
        bytes32 indexed messageHash,
        address indexed sender,
        address indexed target,
        Kind kind,
        uint256 nonce,
        uint256 value,
        bytes data
    );

    /// @notice The caller may not do this.
    error OnlyCaller(address expected, address caller);
    /// @notice The data are longer than MAX_DATA_LENGTH bytes.
    error DataTooLong(uint256 length);

    /// @notice Sends a message from the caller.
    /// @param target Account on L1 that is called.
    /// @param data Calldata of the call.
    /// @return messageHash Hash by which L1 knows the message.
    function sendMessage(address target, bytes calldata data) external returns (bytes32 messageHash) {
        if (data.length > MAX_DATA_LENGTH) revert DataTooLong(data.length);
        return _send(Kind.Call, msg.sender, target, 0, data);
    }

    /// @notice Records a withdrawal. Only MVM_Coinbase may call.
    /// @param sender Who withdraws.
    /// @param target Receiver on L1.
    /// @param value Wei of MT.
    /// @return messageHash Hash by which L1 knows the withdrawal.
    function sendWithdrawal(address sender, address target, uint256 value) external returns (bytes32 messageHash) {
        if (msg.sender != Predeploys.COINBASE) revert OnlyCaller(Predeploys.COINBASE, msg.sender);
        return _send(Kind.Withdrawal, sender, target, value, "");
    }

    /// @notice Hash of a message of this DAC.
    /// @param kind What it is.
    /// @param nonce_ Number of messages sent before it.
    /// @param sender Who sends it.
    /// @param target Receiver on L1.
    /// @param value Wei of MT.
    /// @param data Calldata.
    /// @return keccak256(abi.encode(kind, chainID, nonce, sender, target, value, keccak256(data))).
    function hashOf(Kind kind, uint256 nonce_, address sender, address target, uint256 value, bytes memory data)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(kind, block.chainid, nonce_, sender, target, value, keccak256(data)));
    }

    function _send(Kind kind, address sender, address target, uint256 value, bytes memory data)
        private
        returns (bytes32 messageHash)
    {
        uint256 nonce_ = nonce++;
        messageHash = hashOf(kind, nonce_, sender, target, value, data);
        sent[messageHash] = true;
        emit MessageSent(messageHash, sender, target, kind, nonce_, value, data);
    }
}

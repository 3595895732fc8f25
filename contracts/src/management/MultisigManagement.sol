// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MultiSignerERC7913} from "@openzeppelin/contracts/utils/cryptography/signers/MultiSignerERC7913.sol";

/// @title MultisigManagement: m of n signers manage the charter
/// @notice Management contract for a DAC. Signers are accounts (20 bytes of address; contracts by ERC-1271) or keys of
/// another kind (ERC-7913). Anybody may bring what enough of them signed.
contract MultisigManagement is EIP712, MultiSignerERC7913 {
    /// @notice EIP-712 type of what is signed.
    bytes32 public constant EXECUTION_TYPEHASH =
        keccak256("Execution(address target,bytes data,uint256 nonce,uint256 deadline)");

    /// @notice Number of calls made: the nonce of the next one.
    uint256 public nonce;

    /// @notice The signers' call was made.
    event Executed(uint256 indexed nonce, address indexed target, bytes data);

    /// @notice The deadline is over.
    error DeadlineOver(uint256 deadline);
    /// @notice Not enough signers signed this call with this nonce.
    error InvalidSignatures();
    /// @notice Only the signers may do this, by {execute}.
    error OnlyItself(address caller);

    modifier onlyItself() {
        if (msg.sender != address(this)) revert OnlyItself(msg.sender);
        _;
    }

    /// @param signers_ The signers, each once.
    /// @param threshold_ How many of them must sign, at least one.
    constructor(bytes[] memory signers_, uint64 threshold_)
        EIP712("MultisigManagement", "1")
        MultiSignerERC7913(signers_, threshold_)
    {}

    /// @notice Makes a call, of MVM_DACMaster or any other contract, that enough signers signed. Each signature is good for
    /// one call on one chain by one contract.
    /// @param target The contract, not an account without code.
    /// @param data Calldata.
    /// @param deadline Last second at which the call may be made.
    /// @param signature abi.encode(bytes[] signers, bytes[] signatures) of {digestOf}.
    /// @return What the call returns; if it reverts, so does this, and the nonce stays.
    function execute(address target, bytes calldata data, uint256 deadline, bytes calldata signature)
        external
        returns (bytes memory)
    {
        if (block.timestamp > deadline) revert DeadlineOver(deadline);
        if (!_rawSignatureValidation(digestOf(target, data, nonce, deadline), signature)) revert InvalidSignatures();
        emit Executed(nonce, target, data);
        nonce++;
        return Address.functionCall(target, data);
    }

    /// @notice Adds signers. Only the signers may, by {execute}.
    /// @param newSigners Signers who are none yet.
    function addSigners(bytes[] calldata newSigners) external onlyItself {
        _addSigners(newSigners);
    }

    /// @notice Removes signers. Only the signers may, by {execute}.
    /// @param oldSigners Signers; at least as many as the threshold must stay.
    function removeSigners(bytes[] calldata oldSigners) external onlyItself {
        _removeSigners(oldSigners);
    }

    /// @notice Changes how many must sign. Only the signers may, by {execute}.
    /// @param threshold_ At least one, at most all.
    function setThreshold(uint64 threshold_) external onlyItself {
        _setThreshold(threshold_);
    }

    /// @notice What is signed for a call.
    /// @param target The contract.
    /// @param data Calldata.
    /// @param nonce_ {nonce} at the time of the call.
    /// @param deadline Last second at which the call may be made.
    /// @return EIP-712 digest, bound to the chain and to this contract.
    function digestOf(address target, bytes calldata data, uint256 nonce_, uint256 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(EXECUTION_TYPEHASH, target, keccak256(data), nonce_, deadline)));
    }
}

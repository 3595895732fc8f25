// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "../../base/Vm.sol";
import {ProofPaths} from "../../proofs/ProofPaths.sol";

/// @notice Signs transactions of a DAC's chain, the plain way.
library TransactionBuilder {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice An encoded integer.
    function number(uint256 value) internal pure returns (bytes memory) {
        if (value == 0) return hex"80";
        uint256 size = 0;
        for (uint256 rest = value; rest != 0; rest >>= 8) {
            size++;
        }
        bytes memory digits = new bytes(size);
        for (; size != 0; value >>= 8) {
            digits[--size] = bytes1(uint8(value));
        }
        return ProofPaths.text(digits);
    }

    /// @notice An encoded transaction with a type.
    /// @param kind Its type.
    /// @param fields Its encoded fields up to the signature.
    /// @param key Private key that signs.
    function typed(uint256 kind, bytes memory fields, uint256 key) internal pure returns (bytes memory) {
        bytes memory head = abi.encodePacked(uint8(kind));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(bytes.concat(head, ProofPaths.list(fields))));
        bytes memory signature = bytes.concat(number(v - 27), number(uint256(r)), number(uint256(s)));
        return bytes.concat(head, ProofPaths.list(bytes.concat(fields, signature)));
    }

    /// @notice An encoded legacy transaction.
    /// @param fields Its six encoded fields before the signature.
    function legacy(bytes memory fields, uint256 chainId, uint256 key) internal pure returns (bytes memory) {
        bytes32 digest = keccak256(ProofPaths.list(bytes.concat(fields, number(chainId), hex"8080")));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes memory signature = bytes.concat(number(2 * chainId + 8 + v), number(uint256(r)), number(uint256(s)));
        return ProofPaths.list(bytes.concat(fields, signature));
    }

    /// @notice An encoded authorisation (EIP-7702).
    function authorization(uint256 chainId, address target, uint256 nonce, uint256 key)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory fields = bytes.concat(number(chainId), account(target), number(nonce));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(bytes.concat(hex"05", ProofPaths.list(fields))));
        return ProofPaths.list(bytes.concat(fields, number(v - 27), number(uint256(r)), number(uint256(s))));
    }

    /// @notice An encoded address.
    function account(address target) internal pure returns (bytes memory) {
        return ProofPaths.text(abi.encodePacked(target));
    }

    /// @notice The fields that all types have: gas limit, target, value, data.
    function call(uint256 gasLimit, address target, uint256 value, bytes memory data)
        internal
        pure
        returns (bytes memory)
    {
        return bytes.concat(number(gasLimit), account(target), number(value), ProofPaths.text(data));
    }
}

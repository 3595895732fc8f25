// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PeerKeys} from "../../src/PeerKeys.sol";
import {Vm} from "./Vm.sol";

/// @notice Makes real peer keys and their proofs out of secret scalars. For tests alone: secrets are public here.
library PeerSigner {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice The secret of an operator's peer key.
    function secretOf(address operator) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("peer", operator))) >> 8;
    }

    /// @notice The proof that an operator shows of a key to a registry.
    function proofOf(uint256 secret, address registry, address operator) internal view returns (PeerKeys.Proof memory) {
        Vm.Wallet memory wallet = vm.createWallet(secret);
        (bytes32 x, bytes32 y) = (bytes32(wallet.publicKeyX), bytes32(wallet.publicKeyY));
        bytes32 keyHash = keccak256(compressed(secret));
        bytes32 tag = keccak256("mvm/peer-possession/1");
        bytes32 digest = keccak256(abi.encodePacked(tag, block.chainid, registry, operator, keyHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return PeerKeys.Proof(x, y, r, bytes32(uint256(s) | uint256(v - 27) << 255));
    }

    /// @notice The peer id of a key.
    function peerIdOf(uint256 secret) internal view returns (bytes memory) {
        return bytes.concat(hex"002508021221", compressed(secret));
    }

    /// @notice The key in 33 bytes.
    function compressed(uint256 secret) internal view returns (bytes memory) {
        Vm.Wallet memory wallet = vm.createWallet(secret);
        return abi.encodePacked(wallet.publicKeyY % 2 == 0 ? bytes1(0x02) : bytes1(0x03), wallet.publicKeyX);
    }
}

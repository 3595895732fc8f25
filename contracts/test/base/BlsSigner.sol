// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../../src/BlsSignatures.sol";

/// @notice Makes real keys and signatures out of secret scalars, by the precompiles of EIP-2537. For tests alone: secrets
/// are public here.
library BlsSigner {
    /// @dev G1's generator, padded.
    bytes private constant GENERATOR =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";

    error ProductFailed(address precompile);

    /// @notice The key of a secret: its product with the generator, 96 bytes.
    function publicKeyOf(uint256 secret) internal view returns (bytes memory) {
        return _product(address(0x0c), GENERATOR, secret);
    }

    /// @notice The signature of a secret on a digest: its product with the digest's point, 192 bytes.
    function sign(uint256 secret, bytes32 digest) internal view returns (bytes memory) {
        bytes memory point = BlsSignatures.hashToG2(abi.encodePacked(digest), BlsSignatures.DOMAIN);
        return _product(address(0x0e), point, secret);
    }

    /// @dev Takes the 16 zero bytes before each coordinate away.
    function _product(address precompile, bytes memory point, uint256 scalar) private view returns (bytes memory bare) {
        (bool isDone, bytes memory product) = precompile.staticcall(abi.encodePacked(point, scalar));
        if (!isDone || product.length != point.length) revert ProductFailed(precompile);
        bare = new bytes(product.length / 64 * 48);
        for (uint256 i = 0; i < bare.length / 48; i++) {
            assembly ("memory-safe") {
                mcopy(add(bare, add(32, mul(i, 48))), add(product, add(48, mul(i, 64))), 48)
            }
        }
    }
}

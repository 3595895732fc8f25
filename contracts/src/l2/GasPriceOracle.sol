// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_ExecutionManager} from "./MVM_ExecutionManager.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title GasPriceOracle: what a transaction's data cost
/// @notice Predeployed on every DAC where tools of today's rollups look for it, with the functions that they call.
contract GasPriceOracle {
    /// @notice Decimals of {baseFeeScalar}.
    uint256 public constant decimals = 6;
    /// @notice Factor of the L1 base fee: 2.5, EIP-7623's floor over EIP-2028's gas.
    uint256 public constant baseFeeScalar = 2_500_000;

    /// @dev EIP-2028.
    uint256 private constant ZERO_BYTE_GAS = 4;
    uint256 private constant OTHER_BYTE_GAS = 16;
    /// @dev Bytes that a signature adds to an unsigned transaction.
    uint256 private constant SIGNATURE_LENGTH = 68;

    /// @notice Upper estimate of a transaction's L1 fee; the fee itself is that of the signed transaction's bytes.
    /// @param unsigned RLP of the unsigned transaction.
    /// @return Wei of MT.
    function getL1Fee(bytes calldata unsigned) external view returns (uint256) {
        return getL1GasUsed(unsigned) * l1BaseFee() * baseFeeScalar / 10 ** decimals;
    }

    /// @notice L1 gas of a transaction's bytes and of a signature.
    /// @param unsigned RLP of the unsigned transaction.
    /// @return gasUsed 4 for each zero byte, 16 for each other, 68 * 16 for the signature.
    function getL1GasUsed(bytes calldata unsigned) public pure returns (uint256 gasUsed) {
        gasUsed = SIGNATURE_LENGTH * OTHER_BYTE_GAS;
        for (uint256 i = 0; i < unsigned.length; i++) {
            gasUsed += unsigned[i] == 0 ? ZERO_BYTE_GAS : OTHER_BYTE_GAS;
        }
    }

    /// @notice Base fee of the L1 block that this block refers to.
    /// @return Wei of MT per L1 gas.
    function l1BaseFee() public view returns (uint256) {
        return MVM_ExecutionManager(Predeploys.EXECUTION_MANAGER).l1BaseFee();
    }

    /// @notice Base fee of this block.
    /// @return Wei of MT per gas.
    function baseFee() external view returns (uint256) {
        return block.basefee;
    }

    /// @notice The same as {baseFee}.
    /// @return Wei of MT per gas.
    function gasPrice() external view returns (uint256) {
        return block.basefee;
    }
}

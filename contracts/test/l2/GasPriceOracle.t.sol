// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

contract GasPriceOracleTest is DacTest {
    function setUp() public {
        deployPredeploys();
    }

    function l1BaseFeeIs(uint64 value) private {
        vm.prank(Predeploys.SYSTEM);
        executionManager.context(0, 0, value, 0, 0);
    }

    function test_anUnsignedTransactionPaysForItsBytesAndASignature(uint64 l1BaseFee, uint8 zeros, uint8 others)
        public
    {
        l1BaseFeeIs(l1BaseFee);
        bytes memory data = new bytes(uint256(zeros) + others);
        for (uint256 i = 0; i < others; i++) {
            data[i] = 0x01;
        }
        uint256 gas = 4 * uint256(zeros) + 16 * uint256(others) + 16 * 68;
        assertEq(oracle.getL1GasUsed(data), gas, "gas");
        assertEq(oracle.getL1Fee(data), gas * l1BaseFee * 5 / 2, "fee");
    }

    function test_theFeesAreTheBlocks(uint64 l1BaseFee, uint64 baseFee) public {
        l1BaseFeeIs(l1BaseFee);
        vm.fee(baseFee);
        assertEq(oracle.l1BaseFee(), l1BaseFee, "L1");
        assertEq(oracle.baseFee(), baseFee, "base fee");
        assertEq(oracle.gasPrice(), baseFee, "gas price");
        assertEq(oracle.baseFeeScalar(), 2_500_000, "scalar");
        assertEq(oracle.decimals(), 6, "decimals");
    }
}

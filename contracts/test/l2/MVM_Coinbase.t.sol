// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_Coinbase} from "../../src/l2/MVM_Coinbase.sol";
import {Test} from "../base/Test.sol";

contract MVM_CoinbaseTest is Test {
    function test_theSupplyIsSlotZero(uint256 supply) public {
        MVM_Coinbase coinbase = new MVM_Coinbase();
        vm.store(address(coinbase), bytes32(0), bytes32(supply));
        assertEq(coinbase.totalSupply(), supply, "supply");
    }
}

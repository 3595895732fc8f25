// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_AddressTable} from "../../src/l2/MVM_AddressTable.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

contract MVM_AddressTableTest is DacTest {
    function setUp() public {
        deployPredeploys();
        found(plainCharter());
    }

    function settle(address[] memory seen) private {
        vm.prank(Predeploys.SYSTEM);
        executionManager.settle(METIS_DAO, 0, new address[](0), 0, seen);
    }

    function test_settleEntersAddressesInTheirOrderEachOnce() public {
        settle(accounts(100, 3));
        address[] memory seen = new address[](4);
        (seen[0], seen[1], seen[2], seen[3]) = (address(101), address(7), address(0), address(7));
        settle(seen);
        assertEq(addressTable.count(), 5, "count");
        for (uint256 i = 0; i < 3; i++) {
            assertEq(addressTable.indexPlusOne(address(uint160(100 + i))), i + 1, "first settle");
        }
        assertEq(addressTable.indexPlusOne(address(7)), 4, "new");
        assertEq(addressTable.indexPlusOne(address(0)), 5, "zero is an address");
        assertEq(addressTable.indexPlusOne(address(8)), 0, "unknown");
    }

    function test_theIndexesAreSlotZeroAndTheCountSlotOne(address account, uint256 index, uint256 count) public {
        vm.store(Predeploys.ADDRESS_TABLE, keccak256(abi.encode(account, 0)), bytes32(index));
        vm.store(Predeploys.ADDRESS_TABLE, bytes32(uint256(1)), bytes32(count));
        assertEq(addressTable.indexPlusOne(account), index, "index");
        assertEq(addressTable.count(), count, "count");
    }

    function test_onlyTheExecutionManagerAppends(address caller) public {
        vm.assume(caller != Predeploys.EXECUTION_MANAGER);
        vm.prank(caller);
        vm.expectRevert(
            abi.encodeWithSelector(MVM_AddressTable.OnlyCaller.selector, Predeploys.EXECUTION_MANAGER, caller)
        );
        addressTable.append(accounts(1, 1));
    }

    function test_aSettleEntersAsManyAsABlockMayWithinATransactionsGasAndNoMore() public {
        uint256 before = gasleft();
        settle(accounts(1, 256));
        assertTrue(before - gasleft() <= TRANSACTION_GAS, "gas");
        assertEq(addressTable.count(), 256, "count");
        vm.prank(Predeploys.SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(MVM_AddressTable.TooManyAddresses.selector, 257));
        executionManager.settle(METIS_DAO, 0, new address[](0), 0, accounts(1, 257));
    }
}

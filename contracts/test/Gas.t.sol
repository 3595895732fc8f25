// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Operation, Permission} from "../src/CharterRules.sol";
import {Predeploys} from "../src/l2/Predeploys.sol";
import {RollupChain} from "../src/RollupChain.sol";
import {StakedRegistry} from "../src/StakedRegistry.sol";
import {DacTest} from "./base/DacTest.sol";
import {NetworkTest} from "./base/NetworkTest.sol";

/// @notice One action a test, with fixed arguments: what contracts/.gas-snapshot is taken of.
contract GasTest is NetworkTest {
    uint256 private constant OPERATORS = 40;
    address private constant USER = address(0xA11CE);

    uint256 private chainId;
    RollupChain.BatchHeader private empty;
    RollupChain.BatchHeader private full;

    function setUp() public {
        deployNetwork();
        chainId = comco.createDac("alpha", charter());
        for (uint256 i = 0; i < OPERATORS; i++) {
            registerOperator(sequencerPool, address(uint160(0x10000 + i)), MIN_STAKE);
        }
        token.transfer(USER, 2 * MIN_STAKE);
        vm.prank(USER);
        token.approve(address(bridge), MIN_STAKE);
        vm.prank(USER);
        token.approve(address(providerRegistry), MIN_STAKE);
        empty = header("");
        full = header(new bytes(98_304));
    }

    function header(bytes memory data) private view returns (RollupChain.BatchHeader memory) {
        uint64 slot = rollup.currentSlot();
        return RollupChain.BatchHeader({
            chainId: chainId,
            generation: 0,
            index: 0,
            previousBatchHash: rollup.headOf(chainId).lastBatchHash,
            firstBlock: 1,
            lastBlock: 5,
            dataHash: keccak256(data),
            blocksRoot: keccak256("blocks"),
            transactionsRoot: keccak256("transactions"),
            queueEnd: 0,
            slot: slot,
            poster: rollup.sequencerOf(chainId, slot),
            epochBlock: uint64(block.number)
        });
    }

    function test_gasOfCreateDac() public {
        comco.createDac("beta", charter());
    }

    function test_gasOfDepositMT() public {
        vm.prank(USER);
        bridge.depositMT(chainId, USER, MIN_STAKE);
    }

    function test_gasOfRegister() public {
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, USER);
        vm.prank(USER);
        providerRegistry.register(own, MIN_STAKE);
    }

    function test_gasOfTheFirstOf40Leaving() public {
        vm.prank(address(0x10000));
        sequencerPool.requestExit();
    }

    function test_gasOfAppendBatchWithoutData() public {
        vm.prank(empty.poster);
        rollup.appendBatch(empty, "");
    }

    function test_gasOfAppendBatchWith96KiB() public {
        vm.prank(full.poster);
        rollup.appendBatch(full, new bytes(98_304));
    }
}

/// @notice What system transactions cost on a DAC.
contract SystemGasTest is DacTest {
    bytes private largest;
    address[] private providers;

    function setUp() public {
        deployPredeploys();
        largest = abi.encode(largestCharter());
        providers = accounts(0x20000, 9);
        vm.deal(Predeploys.EXECUTION_MANAGER, 1 ether);
    }

    function test_gasOfFoundingTheLargestCharter() public {
        bytes memory charter = largest;
        vm.prank(Predeploys.SYSTEM);
        uint256 before = gasleft();
        dacMaster.found(charter, METIS_DAO);
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
    }

    function test_gasOfContext() public {
        vm.prank(Predeploys.SYSTEM);
        executionManager.context(1, 2, 3, 4, 5);
    }

    function test_gasOfSettleWith9Providers() public {
        vm.prank(Predeploys.SYSTEM);
        executionManager.settle(MANAGEMENT, providers, 0.1 ether);
    }
}

/// @notice What the dearest changes of a charter cost: those of a rule with as many addresses as it may have.
contract ChangeGasTest is DacTest {
    bytes1 private constant FULL = 0xf0;

    function setUp() public {
        deployPredeploys();
        found(plainCharter());
        addRule(Operation.Deny, FULL, accounts(0x10000, 256));
        for (uint256 i = 1; i < 4; i++) {
            vm.prank(MANAGEMENT);
            dacMaster.addAddresses(Operation.Deny, FULL, accounts(0x10000 + 256 * i, 256));
        }
    }

    function test_gasOfRemovingTheLargestRule() public {
        vm.prank(MANAGEMENT);
        uint256 before = gasleft();
        dacMaster.removeRule(Operation.Deny, FULL);
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
    }

    function test_gasOfRemovingTheFirstOfTheLargestRule() public {
        vm.prank(MANAGEMENT);
        uint256 before = gasleft();
        dacMaster.removeAddresses(Operation.Deny, FULL, accounts(0x10000, 1));
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
    }

    function test_gasOfAddingARuleWith256Addresses() public {
        vm.prank(MANAGEMENT);
        uint256 before = gasleft();
        dacMaster.addRule(Permission(accounts(0x10000, 256), Operation.Deny, 0xf1));
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
    }
}

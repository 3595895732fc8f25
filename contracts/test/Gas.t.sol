// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RollupChain} from "../src/RollupChain.sol";
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
        vm.prank(USER);
        providerRegistry.register(registration(), MIN_STAKE);
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

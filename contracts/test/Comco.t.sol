// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Comco} from "../src/Comco.sol";
import {DacRegistry} from "../src/DacRegistry.sol";
import {NetworkTest} from "./base/NetworkTest.sol";

contract ComcoTest is NetworkTest {
    function setUp() public {
        deployNetwork();
    }

    function test_aRegistryOfAnotherComcoIsRefused(address other) public {
        DacRegistry foreign = new DacRegistry(other);
        vm.assume(other != vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        vm.expectRevert(abi.encodeWithSelector(Comco.RegistryOfAnother.selector, other));
        new Comco(foreign);
    }

    function test_theGenesisHashBindsL1ComcoChainLabelAndCharter(address creator, string calldata vision) public {
        vm.assume(bytes(vision).length <= comco.MAX_STATEMENT_LENGTH());
        Comco.Charter memory own = Comco.Charter(vision, "mission", creator);
        uint256 chainId = comco.chainIdBase();
        bytes32 genesisHash = keccak256(
            abi.encode(block.chainid, address(comco), chainId, keccak256("alpha"), keccak256(abi.encode(own)))
        );
        vm.expectEmit(true, true, false, true, address(comco));
        emit Comco.DacCreated(chainId, "alpha", creator, genesisHash, abi.encode(own));
        vm.prank(creator);
        assertEq(comco.createDac("alpha", own), chainId, "chainId");
        DacRegistry.DacRecord memory record = registry.recordOf(chainId);
        assertEq(record.genesisHash, genesisHash, "genesis");
        assertEq(record.creator, creator, "creator");
        assertEq(record.management, creator, "management");
    }

    function test_thePreviewIsWhatCreationGives(uint8 before) public {
        for (uint256 i = 0; i < before % 8; i++) {
            comco.createDac(string(abi.encodePacked("dac", bytes1(uint8(0x61 + i)))), charter());
        }
        (uint256 chainId, bytes32 genesisHash) = comco.previewDac("alpha", charter());
        assertEq(comco.createDac("alpha", charter()), chainId, "chainId");
        assertEq(registry.recordOf(chainId).genesisHash, genesisHash, "genesis");
        assertEq(chainId, comco.chainIdBase() + before % 8, "sequential");
    }

    function test_chainIdsStayBetweenFloorAndBound(address deployer) public {
        vm.assume(deployer > address(0x1000) && deployer.code.length == 0);
        address predicted = vm.computeCreateAddress(deployer, vm.getNonce(deployer) + 1);
        vm.prank(deployer);
        DacRegistry own = new DacRegistry(predicted);
        vm.prank(deployer);
        Comco other = new Comco(own);
        assertTrue(other.chainIdBase() >= other.CHAIN_ID_FLOOR(), "floor");
        assertTrue(other.chainIdBase() + other.MAX_DACS() <= other.CHAIN_ID_BOUND(), "bound");
    }

    function test_noChainIdBeyondTheLast() public {
        vm.store(address(comco), bytes32(0), bytes32(comco.MAX_DACS() - 1));
        assertTrue(comco.createDac("last", charter()) < comco.CHAIN_ID_BOUND(), "last");
        vm.expectRevert(abi.encodeWithSelector(Comco.NoChainIdLeft.selector));
        comco.createDac("one-more", charter());
    }

    function test_statementsAreBounded(uint256 excess) public {
        uint256 length = comco.MAX_STATEMENT_LENGTH() + between(excess, 1, 1000);
        Comco.Charter memory long = charter();
        long.vision = string(new bytes(length));
        vm.expectRevert(abi.encodeWithSelector(Comco.StatementTooLong.selector, length));
        comco.createDac("alpha", long);
        long = charter();
        long.mission = string(new bytes(length));
        vm.expectRevert(abi.encodeWithSelector(Comco.StatementTooLong.selector, length));
        comco.createDac("alpha", long);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Charter, CharterRules, Permission, TaxBracket} from "../src/CharterRules.sol";
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
        new Comco(foreign, METIS_DAO);
    }

    function test_comcoHasAMetisDao() public {
        DacRegistry own = new DacRegistry(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1));
        vm.expectRevert(abi.encodeWithSelector(Comco.ZeroMetisDao.selector));
        new Comco(own, address(0));
    }

    function test_theGenesisHashBindsL1ComcoChainLabelCharterAndMetisDao(
        address creator,
        string calldata vision,
        uint16 rate
    ) public {
        vm.assume(bytes(vision).length <= CharterRules.MAX_STATEMENT_LENGTH);
        Charter memory own = Charter(vision, "mission", new Permission[](1), new TaxBracket[](0), creator);
        own.permissions[0].opcode = 0xf0;
        own.taxRates = new TaxBracket[](1);
        own.taxRates[0].rate = rate % 10_001;
        uint256 chainId = comco.chainIdBase();
        bytes32 charterHash = keccak256(abi.encode(own));
        bytes32 genesisHash =
            keccak256(abi.encode(block.chainid, address(comco), chainId, keccak256("alpha"), charterHash, METIS_DAO));
        vm.expectEmit(true, true, false, true, address(comco));
        emit Comco.DacCreated(chainId, "alpha", creator, genesisHash, abi.encode(own), METIS_DAO);
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
        Comco other = new Comco(own, METIS_DAO);
        assertTrue(other.chainIdBase() >= other.CHAIN_ID_FLOOR(), "floor");
        assertTrue(other.chainIdBase() + other.MAX_DACS() <= other.CHAIN_ID_BOUND(), "bound");
    }

    function test_noChainIdBeyondTheLast() public {
        vm.store(address(comco), bytes32(0), bytes32(comco.MAX_DACS() - 1));
        assertTrue(comco.createDac("last", charter()) < comco.CHAIN_ID_BOUND(), "last");
        vm.expectRevert(abi.encodeWithSelector(Comco.NoChainIdLeft.selector));
        comco.createDac("one-more", charter());
    }

    function test_aCharterWithAFaultIsRefusedBeforeAnythingElse() public {
        Charter memory faulty = charter();
        faulty.permissions = new Permission[](1);
        faulty.permissions[0].opcode = 0xfe;
        bytes memory fault = abi.encodeWithSelector(CharterRules.UnknownOpcode.selector, bytes1(0xfe));
        vm.expectRevert(fault);
        comco.previewDac("not a label", faulty);
        vm.expectRevert(fault);
        comco.createDac("not a label", faulty);
        assertEq(comco.dacCount(), 0, "none created");
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Charter, CharterRules, Permission, TaxBracket} from "../src/CharterRules.sol";
import {Comco} from "../src/Comco.sol";
import {DacRegistry} from "../src/DacRegistry.sol";
import {NetworkTest} from "./base/NetworkTest.sol";

contract ComcoTest is NetworkTest {
    address private constant CREATOR = address(0xC3EA702);

    function setUp() public {
        deployNetwork();
    }

    /// @dev In force two epochs later.
    function setFee(uint256 fee) private {
        bytes32 name = parameters.LABEL_FEE();
        vm.prank(METIS_DAO);
        parameters.set(name, fee);
        vm.roll(block.number + 2 * EPOCH_BLOCKS);
    }

    /// @dev The label's fee in the creator's hands, and approved.
    function pay(address creator) private {
        token.transfer(creator, LABEL_FEE);
        vm.prank(creator);
        token.approve(address(comco), LABEL_FEE);
    }

    function test_aRegistryOfAnotherComcoIsRefused(address other) public {
        DacRegistry foreign = new DacRegistry(other);
        vm.assume(other != vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        vm.expectRevert(abi.encodeWithSelector(Comco.RegistryOfAnother.selector, other));
        new Comco(foreign, METIS_DAO, token, parameters);
    }

    function test_comcoHasAMetisDao() public {
        DacRegistry own = new DacRegistry(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1));
        vm.expectRevert(abi.encodeWithSelector(Comco.ZeroMetisDao.selector));
        new Comco(own, address(0), token, parameters);
    }

    function test_theGenesisHashBindsL1ComcoChainLabelCharterMetisDaoAndStorage(
        address creator,
        string calldata vision,
        uint16 rate,
        uint32 units
    ) public {
        units = uint32(between(units, 1, comco.MAX_STORAGE_UNITS()));
        vm.assume(bytes(vision).length <= CharterRules.MAX_STATEMENT_LENGTH);
        Charter memory own = Charter(vision, "mission", new Permission[](1), new TaxBracket[](0), creator);
        own.permissions[0].opcode = 0xf0;
        own.taxRates = new TaxBracket[](1);
        own.taxRates[0].rate = rate % 10_001;
        uint256 chainId = comco.chainIdBase();
        bytes32 charterHash = keccak256(abi.encode(own));
        bytes32 genesisHash = keccak256(
            abi.encode(block.chainid, address(comco), chainId, keccak256("alpha"), charterHash, METIS_DAO, units)
        );
        vm.assume(creator != address(0) && creator != parameters.treasury());
        pay(creator);
        vm.expectEmit(true, true, false, true, address(comco));
        emit Comco.DacCreated(chainId, "alpha", creator, genesisHash, abi.encode(own), METIS_DAO, units);
        vm.prank(creator);
        assertEq(comco.createDac("alpha", own, units), chainId, "chainId");
        DacRegistry.DacRecord memory record = registry.recordOf(chainId);
        assertEq(record.genesisHash, genesisHash, "genesis");
        assertEq(record.creator, creator, "creator");
        assertEq(record.management, creator, "management");
    }

    function test_thePreviewIsWhatCreationGives(uint8 before) public {
        for (uint256 i = 0; i < before % 8; i++) {
            createDac(string(abi.encodePacked("dac", bytes1(uint8(0x61 + i)))));
        }
        (uint256 chainId, bytes32 genesisHash) = comco.previewDac("alpha", charter(), STORAGE_UNITS);
        assertEq(createDac("alpha"), chainId, "chainId");
        assertEq(registry.recordOf(chainId).genesisHash, genesisHash, "genesis");
        assertEq(chainId, comco.chainIdBase() + before % 8, "sequential");
    }

    function test_chainIdsStayBetweenFloorAndBound(address deployer) public {
        vm.assume(deployer > address(0x1000) && deployer.code.length == 0);
        address predicted = vm.computeCreateAddress(deployer, vm.getNonce(deployer) + 1);
        vm.prank(deployer);
        DacRegistry own = new DacRegistry(predicted);
        vm.prank(deployer);
        Comco other = new Comco(own, METIS_DAO, token, parameters);
        assertTrue(other.chainIdBase() >= other.CHAIN_ID_FLOOR(), "floor");
        assertTrue(other.chainIdBase() + other.MAX_DACS() <= other.CHAIN_ID_BOUND(), "bound");
    }

    function test_noChainIdBeyondTheLast() public {
        vm.store(address(comco), bytes32(0), bytes32(comco.MAX_DACS() - 1));
        assertTrue(createDac("last") < comco.CHAIN_ID_BOUND(), "last");
        vm.expectRevert(abi.encodeWithSelector(Comco.NoChainIdLeft.selector));
        comco.createDac("one-more", charter(), STORAGE_UNITS);
    }

    function test_aCharterWithAFaultIsRefusedBeforeAnythingElse() public {
        Charter memory faulty = charter();
        faulty.permissions = new Permission[](1);
        faulty.permissions[0].opcode = 0xfe;
        bytes memory fault = abi.encodeWithSelector(CharterRules.UnknownOpcode.selector, bytes1(0xfe));
        vm.expectRevert(fault);
        comco.previewDac("not a label", faulty, STORAGE_UNITS);
        vm.expectRevert(fault);
        comco.createDac("not a label", faulty, STORAGE_UNITS);
        assertEq(comco.dacCount(), 0, "none created");
    }

    function test_aDacRequestsStorageWithinBounds(uint32 units) public {
        if (units >= 1 && units <= 1024) units = units % 2 == 0 ? 0 : units + 1024;
        vm.expectRevert(abi.encodeWithSelector(Comco.InvalidStorageUnits.selector, units));
        comco.createDac("alpha", charter(), units);
    }

    function test_theLabelsFeeGoesFromTheCreatorToTheTreasury(uint256 fee) public {
        fee = between(fee, 1, 100_000 ether);
        setFee(fee);
        uint256 before = token.balanceOf(parameters.treasury());
        token.transfer(CREATOR, fee);
        vm.prank(CREATOR);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(comco), 0, fee)
        );
        comco.createDac("alpha", charter(), STORAGE_UNITS);
        vm.prank(CREATOR);
        token.approve(address(comco), fee);
        vm.prank(CREATOR);
        comco.createDac("alpha", charter(), STORAGE_UNITS);
        assertEq(token.balanceOf(parameters.treasury()) - before, fee, "treasury");
        assertEq(token.balanceOf(CREATOR), 0, "creator");
    }

    function test_aFeeThatRoseMeanwhileTakesNoMoreThanWasApproved(uint256 fee, uint256 approved) public {
        fee = between(fee, 1, 100_000 ether);
        approved = between(approved, 0, fee - 1);
        setFee(fee);
        token.approve(address(comco), approved);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(comco), approved, fee)
        );
        comco.createDac("alpha", charter(), STORAGE_UNITS);
        assertEq(comco.dacCount(), 0, "none created");
    }

    function test_aPermitPaysTheFeeEvenIfSomebodyElseHasUsedIt(uint256 key, bool used) public {
        key = between(key, 1, 2 ** 250);
        uint256 fee = 5 ether;
        setFee(fee);
        address creator = vm.addr(key);
        token.transfer(creator, fee);
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typeHash, creator, address(comco), fee, 0, block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        if (used) token.permit(creator, address(comco), fee, block.timestamp, v, r, s);
        vm.prank(creator);
        comco.createDacWithPermit("alpha", charter(), STORAGE_UNITS, Comco.Permit(fee, block.timestamp, v, r, s));
        assertEq(token.balanceOf(parameters.treasury()), fee, "treasury");
        assertEq(comco.dacCount(), 1, "created");
    }
}

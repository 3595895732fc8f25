// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SequencerPool} from "../src/SequencerPool.sol";
import {StakedRegistry} from "../src/StakedRegistry.sol";
import {NetworkTest} from "./base/NetworkTest.sol";

/// @notice Properties of the three staked registries, shown on the pool of sequencers (they share their code).
contract StakedRegistryTest is NetworkTest {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function setUp() public {
        deployNetwork();
    }

    function accountOf(uint256 i) private pure returns (address) {
        return address(uint160(0x10000 + i));
    }

    function test_registeringPullsTheStakeAndGivesTheNextIndex(uint256 stake, uint8 others) public {
        stake = between(stake, MIN_STAKE, SUPPLY / 2);
        others = others % 5;
        for (uint256 i = 0; i < others; i++) {
            registerOperator(sequencerPool, accountOf(i), MIN_STAKE);
        }
        address operator = accountOf(others);
        token.transfer(operator, stake);
        vm.prank(operator);
        token.approve(address(sequencerPool), stake);
        StakedRegistry.Registration memory own = registration();
        vm.expectEmit(true, true, false, true, address(sequencerPool));
        emit StakedRegistry.Registered(others, operator, stake, own.blsPublicKey, own.peerId, own.multiaddr);
        vm.prank(operator);
        assertEq(sequencerPool.register(own, stake), others, "index");
        assertEq(token.balanceOf(operator), 0, "paid");
        assertEq(token.balanceOf(address(sequencerPool)), stake + others * MIN_STAKE, "held");
        StakedRegistry.Operator memory stored = sequencerPool.operatorAt(others);
        assertEq(stored.account, operator, "account");
        assertEq(stored.stake, stake, "stake");
        assertEq(stored.blsPublicKey, own.blsPublicKey, "key");
        assertEq(stored.peerId, own.peerId, "peer");
        assertEq(stored.multiaddr, own.multiaddr, "address");
        assertEq(sequencerPool.indexOf(operator), others, "indexOf");
        assertEq(sequencerPool.count(), uint256(others) + 1, "count");
        assertEq(sequencerPool.activeCount(), uint256(others) + 1, "active");
    }

    function signPermit(uint256 key, uint256 value) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 structHash =
            keccak256(abi.encode(PERMIT_TYPEHASH, vm.addr(key), address(sequencerPool), value, 0, block.timestamp));
        return vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
    }

    function test_aPermitReplacesTheApproval(uint256 key, bool usedBefore) public {
        key = between(key, 1, 2 ** 250);
        address operator = vm.addr(key);
        token.transfer(operator, MIN_STAKE);
        (uint8 v, bytes32 r, bytes32 s) = signPermit(key, MIN_STAKE);
        if (usedBefore) token.permit(operator, address(sequencerPool), MIN_STAKE, block.timestamp, v, r, s);
        vm.prank(operator);
        sequencerPool.registerWithPermit(registration(), MIN_STAKE, block.timestamp, v, r, s);
        assertEq(sequencerPool.totalStake(), MIN_STAKE, "stake");
    }

    function test_aStakeBelowTheMinimumIsRefused(uint256 stake) public {
        stake = between(stake, 0, MIN_STAKE - 1);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.StakeTooSmall.selector, stake, MIN_STAKE));
        sequencerPool.register(registration(), stake);
    }

    function test_keysAndAddressesHaveTheirLengths(uint256 size) public {
        StakedRegistry.Registration memory wrong = registration();
        uint256 length = between(size, 0, 200);
        vm.assume(length != 48);
        wrong.blsPublicKey = new bytes(length);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.InvalidBlsPublicKey.selector, length));
        sequencerPool.register(wrong, MIN_STAKE);

        wrong = registration();
        length = size % 5 == 0 ? 0 : between(size, 65, 400);
        wrong.peerId = new bytes(length);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.InvalidPeerId.selector, length));
        sequencerPool.register(wrong, MIN_STAKE);

        wrong = registration();
        length = size % 5 == 0 ? 0 : between(size, 257, 800);
        wrong.multiaddr = new bytes(length);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.InvalidMultiaddr.selector, length));
        sequencerPool.register(wrong, MIN_STAKE);
    }

    function test_anAccountRegistersOnceUntilItsStakeIsBack(uint64 early) public {
        address operator = accountOf(0);
        registerOperator(sequencerPool, operator, MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.AlreadyRegistered.selector, operator, 0));
        vm.prank(operator);
        sequencerPool.register(registration(), MIN_STAKE);

        vm.prank(operator);
        sequencerPool.requestExit();
        uint64 unlocksAt = uint64(block.timestamp) + UNBONDING;
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.AlreadyRegistered.selector, operator, 0));
        vm.prank(operator);
        sequencerPool.register(registration(), MIN_STAKE);

        vm.warp(between(early, block.timestamp, unlocksAt - 1));
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.StillUnbonding.selector, unlocksAt));
        vm.prank(operator);
        sequencerPool.withdrawStake();

        vm.warp(unlocksAt);
        vm.expectEmit(true, true, false, true, address(sequencerPool));
        emit StakedRegistry.StakeWithdrawn(0, operator, MIN_STAKE);
        vm.prank(operator);
        sequencerPool.withdrawStake();
        assertEq(token.balanceOf(operator), MIN_STAKE, "back");
        assertEq(sequencerPool.totalStake(), 0, "total");
        assertEq(registerOperator(sequencerPool, operator, MIN_STAKE), 1, "a new index");
        assertTrue(sequencerPool.operatorAt(0).status == StakedRegistry.OperatorStatus.Withdrawn, "the old one stays");
    }

    function test_onlyTheRegisteredActInTheirOrder(address stranger) public {
        bytes memory unknown = abi.encodeWithSelector(StakedRegistry.NotRegistered.selector, stranger);
        vm.expectRevert(unknown);
        vm.prank(stranger);
        sequencerPool.updateAddress(hex"01", hex"02");
        vm.expectRevert(unknown);
        vm.prank(stranger);
        sequencerPool.requestExit();
        vm.expectRevert(unknown);
        vm.prank(stranger);
        sequencerPool.withdrawStake();

        address operator = accountOf(0);
        registerOperator(sequencerPool, operator, MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.NotExiting.selector, 0));
        vm.prank(operator);
        sequencerPool.withdrawStake();
        vm.prank(operator);
        sequencerPool.requestExit();
        bytes memory inactive = abi.encodeWithSelector(StakedRegistry.NotActive.selector, 0);
        vm.expectRevert(inactive);
        vm.prank(operator);
        sequencerPool.requestExit();
        vm.expectRevert(inactive);
        vm.prank(operator);
        sequencerPool.updateAddress(hex"01", hex"02");
    }

    function test_anAddressIsReplaced(bytes32 peer, bytes32 network) public {
        address operator = accountOf(0);
        registerOperator(sequencerPool, operator, MIN_STAKE);
        vm.expectEmit(true, true, false, true, address(sequencerPool));
        emit StakedRegistry.AddressUpdated(0, operator, abi.encode(peer), abi.encode(network));
        vm.prank(operator);
        sequencerPool.updateAddress(abi.encode(peer), abi.encode(network));
        assertEq(sequencerPool.operatorAt(0).peerId, abi.encode(peer), "peer");
        assertEq(sequencerPool.operatorAt(0).multiaddr, abi.encode(network), "address");
    }

    /// @dev Exits are the set bits of `exits`, in an order that `salt` gives.
    function test_exitsLeaveTheOthersInOrder(uint16 exits, uint256 salt) public {
        uint256 size = 12;
        for (uint256 i = 0; i < size; i++) {
            registerOperator(sequencerPool, accountOf(i), MIN_STAKE);
        }
        bool[12] memory gone;
        for (uint256 round = 0; round < size; round++) {
            uint256 pick = (round * 5 + salt % 12) % size;
            if (exits & (1 << pick) == 0) continue;
            vm.prank(accountOf(pick));
            sequencerPool.requestExit();
            gone[pick] = true;
        }
        uint256[] memory active = sequencerPool.activePage(0, 100);
        uint256 position = 0;
        for (uint256 i = 0; i < size; i++) {
            if (gone[i]) continue;
            assertEq(active[position], i, "order");
            assertEq(sequencerPool.activeAt(position), accountOf(i), "account");
            position++;
        }
        assertEq(sequencerPool.activeCount(), position, "count");
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.UnknownIndex.selector, position));
        sequencerPool.activeAt(position);
    }

    function test_pagesAreBoundedAndEndWithTheList(uint256 from, uint256 limit) public {
        for (uint256 i = 0; i < 3; i++) {
            registerOperator(sequencerPool, accountOf(i), MIN_STAKE);
        }
        from = between(from, 0, 5);
        if (limit > 100) {
            vm.expectRevert(abi.encodeWithSelector(StakedRegistry.PageTooLarge.selector, limit));
            sequencerPool.page(from, limit);
            vm.expectRevert(abi.encodeWithSelector(StakedRegistry.PageTooLarge.selector, limit));
            sequencerPool.activePage(from, limit);
            limit = limit % 100;
        }
        uint256 left = from < 3 ? 3 - from : 0;
        uint256 size = limit < left ? limit : left;
        StakedRegistry.Operator[] memory operators = sequencerPool.page(from, limit);
        assertEq(operators.length, size, "page");
        assertEq(sequencerPool.activePage(from, limit).length, size, "active page");
        for (uint256 i = 0; i < size; i++) {
            assertEq(operators[i].account, accountOf(from + i), "account");
        }
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.UnknownIndex.selector, 3));
        sequencerPool.operatorAt(3);
    }

    function test_maxActiveIsBounded(uint32 maxActive) public {
        vm.assume(maxActive == 0 || maxActive > 4096);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.InvalidMaxActive.selector, maxActive));
        new SequencerPool(token, StakedRegistry.StakeParameters(MIN_STAKE, UNBONDING, maxActive));
    }

    function test_aFullListTakesNobodyUntilSomebodyLeaves() public {
        SequencerPool small = new SequencerPool(token, StakedRegistry.StakeParameters(MIN_STAKE, UNBONDING, 2));
        registerOperator(small, accountOf(0), MIN_STAKE);
        registerOperator(small, accountOf(1), MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.RegistryFull.selector));
        vm.prank(accountOf(2));
        small.register(registration(), MIN_STAKE);
        vm.prank(accountOf(0));
        small.requestExit();
        assertEq(registerOperator(small, accountOf(2), MIN_STAKE), 2, "index");
    }
}

/// @notice The dearest exit: the first of as many operators as a registry may have.
contract FullRegistryTest is NetworkTest {
    function setUp() public {
        deployNetwork();
        for (uint256 i = 0; i < 4096; i++) {
            registerOperator(sequencerPool, address(uint160(0x10000 + i)), MIN_STAKE);
        }
    }

    function test_theFirstOfAFullRegistryCanLeaveInOneTransaction() public {
        vm.prank(address(0x10000));
        uint256 before = gasleft();
        sequencerPool.requestExit();
        assertTrue(before - gasleft() < 16_777_216 - 21_000, "EIP-7825");
        assertEq(sequencerPool.activeAt(4094), address(0x10000 + 4095), "last");
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {BridgeDeposits} from "../../src/bridge/BridgeDeposits.sol";
import {Inbox} from "../../src/Inbox.sol";
import {QueueItem, QueueKind} from "../../src/interfaces/IInbox.sol";
import {L1Bridge} from "../../src/L1Bridge.sol";
import {RollupTest} from "../base/RollupTest.sol";

/// @notice Deposits and messages where two sequencers have to cover a DAC: of 16,384, 4,096 and 2,048 MT, which are stakes
/// of the grid, so that exactly 4,096 MT are admitted.
/// forge-config: default.fuzz.runs = 64
contract BridgeDepositsTest is RollupTest {
    uint256 private constant LIMIT = 4096 ether;

    uint256 private chain;
    uint256 private other;
    address private second;

    function setUp() public {
        deployRollup(0, 0);
        bytes32 name = parameters.MIN_ELIGIBLE();
        vm.prank(METIS_DAO);
        parameters.set(name, 2);
        enrol(0, 4 * LIMIT);
        second = enrol(1, LIMIT);
        enrol(2, LIMIT / 2);
        passEpochs(3);
        chain = createDac("alpha");
        other = createDac("beta");
    }

    function deposit(uint256 amount) private returns (bool held, uint256 index) {
        return depositFrom(USER, chain, amount);
    }

    function test_aDepositIsLockedAndQueued(address to, uint256 amount) public {
        vm.assume(to != address(0));
        amount = between(amount, 1, LIMIT);
        token.transfer(USER, amount);
        vm.prank(USER);
        token.approve(address(bridge), amount);
        vm.expectEmit(true, true, true, true, address(bridge));
        emit BridgeDeposits.Deposited(chain, 0, USER, amount);
        vm.prank(USER);
        (bool held, uint256 index) = bridge.depositMT(chain, to, amount);
        assertTrue(!held && index == 0, "queued");
        QueueItem memory item = itemOf(chain, 0);
        assertTrue(item.kind == QueueKind.DepositMT, "kind");
        assertEq(item.from, USER, "from");
        assertEq(item.to, to, "to");
        assertEq(item.mint, amount, "mint");
        assertEq(bridge.lockedMT(chain), amount, "locked");
        assertEq(token.balanceOf(address(bridge)), amount, "held");
        assertEq(bonds.threshold(chain), (amount + 1 ether - 1) / 1 ether * 1 ether, "threshold at once");
    }

    function test_anUnknownChainNothingAndNobodyAreRefused(uint256 unknown, uint256 amount) public {
        vm.assume(unknown != chain && unknown != other);
        amount = between(amount, 1, 2 * LIMIT);
        bytes4 selector = amount > LIMIT ? BridgeDeposits.UnknownChain.selector : Inbox.UnknownChain.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, unknown));
        bridge.depositMT(unknown, USER, amount);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.ZeroAmount.selector));
        bridge.depositMT(chain, USER, 0);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.ZeroReceiver.selector));
        bridge.depositMT(chain, address(0), amount);
    }

    function test_moneyThatIsNotAllowedIsNotTaken(uint256 amount) public {
        amount = between(amount, 1, 2 * LIMIT);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(bridge), 0, amount)
        );
        vm.prank(USER);
        bridge.depositMT(chain, USER, amount);
    }

    function test_aPermitPaysEvenIfSomebodyElseHasUsedIt(uint256 key, bool used) public {
        key = between(key, 1, 2 ** 250);
        address owner = vm.addr(key);
        uint256 amount = 5 ether;
        token.transfer(owner, amount);
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typeHash, owner, address(bridge), amount, 0, block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        if (used) token.permit(owner, address(bridge), amount, block.timestamp, v, r, s);
        vm.prank(owner);
        bridge.depositMTWithPermit(chain, owner, amount, block.timestamp, v, r, s);
        assertEq(bridge.lockedMT(chain), amount, "locked");
    }

    function test_aDepositThatLeavesTooFewSequencersIsHeldAndCountsForNothing(uint256 amount) public {
        amount = between(amount, LIMIT + 1, 8 * LIMIT);
        token.approve(address(bridge), amount);
        vm.expectEmit(true, true, true, true, address(bridge));
        emit BridgeDeposits.DepositHeld(chain, 0, address(this), USER, amount);
        (bool held, uint256 id) = bridge.depositMT(chain, USER, amount);
        assertTrue(held && id == 0, "held");
        assertEq(bridge.heldMT(chain), amount, "apart");
        assertEq(bridge.lockedMT(chain), 0, "not locked");
        assertEq(inbox.queueLength(chain), 0, "not queued");
        assertEq(bonds.threshold(chain), 0, "no threshold");
        (held,) = deposit(LIMIT);
        assertTrue(!held, "others pass it by");
    }

    function test_manySmallDepositsPassTheLimitNoMoreThanOneLarge(uint96[24] calldata amounts) public {
        uint256 queued = 0;
        uint256 heldSum = 0;
        for (uint256 i = 0; i < amounts.length; i++) {
            uint256 amount = between(amounts[i], 1, LIMIT / 8);
            (bool held,) = deposit(amount);
            assertTrue(held == (queued + amount > LIMIT), "held beyond the limit");
            if (held) heldSum += amount;
            else queued += amount;
        }
        assertEq(bridge.lockedMT(chain), queued, "locked");
        assertEq(bridge.heldMT(chain), heldSum, "held");
    }

    /// @dev Admission looks at one DAC; that stake counts once over all DACs is what locks are for.
    function test_twoChainsFillTheirLimitsAtOnceAndLocksKeepThemApart() public {
        deposit(LIMIT);
        (bool held,) = depositFrom(USER, other, LIMIT);
        assertTrue(!held, "admitted on its own");
        passEpochs(2);
        for (uint256 i = 0; i < 40; i++) {
            address poster = rollup.sequencerOf(chain, slotNow(), 0);
            if (poster == second && rollup.sequencerOf(other, slotNow(), 0) == second) break;
            passEpochs(1);
        }
        postAll(chain, 0, 5);
        assertEq(bonds.freeStake(second, other), 0, "nothing is left for the other");
    }

    function test_theLargestStakerCannotMakeItselfTheOnlyOneEligible(uint256 amount) public {
        address largest = sequencers[0];
        amount = between(amount, 1, 4 * LIMIT);
        depositFrom(largest, chain, amount);
        depositFrom(largest, chain, amount);
        assertTrue(sequencerPool.countAtLeast(bonds.threshold(chain), 2) == 2, "two are left");
    }

    function test_whatUnbondsBetweenAdmissionAndNextDepositCounts(uint256 amount) public {
        deposit(LIMIT / 4);
        vm.prank(second);
        bonds.requestUnstake(second, LIMIT);
        (bool held,) = deposit(between(amount, 1, LIMIT / 4));
        assertTrue(!held, "the third still covers it");
        vm.prank(sequencers[2]);
        bonds.requestUnstake(sequencers[2], LIMIT / 2);
        (held,) = deposit(1);
        assertTrue(held, "held now");
    }

    function test_anybodyReleasesAHeldDepositOnceEnoughQualify(address caller) public {
        token.approve(address(bridge), 2 * LIMIT);
        bridge.depositMT(chain, USER, 2 * LIMIT);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.StillHeld.selector, chain, 2 * LIMIT));
        bridge.releaseHeld(chain, 0);
        delegate(second, LIMIT);
        vm.expectEmit(true, true, false, true, address(bridge));
        emit BridgeDeposits.HeldReleased(chain, 0, 0);
        vm.prank(caller);
        bridge.releaseHeld(chain, 0);
        QueueItem memory item = itemOf(chain, 0);
        assertEq(item.from, address(this), "from");
        assertEq(item.to, USER, "to");
        assertEq(item.mint, 2 * LIMIT, "mint");
        assertEq(bridge.lockedMT(chain), 2 * LIMIT, "locked");
        assertEq(bridge.heldMT(chain), 0, "held no more");
        bytes memory gone = abi.encodeWithSelector(BridgeDeposits.UnknownHeldDeposit.selector, chain, 0);
        vm.expectRevert(gone);
        bridge.releaseHeld(chain, 0);
        vm.expectRevert(gone);
        bridge.refundHeld(chain, 0);
    }

    function test_aHeldDepositGoesBackToItsDepositorAlone(address caller) public {
        vm.assume(caller != USER);
        deposit(LIMIT + 1);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.NotDepositor.selector, USER, caller));
        vm.prank(caller);
        bridge.refundHeld(chain, 0);
        bytes memory unknown = abi.encodeWithSelector(BridgeDeposits.UnknownHeldDeposit.selector, other, 0);
        vm.expectRevert(unknown);
        vm.prank(USER);
        bridge.refundHeld(other, 0);
        vm.prank(USER);
        bridge.refundHeld(chain, 0);
        assertEq(token.balanceOf(USER), LIMIT + 1, "back");
        assertEq(bridge.heldMT(chain), 0, "held no more");
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.UnknownHeldDeposit.selector, chain, 0));
        vm.prank(USER);
        bridge.refundHeld(chain, 0);
    }

    function test_anExitingChainTakesNoDepositAndGivesHeldOnesBack() public {
        deposit(LIMIT + 1);
        inbox.forceTransaction(chain, hex"02");
        passTime(FORCE_DELAY + EXIT_AFTER);
        rollup.turnToExit(chain, itemOf(chain, 0));
        token.approve(address(bridge), 2 * LIMIT);
        vm.expectRevert(abi.encodeWithSelector(Inbox.ChainExiting.selector, chain));
        bridge.depositMT(chain, USER, 1);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.ChainExiting.selector, chain));
        bridge.depositMT(chain, USER, LIMIT + 1);
        delegate(second, LIMIT);
        vm.expectRevert(abi.encodeWithSelector(Inbox.ChainExiting.selector, chain));
        bridge.releaseHeld(chain, 0);
        vm.prank(USER);
        bridge.refundHeld(chain, 0);
        assertEq(token.balanceOf(address(bridge)), 0, "all is back");
    }

    function test_aMessageBringsItsMTOrIsRefused(uint96 mint, uint256 value, uint64 gasLimit, bytes calldata data)
        public
    {
        gasLimit = uint64(between(gasLimit, 21_000, 2_000_000));
        mint = uint96(between(mint, 0, 2 * LIMIT));
        token.approve(address(bridge), mint);
        if (mint > LIMIT) {
            vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.WouldBeHeld.selector, chain, mint));
            bridge.sendMessage(chain, USER, mint, value, gasLimit, data);
            return;
        }
        bridge.sendMessage(chain, USER, mint, value, gasLimit, data);
        QueueItem memory item = itemOf(chain, 0);
        assertTrue(item.kind == QueueKind.Message, "kind");
        assertEq(item.from, address(this), "from");
        assertEq(item.to, USER, "to");
        assertEq(item.mint, mint, "mint");
        assertEq(item.value, value, "value");
        assertEq(item.gasLimit, gasLimit, "gas");
        assertEq(item.dataHash, keccak256(data), "data");
        assertEq(bridge.lockedMT(chain), mint, "locked");
    }

    function test_messagesHaveTheirBounds(uint64 gasLimit, uint256 length) public {
        if (gasLimit >= 21_000 && gasLimit <= 2_000_000) gasLimit = 20_999;
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.WrongMessageGas.selector, gasLimit));
        bridge.sendMessage(chain, USER, 0, 0, gasLimit, "");
        length = between(length, 8193, 20_000);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.MessageTooLong.selector, length));
        bridge.sendMessage(chain, USER, 0, 0, 21_000, new bytes(length));
    }

    function test_anInboxOfAnotherBridgeIsRefused(address stranger) public {
        vm.assume(stranger != vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1));
        Inbox foreign = new Inbox(stranger, registry, rollup, EPOCH_BLOCKS);
        vm.expectRevert(abi.encodeWithSelector(L1Bridge.InboxOfAnother.selector, stranger));
        new L1Bridge(token, foreign, rollup, bonds);
    }
}

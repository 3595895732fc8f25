// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {MetisDAO} from "../../src/governance/MetisDAO.sol";
import {NetworkParameters} from "../../src/governance/NetworkParameters.sol";
import {IRandomBeacon} from "../../src/interfaces/IRandomBeacon.sol";
import {MetisToken} from "../../src/MetisToken.sol";
import {TestBeacon} from "../base/BondNeighbours.sol";
import {Test} from "../base/Test.sol";

/// @notice A bridge that keeps who sent it what.
contract MessageKeeper {
    address public sender;
    bytes public message;

    function sendMessage(bytes calldata message_) external {
        (sender, message) = (msg.sender, message_);
    }
}

contract MetisDAOTest is Test {
    uint256 private constant SUPPLY = 1e9 ether;
    uint256 private constant THRESHOLD = 1e6 ether;
    uint256 private constant TIMELOCK_DELAY = 7200;
    uint48 private constant VOTING_DELAY = 60;
    uint32 private constant VOTING_PERIOD = 3600;
    uint256 private constant START = 1_800_000_000;
    uint8 private constant FOR = 1;
    address private constant VOTER = address(0xA11CE);
    address private constant OTHER = address(0xB0B);

    MetisToken private token;
    TimelockController private timelock;
    MetisDAO private dao;
    NetworkParameters private parameters;

    /// @dev The order of a deployment: no step is left over that would need a right.
    function setUp() public {
        vm.roll(8000);
        vm.warp(START - 1);
        token = new MetisToken(address(this), SUPPLY);
        address[] memory proposers = new address[](1);
        proposers[0] = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        timelock = new TimelockController(TIMELOCK_DELAY, proposers, new address[](1), address(0));
        dao = new MetisDAO(token, timelock, settings());
        parameters = new NetworkParameters(
            IRandomBeacon(address(new TestBeacon(8))),
            address(timelock),
            NetworkParameters.Values(10_000, 2, 1000 ether, 0, 2_000, 0, address(timelock))
        );
        give(VOTER, SUPPLY / 10);
    }

    function settings() private pure returns (MetisDAO.Settings memory) {
        return MetisDAO.Settings(VOTING_DELAY, VOTING_PERIOD, THRESHOLD, 4);
    }

    function give(address voter, uint256 amount) private {
        token.transfer(voter, amount);
        vm.prank(voter);
        token.delegate(voter);
    }

    function callOf(address target, bytes memory data)
        private
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        (targets, values, calldatas) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calldatas[0]) = (target, data);
    }

    function propose(address target, bytes memory data) private returns (uint256 proposalId) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = callOf(target, data);
        vm.warp(START);
        vm.prank(VOTER);
        proposalId = dao.propose(targets, values, calldatas, "decide");
        vm.warp(START + VOTING_DELAY + 1);
    }

    /// @dev Proposes, votes and queues.
    function decide(address target, bytes memory data) private {
        uint256 proposalId = propose(target, data);
        vm.prank(VOTER);
        dao.castVote(proposalId, FOR);
        vm.warp(START + VOTING_DELAY + VOTING_PERIOD + 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = callOf(target, data);
        dao.queue(targets, values, calldatas, keccak256("decide"));
    }

    function execute(address target, bytes memory data) private returns (bool executed) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = callOf(target, data);
        bytes memory call = abi.encodeCall(dao.execute, (targets, values, calldatas, keccak256("decide")));
        vm.prank(OTHER);
        (executed,) = address(dao).call(call);
    }

    function waitForTheTimelock() private {
        vm.warp(START + VOTING_DELAY + VOTING_PERIOD + 1 + TIMELOCK_DELAY);
    }

    function setShare(uint256 share) private view returns (bytes memory) {
        return abi.encodeCall(parameters.set, (parameters.PROVER_SHARE(), share));
    }

    function test_aMajoritySetsAParameterAfterTheTimelock() public {
        decide(address(parameters), setShare(3_000));
        vm.warp(START + VOTING_DELAY + VOTING_PERIOD + TIMELOCK_DELAY);
        assertTrue(!execute(address(parameters), setShare(3_000)), "not before its time");
        waitForTheTimelock();
        assertTrue(execute(address(parameters), setShare(3_000)), "by anybody");
        (, uint256 next,) = parameters.changeOf(parameters.PROVER_SHARE());
        assertEq(next, 3_000, "set");
    }

    function test_noMajoritySetsAParameterBeyondItsBounds(uint256 share) public {
        share = between(share, 5_001, type(uint256).max);
        decide(address(parameters), setShare(share));
        waitForTheTimelock();
        assertTrue(!execute(address(parameters), setShare(share)), "refused");
    }

    function test_theTimelockSpeaksToDacsThroughTheBridge(bytes calldata message) public {
        MessageKeeper bridge = new MessageKeeper();
        bytes memory call = abi.encodeCall(MessageKeeper.sendMessage, (message));
        decide(address(bridge), call);
        waitForTheTimelock();
        assertTrue(execute(address(bridge), call), "executed");
        assertEq(bridge.sender(), address(timelock), "the timelock is MetisDAO");
        assertEq(bridge.message(), message, "message");
    }

    function test_theTreasuryIsSpentByDecision(uint256 amount) public {
        amount = between(amount, 1, 1e8 ether);
        token.transfer(address(timelock), amount);
        bytes memory call = abi.encodeCall(token.transfer, (OTHER, amount));
        decide(address(token), call);
        waitForTheTimelock();
        assertTrue(execute(address(token), call), "executed");
        assertEq(token.balanceOf(OTHER), amount, "spent");
    }

    function test_withoutAQuorumNothingIsDecided() public {
        vm.prank(VOTER);
        token.transfer(address(this), SUPPLY / 10 - THRESHOLD);
        uint256 proposalId = propose(address(parameters), setShare(3_000));
        vm.prank(VOTER);
        dao.castVote(proposalId, FOR);
        vm.warp(START + VOTING_DELAY + VOTING_PERIOD + 1);
        assertEq(uint8(dao.state(proposalId)), uint8(IGovernor.ProposalState.Defeated), "no quorum");
    }

    function test_votesThatCameAfterTheVoteBeganDoNotCount() public {
        uint256 proposalId = propose(address(parameters), setShare(3_000));
        give(OTHER, SUPPLY / 2);
        vm.prank(OTHER);
        assertEq(dao.castVote(proposalId, 0), 0, "no weight");
        vm.prank(VOTER);
        assertEq(dao.castVote(proposalId, FOR), SUPPLY / 10, "those of then");
    }

    function test_whoHasTooFewVotesProposesNothing(uint256 amount) public {
        amount = between(amount, 0, THRESHOLD - 1);
        give(OTHER, amount);
        vm.warp(START);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            callOf(address(parameters), setShare(3_000));
        vm.prank(OTHER);
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, OTHER, amount, THRESHOLD)
        );
        dao.propose(targets, values, calldatas, "decide");
    }

    function test_nobodyButTheGovernorProposesToTheTimelockOrCancels(address caller) public {
        vm.assume(caller != address(dao));
        bytes32 proposer = timelock.PROPOSER_ROLE();
        bytes32 canceller = timelock.CANCELLER_ROLE();
        bytes memory data = setShare(3_000);
        vm.prank(caller);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, caller, proposer)
        );
        timelock.schedule(address(parameters), 0, data, 0, 0, TIMELOCK_DELAY);
        vm.prank(caller);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, caller, canceller)
        );
        timelock.cancel(0);
    }

    function test_nobodyAdministratesTheTimelockButItself(address caller) public view {
        bytes32 admin = timelock.DEFAULT_ADMIN_ROLE();
        assertTrue(timelock.hasRole(admin, caller) == (caller == address(timelock)), "no admin");
        assertTrue(timelock.hasRole(admin, address(timelock)), "itself");
        assertTrue(!timelock.hasRole(admin, address(this)), "not the deployer");
        assertTrue(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(0)), "anybody executes");
    }

    /// @dev A timelock that knows the next contract as its proposer, or nobody.
    function expectUnfit(uint256 delay, bool known, bool open, address admin) private {
        address[] memory proposers = new address[](known ? 1 : 0);
        if (known) proposers[0] = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        TimelockController unfit = new TimelockController(delay, proposers, new address[](open ? 1 : 0), admin);
        vm.expectRevert(abi.encodeWithSelector(MetisDAO.UnfitTimelock.selector, unfit));
        new MetisDAO(token, unfit, settings());
    }

    function test_aTimelockThatDoesNotFitIsRefused() public {
        expectUnfit(TIMELOCK_DELAY, false, true, address(0));
        expectUnfit(TIMELOCK_DELAY, true, false, address(0));
        expectUnfit(0, true, true, address(0));
        expectUnfit(60 days + 1, true, true, address(0));
        expectUnfit(TIMELOCK_DELAY, true, true, address(this));
    }

    function test_settingsStayWithinTheirBounds(uint256 which, uint256 value) public {
        MetisDAO.Settings memory wrong = settings();
        (uint256 low, uint256 high) = (0, 0);
        which %= 4;
        if (which == 0) {
            wrong.votingDelay = uint48(value = between(value, 30 days + 1, type(uint48).max));
            (low, high) = (1, 30 days);
        } else if (which == 1) {
            wrong.votingPeriod = uint32(value = between(value, 0, 9));
            (low, high) = (10, 60 days);
        } else if (which == 2) {
            wrong.proposalThreshold = value = between(value, 1e6 ether + 1, type(uint256).max);
            (low, high) = (0, 1e6 ether);
        } else {
            wrong.quorumPercent = value = between(value, 51, type(uint256).max);
            (low, high) = (1, 50);
        }
        vm.expectRevert(abi.encodeWithSelector(MetisDAO.SettingOutOfBounds.selector, value, low, high));
        new MetisDAO(token, timelock, wrong);
    }

    function test_noMajorityMovesTheTimelockOrLeavesTheBoundsOfSettings() public {
        bytes memory call = abi.encodeCall(dao.updateTimelock, (TimelockController(payable(OTHER))));
        decide(address(dao), call);
        waitForTheTimelock();
        assertTrue(!execute(address(dao), call), "the timelock stays");
        call = abi.encodeCall(dao.updateQuorumNumerator, (51));
        vm.warp(START);
        decide(address(dao), call);
        waitForTheTimelock();
        assertTrue(!execute(address(dao), call), "the quorum stays");
        assertEq(dao.quorumNumerator(), 4, "quorum");
    }

    function test_aMajorityChangesASettingWithinItsBounds() public {
        bytes memory call = abi.encodeCall(dao.setVotingPeriod, (uint32(1 days)));
        decide(address(dao), call);
        waitForTheTimelock();
        assertTrue(execute(address(dao), call), "executed");
        assertEq(dao.votingPeriod(), 1 days, "period");
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../../src/BlsSignatures.sol";
import {SequencerPool} from "../../src/election/SequencerPool.sol";
import {StakeTree} from "../../src/election/StakeTree.sol";
import {IBondManager} from "../../src/interfaces/IBondManager.sol";
import {ISequencerPool} from "../../src/interfaces/ISequencerPool.sol";
import {MetisToken} from "../../src/MetisToken.sol";
import {PeerKeys} from "../../src/PeerKeys.sol";
import {BlsSigner} from "../base/BlsSigner.sol";
import {PeerSigner} from "../base/PeerSigner.sol";
import {PlainToken} from "../base/TestTokens.sol";
import {BeaconTest} from "./BeaconTest.sol";

/// @notice The part of BondManager that the pool calls: takes first stakes and says them back.
contract EnrollingBonds {
    MetisToken private immutable token;
    SequencerPool public pool;
    address public retired;
    mapping(address sequencer => bool) public isConvicted;

    constructor(MetisToken token_) {
        token = token_;
    }

    function convict(address sequencer) external {
        isConvicted[sequencer] = true;
    }

    function serve(SequencerPool pool_) external {
        pool = pool_;
    }

    function enrol(address sequencer, uint256 amount) external {
        token.transferFrom(sequencer, address(this), amount);
        pool.setStake(sequencer, amount);
    }

    function retire(address sequencer) external {
        retired = sequencer;
        pool.setStake(sequencer, 0);
    }
}

contract SequencerPoolTest is BeaconTest {
    uint64 private constant UNBONDING = 240;
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    bytes private constant MULTIADDR = hex"047f000001";

    EnrollingBonds private bonds;
    SequencerPool private pool;

    function setUp() public {
        deployBeacon();
        bonds = new EnrollingBonds(token);
        pool = new SequencerPool(token, beacon, IBondManager(address(bonds)), UNBONDING);
        bonds.serve(pool);
    }

    function registrationOf(address operator, uint256 secret) private view returns (SequencerPool.Registration memory) {
        bytes memory key = BlsSigner.publicKeyOf(secret);
        bytes32 keyHash = keccak256(BlsSignatures.compress(key));
        bytes32 tag = keccak256("mvm/bls-possession/1");
        bytes32 claim = keccak256(abi.encodePacked(tag, block.chainid, address(pool), operator, keyHash));
        PeerKeys.Proof memory peer = peerProofOf(PeerSigner.secretOf(operator), operator);
        return SequencerPool.Registration(key, BlsSigner.sign(secret, claim), peer, MULTIADDR);
    }

    function peerProofOf(uint256 secret, address operator) private view returns (PeerKeys.Proof memory) {
        return PeerSigner.proofOf(secret, address(pool), operator);
    }

    function peerIdOf(address operator) private view returns (bytes memory) {
        return PeerSigner.peerIdOf(PeerSigner.secretOf(operator));
    }

    function register(address operator, uint256 stake) private returns (uint256) {
        SequencerPool.Registration memory own = registrationOf(operator, uint160(operator));
        token.transfer(operator, stake);
        vm.prank(operator);
        token.approve(address(bonds), stake);
        vm.prank(operator);
        return pool.register(own, stake);
    }

    function setStake(address sequencer, uint256 stakeWei) private {
        vm.prank(address(bonds));
        pool.setStake(sequencer, stakeWei);
    }

    function epochNow() private view returns (uint64) {
        return beacon.currentEpoch();
    }

    function nextEpoch() private {
        vm.roll(block.number + EPOCH_BLOCKS);
    }

    function test_aSequencerIsFoundByIndexAccountAndPageAndIsDrawn() public {
        assertEq(register(ALICE, 1000 ether), 0, "first index");
        assertEq(register(BOB, 2000 ether), 1, "second index");
        assertEq(pool.count(), 2, "count");
        assertEq(pool.indexOf(BOB), 1, "index");
        SequencerPool.Operator memory operator = pool.operatorAt(1);
        assertEq(operator.account, BOB, "account");
        assertEq(operator.blsPublicKey, BlsSignatures.compress(BlsSigner.publicKeyOf(uint160(BOB))), "key");
        assertEq(operator.peerId, peerIdOf(BOB), "peer");
        assertEq(operator.multiaddr, MULTIADDR, "address");
        assertEq(pool.page(0, 100).length, 2, "page");
        assertEq(pool.page(1, 100)[0].account, BOB, "page from 1");
        assertEq(pool.page(2, 100).length, 0, "page beyond");
        assertEq(pool.page(0, 1).length, 1, "page with a limit");
        assertTrue(pool.isActive(ALICE) && pool.isActive(BOB) && !pool.isActive(address(1)), "active");
        assertEq(pool.draw("seed", epochNow(), 1985 ether, 0), address(0), "above both");
        assertEq(pool.draw("seed", epochNow(), 1984 ether, 0), BOB, "the one who reaches it");
        assertEq(pool.countAtLeast(992 ether, 64), 2, "counted");
        assertEq(pool.countAtLeast(992 ether, 1), 1, "counted up to the limit");
        assertEq(pool.gridOf(1), 16 * 6 + 31, "position");
    }

    function test_registeringTellsStakeThenItsPlaceOnTheGrid() public {
        SequencerPool.Registration memory own = registrationOf(ALICE, 7);
        bytes memory key = BlsSignatures.compress(own.blsPublicKey);
        token.transfer(ALICE, 5 ether);
        vm.prank(ALICE);
        token.approve(address(bonds), 5 ether);
        bytes memory peerId = peerIdOf(ALICE);
        vm.expectEmit(true, true, true, true, address(pool));
        emit SequencerPool.Registered(0, ALICE, 5 ether, key, peerId, MULTIADDR);
        vm.expectEmit(true, true, true, true, address(pool));
        emit ISequencerPool.StakeChanged(0, 5, 5 ether);
        vm.prank(ALICE);
        pool.register(own, 5 ether);
        assertEq(token.balanceOf(address(bonds)), 5 ether, "with the bonds");
    }

    function test_aPermitForTheBondsWillDo() public {
        uint256 key = 0xBEEF;
        address operator = vm.addr(key);
        token.transfer(operator, 5 ether);
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 permit = keccak256(abi.encode(kind, operator, address(bonds), 5 ether, 0, block.timestamp));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), permit));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        SequencerPool.Registration memory own = registrationOf(operator, 7);
        token.permit(operator, address(bonds), 5 ether, block.timestamp, v, r, s);
        vm.prank(operator);
        pool.registerWithPermit(own, 5 ether, block.timestamp, v, r, s);
        assertTrue(pool.isActive(operator), "although somebody had used the permit");
    }

    function test_anAccountRegistersOnceForGood() public {
        register(ALICE, 5 ether);
        SequencerPool.Registration memory again = registrationOf(ALICE, 8);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.AlreadyRegistered.selector, ALICE, 0));
        vm.prank(ALICE);
        pool.register(again, 5 ether);
        vm.prank(ALICE);
        pool.requestExit();
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.AlreadyRegistered.selector, ALICE, 0));
        vm.prank(ALICE);
        pool.register(again, 5 ether);
    }

    function test_aKeyNeedsAProofOfPossessionByItsOwnAccountAndServesOnce() public {
        SequencerPool.Registration memory others = registrationOf(ALICE, 7);
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidPossession.selector));
        vm.prank(BOB);
        pool.register(others, 5 ether);
        others.blsPublicKey = new bytes(96);
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidBlsPublicKey.selector));
        vm.prank(ALICE);
        pool.register(others, 5 ether);
        register(ALICE, 5 ether);
        SequencerPool.Registration memory same = registrationOf(BOB, uint160(ALICE));
        bytes memory key = BlsSignatures.compress(same.blsPublicKey);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.BlsKeyTaken.selector, key));
        vm.prank(BOB);
        pool.register(same, 5 ether);
    }

    function test_addressesHaveBoundsAndMayChangeWhileActive() public {
        SequencerPool.Registration memory own = registrationOf(ALICE, 7);
        own.multiaddr = new bytes(257);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.InvalidMultiaddr.selector, 257));
        vm.prank(ALICE);
        pool.register(own, 5 ether);

        register(ALICE, 5 ether);
        PeerKeys.Proof memory peer = peerProofOf(8, ALICE);
        PeerKeys.Proof memory strangers = peerProofOf(9, BOB);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.InvalidMultiaddr.selector, 0));
        vm.prank(ALICE);
        pool.updateAddress(peer, "");
        bytes memory peerId = PeerSigner.peerIdOf(8);
        vm.expectEmit(true, true, true, true, address(pool));
        emit SequencerPool.AddressUpdated(0, ALICE, peerId, "there");
        vm.prank(ALICE);
        pool.updateAddress(peer, "there");
        assertEq(pool.operatorAt(0).peerId, peerId, "another peer");
        assertEq(pool.operatorAt(0).multiaddr, "there", "changed");
        vm.prank(ALICE);
        pool.updateAddress(peer, "elsewhere");
        assertEq(pool.operatorAt(0).multiaddr, "elsewhere", "the address alone");
        vm.prank(ALICE);
        pool.requestExit();
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotActive.selector, 0));
        vm.prank(ALICE);
        pool.updateAddress(peer, "there");
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotRegistered.selector, BOB));
        vm.prank(BOB);
        pool.updateAddress(strangers, "there");
    }

    function test_aPeerKeyNeedsAProofForItsOwnAccount() public {
        SequencerPool.Registration memory own = registrationOf(ALICE, 7);
        own.peer = peerProofOf(8, BOB);
        bytes memory notOwn = abi.encodeWithSelector(PeerKeys.InvalidPeerPossession.selector);
        vm.expectRevert(notOwn);
        vm.prank(ALICE);
        pool.register(own, 5 ether);
        register(ALICE, 5 ether);
        vm.expectRevert(notOwn);
        vm.prank(ALICE);
        pool.updateAddress(own.peer, "there");
    }

    /// @dev A registration is for good, and so is its last peer key.
    function test_aPeerKeyServesOneRegistrationUntilThatHasAnother() public {
        SequencerPool.Registration memory bobs = registrationOf(BOB, uint160(BOB));
        PeerKeys.Proof memory own = bobs.peer;
        bobs.peer = peerProofOf(PeerSigner.secretOf(ALICE), BOB);
        PeerKeys.Proof memory back = peerProofOf(PeerSigner.secretOf(ALICE), ALICE);
        PeerKeys.Proof memory other = peerProofOf(8, ALICE);
        bytes memory taken = abi.encodeWithSelector(SequencerPool.PeerKeyTaken.selector, peerIdOf(ALICE));
        register(ALICE, 5 ether);
        token.transfer(BOB, 5 ether);
        vm.prank(BOB);
        token.approve(address(bonds), 5 ether);
        vm.expectRevert(taken);
        vm.prank(BOB);
        pool.register(bobs, 5 ether);
        vm.prank(ALICE);
        pool.updateAddress(other, "there");
        vm.prank(BOB);
        pool.register(bobs, 5 ether);
        vm.expectRevert(taken);
        vm.prank(ALICE);
        pool.updateAddress(back, "there");
        vm.prank(BOB);
        pool.requestExit();
        vm.expectRevert(taken);
        vm.prank(ALICE);
        pool.updateAddress(back, "there");
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotActive.selector, 1));
        vm.prank(BOB);
        pool.updateAddress(own, "there");
    }

    function test_whoLeavesIsOutOfTheDrawsForGood() public {
        register(ALICE, 5 ether);
        vm.expectEmit(true, true, true, true, address(pool));
        emit SequencerPool.ExitRequested(0, ALICE, uint64(block.timestamp) + UNBONDING);
        vm.expectEmit(true, true, true, true, address(pool));
        emit ISequencerPool.StakeChanged(0, 0, 0);
        vm.prank(ALICE);
        pool.requestExit();
        assertEq(bonds.retired(), ALICE, "told the bonds");
        assertTrue(!pool.isActive(ALICE), "not active");
        setStake(ALICE, 500 ether);
        assertEq(pool.gridOf(0), 0, "no stake counts any more");
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotActive.selector, 0));
        vm.prank(ALICE);
        pool.requestExit();
        assertTrue(pool.operatorAt(0).status == SequencerPool.OperatorStatus.Left, "left");
    }

    function test_whoIsEjectedIsOutOfTheDrawsForGood() public {
        register(ALICE, 5 ether);
        bonds.convict(ALICE);
        assertTrue(!pool.isActive(ALICE), "not active from its conviction on");
        assertEq(pool.draw("seed", epochNow(), 0, 0), ALICE, "drawn until somebody says it");
        vm.expectEmit(true, true, true, true, address(pool));
        emit SequencerPool.Ejected(0, ALICE);
        vm.prank(BOB);
        pool.eject(ALICE);
        vm.recordLogs();
        pool.eject(ALICE);
        assertEq(vm.getRecordedLogs().length, 0, "once");
        setStake(ALICE, 500 ether);
        assertEq(pool.draw("seed", epochNow(), 0, 0), address(0), "not drawn");
        assertTrue(pool.operatorAt(0).status == SequencerPool.OperatorStatus.Ejected, "ejected");
        assertTrue(!pool.isActive(ALICE), "not active");
    }

    function test_whoLeftIsEjectedToo() public {
        register(ALICE, 5 ether);
        vm.prank(ALICE);
        pool.requestExit();
        bonds.convict(ALICE);
        pool.eject(ALICE);
        assertTrue(pool.operatorAt(0).status == SequencerPool.OperatorStatus.Ejected, "ejected");
    }

    function testFuzz_nobodyEjectsWhoWasNotConvicted(address caller) public {
        register(ALICE, 5 ether);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotConvicted.selector, ALICE));
        vm.prank(caller);
        pool.eject(ALICE);
        assertTrue(pool.isActive(ALICE), "active");
    }

    function testFuzz_onlyTheBondsSetStakes(address caller) public {
        if (caller == address(bonds)) return;
        register(ALICE, 5 ether);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotBondManager.selector, caller));
        vm.prank(caller);
        pool.setStake(ALICE, 0);
    }

    function test_strangersHaveNoStake() public {
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotRegistered.selector, BOB));
        setStake(BOB, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotRegistered.selector, BOB));
        pool.eject(BOB);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.NotRegistered.selector, BOB));
        pool.indexOf(BOB);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.UnknownIndex.selector, 0));
        pool.operatorAt(0);
    }

    function test_limitsOfPagesCountsRanksAndSnapshotsHold() public {
        uint64 current = epochNow();
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.PageTooLarge.selector, 101));
        pool.page(0, 101);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.LimitTooLarge.selector, 65));
        pool.countAtLeast(0, 65);
        vm.expectRevert(abi.encodeWithSelector(StakeTree.RankOutOfRange.selector, 8));
        pool.draw("seed", current, 0, 8);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.SnapshotOutOfRange.selector, current + 1, current));
        pool.draw("seed", current + 1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.SnapshotOutOfRange.selector, current - 4, current));
        pool.draw("seed", current - 4, 0, 0);
        assertEq(pool.draw("seed", current - 3, 0, 7), address(0), "the oldest snapshot");
    }

    /// @dev R of epoch e is known from the last quarter of e - 1 on; draws for e take the snapshot of e - 2.
    function testFuzz_aStakeChangedInTheEpochWhoseRandomnessIsKnownDoesNotChangeTheDraw(
        bytes32 randomness,
        uint256 stakeWei
    ) public {
        stakeWei = between(stakeWei, 0, 1e8 ether);
        register(ALICE, 1000 ether);
        register(BOB, 1000 ether);
        uint64 slot = epochNow() + 2;
        nextEpoch();
        assertEq(epochNow(), slot - 1, "the epoch before the slot");
        address leader = pool.draw(randomness, slot - 2, 0, 0);
        setStake(BOB, stakeWei);
        assertEq(pool.draw(randomness, slot - 2, 0, 0), leader, "at once");
        nextEpoch();
        setStake(ALICE, stakeWei / 2);
        assertEq(pool.draw(randomness, slot - 2, 0, 0), leader, "in the slot");
        nextEpoch();
        assertEq(pool.draw(randomness, slot - 2, 0, 0), leader, "in the slot's grace");
    }

    function test_aSupplyThatSumsOfStakesCannotHoldIsRefused() public {
        PlainToken large = new PlainToken("Large", "LARGE");
        large.mint(address(this), 2 ** 32 * 1 ether);
        vm.expectRevert(abi.encodeWithSelector(SequencerPool.SupplyTooLarge.selector, 2 ** 32 * 1 ether));
        new SequencerPool(large, beacon, IBondManager(address(bonds)), UNBONDING);
    }
}

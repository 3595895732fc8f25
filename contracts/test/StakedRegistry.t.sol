// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../src/BlsSignatures.sol";
import {PeerKeys} from "../src/PeerKeys.sol";
import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {StakedRegistry} from "../src/StakedRegistry.sol";
import {NetworkTest} from "./base/NetworkTest.sol";
import {PeerSigner} from "./base/PeerSigner.sol";

/// @notice Properties of the staked registries, shown on that of providers (they share their code).
/// forge-config: default.fuzz.runs = 32
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
            registerOperator(providerRegistry, accountOf(i), MIN_STAKE);
        }
        address operator = accountOf(others);
        token.transfer(operator, stake);
        vm.prank(operator);
        token.approve(address(providerRegistry), stake);
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, operator);
        bytes memory key = BlsSignatures.compress(own.blsPublicKey);
        assertEq(key.length, 48, "compressed");
        vm.expectEmit(true, true, false, true, address(providerRegistry));
        bytes memory peerId = PeerSigner.peerIdOf(PeerSigner.secretOf(operator));
        emit StakedRegistry.Registered(others, operator, stake, key, peerId, own.multiaddr);
        vm.prank(operator);
        assertEq(providerRegistry.register(own, stake), others, "index");
        assertEq(token.balanceOf(operator), 0, "paid");
        assertEq(token.balanceOf(address(providerRegistry)), stake + others * MIN_STAKE, "held");
        StakedRegistry.Operator memory stored = providerRegistry.operatorAt(others);
        assertEq(stored.account, operator, "account");
        assertEq(stored.stake, stake, "stake");
        assertEq(stored.blsPublicKey, key, "key");
        assertEq(stored.peerId, peerId, "peer");
        assertEq(stored.multiaddr, own.multiaddr, "address");
        assertEq(providerRegistry.indexOf(operator), others, "indexOf");
        assertEq(providerRegistry.count(), uint256(others) + 1, "count");
        assertEq(providerRegistry.activeCount(), uint256(others) + 1, "active");
    }

    function signPermit(uint256 key, uint256 value) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 structHash =
            keccak256(abi.encode(PERMIT_TYPEHASH, vm.addr(key), address(providerRegistry), value, 0, block.timestamp));
        return vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
    }

    function test_aPermitReplacesTheApproval(uint256 key, bool usedBefore) public {
        key = between(key, 1, 2 ** 250);
        address operator = vm.addr(key);
        token.transfer(operator, MIN_STAKE);
        (uint8 v, bytes32 r, bytes32 s) = signPermit(key, MIN_STAKE);
        if (usedBefore) token.permit(operator, address(providerRegistry), MIN_STAKE, block.timestamp, v, r, s);
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, operator);
        vm.prank(operator);
        providerRegistry.registerWithPermit(own, MIN_STAKE, block.timestamp, v, r, s);
        assertEq(providerRegistry.totalStake(), MIN_STAKE, "stake");
    }

    function test_aStakeBelowTheMinimumIsRefused(uint256 stake) public {
        stake = between(stake, 0, MIN_STAKE - 1);
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, address(this));
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.StakeTooSmall.selector, stake, MIN_STAKE));
        providerRegistry.register(own, stake);
    }

    function test_addressesHaveTheirLengths(uint256 size) public {
        StakedRegistry.Registration memory wrong = registrationOf(providerRegistry, address(this));
        uint256 length = size % 5 == 0 ? 0 : between(size, 257, 800);
        wrong.multiaddr = new bytes(length);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.InvalidMultiaddr.selector, length));
        providerRegistry.register(wrong, MIN_STAKE);
        address operator = accountOf(0);
        registerOperator(providerRegistry, operator, MIN_STAKE);
        PeerKeys.Proof memory peer = peerProofOf(address(providerRegistry), operator);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.InvalidMultiaddr.selector, length));
        vm.prank(operator);
        providerRegistry.updateAddress(peer, new bytes(length));
    }

    function test_anAccountRegistersOnceUntilItsStakeIsBack(uint64 early) public {
        address operator = accountOf(0);
        registerOperator(providerRegistry, operator, MIN_STAKE);
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, operator);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.AlreadyRegistered.selector, operator, 0));
        vm.prank(operator);
        providerRegistry.register(own, MIN_STAKE);

        vm.prank(operator);
        providerRegistry.requestExit();
        uint64 unlocksAt = uint64(block.timestamp) + UNBONDING;
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.AlreadyRegistered.selector, operator, 0));
        vm.prank(operator);
        providerRegistry.register(own, MIN_STAKE);

        vm.warp(between(early, block.timestamp, unlocksAt - 1));
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.StillUnbonding.selector, unlocksAt));
        vm.prank(operator);
        providerRegistry.withdrawStake();

        vm.warp(unlocksAt);
        vm.expectEmit(true, true, false, true, address(providerRegistry));
        emit StakedRegistry.StakeWithdrawn(0, operator, MIN_STAKE);
        vm.prank(operator);
        providerRegistry.withdrawStake();
        assertEq(token.balanceOf(operator), MIN_STAKE, "back");
        assertEq(providerRegistry.totalStake(), 0, "total");
        assertEq(registerOperator(providerRegistry, operator, MIN_STAKE), 1, "a new index");
        assertTrue(
            providerRegistry.operatorAt(0).status == StakedRegistry.OperatorStatus.Withdrawn, "the old one stays"
        );
    }

    function expectNoPossession(StakedRegistry.Registration memory wrong) private {
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidPossession.selector));
        providerRegistry.register(wrong, MIN_STAKE);
    }

    function test_aKeyIsRegisteredByWhomItIsProvenFor(uint256 secret, address other, uint64 chain) public {
        vm.assume(other != address(this) && chain != block.chainid && chain != 0);
        secret = between(secret, 1, 2 ** 250);
        expectNoPossession(registrationWith(secret, providerRegistry, other));
        expectNoPossession(registrationWith(secret, storageRegistry, address(this)));
        uint256 here = block.chainid;
        vm.chainId(chain);
        StakedRegistry.Registration memory elsewhere = registrationWith(secret, providerRegistry, address(this));
        vm.chainId(here);
        expectNoPossession(elsewhere);
        StakedRegistry.Registration memory right = registrationWith(secret, providerRegistry, address(this));
        elsewhere = registrationWith(secret + 1, providerRegistry, address(this));
        elsewhere.blsPublicKey = right.blsPublicKey;
        expectNoPossession(elsewhere);
        token.approve(address(providerRegistry), MIN_STAKE);
        providerRegistry.register(right, MIN_STAKE);
    }

    function test_aKeyWithoutTheFormOfAPointIsRefused(uint256 size, bool isEmpty) public {
        StakedRegistry.Registration memory wrong = registrationOf(providerRegistry, address(this));
        uint256 length = between(size, 0, 200);
        wrong.blsPublicKey = isEmpty ? new bytes(length) : bytes.concat(wrong.blsPublicKey, hex"00");
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidBlsPublicKey.selector));
        providerRegistry.register(wrong, MIN_STAKE);
    }

    function test_aKeyStandsForOneRegistrationUntilItsStakeIsBack(uint256 secret) public {
        secret = between(secret, 1, 2 ** 250);
        address second = accountOf(0);
        StakedRegistry.Registration memory own = registrationWith(secret, providerRegistry, address(this));
        StakedRegistry.Registration memory same = registrationWith(secret, providerRegistry, second);
        token.approve(address(providerRegistry), 2 * MIN_STAKE);
        token.transfer(second, MIN_STAKE);
        vm.prank(second);
        token.approve(address(providerRegistry), MIN_STAKE);
        providerRegistry.register(own, MIN_STAKE);

        bytes memory key = providerRegistry.operatorAt(0).blsPublicKey;
        bytes memory taken = abi.encodeWithSelector(StakedRegistry.BlsKeyTaken.selector, key);
        vm.expectRevert(taken);
        vm.prank(second);
        providerRegistry.register(same, MIN_STAKE);
        providerRegistry.requestExit();
        vm.expectRevert(taken);
        vm.prank(second);
        providerRegistry.register(same, MIN_STAKE);
        vm.warp(block.timestamp + UNBONDING);
        providerRegistry.withdrawStake();
        vm.prank(second);
        assertEq(providerRegistry.register(same, MIN_STAKE), 1, "free again");
        vm.expectRevert(taken);
        providerRegistry.register(own, MIN_STAKE);
    }

    function expectNoPeerPossession(StakedRegistry.Registration memory wrong) private {
        vm.expectRevert(abi.encodeWithSelector(PeerKeys.InvalidPeerPossession.selector));
        providerRegistry.register(wrong, MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(PeerKeys.InvalidPeerPossession.selector));
        vm.prank(accountOf(0));
        providerRegistry.updateAddress(wrong.peer, hex"01");
    }

    function test_aPeerKeyIsRegisteredByWhomItIsProvenFor(uint256 secret, address other, uint64 chain) public {
        vm.assume(other != address(this) && other != accountOf(0) && chain != block.chainid && chain != 0);
        secret = between(secret, 1, 2 ** 250);
        address pool = address(providerRegistry);
        registerOperator(providerRegistry, accountOf(0), MIN_STAKE);
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, address(this));
        own.peer = PeerSigner.proofOf(secret, pool, other);
        expectNoPeerPossession(own);
        own.peer = PeerSigner.proofOf(secret, address(storageRegistry), address(this));
        expectNoPeerPossession(own);
        uint256 here = block.chainid;
        vm.chainId(chain);
        own.peer = PeerSigner.proofOf(secret, pool, address(this));
        vm.chainId(here);
        expectNoPeerPossession(own);
        own.peer = PeerSigner.proofOf(secret, pool, address(this));
        own.peer.y = bytes32(uint256(own.peer.y) ^ 1);
        vm.expectRevert(abi.encodeWithSelector(PeerKeys.InvalidPeerKey.selector));
        providerRegistry.register(own, MIN_STAKE);
        own.peer = PeerSigner.proofOf(secret, pool, address(this));
        token.approve(pool, MIN_STAKE);
        providerRegistry.register(own, MIN_STAKE);
        assertEq(providerRegistry.operatorAt(1).peerId, PeerSigner.peerIdOf(secret), "peer");
    }

    function test_aPeerKeyStandsForOneRegistrationUntilItsStakeIsBackOrItHasAnother(uint256 secret) public {
        secret = between(secret, 1, 2 ** 250);
        address pool = address(providerRegistry);
        address second = accountOf(0);
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, address(this));
        own.peer = PeerSigner.proofOf(secret, pool, address(this));
        PeerKeys.Proof memory same = PeerSigner.proofOf(secret, pool, second);
        PeerKeys.Proof memory another = PeerSigner.proofOf(secret + 1, pool, address(this));
        StakedRegistry.Registration memory others = registrationOf(providerRegistry, second);
        PeerKeys.Proof memory seconds_ = others.peer;
        others.peer = same;
        bytes memory taken = abi.encodeWithSelector(StakedRegistry.PeerKeyTaken.selector, PeerSigner.peerIdOf(secret));
        token.approve(pool, 2 * MIN_STAKE);
        token.transfer(second, MIN_STAKE);
        vm.prank(second);
        token.approve(pool, MIN_STAKE);
        providerRegistry.register(own, MIN_STAKE);
        vm.expectRevert(taken);
        vm.prank(second);
        providerRegistry.register(others, MIN_STAKE);

        providerRegistry.updateAddress(another, hex"01");
        vm.prank(second);
        providerRegistry.register(others, MIN_STAKE);
        vm.expectRevert(taken);
        providerRegistry.updateAddress(own.peer, hex"01");

        vm.prank(second);
        providerRegistry.updateAddress(seconds_, hex"01");
        providerRegistry.updateAddress(own.peer, hex"01");
        providerRegistry.requestExit();
        vm.expectRevert(taken);
        vm.prank(second);
        providerRegistry.updateAddress(same, hex"01");
        vm.warp(block.timestamp + UNBONDING);
        providerRegistry.withdrawStake();
        vm.prank(second);
        providerRegistry.updateAddress(same, hex"01");
        vm.expectRevert(taken);
        providerRegistry.register(own, MIN_STAKE);
    }

    /// @dev A proof carries no number: what an operator has shown once it may show again, and nobody else may.
    function test_anOldProofMovesAPeerKeyBackForItsOperatorAlone(address other) public {
        address operator = accountOf(0);
        vm.assume(other != operator && other != address(this) && other != address(0));
        vm.assume(other != address(providerRegistry) && other != address(token));
        PeerKeys.Proof memory old = peerProofOf(address(providerRegistry), operator);
        PeerKeys.Proof memory next = PeerSigner.proofOf(7, address(providerRegistry), operator);
        registerOperator(providerRegistry, operator, MIN_STAKE);
        registerOperator(providerRegistry, other, MIN_STAKE);
        vm.prank(operator);
        providerRegistry.updateAddress(next, hex"01");
        vm.expectRevert(abi.encodeWithSelector(PeerKeys.InvalidPeerPossession.selector));
        vm.prank(other);
        providerRegistry.updateAddress(old, hex"01");
        vm.prank(operator);
        providerRegistry.updateAddress(old, hex"01");
        bytes memory peerId = PeerSigner.peerIdOf(PeerSigner.secretOf(operator));
        assertEq(providerRegistry.operatorAt(0).peerId, peerId, "back");
    }

    function test_aNodeOfSeveralRolesHasOnePeerKey() public {
        address operator = accountOf(0);
        registerOperator(providerRegistry, operator, MIN_STAKE);
        registerOperator(storageRegistry, operator, MIN_STAKE);
        assertEq(providerRegistry.operatorAt(0).peerId, storageRegistry.operatorAt(0).peerId, "peer");
    }

    function test_onlyTheRegisteredActInTheirOrder(address stranger) public {
        bytes memory unknown = abi.encodeWithSelector(StakedRegistry.NotRegistered.selector, stranger);
        PeerKeys.Proof memory peer = peerProofOf(address(providerRegistry), stranger);
        vm.expectRevert(unknown);
        vm.prank(stranger);
        providerRegistry.updateAddress(peer, hex"02");
        vm.expectRevert(unknown);
        vm.prank(stranger);
        providerRegistry.requestExit();
        vm.expectRevert(unknown);
        vm.prank(stranger);
        providerRegistry.withdrawStake();

        address operator = accountOf(0);
        peer = peerProofOf(address(providerRegistry), operator);
        registerOperator(providerRegistry, operator, MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.NotExiting.selector, 0));
        vm.prank(operator);
        providerRegistry.withdrawStake();
        vm.prank(operator);
        providerRegistry.requestExit();
        bytes memory inactive = abi.encodeWithSelector(StakedRegistry.NotActive.selector, 0);
        vm.expectRevert(inactive);
        vm.prank(operator);
        providerRegistry.requestExit();
        vm.expectRevert(inactive);
        vm.prank(operator);
        providerRegistry.updateAddress(peer, hex"02");
    }

    function test_anAddressIsReplaced(uint256 secret, bytes32 network) public {
        secret = between(secret, 1, 2 ** 250);
        address operator = accountOf(0);
        registerOperator(providerRegistry, operator, MIN_STAKE);
        PeerKeys.Proof memory peer = PeerSigner.proofOf(secret, address(providerRegistry), operator);
        bytes memory peerId = PeerSigner.peerIdOf(secret);
        vm.expectEmit(true, true, false, true, address(providerRegistry));
        emit StakedRegistry.AddressUpdated(0, operator, peerId, abi.encode(network));
        vm.prank(operator);
        providerRegistry.updateAddress(peer, abi.encode(network));
        assertEq(providerRegistry.operatorAt(0).peerId, peerId, "peer");
        assertEq(providerRegistry.operatorAt(0).multiaddr, abi.encode(network), "address");
        vm.prank(operator);
        providerRegistry.updateAddress(peer, hex"01");
        assertEq(providerRegistry.operatorAt(0).multiaddr, hex"01", "the address alone");
    }

    function test_maxActiveIsBounded(uint32 maxActive) public {
        vm.assume(maxActive == 0 || maxActive > 4096);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.InvalidMaxActive.selector, maxActive));
        new ProviderRegistry(
            token, StakedRegistry.StakeParameters(MIN_STAKE, UNBONDING, maxActive), beacon, parameters, court
        );
    }

    function test_aFullListTakesNobodyUntilSomebodyLeaves() public {
        ProviderRegistry small = new ProviderRegistry(
            token, StakedRegistry.StakeParameters(MIN_STAKE, UNBONDING, 2), beacon, parameters, court
        );
        registerOperator(small, accountOf(0), MIN_STAKE);
        registerOperator(small, accountOf(1), MIN_STAKE);
        StakedRegistry.Registration memory own = registrationOf(small, accountOf(2));
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.RegistryFull.selector));
        vm.prank(accountOf(2));
        small.register(own, MIN_STAKE);
        vm.prank(accountOf(0));
        small.requestExit();
        assertEq(registerOperator(small, accountOf(2), MIN_STAKE), 2, "index");
    }
}

/// @notice Properties of lists, on a pool with some providerRegistry.
contract OperatorListTest is NetworkTest {
    uint256 private constant OPERATORS = 12;

    function setUp() public {
        deployNetwork();
        for (uint256 i = 0; i < OPERATORS; i++) {
            registerOperator(providerRegistry, accountOf(i), MIN_STAKE);
        }
    }

    function accountOf(uint256 i) private pure returns (address) {
        return address(uint160(0x10000 + i));
    }

    /// @dev Exits are the set bits of `exits`, in an order that `salt` gives.
    function test_exitsLeaveTheOthersInOrder(uint16 exits, uint256 salt) public {
        bool[OPERATORS] memory gone;
        for (uint256 round = 0; round < OPERATORS; round++) {
            uint256 pick = (round * 5 + salt % OPERATORS) % OPERATORS;
            if (exits & (1 << pick) == 0) continue;
            vm.prank(accountOf(pick));
            providerRegistry.requestExit();
            gone[pick] = true;
        }
        uint256[] memory active = providerRegistry.activePage(0, 100);
        uint256 position = 0;
        for (uint256 i = 0; i < OPERATORS; i++) {
            if (gone[i]) continue;
            assertEq(active[position], i, "order");
            assertEq(providerRegistry.activeAt(position), accountOf(i), "account");
            position++;
        }
        assertEq(providerRegistry.activeCount(), position, "count");
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.UnknownIndex.selector, position));
        providerRegistry.activeAt(position);
    }

    function test_pagesAreBoundedAndEndWithTheList(uint256 from, uint256 limit) public {
        from = between(from, 0, OPERATORS + 2);
        if (limit > 100) {
            vm.expectRevert(abi.encodeWithSelector(StakedRegistry.PageTooLarge.selector, limit));
            providerRegistry.page(from, limit);
            vm.expectRevert(abi.encodeWithSelector(StakedRegistry.PageTooLarge.selector, limit));
            providerRegistry.activePage(from, limit);
            limit = limit % 100;
        }
        uint256 left = from < OPERATORS ? OPERATORS - from : 0;
        uint256 size = limit < left ? limit : left;
        StakedRegistry.Operator[] memory listed = providerRegistry.page(from, limit);
        assertEq(listed.length, size, "page");
        assertEq(providerRegistry.activePage(from, limit).length, size, "active page");
        for (uint256 i = 0; i < size; i++) {
            assertEq(listed[i].account, accountOf(from + i), "account");
        }
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.UnknownIndex.selector, OPERATORS));
        providerRegistry.operatorAt(OPERATORS);
    }
}

/// @notice The dearest exit: the first of as many operators as a registry may have. The registry's storage is written as so
/// many registrations would leave it, but for keys and addresses.
contract FullRegistryTest is NetworkTest {
    uint256 private constant OPERATORS = 4096;
    /// @dev Slots of the registry: contracts/storage-layouts.
    uint256 private constant OPERATORS_SLOT = 1;
    uint256 private constant ACTIVE_SLOT = 2;
    uint256 private constant REGISTRATION_SLOT = 3;
    uint256 private constant OPERATOR_SLOTS = 5;

    function setUp() public {
        deployNetwork();
        store(OPERATORS_SLOT, OPERATORS);
        store(ACTIVE_SLOT, OPERATORS);
        uint256 record = uint256(keccak256(abi.encode(OPERATORS_SLOT)));
        uint256 list = uint256(keccak256(abi.encode(ACTIVE_SLOT)));
        uint256 word = 0;
        for (uint256 i = 0; i < OPERATORS; i++) {
            store(record + OPERATOR_SLOTS * i, uint160(accountOf(i)));
            word |= i << (32 * (i % 8));
            if (i % 8 != 7) continue;
            store(list + i / 8, word);
            word = 0;
        }
        store(uint256(keccak256(abi.encode(accountOf(0), REGISTRATION_SLOT))), 1);
    }

    function accountOf(uint256 i) private pure returns (address) {
        return address(uint160(0x10000 + i));
    }

    function store(uint256 slot, uint256 value) private {
        vm.store(address(providerRegistry), bytes32(slot), bytes32(value));
    }

    function test_theFirstOfAFullRegistryCanLeaveInOneTransaction() public {
        assertEq(providerRegistry.activeAt(OPERATORS - 1), accountOf(OPERATORS - 1), "full");
        vm.prank(accountOf(0));
        uint256 before = gasleft();
        providerRegistry.requestExit();
        assertTrue(before - gasleft() < 16_777_216 - 21_000, "EIP-7825");
        assertEq(providerRegistry.activeAt(OPERATORS - 2), accountOf(OPERATORS - 1), "last");
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../../src/BlsSignatures.sol";
import {Charter, Permission, TaxBracket} from "../../src/CharterRules.sol";
import {Comco} from "../../src/Comco.sol";
import {DacRegistry} from "../../src/DacRegistry.sol";
import {Inbox} from "../../src/Inbox.sol";
import {L1Bridge} from "../../src/L1Bridge.sol";
import {MetisToken} from "../../src/MetisToken.sol";
import {ProviderRegistry} from "../../src/ProviderRegistry.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {SequencerPool} from "../../src/SequencerPool.sol";
import {StakedRegistry} from "../../src/StakedRegistry.sol";
import {StorageRegistry} from "../../src/StorageRegistry.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Test} from "./Test.sol";

/// @notice A whole network, deployed in the order that packages/l1/src/deploy.ts uses. This contract holds the supply.
abstract contract NetworkTest is Test {
    uint256 internal constant SUPPLY = 1e9 ether;
    uint256 internal constant MIN_STAKE = 1000 ether;
    uint64 internal constant UNBONDING = 240;
    uint64 internal constant SLOT_BLOCKS = 8;
    uint64 internal constant POST_GRACE = 3;
    uint64 internal constant MAX_EPOCH_AGE = 64;
    uint64 internal constant MAX_WINDOW = 120;
    address internal constant METIS_DAO = address(0xDA0);

    MetisToken internal token;
    DacRegistry internal registry;
    Comco internal comco;
    Inbox internal inbox;
    L1Bridge internal bridge;
    SequencerPool internal sequencerPool;
    ProviderRegistry internal providerRegistry;
    StorageRegistry internal storageRegistry;
    RollupChain internal rollup;

    function deployNetwork() internal {
        vm.roll(1000);
        vm.warp(1_800_000_000);
        token = new MetisToken(address(this), SUPPLY);
        uint256 nonce = vm.getNonce(address(this));
        registry = new DacRegistry(vm.computeCreateAddress(address(this), nonce + 1));
        comco = new Comco(registry, METIS_DAO);
        inbox = new Inbox(vm.computeCreateAddress(address(this), nonce + 3));
        bridge = new L1Bridge(token, registry, inbox);
        StakedRegistry.StakeParameters memory stake = StakedRegistry.StakeParameters(MIN_STAKE, UNBONDING, 4096);
        sequencerPool = new SequencerPool(token, stake);
        providerRegistry = new ProviderRegistry(token, stake);
        storageRegistry = new StorageRegistry(token, stake);
        rollup = new RollupChain(
            registry,
            inbox,
            sequencerPool,
            RollupChain.RollupParameters(SLOT_BLOCKS, POST_GRACE, MAX_EPOCH_AGE, MAX_WINDOW)
        );
    }

    function charter() internal pure returns (Charter memory) {
        return Charter("to be useful", "by being tested", new Permission[](0), new TaxBracket[](0), address(0xCAFE));
    }

    /// @dev The secret of an operator's BLS key.
    function secretOf(address operator) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("secret", operator)));
    }

    /// @dev A registration that a pool takes from an operator. Calls precompiles: to be made before a prank or an expected
    /// revert.
    function registrationOf(StakedRegistry pool, address operator)
        internal
        view
        returns (StakedRegistry.Registration memory)
    {
        return registrationWith(secretOf(operator), pool, operator);
    }

    /// @dev The same with a key of the caller's choice.
    function registrationWith(uint256 secret, StakedRegistry pool, address operator)
        internal
        view
        returns (StakedRegistry.Registration memory)
    {
        bytes memory key = BlsSigner.publicKeyOf(secret);
        bytes32 keyHash = keccak256(BlsSignatures.compress(key));
        bytes memory claim =
            abi.encodePacked(keccak256("mvm/bls-possession/1"), block.chainid, address(pool), operator, keyHash);
        bytes memory possession = BlsSigner.sign(secret, keccak256(claim));
        return StakedRegistry.Registration(key, possession, hex"0024080112", hex"047f000001");
    }

    function registerOperator(StakedRegistry pool, address operator, uint256 stake) internal returns (uint256) {
        token.transfer(operator, stake);
        StakedRegistry.Registration memory own = registrationOf(pool, operator);
        vm.prank(operator);
        token.approve(address(pool), stake);
        vm.prank(operator);
        return pool.register(own, stake);
    }

    function depositFor(uint256 chainId, address from, address to, uint256 amount) internal returns (uint256) {
        token.transfer(from, amount);
        vm.prank(from);
        token.approve(address(bridge), amount);
        vm.prank(from);
        return bridge.depositMT(chainId, to, amount);
    }
}

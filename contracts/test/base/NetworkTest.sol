// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

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

    function registration() internal pure returns (StakedRegistry.Registration memory) {
        return StakedRegistry.Registration(new bytes(48), hex"0024080112", hex"047f000001");
    }

    function registerOperator(StakedRegistry pool, address operator, uint256 stake) internal returns (uint256) {
        token.transfer(operator, stake);
        vm.prank(operator);
        token.approve(address(pool), stake);
        vm.prank(operator);
        return pool.register(registration(), stake);
    }

    function depositFor(uint256 chainId, address from, address to, uint256 amount) internal returns (uint256) {
        token.transfer(from, amount);
        vm.prank(from);
        token.approve(address(bridge), amount);
        vm.prank(from);
        return bridge.depositMT(chainId, to, amount);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../../src/BondManager.sol";
import {IRandomBeacon} from "../../src/interfaces/IRandomBeacon.sol";
import {MetisToken} from "../../src/MetisToken.sol";
import {TestBeacon, TestPool} from "./BondNeighbours.sol";
import {Test} from "./Test.sol";
import {TestParameters} from "./TestParameters.sol";

/// @notice Bonds with small neighbours: bridge and rollup are accounts. This contract holds the supply.
abstract contract BondsTest is Test {
    uint256 internal constant SUPPLY = 1e9 ether;
    uint256 internal constant MIN_STAKE = 1000 ether;
    uint64 internal constant EPOCH_BLOCKS = 8;
    uint64 internal constant MAX_WINDOW = 120;
    uint64 internal constant UNBONDING = 240;
    uint256 internal constant START = 1_800_000_000;
    address internal constant BRIDGE = address(0xB21D6E);
    address internal constant ROLLUP = address(0x2011);
    address internal constant PROVER = address(0x9203E2);
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    address internal constant CAROL = address(0xCA201);
    uint256 internal constant CHAIN = 77;
    uint256 internal constant OTHER_CHAIN = 78;

    MetisToken internal token;
    TestParameters internal parameters;
    TestBeacon internal beacon;
    TestPool internal pool;
    BondManager internal manager;

    function deployNeighbours() internal {
        vm.roll(1000);
        vm.warp(START);
        token = new MetisToken(address(this), SUPPLY);
        parameters = new TestParameters();
        beacon = new TestBeacon(EPOCH_BLOCKS);
        pool = new TestPool();
    }

    function deployBonds() internal {
        deployNeighbours();
        useManager(new BondManager(neighbours(), MAX_WINDOW, UNBONDING));
    }

    function useManager(BondManager manager_) internal {
        manager = manager_;
        pool.setManager(manager_);
    }

    function neighbours() internal view returns (BondManager.Neighbours memory) {
        return BondManager.Neighbours(token, parameters, IRandomBeacon(address(beacon)), pool, BRIDGE, ROLLUP);
    }

    function fund(address account, uint256 amount) internal {
        token.transfer(account, amount);
        uint256 allowance = token.allowance(account, address(manager));
        vm.prank(account);
        token.approve(address(manager), allowance + amount);
    }

    function enrol(address sequencer, uint256 amount) internal {
        fund(sequencer, amount);
        vm.prank(sequencer);
        pool.register(amount);
    }

    function stake(address holder, address sequencer, uint256 amount) internal returns (uint256) {
        fund(holder, amount);
        vm.prank(holder);
        return manager.stake(sequencer, amount);
    }

    function unstake(address holder, address sequencer, uint256 shares) internal returns (uint256) {
        vm.prank(holder);
        return manager.requestUnstake(sequencer, shares);
    }

    function withdraw(address holder, address sequencer, uint256 id) internal returns (uint256) {
        vm.prank(holder);
        return manager.withdrawStake(sequencer, id);
    }

    function lock(uint256 chainId, address sequencer, uint256 amount) internal {
        vm.prank(ROLLUP);
        manager.lock(chainId, sequencer, amount);
    }

    function slash(uint256 chainId, address sequencer, uint256 amount) internal returns (uint256) {
        vm.prank(ROLLUP);
        return manager.slash(chainId, sequencer, amount, PROVER);
    }

    function releaseOne(address sequencer, uint256 chainId) internal {
        uint256[] memory chainIds = new uint256[](1);
        chainIds[0] = chainId;
        manager.release(sequencer, chainIds);
    }

    function totalOf(address sequencer) internal view returns (uint256 total) {
        (total,) = manager.totalOf(sequencer);
    }

    function pass(uint256 time) internal {
        vm.warp(block.timestamp + time);
    }

    /// @dev Signs an EIP-2612 permit for a spender.
    function signPermit(uint256 key, address spender, uint256 value)
        internal
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        address owner = vm.addr(key);
        bytes32 structHash =
            keccak256(abi.encode(typeHash, owner, spender, value, token.nonces(owner), block.timestamp));
        return vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
    }
}

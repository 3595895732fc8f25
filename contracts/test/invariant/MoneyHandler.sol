// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakedRegistry} from "../../src/StakedRegistry.sol";
import {NetworkTest} from "../base/NetworkTest.sol";

/// @notice Actors who create DACs, deposit, register, leave and withdraw in any order. Keeps its own account of the sums.
contract MoneyHandler is NetworkTest {
    uint256 private constant MAX_DACS = 6;
    uint256 private constant ACTORS = 5;

    uint256[] private _chains;
    mapping(uint256 chainId => uint256 amount) public depositedFor;
    uint256 public depositedInAll;
    mapping(StakedRegistry pool => uint256 amount) public stakedIn;
    mapping(StakedRegistry pool => mapping(address actor => StakedRegistry.OperatorStatus)) private _status;
    mapping(StakedRegistry pool => mapping(address actor => uint256)) private _stake;

    constructor() {
        deployNetwork();
        createDac();
    }

    function createDac() public {
        if (_chains.length >= MAX_DACS) return;
        string memory label = string(abi.encodePacked("dac-", bytes1(uint8(0x61 + _chains.length))));
        _chains.push(comco.createDac(label, charter()));
    }

    function deposit(uint256 actor, uint256 chain, uint256 amount) external {
        uint256 chainId = _chains[chain % _chains.length];
        amount = between(amount, 1, 1000 ether);
        depositFor(chainId, _actor(actor), _actor(actor), amount);
        depositedFor[chainId] += amount;
        depositedInAll += amount;
    }

    function register(uint256 actor, uint256 role, uint256 stake) external {
        StakedRegistry pool = pools()[role % 3];
        address operator = _actor(actor);
        if (_stake[pool][operator] != 0) return;
        stake = between(stake, MIN_STAKE, 10 * MIN_STAKE);
        registerOperator(pool, operator, stake);
        _stake[pool][operator] = stake;
        _status[pool][operator] = StakedRegistry.OperatorStatus.Active;
        stakedIn[pool] += stake;
    }

    function requestExit(uint256 actor, uint256 role) external {
        StakedRegistry pool = pools()[role % 3];
        address operator = _actor(actor);
        if (_stake[pool][operator] == 0 || _status[pool][operator] != StakedRegistry.OperatorStatus.Active) return;
        vm.prank(operator);
        pool.requestExit();
        _status[pool][operator] = StakedRegistry.OperatorStatus.Exiting;
    }

    function withdraw(uint256 actor, uint256 role) external {
        StakedRegistry pool = pools()[role % 3];
        address operator = _actor(actor);
        uint256 stake = _stake[pool][operator];
        if (stake == 0 || _status[pool][operator] != StakedRegistry.OperatorStatus.Exiting) return;
        vm.warp(block.timestamp + UNBONDING);
        uint256 before = token.balanceOf(operator);
        vm.prank(operator);
        pool.withdrawStake();
        assertEq(token.balanceOf(operator) - before, stake, "a stake comes back whole");
        _stake[pool][operator] = 0;
        stakedIn[pool] -= stake;
    }

    function pools() public view returns (StakedRegistry[3] memory) {
        return [StakedRegistry(sequencerPool), StakedRegistry(providerRegistry), StakedRegistry(storageRegistry)];
    }

    function chains() external view returns (uint256[] memory) {
        return _chains;
    }

    function lockedFor(uint256 chainId) external view returns (uint256) {
        return bridge.lockedMT(chainId);
    }

    function bridgeBalance() external view returns (uint256) {
        return token.balanceOf(address(bridge));
    }

    function balanceOfPool(StakedRegistry pool) external view returns (uint256) {
        return token.balanceOf(address(pool));
    }

    function _actor(uint256 seed) private pure returns (address) {
        return address(uint160(0xAC700 + seed % ACTORS));
    }
}

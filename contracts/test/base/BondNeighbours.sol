// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../../src/BondManager.sol";
import {ISequencerPool} from "../../src/interfaces/ISequencerPool.sol";

/// @notice Epochs, which are all that bonds take from the beacon.
contract TestBeacon {
    uint64 public immutable epochBlocks;

    constructor(uint64 epochBlocks_) {
        epochBlocks = epochBlocks_;
    }

    function currentEpoch() external view returns (uint64) {
        return uint64(block.number) / epochBlocks;
    }
}

/// @notice A pool that remembers what it was told, and counts exactly; it draws nobody.
contract TestPool is ISequencerPool {
    BondManager public manager;
    address[] private _sequencers;
    mapping(address sequencer => bool) private _known;
    mapping(address sequencer => bool) public isActive;
    mapping(address sequencer => uint256) public stakeWei;

    error OnlyManager();
    error NotKnown(address sequencer);

    modifier onlyManager(address sequencer) {
        if (msg.sender != address(manager)) revert OnlyManager();
        if (!_known[sequencer]) revert NotKnown(sequencer);
        _;
    }

    function setManager(BondManager manager_) external {
        manager = manager_;
    }

    function register(uint256 amount) external {
        if (!_known[msg.sender]) {
            _known[msg.sender] = true;
            _sequencers.push(msg.sender);
        }
        isActive[msg.sender] = true;
        manager.enrol(msg.sender, amount);
    }

    function leave() external {
        isActive[msg.sender] = false;
        manager.retire(msg.sender);
    }

    function setStake(address sequencer, uint256 stakeWei_) external onlyManager(sequencer) {
        stakeWei[sequencer] = stakeWei_;
        emit StakeChanged(0, 0, stakeWei_);
    }

    function eject(address sequencer) external {
        if (!manager.isConvicted(sequencer)) revert NotKnown(sequencer);
        isActive[sequencer] = false;
        stakeWei[sequencer] = 0;
    }

    function draw(bytes32, uint64, uint256, uint8) external pure returns (address) {
        return address(0);
    }

    function countAtLeast(uint256 thresholdWei, uint256 limit) external view returns (uint256 count) {
        for (uint256 i = 0; i < _sequencers.length && count < limit; i++) {
            uint256 amount = stakeWei[_sequencers[i]];
            if (amount != 0 && amount >= thresholdWei) count++;
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {StakedRegistry} from "./StakedRegistry.sol";
import {SeatTree} from "./election/SeatTree.sol";
import {IRandomBeacon} from "./interfaces/IRandomBeacon.sol";

/// @title Staked providers
/// @notice Sign-up of providers, who execute jobs. Seats of jobs fall to them by their stakes in whole MT, as they were at the
/// close of the epoch two before the block's slot; blocks name them by registry index.
contract ProviderRegistry is StakedRegistry {
    using SeatTree for SeatTree.Tree;

    /// @notice Largest sum of stakes: words of {SeatTree} hold sums below 2^32 MT.
    uint256 public constant MAX_SUPPLY = uint256(type(uint32).max) * 1 ether;

    /// @notice L1 blocks of an epoch.
    uint64 public immutable epochBlocks;

    SeatTree.Tree private _tree;
    /// @dev Place of an active provider.
    mapping(uint256 index => uint16 place) private _placeOf;
    /// @dev Places below `_used` that nobody has.
    uint16[] private _freePlaces;
    uint16 private _used;

    /// @notice A provider took a place of the seat tree, or left it: then its weight is 0.
    /// @param index Registry index.
    /// @param place The place.
    /// @param weightMT Its stake in whole MT.
    event SeatTaken(uint256 indexed index, uint16 place, uint32 weightMT);

    /// @notice The token's supply is more than MAX_SUPPLY.
    error SupplyTooLarge(uint256 supply);
    /// @notice The minimum stake is below 1 MT, which would be no chance in any draw.
    error MinimumBelowOne(uint256 minimumStake);

    /// @param token_ The token of the stakes; its supply is fixed.
    /// @param parameters Limits; the minimum stake is at least 1 MT.
    /// @param beacon Who tells epochs.
    constructor(IERC20 token_, StakeParameters memory parameters, IRandomBeacon beacon)
        StakedRegistry(token_, parameters)
    {
        uint256 supply = token_.totalSupply();
        if (supply > MAX_SUPPLY) revert SupplyTooLarge(supply);
        if (parameters.minimumStake < 1 ether) revert MinimumBelowOne(parameters.minimumStake);
        epochBlocks = beacon.epochBlocks();
    }

    /// @notice Root of the seat tree at the close of an epoch; of one that is not over, as it stands.
    /// @param epoch The epoch.
    /// @return The word, see {SeatTree}; zero where there was no provider.
    function seatRootAt(uint64 epoch) external view returns (uint256) {
        return _tree.rootAt(epoch);
    }

    function _entered(uint32 index, address account, bytes32 keyHash, uint256 stake) internal override {
        uint256 free = _freePlaces.length;
        uint16 place;
        if (free == 0) {
            place = _used++;
        } else {
            place = _freePlaces[free - 1];
            _freePlaces.pop();
        }
        _placeOf[index] = place;
        uint32 weight = uint32(stake / 1 ether);
        emit SeatTaken(index, place, weight);
        _put(place, SeatTree.leafOf(SeatTree.Seated(index, account, keyHash, weight)));
    }

    function _left(uint32 index) internal override {
        uint16 place = _placeOf[index];
        delete _placeOf[index];
        _freePlaces.push(place);
        emit SeatTaken(index, place, 0);
        _put(place, 0);
    }

    function _put(uint256 place, uint256 leaf) private {
        _tree.put(place, leaf, uint64(block.number / epochBlocks));
    }
}

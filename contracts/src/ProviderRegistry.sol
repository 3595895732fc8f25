// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {StakedRegistry} from "./StakedRegistry.sol";
import {SeatTree} from "./election/SeatTree.sol";
import {INetworkParameters} from "./interfaces/INetworkParameters.sol";
import {IRandomBeacon} from "./interfaces/IRandomBeacon.sol";
import {MetisToken} from "./MetisToken.sol";

/// @title Staked providers
/// @notice Sign-up of providers, who execute jobs. Seats of jobs fall to them by their stakes in whole MT, as they were at the
/// close of the epoch two before the block's slot; blocks name them by registry index.
contract ProviderRegistry is StakedRegistry {
    using SeatTree for SeatTree.Tree;

    /// @notice Largest sum of stakes: words of {SeatTree} hold sums below 2^32 MT.
    uint256 public constant MAX_SUPPLY = uint256(type(uint32).max) * 1 ether;

    uint256 private constant BASIS_POINTS = 10_000;

    /// @notice What MetisDAO sets.
    INetworkParameters public immutable parameters;
    /// @notice Who may slash.
    address public immutable court;
    /// @notice L1 blocks of an epoch.
    uint64 public immutable epochBlocks;

    SeatTree.Tree private _tree;
    /// @dev Place of an active provider.
    mapping(uint256 index => uint16 place) private _placeOf;
    /// @dev Places below `_used` that nobody has.
    uint16[] private _freePlaces;
    uint16 private _used;

    /// @notice A provider took a place of the seat tree, has another weight there, or left it: then its weight is 0.
    /// @param index Registry index.
    /// @param place The place.
    /// @param weightMT Its stake in whole MT.
    event SeatTaken(uint256 indexed index, uint16 place, uint32 weightMT);

    /// @notice A provider was slashed for a result.
    /// @param slashed Wei of MT; of these `reward` went to the prover, and the rest was burnt.
    event Slashed(uint256 indexed index, address indexed prover, uint256 slashed, uint256 reward);

    /// @notice The caller is not the court.
    error NotCourt(address caller);
    /// @notice The token's supply is more than MAX_SUPPLY.
    error SupplyTooLarge(uint256 supply);
    /// @notice The minimum stake is below 1 MT, which would be no chance in any draw.
    error MinimumBelowOne(uint256 minimumStake);

    /// @param token_ The token of the stakes; its supply is fixed.
    /// @param limits Limits; the minimum stake is at least 1 MT.
    /// @param beacon Who tells epochs.
    /// @param parameters_ What MetisDAO sets; may be deployed later, at this address.
    /// @param court_ Who may slash; may be deployed later, at this address.
    constructor(
        MetisToken token_,
        StakeParameters memory limits,
        IRandomBeacon beacon,
        INetworkParameters parameters_,
        address court_
    ) StakedRegistry(token_, limits) {
        uint256 supply = token_.totalSupply();
        if (supply > MAX_SUPPLY) revert SupplyTooLarge(supply);
        if (limits.minimumStake < 1 ether) revert MinimumBelowOne(limits.minimumStake);
        epochBlocks = beacon.epochBlocks();
        parameters = parameters_;
        court = court_;
    }

    /// @notice Takes the minimum stake of a provider, or what is left, whether it is active or on its way out: a share of it is the
    /// prover's, the rest is burnt. One whose rest is below the minimum leaves. The minimum, whatever the stake: a provider that splits its
    /// stake into many loses as much by a lie as one that does not.
    /// @param index Registry index. Reverts with UnknownIndex, or NothingToSlash where the stake is paid back.
    /// @param prover Who showed that it lied.
    function slash(uint256 index, address prover) external {
        if (msg.sender != court) revert NotCourt(msg.sender);
        uint256 slashed = _take(index, minimumStake);
        uint256 reward = slashed * parameters.proverShare() / BASIS_POINTS;
        emit Slashed(index, prover, slashed, reward);
        MetisToken(address(token)).burn(slashed - reward);
        token.transfer(prover, reward);
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
        _seat(place, index, account, keyHash, stake);
    }

    function _restaked(uint32 index, address account, bytes32 keyHash, uint256 stake) internal override {
        _seat(_placeOf[index], index, account, keyHash, stake);
    }

    function _left(uint32 index) internal override {
        uint16 place = _placeOf[index];
        delete _placeOf[index];
        _freePlaces.push(place);
        emit SeatTaken(index, place, 0);
        _put(place, 0);
    }

    function _seat(uint16 place, uint32 index, address account, bytes32 keyHash, uint256 stake) private {
        uint32 weight = uint32(stake / 1 ether);
        emit SeatTaken(index, place, weight);
        _put(place, SeatTree.leafOf(SeatTree.Seated(index, account, keyHash, weight)));
    }

    function _put(uint256 place, uint256 leaf) private {
        _tree.put(place, leaf, uint64(block.number / epochBlocks));
    }
}

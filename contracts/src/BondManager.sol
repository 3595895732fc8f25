// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BondPools} from "./BondPools.sol";
import {IBondManager} from "./interfaces/IBondManager.sol";
import {INetworkParameters} from "./interfaces/INetworkParameters.sol";
import {IRandomBeacon} from "./interfaces/IRandomBeacon.sol";
import {ISequencerPool} from "./interfaces/ISequencerPool.sol";
import {Locks} from "./Locks.sol";
import {MetisToken} from "./MetisToken.sol";
import {Versions} from "./election/Versions.sol";

/// @title Bonds of sequencers, and the Dynamic Bond Threshold of every DAC
/// @notice Bonds are pools of shares, see {BondPools}. A bond is never below the sum of its sequencer's locks, which
/// include those on other chains: stake counts once over all DACs (I5). Design page 30, "DBT".
contract BondManager is IBondManager, BondPools {
    /// @notice The contracts that this one works with; some may be deployed later, at these addresses.
    /// @param token MT.
    /// @param parameters What MetisDAO sets.
    /// @param beacon Epochs; deployed already.
    /// @param pool Who draws sequencers.
    /// @param bridge Who says how much MT is locked for a DAC.
    /// @param rollup Who locks and slashes.
    struct Neighbours {
        MetisToken token;
        INetworkParameters parameters;
        IRandomBeacon beacon;
        ISequencerPool pool;
        address bridge;
        address rollup;
    }

    /// @notice Largest number of chains that one call of {release} takes.
    uint256 public constant MAX_RELEASE = 64;
    /// @notice A prover gets at most this part of what the convicted sequencer loses itself, in basis points. Without the
    /// limit, a sequencer could convict itself and take a part of what was delegated to it.
    uint256 public constant OWN_LOSS_SHARE = 5_000;

    uint256 private constant BASIS_POINTS = 10_000;
    uint256 private constant MT = 1 ether;

    /// @notice Who says how much MT is locked for a DAC.
    address public immutable bridge;
    /// @notice Who locks and slashes.
    address public immutable rollup;
    /// @notice L1 blocks of an epoch.
    uint64 public immutable epochBlocks;

    /// @dev Words of {Locks}.
    mapping(address sequencer => mapping(uint256 chainId => uint256)) private _locks;
    /// @dev Words of {Versions}: thresholds in whole MT.
    mapping(uint256 chainId => uint256) private _thresholds;

    /// @notice What is locked of a sequencer's bond for a DAC changed, by a batch, by {release} or by a conviction. A lock
    /// that runs out by itself has no event before {release}.
    event LockChanged(address indexed sequencer, uint256 indexed chainId, uint256 amount);
    /// @notice A sequencer was convicted: it is barred for good, and its bond frozen until a time in seconds.
    event Slashed(
        address indexed sequencer,
        uint256 indexed chainId,
        address indexed prover,
        uint256 slashed,
        uint256 reward,
        uint64 frozenUntil
    );

    /// @notice A sequencer lost a part of its own stake, and goes on.
    event Fined(
        address indexed sequencer, uint256 indexed chainId, address indexed prover, uint256 fined, uint256 reward
    );

    /// @notice The caller is not the one contract that may call this.
    error OnlyNeighbour(address caller, address neighbour);
    /// @notice The stake less the locks on other chains is below the amount.
    error InsufficientBond(address sequencer, uint256 free, uint256 amount);
    /// @notice More than MAX_RELEASE chains.
    error TooManyChains(uint256 count);

    /// @param neighbours The contracts that this one works with.
    /// @param maxWindow_ Longest challenge window in seconds, not zero.
    /// @param unbondingDelay_ Seconds, maxWindow to MAX_UNBONDING_DELAY.
    constructor(Neighbours memory neighbours, uint64 maxWindow_, uint64 unbondingDelay_)
        BondPools(neighbours.token, neighbours.parameters, neighbours.pool, maxWindow_, unbondingDelay_)
    {
        bridge = neighbours.bridge;
        rollup = neighbours.rollup;
        epochBlocks = neighbours.beacon.epochBlocks();
    }

    modifier only(address neighbour) {
        if (msg.sender != neighbour) revert OnlyNeighbour(msg.sender, neighbour);
        _;
    }

    /// @notice Drops locks of a sequencer that have run out from {totalLocked}. Open to everyone.
    /// @param sequencer The sequencer.
    /// @param chainIds Chains, at most MAX_RELEASE.
    function release(address sequencer, uint256[] calldata chainIds) external {
        if (chainIds.length > MAX_RELEASE) revert TooManyChains(chainIds.length);
        uint256 period = _period();
        for (uint256 i = 0; i < chainIds.length; i++) {
            uint256 word = _locks[sequencer][chainIds[i]];
            _setLock(sequencer, chainIds[i], word, Locks.carry(word, period));
        }
    }

    /// @inheritdoc IBondManager
    /// @dev The pool must know the sequencer already: its setStake is called from here.
    function enrol(address sequencer, uint256 amount) external only(address(pool)) {
        Bond storage bond = _bonds[sequencer];
        SequencerStatus status = bond.status;
        if (status == SequencerStatus.Active || status == SequencerStatus.Ejected) {
            revert WrongStatus(sequencer, status);
        }
        uint256 minimum = parameters.minimumStake();
        if (amount < minimum) revert StakeTooSmall(amount, minimum);
        bond.status = SequencerStatus.Active;
        _stake(sequencer, sequencer, amount);
    }

    /// @inheritdoc IBondManager
    /// @dev The bond stays until its holders unstake; batches of slots that the sequencer was drawn for may still be posted.
    function retire(address sequencer) external only(address(pool)) {
        Bond storage bond = _bonds[sequencer];
        if (bond.status != SequencerStatus.Active) revert WrongStatus(sequencer, bond.status);
        bond.status = SequencerStatus.Retired;
        pool.setStake(sequencer, 0);
    }

    /// @inheritdoc IBondManager
    function setLocked(uint256 chainId, uint256 lockedWei) external only(bridge) {
        uint32 units = _thresholdOf(lockedWei);
        uint256 word = _thresholds[chainId];
        if (Versions.latest(word) == units) return;
        _thresholds[chainId] = Versions.set(word, _epoch(), units);
        emit ThresholdChanged(chainId, units);
    }

    /// @inheritdoc IBondManager
    /// @dev A DAC without MT needs no bond. A lock that is in force for this period already is not checked again: the bond
    /// cannot go below it. Shares on their way out count for no new lock.
    function lock(uint256 chainId, address sequencer, uint256 amount) external only(rollup) {
        Bond storage bond = _bonds[sequencer];
        SequencerStatus status = bond.status;
        if (!_mayLock(status)) revert WrongStatus(sequencer, status);
        uint256 word = _locks[sequencer][chainId];
        uint256 period = _period();
        uint256 carried = Locks.carry(word, period);
        if (amount == 0 || carried == word && amount <= Locks.current(word)) return;
        _requireHeadroom(sequencer, bond.locked - Locks.valueOf(word), amount);
        _setLock(sequencer, chainId, word, Locks.raise(carried, period, amount));
    }

    /// @inheritdoc IBondManager
    /// @dev Takes no cover of the sequencer's locks on other chains: those answer for other wrongs. A prover in whose way
    /// locks are that have run out calls {release} before. The chain's lock is spent by it. The draws are left as they are: what
    /// they look at now counts two epochs later, and {ISequencerPool-eject}, which is open to everyone, takes some 70,000 gas
    /// where all else of a conviction takes 105,000.
    function slash(uint256 chainId, address sequencer, uint256 amount, address prover)
        external
        only(rollup)
        returns (uint256 slashed)
    {
        Bond storage bond = _bonds[sequencer];
        SequencerStatus status = bond.status;
        if (status == SequencerStatus.None) revert WrongStatus(sequencer, status);
        uint256 word = _locks[sequencer][chainId];
        slashed = Math.max(Locks.valueOf(Locks.carry(word, _period())), amount);
        slashed = Math.min(slashed, _coverOf(bond, Locks.valueOf(word)));
        uint256 reward = _rewardOf(bond, slashed);
        uint64 frozenUntil = uint64(block.timestamp) + maxWindow;

        _setLock(sequencer, chainId, word, 0);
        bond.tokens -= uint96(slashed);
        bond.frozenUntil = uint48(frozenUntil);
        bond.status = SequencerStatus.Ejected;
        emit Slashed(sequencer, chainId, prover, slashed, reward, frozenUntil);
        bond.unburnt += uint96(slashed - reward);
        token.transfer(prover, reward);
    }

    /// @notice Burns what convictions took of a sequencer's bond and no prover got. Open to everyone.
    /// @dev Not a part of {slash}: to take something out of the supply costs half as much as all else that a conviction does here.
    /// @param sequencer The sequencer.
    /// @return burnt Wei of MT.
    function burnSlashed(address sequencer) external returns (uint256 burnt) {
        burnt = _bonds[sequencer].unburnt;
        _bonds[sequencer].unburnt = 0;
        token.burn(burnt);
    }

    /// @inheritdoc IBondManager
    /// @dev Tokens and shares go together, so that a share's price does not change: delegators lose nothing, and whoever stakes
    /// later pays one wei a share as before.
    function fine(uint256 chainId, address sequencer, uint256 amount, address prover)
        external
        only(rollup)
        returns (uint256 fined)
    {
        Bond storage bond = _bonds[sequencer];
        if (bond.status == SequencerStatus.None) revert WrongStatus(sequencer, bond.status);
        uint256 word = _locks[sequencer][chainId];
        uint256 own = Locks.valueOf(word);
        uint256 most = Math.min(amount, _coverOf(bond, own));
        fined = _takeOwn(sequencer, most);
        if (fined < most) _owe(sequencer, most - fined);
        uint256 tokens = bond.tokens;
        if (bond.locked > tokens) _setLock(sequencer, chainId, word, Locks.cut(word, own - (bond.locked - tokens)));
        uint256 reward = fined * parameters.proverShare() / BASIS_POINTS;
        emit Fined(sequencer, chainId, prover, fined, reward);
        if (bond.status == SequencerStatus.Active) pool.setStake(sequencer, _drawableStake(sequencer));
        token.burn(fined - reward);
        token.transfer(prover, reward);
    }

    /// @inheritdoc IBondManager
    function renewLock(uint256 chainId, address sequencer) external only(rollup) {
        uint256 word = _locks[sequencer][chainId];
        uint256 period = _period();
        uint256 carried = Locks.carry(word, period);
        if (carried != 0) _setLock(sequencer, chainId, word, Locks.raise(carried, period, Locks.valueOf(carried)));
    }

    /// @inheritdoc IBondManager
    function isConvicted(address sequencer) external view returns (bool) {
        return _bonds[sequencer].status == SequencerStatus.Ejected;
    }

    /// @inheritdoc IBondManager
    function admits(uint256 lockedWei) external view returns (bool) {
        uint256 needed = parameters.minEligible();
        return pool.countAtLeast(_thresholdOf(lockedWei) * MT, needed) >= needed;
    }

    /// @inheritdoc IBondManager
    function thresholdAt(uint256 chainId, uint64 snapshot) external view returns (uint256) {
        return Versions.at(_thresholds[chainId], snapshot) * MT;
    }

    /// @inheritdoc IBondManager
    /// @dev Only a conviction spends a lock, and it ejects for good.
    function lockPeriodOf(address sequencer) external view returns (uint256) {
        return _mayLock(_bonds[sequencer].status) ? _period() + 1 : 0;
    }

    /// @notice A DAC's threshold as it stands now.
    /// @param chainId Identifier of the DAC's chain.
    /// @return Wei of MT.
    function threshold(uint256 chainId) external view returns (uint256) {
        return Versions.latest(_thresholds[chainId]) * MT;
    }

    /// @notice What is locked of a sequencer's bond for a DAC now.
    /// @param sequencer The sequencer.
    /// @param chainId Identifier of the DAC's chain.
    /// @return Wei of MT.
    function lockOf(address sequencer, uint256 chainId) external view returns (uint256) {
        return Locks.valueOf(Locks.carry(_locks[sequencer][chainId], _period()));
    }

    /// @notice Sum of a sequencer's locks; locks that have run out count until {release} or the chain's next lock.
    /// @param sequencer The sequencer.
    /// @return Wei of MT.
    function totalLocked(address sequencer) external view returns (uint256) {
        return _bonds[sequencer].locked;
    }

    /// @notice The largest amount that {lock} would lock for a DAC anew.
    /// @param sequencer The sequencer.
    /// @param chainId Identifier of the DAC's chain.
    /// @return Wei of MT; zero for who is ejected.
    function freeStake(address sequencer, uint256 chainId) external view returns (uint256) {
        Bond storage bond = _bonds[sequencer];
        if (bond.status == SequencerStatus.Ejected) return 0;
        return Math.saturatingSub(_activeStake(sequencer), bond.locked - Locks.valueOf(_locks[sequencer][chainId]));
    }

    function _mayLock(SequencerStatus status) private pure returns (bool) {
        return status == SequencerStatus.Active || status == SequencerStatus.Retired;
    }

    /// @dev Writes a lock's word and keeps the sum. Costs nothing where nothing changes.
    function _setLock(address sequencer, uint256 chainId, uint256 word, uint256 updated) private {
        if (updated == word) return;
        _locks[sequencer][chainId] = updated;
        uint256 before = Locks.valueOf(word);
        uint256 value = Locks.valueOf(updated);
        if (value == before) return;
        Bond storage bond = _bonds[sequencer];
        bond.locked = uint96(bond.locked - before + value);
        emit LockChanged(sequencer, chainId, value);
    }

    /// @dev Reverts unless the active stake covers an amount beside locks on other chains.
    function _requireHeadroom(address sequencer, uint256 others, uint256 amount) internal view virtual {
        uint256 free = Math.saturatingSub(_activeStake(sequencer), others);
        if (free < amount) revert InsufficientBond(sequencer, free, amount);
    }

    /// @dev What a conviction on a chain may take: all that the sequencer's locks on other chains do not need.
    function _coverOf(Bond storage bond, uint256 own) internal view virtual returns (uint256) {
        return bond.tokens - (bond.locked - own);
    }

    /// @dev The prover's share of what was slashed, at most OWN_LOSS_SHARE of what the sequencer's own shares lose by it.
    function _rewardOf(Bond storage bond, uint256 slashed) internal view virtual returns (uint256) {
        if (slashed == 0) return 0;
        uint256 ownLoss = Math.mulDiv(slashed, bond.ownShares, bond.shares);
        return Math.min(slashed * parameters.proverShare(), ownLoss * OWN_LOSS_SHARE) / BASIS_POINTS;
    }

    /// @dev The present period of {Locks}.
    function _period() internal view virtual returns (uint256) {
        return block.timestamp / maxWindow;
    }

    function _epoch() internal view virtual returns (uint64) {
        return uint64(block.number) / epochBlocks;
    }

    /// @dev Threshold in whole MT, rounded up; more than fits is the largest number, which no stake can pass.
    function _thresholdOf(uint256 lockedWei) private view returns (uint32) {
        uint256 bounded = Math.min(lockedWei, type(uint128).max);
        uint256 units = Math.ceilDiv(bounded * parameters.thresholdFactor(), BASIS_POINTS * MT);
        return uint32(Math.min(units, type(uint32).max));
    }
}

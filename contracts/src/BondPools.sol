// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {INetworkParameters} from "./interfaces/INetworkParameters.sol";
import {ISequencerPool} from "./interfaces/ISequencerPool.sol";
import {MetisToken} from "./MetisToken.sol";

/// @title Bonds of sequencers as pools of shares: staking, delegating, and the way out
/// @notice A sequencer's bond is one pool of MT, its own and what others delegate to it, divided into shares. A share that
/// is on its way out stays in the pool until it is paid, so that slashing takes from every share alike.
/// @dev A sequencer that was slashed is ejected for good, and nobody may stake with it any more. So every share is bought
/// for exactly one wei, and there is no price that a first or an attacking depositor could move. Tokens sent to this
/// contract by a plain transfer belong to no bond. Slashing and locks are {BondManager}'s.
abstract contract BondPools {
    using SafeCast for uint256;

    /// @notice What a sequencer is to this contract. Ejected is for good; who retired may enrol again.
    enum SequencerStatus {
        None,
        Active,
        Retired,
        Ejected
    }

    /// @notice A sequencer's bond.
    /// @param tokens Wei of MT of all shares.
    /// @param locked Sum of its locks in wei of MT; may count locks that have run out, see {release}.
    /// @param frozenUntil Time in seconds before which nothing is paid out.
    /// @param status What the sequencer is.
    /// @param shares Number of shares, those on their way out included.
    /// @param unbondingShares Number of shares on their way out.
    /// @param requests Number of requests to unstake ever made.
    /// @param ownShares Shares of the sequencer itself, those on their way out included.
    /// @param unburnt Wei of MT that convictions took and nobody has burnt yet; no part of `tokens`.
    struct Bond {
        uint96 tokens;
        uint96 locked;
        uint48 frozenUntil;
        SequencerStatus status;
        uint96 shares;
        uint96 unbondingShares;
        uint64 requests;
        uint96 ownShares;
        uint96 unburnt;
    }

    /// @notice Shares on their way out.
    /// @param shares Their number; zero once paid.
    /// @param unlocksAt Time in seconds from which they are paid.
    struct UnstakeRequest {
        uint96 shares;
        uint64 unlocksAt;
    }

    /// @notice Longest unbonding delay, in seconds.
    uint64 public constant MAX_UNBONDING_DELAY = 365 days;

    /// @notice MT.
    MetisToken public immutable token;
    /// @notice What MetisDAO sets.
    INetworkParameters public immutable parameters;
    /// @notice Who draws sequencers.
    ISequencerPool public immutable pool;
    /// @notice Longest challenge window in seconds: a lock lasts at least as long.
    uint64 public immutable maxWindow;
    /// @notice Seconds from a request to unstake to its payment, at least maxWindow.
    uint64 public immutable unbondingDelay;

    mapping(address sequencer => Bond) internal _bonds;
    /// @dev Shares that are not on their way out.
    mapping(address sequencer => mapping(address holder => uint256)) private _activeShares;
    mapping(address sequencer => mapping(address holder => mapping(uint256 id => UnstakeRequest))) private
        _unstakeRequests;

    /// @notice What a sequencer owes of its fines, wei of MT: it is kept back when its own stake is paid.
    mapping(address sequencer => uint256) public debtOf;

    /// @notice Somebody staked.
    event StakeAdded(address indexed sequencer, address indexed holder, uint256 amount, uint256 shares);
    /// @notice Shares are on their way out: they do not count for draws and new locks any more, and are slashed as before.
    event UnstakeRequested(
        address indexed sequencer, address indexed holder, uint256 id, uint256 shares, uint64 unlocksAt
    );
    /// @notice Shares were paid.
    event StakeWithdrawn(address indexed sequencer, address indexed holder, uint256 id, uint256 shares, uint256 amount);

    /// @notice What a sequencer owes of its fines changed.
    event DebtChanged(address indexed sequencer, uint256 debt);

    /// @notice maxWindow is zero, or the unbonding delay is below maxWindow or above MAX_UNBONDING_DELAY.
    error InvalidDelays(uint64 maxWindow, uint64 unbondingDelay);
    /// @notice The sequencer may not do this, or have it done to it, as what it is.
    error WrongStatus(address sequencer, SequencerStatus status);
    /// @notice The stake is below the minimum.
    error StakeTooSmall(uint256 given, uint256 minimum);
    /// @notice The number is zero, or more than the holder has.
    error InvalidShares(uint256 given, uint256 held);
    /// @notice The holder has no request with this id that is not paid.
    error UnknownRequest(address sequencer, address holder, uint256 id);
    /// @notice The unbonding delay is not over.
    error StillUnbonding(uint64 unlocksAt);
    /// @notice The bond is frozen after a conviction.
    error StakeFrozen(uint64 frozenUntil);
    /// @notice What would remain of the bond does not cover the sequencer's locks. {release} drops those that have run out.
    error BondLocked(uint256 remaining, uint256 locked);

    /// @param token_ MT.
    /// @param parameters_ What MetisDAO sets.
    /// @param pool_ Who draws sequencers.
    /// @param maxWindow_ Longest challenge window in seconds, not zero.
    /// @param unbondingDelay_ Seconds, maxWindow to MAX_UNBONDING_DELAY.
    constructor(
        MetisToken token_,
        INetworkParameters parameters_,
        ISequencerPool pool_,
        uint64 maxWindow_,
        uint64 unbondingDelay_
    ) {
        if (maxWindow_ == 0 || unbondingDelay_ < maxWindow_ || unbondingDelay_ > MAX_UNBONDING_DELAY) {
            revert InvalidDelays(maxWindow_, unbondingDelay_);
        }
        token = token_;
        parameters = parameters_;
        pool = pool_;
        maxWindow = maxWindow_;
        unbondingDelay = unbondingDelay_;
    }

    /// @notice Adds the caller's MT, which it has approved before, to a sequencer's bond: its own, or by delegation.
    /// @param sequencer An active sequencer.
    /// @param amount Wei of MT, not zero.
    /// @return shares Shares of the bond that the caller got.
    function stake(address sequencer, uint256 amount) external returns (uint256 shares) {
        return _stake(sequencer, msg.sender, amount);
    }

    /// @notice {stake} with an EIP-2612 permit for this contract.
    /// @dev A permit that somebody else has used before has set the allowance, so its failure is no reason to stop.
    /// @param sequencer An active sequencer.
    /// @param amount Wei of MT, not zero; the value of the permit.
    /// @param deadline Deadline of the permit, in seconds.
    /// @param v Signature of the permit.
    /// @param r Signature of the permit.
    /// @param s Signature of the permit.
    /// @return shares Shares of the bond that the caller got.
    function stakeWithPermit(address sequencer, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        returns (uint256 shares)
    {
        try token.permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        return _stake(sequencer, msg.sender, amount);
    }

    /// @notice Starts the way out of shares of the caller: they leave draws and new locks at once, are slashed as before,
    /// and may be withdrawn after `unbondingDelay`.
    /// @param sequencer The sequencer.
    /// @param shares Number of shares, not zero.
    /// @return id Number of the request.
    function requestUnstake(address sequencer, uint256 shares) external returns (uint256 id) {
        uint256 held = _activeShares[sequencer][msg.sender];
        if (shares == 0 || shares > held) revert InvalidShares(shares, held);
        Bond storage bond = _bonds[sequencer];
        id = bond.requests++;
        uint64 unlocksAt = uint64(block.timestamp) + unbondingDelay;
        _activeShares[sequencer][msg.sender] = held - shares;
        _unstakeRequests[sequencer][msg.sender][id] = UnstakeRequest(shares.toUint96(), unlocksAt);
        bond.unbondingShares += uint96(shares);
        emit UnstakeRequested(sequencer, msg.sender, id, shares, unlocksAt);
        if (bond.status == SequencerStatus.Active) pool.setStake(sequencer, _drawableStake(sequencer));
    }

    /// @notice Pays shares after the unbonding delay, rounded down, if the bond is not frozen and what remains of it covers
    /// all locks of the sequencer. What is drawn does not change by it. What a sequencer owes is kept back, and burnt.
    /// @param sequencer The sequencer.
    /// @param id Number of a request of the caller.
    /// @return amount Wei of MT.
    function withdrawStake(address sequencer, uint256 id) external returns (uint256 amount) {
        UnstakeRequest memory request = _unstakeRequests[sequencer][msg.sender][id];
        if (request.shares == 0) revert UnknownRequest(sequencer, msg.sender, id);
        if (block.timestamp < request.unlocksAt) revert StillUnbonding(request.unlocksAt);
        Bond storage bond = _bonds[sequencer];
        if (block.timestamp < bond.frozenUntil) revert StakeFrozen(bond.frozenUntil);
        amount = _worth(bond, request.shares);
        uint256 remaining = bond.tokens - amount;
        _requireCover(remaining, bond.locked);

        delete _unstakeRequests[sequencer][msg.sender][id];
        bond.tokens = uint96(remaining);
        bond.shares -= request.shares;
        bond.unbondingShares -= request.shares;
        uint256 kept = 0;
        if (msg.sender == sequencer) {
            bond.ownShares -= request.shares;
            kept = Math.min(amount, debtOf[sequencer]);
        }
        amount -= kept;
        emit StakeWithdrawn(sequencer, msg.sender, id, request.shares, amount);
        if (kept != 0) {
            _setDebt(sequencer, debtOf[sequencer] - kept);
            token.burn(kept);
        }
        token.transfer(msg.sender, amount);
    }

    /// @notice Tells the pool a sequencer's stake anew, where the minimum stake has changed. Open to everyone.
    /// @param sequencer An active sequencer.
    function refreshStake(address sequencer) external {
        SequencerStatus status = _bonds[sequencer].status;
        if (status != SequencerStatus.Active) revert WrongStatus(sequencer, status);
        pool.setStake(sequencer, _drawableStake(sequencer));
    }

    /// @notice Shares of a holder that are not on their way out.
    /// @param sequencer The sequencer.
    /// @param holder The sequencer itself, or who delegated.
    /// @return shares Their number.
    /// @return amount What they are worth, wei of MT.
    function stakeOf(address sequencer, address holder) external view returns (uint256 shares, uint256 amount) {
        shares = _activeShares[sequencer][holder];
        amount = _worth(_bonds[sequencer], shares);
    }

    /// @notice A request to unstake.
    /// @param sequencer The sequencer.
    /// @param holder Who made it.
    /// @param id Its number.
    /// @return shares Number of shares; zero if there is none or it was paid.
    /// @return amount What they are worth now, wei of MT.
    /// @return unlocksAt Time in seconds from which they are paid.
    function unbondingOf(address sequencer, address holder, uint256 id)
        external
        view
        returns (uint256 shares, uint256 amount, uint64 unlocksAt)
    {
        UnstakeRequest memory request = _unstakeRequests[sequencer][holder][id];
        return (request.shares, _worth(_bonds[sequencer], request.shares), request.unlocksAt);
    }

    /// @notice A sequencer's bond as it stands.
    /// @param sequencer The sequencer.
    /// @return The bond.
    function bondOf(address sequencer) external view returns (Bond memory) {
        return _bonds[sequencer];
    }

    /// @notice A sequencer's stake.
    /// @param sequencer The sequencer.
    /// @return total Wei of MT that may be slashed.
    /// @return active Wei of MT of shares that are not on their way out.
    function totalOf(address sequencer) external view returns (uint256 total, uint256 active) {
        return (_bonds[sequencer].tokens, _activeStake(sequencer));
    }

    /// @dev Every share costs one wei: with an active sequencer, which was never slashed, tokens and shares are equal.
    function _stake(address sequencer, address holder, uint256 amount) internal returns (uint256) {
        Bond storage bond = _bonds[sequencer];
        if (bond.status != SequencerStatus.Active) revert WrongStatus(sequencer, bond.status);
        if (amount == 0) revert StakeTooSmall(0, 1);
        uint96 shares = amount.toUint96();
        bond.tokens += shares;
        bond.shares += shares;
        if (holder == sequencer) bond.ownShares += shares;
        _activeShares[sequencer][holder] += shares;
        emit StakeAdded(sequencer, holder, amount, shares);
        pool.setStake(sequencer, _drawableStake(sequencer));
        token.transferFrom(holder, address(this), amount);
        return shares;
    }

    /// @dev Takes at most an amount out of a sequencer's own shares that are not on their way out.
    function _takeOwn(address sequencer, uint256 most) internal returns (uint256 amount) {
        Bond storage bond = _bonds[sequencer];
        uint256 held = _activeShares[sequencer][sequencer];
        amount = Math.min(most, _worth(bond, held));
        if (amount == 0) return 0;
        uint256 shares = Math.mulDiv(amount, bond.shares, bond.tokens, Math.Rounding.Ceil);
        _activeShares[sequencer][sequencer] = held - shares;
        bond.tokens -= uint96(amount);
        bond.shares -= uint96(shares);
        bond.ownShares -= uint96(shares);
    }

    /// @dev Has a sequencer owe an amount more, at most what its own shares are worth.
    function _owe(address sequencer, uint256 more) internal {
        Bond storage bond = _bonds[sequencer];
        _setDebt(sequencer, Math.min(debtOf[sequencer] + more, _worth(bond, bond.ownShares)));
    }

    function _setDebt(address sequencer, uint256 debt) private {
        debtOf[sequencer] = debt;
        emit DebtChanged(sequencer, debt);
    }

    /// @dev Reverts unless what a payment leaves covers the locks.
    function _requireCover(uint256 remaining, uint256 locked) internal pure virtual {
        if (remaining < locked) revert BondLocked(remaining, locked);
    }

    /// @dev What shares are worth, rounded down.
    function _worth(Bond storage bond, uint256 shares) internal view virtual returns (uint256) {
        return shares == 0 ? 0 : shares * bond.tokens / bond.shares;
    }

    function _activeStake(address sequencer) internal view returns (uint256) {
        Bond storage bond = _bonds[sequencer];
        return _worth(bond, bond.shares - bond.unbondingShares);
    }

    /// @dev What draws see of an active sequencer: nothing while its own stake is below the minimum.
    function _drawableStake(address sequencer) internal view returns (uint256) {
        uint256 own = _worth(_bonds[sequencer], _activeShares[sequencer][sequencer]);
        return own < parameters.minimumStake() ? 0 : _activeStake(sequencer);
    }
}

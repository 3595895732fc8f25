// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../../src/BondManager.sol";

/// @notice Bonds with one defence taken out each: what the invariants have to find.
contract NoHeadroom is BondManager {
    constructor(Neighbours memory n, uint64 window, uint64 delay) BondManager(n, window, delay) {}

    function _requireHeadroom(address, uint256, uint256) internal view override {}
}

contract NoCover is BondManager {
    constructor(Neighbours memory n, uint64 window, uint64 delay) BondManager(n, window, delay) {}

    function _requireCover(uint256, uint256) internal pure override {}
}

/// @notice A conviction takes the cover of locks on other chains.
contract GreedySlash is BondManager {
    constructor(Neighbours memory n, uint64 window, uint64 delay) BondManager(n, window, delay) {}

    function _coverOf(Bond storage bond, uint256) internal view override returns (uint256) {
        return bond.tokens;
    }
}

/// @notice Locks are half as long.
contract ShortLocks is BondManager {
    constructor(Neighbours memory n, uint64 window, uint64 delay) BondManager(n, window, delay) {}

    function _period() internal view override returns (uint256) {
        return 2 * block.timestamp / maxWindow;
    }
}

/// @notice Who leaves first is paid as if nothing had been slashed.
contract PaidAtPar is BondManager {
    constructor(Neighbours memory n, uint64 window, uint64 delay) BondManager(n, window, delay) {}

    function _worth(Bond storage bond, uint256 shares) internal view override returns (uint256) {
        return shares > bond.tokens ? bond.tokens : shares;
    }
}

/// @notice A share's worth is rounded up, for whom it is paid to.
contract RoundedUp is BondManager {
    constructor(Neighbours memory n, uint64 window, uint64 delay) BondManager(n, window, delay) {}

    function _worth(Bond storage bond, uint256 shares) internal view override returns (uint256) {
        return shares == 0 ? 0 : (shares * bond.tokens + bond.shares - 1) / bond.shares;
    }
}

/// @notice Thresholds are dated one epoch too early.
contract EarlyThresholds is BondManager {
    constructor(Neighbours memory n, uint64 window, uint64 delay) BondManager(n, window, delay) {}

    function _epoch() internal view override returns (uint64) {
        return uint64(block.number) / epochBlocks - 1;
    }
}

/// @notice The prover's share is not bound to what the sequencer itself loses.
contract GenerousReward is BondManager {
    constructor(Neighbours memory n, uint64 window, uint64 delay) BondManager(n, window, delay) {}

    function _rewardOf(Bond storage, uint256 slashed) internal view override returns (uint256) {
        return slashed * parameters.proverShare() / 10_000;
    }
}

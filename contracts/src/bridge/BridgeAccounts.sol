// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Inbox} from "../Inbox.sol";
import {IBondManager} from "../interfaces/IBondManager.sol";
import {QueueItem} from "../interfaces/IInbox.sol";
import {BatchHeader, IRollupChain} from "../interfaces/IRollupChain.sol";

/// @title The bridge's books: what is locked for which DAC
/// @notice Every DAC's money is apart: whatever a DAC claims is taken from its own account alone, and never exceeds
/// what its blocks have consumed of its own deposits.
abstract contract BridgeAccounts is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Metis Token.
    IERC20 public immutable token;
    /// @notice Queues of the DACs.
    Inbox public immutable inbox;
    /// @notice Tells which batches are final.
    IRollupChain public immutable rollup;
    /// @notice Keeps thresholds of bonds.
    IBondManager public immutable bonds;

    /// @notice Wei of MT locked for a DAC: its supply, unclaimed withdrawals, unconsumed deposits. Held deposits not counted.
    mapping(uint256 chainId => uint256 amount) public lockedMT;
    /// @notice Wei of MT that a DAC has ever paid out: withdrawals, and exits of accounts.
    mapping(uint256 chainId => uint256 amount) public claimedMT;
    /// @notice Units of an ERC-20 token locked for a DAC.
    mapping(uint256 chainId => mapping(address erc20 => uint256 amount)) public lockedERC20;

    /// @notice A DAC claims more MT than its blocks have consumed of its deposits.
    error ClaimExceedsDeposits(uint256 chainId, uint256 claimed, uint256 consumed);
    /// @notice A DAC claims more of a token than is locked for it.
    error ClaimExceedsLocked(uint256 chainId, address erc20, uint256 amount, uint256 locked);
    /// @notice The queue item that tells what was consumed is missing.
    error QueueItemMissing(uint256 chainId, uint256 index);

    constructor(IERC20 token_, Inbox inbox_, IRollupChain rollup_, IBondManager bonds_) {
        token = token_;
        inbox = inbox_;
        rollup = rollup_;
        bonds = bonds_;
    }

    /// @dev More MT for a DAC; its threshold rises in the same call.
    function _lockMT(uint256 chainId, uint256 amount) internal {
        uint256 locked = lockedMT[chainId] + amount;
        lockedMT[chainId] = locked;
        bonds.setLocked(chainId, locked);
    }

    /// @dev Less MT for a DAC; its threshold falls in the same call.
    function _unlockMT(uint256 chainId, uint256 amount, address to) internal virtual {
        uint256 locked = lockedMT[chainId] - amount;
        lockedMT[chainId] = locked;
        bonds.setLocked(chainId, locked);
        token.safeTransfer(to, amount);
    }

    /// @dev Pays MT that a DAC gave out, proven against a batch.
    /// @param next First item that the batch did not consume; none where it consumed the whole queue.
    function _payClaim(BatchHeader calldata batch, QueueItem[] calldata next, uint256 amount, address to) internal {
        uint256 chainId = batch.chainId;
        uint256 claimed = claimedMT[chainId] + amount;
        _requireConsumed(chainId, claimed, _consumedBy(batch, next));
        claimedMT[chainId] = claimed;
        _unlockMT(chainId, amount, to);
    }

    function _payERC20(uint256 chainId, address erc20, uint256 amount, address to) internal {
        uint256 locked = lockedERC20[chainId][erc20];
        if (amount > locked) revert ClaimExceedsLocked(chainId, erc20, amount, locked);
        lockedERC20[chainId][erc20] = locked - amount;
        IERC20(erc20).safeTransfer(to, amount);
    }

    /// @dev A DAC gives out no more than its blocks have consumed.
    function _requireConsumed(uint256 chainId, uint256 claimed, uint256 consumed) internal pure virtual {
        if (claimed > consumed) revert ClaimExceedsDeposits(chainId, claimed, consumed);
    }

    function _consumedBy(BatchHeader calldata batch, QueueItem[] calldata next) private view returns (uint256) {
        if (batch.queueEnd == inbox.queueLength(batch.chainId)) return inbox.mintedOf(batch.chainId);
        if (next.length == 0) revert QueueItemMissing(batch.chainId, batch.queueEnd);
        inbox.requireItem(batch.chainId, batch.queueEnd, next[0]);
        return next[0].mintedBefore;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {DacRegistry} from "./DacRegistry.sol";
import {Inbox} from "./Inbox.sol";

/// @title Bridge between L1 and the DACs
/// @notice Takes deposits of MT. Each DAC's money is accounted apart. Withdrawals are not part of this contract yet:
/// what is deposited stays locked until they are.
contract L1Bridge {
    using SafeERC20 for IERC20;

    /// @notice The token of the deposits.
    IERC20 public immutable token;
    /// @notice Where DACs are recorded.
    DacRegistry public immutable registry;
    /// @notice Where deposits are queued.
    Inbox public immutable inbox;

    /// @notice Wei of MT locked for a DAC.
    mapping(uint256 chainId => uint256 amount) public lockedMT;

    /// @notice MT were deposited for a DAC.
    event Deposited(uint256 indexed chainId, uint256 indexed queueIndex, address indexed from, uint256 amount);

    /// @notice The inbox takes items from another contract.
    error InboxOfAnother(address bridge);
    /// @notice No active DAC has this chainID.
    error UnknownChain(uint256 chainId);
    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice The receiver is the zero address.
    error ZeroReceiver();

    /// @param token_ The token of the deposits.
    /// @param registry_ Where DACs are recorded.
    /// @param inbox_ An inbox whose `bridge` is this contract.
    constructor(IERC20 token_, DacRegistry registry_, Inbox inbox_) {
        if (inbox_.bridge() != address(this)) revert InboxOfAnother(inbox_.bridge());
        token = token_;
        registry = registry_;
        inbox = inbox_;
    }

    /// @notice Deposits MT, which the caller has approved before, for an account on a DAC.
    /// @param chainId Identifier of the DAC's chain.
    /// @param to Account on the DAC that is credited.
    /// @param amount Wei of MT.
    /// @return queueIndex Place in the DAC's queue.
    function depositMT(uint256 chainId, address to, uint256 amount) external returns (uint256 queueIndex) {
        if (!registry.isActive(chainId)) revert UnknownChain(chainId);
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroReceiver();
        lockedMT[chainId] += amount;
        queueIndex = inbox.enqueueDeposit(chainId, msg.sender, to, amount);
        emit Deposited(chainId, queueIndex, msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }
}

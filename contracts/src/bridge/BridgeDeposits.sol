// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {QueueItem, QueueKind} from "../interfaces/IInbox.sol";
import {MVM_TokenBridge} from "../l2/MVM_TokenBridge.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {BridgeAccounts} from "./BridgeAccounts.sol";
import {TokenMetadata} from "./TokenMetadata.sol";

/// @title The bridge towards the DACs: deposits and messages
abstract contract BridgeDeposits is BridgeAccounts {
    using SafeERC20 for IERC20;

    /// @notice A deposit of MT that waits outside the queue, because it would leave too few sequencers with a bond that
    /// covers the DAC.
    /// @param from Who paid, and may take it back.
    /// @param to Account on the DAC that is credited.
    /// @param amount Wei of MT.
    struct HeldDeposit {
        address from;
        address to;
        uint256 amount;
    }

    /// @notice Most gas of a message's call on the DAC.
    uint64 public constant MAX_MESSAGE_GAS = 2_000_000;
    /// @notice Least gas of a message's call on the DAC.
    uint64 public constant MIN_MESSAGE_GAS = 21_000;
    /// @notice Longest data of a message, in bytes.
    uint256 public constant MAX_MESSAGE_DATA_LENGTH = 8192;
    /// @notice Gas that an ERC-20 deposit gets on the DAC: enough to deploy the token's twin.
    uint64 public constant TOKEN_DEPOSIT_GAS = 1_500_000;

    /// @notice Wei of MT that are held outside a DAC's queue.
    mapping(uint256 chainId => uint256 amount) public heldMT;
    /// @notice Number of deposits that were ever held for a DAC.
    mapping(uint256 chainId => uint256 count) public heldCount;
    /// @notice Number of ERC-20 deposits ever made: each gets the next identifier.
    uint256 public tokenDepositCount;

    mapping(uint256 chainId => mapping(uint256 id => HeldDeposit)) private _held;

    /// @notice MT were deposited for a DAC.
    event Deposited(uint256 indexed chainId, uint256 indexed queueIndex, address indexed from, uint256 amount);
    /// @notice A deposit is held.
    event DepositHeld(uint256 indexed chainId, uint256 indexed id, address indexed from, address to, uint256 amount);
    /// @notice A held deposit went into the queue.
    event HeldReleased(uint256 indexed chainId, uint256 indexed id, uint256 queueIndex);
    /// @notice A held deposit went back to who paid it.
    event HeldRefunded(uint256 indexed chainId, uint256 indexed id, address indexed from, uint256 amount);
    /// @notice An ERC-20 token was deposited for a DAC.
    event TokenDeposited(
        uint256 indexed chainId,
        uint256 indexed depositId,
        address indexed erc20,
        address from,
        address to,
        uint256 amount,
        uint256 queueIndex
    );

    /// @notice No active DAC has this chainID.
    error UnknownChain(uint256 chainId);
    /// @notice The chain turned to exit.
    error ChainExiting(uint256 chainId);
    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice The receiver is the zero address.
    error ZeroReceiver();
    /// @notice The MT that come with the message would leave too few sequencers: deposit them, or send it without.
    error WouldBeHeld(uint256 chainId, uint256 lockedAfter);
    /// @notice There is no such held deposit.
    error UnknownHeldDeposit(uint256 chainId, uint256 id);
    /// @notice Still too few sequencers qualify.
    error StillHeld(uint256 chainId, uint256 lockedAfter);
    /// @notice The deposit is somebody else's.
    error NotDepositor(address depositor, address caller);
    /// @notice The gas limit is out of bounds.
    error WrongMessageGas(uint64 gasLimit);
    /// @notice The data are longer than MAX_MESSAGE_DATA_LENGTH.
    error MessageTooLong(uint256 length);
    /// @notice MT are bridged by depositMT.
    error UseDepositMT();
    /// @notice The item is not an ERC-20 deposit.
    error NotATokenDeposit(uint256 chainId, uint256 index);

    /// @notice Deposits MT, which the caller has approved before, for an account on a DAC. Where it would leave fewer than
    /// `minEligible` sequencers whose stake covers the DAC, it is held: see {refundHeld}, {releaseHeld}.
    /// @param chainId Identifier of the DAC's chain.
    /// @param to Account on the DAC that is credited.
    /// @param amount Wei of MT.
    /// @return held Whether it is held.
    /// @return index Number of the held deposit, or place in the DAC's queue.
    function depositMT(uint256 chainId, address to, uint256 amount) public returns (bool held, uint256 index) {
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroReceiver();
        token.safeTransferFrom(msg.sender, address(this), amount);
        held = !bonds.admits(lockedMT[chainId] + amount);
        if (!held) return (false, _enqueueDeposit(chainId, msg.sender, to, amount));
        if (!inbox.registry().isActive(chainId)) revert UnknownChain(chainId);
        if (rollup.isExiting(chainId)) revert ChainExiting(chainId);
        index = heldCount[chainId]++;
        _held[chainId][index] = HeldDeposit(msg.sender, to, amount);
        heldMT[chainId] += amount;
        emit DepositHeld(chainId, index, msg.sender, to, amount);
    }

    /// @notice Deposits MT by an EIP-2612 permit for this contract.
    /// @dev A permit that somebody else has used before has set the allowance, so its failure is no reason to stop.
    /// @param chainId Identifier of the DAC's chain.
    /// @param to Account on the DAC that is credited.
    /// @param amount Wei of MT; the value of the permit.
    /// @param deadline Deadline of the permit, in seconds.
    /// @param v Signature of the permit.
    /// @param r Signature of the permit.
    /// @param s Signature of the permit.
    /// @return held See {depositMT}.
    /// @return index See {depositMT}.
    function depositMTWithPermit(
        uint256 chainId,
        address to,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (bool held, uint256 index) {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        return depositMT(chainId, to, amount);
    }

    /// @notice Puts a held deposit into the queue, now that enough sequencers qualify. Open to everyone.
    /// @param chainId Identifier of the DAC's chain.
    /// @param id Number of the held deposit.
    /// @return queueIndex Place in the DAC's queue.
    function releaseHeld(uint256 chainId, uint256 id) external returns (uint256 queueIndex) {
        HeldDeposit memory deposit = _takeHeld(chainId, id);
        uint256 lockedAfter = lockedMT[chainId] + deposit.amount;
        if (!bonds.admits(lockedAfter)) revert StillHeld(chainId, lockedAfter);
        queueIndex = _enqueueDeposit(chainId, deposit.from, deposit.to, deposit.amount);
        emit HeldReleased(chainId, id, queueIndex);
    }

    /// @notice Gives a held deposit back. Only who paid it may call, at any time.
    /// @param chainId Identifier of the DAC's chain.
    /// @param id Number of the held deposit.
    function refundHeld(uint256 chainId, uint256 id) external {
        HeldDeposit memory deposit = _takeHeld(chainId, id);
        if (deposit.from != msg.sender) revert NotDepositor(deposit.from, msg.sender);
        emit HeldRefunded(chainId, id, deposit.from, deposit.amount);
        token.safeTransfer(deposit.from, deposit.amount);
    }

    /// @notice A held deposit; all zero where it was released or refunded.
    /// @param chainId Identifier of the DAC's chain.
    /// @param id Number of the held deposit.
    /// @return The deposit.
    function heldAt(uint256 chainId, uint256 id) external view returns (HeldDeposit memory) {
        return _held[chainId][id];
    }

    /// @notice Sends a message: a call on the DAC by the caller's aliased address. If it fails there, what was minted stays
    /// with the aliased address; the caller may send it again with that as `value` and nothing to mint.
    /// @param chainId Identifier of the DAC's chain.
    /// @param to Contract on the DAC.
    /// @param mint Wei of MT that the caller pays and the aliased address gets, before the call.
    /// @param value Wei of MT that the call carries, of the aliased address's balance.
    /// @param gasLimit Gas of the call.
    /// @param data Calldata.
    /// @return queueIndex Place in the DAC's queue.
    function sendMessage(uint256 chainId, address to, uint256 mint, uint256 value, uint64 gasLimit, bytes calldata data)
        external
        returns (uint256 queueIndex)
    {
        if (gasLimit < MIN_MESSAGE_GAS || gasLimit > MAX_MESSAGE_GAS) revert WrongMessageGas(gasLimit);
        if (data.length > MAX_MESSAGE_DATA_LENGTH) revert MessageTooLong(data.length);
        if (mint > 0) {
            token.safeTransferFrom(msg.sender, address(this), mint);
            uint256 lockedAfter = lockedMT[chainId] + mint;
            if (!bonds.admits(lockedAfter)) revert WouldBeHeld(chainId, lockedAfter);
        }
        QueueItem memory item;
        item.kind = QueueKind.Message;
        item.from = msg.sender;
        item.to = to;
        item.mint = mint;
        item.value = value;
        item.gasLimit = gasLimit;
        queueIndex = inbox.enqueue(chainId, item, data);
        if (mint > 0) _lockMT(chainId, mint);
    }

    /// @notice Deposits an ERC-20 token, which the caller has approved before. The account gets the token's twin on the DAC.
    /// Tokens that change balances by themselves lose or strand the difference.
    /// @param chainId Identifier of the DAC's chain.
    /// @param erc20 The token on L1, not MT.
    /// @param to Account on the DAC that is credited.
    /// @param amount Units of the token; what really arrives is credited.
    /// @return depositId Identifier of the deposit, which the DAC credits once.
    /// @return queueIndex Place in the DAC's queue.
    function depositERC20(uint256 chainId, address erc20, address to, uint256 amount)
        external
        nonReentrant
        returns (uint256 depositId, uint256 queueIndex)
    {
        if (erc20 == address(token)) revert UseDepositMT();
        if (to == address(0)) revert ZeroReceiver();
        uint256 before = IERC20(erc20).balanceOf(address(this));
        IERC20(erc20).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(erc20).balanceOf(address(this)) - before;
        if (received == 0) revert ZeroAmount();
        lockedERC20[chainId][erc20] += received;
        depositId = tokenDepositCount++;
        (string memory name, string memory symbol, uint8 decimals) = TokenMetadata.read(erc20);
        bytes memory data = abi.encodeCall(
            MVM_TokenBridge.finalizeDeposit, (depositId, erc20, msg.sender, to, received, name, symbol, decimals)
        );
        queueIndex = _enqueueTokenDeposit(chainId, data);
        emit TokenDeposited(chainId, depositId, erc20, msg.sender, to, received, queueIndex);
    }

    /// @notice Sends an ERC-20 deposit again that failed on the DAC. Open to everyone: the DAC credits a deposit once.
    /// @param chainId Identifier of the DAC's chain.
    /// @param index Its place in the DAC's queue.
    /// @param item The queue's item.
    /// @param data Its data.
    /// @return queueIndex Its new place in the DAC's queue.
    function resendTokenDeposit(uint256 chainId, uint256 index, QueueItem calldata item, bytes calldata data)
        external
        returns (uint256 queueIndex)
    {
        inbox.requireItem(chainId, index, item);
        bool isTokenDeposit =
            item.kind == QueueKind.Message && item.from == address(this) && item.dataHash == keccak256(data);
        if (!isTokenDeposit) revert NotATokenDeposit(chainId, index);
        return _enqueueTokenDeposit(chainId, data);
    }

    function _takeHeld(uint256 chainId, uint256 id) private returns (HeldDeposit memory deposit) {
        deposit = _held[chainId][id];
        if (deposit.amount == 0) revert UnknownHeldDeposit(chainId, id);
        _forgetHeld(chainId, id);
        heldMT[chainId] -= deposit.amount;
    }

    function _forgetHeld(uint256 chainId, uint256 id) internal virtual {
        delete _held[chainId][id];
    }

    function _enqueueDeposit(uint256 chainId, address from, address to, uint256 amount)
        private
        returns (uint256 queueIndex)
    {
        QueueItem memory item;
        item.kind = QueueKind.DepositMT;
        item.from = from;
        item.to = to;
        item.mint = amount;
        queueIndex = inbox.enqueue(chainId, item, "");
        _lockMT(chainId, amount);
        emit Deposited(chainId, queueIndex, from, amount);
    }

    function _enqueueTokenDeposit(uint256 chainId, bytes memory data) private returns (uint256) {
        QueueItem memory item;
        item.kind = QueueKind.Message;
        item.from = address(this);
        item.to = Predeploys.TOKEN_BRIDGE;
        item.gasLimit = TOKEN_DEPOSIT_GAS;
        return inbox.enqueue(chainId, item, data);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What an item of a DAC's queue asks for.
/// DepositMT: credit `mint` to `to`. Message: call `to` from the aliased `from` with `value` and data, after minting `mint`
/// to it. Forced: execute a signed transaction (the data). Exit: call one of the DAC's bridge contracts as `from`, which is
/// the L1 account that asked, whatever the charter says.
enum QueueKind {
    DepositMT,
    Message,
    Forced,
    Exit
}

/// @notice One item of a queue.
/// @param kind What it asks for.
/// @param from L1 account that asked, not aliased.
/// @param to Account on the DAC; zero for Forced.
/// @param mint Wei of MT that came with it.
/// @param value Wei of MT of the call.
/// @param gasLimit Gas of the call on the DAC; zero for DepositMT and Forced.
/// @param dataHash keccak256 of the calldata or of the signed transaction.
/// @param l1Block L1 block of the item.
/// @param timestamp Time of that block, in seconds.
/// @param mintedBefore Sum of `mint` of all items before it in the queue.
struct QueueItem {
    QueueKind kind;
    address from;
    address to;
    uint256 mint;
    uint256 value;
    uint64 gasLimit;
    bytes32 dataHash;
    uint64 l1Block;
    uint64 timestamp;
    uint256 mintedBefore;
}

/// @title Queues of the DACs
/// @notice queueHash[i] = keccak256(abi.encode(queueHash[i - 1], item)), with zero before the first. One slot of storage
/// an item; items themselves are in the events and are handed in again where they are needed.
interface IInbox {
    /// @notice An item was added to a queue.
    event QueueItemAdded(uint256 indexed chainId, uint256 indexed index, QueueItem item, bytes data, bytes32 queueHash);

    /// @notice Adds an item that the bridge has checked and holds the money of. Only L1Bridge may call.
    /// @dev l1Block, timestamp, mintedBefore and dataHash of the item are filled in here.
    /// @return index Place in the queue.
    function enqueue(uint256 chainId, QueueItem memory item, bytes calldata data) external returns (uint256 index);

    /// @notice Number of items ever added to a DAC's queue.
    function queueLength(uint256 chainId) external view returns (uint256);

    /// @notice Number of items that were in the queue at the close of an epoch (the present one or one of the three
    /// before): what blocks of slot snapshot + 2 may consume.
    function queueLengthAt(uint256 chainId, uint64 snapshot) external view returns (uint256);

    /// @notice Running hash of a DAC's queue up to and with an item; reverts if there is no such item.
    function queueHashAt(uint256 chainId, uint256 index) external view returns (bytes32);

    /// @notice Reverts unless the item is the one at that place of the queue.
    function requireItem(uint256 chainId, uint256 index, QueueItem calldata item) external view;
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Queue of deposits, one per DAC
/// @notice Items wait here until a batch consumes them, in order. Only a running hash of each item is stored; the items
/// themselves are in the events.
contract Inbox {
    /// @notice What an item asks of the DAC.
    enum QueueKind {
        DepositMT
    }

    /// @notice One item of a queue.
    /// @param kind What it asks.
    /// @param from L1 account that paid.
    /// @param to Account on the DAC that is credited.
    /// @param amount Wei of MT.
    /// @param l1BlockNumber L1 block of the item.
    /// @param timestamp Time of that block, in seconds.
    struct QueueItem {
        QueueKind kind;
        address from;
        address to;
        uint256 amount;
        uint64 l1BlockNumber;
        uint64 timestamp;
    }

    /// @notice The only account that may enqueue.
    address public immutable bridge;

    mapping(uint256 chainId => bytes32[]) private _queueHashes;

    /// @notice An item was added to a queue. Items of kind DepositMT only, as of now.
    /// @param chainId Identifier of the DAC's chain.
    /// @param index Place in the queue, from 0.
    /// @param from L1 account that paid.
    /// @param to Account on the DAC that is credited.
    /// @param amount Wei of MT.
    /// @param l1Block L1 block of the item.
    /// @param timestamp Time of that block, in seconds.
    /// @param queueHash Running hash with this item.
    event QueueItemAdded(
        uint256 indexed chainId,
        uint256 indexed index,
        address from,
        address to,
        uint256 amount,
        uint64 l1Block,
        uint64 timestamp,
        bytes32 queueHash
    );

    /// @notice The caller is not the bridge.
    error OnlyBridge(address caller);
    /// @notice The queue has no item with this index.
    error UnknownQueueItem(uint256 chainId, uint256 index);

    /// @param bridge_ Address of L1Bridge; it may be computed before the bridge is deployed.
    constructor(address bridge_) {
        bridge = bridge_;
    }

    /// @notice Adds a deposit to a DAC's queue. Only the bridge may call; it has checked the chain and holds the money.
    /// @dev queueHash[i] = keccak256(abi.encode(queueHash[i - 1], item)), with zero before the first.
    /// @param chainId Identifier of the DAC's chain.
    /// @param from L1 account that paid.
    /// @param to Account on the DAC that is credited.
    /// @param amount Wei of MT.
    /// @return index Place in the queue.
    function enqueueDeposit(uint256 chainId, address from, address to, uint256 amount)
        external
        returns (uint256 index)
    {
        if (msg.sender != bridge) revert OnlyBridge(msg.sender);
        bytes32[] storage hashes = _queueHashes[chainId];
        index = hashes.length;
        QueueItem memory item =
            QueueItem(QueueKind.DepositMT, from, to, amount, uint64(block.number), uint64(block.timestamp));
        bytes32 previous = index == 0 ? bytes32(0) : hashes[index - 1];
        bytes32 queueHash = keccak256(abi.encode(previous, item));
        hashes.push(queueHash);
        emit QueueItemAdded(chainId, index, from, to, amount, item.l1BlockNumber, item.timestamp, queueHash);
    }

    /// @notice Number of items ever added to a DAC's queue.
    /// @param chainId Identifier of the DAC's chain.
    /// @return The number.
    function queueLength(uint256 chainId) external view returns (uint256) {
        return _queueHashes[chainId].length;
    }

    /// @notice Running hash of a DAC's queue up to and with an item; reverts if there is no such item.
    /// @param chainId Identifier of the DAC's chain.
    /// @param index Place in the queue.
    /// @return The running hash.
    function queueHashAt(uint256 chainId, uint256 index) external view returns (bytes32) {
        if (index >= _queueHashes[chainId].length) revert UnknownQueueItem(chainId, index);
        return _queueHashes[chainId][index];
    }
}

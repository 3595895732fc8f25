// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DacRegistry} from "./DacRegistry.sol";
import {Versions} from "./election/Versions.sol";
import {IInbox, QueueItem, QueueKind} from "./interfaces/IInbox.sol";
import {IRollupChain} from "./interfaces/IRollupChain.sol";

/// @title Queues of the DACs: deposits, messages, forced transactions, exits
/// @notice Items wait here until batches consume them, in order. Blocks of slot s may consume what was in the queue at the
/// close of epoch s - 2, so that nothing is consumed that the slot's election did not count.
contract Inbox is IInbox {
    struct Queue {
        uint256 lengths;
        uint256 minted;
        mapping(uint256 index => bytes32 hash) hashes;
    }

    /// @notice Longest signed transaction that may be forced, in bytes: the system transaction that carries it on the DAC has
    /// at most 56 KiB.
    uint256 public constant MAX_TRANSACTION_LENGTH = 55 * 1024;
    /// @notice Most gas of an exit's call on the DAC.
    uint64 public constant EXIT_GAS = 500_000;
    /// @notice Longest calldata of an exit, in bytes.
    uint256 public constant MAX_EXIT_DATA_LENGTH = 256;

    /// @notice The only account that may enqueue items with money.
    address public immutable bridge;
    /// @notice Where DACs are recorded.
    DacRegistry public immutable registry;
    /// @notice Tells which chains turned to exit.
    IRollupChain public immutable rollup;
    /// @notice L1 blocks of an epoch.
    uint64 public immutable epochBlocks;

    mapping(uint256 chainId => Queue) private _queues;

    /// @notice The caller is not the bridge.
    error OnlyBridge(address caller);
    /// @notice No active DAC has this chainID.
    error UnknownChain(uint256 chainId);
    /// @notice The chain turned to exit: nothing will consume its queue any more.
    error ChainExiting(uint256 chainId);
    /// @notice The queue has no item with this index.
    error UnknownQueueItem(uint256 chainId, uint256 index);
    /// @notice Another item is at this place of the queue.
    error WrongQueueItem(uint256 chainId, uint256 index);
    /// @notice The transaction is empty or longer than MAX_TRANSACTION_LENGTH.
    error WrongTransactionLength(uint256 length);
    /// @notice The calldata are longer than MAX_EXIT_DATA_LENGTH.
    error ExitDataTooLong(uint256 length);
    /// @notice The caller is a contract: on the DAC its address may be somebody else's.
    error OnlyExternalAccount(address caller);

    /// @param bridge_ Address of L1Bridge; it may be computed before the bridge is deployed.
    /// @param registry_ Where DACs are recorded.
    /// @param rollup_ RollupChain; its address may be computed before it is deployed.
    /// @param epochBlocks_ L1 blocks of an epoch.
    constructor(address bridge_, DacRegistry registry_, IRollupChain rollup_, uint64 epochBlocks_) {
        bridge = bridge_;
        registry = registry_;
        rollup = rollup_;
        epochBlocks = epochBlocks_;
    }

    /// @inheritdoc IInbox
    function enqueue(uint256 chainId, QueueItem memory item, bytes calldata data) external returns (uint256 index) {
        if (msg.sender != bridge) revert OnlyBridge(msg.sender);
        return _enqueue(chainId, item, data);
    }

    /// @notice Forces a signed transaction into a DAC. It is executed if it is valid when its turn comes, else consumed
    /// without effect. Sequencers that leave it out past `forceDelay` cannot post.
    /// @param chainId Identifier of the DAC's chain.
    /// @param transaction The signed transaction as eth_sendRawTransaction takes it.
    /// @return index Place in the DAC's queue.
    function forceTransaction(uint256 chainId, bytes calldata transaction) external returns (uint256 index) {
        if (transaction.length == 0 || transaction.length > MAX_TRANSACTION_LENGTH) {
            revert WrongTransactionLength(transaction.length);
        }
        QueueItem memory item;
        item.kind = QueueKind.Forced;
        item.from = msg.sender;
        return _enqueue(chainId, item, transaction);
    }

    /// @notice Forces a withdrawal that no charter can forbid: a call of one of the DAC's two bridge contracts in the name
    /// of the caller, who has to be an externally owned account. It needs neither gas nor a signature on the DAC.
    /// @param chainId Identifier of the DAC's chain.
    /// @param to MVM_Coinbase or MVM_TokenBridge; a call of anything else is consumed without effect.
    /// @param value Wei of MT that the call carries, of the caller's balance on the DAC.
    /// @param data Calldata: withdraw(address), or withdraw(address,address,uint256).
    /// @return index Place in the DAC's queue.
    function forceExit(uint256 chainId, address to, uint256 value, bytes calldata data)
        external
        returns (uint256 index)
    {
        if (msg.sender != tx.origin) revert OnlyExternalAccount(msg.sender);
        if (data.length > MAX_EXIT_DATA_LENGTH) revert ExitDataTooLong(data.length);
        QueueItem memory item;
        item.kind = QueueKind.Exit;
        item.from = msg.sender;
        item.to = to;
        item.value = value;
        item.gasLimit = EXIT_GAS;
        return _enqueue(chainId, item, data);
    }

    /// @inheritdoc IInbox
    function queueLength(uint256 chainId) external view returns (uint256) {
        return Versions.latest(_queues[chainId].lengths);
    }

    /// @inheritdoc IInbox
    function queueLengthAt(uint256 chainId, uint64 snapshot) external view returns (uint256) {
        return Versions.at(_queues[chainId].lengths, uint32(snapshot));
    }

    /// @notice Sum of the MT that all items of a queue brought, in wei.
    /// @param chainId Identifier of the DAC's chain.
    /// @return The sum.
    function mintedOf(uint256 chainId) external view returns (uint256) {
        return _queues[chainId].minted;
    }

    /// @inheritdoc IInbox
    function queueHashAt(uint256 chainId, uint256 index) public view returns (bytes32) {
        Queue storage queue = _queues[chainId];
        if (index >= Versions.latest(queue.lengths)) revert UnknownQueueItem(chainId, index);
        return queue.hashes[index];
    }

    /// @inheritdoc IInbox
    function requireItem(uint256 chainId, uint256 index, QueueItem calldata item) external view {
        bytes32 previous = index == 0 ? bytes32(0) : queueHashAt(chainId, index - 1);
        if (queueHashAt(chainId, index) != keccak256(abi.encode(previous, item))) {
            revert WrongQueueItem(chainId, index);
        }
    }

    function _enqueue(uint256 chainId, QueueItem memory item, bytes calldata data) private returns (uint256 index) {
        if (!registry.isActive(chainId)) revert UnknownChain(chainId);
        if (rollup.isExiting(chainId)) revert ChainExiting(chainId);
        Queue storage queue = _queues[chainId];
        uint256 lengths = queue.lengths;
        index = Versions.latest(lengths);
        item.dataHash = keccak256(data);
        item.l1Block = uint64(block.number);
        item.timestamp = uint64(block.timestamp);
        item.mintedBefore = queue.minted;
        bytes32 previous = index == 0 ? bytes32(0) : queue.hashes[index - 1];
        bytes32 queueHash = keccak256(abi.encode(previous, item));
        queue.hashes[index] = queueHash;
        queue.lengths = Versions.set(lengths, uint32(block.number / epochBlocks), uint32(index + 1));
        if (item.mint > 0) queue.minted += item.mint;
        emit QueueItemAdded(chainId, index, item, data, queueHash);
    }
}

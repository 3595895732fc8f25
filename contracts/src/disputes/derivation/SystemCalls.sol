// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {SystemSource} from "../../execution/codec/SystemTransactionCodec.sol";
import {QueueItem, QueueKind} from "../../interfaces/IInbox.sol";
import {MVM_DACMaster} from "../../l2/MVM_DACMaster.sol";
import {MVM_ExecutionManager} from "../../l2/MVM_ExecutionManager.sol";
import {Predeploys} from "../../l2/Predeploys.sol";

/// @title System transactions that follow from L1 and from posted data, encoded
/// @notice As packages/protocol/src/systemTransactions.ts and queueItems.ts make them; {SystemTransactionCodec} reads them.
library SystemCalls {
    using RLP for RLP.Encoder;

    /// @notice Gas of a call by the system.
    uint256 internal constant GAS = 16_777_216;
    bytes1 private constant KIND = 0x7e;

    /// @dev Fields of a system transaction, see {SystemTransactionCodec}.
    struct Fields {
        SystemSource source;
        uint256 index;
        address from;
        address to;
        uint256 mint;
        uint256 value;
        uint256 gasLimit;
        bytes data;
    }

    /// @notice Values that a block's context reports.
    /// @param slot Slot of the block.
    /// @param l1Block Draw block of the slot.
    /// @param l1BaseFee Its base fee, wei per gas.
    /// @param generation Count of the chain's rollbacks.
    /// @param count Transactions of the block.
    struct ContextValues {
        uint64 slot;
        uint64 l1Block;
        uint64 l1BaseFee;
        uint64 generation;
        uint256 count;
    }

    /// @notice The first transaction of a block.
    /// @param chainId Identifier of the DAC's chain.
    /// @param number Of the block.
    /// @param values What it reports.
    /// @return The encoded transaction.
    function context(uint256 chainId, uint256 number, ContextValues memory values)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory data = abi.encodeWithSelector(MVM_ExecutionManager.context.selector, values);
        return _call(chainId, SystemSource.Context, number, Predeploys.EXECUTION_MANAGER, data);
    }

    /// @notice The second transaction of block 1.
    /// @param chainId Identifier of the DAC's chain.
    /// @param charter abi.encode(Charter), as it was registered.
    /// @param metisDao MetisDAO's governance contract.
    /// @param bridge L1Bridge.
    /// @return The encoded transaction.
    function founding(uint256 chainId, bytes calldata charter, address metisDao, address bridge)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory data = abi.encodeWithSelector(MVM_DACMaster.found.selector, charter, metisDao, bridge);
        return _call(chainId, SystemSource.Founding, 1, Predeploys.DAC_MASTER, data);
    }

    /// @notice The transaction by which a block consumes an item of the queue.
    /// @param chainId Identifier of the DAC's chain.
    /// @param index Place of the item in the queue.
    /// @param item The item.
    /// @param data Its data.
    /// @return The encoded transaction.
    function queued(uint256 chainId, uint256 index, QueueItem calldata item, bytes calldata data)
        internal
        pure
        returns (bytes memory)
    {
        Fields memory fields;
        fields.index = index;
        if (item.kind == QueueKind.Forced) {
            fields.source = SystemSource.Forced;
            fields.from = Predeploys.SYSTEM;
            fields.data = data;
            return encode(chainId, fields);
        }
        fields.to = item.to;
        if (item.kind == QueueKind.DepositMT) {
            fields.source = SystemSource.Deposit;
            (fields.from, fields.mint) = (item.from, item.mint);
            return encode(chainId, fields);
        }
        (fields.value, fields.gasLimit, fields.data) = (item.value, item.gasLimit, data);
        if (item.kind == QueueKind.Message) {
            fields.source = SystemSource.Message;
            (fields.from, fields.mint) = (Predeploys.aliasOf(item.from), item.mint);
        } else {
            fields.source = SystemSource.Exit;
            fields.from = item.from;
        }
        return encode(chainId, fields);
    }

    /// @notice 0x7e || rlp([chainId, source, index, from, to, mint, value, gasLimit, data]).
    /// @param chainId Identifier of the DAC's chain.
    /// @param fields The rest.
    /// @return The encoded transaction.
    function encode(uint256 chainId, Fields memory fields) internal pure returns (bytes memory) {
        RLP.Encoder memory items = RLP.encoder().push(chainId).push(uint256(fields.source)).push(fields.index);
        items = items.push(fields.from).push(fields.to).push(fields.mint).push(fields.value).push(fields.gasLimit);
        return bytes.concat(KIND, items.push(fields.data).encode());
    }

    function _call(uint256 chainId, SystemSource source, uint256 index, address to, bytes memory data)
        private
        pure
        returns (bytes memory)
    {
        return encode(chainId, Fields(source, index, Predeploys.SYSTEM, to, 0, 0, GAS, data));
    }
}

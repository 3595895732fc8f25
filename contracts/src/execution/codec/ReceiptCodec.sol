// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A log as execution leaves it.
/// @param emitter Account that wrote it.
/// @param topics At most four.
/// @param data The rest.
struct Log {
    address emitter;
    bytes32[] topics;
    bytes data;
}

/// @title ReceiptCodec: receipts and their blooms
/// @notice As packages/protocol/src/receipts.ts (EIP-2718, EIP-658; the bloom as the yellow paper's M3:2048). Logs and bloom can
/// be gathered one at a time, as a replay meets them, or be made of a list.
library ReceiptCodec {
    /// @dev Bytes of a receipt beside its logs: type, four headers, status, gas, bloom.
    uint256 private constant MAX_FRAME_LENGTH = 320;

    /// @notice The bloom of no log.
    /// @return bloom 2,048 zero bits.
    function emptyBloom() internal pure returns (bytes32[8] memory bloom) {}

    /// @notice Adds a log's address and topics to a bloom.
    /// @param bloom The bloom, changed in place.
    /// @param emitter Account that wrote the log.
    /// @param topics The log's topics.
    function addToBloom(bytes32[8] memory bloom, address emitter, bytes32[] memory topics) internal pure {
        // Every log of a replay passes here, up to five hashes each: CodecsGas.t.sol.
        assembly ("memory-safe") {
            // The bloom is one number of 2,048 bits, its highest ones first.
            function setBit(bits, bit) {
                let word := add(bits, shl(5, sub(7, shr(8, bit))))
                mstore(word, or(mload(word), shl(and(bit, 255), 1)))
            }
            // The low eleven bits of each of the first three pairs of bytes name one each.
            function add_(bits, hash) {
                setBit(bits, and(shr(240, hash), 2047))
                setBit(bits, and(shr(224, hash), 2047))
                setBit(bits, and(shr(208, hash), 2047))
            }
            mstore(0x00, shl(96, emitter))
            add_(bloom, keccak256(0x00, 20))
            let topic := add(topics, 32)
            for { let end := add(topic, shl(5, mload(topics))) } lt(topic, end) { topic := add(topic, 32) } {
                add_(bloom, keccak256(topic, 32))
            }
        }
    }

    /// @notice Bloom of logs as a receipt has them, which execution has encoded: their form is not looked at.
    /// @param items Encoded logs, one after the other.
    /// @return bloom Their bloom.
    function bloomOf(bytes memory items) internal pure returns (bytes32[8] memory bloom) {
        uint256 place;
        assembly ("memory-safe") {
            place := add(items, 32)
        }
        uint256 end = place + items.length;
        bytes32[] memory topics = new bytes32[](4);
        while (place < end) {
            (uint256 start, uint256 next) = _listAt(place);
            address emitter;
            assembly ("memory-safe") {
                emitter := shr(96, mload(add(start, 1)))
            }
            (uint256 topic, uint256 last) = _listAt(start + 21);
            assembly ("memory-safe") {
                let to := add(topics, 32)
                for {} lt(topic, last) { topic := add(topic, 33) } {
                    mstore(to, mload(add(topic, 1)))
                    to := add(to, 32)
                }
                mstore(topics, shr(5, sub(to, add(topics, 32))))
            }
            addToBloom(bloom, emitter, topics);
            place = next;
        }
    }

    /// @dev Where the items of a list in memory begin and end.
    function _listAt(uint256 place) private pure returns (uint256 start, uint256 end) {
        assembly ("memory-safe") {
            let word := mload(place)
            let length := sub(byte(0, word), 0xc0)
            start := add(place, 1)
            if gt(length, 55) {
                let size := sub(length, 55)
                length := shr(sub(256, shl(3, size)), shl(8, word))
                start := add(start, size)
            }
            end := add(start, length)
        }
    }

    /// @notice Adds another bloom's bits to a bloom.
    /// @param bloom The bloom, changed in place.
    /// @param other The other.
    function merge(bytes32[8] memory bloom, bytes32[8] memory other) internal pure {
        for (uint256 i = 0; i < 8; i++) {
            bloom[i] |= other[i];
        }
    }

    /// @notice Hash of a bloom: what a checkpoint commits to.
    /// @param bloom The bloom.
    /// @return hash keccak256 of its 256 bytes.
    function hashOf(bytes32[8] memory bloom) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(bloom, 256)
        }
    }

    /// @notice Logs as a receipt has them, and their bloom.
    /// @param logs The logs.
    /// @return items Their encodings one after the other, without the header of the list.
    /// @return bloom Their bloom.
    function encodeLogs(Log[] memory logs) internal pure returns (bytes memory items, bytes32[8] memory bloom) {
        uint256 length = 0;
        for (uint256 i = 0; i < logs.length; i++) {
            Log memory log = logs[i];
            length += _spanOf(_payloadOf(log));
            addToBloom(bloom, log.emitter, log.topics);
        }
        uint256 place;
        (items, place) = _allocate(length);
        for (uint256 i = 0; i < logs.length; i++) {
            place = _writeLog(place, logs[i]);
        }
    }

    /// @notice Encodes a receipt; keccak256 of it is its hash.
    /// @param kind Type of its transaction: 0, 1, 2, 4 or 0x7e.
    /// @param succeeded Whether the transaction did not fail.
    /// @param cumulativeGasUsed Gas that the block had used after it.
    /// @param bloom Bloom of its logs.
    /// @param items Its logs ({encodeLogs}).
    /// @return receipt The encoding.
    function encode(
        uint256 kind,
        bool succeeded,
        uint256 cumulativeGasUsed,
        bytes32[8] memory bloom,
        bytes memory items
    ) internal pure returns (bytes memory receipt) {
        uint256 start;
        (receipt, start) = _allocate(MAX_FRAME_LENGTH + items.length);
        uint256 gasLength = cumulativeGasUsed < 0x80 ? 1 : 1 + _lengthOf(cumulativeGasUsed);
        // Status, gas, header and bits of the bloom, logs.
        uint256 payload = 1 + gasLength + 259 + _spanOf(items.length);
        uint256 place = start;
        if (kind != 0) {
            assembly ("memory-safe") {
                mstore8(place, kind)
            }
            place++;
        }
        place = _writeHead(place, payload, 0xc0);
        assembly ("memory-safe") {
            mstore8(place, sub(0x80, mul(succeeded, 0x7f)))
            place := add(place, 1)
            switch lt(sub(cumulativeGasUsed, 1), 0x7f)
            case 1 { mstore8(place, cumulativeGasUsed) }
            default {
                mstore8(place, add(0x7f, gasLength))
                mstore(add(place, 1), shl(sub(264, shl(3, gasLength)), cumulativeGasUsed))
            }
            place := add(place, gasLength)
            mstore(place, shl(232, 0xb90100))
            mcopy(add(place, 3), bloom, 256)
            place := add(place, 259)
        }
        place = _writeHead(place, items.length, 0xc0);
        assembly ("memory-safe") {
            mcopy(place, add(items, 32), mload(items))
            mstore(receipt, sub(add(place, mload(items)), start))
        }
    }

    /// @dev Bytes of an integer, not zero.
    function _lengthOf(uint256 value) private pure returns (uint256 length) {
        assembly ("memory-safe") {
            length := sub(32, shr(3, clz(value)))
        }
    }

    /// @dev Bytes of a list with a payload of `length` bytes, or of a byte string that is not one byte long.
    function _spanOf(uint256 length) private pure returns (uint256) {
        unchecked {
            return length + (length < 56 ? 1 : 1 + _lengthOf(length));
        }
    }

    function _payloadOf(Log memory log) private pure returns (uint256) {
        unchecked {
            return 21 + _spanOf(33 * log.topics.length) + _spanOfData(log.data);
        }
    }

    /// @dev A byte below 0x80 stands for itself.
    function _spanOfData(bytes memory data) private pure returns (uint256) {
        return data.length == 1 && uint8(data[0]) < 0x80 ? 1 : _spanOf(data.length);
    }

    function _writeLog(uint256 place, Log memory log) private pure returns (uint256) {
        place = _writeHead(place, _payloadOf(log), 0xc0);
        (address emitter, bytes32[] memory topics, bytes memory data) = (log.emitter, log.topics, log.data);
        assembly ("memory-safe") {
            mstore8(place, 0x94)
            mstore(add(place, 1), shl(96, emitter))
            place := add(place, 21)
        }
        place = _writeHead(place, 33 * topics.length, 0xc0);
        assembly ("memory-safe") {
            let topic := add(topics, 32)
            for { let end := add(topic, shl(5, mload(topics))) } lt(topic, end) { topic := add(topic, 32) } {
                mstore8(place, 0xa0)
                mstore(add(place, 1), mload(topic))
                place := add(place, 33)
            }
        }
        if (_spanOfData(data) != 1 || data.length == 0) place = _writeHead(place, data.length, 0x80);
        assembly ("memory-safe") {
            mcopy(place, add(data, 32), mload(data))
            place := add(place, mload(data))
        }
        return place;
    }

    /// @dev Header of a payload; `offset` is 0x80 for byte strings, 0xc0 for lists. Writes up to 32 bytes further.
    function _writeHead(uint256 place, uint256 length, uint256 offset) private pure returns (uint256) {
        unchecked {
            if (length < 56) {
                assembly ("memory-safe") {
                    mstore8(place, add(offset, length))
                }
                return place + 1;
            }
            uint256 size = _lengthOf(length);
            assembly ("memory-safe") {
                mstore8(place, add(add(offset, 55), size))
                mstore(add(place, 1), shl(sub(256, shl(3, size)), length))
            }
            return place + 1 + size;
        }
    }

    /// @dev Bytes of a length, with 32 more behind them that may be written to.
    function _allocate(uint256 length) private pure returns (bytes memory data, uint256 place) {
        assembly ("memory-safe") {
            data := mload(0x40)
            mstore(data, length)
            place := add(data, 32)
            mstore(0x40, and(add(add(place, length), 95), not(31)))
        }
    }
}

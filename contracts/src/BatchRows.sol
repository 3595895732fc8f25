// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {BatchLayout, CallShape, Prelude} from "./BatchLayout.sol";
import {BatchFaults, BatchReader, Cursor} from "./BatchReader.sol";

/// @notice A row taken apart. With `keep` unset a row is only checked, and nothing that takes memory is filled in.
/// @param keep True to fill in what `build` takes.
/// @param timestamp Of the row's block, seconds; used only to keep.
/// @param isRaw True if `body` is the whole transaction as it was posted.
/// @param isCall True if the data is `selector` and `words`, false if it is `body`.
/// @param legacy True for a legacy transaction (EIP-155), false for type 2.
/// @param parity Parity of the signature's y.
/// @param nonce The sender's nonce.
/// @param tip Tip, wei per gas.
/// @param fee Fee, wei per gas.
/// @param gasLimit Gas limit.
/// @param to The target; zero until it is resolved if it stands by table index.
/// @param value Wei of MT.
/// @param bodyLength Bytes of the body, kept or not.
/// @param body Data that is not a call of words, or the whole transaction.
/// @param selector First four bytes of a call of words.
/// @param words Words of a call; those by table index are zero until they are resolved.
/// @param r Of the signature.
/// @param s Of the signature.
/// @param indexCount Table indexes found.
/// @param indices They: of the target, then of the words in order.
/// @param places For each of them where it belongs: 0 the target, i + 1 word i.
/// @param inlineCount Addresses found inline.
/// @param inlined They, in order.
struct Row {
    bool keep;
    uint256 timestamp;
    bool isRaw;
    bool isCall;
    bool legacy;
    uint256 parity;
    uint256 nonce;
    uint256 tip;
    uint256 fee;
    uint256 gasLimit;
    address to;
    uint256 value;
    uint256 bodyLength;
    bytes body;
    bytes4 selector;
    bytes32[] words;
    bytes32 r;
    bytes32 s;
    uint256 indexCount;
    uint256[] indices;
    uint256[] places;
    uint256 inlineCount;
    address[] inlined;
}

/// @title Rows of a batch
/// @notice One user transaction each: checked, or taken apart and built again byte for byte.
/// @dev Never reverts on any data.
library BatchRows {
    using BatchReader for Cursor;
    using RLP for RLP.Encoder;

    uint256 private constant PARITY = 1;
    uint256 private constant LEGACY = 16;
    uint256 private constant PLAIN_GAS = 32;
    uint256 private constant KNOWN_FEES = 64;
    uint256 private constant NO_VALUE = 128;
    /// @dev Bit of a fee entry's index: the tip follows, the entry gives the excess.
    uint256 private constant OWN_TIP = 128;
    uint256 private constant DATA_EMPTY = 0;
    uint256 private constant DATA_TRANSFER = 1;
    uint256 private constant DATA_TRANSFER_FROM = 3;
    uint256 private constant DATA_WORDS = 4;
    uint256 private constant DATA_BYTES = 5;
    uint256 private constant DATA_RAW = 6;
    uint256 private constant WORD_ADDRESS = 1;
    uint256 private constant WORD_RAW = 2;
    uint256 private constant WORD_TIME = 3;
    uint256 private constant WORD_NEGATIVE = 4;
    uint256 private constant TRANSFER_GAS = 21_000;
    uint256 private constant GAS_ENTRIES = 127;
    /// @dev The target, and as many words as a call may have.
    uint256 private constant MAX_REFERENCES = 65;
    /// @dev 56 KiB: what one step of a fraud proof can carry.
    uint256 private constant MAX_TRANSACTION_LENGTH = 57_344;
    /// @dev Data up to which no transaction is too large: all other fields and headers take less than 256 bytes.
    uint256 private constant SURE_LENGTH = 57_088;

    /// @notice A row to keep fields in.
    /// @param timestamp Of the row's block.
    /// @return row An empty one.
    function keeper(uint256 timestamp) internal pure returns (Row memory row) {
        row.keep = true;
        row.timestamp = timestamp;
        row.indices = new uint256[](MAX_REFERENCES);
        row.places = new uint256[](MAX_REFERENCES);
        row.inlined = new address[](MAX_REFERENCES);
    }

    /// @notice Reads a row and moves behind it.
    /// @param cursor Where the row begins.
    /// @param data The batch's data.
    /// @param prelude The prelude, read without a fault.
    /// @param row Empty if it is to keep, else any.
    function read(Cursor memory cursor, bytes calldata data, Prelude memory prelude, Row memory row) internal pure {
        uint256 head = cursor.readByte(data);
        uint256 kind = (head >> 1) & 7;
        row.bodyLength = 0;
        if (kind >= DATA_RAW) {
            if (head != DATA_RAW << 1) cursor.fail(BatchFaults.RESERVED);
            row.isRaw = true;
            _readBody(cursor, data, row);
            return;
        }
        row.parity = head & PARITY;
        row.legacy = head & LEGACY != 0;
        row.nonce = cursor.readVarint(data, type(uint64).max, BatchFaults.OUT_OF_RANGE);
        row.gasLimit = head & PLAIN_GAS != 0 ? TRANSFER_GAS : _readGasLimit(cursor, data, prelude);
        _readFees(cursor, data, prelude, row, head & KNOWN_FEES != 0);
        row.to = _readAddress(cursor, data, row, 0);
        row.value = head & NO_VALUE != 0 ? 0 : cursor.readDecimal(data);
        if (row.value == 0 && head & NO_VALUE == 0) cursor.fail(BatchFaults.NOT_CANONICAL);
        _readData(cursor, data, prelude, row, kind);
        row.r = cursor.readWord(data);
        row.s = cursor.readWord(data);
        if (row.bodyLength > SURE_LENGTH && cursor.fault == BatchFaults.NONE) _checkLength(cursor, prelude, row);
    }

    function _readGasLimit(Cursor memory cursor, bytes calldata data, Prelude memory prelude)
        private
        pure
        returns (uint256)
    {
        uint256 max = uint256(type(uint64).max) + GAS_ENTRIES;
        uint256 code = cursor.readVarint(data, max, BatchFaults.OUT_OF_RANGE);
        unchecked {
            if (code >= GAS_ENTRIES) return code - GAS_ENTRIES;
        }
        if (code < prelude.gasLimits.length) return prelude.gasLimits[code];
        cursor.fail(BatchFaults.UNKNOWN_ENTRY);
        return 0;
    }

    function _readFees(Cursor memory cursor, bytes calldata data, Prelude memory prelude, Row memory row, bool known)
        private
        pure
    {
        uint256 excess;
        if (known) {
            uint256 code = cursor.readByte(data);
            uint256 entry = code & ~OWN_TIP;
            if (entry >= prelude.tips.length) {
                cursor.fail(BatchFaults.UNKNOWN_ENTRY);
                return;
            }
            row.tip = code < OWN_TIP ? prelude.tips[entry] : cursor.readDecimal(data);
            excess = prelude.excesses[entry];
        } else {
            row.tip = cursor.readDecimal(data);
            excess = cursor.readDecimal(data);
        }
        if (row.legacy && excess != 0) cursor.fail(BatchFaults.TWO_PRICES);
        unchecked {
            // Both are below 2^232.
            row.fee = row.tip + excess;
        }
    }

    /// @dev An address posted inline; zero for a table index, which is noted for `place` (0: target, i + 1: word i).
    function _readAddress(Cursor memory cursor, bytes calldata data, Row memory row, uint256 place)
        private
        pure
        returns (address inlined)
    {
        uint256 code = cursor.readVarint(data, type(uint64).max, BatchFaults.OUT_OF_RANGE);
        if (code == 0) inlined = cursor.readAddress(data);
        if (!row.keep || cursor.fault != BatchFaults.NONE) return inlined;
        unchecked {
            if (code == 0) {
                row.inlined[row.inlineCount++] = inlined;
            } else {
                row.indices[row.indexCount] = code - 1;
                row.places[row.indexCount++] = place;
            }
        }
    }

    /// @dev A length and as many bytes.
    function _readBody(Cursor memory cursor, bytes calldata data, Row memory row) private pure {
        uint256 length = cursor.readVarint(data, MAX_TRANSACTION_LENGTH, BatchFaults.TOO_LARGE);
        (uint256 start, bool taken) = cursor.take(data, length);
        row.bodyLength = length;
        unchecked {
            if (row.keep && taken) row.body = data[start:start + length];
        }
    }

    function _readData(Cursor memory cursor, bytes calldata data, Prelude memory prelude, Row memory row, uint256 kind)
        private
        pure
    {
        row.isCall = kind != DATA_EMPTY && kind != DATA_BYTES;
        if (kind == DATA_EMPTY) return;
        if (kind == DATA_BYTES) {
            _readBody(cursor, data, row);
        } else if (kind == DATA_WORDS) {
            CallShape memory shape = _readForm(cursor, data, prelude);
            if (cursor.fault == BatchFaults.NONE) _readWords(cursor, data, row, shape);
        } else {
            _readFixed(cursor, data, row, kind);
        }
    }

    /// @dev transfer, approve or transferFrom: one address or two, and an amount.
    function _readFixed(Cursor memory cursor, bytes calldata data, Row memory row, uint256 kind) private pure {
        uint256 addresses = kind == DATA_TRANSFER_FROM ? 2 : 1;
        if (kind == DATA_TRANSFER) row.selector = 0xa9059cbb;
        else row.selector = kind == DATA_TRANSFER_FROM ? bytes4(0x23b872dd) : bytes4(0x095ea7b3);
        unchecked {
            if (row.keep) row.words = new bytes32[](addresses + 1);
            for (uint256 i = 0; i < addresses; i++) {
                address inlined = _readAddress(cursor, data, row, i + 1);
                if (row.keep) row.words[i] = bytes32(uint256(uint160(inlined)));
            }
            uint256 amount = cursor.readDecimal(data);
            if (row.keep) row.words[addresses] = bytes32(amount);
        }
    }

    /// @dev The form of a call: by its place in the dictionary, from 1, or 0 and the form itself.
    function _readForm(Cursor memory cursor, bytes calldata data, Prelude memory prelude)
        private
        pure
        returns (CallShape memory)
    {
        uint256 code = cursor.readVarint(data, prelude.shapes.length, BatchFaults.UNKNOWN_ENTRY);
        if (code == 0) return BatchLayout.readShape(cursor, data);
        unchecked {
            // Read once already, with the prelude, without a fault.
            return BatchLayout.readShape(Cursor(prelude.shapes[code - 1], BatchFaults.NONE), data);
        }
    }

    function _readWords(Cursor memory cursor, bytes calldata data, Row memory row, CallShape memory shape)
        private
        pure
    {
        Cursor memory constants = Cursor(shape.constantsAt, BatchFaults.NONE);
        unchecked {
            row.selector = bytes4(data[shape.selectorAt:shape.selectorAt + 4]);
            if (row.keep) row.words = new bytes32[](shape.count);
            for (uint256 i = 0; i < shape.count && cursor.fault == BatchFaults.NONE; i++) {
                uint256 kind = BatchLayout.kindAt(data, shape, i);
                bytes32 word;
                if (kind == BatchLayout.KIND_CONSTANT) {
                    if (row.keep) word = bytes32(constants.readDecimal(data));
                } else if (kind == WORD_ADDRESS) {
                    word = bytes32(uint256(uint160(_readAddress(cursor, data, row, i + 1))));
                } else {
                    word = _readNumber(cursor, data, row.timestamp, kind);
                }
                if (row.keep) row.words[i] = word;
            }
        }
    }

    function _readNumber(Cursor memory cursor, bytes calldata data, uint256 timestamp, uint256 kind)
        private
        pure
        returns (bytes32)
    {
        unchecked {
            if (kind == WORD_RAW) return cursor.readWord(data);
            if (kind == WORD_TIME) {
                return bytes32(timestamp + cursor.readVarint(data, type(uint32).max, BatchFaults.OUT_OF_RANGE));
            }
            uint256 number = cursor.readDecimal(data);
            return bytes32(kind == WORD_NEGATIVE ? 0 - number : number);
        }
    }

    /// @dev Faults a row whose transaction would be too long; its data is beyond SURE_LENGTH.
    function _checkLength(Cursor memory cursor, Prelude memory prelude, Row memory row) private pure {
        unchecked {
            // Headers: three bytes each of data and list, 20 and one of the target.
            uint256 length = row.bodyLength + 27 + _integer(row.nonce) + _integer(row.fee) + _integer(row.gasLimit)
                + _integer(row.value) + _integer(uint256(row.r)) + _integer(uint256(row.s));
            if (row.legacy) length += _integer(2 * prelude.chainId + 35 + row.parity);
            // Type, empty access list, parity: a byte each.
            else length += 3 + _integer(prelude.chainId) + _integer(row.tip);
            if (length > MAX_TRANSACTION_LENGTH) cursor.fail(BatchFaults.TOO_LARGE);
        }
    }

    /// @dev Bytes of an integer in RLP.
    function _integer(uint256 value) private pure returns (uint256 length) {
        unchecked {
            length = 1;
            if (value < 128) return length;
            for (; value != 0; value >>= 8) {
                length++;
            }
        }
    }

    /// @notice Puts resolved addresses where the row's table indexes stand.
    /// @param row A row that was kept, without a fault.
    /// @param resolved As many addresses as it has table indexes, in their order.
    function resolve(Row memory row, address[] calldata resolved) internal pure {
        unchecked {
            for (uint256 i = 0; i < row.indexCount; i++) {
                uint256 place = row.places[i];
                if (place == 0) row.to = resolved[i];
                else row.words[place - 1] = bytes32(uint256(uint160(resolved[i])));
            }
        }
    }

    /// @notice The signed transaction of a row in its canonical encoding (EIP-2718): keccak256 of it is its hash.
    /// @param row A row that was kept, without a fault, and resolved.
    /// @param chainId Identifier of the DAC's chain.
    /// @return The transaction.
    function build(Row memory row, uint256 chainId) internal pure returns (bytes memory) {
        if (row.isRaw) return row.body;
        RLP.Encoder memory items = RLP.encoder();
        if (!row.legacy) items = items.push(chainId);
        items = items.push(row.nonce);
        if (!row.legacy) items = items.push(row.tip);
        items = items.push(row.fee).push(row.gasLimit).push(abi.encodePacked(row.to)).push(row.value);
        items = items.push(row.isCall ? abi.encodePacked(row.selector, row.words) : row.body);
        if (row.legacy) items = items.push(2 * chainId + 35 + row.parity);
        else items = items.push(RLP.encoder()).push(row.parity);
        items = items.push(uint256(row.r)).push(uint256(row.s));
        bytes memory list = items.encode();
        return row.legacy ? list : bytes.concat(hex"02", list);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../../l2/Predeploys.sol";
import {Rlp} from "../../proofs/Rlp.sol";

/// @notice A field of a header, in the order of the encoding; `None`: no field is wrong; `Layout`: the bytes are not the list
/// of the fields and nothing else.
enum HeaderField {
    None,
    ParentHash,
    OmmersHash,
    Beneficiary,
    StateRoot,
    TransactionsRoot,
    ReceiptsRoot,
    LogsBloom,
    Difficulty,
    Number,
    GasLimit,
    GasUsed,
    Timestamp,
    ExtraData,
    PrevRandao,
    Nonce,
    BaseFeePerGas,
    WithdrawalsRoot,
    BlobGasUsed,
    ExcessBlobGas,
    ParentBeaconBlockRoot,
    RequestsHash,
    Layout
}

/// @notice A DAC's header without its constants.
/// @param hash keccak256 of the header: the block's hash.
/// @param parentHash Hash of the parent.
/// @param stateRoot Root of the accounts after the block.
/// @param transactionsRoot Root of the transactions trie.
/// @param receiptsRoot Root of the receipts trie.
/// @param bloomHash keccak256 of the logs' bloom.
/// @param number Below 2^64, as `gasUsed` and `timestamp`.
/// @param gasUsed Gas of all transactions.
/// @param timestamp Seconds since 1970.
/// @param checkpointsRoot The extraData.
/// @param prevRandao Randomness that the block's transactions see.
/// @param baseFeePerGas Wei of MT.
/// @param withdrawalsRoot Storage root of MVM_L2ToL1 after the block.
struct Header {
    bytes32 hash;
    bytes32 parentHash;
    bytes32 stateRoot;
    bytes32 transactionsRoot;
    bytes32 receiptsRoot;
    bytes32 bloomHash;
    uint256 number;
    uint256 gasUsed;
    uint256 timestamp;
    bytes32 checkpointsRoot;
    bytes32 prevRandao;
    uint256 baseFeePerGas;
    bytes32 withdrawalsRoot;
}

/// @title HeaderCodec: every field of a DAC's header
/// @notice Ethereum's header as packages/protocol/src/header.ts encodes it: 21 fields in one form, nine of them constants of
/// the network. Which field is wrong is a value, for a header whose hash was posted and that is none is a fraud to be
/// shown. {BlockHeader} reads what proofs about sound headers need, for less.
/// @dev {decode} never reverts on any bytes.
library HeaderCodec {
    /// @notice Gas limit of all blocks.
    uint256 internal constant BLOCK_GAS = 60_000_000;
    /// @dev keccak256(rlp([])).
    bytes32 private constant OMMERS_HASH = 0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347;
    /// @dev sha256 of nothing (EIP-7685).
    bytes32 private constant REQUESTS_HASH = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice The bytes are no header.
    error MalformedHeader(HeaderField field);

    /// @dev A place among the fields, and the first one that is wrong.
    struct Cursor {
        uint256 next;
        uint256 end;
        HeaderField fault;
    }

    /// @notice The header that the bytes are; reverts where they are none.
    /// @param header RLP of the header.
    /// @return fields Its fields.
    function headerOf(bytes calldata header) internal pure returns (Header memory fields) {
        HeaderField fault;
        (fault, fields) = decode(header);
        if (fault != HeaderField.None) revert MalformedHeader(fault);
    }

    /// @notice Decodes a header, and compares its constants.
    /// @param header RLP of the header.
    /// @return fault The first field that has another form or is not the constant that it has to be.
    /// @return fields Its fields; they count only if there is no fault.
    function decode(bytes calldata header) internal pure returns (HeaderField fault, Header memory fields) {
        Cursor memory cursor;
        (uint256 place, uint256 end) = Rlp.range(header);
        {
            (bool isList, uint256 start, uint256 next) = Rlp.item(place, end);
            if (!isList || next != end) return (HeaderField.Layout, fields);
            (cursor.next, cursor.end) = (start, end);
        }
        fields.hash = keccak256(header);
        fields.parentHash = _hash(cursor, HeaderField.ParentHash);
        _expect(cursor, HeaderField.OmmersHash, OMMERS_HASH);
        _expectShort(cursor, HeaderField.Beneficiary, 0x94, uint160(address(Predeploys.EXECUTION_MANAGER)), 20);
        fields.stateRoot = _hash(cursor, HeaderField.StateRoot);
        fields.transactionsRoot = _hash(cursor, HeaderField.TransactionsRoot);
        fields.receiptsRoot = _hash(cursor, HeaderField.ReceiptsRoot);
        fields.bloomHash = _bloom(cursor);
        _expectShort(cursor, HeaderField.Difficulty, 0x80, 0, 0);
        fields.number = _integer(cursor, HeaderField.Number, 8);
        _expectShort(cursor, HeaderField.GasLimit, 0x84, BLOCK_GAS, 4);
        fields.gasUsed = _integer(cursor, HeaderField.GasUsed, 8);
        fields.timestamp = _integer(cursor, HeaderField.Timestamp, 8);
        fields.checkpointsRoot = _hash(cursor, HeaderField.ExtraData);
        fields.prevRandao = _hash(cursor, HeaderField.PrevRandao);
        _expectShort(cursor, HeaderField.Nonce, 0x88, 0, 8);
        fields.baseFeePerGas = _integer(cursor, HeaderField.BaseFeePerGas, 32);
        fields.withdrawalsRoot = _hash(cursor, HeaderField.WithdrawalsRoot);
        _expectShort(cursor, HeaderField.BlobGasUsed, 0x80, 0, 0);
        _expectShort(cursor, HeaderField.ExcessBlobGas, 0x80, 0, 0);
        _expect(cursor, HeaderField.ParentBeaconBlockRoot, 0);
        _expect(cursor, HeaderField.RequestsHash, REQUESTS_HASH);
        fault = cursor.fault;
        if (fault == HeaderField.None && cursor.next != cursor.end) fault = HeaderField.Layout;
    }

    function _hash(Cursor memory cursor, HeaderField field) private pure returns (bytes32) {
        return bytes32(_take(cursor, field, 0xa0, 32));
    }

    function _expect(Cursor memory cursor, HeaderField field, bytes32 constant_) private pure {
        if (_hash(cursor, field) != constant_ && cursor.fault == HeaderField.None) cursor.fault = field;
    }

    /// @dev A constant byte string of less than 32 bytes.
    function _expectShort(Cursor memory cursor, HeaderField field, uint256 head, uint256 constant_, uint256 size)
        private
        pure
    {
        unchecked {
            uint256 value = _take(cursor, field, head, size);
            if (cursor.fault == HeaderField.None && (size != 0 && value >> (256 - 8 * size) != constant_)) {
                cursor.fault = field;
            }
        }
    }

    /// @dev The word that begins with a byte string of one form: a header byte and so many bytes.
    function _take(Cursor memory cursor, HeaderField field, uint256 head, uint256 size)
        private
        pure
        returns (uint256 word)
    {
        assembly ("memory-safe") {
            // next, end and fault stand one behind the other
            if iszero(mload(add(cursor, 64))) {
                let place := mload(cursor)
                let next := add(add(place, 1), size)
                switch or(xor(byte(0, calldataload(place)), head), gt(next, mload(add(cursor, 32))))
                case 0 {
                    word := calldataload(add(place, 1))
                    mstore(cursor, next)
                }
                default { mstore(add(cursor, 64), field) }
            }
        }
    }

    function _integer(Cursor memory cursor, HeaderField field, uint256 maxBytes) private pure returns (uint256 value) {
        if (cursor.fault != HeaderField.None) return 0;
        uint256 next;
        (value, next) = Rlp.integer(cursor.next, cursor.end, maxBytes);
        if (next == 0) cursor.fault = field;
        else cursor.next = next;
    }

    function _bloom(Cursor memory cursor) private pure returns (bytes32 hash) {
        if (cursor.fault != HeaderField.None) return 0;
        unchecked {
            uint256 place = cursor.next;
            if (Rlp.load(place) >> 232 != 0xb90100 || place + 259 > cursor.end) {
                cursor.fault = HeaderField.LogsBloom;
                return 0;
            }
            cursor.next = place + 259;
            assembly ("memory-safe") {
                let bloom := mload(0x40)
                calldatacopy(bloom, add(place, 3), 256)
                hash := keccak256(bloom, 256)
            }
        }
    }
}

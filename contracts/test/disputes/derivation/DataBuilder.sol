// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What is posted of a block.
/// @param work Which of its job's seats served, and how many jobs failed before, as a byte (decision 023).
/// @param providers Registry indexes of those who served.
/// @param rows Its users' transactions as rows.
struct Draft {
    uint64 timestamp;
    uint64 slot;
    uint32 items;
    bytes32 randomness;
    bytes32 evidence;
    address sequencer;
    uint8 work;
    uint32[] providers;
    bytes[] rows;
}

/// @notice A batch's data without dictionaries (decision 023), the plain way.
library DataBuilder {
    uint256 private constant GROUP = 16;

    function encode(uint256 chainId, uint256 generation, Draft[] memory drafts) internal pure returns (bytes memory) {
        bytes memory prelude = bytes.concat(hex"04", varint(chainId), varint(generation), varint(drafts.length));
        (bytes memory table, bytes memory contexts) = _contexts(drafts);
        return bytes.concat(prelude, hex"000000", table, contexts, _rows(drafts));
    }

    function varint(uint256 value) internal pure returns (bytes memory digits) {
        for (; value > 127; value >>= 7) {
            digits = abi.encodePacked(digits, uint8(value | 128));
        }
        return abi.encodePacked(digits, uint8(value));
    }

    /// @notice A transaction as it is.
    function raw(bytes memory transaction) internal pure returns (bytes memory) {
        return bytes.concat(hex"0c", varint(transaction.length), transaction);
    }

    /// @notice A transaction of type 2 that goes to an address by its number: 21,000 gas, neither fees nor value nor data.
    function byNumber(uint256 nonce, uint256 index, bytes32 r, bytes32 s) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(128 | 32), varint(nonce), hex"0000", varint(index + 1), r, s);
    }

    function _contexts(Draft[] memory drafts) private pure returns (bytes memory table, bytes memory contexts) {
        uint256 before = 0;
        for (uint256 i = 0; i < drafts.length; i++) {
            uint256 first = i / GROUP * GROUP;
            Draft memory draft = drafts[i];
            if (i == first) table = abi.encodePacked(table, uint24(contexts.length), uint24(before));
            uint256 time = i == first ? draft.timestamp : draft.timestamp - drafts[i - 1].timestamp;
            uint256 slot = i == first ? draft.slot : draft.slot - drafts[first].slot;
            contexts = bytes.concat(contexts, varint(time), varint(slot), _context(draft));
            before += draft.rows.length;
        }
    }

    function _context(Draft memory draft) private pure returns (bytes memory context) {
        bytes memory sequencer =
            draft.sequencer == address(0) ? bytes(hex"00") : abi.encodePacked(hex"01", draft.sequencer);
        context = bytes.concat(varint(draft.items), draft.randomness, draft.evidence, sequencer, bytes1(draft.work));
        for (uint256 i = 0; i < draft.providers.length; i++) {
            context = bytes.concat(context, varint(draft.providers[i]));
        }
        return bytes.concat(context, varint(draft.rows.length));
    }

    function _rows(Draft[] memory drafts) private pure returns (bytes memory) {
        bytes memory table = "";
        bytes memory rows = "";
        uint256 count = 0;
        for (uint256 i = 0; i < drafts.length; i++) {
            for (uint256 j = 0; j < drafts[i].rows.length; j++) {
                if (count++ % GROUP == 0) table = abi.encodePacked(table, uint24(rows.length));
                rows = bytes.concat(rows, drafts[i].rows[j]);
            }
        }
        return bytes.concat(table, rows);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

/// @title L1Header: what contracts read in a header of L1
/// @notice Ethereum's header of any fork from London (EIP-1559) on: sixteen fields, and those that later forks append,
/// which are only stepped over. The decoder proves nothing: the caller compares `hash` with one that it trusts.
library L1Header {
    /// @notice Fields of a header of L1.
    struct Fields {
        /// keccak256 of the header: the block's hash.
        bytes32 hash;
        bytes32 parentHash;
        /// mixHash: since the Merge the beacon chain's randomness (EIP-4399), before it a part of the proof of work.
        bytes32 prevRandao;
        /// Wei per gas.
        uint256 baseFeePerGas;
        uint64 number;
        /// Seconds since 1970.
        uint64 timestamp;
    }

    /// @notice Decodes a header. Reverts with Rlp.MalformedRlp where the bytes are no header.
    /// @param header RLP of the header.
    /// @return fields What was asked for.
    function decode(bytes calldata header) internal pure returns (Fields memory fields) {
        (uint256 place, uint256 end) = Rlp.list(header);
        fields.hash = keccak256(header);
        (fields.parentHash, place) = Rlp.word32(place, end, 0);
        place = Rlp.skip(place, end, 1, 32); // ommersHash
        place = Rlp.skip(place, end, 2, 20); // beneficiary
        place = Rlp.skip(place, end, 3, 32); // stateRoot
        place = Rlp.skip(place, end, 4, 32); // transactionsRoot
        place = Rlp.skip(place, end, 5, 32); // receiptsRoot
        place = Rlp.skipBloom(place, end, 6); // logsBloom
        (, place) = Rlp.number(place, end, 7, 32); // difficulty
        uint256 value;
        (value, place) = Rlp.number(place, end, 8, 8);
        fields.number = uint64(value);
        (, place) = Rlp.number(place, end, 9, 8); // gasLimit
        (, place) = Rlp.number(place, end, 10, 8); // gasUsed
        (value, place) = Rlp.number(place, end, 11, 8);
        fields.timestamp = uint64(value);
        place = _skipAny(place, end, 12); // extraData
        (fields.prevRandao, place) = Rlp.word32(place, end, 13);
        place = Rlp.skip(place, end, 14, 8); // nonce
        (fields.baseFeePerGas, place) = Rlp.number(place, end, 15, 32);
        for (uint256 field = 16; place != end; field++) {
            place = _skipAny(place, end, field);
        }
    }

    function _skipAny(uint256 place, uint256 end, uint256 field) private pure returns (uint256 next) {
        (,, next) = Rlp.item(place, end);
        if (next == 0) revert Rlp.MalformedRlp(field);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

/// @title BlockHeader: what L1 reads in a header of a DAC
/// @notice Ethereum's header with Prague's fields (packages/protocol/src/header.ts). The form of all 21 fields is checked,
/// not that constants have their values. The decoder proves nothing: the caller compares `hash` with a committed one.
library BlockHeader {
    /// @notice Fields of a DAC's header.
    struct Fields {
        /// keccak256 of the header: the block's hash.
        bytes32 hash;
        bytes32 parentHash;
        /// Root of the accounts after the block.
        bytes32 stateRoot;
        /// Storage root of MVM_L2ToL1 after the block.
        bytes32 withdrawalsRoot;
        uint64 number;
        /// Seconds since 1970.
        uint64 timestamp;
    }

    /// @notice Decodes a header. Reverts with Rlp.MalformedRlp where the bytes are no header of a DAC.
    /// @param header RLP of the header.
    /// @return fields What was asked for.
    function decode(bytes calldata header) internal pure returns (Fields memory fields) {
        (uint256 place, uint256 end) = Rlp.list(header);
        fields.hash = keccak256(header);
        (fields.parentHash, place) = Rlp.word32(place, end, 0);
        place = Rlp.skip(place, end, 1, 32); // ommersHash
        place = Rlp.skip(place, end, 2, 20); // beneficiary
        (fields.stateRoot, place) = Rlp.word32(place, end, 3);
        place = Rlp.skip(place, end, 4, 32); // transactionsRoot
        place = Rlp.skip(place, end, 5, 32); // receiptsRoot
        place = Rlp.skipBloom(place, end, 6); // logsBloom
        (, place) = Rlp.number(place, end, 7, 8); // difficulty
        uint256 value;
        (value, place) = Rlp.number(place, end, 8, 8);
        fields.number = uint64(value);
        (, place) = Rlp.number(place, end, 9, 8); // gasLimit
        (, place) = Rlp.number(place, end, 10, 8); // gasUsed
        (value, place) = Rlp.number(place, end, 11, 8);
        fields.timestamp = uint64(value);
        place = Rlp.skip(place, end, 12, 32); // extraData: the checkpoints root
        place = Rlp.skip(place, end, 13, 32); // prevRandao
        place = Rlp.skip(place, end, 14, 8); // nonce
        (, place) = Rlp.number(place, end, 15, 32); // baseFeePerGas
        (fields.withdrawalsRoot, place) = Rlp.word32(place, end, 16);
        (, place) = Rlp.number(place, end, 17, 8); // blobGasUsed
        (, place) = Rlp.number(place, end, 18, 8); // excessBlobGas
        place = Rlp.skip(place, end, 19, 32); // parentBeaconBlockRoot
        place = Rlp.skip(place, end, 20, 32); // requestsHash
        if (place != end) revert Rlp.MalformedRlp(21);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, Checkpoints} from "../execution/codec/Checkpoints.sol";
import {Header} from "../execution/codec/HeaderCodec.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {MerkleTrie} from "../proofs/MerkleTrie.sol";

/// @title Block 0 of a DAC
/// @notice It is in no batch: it follows from the registration, as packages/node/src/genesis.ts has it.
library GenesisBlock {
    /// @dev First step of the ladder of base fees, wei per gas.
    uint256 private constant BASE_FEE = 10_000_000;
    /// @dev keccak256(rlp([])).
    bytes32 private constant OMMERS_HASH = 0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347;
    /// @dev sha256 of nothing (EIP-7685).
    bytes32 private constant REQUESTS_HASH = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice Block 0.
    /// @param genesisHash Commitment to the registration.
    /// @param createdAt Time of the registration, in seconds, 2^24 to 2^40.
    /// @param stateRoot State root of every DAC's block 0.
    /// @return header Its header.
    function header(bytes32 genesisHash, uint64 createdAt, bytes32 stateRoot) internal pure returns (Header memory) {
        bytes32 hash = keccak256(_encode(genesisHash, createdAt, stateRoot));
        bytes32 empty = MerkleTrie.EMPTY_ROOT;
        Checkpoint memory nothing = Checkpoints.beforeFirst(stateRoot);
        return Header({
            hash: hash,
            parentHash: genesisHash,
            stateRoot: stateRoot,
            transactionsRoot: empty,
            receiptsRoot: empty,
            bloomHash: nothing.bloomHash,
            number: 0,
            gasUsed: 0,
            timestamp: createdAt,
            checkpointsRoot: 0,
            prevRandao: 0,
            baseFeePerGas: BASE_FEE,
            withdrawalsRoot: empty
        });
    }

    /// @dev RLP of the header.
    function _encode(bytes32 genesisHash, uint64 createdAt, bytes32 stateRoot) private pure returns (bytes memory) {
        bytes32 empty = MerkleTrie.EMPTY_ROOT;
        bytes memory fields = bytes.concat(_word(genesisHash), _word(OMMERS_HASH));
        fields = abi.encodePacked(fields, bytes1(0x94), Predeploys.EXECUTION_MANAGER, _word(stateRoot));
        fields = bytes.concat(fields, _word(empty), _word(empty));
        // bloom, difficulty, number, gas limit, gas used
        fields = bytes.concat(fields, hex"b90100", new bytes(256), hex"80808403938700", hex"80");
        // timestamp, extraData, prevRandao, nonce, base fee
        fields = bytes.concat(fields, _time(createdAt), _word(0), _word(0), hex"880000000000000000", hex"83989680");
        // withdrawals root, blob gas twice, parent beacon root, requests hash
        fields = bytes.concat(fields, _word(empty), hex"8080", _word(0), _word(REQUESTS_HASH));
        return abi.encodePacked(bytes1(0xf9), uint16(fields.length), fields);
    }

    function _word(bytes32 value) private pure returns (bytes memory) {
        return abi.encodePacked(bytes1(0xa0), value);
    }

    function _time(uint64 seconds_) private pure returns (bytes memory) {
        return seconds_ < 2 ** 32
            ? abi.encodePacked(bytes1(0x84), uint32(seconds_))
            : abi.encodePacked(bytes1(0x85), uint40(seconds_));
    }
}

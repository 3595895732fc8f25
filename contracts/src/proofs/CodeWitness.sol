// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title CodeWitness: codes by their hashes, from bytes that are handed in or from contracts of L1
/// @notice A code that stands on L1, whoever put it there, costs a proof no calldata: EXTCODEHASH tells its hash. What is
/// needed and not there is MissingCode, what nothing needed is UnusedCode. The empty code needs no entry.
library CodeWitness {
    /// @notice Most codes of one witness.
    uint256 internal constant MAX_CODES = 128;

    /// @dev keccak256 of no bytes.
    bytes32 private constant EMPTY_CODE_HASH = 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470;
    uint256 private constant USED = 1 << 255;
    uint256 private constant ON_L1 = 1 << 254;

    /// @notice More than MAX_CODES codes.
    /// @param count Their number.
    error TooManyCodes(uint256 count);
    /// @notice A code is handed in twice, or empty, or there is no code on L1.
    /// @param hash Its hash; zero where the account on L1 does not exist.
    error SuperfluousCode(bytes32 hash);
    /// @notice The code is needed and not there.
    /// @param hash Its hash.
    error MissingCode(bytes32 hash);
    /// @notice The code is there and nothing needed it.
    /// @param hash Its hash.
    error UnusedCode(bytes32 hash);

    /// @notice Codes at hand, in memory.
    struct Codes {
        bytes32[] hashes;
        /// For each hash where its code is. Bits 0-159: a contract of L1, or in 0-31 where the bytes begin in calldata and
        /// in 32-63 how many they are; 254: it is on L1; 255: used.
        uint256[] places;
    }

    /// @notice Files codes by their hashes. Reverts with TooManyCodes, SuperfluousCode.
    /// @param given Codes handed in.
    /// @param holders Contracts of L1 whose codes are codes of the DAC.
    /// @return codes Where they are found.
    function open(bytes[] calldata given, address[] calldata holders) internal view returns (Codes memory codes) {
        uint256 count = given.length + holders.length;
        if (count > MAX_CODES) revert TooManyCodes(count);
        codes.hashes = new bytes32[](count);
        codes.places = new uint256[](count);
        for (uint256 i = 0; i < given.length; i++) {
            bytes calldata code = given[i];
            uint256 place;
            assembly ("memory-safe") {
                place := or(code.offset, shl(32, code.length))
            }
            _file(codes, i, keccak256(code), place);
        }
        for (uint256 i = 0; i < holders.length; i++) {
            _file(codes, given.length + i, holders[i].codehash, uint256(uint160(holders[i])) | ON_L1);
        }
    }

    /// @notice Where a code is, which is used from now on: on a contract of L1, or a copy of its bytes; neither where it is
    /// not at hand.
    /// @param codes The codes at hand.
    /// @param hash keccak256 of the code.
    /// @return holder The contract.
    /// @return code Its bytes.
    function find(Codes memory codes, bytes32 hash) internal pure returns (address holder, bytes memory code) {
        uint256 index = _find(codes, hash, codes.hashes.length);
        if (index == codes.hashes.length) return (address(0), code);
        uint256 place = codes.places[index];
        codes.places[index] = place | USED;
        if (place & ON_L1 != 0) return (address(uint160(place)), code);
        assembly ("memory-safe") {
            let size := and(shr(32, place), 0xffffffff)
            code := mload(0x40)
            mstore(code, size)
            calldatacopy(add(code, 32), and(place, 0xffffffff), size)
            mstore(0x40, and(add(add(code, size), 63), not(31)))
        }
    }

    /// @notice A copy of a code, which is used from now on. Reverts with MissingCode.
    /// @param codes The codes at hand.
    /// @param hash keccak256 of the code.
    /// @return code Its bytes.
    function load(Codes memory codes, bytes32 hash) internal view returns (bytes memory code) {
        if (hash == EMPTY_CODE_HASH) return code;
        address holder;
        (holder, code) = find(codes, hash);
        if (holder != address(0)) return holder.code;
        if (code.length == 0) revert MissingCode(hash);
    }

    /// @notice Reverts with UnusedCode where a code was not needed.
    /// @param codes The codes at hand.
    function close(Codes memory codes) internal pure {
        for (uint256 i = 0; i < codes.hashes.length; i++) {
            if (codes.places[i] & USED == 0) revert UnusedCode(codes.hashes[i]);
        }
    }

    function _file(Codes memory codes, uint256 index, bytes32 hash, uint256 place) private pure {
        bool isSound = hash != 0 && hash != EMPTY_CODE_HASH && _find(codes, hash, index) == index;
        if (!isSound) revert SuperfluousCode(hash);
        codes.hashes[index] = hash;
        codes.places[index] = place;
    }

    /// @dev Which of the first `count` codes it is; `count` where it is none of them.
    function _find(Codes memory codes, bytes32 hash, uint256 count) private pure returns (uint256 index) {
        while (index < count && codes.hashes[index] != hash) index++;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../../proofs/Rlp.sol";

/// @notice A list of addresses that grows, and what tells at once whether one is in it.
/// @param chainId Identifier of the DAC's chain.
/// @param seed Of the places of addresses among `slots`.
/// @param count Addresses so far.
/// @param list They, in order, in as much room as they may take.
/// @param slots Hash table of them, each with bit 160 set; zero where there is none.
struct Names {
    uint256 chainId;
    uint256 seed;
    uint256 count;
    address[] list;
    uint256[] slots;
}

/// @title NamedAddresses: what a block hands to the address table
/// @notice As `namedAddresses` of packages/protocol/src/batchFormat/named.ts has it: of each transaction that a row with fields can
/// say the account that it goes to; then, of a call of at most 64 whole words, the words from 2^96 to 2^160 - 1; each address once,
/// the first 256.
/// @dev Total on any bytes: names nothing of what is no transaction.
library NamedAddresses {
    /// @notice Most addresses that a block hands over (LIMITS.seenAddresses of packages/protocol).
    uint256 internal constant MAX = 256;
    uint256 private constant FEE_MARKET = 2;
    uint256 private constant MAX_WORDS = 64;
    /// @dev Four for each address, so that a place is found at once.
    uint256 private constant SLOTS = 1024;
    uint256 private constant PLACE_SHIFT = 246;
    uint256 private constant TAKEN = 1 << 160;

    /// @notice Begins with what is known.
    /// @param known Addresses, each once, at most 256.
    /// @param chainId Identifier of the DAC's chain.
    /// @return names The list.
    function open(address[] memory known, uint256 chainId) internal view returns (Names memory names) {
        names.chainId = chainId;
        // who makes a block does not know it, and so cannot choose addresses that all belong to one place
        names.seed = uint256(keccak256(abi.encode(block.prevrandao))) | 1;
        names.list = new address[](MAX);
        names.slots = new uint256[](SLOTS);
        for (uint256 i = 0; i < known.length; i++) {
            _name(names, uint160(known[i]));
        }
    }

    /// @notice The list in the memory that it takes.
    /// @param names The list; not to be added to any more.
    /// @return list Its addresses.
    function close(Names memory names) internal pure returns (address[] memory list) {
        list = names.list;
        uint256 count = names.count;
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }

    /// @notice Adds what a user's transaction names.
    /// @param names The list.
    /// @param start Offset in calldata where its encoding begins.
    /// @param end Offset where it ends, after `start`.
    function add(Names memory names, uint256 start, uint256 end) internal pure {
        if (names.count == MAX) return;
        (bool isSaid, uint256 to, uint256 dataStart, uint256 dataEnd) = _fieldsOf(names.chainId, start, end);
        if (!isSaid) return;
        _name(names, to);
        unchecked {
            // of less than a selector, more than any
            uint256 size = dataEnd - dataStart - 4;
            if (size % 32 != 0 || size > 32 * MAX_WORDS) return;
            for (uint256 place = dataStart + 4; place < dataEnd; place += 32) {
                uint256 word = Rlp.load(place);
                if (word >> 160 == 0 && word >> 96 != 0) _name(names, word);
            }
        }
    }

    function _name(Names memory names, uint256 account) private pure {
        uint256 count = names.count;
        if (count == MAX) return;
        uint256 mark = account | TAKEN;
        uint256[] memory slots = names.slots;
        unchecked {
            uint256 place = (mark * names.seed) >> PLACE_SHIFT;
            for (uint256 found = slots[place]; found != 0; found = slots[place]) {
                if (found == mark) return;
                place = (place + 1) % SLOTS;
            }
            slots[place] = mark;
            names.list[count] = address(uint160(account));
            names.count = count + 1;
        }
    }

    /// @dev What `fieldsOf` of packages/protocol/src/batchFormat/fields.ts reads: type 2 with an empty access list, or legacy with
    /// EIP-155, to an account.
    function _fieldsOf(uint256 chainId, uint256 place, uint256 end)
        private
        pure
        returns (bool isSaid, uint256 to, uint256 dataStart, uint256 dataEnd)
    {
        bool isTyped = Rlp.load(place) >> 248 == FEE_MARKET;
        bool isList;
        (isList, place, end) = Rlp.item(isTyped ? place + 1 : place, end);
        if (!isList || end == 0) return (false, 0, 0, 0);
        uint256 value;
        if (isTyped) {
            (value, place) = _integer(place, end);
            if (value != chainId) return (false, 0, 0, 0);
        }
        // nonce, fees, gas limit
        for (uint256 i = isTyped ? 4 : 3; i != 0; i--) {
            (, place) = _integer(place, end);
        }
        (value, place) = _string(place, end);
        // of 20 bytes there is one form
        if (place == 0 || place - value != 20) return (false, 0, 0, 0);
        to = Rlp.load(value) >> 96;
        (, place) = _integer(place, end);
        (dataStart, place) = _string(place, end);
        dataEnd = place;
        isSaid = _isRestSaid(isTyped, chainId, place, end);
    }

    /// @dev Access list, parity, signature.
    function _isRestSaid(bool isTyped, uint256 chainId, uint256 place, uint256 end) private pure returns (bool) {
        uint256 base = 35 + 2 * chainId;
        if (isTyped) {
            base = 0;
            (bool isList, uint256 start, uint256 next) = place == 0 ? (false, 0, 0) : Rlp.item(place, end);
            if (!isList || next != start) return false;
            place = next;
        }
        uint256 parity;
        (parity, place) = _integer(place, end);
        if (place == 0 || parity < base || parity - base > 1) return false;
        (, place) = _integer(place, end);
        (, place) = _integer(place, end);
        return place != 0;
    }

    /// @dev A byte string; `next` is 0 where there is none, or was none before it.
    function _string(uint256 place, uint256 end) private pure returns (uint256 start, uint256 next) {
        if (place == 0) return (0, 0);
        bool isList;
        (isList, start, next) = Rlp.item(place, end);
        if (isList) next = 0;
    }

    /// @dev A byte string of at most 32 bytes as a number, leading zeros or not.
    function _integer(uint256 place, uint256 end) private pure returns (uint256 value, uint256 next) {
        uint256 start;
        (start, next) = _string(place, end);
        unchecked {
            uint256 size = next - start;
            if (next == 0 || size > 32) return (0, 0);
            if (size != 0) value = Rlp.load(start) >> (256 - 8 * size);
        }
    }
}

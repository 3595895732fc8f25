// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    BUFFER,
    HEAP_BYTES,
    IMAGE,
    INPUT_OBJECT,
    MEMORY_OBJECT,
    PAGE_KNOWN,
    PAGE_MET,
    S_LAST_PAGE,
    S_NEW_PAGES
} from "./SliceLayout.sol";
import {SliceEnd} from "./SliceEnd.sol";

/// @title PagedMemory: the pages that a slice meets of its frame's memory, of its input and of its return data
/// @notice Three objects, each a table of pages. What stands behind an object's pages at the slice's beginning is zeros;
/// a page below that is handed in with its content, or, where the slice overwrites it unread, without.
abstract contract PagedMemory is SliceEnd {
    uint256 private constant PAGE_BYTES = 128;

    /// @dev Meets a range: counts the pages that the slice has not met, then marks them.
    function _meetRange(uint256 object, uint256 offset, uint256 length) internal pure {
        unchecked {
            if (length == 0 || offset > 0xffffffff) return;
            uint256 pages = _wordAt(object + 0x20);
            uint256 first = offset / PAGE_BYTES;
            uint256 end = (offset + length - 1) / PAGE_BYTES + 1;
            if (end > pages) end = pages;
            uint256 count = 0;
            for (uint256 page = first; page < end; page++) {
                uint256 entry = _pageAt(object, page);
                if (entry == 0 || _wordAt(entry) & PAGE_MET == 0) count++;
            }
            if (count == 0) return;
            uint256 levels = 0;
            assembly ("memory-safe") {
                levels := sub(256, clz(sub(pages, 1)))
            }
            _afford(PAGE_BYTES * count + 32 * levels * (count < 2 ? count : 2));
            for (uint256 page = first; page < end; page++) {
                uint256 entry = _pageAt(object, page);
                if (entry == 0) _missingPage(object, page);
                assembly ("memory-safe") {
                    mstore(entry, or(mload(entry), PAGE_MET))
                }
            }
        }
    }

    /// @dev Copies a range that is met to memory of L1.
    function _gather(uint256 object, uint256 offset, uint256 length, uint256 to) internal pure {
        unchecked {
            while (length != 0) {
                uint256 size = _piece(offset, length);
                uint256 entry = _pageAt(object, offset / PAGE_BYTES);
                if (entry == 0) {
                    if (offset / PAGE_BYTES < _wordAt(object + 0x20)) _missingPage(object, offset / PAGE_BYTES);
                    assembly ("memory-safe") {
                        calldatacopy(to, calldatasize(), size)
                    }
                } else {
                    if (_wordAt(entry) & PAGE_KNOWN == 0) _missingPage(object, offset / PAGE_BYTES);
                    assembly ("memory-safe") {
                        mcopy(to, add(add(entry, 0x20), and(offset, 127)), size)
                    }
                }
                offset += size;
                to += size;
                length -= size;
            }
        }
    }

    /// @dev Copies memory of L1 into a range of the frame's memory that is met.
    function _scatter(uint256 offset, uint256 length, uint256 from) internal pure {
        unchecked {
            while (length != 0) {
                uint256 size = _piece(offset, length);
                uint256 entry = _pageToWrite(offset / PAGE_BYTES, size == PAGE_BYTES);
                assembly ("memory-safe") {
                    mcopy(add(add(entry, 0x20), and(offset, 127)), from, size)
                }
                offset += size;
                from += size;
                length -= size;
            }
        }
    }

    /// @dev A page of the frame's memory that is about to be written, wholly or in part.
    function _pageToWrite(uint256 page, bool isWhole) internal pure returns (uint256 entry) {
        entry = _pageAt(MEMORY_OBJECT, page);
        if (entry == 0) return _newPage(page);
        uint256 flags = _wordAt(entry);
        if (flags & PAGE_KNOWN != 0) return entry;
        if (!isWhole) _missingPage(MEMORY_OBJECT, page);
        assembly ("memory-safe") {
            mstore(entry, or(flags, PAGE_KNOWN))
        }
    }

    /// @dev Files a page in its object's table.
    function _filePage(uint256 object, uint256 page, uint256 entry) internal pure {
        uint256 place = (entry - IMAGE) / 32;
        if (place > 0xffff) _outOfRoom();
        assembly ("memory-safe") {
            let at := add(mload(object), shl(1, page))
            mstore8(at, shr(8, place))
            mstore8(add(at, 1), place)
        }
    }

    /// @dev A usable range of memory, met, in one piece.
    function _linear(uint256 offset, uint256 length) internal pure override returns (uint256 place) {
        _gather(MEMORY_OBJECT, offset, length, BUFFER);
        return BUFFER;
    }

    /// @dev The page's entry; 0: there is none.
    function _pageAt(uint256 object, uint256 page) internal pure returns (uint256 entry) {
        assembly ("memory-safe") {
            let place := shr(240, mload(add(mload(object), shl(1, page))))
            if place { entry := add(IMAGE, shl(5, place)) }
        }
    }

    function _wordAt(uint256 place) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(place)
        }
    }

    function _newPage(uint256 page) private pure returns (uint256 entry) {
        if (page < _wordAt(MEMORY_OBJECT + 0x20)) _missingPage(MEMORY_OBJECT, page);
        entry = _allocate(HEAP_BYTES, 0xa0);
        _filePage(MEMORY_OBJECT, page, entry);
        assembly ("memory-safe") {
            mstore(entry, or(or(page, or(PAGE_KNOWN, PAGE_MET)), shl(32, mload(S_LAST_PAGE))))
            mstore(S_LAST_PAGE, entry)
            mstore(S_NEW_PAGES, add(mload(S_NEW_PAGES), 1))
        }
    }

    function _missingPage(uint256 object, uint256 page) private pure {
        _missing(4, object == MEMORY_OBJECT ? 0 : object == INPUT_OBJECT ? 1 : 2, page);
    }

    /// @dev Bytes of a range within its first page.
    function _piece(uint256 offset, uint256 length) private pure returns (uint256 size) {
        unchecked {
            size = PAGE_BYTES - offset % PAGE_BYTES;
            if (length < size) size = length;
        }
    }
}

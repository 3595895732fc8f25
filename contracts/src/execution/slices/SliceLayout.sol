// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Where a slice keeps things in memory, beside what FrameLayout.sol says of handlers, registers, stack and world's header.
// Literals, for assembly takes no others.
//
//   0xc1c0   what is handed in, word for word
//   0xc600   registers of the slice
//   0xc840   tables of pages: two bytes a page, its place behind IMAGE in words; 0: there is none
//   0x1d0e0  buffer for a range of memory in one piece
//   0x2d160  what is handed in, arrays: accounts, slots, hashes, pages, codes; behind them buckets and the heap
//
// A page is a word of flags and number, then its 128 bytes.

// What is handed in, after the environment's ten words. Limits are those of decision 036.
uint256 constant HEADER = 0xc1c0;
uint256 constant HEADER_BYTES = 0x440;
uint256 constant H_GAS_LIMIT = 0xc1c0;
uint256 constant H_BYTE_LIMIT = 0xc1e0;
// Whether the frame is told of the end of one above it.
uint256 constant H_RETURNING = 0xc200;
uint256 constant H_DEPTH = 0xc220;
uint256 constant H_CALLER = 0xc240;
uint256 constant H_VALUE = 0xc260;
uint256 constant H_FLAGS = 0xc280;
uint256 constant H_GAS = 0xc2a0;
uint256 constant H_PC = 0xc2c0;
uint256 constant H_HEIGHT = 0xc2e0;
// Words of the stack that are handed in, those on top.
uint256 constant H_OPENED = 0xc300;
uint256 constant H_MEMORY_SIZE = 0xc320;
uint256 constant H_INPUT_MEMORY = 0xc340;
uint256 constant H_INPUT_OFFSET = 0xc360;
uint256 constant H_INPUT_LENGTH = 0xc380;
// Return data; with an end to be told of, its output.
uint256 constant H_RETURN_MEMORY = 0xc3a0;
uint256 constant H_RETURN_OFFSET = 0xc3c0;
uint256 constant H_RETURN_LENGTH = 0xc3e0;
uint256 constant H_OUT_OFFSET = 0xc400;
uint256 constant H_OUT_LENGTH = 0xc420;
uint256 constant H_MADE = 0xc440;
uint256 constant H_END_STATUS = 0xc460;
uint256 constant H_END_GAS = 0xc480;
uint256 constant H_REFUND = 0xc4a0;
uint256 constant H_LOGS = 0xc4c0;
uint256 constant H_LOG_BYTES = 0xc4e0;
uint256 constant H_LOG_COUNT = 0xc500;
uint256 constant H_CODE_SIZE = 0xc520;
// Lengths of the arrays, of the codes in bytes.
uint256 constant H_ACCOUNTS = 0xc540;
uint256 constant H_SLOTS = 0xc560;
uint256 constant H_HASHES = 0xc580;
uint256 constant H_PAGES = 0xc5a0;
uint256 constant H_CODE_BYTES = 0xc5c0;
uint256 constant H_SALT = 0xc5e0;

// The machine word before the step under way, and before the slice's first.
uint256 constant S_BEFORE = 0xc600;
uint256 constant S_START = 0xc620;
// Gas, in its place, below which the slice ends.
uint256 constant S_THRESHOLD = 0xc640;
// Bytes of the stack that are not handed in, in the place of its top.
uint256 constant S_FLOOR = 0xc660;
// Bytes of evidence so far.
uint256 constant S_BYTES = 0xc680;
uint256 constant S_ACCOUNTS = 0xc6a0;
uint256 constant S_SLOTS = 0xc6c0;
uint256 constant S_PAGES = 0xc6e0;
// The page made last, and how many were made.
uint256 constant S_LAST_PAGE = 0xc700;
uint256 constant S_NEW_PAGES = 0xc720;
// Whether return data stand in one piece, given by a step of this slice.
uint256 constant S_OWNS_RETURN = 0xc740;
// Of memory, input and return data: where the table would have page 0, and pages at the slice's beginning.
uint256 constant MEMORY_OBJECT = 0xc760;
uint256 constant INPUT_OBJECT = 0xc7a0;
uint256 constant RETURN_OBJECT = 0xc7e0;
uint256 constant MEMORY_TABLE = 0xc840;
uint256 constant INPUT_TABLE = 0x1c840;
uint256 constant RETURN_TABLE = 0x1cc80;
uint256 constant BUFFER = 0x1d0e0;
uint256 constant IMAGE = 0x2d160;
// Offset in calldata of the arrays.
uint256 constant ARRAYS = 0x584;

// Page flags: number in bits 0 to 15, object in 16 and 17.
uint256 constant PAGE_KNOWN = 0x1000000;
uint256 constant PAGE_MET = 0x2000000;
// Flags of accounts and slots beside those of FrameLayout.sol.
uint256 constant MET = 0x0100000000000000000000000000000000000000000000;
uint256 constant CODE_MET = 0x0200000000000000000000000000000000000000000000;
uint256 constant HEAP_BYTES = 4;

// How a slice ended, beside REVERTED, SUCCEEDED and HALTED: at a limit; with the beginning of a frame.
uint256 constant STOPPED = 3;
uint256 constant CALLED = 4;

// Frame flags; static is 1, creation 2.
uint256 constant MOVES_VALUE = 4;
uint256 constant IS_FRESH = 8;

// Decision 036.
uint256 constant ITEM_BYTES = 8000;
uint256 constant CODE_BYTES = 24576;

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Where an L1 frame that runs one L2 frame keeps things in memory. Literals, for assembly takes no others.
//
//   0x0000  handler table, a word for each opcode
//   0x2000  registers of the frame
//   0x2400  destinations of jumps that were hard to decide, a bit for each byte of code
//   0x3c20  L2 stack, 1,024 words and the sentinel
//   0xbc40  what a call hands to the frame that it makes: selector, parameters, then without a gap
//   0xbe60  the world: header, tables, heap
//   after it  L2 memory; behind that, what is staged for a call
//
// Program counters are offsets in calldata: a frame's code stands at the end of it, so that zeros follow.

// Registers.
uint256 constant SCRATCH = 0x2000;
uint256 constant R_MEMORY = 0x2080;
uint256 constant R_MEMORY_SIZE = 0x20a0;
uint256 constant R_MEMORY_LIMIT = 0x20c0;
uint256 constant R_MEMORY_GAS = 0x20e0;
uint256 constant R_DIRTY = 0x2100;
uint256 constant R_CODE = 0x2120;
uint256 constant R_CODE_SIZE = 0x2140;
uint256 constant R_INPUT = 0x2160;
uint256 constant R_INPUT_SIZE = 0x2180;
uint256 constant R_RETURN = 0x21a0;
uint256 constant R_RETURN_SIZE = 0x21c0;
uint256 constant R_CALLER = 0x21e0;
uint256 constant R_VALUE = 0x2200;
uint256 constant R_SELF = 0x2220;
uint256 constant R_ACCOUNT = 0x2240;
uint256 constant R_STATIC = 0x2260;
uint256 constant R_CREATION = 0x2280;
uint256 constant R_DEPTH = 0x22a0;
uint256 constant R_SENTINEL = 0x22c0;
uint256 constant R_LANDING = 0x22e0;
uint256 constant R_SCANNED = 0x2300;
// Of a call or creation in the making.
uint256 constant R_TARGET = 0x2320;
uint256 constant R_RUNS = 0x2340;
uint256 constant JUMP_MAP = 0x2400;

// Stack: the address of the top word of an empty one, and of the word behind 1,024.
uint256 constant EMPTY_STACK = 0x3c00;
uint256 constant STACK_END = 0xbc20;

// Parameters of a frame; in calldata they stand 4 bytes behind the start.
uint256 constant P_SELECTOR = 0xbc40;
uint256 constant PARAMETERS = 0xbc60;
uint256 constant P_GAS = 0xbc60;
uint256 constant P_CALLER = 0xbc80;
uint256 constant P_ACCOUNT = 0xbca0;
uint256 constant P_VALUE = 0xbcc0;
uint256 constant P_STATIC = 0xbce0;
uint256 constant P_CREATION = 0xbd00;
uint256 constant P_DEPTH = 0xbd20;
uint256 constant P_INPUT = 0xbd40;
uint256 constant P_INPUT_SIZE = 0xbd60;
uint256 constant P_CODE = 0xbd80;
uint256 constant P_CODE_SIZE = 0xbda0;
uint256 constant P_FROM = 0xbdc0;
// Offset of a parameter in calldata less its address: 4 - PARAMETERS, modulo 2^256.
uint256 constant TO_CALLDATA = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff43a4;

// The world's header. The first two words are also what a failed frame gives back, its output behind them.
uint256 constant WORLD = 0xbe60;
uint256 constant W_STATUS = 0xbe60;
uint256 constant W_GAS = 0xbe80;
uint256 constant W_USED = 0xbea0;
uint256 constant W_REFUND = 0xbec0;
uint256 constant W_LOG_BYTES = 0xbee0;
uint256 constant W_TIMESTAMP = 0xbf00;
uint256 constant W_NUMBER = 0xbf20;
uint256 constant W_BASE_FEE = 0xbf40;
uint256 constant W_GAS_LIMIT = 0xbf60;
uint256 constant W_PREV_RANDAO = 0xbf80;
uint256 constant W_CHAIN_ID = 0xbfa0;
uint256 constant W_COINBASE = 0xbfc0;
uint256 constant W_GAS_PRICE = 0xbfe0;
uint256 constant W_ORIGIN = 0xc000;
uint256 constant W_DENIED = 0xc020;
uint256 constant W_ACCOUNT_BUCKETS = 0xc040;
uint256 constant W_ACCOUNT_SHIFT = 0xc060;
uint256 constant W_SLOT_BUCKETS = 0xc080;
uint256 constant W_SLOT_SHIFT = 0xc0a0;
uint256 constant W_SALT = 0xc0c0;
uint256 constant W_HASHES = 0xc0e0;
uint256 constant W_HASH_COUNT = 0xc100;
uint256 constant W_SLOT_ROOM = 0xc120;
uint256 constant W_HEAP_END = 0xc140;
uint256 constant W_HEAP = 0xc160;
uint256 constant W_ACCOUNTS = 0xc180;
uint256 constant W_ACCOUNT_COUNT = 0xc1a0;
uint256 constant WORLD_TABLES = 0xc1c0;

// How a frame ended.
uint256 constant REVERTED = 0;
uint256 constant SUCCEEDED = 1;
uint256 constant HALTED = 2;

// The machine word that goes from handler to handler, high bits first: 24 bits address of the stack's top word, 32 bits
// program counter, 64 bits gas; what is below is of no meaning. Gas has GAS_BIAS on it, so that gas which is overdrawn
// until the next check borrows nothing from the program counter.
uint256 constant STACK_SHIFT = 232;
uint256 constant PC_SHIFT = 200;
uint256 constant GAS_SHIFT = 136;
uint256 constant PC_MASK = 0xffffffff;
uint256 constant GAS_MASK = 0xffffffffffffffff;
uint256 constant GAS_BIAS = 0x10000000000;
// GAS_BIAS in its place.
uint256 constant GAS_THERE = 0x00100000000000000000000000000000000000000000000;

// Accounts: 5 words, address with flags, balance, nonce, code hash, code. Code is its size and where it is: an address on
// L1, or a place in the world, which is below 2^32; 0: not handed in.
uint256 constant ACCOUNT_BYTES = 0xa0;
uint256 constant ADDRESS_MASK = 0x00ffffffffffffffffffffffffffffffffffffffff;
uint256 constant SIZE_SHIFT = 160;
uint256 constant KNOWN = 0x0010000000000000000000000000000000000000000;
uint256 constant WARM = 0x0020000000000000000000000000000000000000000;
uint256 constant EXISTED = 0x0040000000000000000000000000000000000000000;
uint256 constant HAS_STORAGE = 0x0080000000000000000000000000000000000000000;
uint256 constant CREATED = 0x00100000000000000000000000000000000000000000;
uint256 constant DESTROYED = 0x00200000000000000000000000000000000000000000;
uint256 constant TOUCHED = 0x00400000000000000000000000000000000000000000;
// Slots: 4 words, address with flags, key, value before the transaction, value. Transient ones are told by a flag.
uint256 constant TRANSIENT = 0x00800000000000000000000000000000000000000000;
uint256 constant SLOT_IDENTITY = 0x0080ffffffffffffffffffffffffffffffffffffffff;
// Kinds of what stands on the heap: a header of kind and bytes, then the bytes, in whole words.
uint256 constant KIND_SHIFT = 248;
// Bytes between heap and L2 memory: the last log's encoding may write zeros so far beyond its end.
uint256 constant HEAP_MARGIN = 0x20;
uint256 constant HEAP_CODE = 1;
uint256 constant HEAP_LOG = 2;
uint256 constant HEAP_SLOT = 3;

uint256 constant EMPTY_CODE_HASH = 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470;

// LIMITS of packages/protocol/src/parameters.ts (decision 020).
uint256 constant RANGE_BYTES = 65536;
uint256 constant RECEIPT_LOG_BYTES = 57056;
uint256 constant PRECOMPILE_GAS = 8000000;

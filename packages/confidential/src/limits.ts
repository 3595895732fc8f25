/** Every bound of the private swarm, with its unit and its reason. Nothing that a peer sends makes a node hold or keep more than these allow. */

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Largest block, in bytes: a leaf of UnixFS's profile of 2025 is as large, and bitswap elsewhere takes no larger one. */
export const MAX_BLOCK_BYTES = MIB;
/** Links of a node, as the same profile makes them; 1,024 links take some 50 KiB. */
export const MAX_LINKS = 1024;
/** Levels of nodes above the leaves: three hold a pebibyte. Bounds the links that wait while a tree is walked. */
export const MAX_DEPTH = 4;
/** Largest object, in bytes of ciphertext; its pin has 32 bytes for each of its blocks, in one record. */
export const MAX_OBJECT_BYTES = 16 * GIB;
/** What a block counts beyond its own bytes, so that a tree of tiny blocks does not fill the disk with files. */
export const BLOCK_OVERHEAD_BYTES = 4 * KIB;

/** Blocks that are read or asked for at one time for one object. */
export const BLOCKS_AT_A_TIME = 4;
/** Blocks that are written at one time for one object: each waits for the disk. */
export const WRITES_AT_A_TIME = 8;
/** Blocks that came from peers last, in bytes; the oldest goes. */
export const MAX_TRANSIT_BYTES = 8 * MIB;
/** Time for a block to come, in milliseconds; without one, a block that nobody has is waited for for ever. */
export const BLOCK_TIMEOUT_MS = 40_000;
/** Attempts that share that time. */
export const REQUEST_ATTEMPTS = 4;
/** Time for telling a peer that a request is over, in milliseconds. */
export const CANCEL_TIMEOUT_MS = 2_000;
/** Blocks that are asked of a peer at one time, by all that a node does. */
export const MAX_REQUESTS_PER_PEER = 8;

/**
 * Wanted blocks that a node notes for a peer: twice what an honest one asks for. It loads them all into one answer, so this times MAX_BLOCK_BYTES is what a
 * peer makes it hold.
 */
export const MAX_WANTS_PER_PEER = 16;
/** Time after which a block is sent again to who asks for it again, in milliseconds. */
export const RESEND_AFTER_MS = 1;
/** Looks at a peer's wants that may wait for the one that goes on. */
export const MAX_SENDS_WAITING = 64;
/** Peers are asked at this interval whether they are still there, in milliseconds. */
export const SWARM_PING_INTERVAL_MS = 30_000;
/** Time for their answer, in milliseconds: one that is only busy sending blocks is not to lose its connection. */
export const SWARM_PING_TIMEOUT_MS = 20_000;
/** Largest bitswap message, in bytes: a block and what goes with it. */
export const MAX_SWARM_MESSAGE_BYTES = 2 * MIB;
/** Bitswap streams of a connection at one time, each way. */
export const MAX_SWARM_STREAMS = 32;
/** Receive window of one stream, in bytes; below the 4 MiB at which a paused stream would be reset. */
export const MAX_SWARM_WINDOW_BYTES = 2 * MIB;

/** Open connections: a DAC has a few hosts, a host some dozens of DACs. */
export const MAX_SWARM_CONNECTIONS = 128;
/** Connections that may be in their handshake at one time. */
export const MAX_SWARM_PENDING_CONNECTIONS = 16;
/** New connections a second that one host may open: those of a test network share one. */
export const MAX_SWARM_CONNECTIONS_PER_SECOND = 64;
/** Time for one connection to be made, in milliseconds. */
export const DIAL_TIMEOUT_MS = 10_000;
/** Peers of a swarm, and addresses of one. */
export const MAX_SWARM_PEERS = 1024;
export const MAX_ADDRESSES_PER_PEER = 16;

/**
 * Every bound of the network layer, with its unit and its reason. Nothing that a peer sends makes a node hold more than
 * these allow.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Largest gossip message, in bytes: a block with its results fits, a flood of them does not fill a mesh link. */
export const MAX_GOSSIP_BYTES = 3 * MIB;
/**
 * Largest gossip frame, in bytes. One frame may answer for several missed messages at once, so it is wider than one
 * message; a length prefix above it is a protocol violation.
 */
export const MAX_GOSSIP_FRAME_BYTES = 16 * MIB;
/** Gossip bytes that may wait for one slow peer before its gossip stream is dropped. */
export const MAX_GOSSIP_QUEUED_BYTES = 64 * MIB;
/** Longest topic name, in UTF-16 units. */
export const MAX_TOPIC_LENGTH = 256;
/** Validations that may run at one time for what one peer sent; more of its messages are ignored meanwhile. */
export const MAX_VALIDATIONS_PER_PEER = 128;
/** A validator that has not answered by then counts as one that ignored the message, in milliseconds. */
export const VALIDATION_TIMEOUT_MS = 10_000;

/** Largest request or response, in bytes. */
export const MAX_MESSAGE_BYTES = 8 * MIB;
/** Bytes of the text that goes with a refusal. */
export const MAX_REFUSAL_BYTES = 256;
/** Requests of ours that may wait for one peer on one protocol; the next one fails with "busy" without being sent. */
export const MAX_PENDING_REQUESTS = 256;
/** Requests given up by us whose answer is still due; a stream that owes more of them is reset. */
export const MAX_ABANDONED_REQUESTS = 1024;
/** Bytes of unfinished requests that a node holds for all its peers together; beyond, requests are answered "busy". */
export const MAX_INBOUND_BYTES = 256 * MIB;
/** Answers that may wait to be written on one stream before the node stops reading from it. */
export const MAX_QUEUED_ANSWERS = 256;
/** Streams that one peer may have open to us on one protocol: one in use and one that replaces it. */
export const MAX_INBOUND_STREAMS = 2;
/** Bytes given to a stream at one time between two looks at its back-pressure. */
export const WRITE_CHUNK_BYTES = 64 * KIB;
/** Time for opening a stream, dialling included, in milliseconds. */
export const OPEN_TIMEOUT_MS = 10_000;
/** Time for saying good-bye to all peers when a node stops, in milliseconds. */
export const STOP_TIMEOUT_MS = 1_000;
/** Receive window of one stream, in bytes; below the 4 MiB at which a paused stream would be reset. */
export const MAX_STREAM_WINDOW_BYTES = 2 * MIB;

/** New connections a second that one host may open: many nodes of a test network share one. */
export const MAX_CONNECTIONS_PER_SECOND = 256;
/** Connections that may be in their handshake at one time. */
export const MAX_PENDING_CONNECTIONS = 64;
/** Open connections; above it the least useful ones are closed. */
export const MAX_CONNECTIONS = 300;
/** Peers are asked at this interval whether they are still there, in milliseconds. */
export const PING_INTERVAL_MS = 30_000;
/** Time for their answer, in milliseconds: a connection that is given up for a peer that is only busy makes it busier. */
export const PING_TIMEOUT_MS = 10_000;
/** Bootstrap peers that are not connected are dialled again at this interval, in milliseconds. */
export const BOOTSTRAP_INTERVAL_MS = 2_000;
/** Addresses in the list of bootstrap peers. */
export const MAX_BOOTSTRAP_ADDRESSES = 64;

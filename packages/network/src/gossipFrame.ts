import { ProtocolViolation } from "./frames.ts";

/**
 * Looks whether bytes are a gossipsub RPC as the network allows it, without decoding it: well-formed protobuf at the
 * two outer levels, and messages that carry data and topic alone (gossipsub's StrictNoSign). The router itself only
 * drops what it cannot decode, and never says who sent it.
 *
 *     RPC { 1: subscription*, 2: message*, 3: control }   message { 2: data, 4: topic }; 1, 3, 5, 6 would be signed
 *
 * Unknown fields are allowed: they are how protobuf grows. Source: libp2p specs, pubsub/README.md "The RPC".
 */
export function checkGossipFrame(bytes: Uint8Array): void {
  for (const field of fieldsOf(bytes)) {
    if (field.number < 1 || field.number > 3) continue;
    if (field.content === null) throw new ProtocolViolation(`gossip field ${field.number} is not a message`);
    if (field.number === 2) checkMessage(field.content);
  }
}

const MESSAGE_DATA = 2;
const MESSAGE_TOPIC = 4;
const SIGNED_FIELDS: readonly number[] = [1, 3, 5, 6];

function checkMessage(bytes: Uint8Array): void {
  let topics = 0;
  for (const { number, content } of fieldsOf(bytes)) {
    if (SIGNED_FIELDS.includes(number))
      throw new ProtocolViolation(`gossip message with field ${number} of signed ones`);
    if ((number === MESSAGE_DATA || number === MESSAGE_TOPIC) && content === null) {
      throw new ProtocolViolation(`gossip message's field ${number} is not bytes`);
    }
    if (number === MESSAGE_TOPIC) topics++;
  }
  if (topics === 0) throw new ProtocolViolation("gossip message without a topic");
}

type Field = {
  readonly number: number /** null for a field that is not length-delimited */;
  readonly content: Uint8Array | null;
};

const FIXED_SIZES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** Lengths and field numbers stay within 32 bits, a plain value may use ten bytes. */
const MAX_VARINT_BYTES = 10;

function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = bytes[offset++];
      if (byte === undefined) throw new ProtocolViolation("gossip frame is cut short");
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new ProtocolViolation("gossip frame with an endless number");
  };
  while (offset < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === VARINT) {
      varint();
      yield { number, content: null };
      continue;
    }
    const size = wireType === LENGTH_DELIMITED ? varint() : FIXED_SIZES[wireType];
    if (size === undefined) throw new ProtocolViolation(`gossip frame with wire type ${wireType}`);
    if (offset + size > bytes.length) throw new ProtocolViolation("gossip frame is cut short");
    yield { number, content: wireType === LENGTH_DELIMITED ? bytes.subarray(offset, offset + size) : null };
    offset += size;
  }
}

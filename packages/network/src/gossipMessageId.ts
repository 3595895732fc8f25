import { createHash } from "node:crypto";

/** 20 bytes of SHA-256 over topic and data: the same message on two topics is two messages. */
export function gossipMessageId(topic: string, data: Uint8Array): Uint8Array {
  const name = Buffer.from(topic, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return createHash("sha256").update(length).update(name).update(data).digest().subarray(0, 20);
}

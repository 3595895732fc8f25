/**
 * Takes back what was asked of a peer. Helia's bitswap never does: its peer remembers each want, answers a second one for a block that it has sent or does not have with silence,
 * and so could be asked for a block once only.
 */
import type { PeerId } from "@libp2p/interface";
import type { CID } from "multiformats/cid";
import type { SwarmNode } from "./swarmNode.ts";

const PROTOCOL = "/ipfs/bitswap/1.2.0";
/** Protobuf tags of bitswap 1.2's Message.wantlist, Wantlist.entries, Entry.block and Entry.cancel. */
const [WANTLIST, ENTRY, BLOCK, CANCEL] = [0x0a, 0x0a, 0x0a, 0x18] as const;

/** An unsigned LEB128 number. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** A bitswap message with its length before it, that cancels these wants. */
function cancelMessage(cids: readonly CID[]): Uint8Array {
  const entries = cids.flatMap(({ bytes }) => {
    const entry = [BLOCK, ...varint(bytes.length), ...bytes, CANCEL, 1];
    return [ENTRY, ...varint(entry.length), ...entry];
  });
  const message = [WANTLIST, ...varint(entries.length), ...entries];
  return Uint8Array.from([...varint(message.length), ...message]);
}

/** Sends a cancellation. Throws what libp2p throws. */
export async function sendCancel(
  node: SwarmNode,
  peer: PeerId,
  cids: readonly CID[],
  signal: AbortSignal,
): Promise<void> {
  const stream = await node.libp2p.dialProtocol(peer, PROTOCOL, { signal });
  try {
    stream.send(cancelMessage(cids));
    await stream.close({ signal });
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

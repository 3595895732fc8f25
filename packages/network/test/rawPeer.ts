import { identify } from "@libp2p/identify";
import type { Libp2p, Stream } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import type { PeerId } from "@mvm/protocol";
import { createLibp2p } from "libp2p";
import type { Network } from "../src/index.ts";

/** A libp2p node without any of this package's manners, for sending what a correct one never would. */
export type RawPeer = {
  readonly node: Libp2p;
  readonly peerId: PeerId;
  /** opens a stream to the network under test, connecting first */
  open(target: Network, protocol: string): Promise<Stream>;
};

export async function rawPeer(): Promise<RawPeer> {
  const node = await createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  });
  return {
    node,
    peerId: node.peerId.toString() as PeerId,
    open: (target, protocol) => node.dialProtocol(multiaddr(target.addresses[0]!), protocol),
  };
}

/** A frame as src/frames.ts describes it, built by hand. */
export function frame(type: number, id: number, payload: Uint8Array, length = payload.length): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint8(4, type);
  view.setUint32(5, id);
  bytes.set(payload, 9);
  return bytes;
}

/** Collects what a stream brings. */
export function received(stream: Stream): { bytes: Uint8Array } {
  const got = { bytes: new Uint8Array(0) };
  stream.addEventListener("message", ({ data }) => {
    const piece = data instanceof Uint8Array ? data : data.subarray();
    got.bytes = Uint8Array.from([...got.bytes, ...piece]);
  });
  return got;
}

import type { PeerId } from "@libp2p/interface";
import type { CID } from "multiformats/cid";
import { sendCancel } from "./bitswapCancel.ts";
import { ConfidentialError } from "./errors.ts";
import type { Lifetime } from "./lifetime.ts";
import { CANCEL_TIMEOUT_MS, MAX_REQUESTS_PER_PEER, REQUEST_ATTEMPTS } from "./limits.ts";
import type { SwarmBlocks } from "./swarmBlocks.ts";
import type { SwarmNode } from "./swarmNode.ts";

type Peer = { readonly id: PeerId; requests: number; over: CID[] };

/**
 * Asks peers for blocks, one peer at a time: a want that is broadcast, as Helia does it by itself, is answered with the block by everybody who has it. Who does not have
 * it says so, and the next one is asked. A message that bitswap drops (it promises nothing) leaves silence, after which the same peers are asked again.
 */
export class BlockRequests {
  readonly #node: SwarmNode;
  readonly #blocks: SwarmBlocks;
  readonly #lifetime: Lifetime;
  readonly #timeoutMs: number;
  /** requests under way, by peer */
  readonly #underWay = new Map<string, Peer>();
  readonly #waiting: (() => void)[] = [];

  /** @param options.timeoutMs for a peer to send a block, all attempts together */
  constructor(options: {
    readonly node: SwarmNode;
    readonly blocks: SwarmBlocks;
    readonly lifetime: Lifetime;
    readonly timeoutMs: number;
  }) {
    this.#node = options.node;
    this.#blocks = options.blocks;
    this.#lifetime = options.lifetime;
    this.#timeoutMs = options.timeoutMs;
  }

  /** A block's bytes, verified. @throws ConfidentialError "block-missing", and what the caller's signal and the lifetime say */
  async read(cid: CID, caller: AbortSignal): Promise<Uint8Array> {
    const running = this.#lifetime.signal(caller);
    const recent = this.#blocks.recent(cid);
    if (recent !== null) return recent;
    const failures: unknown[] = [];
    for (let attempt = 0; attempt < REQUEST_ATTEMPTS; attempt++) {
      let wasSilent = false;
      const asked = new Set<string>();
      for (
        let peer = await this.#freePeer(asked, running);
        peer !== null;
        peer = await this.#freePeer(asked, running)
      ) {
        asked.add(peer.id.toString());
        const patience = this.#lifetime.signal(running, this.#timeoutMs / REQUEST_ATTEMPTS);
        try {
          return await this.#ask(peer, cid, patience);
        } catch (cause) {
          failures.push(cause);
          wasSilent ||= patience.aborted;
        }
      }
      if (!wasSilent || running.aborted) break;
    }
    const cause = new AggregateError(failures);
    throw this.#lifetime.failure(cause, caller, () => {
      return new ConfidentialError("block-missing", "no peer has sent the block", { cid: cid.toString() }, cause);
    });
  }

  async #ask(peer: Peer, cid: CID, signal: AbortSignal): Promise<Uint8Array> {
    try {
      const bytes = await this.#node.request(cid, peer.id, signal);
      this.#blocks.accept(cid, bytes);
      return bytes;
    } finally {
      peer.over.push(cid);
      this.#release(peer);
      await this.#forgetOver(peer);
    }
  }

  /** Has the peer forget requests that are over, several at a time where others go on. */
  async #forgetOver(peer: Peer): Promise<void> {
    if (peer.requests > 0 && peer.over.length < MAX_REQUESTS_PER_PEER) return;
    const over = peer.over.splice(0);
    try {
      await sendCancel(this.#node, peer.id, over, AbortSignal.timeout(CANCEL_TIMEOUT_MS));
    } catch {
      // the connection is gone, and what the peer remembers with it; or this is one of the messages that get lost
    }
  }

  /** Waits for one of the connected peers that were not asked yet to have room for a request, and takes the room; null where there is none. */
  async #freePeer(asked: ReadonlySet<string>, signal: AbortSignal): Promise<Peer | null> {
    for (;;) {
      const left = this.#node.libp2p.getPeers().filter((id) => !asked.has(id.toString()));
      if (left.length === 0 || signal.aborted) return null;
      const load = (id: PeerId): number => this.#underWay.get(id.toString())?.requests ?? 0;
      const id = left.reduce((best, other) => (load(other) < load(best) ? other : best));
      if (load(id) < MAX_REQUESTS_PER_PEER) {
        const peer = this.#underWay.get(id.toString()) ?? { id, requests: 0, over: [] };
        peer.requests++;
        this.#underWay.set(id.toString(), peer);
        return peer;
      }
      await this.#room(signal);
    }
  }

  async #room(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const wake = (): void => resolve();
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
  }

  #release(peer: Peer): void {
    peer.requests--;
    if (peer.requests === 0) this.#underWay.delete(peer.id.toString());
    // each looks for itself whether the room is one for it
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

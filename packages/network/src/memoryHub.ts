import type { PeerId } from "@mvm/protocol";
import type { MemoryNetwork } from "./memoryNetwork.ts";
import { type Scheduler, systemScheduler } from "./scheduler.ts";

/** What becomes of one message on its way from one peer to another. */
export type Transit = { readonly delayMs: number } | "lost";

/** Decides a message's transit; a seeded one makes a run with loss and latency repeatable. */
export type LinkModel = (from: PeerId, to: PeerId, kind: "gossip" | "request" | "response") => Transit;

export type MemoryHubOptions = {
  /** where all of the hub's time comes from; systemScheduler if absent */
  readonly scheduler?: Scheduler;
  /** no loss and no delay if absent */
  readonly link?: LinkModel;
};

const PERFECT_LINK: LinkModel = () => ({ delayMs: 0 });

/** The one wire between in-memory networks of the same process. Deterministic if its scheduler and link model are. */
export class MemoryHub {
  readonly scheduler: Scheduler;
  readonly #link: LinkModel;
  readonly #nodes = new Map<PeerId, MemoryNetwork>();

  constructor(options: MemoryHubOptions = {}) {
    this.scheduler = options.scheduler ?? systemScheduler;
    this.#link = options.link ?? PERFECT_LINK;
  }

  /** The running node of that name. */
  node(peer: PeerId): MemoryNetwork | undefined {
    return this.#nodes.get(peer);
  }

  /** Throws a plain Error if a node of that name runs already. */
  join(node: MemoryNetwork): void {
    if (this.#nodes.has(node.peerId)) throw new Error(`${node.peerId} runs already`);
    this.#nodes.set(node.peerId, node);
    for (const other of [...this.#nodes.values()]) {
      if (other.bootstrap.includes(node.peerId)) this.connect(other, node.peerId);
      if (node.bootstrap.includes(other.peerId)) this.connect(node, other.peerId);
    }
  }

  leave(node: MemoryNetwork): void {
    for (const peer of node.peers()) this.disconnect(node.peerId, peer);
    this.#nodes.delete(node.peerId);
  }

  /** Connects two running nodes unless one refuses the other; says whether they are connected. */
  connect(node: MemoryNetwork, peer: PeerId): boolean {
    const other = this.#nodes.get(peer);
    if (other === undefined || other === node) return false;
    if (node.isConnected(peer)) return true;
    if (node.isBanned(peer) || other.isBanned(node.peerId)) return false;
    node.onConnected(peer);
    other.onConnected(node.peerId);
    return true;
  }

  disconnect(left: PeerId, right: PeerId): void {
    this.#nodes.get(left)?.onDisconnected(right);
    this.#nodes.get(right)?.onDisconnected(left);
  }

  /** Carries a message: runs `deliver` with the receiver after the transit, if both ends are still connected then. */
  carry(
    from: PeerId,
    to: PeerId,
    kind: "gossip" | "request" | "response",
    deliver: (receiver: MemoryNetwork) => void,
  ): void {
    const transit = this.#link(from, to, kind);
    if (transit === "lost") return;
    this.scheduler.schedule(transit.delayMs, () => {
      const receiver = this.#nodes.get(to);
      if (receiver?.isConnected(from)) deliver(receiver);
    });
  }
}

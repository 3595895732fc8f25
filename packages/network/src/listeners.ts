import type { NetworkEvent, NetworkListener } from "./network.ts";

/** The listeners of one node. */
export class Listeners {
  readonly #listeners = new Set<NetworkListener>();

  readonly emit = (event: NetworkEvent): void => {
    for (const listener of [...this.#listeners]) listener(event);
  };

  add(listener: NetworkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
